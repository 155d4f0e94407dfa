"""Targets of rectification: plans, items in the state a view asks for, receipts, files and changes."""

import datetime as dt
from typing import Any

from django.core.files.base import ContentFile

from branches import clock
from rectification.models import Item, Plan
from rectification.services.settings import ensure_rules
from tests.factories import rectification as r
from tests.factories.supervision import VisitFactory, VisitFindingFactory
from tests.matrix.targets import Call, target
from tests.matrix.targets.grading import _round, _unit
from tests.matrix.world import World

HANDED_IN = {"plan-approve", "plan-withdraw"}
#: The state of an item each view is for; all others are asked about one in hand.
STATES = {
    "item-edit": Item.State.DRAFT, "item-remove": Item.State.DRAFT, "item-escalate": Item.State.DRAFT,
    "item-submit": Item.State.DRAFT, "item-verify": Item.State.AWAITING, "item-withdraw": Item.State.AWAITING,
    "item-recheck": Item.State.VERIFIED, "item-recheck-plan": Item.State.VERIFIED,
}  # fmt: skip


def _plan(world: World, relation: str, state: str = Plan.State.DRAFT) -> Plan:
    """Return the plan of a branch in a state, made once for a world."""
    round_, unit = _round(world), _unit(world, relation)
    found = Plan.objects.filter(round=round_, branch=unit.branch).first()
    now = clock.now()
    if found is None:
        ensure_rules(by=None, campaign=round_.campaign, now=now)
        found = r.PlanFactory(round=round_, branch=unit.branch, unit=unit, name=unit.name)
    Plan.objects.filter(pk=found.pk).update(state=state, submitted_at=now, approved_at=now)
    return Plan.objects.get(pk=found.pk)


def _item(world: World, plan: Plan, state: str) -> Item:
    now = clock.now()
    given: dict[str, Any] = {"state": state, "approved_at": now}
    day = now.date() + dt.timedelta(days=30)
    dates = {"due_on": day, "counts_on": day, "limit_on": day}
    if state in (Item.State.AWAITING, Item.State.VERIFIED):
        given |= {"requested_at": now, "result": "已完成"}
    if state == Item.State.VERIFIED:
        given |= {"verified_on": now.date(), "verified_by": world.accounts["leader"]}
    return r.ItemFactory(plan=plan, **dates, **given)


@target("graded_unit", "own", "sibling", "other")
def graded_unit(world: World, relation: str, _name: str) -> Call:
    """A branch in a round, which has no plan yet or one."""
    return Call({"pk": _unit(world, relation).pk})


@target("node_in_round", "own", "other")
def node_in_round(world: World, relation: str, _name: str) -> Call:
    """A 党总支 that files a plan of its own."""
    return Call({"pk": _round(world).pk, "branch": world.unit(relation).pk})


@target("rectification_plan", "own", "sibling", "other")
def rectification_plan(world: World, relation: str, name: str) -> Call:
    """A plan in the state the view is for, with an item in it and something known to take over."""
    state = Plan.State.SUBMITTED if name in HANDED_IN else Plan.State.DRAFT
    plan = _plan(world, relation, state)
    item = _item(world, plan, Item.State.SUBMITTED if name in HANDED_IN else Item.State.DRAFT)
    finding = VisitFindingFactory(visit=VisitFactory(campaign=plan.campaign), branch=plan.branch)
    data = {
        "key": f"finding:{finding.pk}", "goal": "晋位先进", "version": "1", "problem": "学习少", "do": "save",
        f"do-{item.pk}": "approve", "held_on": "2012-05-10",
    }  # fmt: skip
    return Call({"pk": plan.pk}, data)


@target("rectification_receipt", "own", "sibling", "other")
def rectification_receipt(world: World, relation: str, _name: str) -> Call:
    """A receipt of a plan that was handed in."""
    return Call({"pk": r.PlanReceiptFactory(plan=_plan(world, relation, Plan.State.SUBMITTED)).pk})


@target("rectification_item", "own", "sibling", "other")
def rectification_item(world: World, relation: str, name: str) -> Call:
    """An item in the state the view is for, with an open re-check or check-point where one is recorded."""
    drafting = name in {"item-edit", "item-remove", "item-escalate"}
    plan = _plan(world, relation, Plan.State.DRAFT if drafting else Plan.State.APPROVED)
    item = _item(world, plan, STATES.get(name, Item.State.IN_HAND))
    today = clock.today()
    if name == "item-recheck":
        r.RecheckFactory(item=item, due_on=today)
    if name == "item-checkpoint":
        r.CheckpointFactory(item=item, due_on=today)
    data = {
        "version": "1", "problem": "学习少", "reason": "资金未到", "percent": "50", "text": "已开会",
        "result": "已完成", "passed": "yes", "finding": "属实", "on": str(today), "relapsed": "no",
        "due_on": str(today), "kind": "goal", "goal": "每月学习",
    }  # fmt: skip
    return Call({"pk": item.pk}, data)


@target("rectification_file", "own", "sibling", "other")
def rectification_file(world: World, relation: str, _name: str) -> Call:
    """A file that shows what was done."""
    row = r.ItemFileFactory(item=_item(world, _plan(world, relation, Plan.State.APPROVED), Item.State.IN_HAND))
    row.file.save("记录.pdf", ContentFile(b"%PDF-1.4 x"))
    return Call({"pk": row.pk})


@target("rectification_change", "own", "sibling", "other")
def rectification_change(world: World, relation: str, _name: str) -> Call:
    """A change that waits for consent."""
    item = _item(world, _plan(world, relation, Plan.State.APPROVED), Item.State.IN_HAND)
    row = r.ChangeFactory(item=item, kind="goal", new={"goal": "每月学习"}, old={"goal": item.goal})
    return Call({"pk": row.pk}, {"consent": "yes", "answer": ""})
