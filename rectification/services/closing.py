"""Nothing is orphaned: items ended or handed to another branch, and the year closed with what is still open."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max, QuerySet

from branches import audit, clock
from branches.models import Account, Branch, Campaign, Succession
from branches.registries import TreeChange
from branches.scopes import Scope
from branches.transitions import advance
from grading.models import RoundUnit
from grading.services.errors import RefusedError, refuse
from rectification.models import (
    GROUP_ORDER,
    Category,
    Checkpoint,
    Dimension,
    Item,
    Plan,
    Progress,
    Status,
    YearClosing,
    group_order,
)  # fmt: skip
from rectification.permissions import may_decide, superior_of
from rectification.services.items import renew_dates
from rectification.services.plans import hung_under
from rectification.services.settings import rules_of

NEW_OWNER = "待上级确定"

COPIED = (
    "source", "category_id", "dimension_id", "problem", "goal", "task", "measures", "leader", "owner_name",
    "owner_person_id", "leader_person_id", "due_on", "limit_on", "extended_to", "term", "term_reason",
    "consented_by_id", "consented_at",
    "review_on", "counts_on", "risk_on", "paused_on", "paused_until", "escalation_reason", "files_required", "percent",
    "approved_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StillOpen:
    """What one branch has not finished. `items` carry `status`; `unfinished` of them should have been by now."""

    plan: Plan
    items: list[Any]

    @property
    def unfinished(self) -> list[Item]:
        """Those that may not go beyond the campaign."""
        return [item for item in self.items if not item.long_lasting]


def open_items(campaign: Campaign, now: dt.datetime, reach: Scope | None = None) -> QuerySet[Item]:
    """Return what is still open in a campaign, with status, by 党总支 and branch."""
    rows = Item.objects.open().filter(plan__campaign=campaign).status(now)
    if reach is not None:
        rows = rows.within(reach)
    rows = rows.annotate(**group_order("plan__")).select_related("plan__unit", "plan__branch", "category")
    return rows.order_by(*GROUP_ORDER, "plan__name", "plan", "ordinal")


def still_open(*, campaign: Campaign, now: dt.datetime, reach: Scope | None = None) -> list[StillOpen]:
    """Return what is still open per plan, in one query."""
    found: dict[int, StillOpen] = {}
    for item in open_items(campaign, now, reach):
        found.setdefault(item.plan_id, StillOpen(item.plan, [])).items.append(item)
    return list(found.values())


@transaction.atomic
def close_year(*, by: Account | None, campaign: Campaign, reason: str = "", now: dt.datetime) -> YearClosing:
    """Close a campaign's rectification: finished plans are closed, what is still open is written down per branch.

    Open items stay open and can still be verified or handed to a plan of the next campaign; no new plan is begun.
    Raises RefusedError when it was closed, and without a reason while items are unfinished that should not be.
    """
    campaign = Campaign.objects.select_for_update().get(pk=campaign.pk)
    if YearClosing.objects.filter(campaign=campaign).exists():
        refuse("本年度整改已经收尾。")
    left = still_open(campaign=campaign, now=now)
    unfinished = sum(len(one.unfinished) for one in left)
    if unfinished and not reason.strip():
        text = f"还有 {unfinished} 项应完成而未完成，请说明情况。"
        raise RefusedError([text], {"reason": text})
    alive = Item.objects.alive().filter(plan__campaign=campaign)
    closing = YearClosing.objects.create(
        campaign=campaign, closed_by=by, closed_at=now, reason=reason.strip(), items=alive.count(),
        verified=alive.filter(state=Item.State.VERIFIED).count(), still_open=sum(len(one.items) for one in left),
        unfinished=unfinished, remaining=[_told(one) for one in left],
    )  # fmt: skip
    open_plans = {one.plan.pk for one in left}
    for plan in Plan.objects.filter(campaign=campaign, state=Plan.State.APPROVED).exclude(pk__in=open_plans):
        advance(plan, Plan.State.CLOSED, by=by, now=now, reason="年度收尾")
    audit.record(
        by=by, action="rectification.close_year", thing=closing, branch=campaign.root, summary="整改年度收尾",
        after={"items": closing.items, "verified": closing.verified, "open": closing.still_open},
    )  # fmt: skip
    return closing


def _told(one: StillOpen) -> dict[str, object]:
    """Return what is still open of one plan as values, as it stood."""
    return {
        "branch": one.plan.branch_id,
        "name": one.plan.name,
        "items": [
            {
                "id": item.pk, "ordinal": item.ordinal, "problem": item.problem, "state": item.state,
                "status": Status(item.status).label, "term": item.term, "owner": item.owner_name,
                "due_on": item.due_on.isoformat() if item.due_on else None, "percent": item.percent,
            }
            for item in one.items
        ],
    }  # fmt: skip


@transaction.atomic
def end_item(*, by: Account, item: Item, reason: str, now: dt.datetime) -> Item:
    """End an item without result (终止), by the level above and with the reason. Raises RefusedError."""
    if not (answer := may_decide(by, item.plan)):
        refuse(answer.reason)
    if not reason.strip():
        raise RefusedError(["终止须写明理由。"], {"reason": "终止须写明理由。"})
    return _end(by, item, reason, now)


def _end(by: Account | None, item: Item, reason: str, now: dt.datetime) -> Item:
    row = advance(item, Item.State.CLOSED, by=by, now=now, reason=reason)
    row.changes.filter(state="proposed").update(state="withdrawn")
    return row


@transaction.atomic
def transfer(*, by: Account, item: Item, to: Plan, reason: str, now: dt.datetime) -> Item:
    """Hand an open item to another plan (another branch, or the next round); the old one stays on record.

    Raises RefusedError when the account decides neither plan, or for the plan it is in already.
    """
    for plan in (item.plan, to):
        if not (answer := may_decide(by, plan)):
            refuse(answer.reason)
    if to.pk == item.plan_id:
        refuse("项目已在这个方案里。")
    if not reason.strip():
        raise RefusedError(["转出须写明理由。"], {"reason": "转出须写明理由。"})
    return _transfer(by, item, to, reason, now)


@transaction.atomic
def pass_on(*, by: Account, item: Item, reason: str, now: dt.datetime) -> Item:
    """Hand an item of a branch that has ended to its follower, in the transaction that reopened it.

    Raises RefusedError when no branch follows; then the problem belongs into a plan of another one.
    """
    old = item.plan
    link = Succession.objects.filter(predecessor=old.branch).select_related("successor").order_by("pk").first()
    if link is None:
        refuse("这个党组织已经撤销，没有承接的党组织，请在有关党支部的方案里列入这个问题。")
        raise AssertionError
    made = _transfer(by, item, _plan_of(by, link.successor, old, now), reason, now)
    advance(old, Plan.State.CLOSED, by=by, now=now, reason=reason)
    return made


def _transfer(by: Account | None, item: Item, to: Plan, reason: str, now: dt.datetime) -> Item:
    """Write the item anew in the other plan, as far as it had come, and mark the old one."""
    row = Item.objects.select_for_update(of=("self",)).select_related("plan__branch").get(pk=item.pk)
    if row.state in Item.FINISHED:
        refuse(f"这一项{row.get_state_display()}，不能转出。")
    to = Plan.objects.select_for_update().select_related("campaign", "branch").get(pk=to.pk)
    made = _copy(row, to)
    Checkpoint.objects.bulk_create(
        Checkpoint(item=made, due_on=each.due_on, task=each.task) for each in row.checkpoints.filter(done_on=None)
    )
    made = renew_dates(made)
    Item.objects.filter(pk=row.pk).update(transferred_to=made)
    row = advance(row, Item.State.TRANSFERRED, by=by, now=now, reason=reason)
    if row.percent and made.state == Item.State.APPROVED:
        Progress.objects.create(
            item=made, kind=Progress.Kind.CARRIED, at=now, percent=row.percent, by=by,
            text=f"由{row.plan.name}转入：{reason.strip()}",
        )  # fmt: skip
        made = advance(made, Item.State.IN_HAND, by=by, now=now, reason="转入时已在整改")
    row.changes.filter(state="proposed").update(state="withdrawn")
    return made


def _copy(item: Item, to: Plan) -> Item:
    """Write an item anew in another plan: approved where it was, else a draft; never escalated, never half verified."""
    last = to.items.aggregate(last=Max("ordinal"))["last"] or 0
    values = {field: getattr(item, field) for field in COPIED}
    if item.plan.campaign_id != to.campaign_id:
        values |= _of_campaign(item, to)
    approved = item.state in Item.UNDER_WAY
    return Item.objects.create(
        plan=to, ordinal=last + 1, source_key=f"item:{item.pk}",
        state=Item.State.APPROVED if approved else Item.State.DRAFT, **values,
    )  # fmt: skip


def _of_campaign(item: Item, to: Plan) -> dict[str, object]:
    """Return category, dimension and limit in the campaign an item is handed to: the same codes, else none.

    A deadline that the old campaign had allowed stays allowed.
    """
    there = {"campaign": to.campaign_id}
    category = Category.objects.filter(code=item.category.code, **there).first() if item.category else None
    dimension = Dimension.objects.filter(code=item.dimension.code, **there).first() if item.dimension else None
    limit_on = rules_of(to.campaign).item_due_on
    late = item.term == Item.Term.NORMAL and item.due_on is not None and item.due_on > limit_on
    return {
        "category_id": category and category.pk,
        "dimension_id": dimension and dimension.pk,
        "limit_on": limit_on,
        "extended_to": item.due_on if late else item.extended_to,
    }


@transaction.atomic
def follow_tree(change: TreeChange, *, now: dt.datetime) -> None:
    """Hand the open items of a branch that ended to its follower, or end them; follow a branch to its new superior."""
    if change.kind == TreeChange.ENDED:
        _hand_over(change, now)
    else:
        _follow_superior(change)


def _hand_over(change: TreeChange, now: dt.datetime) -> None:
    """Move what is open into the first follower's plan of the same round; without a follower it ends too."""
    reason = change.reason or "党组织撤销"
    for plan in Plan.objects.filter(branch=change.branch).exclude(state=Plan.State.CLOSED).select_related("round"):
        items = list(plan.items.open())
        if items and change.followers:
            to = _plan_of(change.by, change.followers[0], plan, now)
            names = "、".join(branch.name_on(change.on) for branch in change.followers)
            for item in items:
                _transfer(change.by, item, to, f"{reason}，由{names}承接", now)
        else:
            for item in items:
                _end(change.by, item, f"{reason}，没有承接的党组织", now)
        advance(plan, Plan.State.CLOSED, by=change.by, now=now, reason=reason)
    _leave_superior(change.branch)


def _plan_of(by: Account | None, branch: Branch, old: Plan, now: dt.datetime) -> Plan:
    """Return the follower's plan of the round, begun (approved where the old one was) unless it is there."""
    plan = Plan.objects.filter(round=old.round, branch=branch).first()
    if plan is not None:
        if plan.state == Plan.State.CLOSED:
            return advance(plan, Plan.State.APPROVED, by=by, now=now, reason="承接其他党支部的整改项目")
        return plan
    approved = old.approved_at is not None
    unit = RoundUnit.objects.filter(round=old.round, branch=branch).first()
    place: dict[str, Any] = {"unit": unit} if unit is not None else hung_under(branch, now)
    plan = Plan.objects.create(
        campaign_id=old.campaign_id, round=old.round, branch=branch, name=branch.name_on(clock.day_of(now)), **place,
        state=Plan.State.APPROVED if approved else Plan.State.DRAFT, created_by=by, created_at=now,
        submitted_at=now if approved else None, approved_at=now if approved else None,
    )  # fmt: skip
    audit.record(by=by, action="plan.start", thing=plan, branch=branch, summary="承接其他党支部的整改项目，建立方案")
    return plan


def _follow_superior(change: TreeChange) -> None:
    """Point what was 提请上级解决 to the new superior of a branch that was handed over."""
    if change.parent is not None:
        _point(Item.objects.open().filter(plan__branch=change.branch), change.parent.pk, change.by)


def _leave_superior(branch: Branch) -> None:
    """Point what a superior that ended had taken over to the present superior of each branch."""
    rows = Item.objects.open().filter(escalated_to=branch).select_related("plan")
    for item in rows:
        _point(Item.objects.filter(pk=item.pk), superior_of(item.plan.branch_id), None)


def _point(rows: QuerySet[Item], superior_id: int | None, by: Account | None) -> None:
    taken = rows.filter(escalated_to__isnull=False).exclude(escalated_to=superior_id).select_related("plan__branch")
    for item in taken:
        before = item.escalated_to_id
        Item.objects.filter(pk=item.pk).update(
            escalated_to=superior_id, owner_name=NEW_OWNER, owner_person=None, version=item.version + 1
        )
        audit.record(
            by=by, action="item.escalated_to", thing=item, branch=item.plan.branch,
            summary="隶属变更，改由新的上级解决",
            before={"to": before, "owner": item.owner_name}, after={"to": superior_id},
        )  # fmt: skip
