"""整改提高方案: started for a branch and a round, handed in with a receipt, decided item by item by the level above."""

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from branches import audit, clock
from branches.crockford import ALPHABET
from branches.models import Account, Branch
from branches.transitions import advance
from branches.versions import save_versioned
from grading.models import Grade, Result, Round, RoundUnit, Survey
from grading.services.errors import RefusedError, refuse
from rectification.models import Change, Item, Plan, PlanReceipt, YearClosing
from rectification.permissions import may_decide
from rectification.services.items import let_go
from rectification.services.settings import ensure_rules, plan_due_on

LENGTH = 6


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the level above says to one item.

    `consents` answers 暂不具备条件; `leader` and `owner_name` name who takes over what was 提请上级解决.
    """

    approve: bool
    reason: str = ""
    consents: bool = False
    files_required: bool | None = None
    leader: str = ""
    owner_name: str = ""


@transaction.atomic
def start(*, by: Account | None, unit: RoundUnit, now: dt.datetime) -> Plan:
    """Return the plan of a branch in a round, begun in draft with the aim of 附件4 unless it is there."""
    if not unit.round.opened_at:
        refuse("本轮还没有开始。")
    target, goal = _aim(unit)
    return _begin(by, now, unit.branch, unit.round, unit=unit, name=unit.name, target=target, goal=goal)


def _aim(unit: RoundUnit) -> tuple[Grade | None, str]:
    """Return 晋位目标 and goal of 附件4; nothing once the branch was graded better than it aimed at."""
    survey = Survey.objects.filter(unit=unit, by=Survey.By.BRANCH).select_related("target").first()
    if survey is None:
        return None, ""
    held = (
        Result.objects.current().filter(unit=unit, state=Result.State.DECIDED).select_related("decided_grade").first()
    )
    grade = held.decided_grade if held else None
    if grade is not None and survey.target is not None and grade.rank < survey.target.rank:
        return None, ""
    return survey.target, survey.goal


@transaction.atomic
def start_for(*, by: Account | None, round_: Round, branch: Branch, now: dt.datetime) -> Plan:
    """Return the plan of any node in a round (a 党总支 files its own), begun in draft unless it is there."""
    unit = RoundUnit.objects.filter(round=round_, branch=branch).select_related("round__campaign", "branch").first()
    if unit is not None:
        return start(by=by, unit=unit, now=now)
    if branch.dissolved_on is not None:
        refuse("这个党组织已经撤销。")
    return _begin(by, now, branch, round_, name=branch.name_on(clock.day_of(now)), **hung_under(branch, now))


def hung_under(branch: Branch, now: dt.datetime) -> dict[str, Any]:
    """Return `under` and `under_name` for the plan of a 党支部 that was set up after the round was frozen."""
    day = clock.day_of(now)
    rows = branch.placements.filter(parent__isnull=False).select_related("parent").order_by("-starts_on")
    placed = rows.on(day).first() or rows.first()
    if placed is None or placed.parent is None or branch.level != Branch.Level.BRANCH:
        return {}
    return {"under": placed.parent, "under_name": placed.parent.name_on(day)}


def _begin(by: Account | None, now: dt.datetime, branch: Branch, round_: Round, **values: Any) -> Plan:
    ensure_rules(by=by, campaign=round_.campaign, now=now)
    plan = Plan.objects.filter(round=round_, branch=branch).first()
    if plan is not None:
        return plan
    if YearClosing.objects.filter(campaign=round_.campaign).exists():
        refuse("本年度整改已经收尾，不能再起草方案。")
    plan = Plan.objects.create(
        campaign=round_.campaign, round=round_, branch=branch, created_by=by, created_at=now, **values
    )
    audit.record(by=by, action="plan.start", thing=plan, branch=branch, summary="起草整改提高方案")
    return plan


@transaction.atomic
def save_plan(
    *, by: Account | None, plan: Plan, version: int, goal: str, target: Grade | None, now: dt.datetime  # noqa: ARG001
) -> Plan:  # fmt: skip
    """Save the goal of a plan as a whole. Raises RefusedError once it is handed in, ConflictError."""
    if not plan.editable:
        refuse(f"方案{plan.get_state_display()}，不能再改。")
    if target is not None and target.scale_id != plan.round.scale_id:
        raise RefusedError(["晋位目标不在本轮的等级里。"], {"target": "请选择本轮的等级。"})
    before = {"goal": plan.goal, "target": plan.target_id}
    fresh = save_versioned(plan, version=version, values={"goal": goal.strip(), "target": target})
    after = {"goal": fresh.goal, "target": fresh.target_id}
    if before != after:
        audit.record(
            by=by, action="plan.save", thing=fresh, branch=fresh.branch, summary="修改方案总体目标",
            before=before, after=after,
        )  # fmt: skip
    return fresh


@transaction.atomic
def submit(*, by: Account | None, plan: Plan, now: dt.datetime) -> Plan:
    """Hand a plan in: every open item with it, late or not, with a receipt.

    Raises BlockedError with what is missing (党员大会, items), IllegalMoveError when it was handed in already.
    """
    row = Plan.objects.select_for_update(of=("self",)).select_related("round__campaign").get(pk=plan.pk)
    last = plan_due_on(row.round)
    late = last is not None and now >= clock.end_of(last)
    if row.editable:  # else `advance` says what is wrong
        Plan.objects.filter(pk=row.pk).update(submitted_by=by, submitted_at=now, late=late, version=row.version + 1)
    row = advance(plan, Plan.State.SUBMITTED, by=by, now=now)
    for item in row.items.filter(state__in=[Item.State.DRAFT, Item.State.RETURNED]):
        advance(item, Item.State.SUBMITTED, by=by, now=now)
    _receipt(by, row, now)
    return row


def _receipt(by: Account | None, plan: Plan, now: dt.datetime) -> PlanReceipt:
    tail = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return PlanReceipt.objects.create(
        plan=plan, number=f"{timezone.localtime(now):%y%m%d}-{tail}", filed_at=now, late=plan.late, filed_by=by,
        items=plan.items.alive().count(), digest=digest_of(plan),
    )  # fmt: skip


def digest_of(plan: Plan) -> str:
    """Return the SHA-256 over what a plan says, item by item; its receipt keeps it."""
    fields = ("ordinal", "problem", "goal", "task", "measures", "leader", "owner_name", "due_on", "term", "term_reason")
    told = [[str(value) for value in row] for row in plan.items.alive().order_by("ordinal").values_list(*fields)]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


@transaction.atomic
def withdraw(*, by: Account | None, plan: Plan, now: dt.datetime) -> Plan:
    """Take a plan back before the level above decided anything of this submission.

    Raises RefusedError when it did, IllegalMoveError when the plan does not lie with it.
    """
    row = advance(plan, Plan.State.DRAFT, by=by, now=now)
    if _decided_since(row):
        refuse("上级已经开始审核，不能再撤回。")
    for item in row.items.filter(state=Item.State.SUBMITTED):
        advance(item, Item.State.DRAFT, by=by, now=now)
    return row


def _decided_since(plan: Plan) -> bool:
    """Tell whether the level above decided anything of the present submission.

    What was approved of an earlier one, or in the plan an item was taken over from, was not.
    """
    if plan.items.filter(state=Item.State.RETURNED).exists():
        return True
    brought = Item.objects.filter(transferred_to=OuterRef("pk"), approved_at=OuterRef("approved_at"))
    return plan.items.filter(approved_at__gte=plan.submitted_at).exclude(Exists(brought)).exists()


@transaction.atomic
def decide_items(*, by: Account, plan: Plan, rulings: Mapping[int, Ruling], now: dt.datetime) -> Plan:
    """Approve or return items by their ids; once none is left the plan is approved, or returned with those returned.

    Raises RefusedError when the account is not of the level above, an item does not wait, a reason, a consent or the
    superior's owner is missing.
    """
    if not (answer := may_decide(by, plan)):
        refuse(answer.reason)
    plan = Plan.objects.select_for_update().select_related("campaign", "round", "branch").get(pk=plan.pk)
    waiting = {row.pk: row for row in plan.items.select_for_update().filter(state=Item.State.SUBMITTED)}
    if not rulings:
        refuse("请至少对一项作出决定。")
    if set(rulings) - waiting.keys():
        refuse("有的项目已经不在待审批状态，请刷新页面后再办理。")
    numbers = {pk: place for place, pk in enumerate(plan.items.alive().values_list("pk", flat=True), start=1)}
    if problems := [text for pk, ruling in rulings.items() if (text := _missing(numbers[pk], waiting[pk], ruling))]:
        raise RefusedError(problems)
    for pk, ruling in rulings.items():
        if ruling.approve:
            _approve(by, waiting[pk], ruling, now)
        else:
            Item.objects.filter(pk=pk).update(returned_reason=ruling.reason.strip())
            advance(waiting[pk], Item.State.RETURNED, by=by, now=now, reason=ruling.reason)
    return _settle(by, plan, now)


def _missing(number: int, item: Item, ruling: Ruling) -> str:
    """Return what a ruling still needs, or ""."""
    if not ruling.approve:
        return "" if ruling.reason.strip() else f"第{number}项：退回须写明理由。"
    if item.term == Item.Term.CONDITIONS and not ruling.consents:
        return f"第{number}项：暂不具备条件须经上级同意，请勾选同意或退回。"
    if item.escalated_to_id and not ruling.owner_name.strip():
        return f"第{number}项：提请上级解决，请写明上级的责任人，不接手的请退回。"
    return ""


def _approve(by: Account, item: Item, ruling: Ruling, now: dt.datetime) -> None:
    values: dict[str, Any] = {"approved_at": now, "returned_reason": ""}
    if item.term == Item.Term.CONDITIONS:
        values |= {"consented_by": by, "consented_at": now}
    if ruling.files_required is not None:
        values["files_required"] = ruling.files_required
    if item.escalated_to_id:
        values |= {"owner_name": ruling.owner_name.strip(), "owner_person": None}
        values["leader"] = ruling.leader.strip() or item.leader
        values |= let_go(item, values)
        _note_new_owner(by, item, values, now)
    Item.objects.filter(pk=item.pk).update(**values)
    advance(item, Item.State.APPROVED, by=by, now=now, reason=ruling.reason)


def _note_new_owner(by: Account, item: Item, values: dict[str, Any], now: dt.datetime) -> None:
    """Keep who owned an item before the superior took it over."""
    Change.objects.create(
        item=item, kind=Change.Kind.DETAILS, state=Change.State.RECORDED, requested_by=by, requested_at=now,
        reason="提请上级解决，由上级接手",
        old={"owner_name": item.owner_name, "leader": item.leader},
        new={"owner_name": values["owner_name"], "leader": values["leader"]},
    )  # fmt: skip


def _settle(by: Account, plan: Plan, now: dt.datetime) -> Plan:
    """Move the plan on when nothing of it waits any more; a supplementary item leaves an approved plan as it is."""
    if plan.state != Plan.State.SUBMITTED or plan.items.filter(state=Item.State.SUBMITTED).exists():
        return plan
    if returned := plan.items.filter(state=Item.State.RETURNED).count():
        return advance(plan, Plan.State.RETURNED, by=by, now=now, reason=f"退回 {returned} 项")
    Plan.objects.filter(pk=plan.pk).update(approved_at=now, approved_by=by)
    return advance(plan, Plan.State.APPROVED, by=by, now=now)
