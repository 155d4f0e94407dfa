"""List pages: one definition gives filters in the URL, chips, sorting, pages, and the same rows as Excel or CSV.

A view makes its queryset (within the caller's scope) and calls `render_list(request, PAGE, queryset)`. The number of
queries does not grow with the rows: one to count, one to read a page, and what `prepare` reads for all of them at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self
from urllib.parse import quote, urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db import models, transaction
from django.db.models import F, OrderBy, Q
from django.forms import BaseForm, ChoiceField
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.utils.safestring import SafeString, mark_safe
from django_filters import FilterSet

from branches import audit, clock
from branches.forms_base import control_class
from branches.permissions import Action, account_of, can
from reporting.tables import Column, Table, csv, html, lay_out, xlsx

Rows = models.QuerySet[Any]
EXPORT_LIMIT = 20_000
PAGE_SIZES = (20, 50, 100)
_LOOKUPS = {"istartswith", "icontains", "iexact"}
_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


def _same(rows: Sequence[Any]) -> Sequence[Any]:
    return rows


@dataclass(frozen=True)
class BulkAction:
    """What can be done to the picked rows: a POST to `url_name` with the picked values."""

    label: str
    url_name: str
    confirm: str = ""


@dataclass(frozen=True)
class ListPage:
    """A list of the product.

    Args:
        slug: short Latin name, unique.
        title: heading, file name and tab.
        table: columns of reporting.tables; a column with a `sort_key` sorts by `sorts[sort_key]`.
        sorts: sort key → fields to order by (ascending); every order ends with the primary key, and rows that lack a
            value stand last in either direction.
        default_sort: a key of `sorts`, with "-" before it for descending.
        filters: FilterSet whose fields stand in the filter bar.
        search: lookups searched by the box q (icontains unless a lookup is named); none without it.
        search_label, search_hint: label and placeholder of the box.
        prepare: turns model rows into the rows of the table, reading whatever they need in bulk.
        unit: measure word with noun: 个党支部.
        empty_title, empty_text: said when there is nothing at all (no filter in force).
        bulk: actions on picked rows; the table then has a column of kind "select" named `pick`.
        export: whether Excel and CSV are offered.
    """

    slug: str
    title: str
    table: Table
    sorts: Mapping[str, tuple[str, ...]]
    default_sort: str
    filters: type[FilterSet] | None = None
    search: tuple[str, ...] = ()
    search_label: str = "搜索"
    search_hint: str = ""
    prepare: Callable[[Sequence[Any]], Sequence[Any]] = _same
    page_size: int = 50
    unit: str = "条"
    empty_title: str = "还没有记录"
    empty_text: str = ""
    bulk: tuple[BulkAction, ...] = ()
    export: bool = True

    def for_reading(self, *, unlinked: str = "", **changes: Any) -> Self:
        """Return the list for those who may look and change nothing: nothing to pick, no actions.

        Args:
            unlinked: key of a column whose links lead to where only those who may change it get.
            changes: other arguments of a ListPage to replace.
        """
        columns = (one for one in self.table.columns if not isinstance(one, Column) or one.kind != "select")
        left = tuple(
            replace(one, href=None) if isinstance(one, Column) and one.key == unlinked else one for one in columns
        )
        return replace(self, table=replace(self.table, columns=left), bulk=(), **changes)


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force: its words, and the address without it."""

    text: str
    without: str


@dataclass(frozen=True)
class Listing:
    """Everything templates/components/list_page.html draws."""

    page: ListPage
    rows: Page
    table: SafeString
    form: BaseForm | None
    q: str
    sort: str
    size: int
    chips: Sequence[Chip]
    pages: Sequence[Any]
    query: str
    params: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sizes: Sequence[int] = PAGE_SIZES

    @property
    def total(self) -> int:
        """How many rows the filters leave."""
        return self.rows.paginator.count


def _address(params: QueryDict, **changes: str) -> str:
    """Return `?…` with changes; an empty value drops its key."""
    kept = [(k, v) for k, values in params.lists() if k not in changes for v in values if v != ""]
    kept += [(key, value) for key, value in changes.items() if value]
    return f"?{urlencode(sorted(kept), quote_via=quote)}"


def _searched(queryset: Rows, page: ListPage, q: str) -> Rows:
    for word in q.split():
        found = Q()
        for lookup in page.search:
            name = (
                lookup
                if lookup.rpartition("__")[2] in {"istartswith", "icontains", "iexact"}
                else f"{lookup}__icontains"
            )
            found |= Q(**{name: word})
        queryset = queryset.filter(found)
    return queryset


def _may_lack(queryset: Rows, name: str) -> bool:
    """Tell whether a row may lack what a list sorts by: it is computed, empty, or behind a link that may be missing."""
    first, *_ = parts = name.split("__")
    if first in queryset.query.annotations:
        return True
    model: Any = queryset.model
    for part in parts:
        column = model._meta.pk if part == "pk" else model._meta.get_field(part)
        if column.null or not column.concrete:
            return True
        model = column.related_model
    return False


def _order(queryset: Rows, name: str) -> str | OrderBy:
    """Return what to order by; rows that lack it come last in either direction, on any database."""
    if not _may_lack(queryset, name.removeprefix("-")):
        return name
    down = name.startswith("-")
    return OrderBy(F(name.removeprefix("-")), descending=down, nulls_last=True)


def ordered(queryset: Rows, page: ListPage, sort: str) -> Rows:
    """Return the rows in the order of a sort key, "-" before it for descending."""
    sign = "-" if sort.startswith("-") else ""
    fields = [f"{sign}{name}".replace("--", "") for name in page.sorts[sort.removeprefix("-")]]
    return queryset.order_by(*(_order(queryset, name) for name in fields), "pk")


def _sort_of(request: HttpRequest, page: ListPage) -> str:
    given = request.GET.get("sort", "")
    return given if given.removeprefix("-") in page.sorts else page.default_sort


def _words_of(form: BaseForm, name: str) -> str:
    """Return what a filter is set to, in words."""
    value, control = form.cleaned_data.get(name), form.fields[name]
    if isinstance(control, ChoiceField) and not isinstance(value, models.Model):
        labels = {str(key): str(label) for key, label in control.choices if not isinstance(label, list | tuple)}
        return labels.get(str(value), str(value))
    if isinstance(value, list | tuple | models.QuerySet):
        return "、".join(str(one) for one in value)
    return {True: "是", False: "否"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _chips(request: HttpRequest, page: ListPage, form: BaseForm | None, q: str) -> list[Chip]:
    chips = [Chip(f"{page.search_label}含“{q}”", _address(request.GET, q="", page=""))] if q else []
    if form is None or not form.is_valid():
        return chips
    for name, control in form.fields.items():
        if form.cleaned_data.get(name) not in (None, "", []):
            chips.append(
                Chip(f"{control.label}：{_words_of(form, name)}", _address(request.GET, **{name: "", "page": ""}))
            )
    return chips


def _dress(form: BaseForm) -> BaseForm:
    for control in form.fields.values():
        control.widget.attrs.setdefault("class", control_class(control.widget))
    return form


def _chosen(request: HttpRequest, page: ListPage, queryset: Rows) -> tuple[Rows, BaseForm | None]:
    if page.filters is None:
        return queryset, None
    filterset = page.filters(request.GET, queryset=queryset, request=request)
    return filterset.qs, _dress(filterset.form)


def listing(request: HttpRequest, page: ListPage, queryset: Rows) -> Listing:
    """Filter, search, sort and cut `queryset` as the URL says, and draw the page of rows."""
    q = request.GET.get("q", "").strip()[:60] if page.search else ""
    sort = _sort_of(request, page)
    size = next((n for n in PAGE_SIZES if str(n) == request.GET.get("size")), page.page_size)
    narrowed, form = _chosen(request, page, queryset)
    found = ordered(_searched(narrowed, page, q), page, sort)
    paginator = Paginator(found, size)
    rows = paginator.get_page(request.GET.get("page"))
    shown = page.prepare(list(rows.object_list))
    params = {key: values for key, values in request.GET.lists() if any(values)}
    drawn = html.render_list(
        page.table,
        shown,
        sort=sort,
        base_url=request.path,
        params=params,
        first_number=rows.start_index(),
        caption=page.title,
    )
    return Listing(
        page=page,
        rows=rows,
        table=mark_safe(drawn),
        form=form,
        q=q,
        sort=sort,
        size=size,
        chips=_chips(request, page, form, q),
        pages=list(paginator.get_elided_page_range(rows.number, on_each_side=2, on_ends=1)),
        query=_address(request.GET),
        params=params,
    )


def _file(request: HttpRequest, page: ListPage, queryset: Rows, kind: str, more: Sequence[Any]) -> HttpResponse:
    """Return all filtered rows as a file, and note in the audit trail who took them."""
    if not can(request.user, Action.EXPORT):
        raise PermissionDenied("您的角色没有导出的权限。")
    q = request.GET.get("q", "").strip()[:60] if page.search else ""
    narrowed, _form = _chosen(request, page, queryset)
    rows = ordered(_searched(narrowed, page, q), page, _sort_of(request, page))
    found = list(rows[: EXPORT_LIMIT + 1])
    if len(found) > EXPORT_LIMIT:
        messages.error(request, f"结果超过 {EXPORT_LIMIT:,} 行，请先筛选，再导出。")
        return redirect(f"{request.path}{_address(request.GET)}")
    sheet = lay_out(page.table, [*page.prepare(found), *more])
    content = xlsx.render([sheet], xlsx.Properties(title=page.title)) if kind == "xlsx" else csv.render(sheet)
    account, said = account_of(request), f"导出列表“{page.title}”{len(found) + len(more)} 行"
    with transaction.atomic():
        audit.record(by=account, action=f"list.{kind}", thing=account, summary=said)
    response = HttpResponse(content, content_type=_TYPES[kind])
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=f"{page.title}_{clock.today():%Y%m%d}.{kind}"
    )
    return response


def render_list(
    request: HttpRequest,
    page: ListPage,
    queryset: Rows,
    *,
    template: str = "components/list_shell.html",
    context: Mapping[str, Any] | None = None,
    file_rows: Sequence[Any] = (),
) -> HttpResponse:
    """Answer a list: GET draws the page, POST with format=xlsx or csv returns the filtered rows as a file.

    Args:
        request: its query string holds the filters, q, sort, page and size.
        page: the definition.
        queryset: rows the caller may see.
        template: draws `list` (a Listing); includes components/list_page.html.
        context: more for the template.
        file_rows: rows of the table that close the file; the template shows them in a place of their own.
    """
    kind = request.POST.get("format", "") if request.method == "POST" else ""
    if kind in _TYPES and page.export:
        return _file(request, page, queryset, kind, file_rows)
    shown = listing(request, page, queryset)
    return render(
        request, template, {"list": shown, "may_export": bool(can(request.user, Action.EXPORT)), **(context or {})}
    )
