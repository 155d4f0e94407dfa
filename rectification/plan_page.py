"""A plan as its page shows it: items as cards, what is still to do, and what happened."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse

from branches import transitions
from rectification.models import Item, Plan, PlanReceipt, Status

#: Shapes of `branches.templatetags.zhibu.state` by the status every board counts.
SHAPES: dict[str, str] = {
    Status.PLANNED: "todo",
    Status.IN_HAND: "info",
    Status.AWAITING: "info",
    Status.VERIFIED: "ok",
    Status.OVERDUE: "bad",
    Status.AT_RISK: "warn",
    Status.LONG_TERM: "info",
    Status.PAUSED: "todo",
    Status.TRANSFERRED: "todo",
    Status.CLOSED: "todo",
}
SAID = {
    Plan.State.SUBMITTED: "提交方案",
    Plan.State.RETURNED: "退回方案",
    Plan.State.APPROVED: "批准方案",
    Plan.State.CLOSED: "方案办结",
    Plan.State.DRAFT: "改回起草",
}


@dataclass(frozen=True, slots=True)
class Card:
    """One item in its plan."""

    item: Item
    url: str
    kind: str
    word: str
    lacking: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)

    @property
    def day(self) -> dt.date | None:
        """The day that counts next."""
        return self.item.counts_on or self.item.due_on

    @property
    def late(self) -> bool:
        """Whether its day has passed and nothing was asked for."""
        return is_late(self.item)

    @property
    def waits_for_day(self) -> bool:
        """Whether the day that counts next is worth showing: not while somebody else has to act."""
        return self.day is not None and waits_for_day(self.item)

    @property
    def under_way(self) -> bool:
        """Whether work on it is measured."""
        return self.item.state in (*Item.UNDER_WAY, Item.State.VERIFIED)

    @property
    def finished(self) -> bool:
        """Whether nothing is waited for any more."""
        return self.item.state in Item.FINISHED


@dataclass(frozen=True, slots=True)
class Step:
    """One thing on the way to an approved plan."""

    kind: str
    word: str
    text: str
    url: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that happened to the plan."""

    at: dt.datetime
    said: str
    who: str = ""
    reason: str = ""
    receipt: PlanReceipt | None = None


def is_late(item: Any) -> bool:
    """Tell whether an approved item is past its day."""
    return item.state in Item.UNDER_WAY and item.status == Status.OVERDUE


def waits_for_day(item: Any) -> bool:
    """Tell whether the next day of an item counts now: not once it is finished, asked for or paused."""
    if item.state in Item.FINISHED or item.state == Item.State.AWAITING:
        return False
    return item.state in Item.BEFORE_APPROVAL or item.status != Status.PAUSED


def badge(item: Any, *, lacking: Sequence[str] = ()) -> tuple[str, str]:
    """Return shape and word of an item; `item` carries `status` once it was approved."""
    if item.state == Item.State.DRAFT:
        return ("warn", "没填全") if lacking else ("ok", "已填好")
    if item.state == Item.State.SUBMITTED:
        return "info", "待审批"
    if item.state == Item.State.RETURNED:
        return "warn", "已退回"
    if item.state == Item.State.REOPENED and item.status == Status.IN_HAND:
        return "warn", "重新整改"
    return SHAPES[item.status], Status(item.status).label


def steps(plan: Plan, cards: Sequence[Card], lacking_of_meeting: Sequence[str], *, superior: str) -> list[Step]:
    """Return what is done and what is still to do until the plan is approved."""
    open_ = [card for card in cards if card.lacking]
    first = f"{len(open_)} 项没填全：第 {'、'.join(str(card.item.ordinal) for card in open_)} 项" if open_ else ""
    url = open_[0].url if open_ else ""
    if not cards:
        start = "#known" if plan.unit_id is not None else reverse("item-new", args=[plan.pk])
        items = Step("todo", "未开始", "列出整改项目", start)
    elif open_:
        items = Step("info", "进行中", "填全各项", url, first)
    else:
        items = Step("ok", "已完成", f"整改项目 {len(cards)} 项")
    meeting_url = reverse("plan-meeting", args=[plan.pk])
    detail = lacking_of_meeting[0] if lacking_of_meeting else ""
    meeting = (
        Step("todo", "未完成", "记录党员大会", meeting_url, detail)
        if lacking_of_meeting else Step("ok", "已完成", "党员大会已记录")
    )  # fmt: skip
    handed = plan.state == Plan.State.SUBMITTED
    filed = Step("ok", "已完成", "已提交") if handed else Step("todo", "未提交", "提交方案")
    return [
        items,
        meeting,
        filed,
        Step("info" if handed else "todo", "待审批" if handed else "未开始", f"{superior}逐项审批"),
    ]


def history(plan: Plan, receipts: Iterable[PlanReceipt]) -> list[Entry]:
    """Return the moves of a plan, newest first, each submission with its receipt."""
    by_time = {row.filed_at: row for row in receipts}
    return [
        Entry(
            row.at, SAID.get(Plan.State(row.to_state), row.to_state), str(row.by or ""), row.reason,
            by_time.get(row.at) if row.to_state == Plan.State.SUBMITTED else None,
        )
        for row in transitions.history(plan)
    ]  # fmt: skip
