"""What tables and forms share: the lines above the frame, everything below it, snapping to columns, row heights."""

from collections.abc import Sequence

from reporting.tables.cells import Cell, Row, look
from reporting.tables.definition import Block, Facts, Form, Pair, Signature, Table, Text, resolve
from reporting.tables.formats import INTEGER, clean_text, display
from reporting.tables.metrics import cell_height, height_of, text_mm

_LINE_POINTS = (12.0, 11.0, 10.5, 10.0)
#: Free space beside a text of the head line: other faces are a little wider, and nothing of it may be cut or wrap.
_LINE_SPARE_MM = 2.0
_DATE_LINE = "　　　　年　　月　　日"


def edges_of(widths: Sequence[float]) -> tuple[float, ...]:
    """Return the left edges of the columns, and the right edge of the last."""
    edges = [0.0]
    for width in widths:
        edges.append(edges[-1] + width)
    return tuple(edges)


def snap(edges: Sequence[float], wanted: Sequence[float]) -> list[tuple[int, int]]:
    """Return (first column, number of columns) for each wanted width, at the column edges nearest to them.

    Each takes at least one column; what does not fit any more is left out.
    """
    spans: list[tuple[int, int]] = []
    start, right = 0, 0.0
    last = len(edges) - 1
    for width in wanted:
        if start >= last:
            break
        right += width
        stop = min(range(start + 1, last + 1), key=lambda edge: abs(edges[edge] - right))
        spans.append((start, stop - start))
        start = stop
    return spans


def with_heights(rows: Sequence[Row], edges: Sequence[float]) -> list[Row]:
    """Return the rows, each at least as high as its text; what a merged cell still lacks is added to its last row."""
    heights = [row.height_mm for row in rows]
    first = rows[0].cells[0].row if rows and rows[0].cells else 0
    tall: list[Cell] = []
    for index, row in enumerate(rows):
        for cell in row.cells:
            if cell.rowspan > 1:
                tall.append(cell)
            elif cell.text:
                need = cell_height(cell, edges[cell.col + cell.colspan] - edges[cell.col])
                heights[index] = max(heights[index], need)
    for cell in sorted(tall, key=lambda item: item.row + item.rowspan):
        start, stop = cell.row - first, cell.row - first + cell.rowspan
        need = cell_height(cell, edges[cell.col + cell.colspan] - edges[cell.col])
        lacking = need - sum(heights[start:stop])
        if lacking > 0:
            heights[stop - 1] += lacking
    return [row.changed(height_mm=round(height, 2)) for row, height in zip(rows, heights, strict=True)]


def full_row(number: int, columns: int, content: str, style: str, least: float, **flags: bool) -> Row:
    """Return a row of one cell over all columns."""
    align = "center" if style == "title" else "left"
    cell = Cell(number, 0, content, content, look(style, align), colspan=columns)
    return Row("head" if style in {"code", "title", "line"} else "closing", (cell,), least, **flags)


def _split_lines(pairs: Sequence[Pair], facts: Facts) -> list[list[str]]:
    """Return the texts of the head line, line by line."""
    lines: list[list[str]] = []
    for pair in pairs:
        shown = clean_text(resolve(pair.value, facts)).replace("\n", " ")
        content = f"{pair.label}：{shown}" if pair.label else shown
        if pair.new_line or not lines:
            lines.append([])
        lines[-1].append(content)
    return lines


def _spans_for(texts: Sequence[str], edges: Sequence[float], points: float) -> list[tuple[int, int]] | None:
    """Return columns for each text so that all fit side by side on one line, None when they do not."""
    last = len(edges) - 1
    starts = [last] * len(texts)
    stop = last
    for index in range(len(texts) - 1, 0, -1):
        need = text_mm(texts[index], "fang", points) + _LINE_SPARE_MM
        fitting = [edge for edge in range(stop) if edges[stop] - edges[edge] >= need]
        if not fitting:
            return None
        starts[index] = stop = fitting[-1]
    starts[0] = 0
    if edges[stop] < text_mm(texts[0], "fang", points) + _LINE_SPARE_MM:
        return None
    return [(start, following - start) for start, following in zip(starts, [*starts[1:], last], strict=True)]


def _spread(
    texts: Sequence[str], spans: list[tuple[int, int]], edges: Sequence[float], points: float
) -> list[tuple[int, int]]:
    """Move the inner texts apart so that the free width lies evenly between them, where columns allow."""
    free = edges[-1] - sum(text_mm(text, "fang", points) + _LINE_SPARE_MM for text in texts)
    gap = max(free, 0) / max(len(texts) - 1, 1)
    wanted, left = [0], 0.0
    for index, text in enumerate(texts[:-1]):
        left += text_mm(text, "fang", points) + _LINE_SPARE_MM + gap
        floor = next(
            edge
            for edge in range(len(edges))
            if edges[edge] - edges[wanted[-1]] >= text_mm(text, "fang", points) + _LINE_SPARE_MM
        )
        limit = spans[index + 1][0]
        best = min(range(len(edges) - 1), key=lambda edge: abs(edges[edge] - left))
        wanted.append(min(max(best, floor, wanted[-1] + 1), limit))
    return [(start, following - start) for start, following in zip(wanted, [*wanted[1:], len(edges) - 1], strict=True)]


def _line_row(number: int, texts: Sequence[str], edges: Sequence[float], *, follows: bool = False) -> list[Row]:
    """Lay one head line; smaller when it is too long, then on two lines, the last text at the right."""
    for points in _LINE_POINTS:
        spans = _spans_for(texts, edges, points)
        if spans is not None:
            size = 0.0 if points == _LINE_POINTS[0] else points
            if len(texts) > 2:
                spans = _spread(texts, spans, edges, points)
            cells = tuple(
                Cell(
                    number,
                    start,
                    text,
                    text,
                    colspan=count,
                    look=look("line", "right" if (index or follows) and index == len(texts) - 1 else "left", size=size),
                )
                for index, (text, (start, count)) in enumerate(zip(texts, spans, strict=True))
            )
            return [Row("head", cells, 8)]
    if len(texts) == 1:
        return [full_row(number, len(edges) - 1, texts[0], "line", 8)]
    return [*_line_row(number, texts[:1], edges), *_line_row(number + 1, texts[1:], edges, follows=True)]


def head_rows(thing: "Table | Form", facts: Facts, widths: Sequence[float]) -> list[Row]:
    """Return the rows above the frame: code, title, head lines."""
    rows: list[Row] = []
    columns = len(widths)
    edges = edges_of(widths)
    if thing.code:
        rows.append(full_row(0, columns, thing.code, "code", 9))
    rows.append(full_row(len(rows), columns, clean_text(resolve(thing.title, facts)), "title", 14))
    for texts in _split_lines(thing.head_line, facts):
        rows.extend(_line_row(len(rows), texts, edges))
    return [row.changed(keep_with_next=True) for row in with_heights(rows, edges)]


def _block_rows(block: Block, facts: Facts, number: int, edges: Sequence[float]) -> list[Row]:
    """Lay a small table on the columns of the large one."""
    content = block.rows(facts)
    spans = snap(edges, block.widths_mm)
    rows: list[Row] = []
    for index, values in enumerate(content):
        if len(values) != len(spans):
            raise ValueError(f"a block of {len(spans)} columns got a row of {len(values)}")
        head = index < block.header_rows
        total = index >= len(content) - block.total_rows
        style = "block_head" if head else "block_total" if total else "block"
        cells = []
        for value, (start, count) in zip(values, spans, strict=True):
            form = INTEGER if isinstance(value, int) and not isinstance(value, bool) else block.format
            typed, text = display(value, form)
            cells.append(Cell(number + index, start, typed, text, look(style, form=form), colspan=count))
        rows.append(Row("closing", tuple(cells), block.min_height_mm, keep_with_next=True))
    return rows


def _signature_rows(signatures: Sequence[Signature], number: int, edges: Sequence[float]) -> list[Row]:
    """Lay the signatures side by side, with date lines below where one asks for it."""
    spans = snap(edges, [edges[-1] / len(signatures)] * len(signatures))
    labels = tuple(
        Cell(number, start, item.label, item.label, look("signature", "left"), colspan=count)
        for item, (start, count) in zip(signatures, spans, strict=False)
    )
    rows = [Row("closing", labels, 16, keep_with_next=True)]
    if any(item.dated for item in signatures):
        dates = tuple(
            Cell(number + 1, start, _DATE_LINE, _DATE_LINE, look("signature", "left"), colspan=count)
            for item, (start, count) in zip(signatures, spans, strict=False)
            if item.dated
        )
        rows.append(Row("closing", dates, 10, keep_with_next=True))
    return rows


def note_texts(notes: Sequence[Text], facts: Facts) -> list[str]:
    """Return the notes as printed: 注： before the first, the others indented below it."""
    return [("注：" if index == 0 else "　　") + clean_text(resolve(note, facts)) for index, note in enumerate(notes)]


def closing_rows(thing: "Table | Form", facts: Facts, number: int, widths: Sequence[float]) -> list[Row]:
    """Return the rows below the frame: footer, blocks, signatures, notes."""
    edges = edges_of(widths)
    columns = len(widths)
    rows: list[Row] = []
    for sentence in thing.footer:
        rows.append(
            full_row(
                number + len(rows), columns, clean_text(resolve(sentence, facts)), "footer", 8, keep_with_next=True
            )
        )
    if isinstance(thing, Table):
        for index, block in enumerate(thing.blocks):
            if index:
                rows.append(Row("closing", (), 3, keep_with_next=True))
            rows.extend(_block_rows(block, facts, number + len(rows), edges))
    if thing.signatures:
        rows.extend(_signature_rows(thing.signatures, number + len(rows), edges))
    for note in note_texts(thing.notes, facts):
        rows.append(full_row(number + len(rows), columns, note, "note", 5.5, keep_with_next=True))
    laid = _closing_heights(rows, edges)
    return [*laid[:-1], laid[-1].changed(keep_with_next=False)] if laid else []


def _closing_heights(rows: Sequence[Row], edges: Sequence[float]) -> list[Row]:
    """Return closing rows at their height; none of them has merged rows, and some have no cells."""
    laid = []
    for row in rows:
        needs = [
            height_of(cell.text, cell.look, edges[cell.col + cell.colspan] - edges[cell.col]) for cell in row.cells
        ]
        laid.append(row.changed(height_mm=round(max([row.height_mm, *needs]), 2)))
    return laid
