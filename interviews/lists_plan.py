"""The roster, the assignments and the people nobody visits as lists."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.urls import reverse
from django_filters import ChoiceFilter, FilterSet

from branches.directory import names_of
from branches.listing import BulkAction, ListPage
from branches.registries import list_page
from interviews.models import (
    Assignment,
    FocusGroup,
    FocusMembership,
    PersonCategory,
    VisitRule,
)
from reporting.tables import Column, Table, formats


def _units(rows: QuerySet[Any], field: str) -> list[tuple[int, str]]:
    names = names_of(rows.order_by().values_list(field, flat=True).distinct())
    return sorted(names.items(), key=lambda pair: pair[1])


class RosterFilter(FilterSet):
    """Unit, category, focus group, whether somebody visits them, whether they are still there."""

    unit = ChoiceFilter(label="单位", empty_label="全部", choices=())
    category = ChoiceFilter(label="类别", empty_label="全部", choices=())
    focus = ChoiceFilter(label="重点类别", field_name="focus__group", empty_label="全部", choices=())
    state = ChoiceFilter(
        label="在册", method="by_state", empty_label="全部", choices=[("active", "在册"), ("gone", "停用")]
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer what the rows of the caller's reach have."""
        super().__init__(*args, **kwargs)
        campaigns = self.queryset.order_by().values("campaign").distinct()
        categories = PersonCategory.objects.filter(campaign__in=campaigns).values_list("pk", "name")
        groups = FocusGroup.objects.filter(campaign__in=campaigns, sensitive=False).values_list("pk", "name")
        self.filters["unit"].extra["choices"] = _units(self.queryset, "unit")
        self.filters["category"].extra["choices"] = list(categories)
        self.filters["focus"].extra["choices"] = list(groups)

    def by_state(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep those still there, or those who left."""
        return rows.filter(active=value == "active")


def roster_rows(entries: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows of people; what they need is read for all at once."""
    pks = [row.pk for row in entries]
    units = names_of(row.unit_id for row in entries)
    focus: dict[int, list[str]] = {}
    for entry, name in FocusMembership.objects.filter(entry__in=pks).values_list("entry_id", "group__name"):
        focus.setdefault(entry, []).append(name)
    visitors: dict[int, list[str]] = {}
    for entry, name in Assignment.objects.filter(entry__in=pks).values_list("entry_id", "interviewer__name"):
        visitors.setdefault(entry, []).append(name)
    return [
        {
            "pk": row.pk,
            "campaign": row.campaign_id,
            "number": row.person.number or "",
            "name": row.person.name,
            "category": row.category.name,
            "unit": units.get(row.unit_id, ""),
            "group": row.class_group.name if row.class_group else "",
            "focus": "、".join(focus.get(row.pk, ())),
            "visitor": "、".join(visitors.get(row.pk, ())),
            "state": "在册" if row.active else "停用",
            "badge": "state-ok" if row.active else "state-todo",
        }
        for row in entries
    ]


ROSTER = list_page(
    ListPage(
        slug="people-roster",
        title="访谈名册",
        unit="人",
        table=Table(
            slug="people-roster",
            title="访谈名册",
            columns=(
                Column("number", "工号/学号", 26, align="left", sort_key="number", hide_small=True),
                Column(
                    "name", "姓名", 20, align="left", row_header=True, sort_key="name",
                    href=lambda row: reverse("people-entry", args=[row["campaign"], row["pk"]]),
                ),
                Column("category", "人员类别", 18, sort_key="category", hide_small=True),
                Column("unit", "单位", 42, align="left", sort_key="unit", hide_small=True),
                Column("group", "班级", 26, align="left", sort_key="group"),
                Column("focus", "重点类别", 28, align="left", hide_small=True),
                Column("visitor", "访谈人", 20, align="left", blank="未分配"),
                Column("state", "在册", 14, kind="state", badge=lambda row: row["badge"], hide_small=True),
            ),
        ),
        sorts={
            "number": ("person__number",), "name": ("person__initials", "person__name"),
            "category": ("category__position",), "unit": ("unit__position", "unit__code", "class_group__name"),
            "group": ("class_group__name", "person__number"),
        },
        default_sort="unit",
        filters=RosterFilter,
        search=("person__name", "person__initials__istartswith", "person__number", "class_group__name"),
        search_label="姓名、拼音首字母、工号/学号或班级",
        prepare=roster_rows,
        empty_title="名册里还没有人",
        empty_text="导入教职工和学生名册以后，才能按规则分配访谈任务。",
    )
)  # fmt: skip


class AssignmentFilter(FilterSet):
    """Rule, unit, and who decided. Whether somebody was talked with is for their interviewer to know."""

    rule = ChoiceFilter(label="规则", empty_label="全部", choices=())
    unit = ChoiceFilter(label="单位", field_name="entry__unit", empty_label="全部", choices=())
    origin = ChoiceFilter(label="来源", empty_label="全部", choices=Assignment.Origin.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer what the rows of the caller's reach have."""
        super().__init__(*args, **kwargs)
        rules = VisitRule.objects.filter(pk__in=self.queryset.order_by().values("rule").distinct())
        self.filters["rule"].extra["choices"] = list(rules.values_list("pk", "name"))
        self.filters["unit"].extra["choices"] = _units(self.queryset, "entry__unit")


def assignment_rows(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows of assignments, without what came of them."""
    units = names_of(row.entry.unit_id for row in rows)
    return [
        {
            "pk": row.pk,
            "name": row.entry.person.name,
            "number": row.entry.person.number or "",
            "unit": units.get(row.entry.unit_id, ""),
            "group": row.entry.class_group.name if row.entry.class_group else row.entry.category.name,
            "visitor": row.interviewer.name,
            "rule": row.rule.name,
            "times": row.required,
            "due": row.due_on,
            "origin": row.get_origin_display(),
            "badge": "state-info" if row.origin == Assignment.Origin.HAND else "state-todo",
        }
        for row in rows
    ]


ASSIGNMENTS = list_page(
    ListPage(
        slug="visit-assignments",
        title="访谈任务",
        unit="项",
        table=Table(
            slug="visit-assignments",
            title="访谈任务",
            columns=(
                Column("pick", "选择", kind="select", value=lambda row: row["pk"], export=False),
                Column("name", "访谈对象", 20, align="left", row_header=True, sort_key="name"),
                Column("number", "工号/学号", 26, align="left", sort_key="number", hide_small=True),
                Column("unit", "单位", 40, align="left", sort_key="unit", hide_small=True),
                Column("group", "班级", 26, align="left", sort_key="group"),
                Column("visitor", "访谈人", 20, align="left", sort_key="visitor"),
                Column("rule", "规则", 32, align="left", hide_small=True),
                Column("times", "应谈次数", 18, format=formats.INTEGER, hide_small=True),
                Column("due", "期限", 24, format=formats.DATE, sort_key="due", hide_small=True),
                Column("origin", "来源", 18, kind="state", badge=lambda row: row["badge"], hide_small=True),
            ),
        ),
        sorts={
            "name": ("entry__person__initials", "entry__person__name"), "number": ("entry__person__number",),
            "unit": ("entry__unit__position", "entry__unit__code", "entry__class_group__name"),
            "group": ("entry__class_group__name", "entry__person__number"),
            "visitor": ("interviewer__initials", "interviewer__name"), "due": ("due_on",),
        },
        default_sort="unit",
        filters=AssignmentFilter,
        search=(
            "entry__person__name", "entry__person__initials__istartswith", "entry__person__number",
            "interviewer__name", "interviewer__initials__istartswith", "entry__class_group__name",
        ),
        search_label="对象、访谈人、工号/学号或班级",
        prepare=assignment_rows,
        empty_title="还没有分配任务",
        empty_text="先导入名册、核对规则，再按规则分配。",
        bulk=(
            BulkAction("改派", "visit-hand-over"),
            BulkAction("交回规则", "visit-back", "选中的手工调整交回规则，下次分配时重新安排。"),
        ),
    )
)  # fmt: skip


class WithoutFilter(FilterSet):
    """Unit and category."""

    unit = ChoiceFilter(label="单位", empty_label="全部", choices=())
    category = ChoiceFilter(label="类别", empty_label="全部", choices=())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer what the rows of the caller's reach have."""
        super().__init__(*args, **kwargs)
        categories = PersonCategory.objects.filter(pk__in=self.queryset.order_by().values("category").distinct())
        self.filters["unit"].extra["choices"] = _units(self.queryset, "unit")
        self.filters["category"].extra["choices"] = list(categories.values_list("pk", "name"))


def without_rows(entries: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows of people nobody visits."""
    units = names_of(row.unit_id for row in entries)
    return [
        {
            "pk": row.pk,
            "number": row.person.number or "",
            "name": row.person.name,
            "category": row.category.name,
            "unit": units.get(row.unit_id, ""),
            "group": row.class_group.name if row.class_group else "",
        }
        for row in entries
    ]


WITHOUT = list_page(
    ListPage(
        slug="visit-without",
        title="还没有访谈人",
        unit="人",
        table=Table(
            slug="visit-without",
            title="还没有访谈人",
            columns=(
                Column("pick", "选择", kind="select", value=lambda row: row["pk"], export=False),
                Column("name", "姓名", 20, align="left", row_header=True, sort_key="name"),
                Column("number", "工号/学号", 28, align="left", sort_key="number"),
                Column("category", "人员类别", 20, hide_small=True),
                Column("unit", "单位", 46, align="left", sort_key="unit", hide_small=True),
                Column("group", "班级", 30, align="left", sort_key="group"),
            ),
        ),
        sorts={
            "name": ("person__initials", "person__name"), "number": ("person__number",),
            "unit": ("unit__position", "unit__code", "class_group__name"),
            "group": ("class_group__name", "person__number"),
        },
        default_sort="unit",
        filters=WithoutFilter,
        search=("person__name", "person__initials__istartswith", "person__number", "class_group__name"),
        search_label="姓名、拼音首字母、工号/学号或班级",
        prepare=without_rows,
        empty_title="每个人都有访谈人",
        empty_text="名册里应访谈的人都已分配。",
        bulk=(BulkAction("指定访谈人", "visit-give"),),
    )
)  # fmt: skip


def without_interviewer(entries: QuerySet[Any]) -> QuerySet[Any]:
    """Keep active people an active rule is about and nobody is to visit."""
    rules = VisitRule.objects.filter(active=True, campaign=OuterRef("campaign"), visited=OuterRef("category"))
    assigned = Assignment.objects.filter(entry=OuterRef("pk"))
    return entries.filter(Q(active=True), Exists(rules), ~Exists(assigned))
