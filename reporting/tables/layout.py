"""Tables laid out: nested heads, merged groups, subtotals, totals, closing block. Pure: rows in, one Sheet out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from reporting.tables.body import Body
from reporting.tables.cells import Cell, Row, Sheet, look
from reporting.tables.definition import Column, Facts, Group, Head, Table
from reporting.tables.formats import clean_text
from reporting.tables.forms import place
from reporting.tables.paginate import paginate
from reporting.tables.parts import closing_rows, edges_of, head_rows, with_heights


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
    body = Body(table, leaves, rows, first)
    laid += body.lay()
    if table.total is not None:
        cells = body.total_cells(table.total, len(laid))
        laid += [Row("total", cells, table.total.min_height_mm)]
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
