"""The rows of a workbook as XML, written for long tables: what is the same down a column is worked out once.

A row of a table's body is a template filled with the contents of its cells; templates differ only by where the row
stands (first or last of a page) and by numbers set smaller. All other rows are written cell by cell.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from xml.sax.saxutils import escape

from openpyxl.utils import get_column_letter

from reporting.tables.cells import FRAMED, BodyCells, Cell, Lane, Look, Row, Sheet
from reporting.tables.formats import Value

#: Lines above, right, below and left of a place: "", "thin" or "medium".
Sides = tuple[str, str, str, str]
StyleNumber = Callable[[Look, Sides], int]

_POINTS_PER_MM = 72 / 25.4
_EPOCH = dt.date(1899, 12, 30)
_NOT_PLAIN = re.compile(r"[&<>_\s]")
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")
#: Body rows whose contents are made at one time.
_BLOCK = 500
#: Where a place stands in its cell, and its row on the page.
_LEFT, _RIGHT, _TOP, _BOTTOM, _PAGE_FIRST, _PAGE_LAST, _FRAMED = (1 << bit for bit in range(7))


def text_xml(text: str) -> str:
    """Return text for a sheet's XML; what Excel would read as an escape (_x0041_) is written as text."""
    return escape(_ESCAPED.sub("_x005F_", text))


class _Texts(dict[str, str]):
    """The rest of text cells after address and style, one for each text: never anything but an inline string."""

    def __missing__(self, text: str) -> str:
        if len(self) > 20_000:
            self.clear()
        if not _NOT_PLAIN.search(text):
            rest = self[text] = f' t="inlineStr"><is><t>{text}</t></is></c>' if text else "/>"
            return rest
        space = ' xml:space="preserve"' if text != text.strip() or "\n" in text or "  " in text else ""
        rest = self[text] = f' t="inlineStr"><is><t{space}>{text_xml(text)}</t></is></c>'
        return rest


def _number(value: Value) -> str:
    """Return the rest of a cell with a number or a date."""
    if isinstance(value, dt.date):
        return f"><v>{(value - _EPOCH).days}</v></c>"
    return f"><v>{value:f}</v></c>" if not isinstance(value, int) else f"><v>{value}</v></c>"


class RowWriter:
    """Writes the rows of one sheet, from the first to the last.

    Args:
        sheet: what to write.
        number: returns the number of a cell format in the workbook.
    """

    def __init__(self, sheet: Sheet, number: StyleNumber) -> None:
        self._sheet = sheet
        self._number = number
        self._columns = len(sheet.widths_mm)
        self._letters = [get_column_letter(index + 1) for index in range(self._columns)]
        last = max((index for index, row in enumerate(sheet.rows) if row.band in FRAMED), default=-1)
        self._page_first = {start for start, _ in sheet.pages[1:]} | {sheet.header[0]}
        self._page_last = {start - 1 for start, _ in sheet.pages[1:]} | {last}
        self._texts = _Texts()
        self._styles: dict[tuple[int, int, int], str] = {}
        self._heights: dict[float, str] = {}
        self._open: dict[int, Cell] = {}
        self._body: _BodyContents | None = None

    def chunks(self) -> Iterator[str]:
        """Yield the rows, one string each."""
        for index, row in enumerate(self._sheet.rows):
            cells = row.cells
            if type(cells) is BodyCells:
                yield self._body_row(index, row, cells)
            else:
                yield self._row(index, row)
            if self._open:
                self._open = {col: cell for col, cell in self._open.items() if cell.row + cell.rowspan - 1 > index}

    # Rows written cell by cell

    def _row(self, index: int, row: Row) -> str:
        """Return one row; places a merged cell covers carry its lines and no value."""
        slots = [""] * self._columns
        code = self._code(index, row)
        for col, cell in self._open.items():
            slots[col] = self._place(cell, index, col, code)
        for cell in row.cells:
            if cell.rowspan > 1:
                self._open.update(dict.fromkeys(range(cell.col, cell.col + cell.colspan), cell))
            for col in range(cell.col, cell.col + cell.colspan):
                slots[col] = self._place(cell, index, col, code)
        return f'<row r="{index + 1}"{self._height(row.height_mm)}>{"".join(slots)}</row>'

    def _place(self, cell: Cell, index: int, col: int, code: int) -> str:
        """Return one place of a cell, the first with its content."""
        here = (
            code
            + (_LEFT if col == cell.col else 0)
            + (_RIGHT if col == cell.col + cell.colspan - 1 else 0)
            + (_TOP if index == cell.row else 0)
            + (_BOTTOM if index == cell.row + cell.rowspan - 1 else 0)
        )
        rest = self._content(cell.value, cell.text) if col == cell.col and index == cell.row else "/>"
        return f'<c r="{self._letters[col]}{index + 1}"{self._style(cell.look, col, here)}{rest}'

    def _content(self, value: Value, text: str) -> str:
        """Return the rest of a cell after its address and style."""
        return self._texts[text] if value is None or isinstance(value, str) else _number(value)

    # Rows of a table's body

    def _body_row(self, index: int, row: Row, cells: BodyCells) -> str:
        """Return a row of the body, from its template."""
        if self._body is None or self._body.lanes is not cells.lanes:
            self._body = _BodyContents(cells.lanes, self._texts, self._columns)
        body, code = self._body, self._code(index, row)
        kind = (code, *body.smaller.get(cells.nth, ()))
        template = body.templates.get(kind)
        if template is None:
            template = body.templates[kind] = self._template(code, cells)
        for cell in cells.merged:
            self._open[cell.col] = cell
        upright = [self._place(self._open[col], index, col, code) if col in self._open else "" for col in body.merged]
        contents = body.row(cells.nth, upright)
        return template.replace("#", str(index + 1)) % (self._height(row.height_mm), *contents)

    def _template(self, code: int, cells: BodyCells) -> str:
        """Return a body row with # for its number and %s for its height, the contents, and the merged columns."""
        slots = ["%s"] * self._columns
        for lane in cells.lanes:
            look = lane.smaller.get(cells.nth, lane.look)
            style = self._style(look, lane.col, code + _LEFT + _RIGHT + _TOP + _BOTTOM)
            slots[lane.col] = f'<c r="{self._letters[lane.col]}#"{style}%s'
        return f'<row r="#"%s>{"".join(slots)}</row>'

    # What rows have in common

    def _code(self, index: int, row: Row) -> int:
        """Return where a row stands: in the frame or outside, first or last on its page."""
        code = _PAGE_FIRST if index in self._page_first else 0
        code += _PAGE_LAST if index in self._page_last else 0
        return code + _FRAMED if row.band in FRAMED else code

    def _height(self, height: float) -> str:
        """Return the attributes of a row's height."""
        known = self._heights.get(height)
        if known is None:
            known = self._heights[height] = f' ht="{height * _POINTS_PER_MM:.2f}" customHeight="1"'
        return known

    def _style(self, look: Look, col: int, here: int) -> str:
        """Return the attribute with the number of a place's format."""
        key = (id(look), col, here)
        known = self._styles.get(key)
        if known is None:
            known = self._styles[key] = f' s="{self._number(look, self._sides(look, col, here))}"'
        return known

    def _sides(self, look: Look, col: int, here: int) -> Sides:
        """Return the lines around one place of a cell: inner thin, frame medium, pages closed at head and foot."""
        if not look.boxed:
            return ("", "", "", "")
        left = "thin" if here & _LEFT else ""
        right = "thin" if here & _RIGHT else ""
        if not here & _FRAMED:
            return ("thin", right, "thin", left)
        top = "thin" if here & _TOP and not look.open_top else ""
        bottom = "thin" if here & _BOTTOM and not look.open_bottom else ""
        return (
            "medium" if here & _PAGE_FIRST else top,
            "medium" if col == self._columns - 1 else right,
            "medium" if here & _PAGE_LAST else bottom,
            "medium" if col == 0 else left,
        )


class _BodyContents:
    """The contents of a body's rows, made in blocks, column by column.

    `merged` are the columns no lane fills; `smaller` tells for rows with a number set smaller where and how.
    """

    def __init__(self, lanes: tuple[Lane, ...], texts: _Texts, columns: int) -> None:
        self.lanes = lanes
        own = [lane.col for lane in lanes]
        self.merged = [col for col in range(columns) if col not in own]
        self.smaller: dict[int, tuple[int, ...]] = {}
        for lane in lanes:
            for nth, look in lane.smaller.items():
                self.smaller[nth] = (*self.smaller.get(nth, ()), lane.col, id(look))
        self.templates: dict[tuple[int, ...], str] = {}
        self._texts = texts
        self._order = sorted(range(columns), key=[*self.merged, *own].__getitem__)
        self._straight = self._order == list(range(columns))
        self._start = -1
        self._rows: list[tuple[str, ...]] = []

    def row(self, nth: int, upright: Sequence[str]) -> Sequence[str]:
        """Return the contents of a row from left to right, `upright` being its places in merged columns."""
        start = nth - nth % _BLOCK
        if start != self._start:
            self._start = start
            self._rows = list(zip(*(self._column(lane, start) for lane in self.lanes), strict=True))
        contents = (*upright, *self._rows[nth - start]) if self.lanes else upright
        return contents if self._straight else [contents[place] for place in self._order]

    def _column(self, lane: Lane, start: int) -> list[str]:
        """Return the contents of a block of rows in one column."""
        texts, shown = self._texts, lane.shown[start : start + _BLOCK]
        if lane.look.format.kind == "number":  # what is shown is the value, in the same digits
            return [
                texts[text] if value is None or type(value) is str else f"><v>{text}</v></c>" for value, text in shown
            ]
        return [texts[text] if value is None or type(value) is str else _number(value) for value, text in shown]
