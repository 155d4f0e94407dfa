"""A sheet as an Excel workbook: openpyxl makes the skeleton (styles, merges, print set-up), rows are streamed in.

Text is always stored as text, never as a formula; numbers and dates are typed. Only cells are read.
"""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from itertools import islice
from typing import IO

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Border, Font, Protection, Side
from openpyxl.styles.cell_style import StyleArray
from openpyxl.styles.stylesheet import write_stylesheet
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.pagebreak import Break, RowBreak
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.xml.functions import tostring

from reporting.tables.cells import BodyCells, Face, Look, Sheet
from reporting.tables.xlsx_rows import RowWriter, Sides

#: The names an office expects; Excel takes them from the computer it runs on.
FONT_NAMES: dict[Face, str] = {
    "fang": "仿宋_GB2312",
    "kai": "楷体_GB2312",
    "hei": "黑体",
    "title": "方正小标宋简体",
    "song": "宋体",
}
_PAPER = {"A4": 9, "A3": 8}
_VERTICAL = {"top": "top", "middle": "center", "bottom": "bottom"}
_SIDES = {"": Side(), "thin": Side(style="thin"), "medium": Side(style="medium")}
#: Excel takes no more manual page breaks on a sheet; behind them it breaks pages by itself.
MOST_BREAKS = 1026
_MM_PER_INCH = 25.4
_UNITS_PER_MM = 96 / 25.4 / 8
STYLES = "xl/styles.xml"
#: zlib's level: a quarter of the time of the usual 6, for a file a third larger (docs/adr/0009).
DEFLATE = 1
ROWS_AT_ONCE = 200
_BAD_NAME = re.compile(r"[\[\]:*?/\\']")
_SHEET_DATA = re.compile(rb"<sheetData\s*/>|<sheetData>.*?</sheetData>", re.DOTALL)
_MERGES = re.compile(rb"<mergeCells\b.*?</mergeCells>", re.DOTALL)
_DIMENSION = re.compile(rb'<dimension ref="[^"]*"')
#: What the schema puts after <ignoredErrors>.
_AFTER_IGNORED = re.compile(
    rb"<(?:smartTags|drawing|legacyDrawing|picture|oleObjects|controls|tableParts|extLst)\b|</worksheet>"
)

#: Adds to a page of the skeleton what cells do not say: data validation, a password, hidden sheets of the workbook.
Dress = Callable[[Worksheet, Sheet], None]


@dataclass(frozen=True)
class Properties:
    """Document properties of a file.

    Args:
        title, author, subject, keywords: as shown by the viewer.
        created: moment of making; None leaves a fixed date, so that equal content gives equal bytes.
    """

    title: str = ""
    author: str = ""
    subject: str = ""
    keywords: str = ""
    created: dt.datetime | None = None


class _Styles:
    """The workbook's cell formats: one number for each look and its borders, each part of a format made once."""

    def __init__(self, carrier: Worksheet) -> None:
        self.carrier = carrier
        self.known: dict[tuple[Look, Sides], int] = {}
        self.quick: dict[tuple[int, Sides], int] = {}
        self.looks: dict[Look, StyleArray] = {}
        self.borders: dict[Sides, int] = {}

    def number(self, look: Look, sides: Sides) -> int:
        """Return the number of a format, made on first use."""
        found = self.quick.get((id(look), sides))
        if found is None:
            found = self.known.get((look, sides))
            if found is None:
                found = self.known[look, sides] = self._make(look, sides)
            self.quick[id(look), sides] = found
        return found

    def _make(self, look: Look, sides: Sides) -> int:
        if look not in self.looks:
            self.looks[look] = self._without_border(look)
        if sides not in self.borders:
            top, right, bottom, left = (_SIDES[side] for side in sides)
            cell = self._cell()
            cell.border = Border(top=top, right=right, bottom=bottom, left=left)
            self.borders[sides] = cell._style.borderId  # noqa: SLF001 - openpyxl looks every part up by all its fields
        cell = self._cell()
        cell._style = copy(self.looks[look])  # noqa: SLF001
        cell._style.borderId = self.borders[sides]  # noqa: SLF001
        return int(cell.style_id)

    def _cell(self) -> Cell:
        """Return a cell that is never written."""
        return Cell(self.carrier)

    def _without_border(self, look: Look) -> StyleArray:
        cell = self._cell()
        cell.font = Font(name=FONT_NAMES[look.face], size=look.points, charset=134)
        cell.alignment = Alignment(
            horizontal=look.align,
            vertical=_VERTICAL[look.valign],
            wrap_text=not look.vertical,  # LibreOffice sets wrapped upright text at the left
            text_rotation=255 if look.vertical else 0,
            indent=1 if look.indent else 0,
        )
        cell.number_format = look.format.excel if look.format.kind in {"number", "percent", "date"} else "@"
        cell.protection = Protection(locked=not look.editable)
        return cell._style  # noqa: SLF001


def _sheet_name(name: str, taken: Iterable[str]) -> str:
    """Return a legal tab name that no other sheet has."""
    base = _BAD_NAME.sub("", name).strip()[:31] or "表"
    candidate, number = base, 2
    while candidate in taken:
        suffix = f"（{number}）"
        candidate = base[: 31 - len(suffix)] + suffix
        number += 1
    return candidate


def _set_page(sheet: Sheet, page: Worksheet) -> None:
    """Set paper, margins, print titles, page numbers and page breaks."""
    paper = sheet.page
    page.page_setup.paperSize = _PAPER[paper.size]
    page.page_setup.orientation = paper.orientation
    page.page_setup.fitToWidth = 1
    page.page_setup.fitToHeight = 0
    page.sheet_properties.pageSetUpPr.fitToPage = True
    page.page_margins.top = paper.top / _MM_PER_INCH
    page.page_margins.bottom = paper.bottom / _MM_PER_INCH
    page.page_margins.left = paper.left / _MM_PER_INCH
    page.page_margins.right = paper.right / _MM_PER_INCH
    page.page_margins.header = 8 / _MM_PER_INCH
    page.page_margins.footer = min(8, paper.bottom / 2) / _MM_PER_INCH
    page.print_options.horizontalCentered = True
    page.HeaderFooter.differentOddEven = True
    for footer, side, text in ((page.oddFooter, "right", "— &P —　"), (page.evenFooter, "left", "　— &P —")):
        number, code = getattr(footer, side), footer.center
        number.text, number.font, number.size = text, "宋体,Regular", 14
        if sheet.code_line:
            code.text, code.font, code.size = sheet.code_line.replace("&", "&&"), "宋体,Regular", 8
    top, bottom = sheet.header
    if bottom > top:
        page.print_title_rows = f"{top + 1}:{bottom}"
    page.print_area = f"A1:{get_column_letter(len(sheet.widths_mm))}{len(sheet.rows)}"
    page.row_breaks = RowBreak(brk=[Break(id=start) for start in sheet.page_breaks[:MOST_BREAKS]])


def _set_sheet(sheet: Sheet, page: Worksheet) -> None:
    """Set widths, merges, the frozen head and the page."""
    page.sheet_view.showGridLines = False
    for index, width in enumerate(sheet.widths_mm, 1):
        page.column_dimensions[get_column_letter(index)].width = round(width * _UNITS_PER_MM, 2)
    page.merged_cells.ranges = {CellRange("A1:B1")}  # holds the place of the real ones
    if sheet.header[1] > sheet.header[0]:
        page.freeze_panes = f"{get_column_letter(sheet.freeze + 1)}{sheet.header[1] + 1}"
    plain = [row for row in sheet.rows if not isinstance(row.cells, BodyCells)]
    if any(cell.look.editable for row in plain for cell in row.cells):
        page.protection.sheet = True
    _set_page(sheet, page)


def _set_properties(book: Workbook, properties: Properties, sheets: Sequence[Sheet]) -> None:
    """Set the document properties."""
    book.properties.title = properties.title or sheets[0].title
    book.properties.creator = properties.author
    book.properties.lastModifiedBy = properties.author
    book.properties.subject = properties.subject
    book.properties.keywords = properties.keywords
    book.properties.language = "zh-CN"


def _stamped(core: bytes, properties: Properties | None) -> bytes:
    """Return the core properties with the caller's time in place of the clock's."""
    moment = (properties and properties.created) or dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    text = moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    return re.sub(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*", rb"\g<1>" + text, core)


def _skeleton(sheets: Sequence[Sheet], properties: Properties, dress: Dress | None) -> tuple[Workbook, list[Worksheet]]:
    """Return a workbook without cells, and its pages."""
    book = Workbook()
    book.remove(book.active)
    book.calculation.fullCalcOnLoad = False
    book._fonts[0] = Font(name="宋体", size=11, charset=134)  # noqa: SLF001 - the unit of column widths is the default font
    pages = [book.create_sheet(_sheet_name(sheet.name, book.sheetnames)) for sheet in sheets]
    for sheet, page in zip(sheets, pages, strict=True):
        _set_sheet(sheet, page)
        if dress is not None:
            dress(page, sheet)
    _set_properties(book, properties, sheets)
    return book, pages


def _merges(sheet: Sheet) -> bytes:
    """Return the element that names the merged cells; nothing when there are none."""
    letters = [get_column_letter(index + 1) for index in range(len(sheet.widths_mm))]
    found = [
        f'<mergeCell ref="{letters[cell.col]}{cell.row + 1}:'
        f'{letters[cell.col + cell.colspan - 1]}{cell.row + cell.rowspan}"/>'
        for row in sheet.rows
        for cell in row.merged
    ]
    return f'<mergeCells count="{len(found)}">{"".join(found)}</mergeCells>'.encode() if found else b""


def _around(content: bytes, sheet: Sheet) -> tuple[bytes, bytes]:
    """Return what stands before and after the rows of a sheet member of the skeleton."""
    place = _SHEET_DATA.search(content)
    if place is None:
        raise ValueError("the skeleton has no place for rows")
    last = f"{get_column_letter(len(sheet.widths_mm))}{len(sheet.rows)}"
    head = _DIMENSION.sub(f'<dimension ref="A1:{last}"'.encode(), content[: place.start()])
    tail = _MERGES.sub(_merges(sheet), content[place.end() :])
    # Telephone numbers are text; Excel need not mark them.
    ignored = f'<ignoredErrors><ignoredError sqref="A1:{last}" numberStoredAsText="1"/></ignoredErrors>'
    after = _AFTER_IGNORED.search(tail)
    cut = after.start() if after else len(tail)
    return head + b"<sheetData>", b"</sheetData>" + tail[:cut] + ignored.encode() + tail[cut:]


def _stream(member: IO[bytes], around: tuple[bytes, bytes], rows: Iterable[str]) -> None:
    """Write a sheet member: what stands before the rows, the rows in handfuls, what stands after them."""
    member.write(around[0])
    waiting = iter(rows)
    while chunk := "".join(islice(waiting, ROWS_AT_ONCE)):
        member.write(chunk.encode("utf-8"))
    member.write(around[1])


def write(
    sheets: Sequence[Sheet], target: IO[bytes], properties: Properties | None = None, dress: Dress | None = None
) -> None:
    """Write a workbook with one tab for each sheet; memory grows with the sheets' page ends, not with their rows.

    Args:
        sheets: at least one.
        target: a file open for writing.
        properties: document properties.
        dress: called with each page of the skeleton and its sheet, after widths and print set-up; it sets what belongs
            to a page. Cells are not there yet: values written to them are lost. Sheets it adds come last.

    Raises:
        ValueError: without a sheet.
    """
    if not sheets:
        raise ValueError("a workbook needs a sheet")
    book, pages = _skeleton(sheets, properties or Properties(), dress)
    saved = io.BytesIO()
    book.save(saved)
    styles = _Styles(pages[0])
    members = {f"xl/worksheets/sheet{number}.xml": sheet for number, sheet in enumerate(sheets, 1)}
    with (
        zipfile.ZipFile(saved) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=DEFLATE) as archive,
    ):
        for name in source.namelist():
            if name == STYLES:  # complete when the last row is written
                continue
            content = source.read(name)
            # A member opened by name bears no time: equal content gives equal bytes.
            with archive.open(name, "w") as member:
                if name in members:
                    rows = RowWriter(members[name], styles.number).chunks()
                    _stream(member, _around(content, members[name]), rows)
                else:
                    member.write(_stamped(content, properties) if name == "docProps/core.xml" else content)
        with archive.open(STYLES, "w") as member:
            member.write(tostring(write_stylesheet(book)))


def render(sheets: Sequence[Sheet], properties: Properties | None = None, dress: Dress | None = None) -> bytes:
    """Return what `write` writes."""
    content = io.BytesIO()
    write(sheets, content, properties, dress)
    return content.getvalue()
