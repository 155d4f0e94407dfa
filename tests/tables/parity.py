"""One sheet, three renderings: the preview, the workbook and the PDF must agree cell by cell.

`assert_parity(sheet)` is called by the test of every definition.
"""

import datetime as dt
import io
import re
import zipfile
from dataclasses import dataclass, replace
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import openpyxl
import pypdf
import python_calamine
from openpyxl.utils import range_boundaries
from openpyxl.utils.escape import unescape

from reporting.tables import html, pdf, xlsx
from reporting.tables.cells import Cell, Sheet

_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Shown:
    """A cell as a rendering has it."""

    row: int
    col: int
    rowspan: int
    colspan: int
    text: str


def squeezed(text: str) -> str:
    """The text without white space: a PDF does not keep it."""
    return _SPACE.sub("", text)


def expected(sheet: Sheet) -> list[Shown]:
    """The sheet's cells in reading order."""
    return [
        Shown(c.row, c.col, c.rowspan, c.colspan, c.text) for c in sorted(sheet.cells, key=lambda c: (c.row, c.col))
    ]


class _Reader(HTMLParser):
    """Collects the rows of every table of a preview: lists of (text, rowspan, colspan), and whether they are a head."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pages: list[list[tuple[bool, list[tuple[str, int, int]]]]] = []
        self.in_head = False
        self.text: list[str] | None = None
        self.spans = (1, 1)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert "style" not in given, f"a style attribute on <{tag}>"
        if tag == "section":
            self.pages.append([])
        elif tag == "thead":
            self.in_head = True
        elif tag == "tr":
            self.pages[-1].append((self.in_head, []))
        elif tag in {"td", "th"}:
            self.text = []
            self.spans = (int(given.get("rowspan") or 1), int(given.get("colspan") or 1))

    def handle_endtag(self, tag: str) -> None:
        if tag == "thead":
            self.in_head = False
        elif tag in {"td", "th"} and self.text is not None:
            self.pages[-1][-1][1].append(("".join(self.text), *self.spans))
            self.text = None

    def handle_data(self, data: str) -> None:
        if self.text is not None:
            self.text.append(data)


def _positions(sheet: Sheet, reader: _Reader) -> list[Shown]:
    """Put the cells of a preview on the grid; the repeated head counts once."""
    shown: list[Shown] = []
    taken: set[tuple[int, int]] = set()
    row = 0
    for number, page in enumerate(reader.pages):
        for is_head, cells in page:
            if is_head and number:
                continue
            col = 0
            for text, rowspan, colspan in cells:
                while (row, col) in taken:
                    col += 1
                taken.update((r, c) for r in range(row, row + rowspan) for c in range(col, col + colspan))
                shown.append(Shown(row, col, rowspan, colspan, text))
                col += colspan
            row += 1
    assert row == len(sheet.rows)
    return shown


def preview_cells(sheet: Sheet) -> list[Shown]:
    """The preview's cells; empty fillers outside the frame are left out."""
    rendered = html.render_sheet(sheet)
    assert "style=" not in rendered.body
    reader = _Reader()
    reader.feed(rendered.body)
    cells = {(cell.row, cell.col): cell for cell in sheet.cells}
    shown = [one for one in _positions(sheet, reader) if one.text or (one.row, one.col) in cells]
    upright = {place for place, cell in cells.items() if cell.look.vertical}
    return [replace(one, text=one.text.replace("\n", "")) if (one.row, one.col) in upright else one for one in shown]


def _assert_value(cell: Cell, stored: Any, shown_format: str) -> None:
    """The workbook stores the typed value, or the text."""
    where = f"row {cell.row + 1} column {cell.col + 1}: {cell.text!r}"
    if cell.text == "":
        assert stored is None, where
    elif isinstance(cell.value, dt.date):
        assert stored == dt.datetime.combine(cell.value, dt.time()), where
        assert shown_format == cell.look.format.excel, where
    elif isinstance(cell.value, (int, Decimal)):
        assert isinstance(stored, (int, float)), where
        assert Decimal(str(stored)) == cell.value, where
        assert shown_format == cell.look.format.excel, where
    else:
        assert unescape(stored) == cell.text, where


def assert_workbook(sheet: Sheet) -> None:
    """The workbook read back by openpyxl and calamine holds every cell, typed, merged, and no formula."""
    content = xlsx.render([sheet])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/"):
                assert b"<f>" not in archive.read(name)
                assert b"<f " not in archive.read(name)
    book = openpyxl.load_workbook(io.BytesIO(content))
    page = book.worksheets[0]
    merges = {tuple(range_boundaries(str(one))) for one in page.merged_cells.ranges}
    for cell in sheet.cells:
        place = page.cell(cell.row + 1, cell.col + 1)
        assert place.data_type != "f"
        _assert_value(cell, place.value, place.number_format)
    spans = {
        (c.col + 1, c.row + 1, c.col + c.colspan, c.row + c.rowspan)
        for c in sheet.cells
        if c.rowspan > 1 or c.colspan > 1
    }
    assert merges == spans
    _assert_print_setup(sheet, page)
    _assert_calamine(sheet, content)


def _assert_print_setup(sheet: Sheet, page: Any) -> None:
    """Paper, repeated head, print area and page breaks are those of the sheet."""
    first, stop = sheet.header
    assert page.print_title_rows == (f"${first + 1}:${stop}" if stop > first else None)
    assert page.page_setup.orientation == sheet.page.orientation
    assert page.sheet_properties.pageSetUpPr.fitToPage
    assert page.page_setup.fitToWidth == 1
    assert page.page_setup.fitToHeight == 0
    assert [one.id for one in page.row_breaks.brk] == list(sheet.page_breaks)
    assert page.oddFooter.right.text == "— &P —　"
    assert page.evenFooter.left.text == "　— &P —"


def _assert_calamine(sheet: Sheet, content: bytes) -> None:
    """A second reader sees the same values."""
    book = python_calamine.load_workbook(io.BytesIO(content))
    rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    for cell in sheet.cells:
        stored = rows[cell.row][cell.col] if cell.row < len(rows) and cell.col < len(rows[cell.row]) else ""
        if isinstance(cell.value, dt.date):
            assert stored == cell.value
        elif isinstance(cell.value, (int, Decimal)):
            assert Decimal(str(stored)) == cell.value
        else:
            assert stored == cell.text


def pdf_pages(content: bytes) -> list[str]:
    """The text of each page of a PDF, without white space."""
    return [squeezed(page.extract_text()) for page in pypdf.PdfReader(io.BytesIO(content)).pages]


def assert_pdf(sheet: Sheet) -> None:
    """The PDF has the paginator's pages, and on each of them exactly the text of that page's cells."""
    assert_pages(sheet, pdf_pages(pdf.render([sheet])))


def assert_pages(sheet: Sheet, pages: list[str], first: int = 1) -> None:
    """Printed pages are the paginator's, and on each of them stands exactly the text of that page's cells.

    Args:
        sheet: what was printed.
        pages: the text of each page, without white space.
        first: the number of its first page.
    """
    assert len(pages) == len(sheet.pages), f"{len(pages)} pages in the PDF, {len(sheet.pages)} laid out"
    head = sheet.rows[sheet.header[0] : sheet.header[1]]
    for number, ((start, stop), text) in enumerate(zip(sheet.pages, pages, strict=True), first):
        rows = sheet.rows[start:stop]
        framed = any(row.band in {"body", "total", "tail"} for row in rows)
        cells = [cell for row in rows if row.band != "header" for cell in row.cells]
        cells += [cell for row in head for cell in row.cells] if framed or number == first else []
        expected_letters = sorted("".join(squeezed(cell.text) for cell in cells) + f"—{number}—")
        assert sorted(text) == expected_letters, f"page {number}: {_difference(text, expected_letters)}"
        for cell in cells:
            for part in cell.text.split("\n"):
                assert cell.look.vertical or _near(squeezed(part), text), f"page {number}: {part!r} is missing"


def _near(part: str, text: str) -> bool:
    """A text stands on the page in one piece, or, broken into lines beside other cells, in pieces of two characters."""
    return (
        part in text
        or all(part[index : index + 2] in text for index in range(0, max(len(part) - 1, 1), 2))
        or all(char in text for char in part)
    )


def _difference(text: str, letters: list[str]) -> str:
    """What one has more than the other, for the message."""
    left = list(text)
    missing = []
    for letter in letters:
        if letter in left:
            left.remove(letter)
        else:
            missing.append(letter)
    return f"missing {''.join(missing)!r}, too many {''.join(left)!r}"


def assert_parity(sheet: Sheet) -> None:
    """The preview, the workbook and the PDF show the same cells, spans and values as the sheet."""
    assert preview_cells(sheet) == expected(sheet)
    assert_workbook(sheet)
    assert_pdf(sheet)
