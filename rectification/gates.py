"""Legal moves of plans and items, and what stands in their way, as sentences a person can act on."""

import datetime as dt
from collections.abc import Iterator

from branches.registries import gate
from branches.transitions import Transition, register
from rectification.models import Item, Plan
from rectification.services.checks import gaps_of, meeting_problems
from rectification.services.settings import rules_of

P, I = Plan.State, Item.State
_LEAVES = (Transition(I.TRANSFERRED, "转出", needs_reason=True), Transition(I.CLOSED, "终止", needs_reason=True))

register(
    Plan,
    {
        P.DRAFT: (Transition(P.SUBMITTED, "提交"), Transition(P.CLOSED, "办结", needs_reason=True)),
        P.SUBMITTED: (
            Transition(P.APPROVED, "批准"),
            Transition(P.RETURNED, "退回", needs_reason=True),
            Transition(P.DRAFT, "撤回"),
            Transition(P.CLOSED, "办结", needs_reason=True),
        ),
        P.RETURNED: (Transition(P.SUBMITTED, "重新提交"), Transition(P.CLOSED, "办结", needs_reason=True)),
        P.APPROVED: (Transition(P.CLOSED, "办结", needs_reason=True),),
        P.CLOSED: (Transition(P.APPROVED, "重新打开", needs_reason=True),),
    },
)
register(
    Item,
    {
        I.DRAFT: (Transition(I.SUBMITTED, "提交"), *_LEAVES),
        I.SUBMITTED: (
            Transition(I.APPROVED, "批准"),
            Transition(I.RETURNED, "退回", needs_reason=True),
            Transition(I.DRAFT, "撤回"),
            *_LEAVES,
        ),
        I.RETURNED: (Transition(I.SUBMITTED, "重新提交"), *_LEAVES),
        I.APPROVED: (Transition(I.IN_HAND, "开始整改"), *_LEAVES),
        I.IN_HAND: (Transition(I.AWAITING, "申请销号"), *_LEAVES),
        I.AWAITING: (
            Transition(I.VERIFIED, "销号"),
            Transition(I.REOPENED, "核实未通过", needs_reason=True),
            Transition(I.IN_HAND, "撤回申请"),
            *_LEAVES,
        ),
        I.VERIFIED: (Transition(I.REOPENED, "重新整改", needs_reason=True),),
        I.REOPENED: (Transition(I.AWAITING, "申请销号"), *_LEAVES),
    },
)


@gate(Plan, P.SUBMITTED)
def plan_is_discussed_and_complete(plan: Plan, now: dt.datetime) -> Iterator[str]:
    """Ask for the record of the 党员大会, for items, and for everything an item needs."""
    rules = rules_of(plan.campaign)
    yield from meeting_problems(plan, rules, now)
    items = list(plan.items.alive().prefetch_related("checkpoints"))
    if not items:
        yield "方案里还没有整改项目。"
    for number, item in enumerate(items, start=1):
        if item.editable:
            yield from (f"第{number}项：{text}" for text in gaps_of(item, rules, now))


@gate(Item, I.SUBMITTED)
def item_is_complete(item: Item, now: dt.datetime) -> Iterator[str]:
    """Ask for everything an item needs."""
    yield from gaps_of(item, rules_of(item.plan.campaign), now)


@gate(Item, I.AWAITING)
def item_has_files_where_asked(item: Item, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """Ask for a file where the approving level asked for one."""
    if item.files_required and not item.files.filter(removed_at__isnull=True).exists():
        yield "这一项要求附材料，请先上传能说明完成情况的文件。"


@gate(Plan, P.CLOSED)
def plan_has_nothing_open(plan: Plan, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """Ask for every item to be finished first."""
    if left := plan.items.open().count():
        yield f"方案里还有 {left} 项没有办结。"
