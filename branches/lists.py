"""Lists of the organisation: the register of branches, people, and the roster in the importer's own words."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django_filters import ChoiceFilter, DateFilter, FilterSet

from branches import clock, directory
from branches.intake.vocabulary import Vocabulary, load_vocabulary
from branches.listing import ListPage
from branches.models import AuditEntry, Branch, Person
from branches.partial_dates import PartialDate
from branches.registries import list_page
from branches.scopes import NOTHING, Scope
from branches.services.words import WORDS_FILE
from reporting.tables import Column, Group, Pair, Table, formats

DIRECT = "direct"
SOON_MONTHS = 6


def _in_months(months: int) -> str:
    """Return the month so many months ahead as it is stored, 2012-09."""
    today = clock.today()
    year, month = divmod(today.year * 12 + today.month - 1 + months, 12)
    return str(PartialDate(year, month + 1))


class BranchFilter(FilterSet):
    """党总支, 类别, how far the basics are, and when the term ends."""

    unit = ChoiceFilter(label="党总支", method="within_unit", empty_label="全部", choices=())
    category = ChoiceFilter(label="类别", method="of_category", empty_label="全部", choices=())
    basics = ChoiceFilter(
        label="基本情况", method="by_basics", empty_label="全部",
        choices=[("blank", "有空白"), ("open", "待确认"), ("done", "已确认")],
    )  # fmt: skip
    term = ChoiceFilter(
        label="换届", method="by_term", empty_label="全部",
        choices=[("soon", f"{SOON_MONTHS} 个月内届满"), ("over", "已届满"), ("unknown", "届满时间未填")],
    )  # fmt: skip
    secretary = ChoiceFilter(
        label="书记", method="by_secretary", empty_label="全部", choices=[("yes", "已设"), ("no", "空缺")]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the units and categories of the caller's reach."""
        super().__init__(*args, **kwargs)
        reach = getattr(self.request, "scope", NOTHING)
        units = [(pk, name) for pk, name in directory.parents(clock.today(), reach) if pk not in _roots(reach)]
        direct = [(DIRECT, "直属党支部")] if reach.everything else []
        self.filters["unit"].extra["choices"] = [*units, *direct]
        self.filters["category"].extra["choices"] = directory.categories()

    def within_unit(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep what hangs below a unit, at any depth, or directly under the committee."""
        if value == DIRECT:
            return rows.filter(parent_id__in=_roots(self.request.scope))
        below = Scope(frozenset({int(value)}), clock.today())
        return rows.filter(pk__in=below.branches())

    def of_category(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep one category."""
        return rows.filter(category_id=value)

    def by_basics(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep branches by how far their basics are."""
        if value == "blank":
            return rows.filter(blanks__gt=0)
        return rows.filter(confirmed_at__isnull=value == "open")

    def by_term(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep branches whose committee's term is unknown, over, or soon over."""
        this_month = _in_months(0)
        if value == "unknown":
            return rows.filter(term_ends__isnull=True)
        if value == "over":
            return rows.filter(term_ends__lt=this_month)
        return rows.filter(term_ends__gte=this_month, term_ends__lt=_in_months(SOON_MONTHS + 1))

    def by_secretary(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep branches with or without a 书记."""
        return rows.filter(secretary_name__isnull=value == "no")


def _roots(reach: Scope) -> list[int]:
    committees = Branch.objects.filter(level=Branch.Level.COMMITTEE, placements__parent__isnull=True)
    return list(committees.within(reach).values_list("pk", flat=True).distinct())


def _basics_words(row: Any) -> str:
    if row.blanks:
        return f"空白 {row.blanks} 项"
    return "已确认" if row.confirmed_at else "待确认"


def _basics_badge(row: Any) -> str:
    if row.blanks:
        return "state-warn"
    return "state-ok" if row.confirmed_at else "state-info"


def _href(row: Any) -> str:
    return reverse("branch", args=[row.pk])


BRANCHES = list_page(
    ListPage(
        slug="branches",
        title="党支部",
        unit="个党支部",
        table=Table(
            slug="branches",
            title="党支部名册",
            columns=(
                Column("code", "编号", 18, sort_key="code", hide_small=True),
                Column("name", "党支部", 60, align="left", row_header=True, href=_href, sort_key="name"),
                Column("parent_name", "所属党总支", 50, align="left", sort_key="unit", hide_small=True),
                Column("category_name", "类别", 18, sort_key="category"),
                Column("secretary_name", "书记", 20, format=formats.TEXT, hide_small=True, sort_key="secretary"),
                Column("secretary_phone", "联系电话", 34, screen=False),
                Column("members", "党员", 14, format=formats.INTEGER, sort_key="members"),
                Column("probationary", "预备", 14, format=formats.INTEGER, hide_small=True),
                Column("mobile", "流动", 14, format=formats.INTEGER, hide_small=True),
                Column("term_ends", "届满时间", 24, sort_key="term", hide_small=True),
                Column(
                    "basics",
                    "基本情况",
                    24,
                    value=_basics_words,
                    kind="state",
                    badge=_basics_badge,
                    sort_key="blanks",
                    hide_small=True,
                ),
            ),
        ),
        sorts={
            "order": ("position", "code"),
            "code": ("code",),
            "name": ("name",),
            "unit": ("parent_name", "position"),
            "category": ("category_name", "position"),
            "secretary": ("secretary_initials", "secretary_name"),
            "members": ("members",),
            "term": ("term_ends",),
            "blanks": ("blanks",),
        },
        default_sort="order",
        filters=BranchFilter,
        search=("name", "code", "secretary_name", "secretary_initials__istartswith"),
        search_label="名称、编号或书记",
        search_hint="支持书记拼音首字母",
        empty_title="还没有党支部",
    )
)


class PersonFilter(FilterSet):
    """Staff or students."""

    kind = ChoiceFilter(field_name="kind", label="身份", choices=Person.Kind.choices, empty_label="全部")


def with_posts(people: Sequence[Person]) -> list[dict[str, Any]]:
    """Return the rows of the list of people, their posts and units read for all at once."""
    posts = directory.posts_by_person([person.pk for person in people])
    units = directory.names_of(person.unit_id for person in people if person.unit_id)
    return [
        {
            "pk": person.pk, "name": person.name, "initials": person.initials, "number": person.number,
            "kind": person.get_kind_display(), "title": person.title, "phone": person.phone,
            "unit": units.get(person.unit_id or 0, ""), "posts": "；".join(posts.get(person.pk, ())),
        }
        for person in people
    ]  # fmt: skip


PEOPLE = list_page(
    ListPage(
        slug="people",
        title="人员",
        unit="人",
        table=Table(
            slug="people",
            title="人员名单",
            columns=(
                Column(
                    "name",
                    "姓名",
                    22,
                    row_header=True,
                    sort_key="name",
                    href=lambda row: reverse("person-edit", args=[row["pk"]]),
                ),
                Column("initials", "拼音", 18, sort_key="initials", hide_small=True),
                Column("number", "工号/学号", 28, hide_small=True),
                Column("kind", "身份", 16, hide_small=True),
                Column("title", "职务/职称", 36, align="left", hide_small=True),
                Column("posts", "党内职务", 70, align="left"),
                Column("unit", "所在党组织", 50, align="left", hide_small=True),
                Column("phone", "联系电话", 34),
            ),
        ),
        sorts={"initials": ("initials", "name"), "name": ("name",)},
        default_sort="initials",
        filters=PersonFilter,
        search=("name", "initials__istartswith", "number__iexact"),
        search_label="姓名、拼音首字母或工号",
        search_hint="例如 林志远 或 lzy",
        prepare=with_posts,
        empty_title="还没有人员",
        empty_text="导入名册后，书记和支委会列在这里。",
    )
)


class AuditFilter(FilterSet):
    """From a day, up to a day."""

    since = DateFilter(
        field_name="at", lookup_expr="date__gte", label="从", widget=forms.DateInput(attrs={"type": "date"})
    )
    until = DateFilter(
        field_name="at", lookup_expr="date__lte", label="到", widget=forms.DateInput(attrs={"type": "date"})
    )


def told(entries: Sequence[AuditEntry]) -> list[dict[str, Any]]:
    """Return audit rows as they are read: local time, names of branches read for all at once."""
    names = directory.names_of(entry.branch_id for entry in entries if entry.branch_id)
    return [
        {
            "at": f"{timezone.localtime(entry.at):%Y-%m-%d %H:%M:%S}", "actor": entry.actor,
            "summary": entry.summary, "branch": names.get(entry.branch_id or 0, ""), "address": entry.address or "",
            "number": entry.pk,
        }
        for entry in entries
    ]  # fmt: skip


AUDIT = list_page(
    ListPage(
        slug="audit",
        title="操作记录",
        unit="条",
        table=Table(
            slug="audit",
            title="操作记录",
            columns=(
                Column("number", "编号", 16, format=formats.INTEGER, hide_small=True),
                Column("at", "时间", 36, row_header=True, sort_key="at"),
                Column("actor", "操作人", 24),
                Column("summary", "事项", 80, align="left"),
                Column("branch", "党组织", 60, align="left", hide_small=True),
                Column("address", "来源地址", 30, hide_small=True),
            ),
        ),
        sorts={"at": ("at",)},
        default_sort="-at",
        filters=AuditFilter,
        search=("summary", "actor"),
        search_label="事项或操作人",
        prepare=told,
        empty_title="还没有操作记录",
    )
)
# For whom some entries are left out: gaps between numbers would count those.
AUDIT_WITHOUT_NUMBERS = replace(AUDIT, table=replace(AUDIT.table, columns=AUDIT.table.columns[1:]))

_WIDTHS = {
    "general_branch": 46,
    "name": 62,
    "committee": 50,
    "venue": 40,
    "remark": 30,
    "phones": 36,
    "secretary_post": 30,
}
ROSTER_FIELDS = (
    "general_branch", "name", "short_name", "category", "secretary_name", "secretary_gender", "secretary_birth",
    "secretary_education", "secretary_post", "secretary_since", "members", "formal", "probationary", "mobile", "phones",
    "email", "founded", "last_election", "term_ends", "committee", "venue", "code", "remark",
)  # fmt: skip
_COUNTS = {"members", "formal", "probationary", "mobile"}
_DATES = {"secretary_birth", "secretary_since", "founded", "last_election", "term_ends"}
ROSTER_NOTES = (
    "说明：1. 直属党支部的“所属党总支”填“直属党支部”。2. 编号是再次导入时对应党支部的依据，请勿改动；新支部可以不填。",
    "3. 支部类别可填：{categories}。4. 日期写到月即可，如 2011.10。合计等于正式加预备，流动包含在内。",
)


@cache
def words() -> Vocabulary:
    """Return the words of presets/words.toml."""
    return load_vocabulary(WORDS_FILE)


def _roster_column(name: str, header: str) -> Column:
    form = formats.INTEGER if name in _COUNTS else formats.DATE if name in _DATES else formats.TEXT
    form = formats.NAME if name == "secretary_name" else form
    width = _WIDTHS.get(name, 14 if name in _COUNTS else 22)
    return Column(name, header, width, align="left" if width > 30 else "center", format=form, blank="")


@cache
def roster_table() -> Table:
    """Return the roster whose headings are the importer's own words, so that an export imports back unchanged."""
    heads: list[Column | Group] = [Column("index", words().label("roster", "index"), 10, counter=True)]
    grouped: dict[str, list[Column]] = {}
    for name in ROSTER_FIELDS:
        path = words().tables["roster"].fields[name].path
        if len(path) == 1:
            heads.append(_roster_column(name, path[0]))
        elif path[0] in grouped:
            grouped[path[0]].append(_roster_column(name, path[1]))
        else:
            grouped[path[0]] = [_roster_column(name, path[1])]
            heads.append(Group(path[0], ()))
    columns = tuple(Group(h.header, tuple(grouped[h.header])) if isinstance(h, Group) else h for h in heads)
    categories = "、".join(words().category_names())
    return Table(
        slug="roster",
        title=lambda facts: f"{facts.values.get('school', '')}党支部花名册",
        columns=columns,
        head_line=(
            Pair("填报单位", lambda facts: str(facts.values.get("school", ""))),
            Pair("填报时间", lambda facts: str(facts.values.get("day", ""))),
        ),
        notes=tuple(note.format(categories=categories) for note in ROSTER_NOTES),
        sheet_name="党支部花名册",
        freeze=3,
    )


def blank_rows(number: int) -> list[Mapping[str, Any]]:
    """Return empty rows for the template to fill in."""
    return [dict.fromkeys(ROSTER_FIELDS) for _ in range(number)]
