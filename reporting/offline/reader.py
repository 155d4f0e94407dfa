"""A returned workbook → what was typed, each with its cell, and faults by cell. Nothing here decides what is taken.

The file has passed branches.intake.uploads.check_upload; strangers' files are read through sandbox.py. Whatever program
saved it: shared or inline strings, other styles, points as text, full-width digits and spaces at the end are read.
"""

import datetime as dt
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from defusedxml import ElementTree
from python_calamine import CalamineWorkbook

from branches.intake.uploads import Kind, RefusedUpload, check_upload
from branches.intake.workbook import decode_escapes
from reporting.offline import ticket as tickets
from reporting.offline.ticket import NOTES, Ledger, Line, NotOursError, Ticket, cell_name
from reporting.tables.formats import clean_text

Grid = Sequence[Sequence[Any]]
SHIFT = 6
FEW = 4
_NAMES = (".xlsx", ".xlsm", ".xls", ".et")
_NUMBER = re.compile(r"[+-]?\d{1,9}(\.\d{1,6})?")
_FORMULA = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,3}\d{1,7})"[^>]*>\s*<f[ >/]')
_FORMULA_TAG = re.compile(rb"<f[ >/]")
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TICKED = re.compile(r"[☑☒■√✓✔]\s*([^☐☑☒■□√✓✔\s]+)")
_YES = frozenset({"√", "✓", "✔", "☑", "V", "v", "1", "是", "不适用"})
_NO = frozenset({"", "否", "☐", "0", "×", "x", "X"})


@dataclass(frozen=True, slots=True)
class Filled:
    """One field as it came back: where it stands, what it says, and the checksum of what it was given out with."""

    field: str
    sheet: str
    cell: str
    text: str
    base: str

    @property
    def changed(self) -> bool:
        """Whether it says something else than when it was given out."""
        return tickets.checksum(self.text) != self.base


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that is not taken, and why; `field` where one is lost by it."""

    sheet: str
    cell: str
    text: str
    field: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole workbook."""

    ticket: Ticket
    filled: tuple[Filled, ...]
    faults: tuple[Fault, ...]

    def plain(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)


def reading_of(given: Mapping[str, Any]) -> Reading:
    """Return a reading kept as JSON."""
    return Reading(
        Ticket(**given["ticket"]),
        tuple(Filled(**one) for one in given["filled"]),
        tuple(Fault(**one) for one in given["faults"]),
    )


def read(name: str, data: bytes, keys: Sequence[bytes]) -> Reading:
    """Check and read a returned workbook.

    Raises:
        RefusedUpload: with a Chinese sentence, when the whole of it cannot be taken: no workbook, not given out by this
            system, or rows, columns or sheets are not where they were.
    """
    parts: dict[str, bytes] = {}
    if not name.strip().casefold().endswith(_NAMES):
        raise RefusedUpload("只收填好的离线表（.xlsx），或者装着离线表的 .zip。")
    if check_upload(name, data, look=parts.__setitem__) is Kind.XLS:
        raise RefusedUpload("这是 .xls 或 .et 格式。离线表下载时是 .xlsx，请另存为 .xlsx 再上传。")
    try:
        grids = _grids(data)
        ledger = tickets.read([str(row[0]) for row in grids.pop(tickets.SHEET, []) if row], keys)
        formulas = _formulas(parts, len(grids))
    except NotOursError as error:
        raise RefusedUpload(str(error)) from error
    except RefusedUpload:
        raise
    except Exception as error:
        raise RefusedUpload("文件已损坏或不完整，打不开。请重新保存或重新传送。") from error
    return _Reader(grids, ledger, formulas).reading()


def _grids(data: bytes) -> dict[str, Grid]:
    """Return the cells of the sheets, the page of notes left out."""
    with CalamineWorkbook.from_filelike(io.BytesIO(data)) as book:
        names = [name for name in book.sheet_names if name != NOTES]
        return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in names}


def _formulas(parts: Mapping[str, bytes], sheets_read: int) -> dict[str, set[str]]:
    """Return the cells that hold formulas, by sheet; the reader above only sees their last results."""
    pages = {name: content for name, content in parts.items() if name.startswith("xl/worksheets/")}
    if len(pages) <= sheets_read:  # with the hidden sheet there is one more than was read; large ones were not shown
        raise RefusedUpload("工作表太大（常见原因是整列整行设了格式）。请重新下载，把内容填进新表。")
    if not any(_FORMULA_TAG.search(content) for content in pages.values()):
        return {}
    relations = ElementTree.fromstring(parts["xl/_rels/workbook.xml.rels"])
    links = {one.get("Id"): str(one.get("Target")) for one in relations}
    sheets = [one for one in ElementTree.fromstring(parts["xl/workbook.xml"]).iter() if one.tag.endswith("}sheet")]
    found = {}
    for sheet in sheets:
        target = links.get(sheet.get(_RELATION), "").lstrip("/").removeprefix("xl/")
        cells = _FORMULA.findall(pages.get(f"xl/{target}", b""))
        found[str(sheet.get("name"))] = {cell.decode() for cell in cells}
    return found


def text_of(value: Any) -> str:
    """Return a cell as text."""
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        if value.isprintable() and "_x" not in value:  # one line without control characters, as most are
            return value.strip()
        return tickets.tidy(clean_text(decode_escapes(value)))
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, int | float):
        return tickets.plain_number(value)
    if isinstance(value, dt.date):
        return f"{value.year}年{value.month}月{value.day}日"
    return str(value)


def points_of(value: Any) -> str:
    """Return typed points in plain digits, "" for none. Raises ValueError with a sentence when they are no number."""
    if isinstance(value, dt.date | dt.time | dt.timedelta):
        raise ValueError("填成了日期或时间，请填分数，如 2.5。")  # noqa: TRY004 - what was typed is wrong, not the caller
    said = text_of(value)
    typed = unicodedata.normalize("NFKC", said).strip().removesuffix("分").strip().replace("−", "-")
    if not typed:
        return ""
    if not typed.isascii() or not _NUMBER.fullmatch(typed):
        raise ValueError(f"“{said[:20]}”不是数字，请填分数，如 2.5。")
    return tickets.plain_number(Decimal(typed))


def choice_of(value: Any) -> str:
    """Return the option ticked in a cell of boxes, or what was typed instead; two ticks stay both, for the reader."""
    text = text_of(value)
    if not any(mark in text for mark in "☐☑☒■□√✓✔"):
        return text
    return "、".join(_TICKED.findall(text))


def tick_of(value: Any) -> str:
    """Return √ or "". Raises ValueError with a sentence for anything else."""
    text = unicodedata.normalize("NFKC", text_of(value)).strip()
    if text in _YES:
        return "√"
    if text in _NO:
        return ""
    raise ValueError(f"“{text[:20]}”看不懂：不适用的打“√”，适用的留空。")


_READERS = {"points": points_of, "check": choice_of, "target": choice_of, "na": tick_of}


class _Reader:
    """Reads one workbook against its hidden sheet."""

    def __init__(self, grids: Mapping[str, Grid], ledger: Ledger, formulas: Mapping[str, set[str]]) -> None:
        self.grids = grids
        self.ledger = ledger
        self.formulas = formulas
        self.filled: list[Filled] = []
        self.faults: list[Fault] = []

    def reading(self) -> Reading:
        """Return everything, rows that were tampered with left out."""
        for sheet in self.ledger.sheets:
            if sheet not in self.grids:
                raise RefusedUpload(
                    f"缺少工作表“{sheet}”（可能被删除或改了名），整份不收。请重新下载，把内容填进新表。"
                )
            lines = [line for line in self.ledger.lines if line.sheet == sheet]
            broken = [line for line in lines if self._row_sum(line) != line.checksum]
            self._check_structure(sheet, lines, broken)
            bad = {line.row for line in broken}
            for line in lines:
                if line.row in bad:
                    self._tampered(line)
                else:
                    self._take(line)
            self._check_outside(sheet, lines)
        return Reading(self.ledger.ticket, tuple(self.filled), tuple(self.faults))

    def _at(self, sheet: str, row: int, column: int) -> Any:
        grid = self.grids[sheet]
        if row > len(grid) or row < 1 or column > len(grid[row - 1]):
            return None
        return grid[row - 1][column - 1]

    def _row_sum(self, line: Line, shift: int = 0) -> str:
        """Return the checksum of the locked cells as they stand now, `shift` rows lower."""
        grid, row, essence = self.grids[line.sheet], line.row + shift, tickets.essence
        cells = grid[row - 1] if 0 < row <= len(grid) else ()
        width = len(cells)
        return tickets.row_checksum(
            [(column, essence(cells[column - 1]) if column <= width else "") for column, _ in line.locked]
        )

    def _check_structure(self, sheet: str, lines: Sequence[Line], broken: Sequence[Line]) -> None:
        """Refuse the workbook when rows or columns moved: nothing on it stands where it should."""
        if len(broken) <= FEW:
            return
        first = broken[0]
        for shift in (*range(1, SHIFT), *range(-1, -SHIFT, -1)):
            moved = sum(self._row_sum(line, shift) == line.checksum for line in broken)
            if moved * 2 > len(broken):
                what = f"多了 {shift} 行" if shift > 0 else f"少了 {-shift} 行"
                raise RefusedUpload(f"“{sheet}”第 {first.row} 行起{what}，整份不收。请重新下载，把内容填进新表。")
        if len(broken) * 2 > len(lines):
            cell = self._first_difference(first)
            raise RefusedUpload(
                f"“{sheet}”从 {cell} 起与下载时不一致（可能插入或删除了列，或整片改过），整份不收。"
                "请重新下载，把内容填进新表。"
            )

    def _first_difference(self, line: Line) -> str:
        for column, total in line.locked:
            if tickets.checksum(tickets.essence(self._at(line.sheet, line.row, column)))[:6] != total:
                return cell_name(line.row, column)
        return cell_name(line.row, 1)

    def _tampered(self, line: Line) -> None:
        """Name the locked cell that was changed; what was filled in on that row is not taken."""
        cell = self._first_difference(line)
        if not line.open:
            self.faults.append(Fault(line.sheet, cell, "锁定的内容被改过，改动不收。"))
            return
        for _, field, _ in line.open:
            self.faults.append(Fault(line.sheet, cell, "锁定的内容被改过，这一行不收。", field))

    def _take(self, line: Line) -> None:
        """Read the cells to fill in of one row."""
        for column, field, base in line.open:
            cell = cell_name(line.row, column)
            if cell in self.formulas.get(line.sheet, ()):
                self.faults.append(Fault(line.sheet, cell, "填的是公式，请改填结果。", field))
                continue
            read_value = _READERS.get(field.partition(":")[0], text_of)
            try:
                text = read_value(self._at(line.sheet, line.row, column))
            except ValueError as error:
                self.faults.append(Fault(line.sheet, cell, str(error), field))
                continue
            self.filled.append(Filled(field, line.sheet, cell, text, base))

    def _check_outside(self, sheet: str, lines: Sequence[Line]) -> None:
        """Name the first thing written where the form has no cell; it is not read."""
        known = {(line.row, column) for line in lines for column, _ in line.locked}
        known |= {(line.row, column) for line in lines for column, _, _ in line.open}
        for row, cells in enumerate(self.grids[sheet], 1):
            for column, value in enumerate(cells, 1):
                if value not in ("", None) and (row, column) not in known and text_of(value):
                    self.faults.append(Fault(sheet, cell_name(row, column), "表格以外写的内容不会导入。"))
                    return
