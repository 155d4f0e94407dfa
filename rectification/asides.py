"""What the scorers of a later round see of a branch's rectification: what was promised, and what was put right."""

import datetime as dt
from collections.abc import Iterator

from django.db.models import OuterRef, Q, Subquery
from django.urls import reverse

from branches.models import Account
from branches.permissions import Action, can
from branches.registries import HomePanel, aside
from grading.models import RoundUnit
from rectification.board import SHAPES
from rectification.models import Item, Plan, Status, Verification


@aside(RoundUnit)
def promised(unit: RoundUnit, account: Account, now: dt.datetime) -> Iterator[HomePanel]:
    """Show the newest plan of an earlier round beside the sheet of this one."""
    earlier = Q(round__campaign=unit.round.campaign_id, round__ordinal__lt=unit.round.ordinal)
    earlier |= Q(round__campaign__starts_on__lt=unit.round.campaign.starts_on)
    plans = Plan.objects.filter(earlier, branch=unit.branch_id).exclude(state=Plan.State.DRAFT)
    plan = plans.select_related("round__campaign", "target").order_by(
        "-round__campaign__starts_on", "-round__ordinal"
    ).first()  # fmt: skip
    if plan is None:
        return
    looked = Verification.objects.filter(item=OuterRef("pk")).order_by("-at", "-pk")
    items = plan.items.alive().exclude(state=Item.State.DRAFT).status(now).select_related("category")
    items = items.annotate(finding=Subquery(looked.values("finding")[:1])).order_by("ordinal")
    rows = [
        {"item": item, "status": str(Status(item.status).label), "shape": SHAPES[item.status].removeprefix("state-")}
        for item in items
    ]
    done = sum(row["item"].state == Item.State.VERIFIED for row in rows)
    said = f"{len(rows)} 项，已销号 {done} 项"
    late = sum(row["item"].status == Status.OVERDUE for row in rows)
    other = plan.round.campaign_id != unit.round.campaign_id
    year = f"{plan.round.campaign.year}年" if other else ""
    yield HomePanel(
        slug=f"promised-{plan.pk}",
        title=f"{year}{plan.round.name}整改提高方案",
        template="rectification/promised.html",
        context={
            "plan": plan,
            "rows": rows,
            "url": reverse("plan", args=[plan.pk]) if can(account, Action.VIEW_RECTIFICATION, plan) else "",
        },
        aside=said + (f"，逾期 {late} 项" if late else ""),
        position=30,
    )
