"""The branches of graded rounds with the plan each has, or has not yet."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.urls import reverse
from django.utils import timezone
from django_filters import ChoiceFilter, FilterSet

from branches import clock, wording
from branches.listing import ListPage
from branches.models import Campaign
from branches.registries import list_page
from grading.models import Result, Round, RoundUnit
from rectification.models import Item, Plan
from reporting.tables import Column, Table

NONE = "none"
SHAPES = {
    "": "state-todo",
    Plan.State.DRAFT: "state-info",
    Plan.State.SUBMITTED: "state-info",
    Plan.State.RETURNED: "state-warn",
    Plan.State.APPROVED: "state-ok",
    Plan.State.CLOSED: "state-ok",
}


def plan_rows(units: QuerySet[RoundUnit]) -> QuerySet[RoundUnit]:
    """Keep units with a grade or a plan, and annotate what the list shows of their plan."""
    own = Plan.objects.filter(round=OuterRef("round"), branch=OuterRef("branch"))
    decided = Result.objects.filter(unit=OuterRef("pk"), state=Result.State.DECIDED)

    def number(*states: str) -> Subquery:
        rows = Item.objects.filter(plan__round=OuterRef("round"), plan__branch=OuterRef("branch"), state__in=states)
        return Subquery(rows.order_by().values("plan").annotate(number=Count("pk")).values("number"))

    rows = units.annotate(
        plan_id=Subquery(own.values("pk")[:1]),
        plan_state=Subquery(own.values("state")[:1]),
        plan_late=Subquery(own.values("late")[:1]),
        plan_submitted=Subquery(own.values("submitted_at")[:1]),
        graded_as=Subquery(decided.order_by("-version").values("decided_grade__label")[:1]),
        all_items=number(*Item.State.values),
        awaiting=number(Item.State.AWAITING),
        verified=number(Item.State.VERIFIED),
    )
    return rows.filter(Q(plan_id__isnull=False) | Q(graded_as__isnull=False)).select_related("round__campaign")


class PlanFilter(FilterSet):
    """轮次, 党总支, how far the plan is."""

    round = ChoiceFilter(label="轮次", field_name="round_id", empty_label="全部", choices=())
    unit = ChoiceFilter(label="党总支", method="of_group", empty_label="全部", choices=())
    state = ChoiceFilter(
        label="方案", method="by_state", empty_label="全部",
        choices=[(NONE, "未制定"), *Plan.State.choices, ("late", "逾期提交")],
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Offer the rounds and 党总支 among the rows."""
        super().__init__(*args, **kwargs)
        rows = self.queryset.order_by().values_list("direct", "parent_id", "parent_name", "round_id")
        groups, found = {}, set()
        for direct, parent_id, parent_name, round_id in rows.distinct():
            groups["direct" if direct else str(parent_id)] = "直属党支部" if direct else parent_name
            found.add(round_id)
        known = Round.objects.filter(pk__in=found).select_related("campaign")
        known = known.order_by("-campaign__starts_on", "ordinal")
        rounds = {str(row.pk): round_label(row.campaign, row) for row in known}
        self.filters["unit"].extra["choices"] = list(groups.items())
        self.filters["round"].extra["choices"] = list(rounds.items())

    def of_group(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep one 党总支, or 直属党支部."""
        return rows.filter(direct=True) if value == "direct" else rows.filter(direct=False, parent_id=value)

    def by_state(self, rows: QuerySet[Any], _: str, value: str) -> QuerySet[Any]:
        """Keep units by the state of their plan."""
        if value == NONE:
            return rows.filter(plan_id__isnull=True)
        return rows.filter(plan_late=True) if value == "late" else rows.filter(plan_state=value)


def prepared(units: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows."""
    now = clock.now()
    states = dict(Plan.State.choices)
    return [
        {
            "pk": unit.plan_id,
            "name": unit.name,
            "parent": unit.general_branch_name,
            "round": round_label(unit.round.campaign, unit.round),
            "grade": unit.graded_as or "",
            "state": states.get(unit.plan_state or "", "未制定") + ("（逾期）" if unit.plan_late else ""),
            "badge": SHAPES[unit.plan_state or ""],
            "submitted": wording.zh_moment(timezone.localtime(unit.plan_submitted), now) if unit.plan_submitted else "",
            "items": unit.all_items or 0,
            "awaiting": unit.awaiting or 0,
            "verified": unit.verified or 0,
        }
        for unit in units
    ]


def own_rows(plans: Sequence[Any]) -> list[dict[str, Any]]:
    """Return table rows of the plans that are of no unit: of 党总支 themselves, of branches set up later.

    They are annotated with number, awaiting and verified.
    """
    now = clock.now()
    return [
        {
            "pk": plan.pk, "name": plan.name, "grade": "",
            "parent": plan.group_name if plan.under_id else "党总支自己的方案",
            "round": round_label(plan.campaign, plan.round), "badge": SHAPES[plan.state],
            "state": plan.get_state_display() + ("（逾期）" if plan.late else ""),
            "submitted": wording.zh_moment(timezone.localtime(plan.submitted_at), now) if plan.submitted_at else "",
            "items": plan.number, "awaiting": plan.awaiting, "verified": plan.verified,
        }
        for plan in plans
    ]  # fmt: skip


def round_label(campaign: Campaign, round_: Round) -> str:
    """Return the name of a round that tells it from those of other years: 2012年第一轮."""
    return f"{campaign.year}年{round_.name}"


def _href(row: dict[str, Any]) -> str:
    return reverse("plan", args=[row["pk"]]) if row["pk"] else ""


PLANS = list_page(
    ListPage(
        slug="rectification-plans",
        title="各支部整改提高方案",
        unit="个党支部",
        table=Table(
            slug="rectification-plans",
            title="各支部整改提高方案",
            columns=(
                Column("name", "党支部", 70, align="left", row_header=True, sort_key="name", href=_href),
                Column("parent", "所属党总支", 50, align="left", hide_small=True, sort_key="parent"),
                Column("round", "轮次", 26, hide_small=True),
                Column("grade", "等级", 18, hide_small=True),
                Column("state", "方案", 28, kind="state", badge=lambda row: row["badge"], sort_key="state"),
                Column("submitted", "提交", 32, hide_small=True, sort_key="submitted"),
                Column("items", "项目", 16, align="right", sort_key="items"),
                Column("awaiting", "待核实", 18, align="right", hide_small=True),
                Column("verified", "已销号", 18, align="right"),
            ),
        ),
        sorts={
            "name": ("name",),
            "parent": ("parent_position", "parent_code", "position"),
            "state": ("plan_state",),
            "submitted": ("plan_submitted",),
            "items": ("all_items",),
        },
        default_sort="parent",
        filters=PlanFilter,
        search=("name", "code"),
        search_label="党支部",
        prepare=prepared,
        empty_title="还没有定级的党支部",
        empty_text="党支部定级以后制定整改提高方案，都列在这里。",
    )
)
