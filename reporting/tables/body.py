"""The body of a table: rows become lanes (one for each column), merged cells, subtotals, rows with heights. Pure.

What is the same down a column is worked out once, what is equal is formatted and measured once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, overload

from reporting.tables.cells import Band, BodyCells, Cell, Lane, Look, Row, look
from reporting.tables.definition import Column, Merge, Table, Total, TotalCell
from reporting.tables.formats import TEXT, Format, Shower, Value, display, em_at_most
from reporting.tables.metrics import MM_PER_POINT, PADDING_X_MM, fitting_points, height_of
from reporting.tables.parts import edges_of

CONTINUED = "（续）"
Shown = Sequence[tuple[Value, str]]


class _Line(NamedTuple):
    """One line of the body: the nth row, or a total over `members`; with the number of its group on each level."""

    groups: tuple[int, ...]
    nth: int = -1
    total: Total | None = None
    members: Sequence[Any] = ()


class _TotalPlace(NamedTuple):
    """Where a total's cell stands, and what all totals of its kind share: the look of a value, and of words."""

    item: TotalCell
    start: int
    stop: int
    look: Look
    words: Look


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
        lanes = tuple(self._lane(col, shown[col]) for col in range(len(self.leaves)) if col not in self.merged)
        heights = self._heights(lanes)
        forced = self._forced()
        looks = [self._look(column) for column in self.leaves]
        tall: list[Cell] = []
        laid: list[Row] = []
        for index, line in enumerate(lines):
            if line.total is not None:
                laid.append(self._subtotal(line, index, spans))
                continue
            merged = self._merged_cells(line.nth, index, spans, shown, looks) if spans else ()
            cells = BodyCells(lanes, line.nth, self.first + index, merged)
            glued = index + 1 < len(lines) and lines[index + 1].total is not None
            laid.append(self._row("body", cells, line, heights[line.nth], glued=glued, forced=forced[line.nth]))
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
            due.append(_Line(numbers[stop - 1], total=subtotal.total, members=self.rows[begin:stop]))
        return due

    def _forced(self) -> Sequence[bool]:
        """Return for each row whether it must begin a page."""
        begins = self.table.page_break_before
        if begins is None or not self.rows:
            return [False] * len(self.rows)
        return [False, *(begins(row, before) for before, row in pairwise(self.rows))]

    # Columns

    def _shown(self, column: Column) -> Shown:
        """Return what a column shows, from the first row to the last; columns of one format share what they format."""
        key = (column.format, column.blank)
        shower = self.showers.setdefault(key, Shower(*key))
        if column.counter and column.format.kind == "number" and not column.format.places:
            shower.show(len(self.rows))
            return _Numbers(len(self.rows))
        return shower.column(self._values(column))

    def _look(self, column: Column) -> Look:
        """Return the look of a column's cells."""
        if column.label:
            return look("label", column.align, column.format, self.table.body_pt)
        return look("body", column.align, column.format, self.size)

    def _lane(self, col: int, shown: Shown) -> Lane:
        """Return a column with the look of its cells, numbers that would not fit (Excel prints ####) smaller."""
        column = self.leaves[col]
        shared = self._look(column)
        smaller: dict[int, Look] = {}
        room = self._em(col, 1.0, shared)
        if column.format.is_number and self.showers[column.format, column.blank].widest > room:
            digits = room / em_at_most(None, "0", column.format)
            for nth, (value, text) in enumerate(shown):
                fitted = self._fitted(value, text, shared, col) if len(text) > digits else shared
                if fitted is not shared:
                    smaller[nth] = fitted
        hrefs = list(map(column.href, self.rows)) if column.href is not None else ()
        return Lane(col, column.key, shared, shown, smaller, hrefs)

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

    def _heights(self, lanes: Sequence[Lane]) -> list[float]:
        """Return the heights of the rows; a lane whose texts are all short is not looked at."""
        heights = [self.table.row_height_mm] * len(self.rows)
        for lane in lanes:
            form, width = lane.look.format, self.widths[lane.col]
            room = self._em(lane.col, PADDING_X_MM, lane.look)
            shower = self.showers[form, self.leaves[lane.col].blank]
            if shower.widest <= room and not shower.broken:
                continue
            digit = em_at_most(None, "0", form)
            for nth, (value, text) in enumerate(lane.shown):
                if len(text) * (1.0 if type(value) is str else digit) > room or "\n" in text:
                    need = height_of(text, lane.smaller.get(nth, lane.look), width)
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

    def _subtotal(self, line: _Line, index: int, spans: Mapping[int, Sequence[int]]) -> Row:
        """Return a subtotal row; merged columns its own cells leave free belong to the group above."""
        total = line.total or Total(())
        skip = frozenset(col for col in spans if not spans[col][index] and not self._covers(total, col))
        cells = self.total_cells(total, line.members, self.first + index, skip)
        height = total.min_height_mm
        for cell in cells:
            wide = em_at_most(cell.value, cell.text, cell.look.format)
            if wide > self._em(cell.col, PADDING_X_MM, cell.look) or "\n" in cell.text:
                width = self.edges[cell.col + cell.colspan] - self.edges[cell.col]
                height = max(height, round(height_of(cell.text, cell.look, width), 2))
        return self._row("total", cells, line, height)

    def _row(
        self,
        band: Band,
        cells: Sequence[Cell],
        line: _Line,
        height: float,
        *,
        glued: bool = False,
        forced: bool = False,
    ) -> Row:
        """Return a row with its groups: which merge may be divided here, which rows stay on one page."""
        split, keep = self._split_and_keep
        return Row(
            band,
            cells,
            max(height, self.table.row_height_mm),
            glued,
            forced,
            line.groups[split] if split >= 0 else -1,
            line.groups[keep] if keep >= 0 else -1,
        )

    @cached_property
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
                rows[stop - 1] = replace(rows[stop - 1], height_mm=round(rows[stop - 1].height_mm + lacking, 2))
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

    def total_cells(
        self, total: Total, members: Sequence[Any], row: int, skip: frozenset[int] = frozenset()
    ) -> tuple[Cell, ...]:
        """Return the cells of a total row; columns in `skip` are covered from above."""
        cells: dict[int, Cell] = {}
        taken = set(skip)
        for item, start, stop, usual, words in self._places(total):
            raw = item.value if isinstance(item.value, str) else item.value(members)
            shared = words if isinstance(raw, str) else usual
            value, text = display(raw, shared.format, item.blank)
            if shared.format.is_number and stop - start == 1:
                shared = self._fitted(value, text, shared, start)
            cells[start] = Cell(row, start, value, text, shared, 1, stop - start, item.key)
            taken.update(range(start, stop))
        empty = look("total", size=self.size)
        for col in range(len(self.leaves)):
            if col not in taken:
                cells[col] = Cell(row, col, None, "", empty)
        return tuple(cells[col] for col in sorted(cells))
