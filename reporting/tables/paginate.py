"""Where pages end, and what happens to merged cells there. Pure; the same cuts serve the workbook and the PDF.

Rules, in the words of a careful clerk:

* what belongs together (`keep_with_next`, groups kept on a page, a last row and its subtotal) is never parted;
* the closing block (total, tail, footer, blocks, signatures, notes) takes at least three rows along;
* a merged group may be divided; its name is repeated with （续） on the next page;
* no single row stands under （续） where a second one could come along, no group leaves its first row alone at a foot.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from reporting.tables.cells import Cell, Row, Sheet
from reporting.tables.metrics import cell_height

#: Left free on each page: what an estimate of heights may be wrong by.
SLACK_MM = 2.5
ROWS_WITH_CLOSING = 3
#: Excel knows no row higher than 409 points.
MAX_ROW_MM = 409 / 72 * 25.4
MIN_TALL_MM = 8.0
SMALLEST_POINTS = 5.0


@dataclass(frozen=True)
class _Atom:
    """Rows that stay together."""

    start: int
    stop: int
    height: float
    forced: bool


def _closing_start(sheet: Sheet, first: int) -> int:
    """Return the first row after the last row of the body and its subtotals."""
    rows = sheet.rows
    index = len(rows)
    while index > first and rows[index - 1].band in {"closing", "tail"}:
        index -= 1
    if (
        index > first
        and rows[index - 1].band == "total"
        and rows[index - 1].split < 0
        and not rows[index - 1].keep_with_next
    ):
        index -= 1
    return index


def _glue(sheet: Sheet, first: int, room: float) -> list[bool]:
    """Return for each row whether no page may end after it."""
    rows = sheet.rows
    glued = [row.keep_with_next for row in rows]
    heights: dict[int, float] = {}
    for row in rows:
        if row.keep >= 0:
            heights[row.keep] = heights.get(row.keep, 0.0) + row.height_mm
    for index in range(first, len(rows) - 1):
        keep = rows[index].keep
        if keep >= 0 and rows[index + 1].keep == keep and heights[keep] <= room:
            glued[index] = True
    closing = _closing_start(sheet, first)
    if first < closing < len(rows):
        along = ROWS_WITH_CLOSING if sheet.kind == "table" else 1
        begin = max(first, closing - along)
        block = sum(row.height_mm for row in rows[begin:])
        stop = len(rows) - 1 if block <= room else closing
        for index in range(begin, stop):
            if not rows[index + 1].break_before:
                glued[index] = True
    if glued:
        glued[-1] = False
    return glued


def _atoms(sheet: Sheet, first: int, room: float) -> list[_Atom]:
    """Cut the flow into runs that stay together; a run longer than a page falls apart again."""
    rows = sheet.rows
    glued = _glue(sheet, first, room)
    atoms: list[_Atom] = []
    start = first
    while start < len(rows):
        stop = start + 1
        while glued[stop - 1] and stop < len(rows):
            stop += 1
        height = sum(row.height_mm for row in rows[start:stop])
        if height <= room:
            atoms.append(_Atom(start, stop, height, rows[start].break_before))
        else:
            atoms.extend(_Atom(one, one + 1, rows[one].height_mm, rows[one].break_before) for one in range(start, stop))
        start = stop
    return atoms


def _in_group(rows: Sequence[Row], atom: _Atom, group: int) -> int:
    """Return how many body rows of a group an atom holds."""
    return sum(1 for row in rows[atom.start : atom.stop] if row.split == group and row.band == "body")


def _better_cut(rows: Sequence[Row], atoms: Sequence[_Atom], page_first: int, cut: int) -> int:
    """Move a cut before atom `cut` upwards where it would leave a single row of a divided group on either side."""
    group = rows[atoms[cut].start].split
    if group < 0 or rows[atoms[cut].start - 1].split != group:
        return cut
    after = 0
    for atom in atoms[cut:]:
        count = _in_group(rows, atom, group)
        after += count
        if after > 1 or not count:
            break
    if after == 1 and cut - 1 > page_first and rows[atoms[cut - 1].start].split == group:
        cut -= 1
    before = sum(_in_group(rows, atom, group) for atom in atoms[page_first:cut])
    opens_here = page_first == 0 or rows[atoms[page_first].start - 1].split != group
    opens_here = opens_here or rows[atoms[page_first].start].split != group
    if before == 1 and opens_here and cut - 1 > page_first and rows[atoms[cut - 1].start].split == group:
        cut -= 1
    return cut


def _cuts(sheet: Sheet, atoms: Sequence[_Atom], first_room: float, room: float) -> list[int]:
    """Return the atoms that begin a page, the first included."""
    rows = sheet.rows
    begins = [0]
    used, free, index = 0.0, first_room, 0
    while index < len(atoms):
        atom = atoms[index]
        page_first = begins[-1]
        if index > page_first and (atom.forced or used + atom.height > free):
            cut = index if atom.forced else _better_cut(rows, atoms, page_first, index)
            begins.append(cut)
            index, used, free = cut, 0.0, room
            continue
        used += atom.height
        index += 1
    return begins


def _pieces(cell: Cell, starts: Sequence[int]) -> list[Cell]:
    """Divide a merged cell at the pages that begin inside it."""
    stop = cell.row + cell.rowspan
    cuts = [start for start in starts if cell.row < start < stop]
    if not cuts:
        return [cell]
    bounds = [cell.row, *cuts, stop]
    pieces = []
    for index, (begin, end) in enumerate(pairwise(bounds)):
        text = cell.text + cell.mark if index and cell.text else cell.text
        value = text if index and cell.mark and cell.text else cell.value
        pieces.append(cell.changed(row=begin, rowspan=end - begin, text=text, value=value))
    return pieces


def _divide(sheet: Sheet, first: int, starts: Sequence[int]) -> tuple[Row, ...]:
    """Return the rows with every merged cell divided at page ends."""
    cells: list[list[Cell]] = [list(row.cells) for row in sheet.rows]
    heights = [row.height_mm for row in sheet.rows]
    for index in range(first, len(sheet.rows)):
        for cell in sheet.rows[index].cells:
            if cell.rowspan == 1:
                continue
            pieces = _pieces(cell, starts)
            if len(pieces) == 1:
                continue
            cells[index][cells[index].index(cell)] = pieces[0]
            for piece in pieces:
                if piece is not pieces[0]:
                    cells[piece.row].append(piece)
                end = piece.row + piece.rowspan
                lacking = cell_height(piece, sheet.width_of(piece)) - sum(heights[piece.row : end])
                heights[end - 1] += max(0.0, lacking)
    return tuple(
        replace(row, cells=tuple(sorted(here, key=lambda cell: cell.col)), height_mm=height)
        if here != list(row.cells) or height != row.height_mm
        else row
        for row, here, height in zip(sheet.rows, cells, heights, strict=True)
    )


def _low_enough(row: Row, sheet: Sheet, room: float) -> Row:
    """Return a row that fits on one page: what is too long for it is set smaller."""
    if row.height_mm <= room:
        return row
    cells, height = [], 0.0
    for cell in row.cells:
        width = sheet.width_of(cell)
        while cell.rowspan == 1 and cell_height(cell, width) > room and cell.look.points > SMALLEST_POINTS:
            cell = cell.changed(look=replace(cell.look, size=cell.look.points - 0.5))
        if cell.rowspan == 1:
            height = max(height, cell_height(cell, width))
        cells.append(cell)
    return replace(row, cells=tuple(cells), height_mm=min(room, max(height, MIN_TALL_MM)))


def paginate(sheet: Sheet) -> Sheet:
    """Return the sheet with its pages cut and its merged cells divided at page ends."""
    header = sum(row.height_mm for row in sheet.rows[sheet.header[0] : sheet.header[1]])
    first = sheet.header[1]
    room = sheet.page.body_height_mm - SLACK_MM - header
    head = sum(row.height_mm for row in sheet.rows[: sheet.header[0]])
    tallest = min(room - head, MAX_ROW_MM)
    sheet = replace(sheet, rows=tuple(_low_enough(row, sheet, tallest) for row in sheet.rows))
    atoms = _atoms(sheet, first, room)
    if not atoms:
        return replace(sheet, pages=((0, len(sheet.rows)),))
    begins = _cuts(sheet, atoms, room - head, room)
    starts = [0, *(atoms[begin].start for begin in begins[1:])]
    pages = tuple(zip(starts, [*starts[1:], len(sheet.rows)], strict=True))
    return sheet.with_rows(_divide(sheet, first, starts[1:]), pages)
