"""The rows of a workbook as XML. Long tables spend their time here, so styles and texts are looked up, not made."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import lru_cache
from xml.sax.saxutils import escape

from openpyxl.utils import get_column_letter

from reporting.tables.cells import FRAMED, Cell, Look, Row, Sheet

#: Lines above, right, below and left of a place: "", "thin" or "medium".
Sides = tuple[str, str, str, str]
StyleNumber = Callable[[Look, Sides], int]

_POINTS_PER_MM = 72 / 25.4
_EPOCH = dt.date(1899, 12, 30)
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


def text_xml(text: str) -> str:
    """Return text for a sheet's XML; what Excel would read as an escape (_x0041_) is written as text."""
    return escape(_ESCAPED.sub("_x005F_", text))


@lru_cache(maxsize=8192)
def _text(text: str) -> str:
    """Return the rest of a text cell: never anything but an inline string."""
    space = ' xml:space="preserve"' if text != text.strip() or "\n" in text or "  " in text else ""
    return f' t="inlineStr"><is><t{space}>{text_xml(text)}</t></is></c>'


def _content(cell: Cell) -> str:
    """Return the rest of a cell after its address and style."""
    value = cell.value
    if value is None or isinstance(value, str):
        return _text(cell.text) if cell.text else "/>"
    if isinstance(value, dt.date):
        return f"><v>{(value - _EPOCH).days}</v></c>"
    return f"><v>{value:f}</v></c>" if isinstance(value, Decimal) else f"><v>{value}</v></c>"


class RowWriter:
    """Writes the rows of one sheet.

    Args:
        sheet: what to write.
        number: returns the number of a cell format in the workbook.
    """

    def __init__(self, sheet: Sheet, number: StyleNumber) -> None:
        self._sheet = sheet
        self._number = number
        self._columns = len(sheet.widths_mm)
        self._letters = [get_column_letter(index + 1) for index in range(self._columns)]
        self._first = sheet.header[0]
        self._last = max((index for index, row in enumerate(sheet.rows) if row.band in FRAMED), default=-1)
        self._page_first = {start for start, _ in sheet.pages[1:]} | {self._first}
        self._page_last = {start - 1 for start, _ in sheet.pages[1:]} | {self._last}
        self._simple: dict[tuple[int, int], str] = {}
        self._open: dict[int, Cell] = {}

    def chunks(self) -> Iterator[str]:
        """Yield the rows, one string each."""
        for index, row in enumerate(self._sheet.rows):
            yield self._row(index, row)

    def _row(self, index: int, row: Row) -> str:
        """Return one row; places a merged cell covers carry its lines and no value."""
        slots = [""] * self._columns
        framed = row.band in FRAMED
        code = (1 if index in self._page_first else 0) + (2 if index in self._page_last else 0) + (16 if framed else 0)
        letters, simple, number, last = self._letters, self._simple, index + 1, self._columns - 1
        for col, cell in self._open.items():
            slots[col] = self._covered(cell, index, col)
        for cell in row.cells:
            col = cell.col
            if cell.rowspan > 1 or cell.colspan > 1:
                self._merged(cell, index, slots)
                continue
            key = (id(cell.look), code + (4 if col == 0 else 0) + (8 if col == last else 0))
            style = simple.get(key)
            if style is None:
                style = simple[key] = f'" s="{self._number(cell.look, self._sides(cell, index, col))}"'
            slots[col] = f'<c r="{letters[col]}{number}{style}{_content(cell)}'
        for col in [col for col, cell in self._open.items() if cell.row + cell.rowspan - 1 <= index]:
            del self._open[col]
        height = row.height_mm * _POINTS_PER_MM
        return f'<row r="{number}" ht="{height:.2f}" customHeight="1">{"".join(slots)}</row>'

    def _merged(self, cell: Cell, index: int, slots: list[str]) -> None:
        """Write the places of a merged cell in its first row, and remember it for the rows below."""
        for col in range(cell.col, cell.col + cell.colspan):
            slots[col] = self._covered(cell, index, col)
            if cell.rowspan > 1:
                self._open[col] = cell
        address = f'<c r="{self._letters[cell.col]}{index + 1}'
        style = self._number(cell.look, self._sides(cell, index, cell.col))
        slots[cell.col] = f'{address}" s="{style}"{_content(cell)}'

    def _covered(self, cell: Cell, row: int, col: int) -> str:
        """Return an empty place under a merged cell."""
        return f'<c r="{self._letters[col]}{row + 1}" s="{self._number(cell.look, self._sides(cell, row, col))}"/>'

    def _sides(self, cell: Cell, row: int, col: int) -> Sides:
        """Return the lines around one place of a cell: inner thin, frame medium, pages closed at head and foot."""
        look = cell.look
        if not look.boxed:
            return ("", "", "", "")
        left = "thin" if col == cell.col else ""
        right = "thin" if col == cell.col + cell.colspan - 1 else ""
        if self._sheet.rows[row].band not in FRAMED:
            return ("thin", right, "thin", left)
        top = "thin" if row == cell.row and not look.open_top else ""
        bottom = "thin" if row == cell.row + cell.rowspan - 1 and not look.open_bottom else ""
        return (
            "medium" if row in self._page_first else top,
            "medium" if col == self._columns - 1 else right,
            "medium" if row in self._page_last else bottom,
            "medium" if col == 0 else left,
        )
