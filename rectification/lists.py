"""Lists of rectification: the items of a round, with filters for every figure of its boards."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse
from django_filters import CharFilter, ChoiceFilter, FilterSet

from branches import clock
from branches.listing import ListPage
from branches.registries import list_page
from rectification import asides, lists_plans
from rectification.board import SHAPES, SHOWN, TAILS, Place
from rectification.models import (
    DIRECT,
    GROUP_ORDER,
    Category,
    Dimension,
    Item,
    ItemQuerySet,
    Status,
    group_fields,
    group_order,
    of_group,
)  # fmt: skip
from reporting.tables import Column, Table, formats

# imported so that their lists and panels register
__all__ = ["ITEMS", "asides", "item_rows", "lists_plans"]

NONE = "none"


def item_rows(place: Place) -> ItemQuerySet:
    """Return the items of a place with their status, as the list shows them."""
    rows = place.items().status(clock.now()).annotate(**group_fields("plan__"), **group_order("plan__"))
    rows = rows.annotate(group_name=Coalesce("parent_name", "plan__name"), ends=Coalesce("due_on", "review_on"))
    return rows.select_related("plan__unit", "plan__under", "category", "dimension")


class ItemFilter(FilterSet):
    """How items stand, whose they are, and what they are about."""

    status = ChoiceFilter(
        label="情况", field_name="status", empty_label="全部",
        choices=[*((str(one), str(one.label)) for one in SHOWN), ("open", "未销号")], method="by_status",
    )  # fmt: skip
    group = ChoiceFilter(label="党总支", method="of_group", empty_label="全部", choices=())
    branch = ChoiceFilter(label="党组织", field_name="plan__branch", empty_label="全部", choices=())
    category = ChoiceFilter(label="问题类别", method="of_kind", empty_label="全部", choices=())
    dimension = ChoiceFilter(label="对标内容", method="of_kind", empty_label="全部", choices=())
    term = ChoiceFilter(label="期限", empty_label="全部", choices=Item.Term.choices)
    day = ChoiceFilter(label="时限", method="by_day", empty_label="全部", choices=[("ahead", "时限还没过")])
    problem = CharFilter(label="同一问题", method="the_same")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the 党总支, categories and dimensions among the rows; a branch or a problem only once it is chosen."""
        super().__init__(*args, **kwargs)
        rows = self.queryset.order_by()
        named = ("direct", "parent", "plan__branch_id", "group_name")
        groups = {
            _group(direct, parent, branch): "直属党支部" if direct else name
            for direct, parent, branch, name in rows.values_list(*named).distinct()
        }
        self.filters["group"].extra["choices"] = list(groups.items())
        campaign = rows.values_list("plan__campaign", flat=True).first()
        for field, model in (("category", Category), ("dimension", Dimension)):
            known = model.objects.filter(campaign=campaign).values_list("pk", "name")  # type: ignore[attr-defined]
            chosen = [(str(pk), name) for pk, name in known]
            self.filters[field].extra["choices"] = [*chosen, (NONE, "未分类")]
        self._offer_chosen(rows)

    @property
    def qs(self) -> QuerySet[Any]:
        """The rows that pass; none where the address asks for what there is not, rather than all."""
        return self.queryset.none() if self.is_bound and not self.form.is_valid() else super().qs

    def _offer_chosen(self, rows: QuerySet[Any]) -> None:
        asked = self.data.get("branch", "") if self.data else ""
        found = rows.filter(plan__branch=asked).first() if asked.isascii() and asked.isdigit() else None
        if found is not None:
            self.filters["branch"].extra["choices"] = [(asked, found.plan.name)]
        elif not asked:
            del self.filters["branch"]
        for name in ("day", "problem"):
            if not (self.data and self.data.get(name)):
                del self.filters[name]

    def by_status(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep items of one status, or all that are not put right."""
        return rows.exclude(state=Item.State.VERIFIED) if value == "open" else rows.filter(status=value)

    def by_day(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep items whose day is not over: what should be left of a burn-down."""
        return rows.filter(due_on__gte=clock.today())

    def of_group(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep one 党总支 with its own plan, or 直属党支部."""
        return rows.filter(of_group(value, "plan__"))

    def of_kind(self, rows: QuerySet[Any], field: str, value: str) -> QuerySet[Any]:
        """Keep one category or dimension, or what has none."""
        return rows.filter(**({f"{field}__isnull": True} if value == NONE else {field: value}))

    def the_same(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep items of one problem, however its sentence ends."""
        return rows.filter(problem__in=[value + tail for tail in TAILS])


def _group(direct: bool | None, parent: int | None, branch: int) -> str:
    return DIRECT if direct else str(parent if direct is not None else branch)


def prepared(items: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows."""
    return [
        {
            "pk": item.pk,
            "branch": item.plan.name,
            "group": item.plan.group_name,
            "category": item.category.name if item.category else "",
            "dimension": item.dimension.name if item.dimension else "",
            "problem": item.problem,
            "goal": item.goal,
            "measures": item.measures,
            "leader": item.leader,
            "owner": item.owner_name,
            "due": item.ends,
            "term": "" if item.term == Item.Term.NORMAL else item.get_term_display(),
            "percent": item.percent,
            "status": str(Status(item.status).label),
            "shape": SHAPES[item.status],
            "verified_on": item.verified_on if item.state == Item.State.VERIFIED else None,
        }
        for item in items
    ]


ITEMS = list_page(
    ListPage(
        slug="rectification-items",
        title="整改项目",
        unit="项",
        table=Table(
            slug="rectification-items",
            title="整改项目",
            columns=(
                Column(
                    "problem", "存在的主要问题", 62, align="left", row_header=True,
                    href=lambda row: reverse("item", args=[row["pk"]]),
                ),
                Column("branch", "党组织", 46, align="left", sort_key="order"),
                Column("group", "所属党总支", 40, align="left", hide_small=True),
                Column("category", "问题类别", 28, sort_key="category", hide_small=True),
                Column("dimension", "对标内容", 28, sort_key="dimension", screen=False),
                Column("goal", "整改目标", 40, align="left", screen=False),
                Column("measures", "整改措施", 60, align="left", screen=False),
                Column("leader", "责任领导", 20, format=formats.NAME, screen=False),
                Column("owner", "责任人", 20, format=formats.NAME, hide_small=True),
                Column("due", "完成时限", 24, format=formats.DATE, sort_key="due"),
                Column("term", "期限", 20, hide_small=True, blank=""),
                Column("percent", "进度（%）", 18, format=formats.INTEGER, sort_key="percent", hide_small=True),
                Column("status", "情况", 26, kind="state", badge=lambda row: row["shape"], sort_key="status"),
                Column("verified_on", "销号日期", 24, format=formats.DATE, sort_key="verified", screen=False),
            ),
        ),
        sorts={
            "order": (*GROUP_ORDER, "plan__branch__position", "plan", "ordinal"),
            "category": ("category__ordinal", *GROUP_ORDER),
            "dimension": ("dimension__ordinal", *GROUP_ORDER),
            "due": ("ends",),
            "percent": ("percent",),
            "status": ("status", "ends"),
            "verified": ("verified_on",),
        },
        default_sort="order",
        filters=ItemFilter,
        search=("problem", "measures", "plan__name", "owner_name"),
        search_label="问题、措施、支部或责任人",
        prepare=prepared,
        empty_title="还没有整改项目",
        empty_text="支部提交整改提高方案以后，这里列出每一个项目。",
    )
)  # fmt: skip
