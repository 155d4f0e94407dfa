"""What a laid-out page consists of: positioned cells, rows with heights, the sheet. Renderers know nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import Any, Literal, NamedTuple, overload

from reporting.tables.definition import Align, Page
from reporting.tables.formats import TEXT, Format, Value

Face = Literal["fang", "kai", "hei", "title", "song"]
Band = Literal["head", "header", "body", "total", "tail", "closing"]
#: Bands inside the closed frame.
FRAMED = frozenset({"header", "body", "total", "tail"})


@dataclass(frozen=True)
class Style:
    """Type of a named style: face, size in points, whether it stands in boxes with thin lines."""

    face: Face
    size: float
    boxed: bool = False


STYLES: dict[str, Style] = {
    "code": Style("hei", 16),
    "title": Style("title", 20),
    "line": Style("fang", 12),
    "header": Style("hei", 10, boxed=True),
    "body": Style("fang", 10, boxed=True),
    "label": Style("hei", 10.5, boxed=True),
    "sign": Style("fang", 10.5, boxed=True),
    "total": Style("hei", 10, boxed=True),
    "footer": Style("fang", 11),
    "block_head": Style("hei", 10, boxed=True),
    "block": Style("fang", 10, boxed=True),
    "block_total": Style("hei", 10, boxed=True),
    "signature": Style("fang", 12),
    "note": Style("fang", 10),
}


@dataclass(frozen=True)
class Look:
    """How a cell looks: the name of its style and what departs from it. Looks are shared between cells."""

    style: str
    align: Align = "center"
    valign: Literal["top", "middle", "bottom"] = "middle"
    format: Format = TEXT
    size: float = 0
    vertical: bool = False
    open_top: bool = False
    open_bottom: bool = False
    editable: bool = False
    indent: bool = False

    @cached_property
    def face(self) -> Face:
        """The face of type."""
        return STYLES[self.style].face

    @cached_property
    def points(self) -> float:
        """The size of type in points."""
        return self.size or STYLES[self.style].size

    @cached_property
    def boxed(self) -> bool:
        """True when the cell has lines around it."""
        return STYLES[self.style].boxed


@lru_cache(maxsize=4096)
def look(style: str, align: Align = "center", form: Format = TEXT, size: float = 0, *, indent: bool = False) -> Look:
    """Return the shared look of these properties."""
    return Look(style, align=align, format=form, size=size, indent=indent)


class Cell(NamedTuple):
    """One cell: where it stands, what it stores (typed) and what it shows.

    `mark` is added to the text of the second and later pieces when a page end divides the cell (（续）).
    """

    row: int
    col: int
    value: Value
    text: str
    look: Look
    rowspan: int = 1
    colspan: int = 1
    key: str = ""
    href: str = ""
    options: tuple[str, ...] = ()
    mark: str = ""

    def changed(self, **changes: Any) -> "Cell":
        """Return the cell with some properties changed."""
        return self._replace(**changes)


class Lane(NamedTuple):
    """One column of rows of a kind: what is the same down the column once, and for each row what it stores and shows.

    `odd` holds the looks of the rows that have one of their own, such as a number set smaller; `hrefs` is empty where
    nothing is a link.
    """

    col: int
    key: str
    look: Look
    shown: Sequence[tuple[Value, str]]
    odd: Mapping[int, Look]
    hrefs: Sequence[str] = ()
    colspan: int = 1

    def cell(self, nth: int, row: int) -> Cell:
        """Return the cell of the nth row, which stands in row `row` of the sheet."""
        value, text = self.shown[nth]
        href = self.hrefs[nth] if self.hrefs else ""
        return Cell(row, self.col, value, text, self.odd.get(nth, self.look), 1, self.colspan, self.key, href)


class Lanes(tuple[Lane, ...]):  # noqa: SLOT001 - it remembers which of them are wide
    """The lanes of the rows of one kind: those of the body, or the totals of one definition."""

    @cached_property
    def wide(self) -> tuple[Lane, ...]:
        """The lanes whose cells cover several columns."""
        return tuple(lane for lane in self if lane.colspan > 1)


class BodyCells(Sequence[Cell]):
    """The cells of one row: made from lanes when asked for, beside those of merged columns that begin here.

    A long table has far more cells than rows. Whoever draws them one by one sees a sequence of cells; the workbook
    reads the lanes instead.
    """

    __slots__ = ("lanes", "merged", "nth", "row")

    def __init__(self, lanes: Lanes, nth: int, row: int, merged: tuple[Cell, ...] = ()) -> None:
        self.lanes = lanes
        self.nth = nth
        self.row = row
        self.merged = merged

    def __iter__(self) -> Iterator[Cell]:
        nth, row = self.nth, self.row
        cells = [lane.cell(nth, row) for lane in self.lanes]
        if self.merged:
            cells = sorted((*cells, *self.merged), key=lambda cell: cell.col)
        return iter(cells)

    def __len__(self) -> int:
        return len(self.lanes) + len(self.merged)

    @overload
    def __getitem__(self, place: int) -> Cell: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Cell, ...]: ...
    def __getitem__(self, place: int | slice) -> Cell | tuple[Cell, ...]:
        return tuple(self)[place]

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, Sequence) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


class Row(NamedTuple):
    """One row of a sheet.

    Args:
        band: head, header (repeated on every page), body, total, tail or closing.
        cells: the cells that begin in this row, from left to right.
        height_mm: its height; text fits.
        keep_with_next: no page ends after it.
        break_before: a page begins with it.
        split: number of the merged group that may be divided over pages with （续）; -1 for none.
        keep: number of the merged group that stays on one page; -1 for none.
    """

    band: Band
    cells: Sequence[Cell]
    height_mm: float
    keep_with_next: bool = False
    break_before: bool = False
    split: int = -1
    keep: int = -1

    def changed(self, **changes: Any) -> "Row":
        """Return the row with some properties changed."""
        return self._replace(**changes)

    @property
    def merged(self) -> Sequence[Cell]:
        """The cells that begin in this row and cover more than one place."""
        cells = self.cells
        if isinstance(cells, BodyCells):
            if not cells.merged and not cells.lanes.wide:
                return ()
            cells = (*cells.merged, *(lane.cell(cells.nth, cells.row) for lane in cells.lanes.wide))
        return [cell for cell in cells if cell.rowspan > 1 or cell.colspan > 1]

    def with_merged(self, old: Sequence[Cell], new: Sequence[Cell]) -> "Row":
        """Return the row with cells of merged columns exchanged; it keeps the others as they are."""
        if isinstance(self.cells, BodyCells):
            kept = tuple(cell for cell in self.cells.merged if cell not in old)
            cells: Sequence[Cell] = BodyCells(self.cells.lanes, self.cells.nth, self.cells.row, (*kept, *new))
        else:
            kept = tuple(cell for cell in self.cells if cell not in old)
            cells = tuple(sorted((*kept, *new), key=lambda cell: cell.col))
        return self.changed(cells=cells)


@dataclass(frozen=True)
class Sheet:
    """A laid-out table or form. Immutable; everything a renderer needs, and nothing it would have to ask for.

    Args:
        rows: every row; `header` names the first and the row after the last of the repeated head.
        pages: for each page the first row and the row after its last (the repeated head not counted).
        freeze: columns that stay when Excel scrolls sideways.
        code_line: stands small at the foot of every page (表单编码 …); not part of what the sheet shows.
    """

    slug: str
    name: str
    code: str
    title: str
    page: Page
    widths_mm: tuple[float, ...]
    rows: tuple[Row, ...]
    header: tuple[int, int]
    pages: tuple[tuple[int, int], ...] = ()
    freeze: int = 0
    kind: Literal["table", "form"] = "table"
    code_line: str = ""

    @property
    def cells(self) -> Iterator[Cell]:
        """Every cell, row by row."""
        for row in self.rows:
            yield from row.cells

    @property
    def page_breaks(self) -> tuple[int, ...]:
        """Rows that begin a page, the first page's left out."""
        return tuple(start for start, _ in self.pages[1:])

    @cached_property
    def edges_mm(self) -> tuple[float, ...]:
        """Distance of each column's left edge from the left; the last is the whole width."""
        edges = [0.0]
        for width in self.widths_mm:
            edges.append(edges[-1] + width)
        return tuple(edges)

    def width_of(self, cell: Cell) -> float:
        """Return the width a cell covers, in millimetres."""
        return self.edges_mm[cell.col + cell.colspan] - self.edges_mm[cell.col]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything the sheet shows; equal for equal content, whoever asks and whenever."""
        shown = (self.title, self.page, self.widths_mm, self.header, self.pages, self.rows)
        return sha256(repr(shown).encode()).hexdigest()

    def with_rows(self, rows: tuple[Row, ...], pages: tuple[tuple[int, int], ...]) -> "Sheet":
        """Return the sheet with other rows and pages."""
        return replace(self, rows=rows, pages=pages)
