"""Lists on screen: a table definition and its rows as Bootstrap markup, written directly because lists are long."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any
from urllib.parse import quote, urlencode

from reporting.tables.definition import Column, Group, Head, Link, Table
from reporting.tables.formats import clean_text, display

Params = Mapping[str, str | Sequence[str]]
_SAFE_SCHEMES = ("/", "?", "#", "./", "http://", "https://", "mailto:", "tel:")


def safe_href(href: str) -> str:
    """Return an address that may stand in a link: relative, http(s), mailto or tel; "" for anything else."""
    href = clean_text(href).strip()
    return href if href.startswith(_SAFE_SCHEMES) and not href.startswith("//") else ""


def on_screen(columns: Sequence[Head]) -> tuple[Head, ...]:
    """Return the columns a list shows."""
    kept: list[Head] = []
    for column in columns:
        if isinstance(column, Group):
            inner = on_screen(column.columns)
            if inner:
                kept.append(Group(column.header, inner))
        elif column.screen:
            kept.append(column)
    return tuple(kept)


def _leaves(columns: Sequence[Head]) -> list[Column]:
    found: list[Column] = []
    for column in columns:
        found.extend(_leaves(column.columns) if isinstance(column, Group) else [column])
    return found


def _depth(columns: Sequence[Head]) -> int:
    return max((1 + _depth(one.columns) if isinstance(one, Group) else 1 for one in columns), default=1)


def _kind(column: Column) -> str:
    return column.kind or ("num" if column.format.is_number else "text")


def _classes(column: Column, kind: str, *extra: str) -> str:
    names = [name for name in ("num" if kind == "num" else "", "hide-sm" if column.hide_small else "", *extra) if name]
    return f' class="{" ".join(names)}"' if names else ""


def _link(href: str, content: str) -> str:
    return f'<a href="{escape(href)}">{content}</a>' if href else content


def sort_address(base_url: str, params: Params, key: str) -> str:
    """Return the address that sorts by a key; the page number is dropped, the filters stay."""
    kept = [(name, one) for name, given in params.items() if name not in {"sort", "page"} for one in _each(given)]
    return f"{base_url}?{urlencode([*kept, ('sort', key)], quote_via=quote)}"


def _each(given: str | Sequence[str]) -> Sequence[str]:
    return [given] if isinstance(given, str) else given


def _header_cell(column: Column, rows: int, sort: str, base_url: str, params: Params) -> str:
    """Return one <th> of a column, with its sort link."""
    label = escape(clean_text(column.header).replace("\n", "").replace("\u3000", ""))
    kind = _kind(column)
    span = f' rowspan="{rows}"' if rows > 1 else ""
    if kind in {"links", "select"}:
        label = f'<span class="visually-hidden">{label or "操作"}</span>'
    state = ""
    if column.sort_key:
        sorted_by = sort.removeprefix("-") == column.sort_key
        descending = sort.startswith("-")
        state = f' aria-sort="{"descending" if descending else "ascending"}"' if sorted_by else ""
        following = f"-{column.sort_key}" if sorted_by and not descending else column.sort_key
        label = f'<a class="th-sort" href="{escape(sort_address(base_url, params, following))}">{label}</a>'
    return f'<th scope="col"{_classes(column, kind)}{span}{state}>{label}</th>'


def _head(columns: Sequence[Head], sort: str, base_url: str, params: Params) -> str:
    """Return the rows of the head."""
    depth = _depth(columns)
    lines: list[list[str]] = [[] for _ in range(depth)]

    def walk(heads: Sequence[Head], level: int) -> None:
        for head in heads:
            if isinstance(head, Group):
                count = len(_leaves(head.columns))
                text = escape(clean_text(head.header).replace("\n", "").replace("\u3000", ""))
                lines[level].append(f'<th scope="colgroup" colspan="{count}">{text}</th>')
                walk(head.columns, level + 1)
            else:
                lines[level].append(_header_cell(head, depth - level, sort, base_url, params))

    walk(columns, 0)
    return "".join(f"<tr>{''.join(line)}</tr>" for line in lines)


def _links(value: Sequence[Link]) -> str:
    """Return links side by side."""
    shown = ((link.text, safe_href(link.href)) for link in value or ())
    return " ".join(_link(href, escape(clean_text(text))) for text, href in shown)


def _progress(value: Sequence[int] | None, header: str) -> str:
    """Return a progress bar with its numbers, — when there is nothing to do."""
    if not value or not value[1]:
        return '<span class="muted">—</span>'
    done, total = int(value[0]), int(value[1])
    label = escape(clean_text(header).replace("\n", ""))
    return (
        f'<span class="meter"><progress max="{total}" value="{done}" aria-label="{label}"></progress>'
        f"{done}/{total}</span>"
    )


def _name_of(row: Any, columns: Sequence[Column], number: int) -> str:
    """Return what names a row: its row header's text, else its number."""
    for column in columns:
        if column.row_header:
            return display(column.read(row, number), column.format, column.blank)[1]
    return str(number)


def _cell(column: Column, kind: str, row: Any, number: int, columns: Sequence[Column]) -> str:
    """Return one cell of a list."""
    raw = column.read(row, number)
    if kind == "links":
        return f"<td{_classes(column, kind, 'nowrap')}>{_links(raw)}</td>"
    if kind == "progress":
        return f"<td{_classes(column, kind, 'nowrap')}>{_progress(raw, column.header)}</td>"
    if kind == "select":
        name = escape(_name_of(row, columns, number))
        box = f'<input class="form-check-input" type="checkbox" name="{escape(column.key)}" value="{escape(str(raw))}"'
        return f'<td{_classes(column, kind)}>{box} aria-label="选中 {name}"></td>'
    value, text = display(raw, column.format, column.blank)
    content = escape(text)
    if kind in {"state", "grade"} and value is not None:
        badge = column.badge(row) if column.badge else ""
        content = f'<span class="{kind}{" " + escape(badge) if badge else ""}">{content}</span>'
    elif value is None and text:
        content = f'<span class="muted">{content}</span>'
    if column.href is not None and value is not None:
        content = _link(safe_href(column.href(row)), content)
    if column.row_header:
        return f'<th scope="row"{_classes(column, kind)}>{content}</th>'
    return f"<td{_classes(column, kind)}>{content}</td>"


def _opening(table: Table, row: Any) -> str:
    """Return the opening tag of a row."""
    extra = table.row_class(row) if table.row_class else ""
    return f'<tr class="{escape(extra)}">' if extra else "<tr>"


def render_list(
    table: Table,
    rows: Sequence[Any],
    *,
    sort: str = "",
    base_url: str = "",
    params: Params | None = None,
    first_number: int = 1,
    caption: str = "",
    classes: str = "table table-hover",
) -> str:
    """Draw a page of a list as a Bootstrap table.

    Args:
        table: the definition; columns with `screen=False` are left out.
        rows: the rows of this page.
        sort: the key in force, "-" before it for descending.
        base_url: address of the list.
        params: its query (filters), kept when sorting, but for the page number.
        first_number: running number of the first row, for `counter` columns.
        caption: what screen readers announce; the title when "".
        classes: of the table element.

    Returns:
        escaped markup; an empty list says `table.empty`.
    """
    columns = on_screen(table.columns)
    leaves = _leaves(columns)
    kinds = [_kind(column) for column in leaves]
    name = caption or (table.title if isinstance(table.title, str) else table.code or table.slug)
    parts = [f'<table class="{escape(classes)}"><caption class="visually-hidden">{escape(name)}</caption><thead>']
    parts.append(_head(columns, sort, safe_href(base_url), params or {}))
    parts.append("</thead><tbody>")
    for number, row in enumerate(rows, first_number):
        parts.append(_opening(table, row))
        parts.extend(_cell(column, kind, row, number, leaves) for column, kind in zip(leaves, kinds, strict=True))
        parts.append("</tr>")
    if not rows:
        parts.append(f'<tr><td class="muted" colspan="{len(leaves)}">{escape(table.empty)}</td></tr>')
    return "".join([*parts, "</tbody></table>"])
