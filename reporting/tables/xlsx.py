"""A sheet as an Excel workbook: openpyxl makes the skeleton (styles, merges, print set-up), rows are streamed in.

Text is always stored as text, never as a formula; numbers and dates are typed. Only cells are read.
"""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, Protection, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.cell_range import CellRange
from openpyxl.worksheet.pagebreak import Break, RowBreak
from openpyxl.worksheet.worksheet import Worksheet

from reporting.tables.cells import Face, Look, Sheet
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
_MM_PER_INCH = 25.4
_UNITS_PER_MM = 96 / 25.4 / 8
_STAMP = (1980, 1, 1, 0, 0, 0)
_BAD_NAME = re.compile(r"[\[\]:*?/\\']")
_SHEET_DATA = re.compile(rb"<sheetData\s*/>|<sheetData>.*?</sheetData>", re.DOTALL)
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
    """The workbook's cell formats: one number for each look and its borders."""

    def __init__(self, carrier: Worksheet) -> None:
        self.carrier = carrier
        self.known: dict[tuple[Look, Sides], int] = {}
        self.quick: dict[tuple[int, Sides], int] = {}

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
        cell = self.carrier.cell(len(self.known) + 1, 1)
        cell.font = Font(name=FONT_NAMES[look.face], size=look.points, charset=134)
        cell.alignment = Alignment(
            horizontal=look.align,
            vertical=_VERTICAL[look.valign],
            wrap_text=not look.vertical,  # LibreOffice sets wrapped upright text at the left
            text_rotation=255 if look.vertical else 0,
            indent=1 if look.indent else 0,
        )
        top, right, bottom, left = (_SIDES[side] for side in sides)
        cell.border = Border(top=top, right=right, bottom=bottom, left=left)
        cell.number_format = look.format.excel if look.format.kind in {"number", "percent", "date"} else "@"
        cell.protection = Protection(locked=not look.editable)
        return int(cell.style_id)


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
    breaks = RowBreak()
    for start in sheet.page_breaks:
        breaks.append(Break(id=start))
    page.row_breaks = breaks


def _set_sheet(sheet: Sheet, page: Worksheet) -> None:
    """Set widths, merges, the frozen head and the page."""
    page.sheet_view.showGridLines = False
    for index, width in enumerate(sheet.widths_mm, 1):
        page.column_dimensions[get_column_letter(index)].width = round(width * _UNITS_PER_MM, 2)
    page.merged_cells.ranges = {
        CellRange(
            min_col=cell.col + 1, min_row=cell.row + 1, max_col=cell.col + cell.colspan, max_row=cell.row + cell.rowspan
        )
        for cell in sheet.cells
        if cell.rowspan > 1 or cell.colspan > 1
    }
    if sheet.header[1] > sheet.header[0]:
        page.freeze_panes = f"{get_column_letter(sheet.freeze + 1)}{sheet.header[1] + 1}"
    if any(cell.look.editable for cell in sheet.cells):
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


def _stamped(core: bytes, created: dt.datetime | None) -> bytes:
    """Return the core properties with the caller's time in place of the clock's."""
    moment = created or dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
    text = moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    return re.sub(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*", rb"\g<1>" + text, core)


def _fill(skeleton: bytes, sheets: Sequence[Sheet], bodies: Sequence[list[str]], properties: Properties) -> bytes:
    """Return the skeleton with the rows streamed into its sheets."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(skeleton)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            info = zipfile.ZipInfo(name, _STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            content = source.read(name)
            match = re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", name)
            if match and int(match[1]) <= len(sheets):
                _stream(target, info, content, sheets[int(match[1]) - 1], bodies[int(match[1]) - 1])
                continue
            target.writestr(info, _stamped(content, properties.created) if name == "docProps/core.xml" else content)
    return out.getvalue()


def _stream(target: zipfile.ZipFile, info: zipfile.ZipInfo, content: bytes, sheet: Sheet, body: Iterable[str]) -> None:
    """Write one sheet member: the skeleton's head, the rows, the skeleton's tail."""
    place = _SHEET_DATA.search(content)
    if place is None:
        raise ValueError("the skeleton has no place for rows")
    last = f"{get_column_letter(len(sheet.widths_mm))}{len(sheet.rows)}"
    head = _DIMENSION.sub(f'<dimension ref="A1:{last}"'.encode(), content[: place.start()])
    with target.open(info, "w") as member:
        member.write(head + b"<sheetData>")
        for chunk in body:
            member.write(chunk.encode("utf-8"))
        # Telephone numbers are text; Excel need not mark them.
        ignored = f'<ignoredErrors><ignoredError sqref="A1:{last}" numberStoredAsText="1"/></ignoredErrors>'
        tail = content[place.end() :]
        after = _AFTER_IGNORED.search(tail)
        cut = after.start() if after else len(tail)
        member.write(b"</sheetData>" + tail[:cut] + ignored.encode() + tail[cut:])


def render(sheets: Sequence[Sheet], properties: Properties | None = None, dress: Dress | None = None) -> bytes:
    """Return a workbook with one tab for each sheet.

    Args:
        sheets: at least one.
        properties: document properties.
        dress: called with each page of the skeleton and its sheet, after widths, merges and print set-up; it sets what
            belongs to a page. Cells are not there yet: values written to them are lost. Sheets it adds come last.

    Raises:
        ValueError: without a sheet.
    """
    if not sheets:
        raise ValueError("a workbook needs a sheet")
    book = Workbook()
    book.remove(book.active)
    book.calculation.fullCalcOnLoad = False
    book._fonts[0] = Font(name="宋体", size=11, charset=134)  # noqa: SLF001 - the unit of column widths is the default font
    pages = [book.create_sheet(_sheet_name(sheet.name, book.sheetnames)) for sheet in sheets]
    styles = _Styles(pages[0])
    bodies = [list(RowWriter(sheet, styles.number).chunks()) for sheet in sheets]
    for sheet, page in zip(sheets, pages, strict=True):
        _set_sheet(sheet, page)
        if dress is not None:
            dress(page, sheet)
    chosen = properties or Properties()
    _set_properties(book, chosen, sheets)
    buffer = io.BytesIO()
    book.save(buffer)
    return _fill(buffer.getvalue(), sheets, bodies, chosen)
