"""One item as its page shows it: everything that happened to it in one line of time."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from branches import clock, transitions, wording
from branches.models import Branch, Person
from rectification.models import Change, Item, Progress, Recheck, Verification
from rectification.services.owners import described

LABELS = {
    "due_on": "完成时限", "goal": "整改目标", "task": "整改任务", "measures": "整改措施", "leader": "责任领导",
    "owner_name": "责任人", "paused_on": "暂停自", "paused_until": "暂停到", "term": "期限", "term_reason": "理由",
    "review_on": "条件复核日期", "escalated_to": "提请解决的上级", "extended_to": "批准延至", "checkpoints": "检查日期",
    "owner_person": "责任人", "leader_person": "责任领导",
}  # fmt: skip
MOVES = {
    Item.State.APPROVED: ("ok", "已批准"),
    Item.State.RETURNED: ("warn", "退回"),
    Item.State.TRANSFERRED: ("todo", "转出"),
    Item.State.CLOSED: ("todo", "终止"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """Something that happened; `day` stands for the moment where only the day is known."""

    at: dt.datetime
    title: str
    text: str
    who: str = ""
    kind: str = ""
    on_behalf: bool = False
    more: str = ""
    day: str = ""
    change: Change | None = None


def lines(item: Item) -> list[Line]:
    """Return what happened to an item, newest first."""
    found = [*_progress(item), *_verifications(item), *_rechecks(item), *_changes(item), *_moves(item)]
    return sorted(found, key=lambda line: line.at, reverse=True)


def _progress(item: Item) -> Iterator[Line]:
    for row in item.progress.select_related("by__person"):
        title = "申请销号" if row.kind == Progress.Kind.REQUEST else f"{row.get_kind_display()} {row.percent}%"
        yield Line(row.at, title, row.text, str(row.by or ""), on_behalf=row.on_behalf)


def _verifications(item: Item) -> Iterator[Line]:
    for row in item.verifications.select_related("by__person"):
        passed = row.outcome == Verification.Outcome.PASSED
        more = f"{wording.zh_date(row.on)}{'现场' if row.on_site else ''}核实"
        kind, title = ("ok", "核实通过，销号") if passed else ("bad", "核实未通过")
        yield Line(row.at, title, row.finding, str(row.by), kind, more=more)


def _rechecks(item: Item) -> Iterator[Line]:
    for row in item.rechecks.select_related("done_by__person", "planned_by__person"):
        planned = f"{wording.zh_date(row.due_on)}再看有没有反弹。"
        yield Line(row.planned_at, "安排回弹复查", planned, str(row.planned_by or ""))
        if row.done_on is not None:
            kind = "ok" if row.outcome == Recheck.Outcome.HELD else "bad"
            at = clock.end_of(row.done_on) - dt.timedelta(minutes=1)
            when = wording.zh_date(row.done_on)
            yield Line(at, row.get_outcome_display(), row.finding, str(row.done_by or ""), kind, day=when)


def _changes(item: Item) -> Iterator[Line]:
    for row in item.changes.exclude(state=Change.State.PROPOSED).select_related(
        "requested_by__person", "decided_by__person"
    ):
        refused = row.state == Change.State.REFUSED
        said = f"{row.get_kind_display()}：{row.get_state_display()}"
        text = f"{row.reason}{f'（{row.answer}）' if row.answer else ''}"
        who = str(row.decided_by or row.requested_by or "")
        shown(row)
        yield Line(row.decided_at or row.requested_at, said, text, who, "warn" if refused else "", change=row)


def _moves(item: Item) -> Iterator[Line]:
    for row in transitions.history(item):
        if row.to_state in MOVES:
            kind, title = MOVES[Item.State(row.to_state)]
            yield Line(row.at, title, row.reason, str(row.by or ""), kind)


def shown(change: Change) -> Change:
    """Give a change its `pairs`: label, before, after, in words."""
    change.pairs = [  # type: ignore[attr-defined]
        (LABELS[name], _said(name, change.old.get(name)), _said(name, value))
        for name, value in change.new.items()
        if name in LABELS
        and not (name == "owner_name" and not value)  # an escalation leaves the owner to the superior
        and _said(name, value) != _said(name, change.old.get(name))
    ]
    return change


def _said(name: str, value: Any) -> str:
    if value in (None, "", []):
        return ""
    if name == "term":
        return str(Item.Term(value).label)
    if name == "escalated_to":
        node = Branch.objects.filter(pk=value).first()
        return "" if node is None else node.name_on(clock.today())
    if name in ("owner_person", "leader_person"):
        person = Person.objects.filter(pk=value).first()
        return "" if person is None else f"{person.name}（{described(person)}）"
    if isinstance(value, list):
        return "、".join(_said("due_on", one) for one in value)
    if name.endswith(("_on", "_to", "_until")):
        return wording.zh_date(dt.date.fromisoformat(str(value)))
    return str(value)
