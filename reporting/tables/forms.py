"""Forms laid out: rows of label and value cells on a grid, ☐☑ choices, opinion boxes. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reporting.tables.cells import Band, Cell, Look, Row, Sheet
from reporting.tables.definition import Facts, Form, FormCell, FormRow, resolve
from reporting.tables.formats import IDEOGRAPHIC_SPACE, Value, clean_text, display
from reporting.tables.metrics import MM_PER_POINT, PADDING_X_MM, text_mm
from reporting.tables.paginate import paginate
from reporting.tables.parts import closing_rows, edges_of, head_rows, with_heights

EMPTY_BOX = "☐"
TICKED_BOX = "☑"
_STYLES = {"label": "label", "value": "body", "sign": "sign"}


def choice_text(cell: FormCell, chosen: Any, width_mm: float, points: float) -> str:
    """Return all options with ☑ before the chosen; as far apart as the cell's width allows, else on several lines.

    Raises:
        ValueError: when a chosen value is none of the options.
    """
    if chosen is None or chosen == "":
        ticked: set[str] = set()
    elif isinstance(chosen, str) or not isinstance(chosen, Iterable):
        ticked = {str(chosen)}
    else:
        ticked = {str(one) for one in chosen}
    unknown = ticked - set(cell.options)
    if unknown or (len(ticked) > 1 and not cell.multiple):
        raise ValueError(f"{cell.key}: {'、'.join(sorted(ticked))} is not a choice of {'、'.join(cell.options)}")
    boxes = [(TICKED_BOX if option in ticked else EMPTY_BOX) + option for option in cell.options]
    room = width_mm - PADDING_X_MM - points * MM_PER_POINT
    for gap in (2, 1):
        line = (IDEOGRAPHIC_SPACE * gap).join(boxes)
        if text_mm(line, "fang", points) <= room:
            return line
    return "\n".join(_wrapped(boxes, room, points))


def _wrapped(boxes: Sequence[str], room_mm: float, points: float) -> list[str]:
    """Return options on as many lines as they need; none is divided from its box."""
    lines = [boxes[0]]
    for box in boxes[1:]:
        longer = f"{lines[-1]}{IDEOGRAPHIC_SPACE}{box}"
        if text_mm(longer, "fang", points) <= room_mm:
            lines[-1] = longer
        else:
            lines.append(box)
    return lines


def _content(cell: FormCell, facts: Facts, width_mm: float, points: float) -> tuple[Value, str]:
    """Return what a form cell stores and shows. Raises KeyError when the values lack its key."""
    if cell.options:
        shown = choice_text(cell, facts.values[cell.key], width_mm, points)
        return shown, shown
    if cell.key:
        return display(facts.values[cell.key], cell.format, cell.blank)
    fixed = clean_text(resolve(cell.text, facts))
    return (fixed or None), fixed


def _look(cell: FormCell, body_pt: float, label_pt: float) -> Look:
    """Return the look of a form cell."""
    size = cell.size or (label_pt if cell.kind == "label" else body_pt)
    return Look(
        _STYLES[cell.kind],
        align=cell.align,
        valign=cell.valign,
        format=cell.format,
        size=size,
        vertical=cell.vertical,
        open_top=cell.open_top,
        open_bottom=cell.open_bottom,
        editable=cell.editable,
        indent=cell.kind == "value" and cell.align == "left",
    )


class _Grid:
    """Puts form rows on a grid of columns; lives for one call of `place`."""

    def __init__(self, facts: Facts, first: int, widths: Sequence[float], *, body_pt: float, label_pt: float) -> None:
        self.facts = facts
        self.first = first
        self.edges = edges_of(widths)
        self.body_pt = body_pt
        self.label_pt = label_pt
        self.covered: dict[int, set[int]] = {}
        self.glued: set[int] = set()

    def row(self, index: int, row: FormRow, count: int) -> tuple[Cell, ...]:
        """Return the cells of a row. Raises ValueError when they do not fill it exactly."""
        columns = len(self.edges) - 1
        taken = self.covered.setdefault(index, set())
        cells = []
        position = 0
        for cell in row.cells:
            while position in taken:
                position += 1
            right = position + cell.span
            if right > columns or index + cell.rows > count or taken & set(range(position, right)):
                raise ValueError(f"row {index + 1} of the form: a cell does not fit ({cell.text or cell.key})")
            cells.append(self._cell(cell, index, position))
            for below in range(index, index + cell.rows):
                self.covered.setdefault(below, set()).update(range(position, right))
            self.glued.update(range(index, index + cell.rows - 1))
            position = right
        if len(taken) != columns:
            raise ValueError(f"row {index + 1} of the form covers {len(taken)} of {columns} columns")
        return tuple(cells)

    def _cell(self, cell: FormCell, index: int, col: int) -> Cell:
        """Return one cell at its place."""
        look = _look(cell, self.body_pt, self.label_pt)
        typed, text = _content(cell, self.facts, self.edges[col + cell.span] - self.edges[col], look.points)
        return Cell(self.first + index, col, typed, text, look, cell.rows, cell.span, cell.key, options=cell.options)


def place(
    rows: Sequence[FormRow],
    facts: Facts,
    first: int,
    widths: Sequence[float],
    *,
    band: Band,
    body_pt: float,
    label_pt: float,
) -> list[Row]:
    """Put form rows on a grid of columns.

    Args:
        rows: what to place.
        facts: the values the cells show.
        first: the sheet's row number of the first row.
        widths: of the grid's columns.
        band: band of the resulting rows.
        body_pt: size of type of values.
        label_pt: size of type of labels.

    Raises:
        ValueError: when the cells of a row do not fill the grid exactly, or a cell reaches below the last row.
        KeyError: when the values lack a key.
    """
    grid = _Grid(facts, first, widths, body_pt=body_pt, label_pt=label_pt)
    placed = []
    for index, row in enumerate(rows):
        cells = grid.row(index, row, len(rows))
        placed.append(Row(band, cells, row.min_height_mm, row.keep_with_next, row.page_break_before))
    glued = [row.changed(keep_with_next=row.keep_with_next or index in grid.glued) for index, row in enumerate(placed)]
    return _heights(glued, first, grid.edges)


def _heights(rows: list[Row], first: int, edges: Sequence[float]) -> list[Row]:
    """Return the rows at their heights; the rows are numbered from `first`."""
    shifted = [row.changed(cells=tuple(cell.changed(row=cell.row - first) for cell in row.cells)) for row in rows]
    laid = with_heights(shifted, edges)
    return [row.changed(height_mm=new.height_mm) for row, new in zip(rows, laid, strict=True)]


def lay_out_form(form: Form, values: Mapping[str, Any]) -> Sheet:
    """Lay a form out with its values.

    Args:
        form: the definition.
        values: every key its cells and texts name; None and "" are blank.

    Raises:
        KeyError: when the values lack a key.
        ValueError: when a row does not fill the grid, or a choice is none of the options.
    """
    facts = Facts(values=values)
    widths = form.widths()
    rows = head_rows(form, facts, widths)
    start = len(rows)
    rows += place(form.rows, facts, start, widths, band="body", body_pt=form.body_pt, label_pt=form.label_pt)
    rows += closing_rows(form, facts, len(rows), widths)
    title = next(cell.text for row in rows for cell in row.cells if cell.look.style == "title")
    sheet = Sheet(
        slug=form.slug,
        name=form.sheet_name or form.code or title,
        code=form.code,
        title=title,
        page=form.page,
        widths_mm=widths,
        rows=tuple(rows),
        header=(start, start),
        kind="form",
    )
    return paginate(sheet)
