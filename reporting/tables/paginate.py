"""Where pages end, and what happens to merged cells there. Pure; the same cuts serve the workbook and the PDF.

Rules, in the words of a careful clerk:

* what belongs together (`keep_with_next`, groups kept on a page, a last row and its subtotal) is never parted;
* the closing block (total, tail, footer, blocks, signatures, notes) takes at least three rows along;
* a merged group may be divided; its name is repeated with （续） on the next page;
* no single row stands under （续） where a second one could come along, no group leaves its first row alone at a foot;
* no page is nearly empty where rows a little lower save it, or where the page before can give some of its rows.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from reporting.tables.cells import FRAMED, Cell, Row, Sheet
from reporting.tables.metrics import cell_height

#: Left free on each page: what an estimate of heights may be wrong by.
SLACK_MM = 2.5
ROWS_WITH_CLOSING = 3
#: Excel knows no row higher than 409 points.
MAX_ROW_MM = 409 / 72 * 25.4
MIN_TALL_MM = 8.0
SMALLEST_POINTS = 5.0
#: Shares of a page: a page filled less is mended, the last one only when it is nearly empty; then it gets more.
PAGE_WANTED, LAST_LEAST, LAST_WANTED = 0.5, 0.33, 0.4
PAGES_MENDED = 3
#: How low rows may become to save a page: never below their text, these heights, and this share of what was wished.
LEAST_FRAMED_MM, LEAST_LOOSE_MM, LEAST_SIGNED_MM, TIGHTEST = 8.0, 5.5, 12.0, 0.8
TIGHTENING = (0.25, 0.5, 0.75, 1.0)


class _Atom(NamedTuple):
    """Rows that stay together."""

    start: int
    stop: int
    height: float
    forced: bool


@dataclass(frozen=True)
class _Room:
    """What a page holds besides the repeated head: `first` on the page that bears title and head lines."""

    page: float
    first: float

    def at(self, row: int, flow: int) -> float:
        """Return the room of the page that begins with a row; `flow` is the first row under the head."""
        return self.first if row <= flow else self.page


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


def _with_closing(sheet: Sheet, first: int, closing: int, room: _Room, flow: int) -> tuple[int, bool]:
    """Return the first of the rows that go with the closing block, and whether all of it fits on one page with them.

    Three rows, where need be fewer; the closing block itself is only divided when it is longer than a page.
    """
    for along in range(ROWS_WITH_CLOSING if sheet.kind == "table" else 1, 0, -1):
        begin = max(first, closing - along)
        if sum(row.height_mm for row in sheet.rows[begin:]) <= room.at(begin, flow):
            return begin, True
    return max(first, closing - 1), False


def _glue(sheet: Sheet, first: int, stop: int, flow: int, room: _Room) -> list[bool]:
    """Return for each row from `first` on whether no page may end after it."""
    rows = sheet.rows
    glued = [row.keep_with_next for row in rows[first:stop]]
    heights: dict[int, float] = {}
    for row in rows[first:stop]:
        if row.keep >= 0:
            heights[row.keep] = heights.get(row.keep, 0.0) + row.height_mm
    for index in range(first, stop - 1):
        keep = rows[index].keep
        if keep >= 0 and rows[index + 1].keep == keep and heights[keep] <= room.page:
            glued[index - first] = True
    closing = _closing_start(sheet, first) if stop == len(rows) else stop
    if first < closing < stop:
        begin, whole = _with_closing(sheet, first, closing, room, flow)
        for index in range(begin, stop - 1 if whole else closing):
            if not rows[index + 1].break_before:
                glued[index - first] = True
    if glued:
        glued[-1] = False
    return glued


def _atoms(sheet: Sheet, first: int, stop: int, flow: int, room: _Room) -> list[_Atom]:
    """Cut the flow from a row on into runs that stay together; a run longer than a page falls apart again."""
    rows = sheet.rows
    glued = _glue(sheet, first, stop, flow, room)
    atoms: list[_Atom] = []
    heights = [row.height_mm for row in rows]
    start = first
    while start < stop:
        end = start + 1
        while glued[end - 1 - first] and end < stop:
            end += 1
        height = sum(heights[start:end])
        if height <= room.at(start, flow):
            atoms.append(_Atom(start, end, height, rows[start].break_before))
        else:
            atoms.extend(_Atom(one, one + 1, heights[one], rows[one].break_before) for one in range(start, end))
        start = end
    return atoms


def _in_group(rows: Sequence[Row], atom: _Atom, group: int) -> int:
    """Return how many body rows of a group an atom holds."""
    return sum(1 for row in rows[atom.start : atom.stop] if row.split == group and row.band == "body")


def _divided(rows: Sequence[Row], atoms: Sequence[_Atom], page_first: int, cut: int) -> tuple[int, int, bool]:
    """Return how a page end before atom `cut` divides a group; (0, 0, False) where it divides none.

    The parts: rows of the group after it (counted to 2), rows before it on the page, whether the group opens there.
    """
    start = atoms[cut].start
    group = rows[start].split
    if group < 0 or rows[start - 1].split != group:
        return 0, 0, False
    after = 0
    for atom in atoms[cut:]:
        count = _in_group(rows, atom, group)
        after += count
        if after > 1 or not count:
            break
    before = sum(_in_group(rows, atom, group) for atom in atoms[page_first:cut])
    top = atoms[page_first].start
    return after, before, rows[top - 1].split != group or rows[top].split != group


def _better_cut(rows: Sequence[Row], atoms: Sequence[_Atom], page_first: int, cut: int) -> int:
    """Move a cut before atom `cut` upwards where it would leave a single row of a divided group on either side."""
    after, before, opens = _divided(rows, atoms, page_first, cut)
    group = rows[atoms[cut].start].split
    if after == 1 and cut - 1 > page_first and rows[atoms[cut - 1].start].split == group:
        cut -= 1
        before -= _in_group(rows, atoms[cut], group)
    if before == 1 and opens and cut - 1 > page_first and rows[atoms[cut - 1].start].split == group:
        cut -= 1
    return cut


def _cuts(rows: Sequence[Row], atoms: Sequence[_Atom], first_room: float, room: float) -> list[int]:
    """Return the atoms that begin a page, the first included, each page as full as it may be."""
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


def _shared_out(rows: Sequence[Row], atoms: Sequence[_Atom], first_room: float, room: float) -> list[int]:
    """Return the atoms that begin a page, so that no page is nearly empty where another could give.

    Of all ways to cut with the fewest pages: the one that parts groups least, then the one whose pages lack least
    of half a page, then the one that fills the first pages most.
    """
    best: list[tuple[tuple[float, ...], int]] = [((0.0, 0.0, 0.0, 0.0), 0)]
    for stop in range(1, len(atoms) + 1):
        found: tuple[tuple[float, ...], int] | None = None
        height = 0.0
        for begin in range(stop - 1, -1, -1):
            height += atoms[begin].height
            free = room if begin else first_room
            if height > free and begin < stop - 1:
                if height > room:
                    break
                continue
            before = best[begin][0]
            last = stop == len(atoms)
            lacking = max(0.0, (LAST_WANTED if last else PAGE_WANTED) * room - height - (room - free))
            wrong = 0 if last else _wrong(rows, atoms, begin, stop)
            cost = (before[0] + 1, before[1] + wrong, before[2] + lacking**2, before[3] + before[0] * height)
            if found is None or cost < found[0]:
                found = (cost, begin)
        assert found is not None  # noqa: S101 - an atom alone always makes a page
        best.append(found)
    begins, stop = [], len(atoms)
    while stop:
        stop = best[stop][1]
        begins.append(stop)
    return begins[::-1]


def _wrong(rows: Sequence[Row], atoms: Sequence[_Atom], page_first: int, cut: int) -> int:
    """Return how many rows of divided groups a page end would leave alone."""
    after, before, opens = _divided(rows, atoms, page_first, cut)
    alone_above = before == 1 and opens and cut - 1 > page_first
    return int(after == 1 and before > 1) + int(alone_above)


def _sparse(sheet: Sheet, starts: Sequence[int], stop: int, flow: int, room: _Room) -> bool:
    """Tell whether one of these pages is nearly empty."""
    for start, end in pairwise([*starts, stop]):
        free = room.at(start, flow)
        used = sum(row.height_mm for row in sheet.rows[start:end]) + room.page - free
        if used < (LAST_LEAST if end == stop else PAGE_WANTED) * room.page:
            return True
    return False


def _floor(row: Row, sheet: Sheet) -> float:
    """Return the least height a clerk would give a row: its text fits, it is readable, it can be signed."""
    need = max((cell_height(c, sheet.width_of(c)) for c in row.cells if c.rowspan == 1), default=0.0)
    signed = any(cell.look.style in {"sign", "signature"} for cell in row.cells)
    least = LEAST_SIGNED_MM if signed else LEAST_FRAMED_MM if row.band in FRAMED else LEAST_LOOSE_MM
    return min(row.height_mm, max(need, least, row.height_mm * TIGHTEST))


def _tightened(sheet: Sheet, floors: Mapping[int, float], share: float) -> Sheet:
    """Return the sheet with rows lowered by a share of what they could give; merged cells keep the height they need."""
    rows = list(sheet.rows)
    for index, floor in floors.items():
        height = rows[index].height_mm
        rows[index] = rows[index].changed(height_mm=round(height - share * (height - floor), 2))
    for index in floors:
        for cell in rows[index].cells:
            if cell.rowspan > 1:
                stop = index + cell.rowspan
                have = sum(row.height_mm for row in rows[index:stop])
                lacking = cell_height(cell, sheet.width_of(cell)) - have
                if lacking > 0:
                    rows[stop - 1] = rows[stop - 1].changed(height_mm=round(rows[stop - 1].height_mm + lacking, 2))
    return replace(sheet, rows=tuple(rows))


def _starts(sheet: Sheet, first: int, stop: int, flow: int, room: _Room, *, share: bool = False) -> list[int]:
    """Return the rows that begin a page, from a row on that begins one."""
    atoms = _atoms(sheet, first, stop, flow, room)
    cut = _shared_out if share else _cuts
    return [atoms[begin].start for begin in cut(sheet.rows, atoms, room.at(first, flow), room.page)] if atoms else []


def _mended(sheet: Sheet, starts: list[int], stop: int, flow: int, room: _Room) -> tuple[Sheet, list[int]]:
    """Return the sheet and its pages with none nearly empty: rows a little lower save a page, or rows are shared out.

    Only the last three of these pages change; in longer tables only the closing block gets lower, so that all rows of
    the body look alike.
    """
    settled, last = starts[:-PAGES_MENDED], starts[-PAGES_MENDED:]
    if len(starts) < 2 or not _sparse(sheet, last, stop, flow, room):
        return sheet, starts
    first = last[0]
    wanted = len(starts) - len(settled)
    floors = {
        index: _floor(row, sheet)
        for index, row in enumerate(sheet.rows[first:stop], first)
        if not settled or row.band == "closing"
    }
    for share in TIGHTENING:
        lower = _tightened(sheet, floors, share)
        pages = _starts(lower, first, stop, flow, room)
        if len(pages) < wanted:
            if _sparse(lower, pages, stop, flow, room):
                pages = _starts(lower, first, stop, flow, room, share=True)
            return lower, [*settled, *pages]
    return sheet, [*settled, *_starts(sheet, first, stop, flow, room, share=True)]


def _pieces(cell: Cell, starts: Sequence[int]) -> list[Cell]:
    """Divide a merged cell at the pages that begin inside it."""
    stop = cell.row + cell.rowspan
    cuts = starts[bisect_right(starts, cell.row) : bisect_left(starts, stop)]
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
    rows = list(sheet.rows)
    for index in range(first, len(rows)):
        for cell in sheet.rows[index].merged:
            pieces = _pieces(cell, starts)
            if len(pieces) == 1:
                continue
            rows[index] = rows[index].with_merged([cell], pieces[:1])
            for piece in pieces:
                if piece is not pieces[0]:
                    rows[piece.row] = rows[piece.row].with_merged([], [piece])
                end = piece.row + piece.rowspan
                have = sum(row.height_mm for row in rows[piece.row : end])
                lacking = cell_height(piece, sheet.width_of(piece)) - have
                if lacking > 0:
                    rows[end - 1] = rows[end - 1].changed(height_mm=rows[end - 1].height_mm + lacking)
    return tuple(rows)


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
    return row.changed(cells=tuple(cells), height_mm=min(room, max(height, MIN_TALL_MM)))


def paginate(sheet: Sheet) -> Sheet:
    """Return the sheet with its pages cut and its merged cells divided at page ends."""
    header = sum(row.height_mm for row in sheet.rows[sheet.header[0] : sheet.header[1]])
    flow = sheet.header[1]
    head = sum(row.height_mm for row in sheet.rows[: sheet.header[0]])
    whole = sheet.page.body_height_mm - SLACK_MM - header
    room = _Room(whole, whole - head)
    tallest = min(room.first, MAX_ROW_MM)
    sheet = replace(sheet, rows=tuple(_low_enough(row, sheet, tallest) for row in sheet.rows))
    starts = _starts(sheet, flow, len(sheet.rows), flow, room)
    if not starts:
        return replace(sheet, pages=((0, len(sheet.rows)),))
    mended: list[int] = []
    for begin, end in _runs(sheet.rows, starts):
        stop = starts[end] if end < len(starts) else len(sheet.rows)
        sheet, pages = _mended(sheet, starts[begin:end], stop, flow, room)
        mended.extend(pages)
    bounds = [0, *mended[1:], len(sheet.rows)]
    return sheet.with_rows(_divide(sheet, flow, mended[1:]), tuple(pairwise(bounds)))


def _runs(rows: Sequence[Row], starts: Sequence[int]) -> list[tuple[int, int]]:
    """Return the runs of pages between page breaks that were asked for."""
    begins = [index for index, start in enumerate(starts) if not index or rows[start].break_before]
    return list(pairwise([*begins, len(starts)]))
