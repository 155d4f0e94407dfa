"""The body of a table: rows become lanes (one for each column), merged cells, subtotals, rows with heights. Pure.

What is the same down a column is worked out once, what is equal is formatted and measured once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate, pairwise
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, overload

from reporting.tables.cells import BodyCells, Cell, Lane, Lanes, Look, Row, look
from reporting.tables.definition import Column, Merge, Table, Total, TotalCell
from reporting.tables.formats import TEXT, Format, Shower, Value, display, em_at_most
from reporting.tables.metrics import (
    MM_PER_POINT,
    PADDING_X_MM,
    SIMPLE,
    fitting_points,
    height_of,
    lines_within,
    surely_within,
)
from reporting.tables.parts import edges_of

CONTINUED = "（续）"
Shown = Sequence[tuple[Value, str]]


class _Line(NamedTuple):
    """One line of the body: the nth row, or the nth total of its kind; with the number of its group on each level."""

    groups: tuple[int, ...]
    nth: int
    total: Total | None = None


class _TotalPlace(NamedTuple):
    """Where a total's cell stands, and what all totals of its kind share: the look of a value, and of words."""

    item: TotalCell
    start: int
    stop: int
    look: Look
    words: Look


class _Totals:
    """All totals of one kind: the rows each goes over, then their lanes and heights."""

    def __init__(self) -> None:
        self.members: list[Sequence[Any]] = []
        self.lanes = Lanes()
        self.heights: list[float] = []
        self._without: dict[frozenset[int], Lanes] = {}

    def lanes_without(self, covered: frozenset[int]) -> Lanes:
        """Return the lanes but those of columns covered from above; the same object for the same columns."""
        if covered not in self._without:
            self._without[covered] = Lanes(lane for lane in self.lanes if lane.col not in covered)
        return self._without[covered]


class _Numbers(Sequence[tuple[Value, str]]):
    """1, 2, 3 … as a counting column stores and shows them, made when asked for."""

    def __init__(self, count: int) -> None:
        self._range = range(1, count + 1)

    def __len__(self) -> int:
        return len(self._range)

    def __iter__(self) -> Iterator[tuple[Value, str]]:
        return ((number, str(number)) for number in self._range)

    @overload
    def __getitem__(self, place: int) -> tuple[Value, str]: ...
    @overload
    def __getitem__(self, place: slice) -> list[tuple[Value, str]]: ...
    def __getitem__(self, place: int | slice) -> tuple[Value, str] | list[tuple[Value, str]]:
        if isinstance(place, slice):
            return [(number, str(number)) for number in self._range[place]]
        return self._range[place], str(self._range[place])


@lru_cache(maxsize=256)
def _smaller(shared: Look, points: float) -> Look:
    """Return a look in another size; the same object for the same size."""
    return replace(shared, size=points)


class Body:
    """Lays the rows of one table; lives for one call of lay_out."""

    def __init__(self, table: Table, leaves: Sequence[Column], rows: Sequence[Any], first: int) -> None:
        self.table = table
        self.leaves = leaves
        self.rows = rows if isinstance(rows, (list, tuple)) else list(rows)
        self.first = first
        self.widths = tuple(column.width_mm for column in leaves)
        self.edges = edges_of(self.widths)
        self.size = 0 if table.body_pt == 10 else table.body_pt
        self.position = {column.key: index for index, column in enumerate(leaves)}
        self.merges = [merge for merge in table.merge_by if all(key in self.position for key in merge.columns)]
        self.levels = self._levels()
        self.merged = {self.position[key]: merge for merge in self.merges for key in merge.columns}
        self.showers: dict[tuple[Format, str], Shower] = {}
        self.places: dict[int, list[_TotalPlace]] = {}
        self.totals: dict[int, _Totals] = {id(one.total): _Totals() for one in table.subtotals}

    def _levels(self) -> list[str]:
        """Return the keys that divide the rows into groups, outer first."""
        keys = [merge.by or merge.columns[0] for merge in self.merges]
        keys += [subtotal.by for subtotal in self.table.subtotals]
        return list(dict.fromkeys(keys))

    def _level(self, merge: Merge) -> int:
        return self.levels.index(merge.by or merge.columns[0])

    def _reader(self, column: Column) -> Callable[[Any], Any]:
        """Return what reads a column from a row."""
        mappings = bool(self.rows) and isinstance(self.rows[0], Mapping)
        return column.value or (itemgetter(column.key) if mappings else attrgetter(column.key))

    def _values(self, column: Column) -> Sequence[Any]:
        """Return the raw values of a column, from the first row to the last."""
        return range(1, len(self.rows) + 1) if column.counter else list(map(self._reader(column), self.rows))

    def lay(self) -> list[Row]:
        """Return the body's rows."""
        lines = self.lines()
        spans = self._spans(lines)
        shown = [self._shown(column) for column in self.leaves]
        looks = [self._look(column) for column in self.leaves]
        free = [col for col in range(len(self.leaves)) if col not in self.merged]
        lanes = Lanes(self._lane(col, shown[col], looks[col]) for col in free)
        heights = self._heights(lanes, len(self.rows), self.table.row_height_mm)
        for one in self.table.subtotals:
            self._lay_totals(one.total)
        forced = self._forced()
        split, keep = self._split_and_keep()
        tall: list[Cell] = []
        laid: list[Row] = []
        for index, (groups, nth, total) in enumerate(lines):
            place = groups[split] if split >= 0 else -1, groups[keep] if keep >= 0 else -1
            if total is not None:
                totals = self.totals[id(total)]
                beside = totals.lanes_without(self._covered(total, index, spans))
                cells = BodyCells(beside, nth, self.first + index)
                laid.append(Row("total", cells, totals.heights[nth], False, False, *place))
                continue
            merged = self._merged_cells(nth, index, spans, shown, looks) if spans else ()
            glued = index + 1 < len(lines) and lines[index + 1].total is not None
            cells = BodyCells(lanes, nth, self.first + index, merged)
            laid.append(Row("body", cells, heights[nth], glued, forced[nth], *place))
            tall.extend(merged)
        return self._stretched(laid, tall)

    # Groups, and the totals between them

    def lines(self) -> list[_Line]:
        """Return the rows with their group numbers, and the subtotals between them."""
        starts = self._starts()
        if not starts:
            return [_Line((), nth) for nth in range(len(self.rows))]
        numbers = list(zip(*(accumulate(level) for level in starts), strict=True))
        lines: list[_Line] = []
        for nth, groups in enumerate(numbers):
            if nth and groups != numbers[nth - 1]:
                lines.extend(self._subtotals(numbers, nth, starts))
            lines.append(_Line(groups, nth))
        if self.rows:
            lines.extend(self._subtotals(numbers, len(self.rows), starts))
        return lines

    def _starts(self) -> list[list[int]]:
        """Return for each level and row whether a group begins: 1, at the first row 0, so that groups count from 0."""
        columns = {column.key: column for column in self.table.leaves()}
        starts: list[list[int]] = []
        outer = [0] * len(self.rows)
        for key in self.levels:
            values = self._values(columns.get(key) or Column(key, ""))
            changed = [int(one != before) for before, one in pairwise(values)]
            outer = [own | above for own, above in zip([0, *changed], outer, strict=False)]
            starts.append(outer)
        return starts

    def _subtotals(self, numbers: Sequence[tuple[int, ...]], stop: int, starts: Sequence[Sequence[int]]) -> list[_Line]:
        """Return the totals due after the row before `stop`, inner first."""
        due = []
        for subtotal in reversed(self.table.subtotals):
            level = self.levels.index(subtotal.by)
            if stop < len(numbers) and not starts[level][stop]:
                continue
            begin = stop - 1
            while begin and not starts[level][begin]:
                begin -= 1
            members = self.totals[id(subtotal.total)].members
            due.append(_Line(numbers[stop - 1], len(members), subtotal.total))
            members.append(self.rows[begin:stop])
        return due

    def _forced(self) -> Sequence[bool]:
        """Return for each row whether it must begin a page."""
        begins = self.table.page_break_before
        if begins is None or not self.rows:
            return [False] * len(self.rows)
        return [False, *(begins(row, before) for before, row in pairwise(self.rows))]

    # Columns

    def _shown(self, column: Column) -> Shown:
        """Return what a column shows, from the first row to the last."""
        if column.counter and column.format.kind == "number" and not column.format.places:
            return _Numbers(len(self.rows))
        return self._shower(column.format, column.blank).column(self._values(column))

    def _shower(self, form: Format, blank: str) -> Shower:
        """Return what formats these values; columns of one format share what they format."""
        return self.showers.setdefault((form, blank), Shower(form, blank))

    def _look(self, column: Column) -> Look:
        """Return the look of a column's cells."""
        if column.label:
            return look("label", column.align, column.format, self.table.body_pt)
        return look("body", column.align, column.format, self.size)

    def _lane(self, col: int, shown: Shown, shared: Look) -> Lane:
        """Return a column of the body."""
        column = self.leaves[col]
        hrefs = list(map(column.href, self.rows)) if column.href is not None else ()
        return Lane(col, column.key, shared, shown, self._smaller(col, shown, shared), hrefs)

    def _smaller(self, col: int, shown: Shown, shared: Look) -> dict[int, Look]:
        """Return the looks of a column's numbers that would not fit (Excel prints ####) and are set smaller."""
        smaller: dict[int, Look] = {}
        if shared.format.is_number:
            digits = self._em(col, 1.0, shared) / em_at_most(None, "0", shared.format)
            for nth, (value, text) in enumerate(shown):
                if len(text) > digits and (fitted := self._fitted(value, text, shared, col)) is not shared:
                    smaller[nth] = fitted
        return smaller

    def _fitted(self, value: Value, text: str, shared: Look, col: int) -> Look:
        """Return a smaller look where a number would not fit its column (Excel prints ####)."""
        if isinstance(value, str) or em_at_most(value, text, shared.format) <= self._em(col, 1.0, shared):
            return shared
        like = "0" * len(text) if text.isdecimal() else text  # all digits are equally wide
        points = fitting_points(like, shared.face, shared.points, self.widths[col])
        return shared if points == shared.points else _smaller(shared, points)

    def _em(self, col: int, free_mm: float, shared: Look) -> float:
        """Return the width of a column in em of a look, less what stays free."""
        return (self.widths[col] - free_mm) / (shared.points * MM_PER_POINT)

    def _heights(self, lanes: Lanes, count: int, least: float) -> list[float]:
        """Return the heights of rows: only texts that may need more than the least height are broken into lines."""
        heights = [least] * count
        is_simple = SIMPLE.fullmatch
        for lane in lanes:
            width = self.edges[lane.col + lane.colspan] - self.edges[lane.col]
            lines = lines_within(least, lane.look)
            short = (width - PADDING_X_MM) / (lane.look.points * MM_PER_POINT) if lines else 0.0
            names = surely_within(lines, short) if not lane.look.indent else 0.0
            digits = short / em_at_most(None, "0", lane.look.format)
            for nth, (value, text) in enumerate(lane.shown):
                if len(text) <= (short if type(value) is str else digits) and "\n" not in text:
                    continue
                if len(text) < names and is_simple(text):
                    continue
                need = height_of(text, lane.odd.get(nth, lane.look), width)
                if need > heights[nth]:
                    heights[nth] = round(need, 2)
        return heights

    # Merged columns

    def _spans(self, lines: Sequence[_Line]) -> dict[int, list[int]]:
        """Return for each merged column how many lines the cell beginning in a line covers; 0 where none begins."""
        spans: dict[int, list[int]] = {}
        for col, merge in self.merged.items():
            level = self._level(merge)
            here = [0] * len(lines)
            start = -1
            for index, line in enumerate(lines):
                if line.total is not None and self._covers(line.total, col):
                    start = -1
                    continue
                if start < 0 or lines[start].groups[level] != line.groups[level]:
                    start = index
                here[start] += 1
            spans[col] = here
        return spans

    def _merged_cells(
        self, nth: int, index: int, spans: Mapping[int, Sequence[int]], shown: Sequence[Shown], looks: Sequence[Look]
    ) -> tuple[Cell, ...]:
        """Return the cells of merged columns that begin in a line."""
        cells = []
        for col, lengths in spans.items():
            if not lengths[index]:
                continue
            column = self.leaves[col]
            value, text = shown[col][nth]
            own = self._fitted(value, text, looks[col], col) if column.format.is_number else looks[col]
            href = column.href(self.rows[nth]) if column.href is not None else ""
            mark = CONTINUED if self.merged[col].columns[0] == column.key else ""
            cells.append(
                Cell(self.first + index, col, value, text, own, lengths[index], 1, column.key, href, mark=mark)
            )
        return tuple(cells)

    # Rows

    def _split_and_keep(self) -> tuple[int, int]:
        """The level whose merge may be divided, and the level whose groups stay on one page; -1 for none."""
        split = next((self._level(merge) for merge in self.merges if merge.across_pages == "split"), -1)
        keep = next((self._level(merge) for merge in self.merges if merge.across_pages == "keep"), -1)
        return split, keep

    def _stretched(self, rows: list[Row], tall: Sequence[Cell]) -> list[Row]:
        """Return the rows, the last ones of merged cells high enough for the text of these."""
        for cell in sorted(tall, key=lambda cell: cell.rowspan > 1):
            start = cell.row - self.first
            stop = start + cell.rowspan
            need = height_of(cell.text, cell.look, self.widths[cell.col])
            lacking = need - sum(row.height_mm for row in rows[start:stop])
            if lacking > 0:
                rows[stop - 1] = rows[stop - 1].changed(height_mm=round(rows[stop - 1].height_mm + lacking, 2))
        return rows

    # Totals

    def _places(self, total: Total) -> list[_TotalPlace]:
        """Return where the cells of a total stand; ends that are not exported shrink to those that are."""
        known = self.places.get(id(total))
        if known is not None:
            return known
        keys = [column.key for column in self.table.leaves()]
        found = []
        for item in total.cells:
            inside = keys[keys.index(item.key) : keys.index(item.through or item.key) + 1]
            cols = [self.position[key] for key in inside if key in self.position]
            if cols:
                form = item.format or (TEXT if item.through else self.leaves[cols[0]].format)
                looks = (
                    look("total", item.align, one, self.size, indent=item.align == "left")
                    for one in (form, item.format or TEXT)
                )
                found.append(_TotalPlace(item, cols[0], cols[-1] + 1, *looks))
        self.places[id(total)] = found
        return found

    def _covers(self, total: Total, col: int) -> bool:
        """Tell whether a total row has a cell of its own over a column."""
        return any(place.start <= col < place.stop for place in self._places(total))

    def _covered(self, total: Total, index: int, spans: Mapping[int, Sequence[int]]) -> frozenset[int]:
        """Return the merged columns that a total row's own cells leave free: they belong to the group above."""
        return frozenset(col for col in spans if not spans[col][index] and not self._covers(total, col))

    def _lay_totals(self, total: Total) -> None:
        """Make the lanes and heights of all totals of a kind."""
        totals = self.totals[id(total)]
        totals.lanes = self._total_lanes(total, totals.members)
        least = max(total.min_height_mm, self.table.row_height_mm)
        totals.heights = self._heights(totals.lanes, len(totals.members), least)

    def _total_lanes(self, total: Total, members: Sequence[Sequence[Any]]) -> Lanes:
        """Return the lanes of totals over these groups of rows."""
        empty = look("total", size=self.size)
        blank = [(None, "")] * len(members)
        free = (col for col in range(len(self.leaves)) if not self._covers(total, col))
        lanes = {col: Lane(col, "", empty, blank, {}) for col in free}
        for place in self._places(total):
            lanes[place.start] = self._total_lane(place, members)
        return Lanes(lanes[col] for col in sorted(lanes))

    def _total_lane(self, place: _TotalPlace, members: Sequence[Sequence[Any]]) -> Lane:
        """Return one lane of totals: values in the format of the column, words in their own."""
        item, start, stop, usual, words = place
        raws = [item.value] * len(members) if isinstance(item.value, str) else list(map(item.value, members))
        said = [nth for nth, raw in enumerate(raws) if isinstance(raw, str)]
        shared = words if len(said) == len(raws) else usual
        shown = self._shower(shared.format, item.blank).column(raws)
        odd = self._smaller(start, shown, shared) if stop - start == 1 else {}
        if shared is not words:
            for nth in said:
                shown[nth] = display(raws[nth], words.format, item.blank)
                odd[nth] = words
        return Lane(start, item.key, shared, shown, odd, colspan=stop - start)

    def total_cells(self, total: Total, row: int) -> tuple[Cell, ...]:
        """Return the cells of a total over all rows."""
        return tuple(lane.cell(0, row) for lane in self._total_lanes(total, [self.rows]))
