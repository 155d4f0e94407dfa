"""Pages of a sheet as the drawing operators of a PDF: lines of type at their places, rules along the grid.

The layout has decided every width, height and line end, so nothing is left to a box model: a cell is its lines, and
all rules of a page are one path for each thickness. Places are in pixels of 1/96 inch from the top left of the paper.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from reporting.tables.cells import FRAMED, Cell, Row, Sheet
from reporting.tables.metrics import INDENT_MM, LINE_HEIGHT, lines_of
from reporting.tables.typeset import PX_PER_POINT, Glyphs, Typesetter

PX_PER_MM = 96 / 25.4
PAD_X, PAD_Y = 0.5 * PX_PER_MM, 0.2 * PX_PER_MM
THIN, THICK = 0.5 * PX_PER_POINT, 1.5 * PX_PER_POINT

Segment = tuple[float, float, float]


class Mark(NamedTuple):
    """A bookmark: page of the piece counted from 0, level from 1, text, place in points from the top of the page."""

    page: int
    level: int
    text: str
    top: float


class Drawn(NamedTuple):
    """A page: size and margins in points (width, height, right, bottom, left), operators, bookmarks, glyphs used."""

    box: tuple[float, float, float, float, float]
    operators: bytes
    marks: list[tuple[int, str, float]]
    glyphs: Glyphs


def _joined(segments: set[Segment]) -> Iterator[Segment]:
    """Join pieces of rules (place across, from, to) that meet end to end."""
    current: Segment | None = None
    for place, start, stop in sorted(segments):
        if current and current[0] == place and start <= current[2] + 0.01:
            current = (place, current[1], max(current[2], stop))
        else:
            if current:
                yield current
            current = (place, start, stop)
    if current:
        yield current


class _Rules:
    """The rules of a page, gathered cell by cell; what is hidden wins over what is drawn."""

    def __init__(self) -> None:
        self.across: set[Segment] = set()
        self.down: set[Segment] = set()
        self.hidden: set[Segment] = set()

    def box(self, lefts: Sequence[float], top: float, bottom: float, *, open_top: bool, open_bottom: bool) -> None:
        """Add the outline of a cell; `lefts` are the edges of the columns it covers, its right edge the last."""
        for left, right in pairwise(lefts):
            (self.hidden if open_top else self.across).add((top, left, right))
            (self.hidden if open_bottom else self.across).add((bottom, left, right))
        self.down.add((lefts[0], top, bottom))
        self.down.add((lefts[-1], top, bottom))

    def operators(self, width: float) -> str:
        """Return one path with all rules."""
        path = [f"{start:.2f} {place:.2f} m {stop:.2f} {place:.2f} l" for place, start, stop in self._rows()]
        path += [f"{place:.2f} {start:.2f} m {place:.2f} {stop:.2f} l" for place, start, stop in _joined(self.down)]
        return f"{width:.4f} w {' '.join(path)} S" if path else ""

    def _rows(self) -> Iterator[Segment]:
        return _joined(self.across - self.hidden)


def _boxed(cell: Cell) -> bool:
    return cell.look.style.startswith("block")


class _Page:
    """Draws one page; lives for one call of draw_page."""

    def __init__(self, sheet: Sheet, setter: Typesetter) -> None:
        self.sheet = sheet
        self.setter = setter
        self.left = sheet.page.left * PX_PER_MM
        self.rules = _Rules()
        self.frames: list[str] = []
        self.lines: list[bytes] = []
        self.marks: list[tuple[int, str, float]] = []
        self.glyphs: Glyphs = {}

    def block(self, rows: Sequence[Row], top: float) -> float:
        """Draw rows that follow each other without a gap; return where they end.

        Half of the outer rules lies outside: a frame stands that much lower and further right than loose lines.
        """
        framed = rows[0].band in FRAMED
        boxed = framed or any(_boxed(cell) and cell.col == 0 for row in rows for cell in row.cells)
        rule = THICK if framed else THIN if boxed else 0.0
        above = rule / 2 if framed or any(_boxed(cell) for cell in rows[0].cells) else 0.0
        below = rule / 2 if framed or any(_boxed(cell) for cell in rows[-1].cells) else 0.0
        edges = [self.left + rule / 2 + edge * PX_PER_MM for edge in self.sheet.edges_mm]
        tops = [top + above]
        for row in rows:
            tops.append(tops[-1] + row.height_mm * PX_PER_MM)
        for index, row in enumerate(rows):
            for cell in row.cells:
                columns = edges[cell.col : cell.col + cell.colspan + 1]
                stop = min(index + cell.rowspan, len(rows))
                self.cell(cell, columns, tops[index], tops[stop], framed=framed)
                if framed:
                    inset = (
                        THICK / 2 if cell.col == 0 else THIN / 2,
                        THICK / 2 if index == 0 else THIN / 2,
                        THICK / 2 if cell.col + cell.colspan == len(edges) - 1 else THIN / 2,
                        THICK / 2 if stop == len(rows) else THIN / 2,
                    )
                else:
                    inset = (THIN / 2,) * 4 if _boxed(cell) else (0.0,) * 4
                if cell.text:
                    self.text(cell, columns, (tops[index], tops[stop]), inset)
        if framed:
            path = f"{edges[0]:.2f} {tops[0]:.2f} {edges[-1] - edges[0]:.2f} {tops[-1] - tops[0]:.2f} re"
            self.frames.append(path)
        return tops[-1] + below

    def cell(self, cell: Cell, columns: Sequence[float], top: float, bottom: float, *, framed: bool) -> None:
        """Add the rules and the bookmark of a cell."""
        look = cell.look
        if framed or _boxed(cell):
            self.rules.box(columns, top, bottom, open_top=look.open_top, open_bottom=look.open_bottom)
        if look.style == "title" and cell.text:
            self.marks.append((1, cell.text, top))
        elif cell.mark and cell.text and not cell.text.endswith(cell.mark):
            self.marks.append((2, cell.text, top))

    def text(
        self,
        cell: Cell,
        columns: Sequence[float],
        rows: tuple[float, float],
        inset: tuple[float, float, float, float],
    ) -> None:
        """Draw the lines of a cell's text; `inset` is the share of its rules inside it: left, top, right, bottom."""
        look = cell.look
        lines = lines_of(cell.text, look, self.sheet.width_of(cell))
        high = look.points * PX_PER_POINT * LINE_HEIGHT
        metrics = self.setter.metrics(look.face, look.points)
        start = columns[0] + inset[0] + (INDENT_MM * PX_PER_MM if look.indent else PAD_X)
        stop = columns[-1] - inset[2] - PAD_X
        top, bottom = rows[0] + inset[1] + PAD_Y, rows[1] - inset[3] - PAD_Y
        spare = bottom - top - high * len(lines)
        first = top + {"top": 0.0, "middle": spare / 2, "bottom": spare}[look.valign]
        baseline = first + (high - metrics.height) / 2 + metrics.baseline
        for line in lines:
            if line.strip():
                run = self.setter.run(line, look.face, look.points)
                free = stop - start - run.width
                x = start + (free if look.align == "right" else free / 2 if look.align == "center" else 0)
                self.lines.append(b"1 0 0 -1 %.2f %.2f Tm %b" % (x, baseline, run.operators))
                for name, glyphs in run.glyphs.items():
                    self.glyphs.setdefault(name, {}).update(glyphs)
            baseline += high

    def operators(self) -> bytes:
        """Return what draws the page, in its own state of graphics."""
        height = self.sheet.page.height_mm * PX_PER_MM * 0.75
        rules = self.rules.operators(THIN)
        frames = f"{THICK:.4f} w {' '.join(self.frames)} S" if self.frames else ""
        opening = f"q .75 0 0 -.75 0 {height:.4f} cm 0 g 0 G {rules} {frames} BT"
        return b"\n".join([opening.encode(), *self.lines, b"ET Q"])


def draw_page(sheet: Sheet, number: int, setter: Typesetter) -> Drawn:
    """Draw a page of a sheet, counted from 0: the lines above its frame, the frame with its head, what follows it."""
    page = _Page(sheet, setter)
    header = sheet.rows[sheet.header[0] : sheet.header[1]]
    start, stop = sheet.pages[number]
    rows = [row for row in sheet.rows[start:stop] if row.band != "header"]
    top = sheet.page.top * PX_PER_MM
    for band, group in groupby(rows, key=lambda row: "frame" if row.band in FRAMED else row.band):
        first = header if band == "frame" else ()
        top = page.block([*first, *group], top)
    paper = sheet.page
    sizes = (paper.width_mm, paper.height_mm, paper.right, paper.bottom, paper.left)
    width, height, right, bottom, left = (one * 72 / 25.4 for one in sizes)
    marks = [(level, text, place * 0.75) for level, text, place in page.marks]
    return Drawn((width, height, right, bottom, left), page.operators(), marks, page.glyphs)
