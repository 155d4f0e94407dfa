"""Slips to cut out of A4 paper: a few lines of text beside a QR code, with cut lines between them.

Drawn straight into a document in memory. What stands on a slip may be a secret that is printed once, so neither the
document nor its lines are kept anywhere: the lines the typesetter remembers are dropped when a document is done.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from reporting.tables.binding import Leaf, bind, piece_of
from reporting.tables.cells import Face
from reporting.tables.definition import Page
from reporting.tables.metrics import LINE_HEIGHT, wrap
from reporting.tables.paper import PX_PER_MM, Drawn
from reporting.tables.pdf import drawing
from reporting.tables.typeset import PX_PER_POINT, Glyphs, Typesetter
from reporting.tables.xlsx import Properties

PAPER = Page(top=10, right=9, bottom=15, left=9)
COLUMNS, ROWS = 3, 7
PER_PAGE = COLUMNS * ROWS
PAD_MM = 2.4
QR_MM = 24.0
GAP_MM = 2.0
CUT_POINTS = 0.4
SMALLEST_POINTS = 6.0

Matrix = tuple[tuple[bool, ...], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A paragraph of a slip: it is broken into lines where it is too wide, at most `most` of them, then set smaller."""

    text: str
    face: Face = "fang"
    points: float = 8.0
    most: int = 1
    above_mm: float = 0.6
    across: bool = False


@dataclass(frozen=True, slots=True)
class Slip:
    """One slip: lines from the top at the left, those `across` at the foot over the whole width, and a QR code.

    Args:
        stack: slips of one stack lie on pages of their own, to be handed on together.
        matrix: the modules of the QR code, True is dark; it needs no quiet zone, the slip leaves one.
    """

    stack: str
    lines: tuple[Line, ...]
    matrix: Matrix = ()


def _fitted(line: Line, width_mm: float) -> tuple[float, tuple[str, ...]]:
    """Return the size a paragraph is set in and its lines; no smaller than can be read."""
    points = line.points
    lines = wrap(line.text, width_mm, line.face, points)
    while len(lines) > line.most and points > SMALLEST_POINTS:
        points -= 0.5
        lines = wrap(line.text, width_mm, line.face, points)
    return points, lines[: line.most]


class _Sheet:
    """Draws one page of slips; lives for one call of `_page`."""

    def __init__(self, setter: Typesetter) -> None:
        self.setter = setter
        self.dark: list[str] = []
        self.text: list[bytes] = []
        self.glyphs: Glyphs = {}

    def slip(self, slip: Slip, left: float, top: float, width: float, height: float) -> None:
        """Draw a slip into its place, in millimetres."""
        code = QR_MM if slip.matrix else 0.0
        if slip.matrix:
            self._matrix(slip.matrix, left + width - PAD_MM - code, top + PAD_MM)
        beside = width - 2 * PAD_MM - (code + GAP_MM if code else 0)
        below = top + PAD_MM
        for line in (one for one in slip.lines if not one.across):
            below = self._paragraph(line, left + PAD_MM, below, beside)
        foot = [one for one in slip.lines if one.across]
        high = sum(self._height(one, width - 2 * PAD_MM) for one in foot)
        below = top + height - PAD_MM - high
        for line in foot:
            below = self._paragraph(line, left + PAD_MM, below, width - 2 * PAD_MM)

    def _height(self, line: Line, width: float) -> float:
        points, lines = _fitted(line, width)
        return line.above_mm + len(lines) * points * PX_PER_POINT * LINE_HEIGHT / PX_PER_MM

    def _paragraph(self, line: Line, left: float, top: float, width: float) -> float:
        """Draw a paragraph; return where the next one begins."""
        points, lines = _fitted(line, width)
        high = points * PX_PER_POINT * LINE_HEIGHT
        metrics = self.setter.metrics(line.face, points)
        place = (top + line.above_mm) * PX_PER_MM
        for text in lines:
            if text.strip():
                run = self.setter.run(text, line.face, points)
                baseline = place + (high - metrics.height) / 2 + metrics.baseline
                self.text.append(b"1 0 0 -1 %.2f %.2f Tm %b" % (left * PX_PER_MM, baseline, run.operators))
                for name, glyphs in run.glyphs.items():
                    self.glyphs.setdefault(name, {}).update(glyphs)
            place += high
        return place / PX_PER_MM

    def _matrix(self, matrix: Matrix, left: float, top: float) -> None:
        """Draw the dark modules, those side by side as one rectangle."""
        size = QR_MM / len(matrix) * PX_PER_MM
        for row, modules in enumerate(matrix):
            column = 0
            for dark, run in groupby(modules):
                wide = len(list(run))
                if dark:
                    x, y = left * PX_PER_MM + column * size, top * PX_PER_MM + row * size
                    self.dark.append(f"{x:.3f} {y:.3f} {wide * size:.3f} {size:.3f} re")
                column += wide

    def operators(self, cuts: str) -> bytes:
        """Return what draws the page, in its own state of graphics."""
        height = PAPER.height_mm * 72 / 25.4
        dark = f"{' '.join(self.dark)} f" if self.dark else ""
        opening = f"q .75 0 0 -.75 0 {height:.4f} cm 0 g {dark} {cuts} BT"
        return b"\n".join([opening.encode(), *self.text, b"ET Q"])


def _cuts(left: float, top: float, width: float, height: float) -> str:
    """Return dashed lines from edge to edge of the block of slips."""
    across = [top + height / ROWS * row for row in range(ROWS + 1)]
    down = [left + width / COLUMNS * column for column in range(COLUMNS + 1)]
    paths = [f"{left * PX_PER_MM:.2f} {y * PX_PER_MM:.2f} m {(left + width) * PX_PER_MM:.2f} {y * PX_PER_MM:.2f} l"
             for y in across]  # fmt: skip
    paths += [f"{x * PX_PER_MM:.2f} {top * PX_PER_MM:.2f} m {x * PX_PER_MM:.2f} {(top + height) * PX_PER_MM:.2f} l"
              for x in down]  # fmt: skip
    return f".45 G {CUT_POINTS * PX_PER_POINT:.3f} w [3 3] 0 d {' '.join(paths)} S [] 0 d 0 G"


def _page(slips: Sequence[Slip], setter: Typesetter) -> Drawn:
    left, top = PAPER.left, PAPER.top
    width = PAPER.width_mm - PAPER.left - PAPER.right
    height = PAPER.height_mm - PAPER.top - PAPER.bottom
    sheet = _Sheet(setter)
    for place, slip in enumerate(slips):
        row, column = divmod(place, COLUMNS)
        wide, high = width / COLUMNS, height / ROWS
        sheet.slip(slip, left + column * wide, top + row * high, wide, high)
    sizes = (PAPER.width_mm, PAPER.height_mm, PAPER.right, PAPER.bottom, PAPER.left)
    box = tuple(one * 72 / 25.4 for one in sizes)
    operators = sheet.operators(_cuts(left, top, width, height))
    return Drawn(box, operators, [], sheet.glyphs)  # type: ignore[arg-type]


def _stacks(slips: Sequence[Slip], setter: Typesetter) -> Iterator[Leaf]:
    for stack, members in groupby(slips, key=lambda slip: slip.stack):
        held = list(members)
        pages = [_page(held[start : start + PER_PAGE], setter) for start in range(0, len(held), PER_PAGE)]
        yield Leaf(piece_of(pages, setter), title=stack, code_line=stack)


def render(slips: Sequence[Slip], properties: Properties, *, font_dirs: Sequence[Path | str] = ()) -> bytes:
    """Return slips as one PDF, each stack beginning on a new page. Raises ValueError without a slip."""
    if not slips:
        raise ValueError("a document needs a slip")
    target = io.BytesIO()
    with drawing(font_dirs) as setter:
        try:
            bind(_stacks(slips, setter), target, setter, properties, numbering="each")
        finally:
            setter.forget()
    return target.getvalue()
