"""The rows of a workbook as XML, written for long tables: what is the same down a column is worked out once.

A row of a table's body is a template filled with the contents of its cells; templates differ only by where the row
stands (first or last of a page) and by numbers set smaller. All other rows are written cell by cell.
"""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from xml.sax.saxutils import escape

from openpyxl.utils import get_column_letter

from reporting.tables.cells import FRAMED, BodyCells, Cell, Lane, Lanes, Look, Row, Sheet
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
        if len(self) > 5_000:
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
        self._until = len(sheet.rows)
        self._contents: dict[int, _LaneContents] = {}
        self._templates: dict[tuple[int, ...], _Template] = {}

    def chunks(self) -> Iterator[str]:
        """Yield the rows, one string each."""
        for index, row in enumerate(self._sheet.rows):
            yield self._row(index, row, self._code(index, row))
            if index >= self._until:
                self._open = {col: cell for col, cell in self._open.items() if cell.row + cell.rowspan - 1 > index}
                self._until = min(self._ends(), default=len(self._sheet.rows))

    def _ends(self) -> Iterator[int]:
        """Yield the last row of each upright cell that is open."""
        return (cell.row + cell.rowspan - 1 for cell in self._open.values())

    def _row(self, index: int, row: Row, code: int) -> str:
        """Return one row: its template, filled with the places of upright cells and the contents of the others."""
        cells = row.cells
        if type(cells) is BodyCells:
            begin: Sequence[Cell] = cells.merged
            lanes = self._contents.get(id(cells.lanes))
            if lanes is None:
                lanes = self._contents[id(cells.lanes)] = _LaneContents(cells.lanes, self._texts)
            contents: Sequence[str] = lanes.row(cells.nth)
            kind: tuple[int, ...] = (-1, code, id(cells.lanes), *lanes.odd.get(cells.nth, ()))
        else:
            begin = [cell for cell in cells if cell.rowspan > 1]
            flat = [cell for cell in cells if cell.rowspan == 1]
            contents = [self._content(cell.value, cell.text) for cell in flat]
            kind = (-2, code, *(part for cell in flat for part in (cell.col, cell.colspan, id(cell.look))))
        for cell in begin:
            self._open.update(dict.fromkeys(range(cell.col, cell.col + cell.colspan), cell))
            self._until = min(self._ends())
        template = self._templates.get((*self._open, *kind))
        if template is None:
            template = self._templates[(*self._open, *kind)] = self._template(row, code)
        upright = [self._upright(cell, index, col, code) for col, cell in self._open.items()]
        return template.filled(index + 1, self._height(row.height_mm), [*upright, *contents])

    def _template(self, row: Row, code: int) -> "_Template":
        """Return what a row has in common with others of its kind: everything but number, height and contents."""
        slots = [""] * self._columns
        order = list(self._open)
        for col in order:
            slots[col] = "%s"
        for cell in row.cells:
            if cell.rowspan > 1 or cell.col in self._open:
                continue
            order.append(cell.col)
            for col in range(cell.col, cell.col + cell.colspan):
                here = code + _TOP + _BOTTOM + (_LEFT if col == cell.col else 0)
                here += _RIGHT if col == cell.col + cell.colspan - 1 else 0
                rest = "%s" if col == cell.col else "/>"
                slots[col] = f'<c r="{self._letters[col]}#"{self._style(cell.look, col, here)}{rest}'
        return _Template(f'<row r="#"%s>{"".join(slots)}</row>', sorted(range(len(order)), key=order.__getitem__))

    def _upright(self, cell: Cell, index: int, col: int, code: int) -> str:
        """Return one place of a cell that goes over several rows."""
        here = code
        here += _LEFT if col == cell.col else 0
        here += _RIGHT if col == cell.col + cell.colspan - 1 else 0
        here += _TOP if index == cell.row else 0
        here += _BOTTOM if index == cell.row + cell.rowspan - 1 else 0
        rest = self._content(cell.value, cell.text) if col == cell.col and index == cell.row else "/>"
        return f'<c r="{self._letters[col]}{index + 1}"{self._style(cell.look, col, here)}{rest}'

    def _content(self, value: Value, text: str) -> str:
        """Return the rest of a cell after its address and style."""
        return self._texts[text] if value is None or isinstance(value, str) else _number(value)

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


class _Template:
    """A row with # for its number and %s for its height and the contents; `order` sorts contents by their columns."""

    def __init__(self, text: str, order: Sequence[int]) -> None:
        self.text = text
        self.order = None if list(order) == list(range(len(order))) else order

    def filled(self, number: int, height: str, contents: Sequence[str]) -> str:
        """Return the row."""
        if self.order is not None:
            contents = [contents[place] for place in self.order]
        return self.text.replace("#", str(number)) % (height, *contents)


class _LaneContents:
    """The contents of the rows of lanes, made in blocks, column by column.

    `odd` tells for rows with looks of their own where and which.
    """

    def __init__(self, lanes: Lanes, texts: _Texts) -> None:
        self.lanes = lanes
        self.odd: dict[int, tuple[int, ...]] = {}
        for lane in lanes:
            for nth, look in lane.odd.items():
                self.odd[nth] = (*self.odd.get(nth, ()), lane.col, id(look))
        self._texts = texts
        self._start = -1
        self._rows: list[tuple[str, ...]] = []

    def row(self, nth: int) -> tuple[str, ...]:
        """Return the contents of a row from left to right."""
        start = nth - nth % _BLOCK
        if start != self._start:
            self._start = start
            self._rows = list(zip(*(self._column(lane, start) for lane in self.lanes), strict=True))
        return self._rows[nth - start] if self.lanes else ()

    def _column(self, lane: Lane, start: int) -> list[str]:
        """Return the contents of a block of rows in one column."""
        texts, shown = self._texts, lane.shown[start : start + _BLOCK]
        if lane.look.format.kind in {"text", "name", "tick"}:
            return [texts[text] for _, text in shown]
        if lane.look.format.kind == "number":  # what is shown is the value, in the same digits
            return [
                texts[text] if value is None or type(value) is str else f"><v>{text}</v></c>" for value, text in shown
            ]
        return [texts[text] if value is None or type(value) is str else _number(value) for value, text in shown]
