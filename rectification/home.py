"""What waits for somebody in rectification, and its entry in the navigation."""

import datetime as dt
from collections.abc import Iterator

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse

from branches.models import Account, Branch, Placement
from branches.permissions import Action, recused_branch_ids, roles, scope
from branches.registries import HomeItem, NavItem, home, nav
from branches.wording import SOON_DAYS
from grading.models import Result, RoundUnit, form_names
from rectification import home_supervision
from rectification.models import Item, Plan, Recheck, Status
from rectification.services.settings import plan_due_on

__all__ = ["home_supervision"]  # imported so that its items register

RECHECK_DAYS = 7
nav(NavItem("整改提高", "rectification", Action.VIEW_RECTIFICATION, "/rectification/", 40))


def own_nodes(account: Account) -> list[Branch]:
    """Return the 党支部 somebody draws up plans for in person."""
    reach = scope(account, Action.DRAW_UP_PLAN)
    nodes = {grant.node_id: grant.node for grant in roles(account) if grant.node.level == Branch.Level.BRANCH}
    return [node for pk, node in nodes.items() if reach and pk in reach.roots]


@home
def waiting(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Yield everything about plans and items that waits for an account."""
    for node in own_nodes(account):
        yield from _own_plans(node)
        yield from _own_items(node, now)
    yield from _above(account, now)


def _own_plans(node: Branch) -> Iterator[HomeItem]:
    """Ask for a plan once there is a grade, and for one that was begun or returned."""
    plans = {plan.round_id: plan for plan in Plan.objects.filter(branch=node).select_related("round__campaign")}
    for plan in plans.values():
        if plan.editable and not plan.campaign.backfill:
            back = plan.state == Plan.State.RETURNED
            title = f"{plan.round.dated}：{'整改方案已退回，请修改' if back else '写完并提交整改方案'}"
            yield HomeItem(title, plan.name, "去修改" if back else "接着写", _plan(plan.pk), plan_due_on(plan.round))
    graded = RoundUnit.objects.filter(branch=node, graded=True, round__campaign__backfill=False)
    graded = graded.filter(results__state=Result.State.DECIDED).exclude(round__in=plans).distinct()
    for unit in graded.select_related("round__campaign"):
        url, due = f"{reverse('rectification')}#h-own-{unit.round_id}-{node.pk}", plan_due_on(unit.round)
        said = f"{form_names(unit.round)['annex4'].short}的问题点一下就列入"
        yield HomeItem(f"{unit.round.dated}：制定整改提高方案", said, "去制定", url, due)


def _plan(pk: int) -> str:
    return reverse("plan", args=[pk])


def _own_items(node: Branch, now: dt.datetime) -> Iterator[HomeItem]:
    """Remind of items that are late, soon due or sent back; those that take longer count by their check-points."""
    rows = Item.objects.status(now).filter(state__in=Item.UNDER_WAY, plan__campaign__backfill=False)
    rows = rows.filter(Q(escalated_to=node) | Q(escalated_to__isnull=True, plan__branch=node))
    told = rows.filter(Q(status__in=[Status.OVERDUE, Status.AT_RISK]) | Q(state=Item.State.REOPENED))
    for item in told.order_by("counts_on", "pk"):
        again = "重新整改" if item.state == Item.State.REOPENED else "整改"
        title = f"{again}：{item.problem[:24]}{'…' if len(item.problem) > 24 else ''}"
        detail = f"第 {item.ordinal} 项，进度 {item.percent}%"
        yield HomeItem(title, detail, "报进展", reverse("item", args=[item.pk]), item.counts_on)


def _below(account: Account, action: Action, day: dt.date) -> QuerySet[Branch]:
    """Return the nodes right below those an account acts for with `action`, without those it stands aside for."""
    reach = scope(account, action).held
    if not reach:
        return Branch.objects.none()
    roots = Branch.objects.filter(level=Branch.Level.COMMITTEE)
    if not reach.everything:
        roots = Branch.objects.filter(pk__in=reach.roots)
    nodes = Placement.objects.on(day).filter(parent__in=roots).values("branch")
    return Branch.objects.filter(pk__in=nodes).exclude(pk__in=recused_branch_ids(account))


def _above(account: Account, now: dt.datetime) -> Iterator[HomeItem]:
    """Ask the level above to decide plans and changes, and to verify."""
    below = _below(account, Action.APPROVE_PLAN, now.date())
    plans = Plan.objects.filter(branch__in=below, state=Plan.State.SUBMITTED)
    found = plans.aggregate(number=Count("pk"), first=Min("pk"))
    if found["number"]:
        one = found["number"] == 1
        url = reverse("plan-approve", args=[found["first"]]) if one else f"{reverse('plans')}?state=submitted"
        yield HomeItem("审批整改提高方案", f"{found['number']} 个方案待逐项审批", "去审批", url)
    verifiable = _below(account, Action.VERIFY, now.date())
    rows = Item.objects.annotate(answers_id=Coalesce("escalated_to_id", "plan__branch_id"))
    waits = rows.filter(state=Item.State.AWAITING, answers_id__in=verifiable.values("pk")).exclude(requested_by=account)
    for row in (
        waits.values("plan__round").annotate(number=Count("pk"), first=Min("pk"), since=Min("requested_at")).order_by()
    ):
        many = f"{reverse('rectification-items', args=[row['plan__round']])}?status=awaiting"
        url = reverse("item", args=[row["first"]]) if row["number"] == 1 else many
        yield HomeItem("核实销号", f"{row['number']} 项申请销号，等待核实", "去核实", url)
    yield from _rechecks(verifiable, now)


def _rechecks(below: QuerySet[Branch], now: dt.datetime) -> Iterator[HomeItem]:
    """Remind of re-checks that are due within a week."""
    soon = now.date() + dt.timedelta(days=RECHECK_DAYS)
    rows = Recheck.objects.filter(done_on__isnull=True, due_on__lte=soon, item__plan__branch__in=below)
    for row in rows.select_related("item__plan").order_by("due_on")[:SOON_DAYS]:
        url = reverse("item", args=[row.item_id])
        yield HomeItem(f"回弹复查：{row.item.problem[:20]}", row.item.plan.name, "去复查", url, row.due_on)
