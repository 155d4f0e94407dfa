"""Tables laid out: nested heads, merged groups, subtotals, totals, closing block. Pure: rows in, one Sheet out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter, itemgetter
from typing import Any

from reporting.tables.cells import Cell, Look, Row, Sheet, look
from reporting.tables.definition import Column, Facts, Group, Head, Table, Total, TotalCell
from reporting.tables.formats import TEXT, Value, clean_text, display, shower
from reporting.tables.forms import place
from reporting.tables.metrics import MM_PER_POINT, PADDING_X_MM, fitting_points, height_of
from reporting.tables.paginate import paginate
from reporting.tables.parts import closing_rows, edges_of, head_rows, with_heights

CONTINUED = "（续）"


def exported(columns: Sequence[Head]) -> tuple[Head, ...]:
    """Return the columns files hold; groups left without columns vanish."""
    kept: list[Head] = []
    for column in columns:
        if isinstance(column, Group):
            inner = exported(column.columns)
            if inner:
                kept.append(replace(column, columns=inner))
        elif column.export and column.kind not in {"links", "select"}:
            kept.append(column)
    return tuple(kept)


def depth_of(columns: Sequence[Head]) -> int:
    """Return the number of header rows."""
    return max((1 + depth_of(one.columns) if isinstance(one, Group) else 1 for one in columns), default=0)


def header_cells(columns: Sequence[Head], first_row: int, size: float = 0) -> list[list[Cell]]:
    """Return the cells of the head, one list for each header row."""
    depth = depth_of(columns)
    lines: list[list[Cell]] = [[] for _ in range(depth)]
    shared = look("header", size=size)

    def walk(heads: Sequence[Head], level: int, col: int) -> int:
        for head in heads:
            text = clean_text(head.header)
            if isinstance(head, Group):
                stop = walk(head.columns, level + 1, col)
                lines[level].append(Cell(first_row + level, col, text, text, shared, 1, stop - col))
                col = stop
            else:
                rows = depth - level
                lines[level].append(Cell(first_row + level, col, text or None, text, shared, rows, 1, head.key))
                col += 1
        return col

    walk(columns, 0, 0)
    return lines


def fitted(leaves: Sequence[Column], room: float) -> tuple[Column, ...]:
    """Return the columns, all a little narrower where together they are wider than the page."""
    wide = sum(column.width_mm for column in leaves)
    if wide <= room:
        return tuple(leaves)
    return tuple(replace(column, width_mm=column.width_mm * room / wide) for column in leaves)


@dataclass
class _Line:
    """One line of the body: a row, or a total over rows."""

    groups: tuple[int, ...]
    row: Any = None
    number: int = 0
    total: Total | None = None
    members: Sequence[Any] = ()
    level: int = -1


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is the same in all cells of a column; `room` is how many digits surely fit."""

    col: int
    key: str
    read: Callable[[Any], Any] | None
    show: Callable[[Any], tuple[Value, str]]
    look: Look
    merged: bool
    mark: str
    number: bool
    room: float
    href: Callable[[Any], str] | None


class _Body:
    """Lays the rows of one table; lives for one call of lay_out."""

    def __init__(self, table: Table, leaves: Sequence[Column], rows: Sequence[Any], first: int) -> None:
        self.table = table
        self.leaves = leaves
        self.keys = [column.key for column in table.leaves()]
        self.rows = rows
        self.first = first
        self.widths = tuple(column.width_mm for column in leaves)
        self.edges = edges_of(self.widths)
        self.size = 0 if table.body_pt == 10 else table.body_pt
        self.position = {column.key: index for index, column in enumerate(leaves)}
        self.merges = [merge for merge in table.merge_by if all(key in self.position for key in merge.columns)]
        self.levels = self._levels()
        self.merged = {self.position[key]: merge for merge in self.merges for key in merge.columns}

    def _levels(self) -> list[str]:
        """Return the keys that divide the rows into groups, outer first."""
        keys = [merge.by or merge.columns[0] for merge in self.merges]
        keys += [subtotal.by for subtotal in self.table.subtotals]
        return list(dict.fromkeys(keys))

    def _reader(self, key: str) -> Callable[[Any], Any]:
        """Return how a group key is read: as the column of that name does, or from the row itself."""
        column = next((one for one in self.table.leaves() if one.key == key), None)
        return (column or Column(key, "")).read

    def lines(self) -> list[_Line]:
        """Return the rows with their group numbers, and the subtotals between them."""
        readers = [self._reader(key) for key in self.levels]
        numbers = [-1] * len(readers)
        before: list[Any] = [object()] * len(readers)
        lines: list[_Line] = []
        for number, row in enumerate(self.rows, 1):
            keys = [read(row) for read in readers]
            changed = next((level for level, key in enumerate(keys) if key != before[level]), len(keys))
            if number > 1 and changed < len(keys):
                lines.extend(self._subtotals(lines, changed))
            for level in range(changed, len(keys)):
                numbers[level] += 1
            before = keys
            lines.append(_Line(tuple(numbers), row, number))
        if self.rows:
            lines.extend(self._subtotals(lines, 0))
        return lines

    def _subtotals(self, lines: Sequence[_Line], changed: int) -> list[_Line]:
        """Return the subtotals due where the groups from level `changed` on end, inner first."""
        due: list[_Line] = []
        last = lines[-1].groups
        for subtotal in reversed(self.table.subtotals):
            level = self.levels.index(subtotal.by)
            if level < changed:
                continue
            members = []
            for line in reversed(lines):
                if line.groups[level] != last[level]:
                    break
                if line.total is None:
                    members.append(line.row)
            due.append(_Line(last, total=subtotal.total, members=members[::-1], level=level))
        return due

    def looks(self) -> list[Look]:
        """Return the look of each column."""
        return [look("body", column.align, column.format, self.size) for column in self.leaves]

    def lay(self) -> list[Row]:
        """Return the body's rows."""
        lines = self.lines()
        ends = self._merge_ends(lines)
        plans = self._plans()
        laid: list[Row] = []
        before: Any = None
        for index, line in enumerate(lines):
            if line.total is not None:
                laid.append(self._total_row(line, index, ends))
                continue
            cells = []
            for plan in plans:
                span = ends[plan.col][index] if plan.merged else 1
                if not span:
                    continue
                raw = line.number if plan.read is None else plan.read(line.row)
                value, text = plan.show(raw)
                shared = plan.look
                if plan.number and len(text) > plan.room and not isinstance(value, str):
                    shared = self._fitted(text, shared, plan.col)
                href = plan.href(line.row) if plan.href is not None else ""
                cells.append(
                    Cell(self.first + index, plan.col, value, text, shared, span, 1, plan.key, href, (), plan.mark)
                )
            forced = before is not None and self._forced(line.row, before)
            before = line.row
            laid.append(self._row("body", cells, line, lines, index, forced=forced))
        return self._with_heights(laid)

    def _plans(self) -> list[_Plan]:
        """Return for each column what is the same in all its cells."""
        mappings = bool(self.rows) and isinstance(self.rows[0], Mapping)
        plans = []
        for col, (column, shared) in enumerate(zip(self.leaves, self.looks(), strict=True)):
            read = column.value or (itemgetter(column.key) if mappings else attrgetter(column.key))
            merge = self.merged.get(col)
            plans.append(
                _Plan(
                    col=col,
                    key=column.key,
                    read=None if column.counter else read,
                    show=shower(column.format, column.blank),
                    look=shared,
                    merged=merge is not None,
                    mark=CONTINUED if merge is not None and merge.columns[0] == column.key else "",
                    number=column.format.is_number,
                    room=(self.widths[col] - 1) / (shared.points * MM_PER_POINT * 0.6),
                    href=column.href,
                )
            )
        return plans

    def _forced(self, row: Any, before: Any) -> bool:
        return self.table.page_break_before is not None and self.table.page_break_before(row, before)

    def _fitted(self, text: str, shared: Look, col: int) -> Look:
        """Return a smaller look where a number would not fit its column (Excel would print ####)."""
        points = fitting_points(text, shared.face, shared.points, self.widths[col])
        return shared if points == shared.points else replace(shared, size=points)

    def _row(
        self, band: Any, cells: list[Cell], line: _Line, lines: Sequence[_Line], index: int, *, forced: bool
    ) -> Row:
        """Return a row with its groups: which merge may be divided here, which rows stay on one page."""
        split = keep = -1
        for merge in self.merges:
            number = line.groups[self.levels.index(merge.by or merge.columns[0])]
            if merge.across_pages == "split":
                split = number if split < 0 else split
            elif keep < 0:
                keep = number
        following = lines[index + 1] if index + 1 < len(lines) else None
        glued = following is not None and following.total is not None
        return Row(band, tuple(cells), self.table.row_height_mm, glued, forced, split, keep)

    def _merge_ends(self, lines: Sequence[_Line]) -> dict[int, list[int]]:
        """Return for each merged column how many lines the cell beginning in a line covers; 0 where none begins."""
        spans: dict[int, list[int]] = {}
        for col, merge in self.merged.items():
            level = self.levels.index(merge.by or merge.columns[0])
            here = [0] * len(lines)
            start = -1
            for index, line in enumerate(lines):
                own = line.total is not None and self._covers(line.total, col)
                if own:
                    start = -1
                    continue
                if start < 0 or lines[start].groups[level] != line.groups[level]:
                    start = index
                here[start] += 1
            spans[col] = here
        return spans

    def _covers(self, total: Total, col: int) -> bool:
        """Tell whether a total row has a cell of its own over a column."""
        return any(start <= col < stop for start, stop in (self._span(cell) for cell in total.cells))

    def _span(self, cell: TotalCell) -> tuple[int, int]:
        """Return the columns of a total's cell; ends that are not exported shrink to those that are."""
        keys = self.keys
        inside = keys[keys.index(cell.key) : keys.index(cell.through or cell.key) + 1]
        places = [self.position[key] for key in inside if key in self.position]
        return (places[0], places[-1] + 1) if places else (0, 0)

    def total_cells(
        self, total: Total, members: Sequence[Any], row: int, skip: frozenset[int] = frozenset()
    ) -> list[Cell]:
        """Return the cells of a total row; columns in `skip` are covered from above."""
        cells: list[Cell] = []
        taken = set(skip)
        for item in total.cells:
            start, stop = self._span(item)
            if stop == start:
                continue
            column = self.leaves[start]
            raw = item.value if isinstance(item.value, str) else item.value(members)
            form = item.format or (TEXT if item.through or isinstance(raw, str) else column.format)
            value, text = display(raw, form, item.blank)
            shared = look("total", item.align, form, self.size, indent=item.align == "left")
            if form.is_number and stop - start == 1 and text:
                shared = self._fitted(text, shared, start)
            cells.append(Cell(row, start, value, text, shared, 1, stop - start, item.key))
            taken.update(range(start, stop))
        empty = look("total", size=self.size)
        cells.extend(Cell(row, col, None, "", empty) for col in range(len(self.leaves)) if col not in taken)
        return sorted(cells, key=lambda cell: cell.col)

    def _total_row(self, line: _Line, index: int, ends: Mapping[int, Sequence[int]]) -> Row:
        """Return a subtotal row; merged columns its own cells leave free belong to the group above."""
        total = line.total or Total(())
        skip = frozenset(col for col in ends if not self._covers(total, col) and ends[col][index] == 0)
        cells = self.total_cells(total, line.members, self.first + index, skip)
        row = self._row("total", cells, line, (), index, forced=False)
        return replace(row, height_mm=max(row.height_mm, total.min_height_mm))

    def _with_heights(self, rows: list[Row]) -> list[Row]:
        """Return the rows high enough for their text. Most texts are short, so this looks before it measures."""
        em = MM_PER_POINT * max(self.table.body_pt, 1)
        room = [(width - PADDING_X_MM) / em for width in self.widths]
        tall: list[Cell] = []
        for index, row in enumerate(rows):
            need = row.height_mm
            for cell in row.cells:
                if cell.rowspan > 1:
                    tall.append(cell)
                elif len(cell.text) > room[cell.col] or "\n" in cell.text:
                    width = self.edges[cell.col + cell.colspan] - self.edges[cell.col]
                    need = max(need, height_of(cell.text, cell.look, width))
            if need > row.height_mm:
                rows[index] = replace(row, height_mm=round(need, 2))
        for cell in tall:
            stop = cell.row - self.first + cell.rowspan
            have = sum(row.height_mm for row in rows[cell.row - self.first : stop])
            lacking = height_of(cell.text, cell.look, self.widths[cell.col]) - have
            if lacking > 0:
                rows[stop - 1] = replace(rows[stop - 1], height_mm=round(rows[stop - 1].height_mm + lacking, 2))
        return rows


def _header_rows(table: Table, columns: Sequence[Head], start: int, widths: Sequence[float]) -> list[Row]:
    """Return the rows of the repeated head."""
    size = 0 if table.header_pt == 10 else table.header_pt
    lines = header_cells(columns, start, size)
    least = 7.0 if len(lines) > 1 else 9.0
    rows = [Row("header", tuple(cells), least, keep_with_next=True) for cells in lines]
    return with_heights(rows, edges_of(widths))


def lay_out(table: Table, rows: Sequence[Any], values: Mapping[str, Any] | None = None) -> Sheet:
    """Lay a table out.

    Args:
        table: the definition.
        rows: mappings or objects, already in order; rows of a merged group stand together.
        values: what texts of the definition depend on besides the rows.

    Raises:
        KeyError, AttributeError: when a row or the values lack a key.
        TypeError: for a float in a number column.
    """
    facts = Facts(rows=rows, values=values or {})
    columns = exported(table.columns)
    leaves = fitted(replace(table, columns=columns).leaves(), table.page.body_width_mm)
    widths = tuple(column.width_mm for column in leaves)
    laid = head_rows(table, facts, widths)
    start = len(laid)
    laid += _header_rows(table, columns, start, widths)
    first = len(laid)
    body = _Body(table, leaves, rows, first)
    laid += body.lay()
    if table.total is not None:
        cells = body.total_cells(table.total, rows, len(laid))
        laid += [Row("total", tuple(cells), table.total.min_height_mm)]
    laid += place(table.tail, facts, len(laid), widths, band="tail", body_pt=table.body_pt, label_pt=table.header_pt)
    laid += closing_rows(table, facts, len(laid), widths)
    title = next(cell.text for row in laid for cell in row.cells if cell.look.style == "title")
    sheet = Sheet(
        slug=table.slug,
        name=table.sheet_name or table.code or title,
        code=table.code,
        title=title,
        page=table.page,
        widths_mm=widths,
        rows=tuple(laid),
        header=(start, first),
        freeze=table.freeze,
    )
    return paginate(sheet)
