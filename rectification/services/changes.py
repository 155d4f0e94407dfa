"""Changes of approved items: asked for with a reason, decided by the level above, what it was before kept."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from branches import audit, clock
from branches.models import Account, Branch
from grading.services.errors import RefusedError, refuse
from rectification import terms
from rectification.models import Change, Item
from rectification.permissions import may_decide_change, may_record
from rectification.services.items import renew_dates, set_checkpoints, superior_or_refuse
from rectification.services.settings import rules_of

Kind = Change.Kind
DETAILS = ("measures", "task", "leader", "owner_name", "owner_person")
CHANGEABLE = (Item.State.APPROVED, Item.State.IN_HAND, Item.State.REOPENED)
Values = dict[str, Any]


def _day(value: Any, field: str, label: str) -> dt.date:
    """Return a day given as date or ISO text. Raises RefusedError when it is neither."""
    try:
        return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))
    except ValueError as error:
        raise RefusedError([f"请填写{label}。"], {field: f"请填写{label}。"}) from error


def _deadline(item: Item, new: Mapping[str, Any], today: dt.date) -> Values:
    """Read a new deadline: nothing in the past, nothing that changes nothing, only for items with a deadline."""
    due_on = _day(new.get("due_on"), "due_on", "新的完成时限")
    if item.term != Item.Term.NORMAL:
        refuse("长期性或暂不具备条件的项目没有固定的完成时限，请调整期限类型。")
    if due_on < today:
        raise RefusedError(["新的完成时限已经过了。"], {"due_on": "新的完成时限已经过了。"})
    if due_on == item.due_on:
        raise RefusedError(["新的完成时限与原来相同。"], {"due_on": "新的完成时限与原来相同。"})
    return {"due_on": due_on.isoformat()}


def _goal(item: Item, new: Mapping[str, Any], today: dt.date) -> Values:  # noqa: ARG001
    goal = str(new.get("goal", "")).strip()
    if not goal or goal == item.goal:
        raise RefusedError(["请写明新的整改目标。"], {"goal": "请写明新的整改目标。"})
    return {"goal": goal}


def _term(item: Item, new: Mapping[str, Any], today: dt.date) -> Values:
    """Read another kind of term with everything it needs."""
    kind = str(new.get("term", ""))
    if kind not in Item.Term.values:
        raise RefusedError(["请选择期限类型。"], {"term": "请选择期限类型。"})
    values: Values = {"term": kind, "term_reason": str(new.get("term_reason", "")).strip()}
    for field, label in (("due_on", "完成时限"), ("review_on", "条件复核日期")):
        values[field] = _day(new[field], field, label).isoformat() if new.get(field) else None
    values["checkpoints"] = sorted(
        _day(day, "checkpoints", "检查日期").isoformat() for day in new.get("checkpoints", [])
    )
    term = _as_term(values)
    months = rules_of(item.plan.campaign).checkpoint_months
    missing = terms.gaps(term, start=today, months=months)
    if missing:
        raise RefusedError(
            [f"还缺{'、'.join(missing.values())}。"], {name: f"还缺{text}。" for name, text in missing.items()}
        )
    if problem := terms.beyond(term, item.limit_on, item.extended_to):
        raise RefusedError([problem], {"due_on": problem})
    following = terms.counts_on(term)
    if following is not None and following < today:
        refuse(f"{terms.zh(following)}已经过了，请重新确定时限。")
    return values


def _as_term(values: Values) -> terms.Term:
    day = dt.date.fromisoformat
    return terms.Term(
        values["term"],
        day(values["due_on"]) if values["due_on"] else None,
        values["term_reason"],
        day(values["review_on"]) if values["review_on"] else None,
        [day(each) for each in values["checkpoints"]],
    )


def _pause(item: Item, new: Mapping[str, Any], today: dt.date) -> Values:
    """Read the last day of a pause: while it lasts nothing is overdue, so each one ends, and not too late."""
    if is_paused(item, today):
        refuse("这一项已经暂停。")
    day = _day(new.get("paused_until"), "paused_until", "暂停到哪一天")
    months = rules_of(item.plan.campaign).pause_months
    problem = "暂停的截止日期已经过了。" if day < today else ""
    if not problem and months and day > (last := terms.add_months(today, months)):
        problem = f"一次最多暂停{months}个月，到{terms.zh(last)}；到期还不能恢复的，再申请。"
    if problem:
        raise RefusedError([problem], {"paused_until": problem})
    return {"paused_until": day.isoformat()}


def _resume(item: Item, new: Mapping[str, Any], today: dt.date) -> Values:  # noqa: ARG001
    if not is_paused(item, today):
        refuse("这一项没有暂停。")
    return {}


def _escalation(item: Item, new: Mapping[str, Any], today: dt.date) -> Values:
    if item.escalated_to_id is not None:
        refuse("这一项已经由上级解决。")
    above = superior_or_refuse(item.plan.branch, dt.datetime.combine(today, dt.time.min))
    return {"escalated_to": above.pk, "owner_name": str(new.get("owner_name", "")).strip()}


def _details(item: Item, new: Mapping[str, Any], today: dt.date) -> Values:  # noqa: ARG001
    """Read measures, task, leader and owner: what is given and differs."""
    values: Values = {}
    for field in DETAILS:
        if field not in new:
            continue
        value = new[field]
        value = value.pk if hasattr(value, "pk") else value.strip() if isinstance(value, str) else value
        if value != _stored(item, field):
            values[field] = value
    empty = [field for field in ("measures", "leader", "owner_name") if values.get(field) == ""]
    if empty:
        raise RefusedError(["措施、责任领导和责任人不能空着。"], dict.fromkeys(empty, "不能空着。"))
    if not values:
        refuse("没有改动。")
    return values


def _stored(item: Item, field: str) -> Any:
    """Return a field of the item as a change keeps it."""
    if field == "checkpoints":
        return sorted(row.due_on.isoformat() for row in item.checkpoints.all() if row.done_on is None)
    value = getattr(item, f"{field}_id", None) if field in ("escalated_to", "owner_person") else getattr(item, field)
    return value.isoformat() if isinstance(value, dt.date) else value


READERS: dict[str, Callable[[Item, Mapping[str, Any], dt.date], Values]] = {
    Kind.DEADLINE: _deadline, Kind.EXTENSION: _deadline, Kind.GOAL: _goal, Kind.TERM: _term, Kind.PAUSE: _pause,
    Kind.RESUME: _resume, Kind.ESCALATION: _escalation, Kind.DETAILS: _details,
}  # fmt: skip


def is_paused(item: Item, today: dt.date) -> bool:
    """Tell whether an item is paused on a day."""
    if item.paused_on is None or item.paused_on > today:
        return False
    return item.paused_until is not None and item.paused_until >= today


def _locked(item: Item) -> Item:
    rows = Item.objects.select_for_update(of=("self",)).select_related("plan__branch", "plan__campaign")
    return rows.get(pk=item.pk)


def _kind(item: Item, kind: str, values: Values) -> str:
    """Return 延期 for a deadline beyond the limit and 调整时限 for one within, whichever was asked for."""
    if kind not in (Kind.DEADLINE, Kind.EXTENSION):
        return kind
    term = terms.Term(terms.NORMAL, dt.date.fromisoformat(values["due_on"]))
    return Kind.EXTENSION if terms.beyond(term, item.limit_on, item.extended_to) else Kind.DEADLINE


@transaction.atomic
def request(
    *, by: Account, item: Item, kind: str, new: Mapping[str, Any] | None = None, reason: str, now: dt.datetime
) -> Change:
    """Ask for a change of an approved item. 调整措施或责任人 holds at once and is only recorded; all else waits.

    `new` by kind: due_on (deadline, extension: beyond the limit it is 延期), goal, term + term_reason + review_on +
    due_on + checkpoints, paused_until, owner_name (escalation: a suggestion); of details measures, task, leader,
    owner_name, owner_person.

    Raises RefusedError for what cannot be, without a reason, or while one of that kind waits.
    """
    row = _locked(item)
    if not (answer := may_record(by, row)):
        refuse(answer.reason)
    if row.state not in CHANGEABLE:
        refuse(f"这一项{row.get_state_display()}，不能变更。")
    if not reason.strip():
        raise RefusedError(["请写明变更的理由。"], {"reason": "请写明变更的理由。"})
    values = READERS[kind](row, new or {}, clock.day_of(now))
    kind = _kind(row, kind, values)
    if row.changes.filter(kind=kind, state=Change.State.PROPOSED).exists():
        refuse("这一项已有同类申请待审批。")
    change = Change.objects.create(
        item=row, kind=kind, new=values, reason=reason.strip(), requested_by=by, requested_at=now,
        old={field: _stored(row, field) for field in values},
        state=Change.State.RECORDED if kind == Kind.DETAILS else Change.State.PROPOSED,
    )  # fmt: skip
    if kind == Kind.DETAILS:
        _apply(change, row, clock.day_of(now))
    _note(by, change, "item.change", change.get_kind_display() + ("" if kind == Kind.DETAILS else "：提出申请"))
    return change


def _note(by: Account, change: Change, action: str, summary: str) -> None:
    audit.record(
        by=by, action=action, thing=change.item, branch=change.item.plan.branch, summary=summary,
        before=change.old, after={**change.new, "reason": change.reason, "answer": change.answer},
    )  # fmt: skip


def _apply(change: Change, item: Item, today: dt.date) -> None:
    """Write a change into its item. The values were read anew, so that what has become impossible was refused."""
    values = dict(change.new)
    checkpoints = values.pop("checkpoints", None)
    for field in ("due_on", "review_on", "paused_until"):
        if values.get(field):
            values[field] = dt.date.fromisoformat(values[field])
    if change.kind == Kind.EXTENSION:
        values["extended_to"] = values["due_on"]
    elif change.kind == Kind.PAUSE:
        values["paused_on"] = today
    elif change.kind == Kind.RESUME:
        values |= {"paused_on": None, "paused_until": None}
    elif change.kind == Kind.ESCALATION:
        values["escalated_to"] = Branch.objects.get(pk=values["escalated_to"])
        values |= {"escalation_reason": change.reason[:300], "owner_person": None}
    elif change.kind == Kind.TERM and values["term"] == Item.Term.CONDITIONS:
        values |= {"consented_by": change.decided_by, "consented_at": change.decided_at}
    if "owner_person" in values and isinstance(values["owner_person"], int):
        values["owner_person_id"] = values.pop("owner_person")
    elif "owner_name" in values:
        values.setdefault("owner_person", None)
    if "leader" in values:
        values["leader_person"] = None
    Item.objects.filter(pk=item.pk).update(**values, version=item.version + 1)
    if checkpoints is not None:
        set_checkpoints(item, [dt.date.fromisoformat(day) for day in checkpoints])
    renew_dates(item)


@transaction.atomic
def decide(
    *, by: Account, change: Change, consent: bool, answer: str = "", owner_name: str = "", now: dt.datetime
) -> Change:
    """Consent to a change or refuse it with the reason; consenting to 提请上级解决 names the superior's owner.

    Raises RefusedError when the account is not of the level above or asked for it, when it was decided already, or when
    what is asked for has become impossible.
    """
    row = Change.objects.select_for_update(of=("self",)).get(pk=change.pk)
    row.item = _locked(row.item)
    if not (allowed := may_decide_change(by, row)):
        refuse(allowed.reason)
    if row.state != Change.State.PROPOSED:
        refuse(f"这份申请{row.get_state_display()}，不用再办理。")
    if not consent and not answer.strip():
        raise RefusedError(["不同意须写明理由。"], {"answer": "不同意须写明理由。"})
    row.decided_by, row.decided_at, row.answer = by, now, answer.strip()
    row.state = Change.State.APPROVED if consent else Change.State.REFUSED
    if consent:
        _consent(row, owner_name.strip(), clock.day_of(now))
    row.save(update_fields=["decided_by", "decided_at", "answer", "state", "new", "kind"])
    _note(by, row, "item.change_decided", f"{row.get_kind_display()}：{row.get_state_display()}")
    return row


def _consent(change: Change, owner_name: str, today: dt.date) -> None:
    item = change.item
    if item.state not in CHANGEABLE:
        refuse(f"这一项{item.get_state_display()}，不能变更。")
    if change.kind == Kind.ESCALATION:
        change.new = {**change.new, "owner_name": owner_name or change.new.get("owner_name", "")}
        if not change.new["owner_name"]:
            raise RefusedError(["请写明上级的责任人。"], {"owner_name": "请写明上级的责任人。"})
    values = READERS[change.kind](item, change.new, today)
    change.kind = _kind(item, change.kind, values)
    change.new = values
    _apply(change, item, today)


@transaction.atomic
def set_deadline(*, by: Account, item: Item, due_on: dt.date, reason: str, now: dt.datetime) -> Change:
    """Give an item another deadline at once, as the level above does when it finds a relapse; kept as a change."""
    values = {"due_on": due_on.isoformat()}
    change = Change.objects.create(
        item=item, kind=_kind(item, Kind.DEADLINE, values), old={"due_on": _stored(item, "due_on")}, new=values,
        reason=reason[:500], requested_at=now, state=Change.State.APPROVED, decided_by=by, decided_at=now,
    )  # fmt: skip
    _apply(change, item, clock.day_of(now))
    _note(by, change, "item.change_decided", f"{change.get_kind_display()}：{change.get_state_display()}")
    return change


@transaction.atomic
def withdraw(*, by: Account, change: Change, now: dt.datetime) -> Change:  # noqa: ARG001
    """Take back what was asked for and not decided yet. Raises RefusedError."""
    row = Change.objects.select_for_update(of=("self",)).get(pk=change.pk)
    row.item = _locked(row.item)
    if not (answer := may_record(by, row.item)):
        refuse(answer.reason)
    if row.state != Change.State.PROPOSED:
        refuse(f"这份申请{row.get_state_display()}，不能撤回。")
    row.state = Change.State.WITHDRAWN
    row.save(update_fields=["state"])
    _note(by, row, "item.change_withdrawn", f"{row.get_kind_display()}：撤回申请")
    return row
