"""Reading long plain lists: the stored values of every cell and the merged ranges, nothing of looks and formulas.

Twenty thousand rows take a fraction of a second, where the full reader (workbook.py) takes ten. Hidden columns and
comments are not seen: fit for lists of people, not for rosters that offices dress up.
"""

import io
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from branches.intake.shapes import CellValue, Grid, Merge, Position, RawCell, Workbook, cell_ref
from branches.intake.uploads import MEGABYTE, RefusedUpload, UploadLimits, check_upload

LONG_LISTS = UploadLimits(size=20 * MEGABYTE, inflated=300 * MEGABYTE, tags=8_000_000)
MAXIMUM_ROWS = 60_000
MAXIMUM_COLUMNS = 100
MAXIMUM_SHEETS = 60
_ERRORS = frozenset({"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA"})


def read_plain(name: str, data: bytes, limits: UploadLimits = LONG_LISTS) -> Workbook:
    """Check and read a workbook of plain lists.

    Raises RefusedUpload with a Chinese sentence when it is refused, damaged or too large.
    """
    check_upload(name, data, limits)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
            seen = {sheet.name: sheet.visible for sheet in book.sheets_metadata}
            if len(book.sheet_names) > MAXIMUM_SHEETS:
                raise RefusedUpload(f"工作表太多（{len(book.sheet_names)} 张，最多 {MAXIMUM_SHEETS} 张）。")
            sheets = tuple(_grid(book, one, seen[one] is not SheetVisibleEnum.Visible) for one in book.sheet_names)
    except (CalamineError, OSError, ValueError, IndexError) as error:
        if isinstance(error, RefusedUpload):
            raise
        raise RefusedUpload("文件已损坏或不完整，打不开。请重新保存或重新传送。") from error
    if not sheets:
        raise RefusedUpload("工作簿里没有工作表。")
    return Workbook(name, sheets)


def _grid(book: CalamineWorkbook, name: str, hidden: bool) -> Grid:
    sheet = book.get_sheet_by_name(name)
    if sheet.end is not None and (sheet.end[0] >= MAXIMUM_ROWS or sheet.end[1] >= MAXIMUM_COLUMNS):
        corner = cell_ref(sheet.end[0] + 1, sheet.end[1] + 1)
        raise RefusedUpload(
            f"工作表“{name}”太大：有内容的单元格到了{corner}，最多 {MAXIMUM_ROWS} 行、{MAXIMUM_COLUMNS} 列。"
        )
    cells: dict[Position, RawCell] = {}
    for row, values in enumerate(sheet.to_python(skip_empty_area=False), start=1):
        for column, value in enumerate(values, start=1):
            if value != "" and value is not None:
                cells[row, column] = _cell(value, row, column)
    ranges = sheet.merged_cell_ranges or ()
    merges = tuple(Merge(top + 1, left + 1, bottom + 1, right + 1) for (top, left), (bottom, right) in ranges)
    return Grid(name=name, cells=cells, merges=merges, hidden=hidden)


def _cell(value: Any, row: int, column: int) -> RawCell:
    kept: CellValue = value
    if isinstance(value, str):
        return RawCell(value, "General", "e" if value in _ERRORS else "s", cell_ref(row, column))
    if isinstance(value, bool):
        return RawCell(kept, "General", "b", cell_ref(row, column))
    if isinstance(value, int | float):
        return RawCell(kept, "General", "n", cell_ref(row, column))
    return RawCell(kept, "yyyy-mm-dd", "d", cell_ref(row, column))
