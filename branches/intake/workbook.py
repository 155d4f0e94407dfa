"""Reading .xlsx and .xls into neutral grids. Call `check_upload` first; `read_workbook` does so itself."""

import datetime as dt
import io
import re
import warnings
from collections.abc import Iterable
from typing import Any

import openpyxl
import xlrd
from openpyxl.cell.cell import Cell, MergedCell
from openpyxl.worksheet.worksheet import Worksheet

from branches.intake.shapes import CellValue, Grid, Merge, Position, RawCell, Workbook, cell_ref
from branches.intake.uploads import DEFAULT_LIMITS, Kind, RefusedUpload, UploadLimits, check_upload

MAXIMUM_ROWS = 20_000
MAXIMUM_COLUMNS = 200
MAXIMUM_SHEETS = 60
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_DAMAGED = "文件已损坏或不完整，打不开。请重新保存或重新传送。"
_XLS_TYPES = {
    xlrd.XL_CELL_TEXT: "s",
    xlrd.XL_CELL_NUMBER: "n",
    xlrd.XL_CELL_DATE: "d",
    xlrd.XL_CELL_BOOLEAN: "b",
    xlrd.XL_CELL_ERROR: "e",
}


def decode_escapes(text: str) -> str:
    """Turn _x0001_ into its character, as the file format means it; _x005F_x0001_ stays the literal text."""
    if "_x" not in text:
        return text
    decoded = _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), text)
    try:
        return decoded.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return decoded


def read_workbook(name: str, data: bytes, limits: UploadLimits = DEFAULT_LIMITS) -> Workbook:
    """Check and read a workbook.

    Raises RefusedUpload with a Chinese sentence when it is refused, damaged or too large.
    """
    kind = check_upload(name, data, limits)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the parsers say of styles and extensions is nobody's concern here
            sheets = _read_xlsx(data) if kind is Kind.XLSX else _read_xls(data)
    except (RefusedUpload, MemoryError):
        raise
    except Exception as error:
        raise RefusedUpload(_DAMAGED) from error
    if not sheets:
        raise RefusedUpload("工作簿里没有工作表。")
    return Workbook(name, tuple(sheets))


def _check_extent(name: str, row: int, column: int) -> None:
    if row > MAXIMUM_ROWS or column > MAXIMUM_COLUMNS:
        raise RefusedUpload(
            f"工作表“{name}”太大：有内容的单元格到了{cell_ref(row, column)}，"
            f"最多 {MAXIMUM_ROWS} 行、{MAXIMUM_COLUMNS} 列。",
        )


def _check_sheets(count: int) -> None:
    if count > MAXIMUM_SHEETS:
        raise RefusedUpload(f"工作表太多（{count} 张，最多 {MAXIMUM_SHEETS} 张）。")


# ---------------------------------------------------------------- .xlsx
def _read_xlsx(data: bytes) -> list[Grid]:
    formulas = _formulas(data)
    book = openpyxl.load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
    _check_sheets(len(book.worksheets))
    grids = [_xlsx_grid(sheet, formulas.get(sheet.title, {})) for sheet in book.worksheets]
    book.close()
    return grids


def _formulas(data: bytes) -> dict[str, dict[Position, str]]:
    """Return the formula texts per sheet; the second reading of the file brings the stored values."""
    book = openpyxl.load_workbook(io.BytesIO(data), data_only=False, keep_links=False)
    found: dict[str, dict[Position, str]] = {}
    for sheet in book.worksheets:
        texts = {
            (row, column): str(getattr(cell.value, "text", cell.value))
            for (row, column), cell in _cells(sheet)
            if cell.data_type == "f"
        }
        found[sheet.title] = texts
    book.close()
    return found


def _cells(sheet: Worksheet) -> Iterable[tuple[Position, Cell | MergedCell]]:
    """Return the cells that the file holds, without making those in between."""
    cells: dict[Position, Cell | MergedCell] = sheet._cells  # noqa: SLF001 - the public iterators create every cell
    return cells.items()


def _xlsx_grid(sheet: Worksheet, formulas: dict[Position, str]) -> Grid:
    cells: dict[Position, RawCell] = {}
    comments: dict[Position, str] = {}
    for (row, column), cell in _cells(sheet):
        comment = getattr(cell, "comment", None)
        if comment is not None:
            comments[row, column] = decode_escapes(str(comment.text)).strip()
        formula = formulas.get((row, column))
        if cell.value is None and formula is None:
            continue
        if isinstance(cell.value, str) and not cell.value.strip() and formula is None:
            continue
        _check_extent(sheet.title, row, column)
        cells[row, column] = _xlsx_cell(cell, row, column, formula)
    last_row = max((row for row, _ in cells), default=0)
    last_column = max((column for _, column in cells), default=0)
    return Grid(
        name=sheet.title,
        cells=cells,
        merges=_clipped(
            ((m.min_row, m.min_col, m.max_row, m.max_col) for m in sheet.merged_cells.ranges), last_row, last_column
        ),
        hidden_columns=_hidden_columns(sheet, last_column),
        hidden_rows=frozenset(row for row, look in sheet.row_dimensions.items() if look.hidden and row <= last_row),
        comments=comments,
        hidden=sheet.sheet_state != "visible",
    )


def _xlsx_cell(cell: Any, row: int, column: int, formula: str | None) -> RawCell:
    value: CellValue = cell.value
    kind = cell.data_type
    if isinstance(value, str) and kind != "e":
        value, kind = decode_escapes(value), "s"
    elif not isinstance(value, str | int | float | bool | dt.datetime | dt.date | dt.time | dt.timedelta):
        value = None if value is None else decode_escapes(str(value))
        kind = "n" if value is None else "s"
    return RawCell(value, str(cell.number_format), kind, cell_ref(row, column), formula)


def _hidden_columns(sheet: Worksheet, last_column: int) -> frozenset[int]:
    hidden: set[int] = set()
    for look in sheet.column_dimensions.values():
        if look.hidden or (look.width is not None and look.width == 0):
            hidden.update(range(look.min or 0, min(look.max or 0, last_column) + 1))
    return frozenset(hidden)


def _clipped(ranges: Iterable[tuple[int, int, int, int]], last_row: int, last_column: int) -> tuple[Merge, ...]:
    """Keep what lies over stored cells: a range down to the millionth row costs nothing."""
    merges = (Merge(t, l, min(b, last_row), min(r, last_column)) for t, l, b, r in ranges)
    kept = {m for m in merges if m.top <= m.bottom and m.left <= m.right and (m.top, m.left) != (m.bottom, m.right)}
    if sum((m.bottom - m.top + 1) * (m.right - m.left + 1) for m in kept) > DEFAULT_LIMITS.spanned:
        raise RefusedUpload("合并的单元格范围太大。请只合并用到的行列，另存后再上传。")
    return tuple(sorted(kept, key=lambda m: (m.top, m.left, m.bottom, m.right)))


# ---------------------------------------------------------------- .xls
def _read_xls(data: bytes) -> list[Grid]:
    book = xlrd.open_workbook(file_contents=data, formatting_info=True, logfile=io.StringIO(), on_demand=False)
    _check_sheets(book.nsheets)
    return [_xls_grid(book, sheet) for sheet in book.sheets()]


def _xls_grid(book: xlrd.Book, sheet: xlrd.sheet.Sheet) -> Grid:
    cells: dict[Position, RawCell] = {}
    for row in range(sheet.nrows):
        for column in range(sheet.row_len(row)):
            kind = sheet.cell_type(row, column)
            if kind in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK):
                continue
            raw = _xls_cell(book, sheet, row, column)
            if raw.blank:
                continue
            _check_extent(sheet.name, row + 1, column + 1)
            cells[row + 1, column + 1] = raw
    last_row = max((row for row, _ in cells), default=0)
    last_column = max((column for _, column in cells), default=0)
    hidden = (index + 1 for index, look in sheet.colinfo_map.items() if look.hidden or look.width == 0)
    return Grid(
        name=sheet.name,
        cells=cells,
        merges=_clipped(((t + 1, l + 1, b, r) for t, b, l, r in sheet.merged_cells), last_row, last_column),
        hidden_columns=frozenset(column for column in hidden if column <= last_column),
        hidden_rows=frozenset(row + 1 for row, look in sheet.rowinfo_map.items() if look.hidden and row < last_row),
        comments={(row + 1, column + 1): note.text.strip() for (row, column), note in sheet.cell_note_map.items()},
        hidden=bool(sheet.visibility),
    )


def _xls_cell(book: xlrd.Book, sheet: xlrd.sheet.Sheet, row: int, column: int) -> RawCell:
    cell = sheet.cell(row, column)
    look = book.format_map.get(book.xf_list[cell.xf_index].format_key) if cell.xf_index is not None else None
    number_format = look.format_str if look else "General"
    ref = cell_ref(row + 1, column + 1)
    kind = _XLS_TYPES.get(cell.ctype, "s")
    if kind == "d":
        return RawCell(_xls_date(book, cell.value), number_format, "d", ref)
    if kind == "b":
        return RawCell(bool(cell.value), number_format, "b", ref)
    if kind == "e":
        return RawCell(xlrd.error_text_from_code.get(cell.value, "#ERR"), number_format, "e", ref)
    if kind == "n":
        number = int(cell.value) if float(cell.value).is_integer() else cell.value
        return RawCell(number, number_format, "n", ref)
    return RawCell(decode_escapes(str(cell.value)), number_format, "s", ref)


def _xls_date(book: xlrd.Book, serial: float) -> CellValue:
    try:
        moment: dt.datetime = xlrd.xldate_as_datetime(serial, book.datemode)
    except (xlrd.XLDateError, OverflowError, ValueError):
        return serial
    return moment
