"""回访: planning one, closing those a talk was, giving one up."""

import datetime as dt

from django.db import IntegrityError, transaction

from branches import audit
from branches.models import Account
from branches.transitions import advance
from interviews.models import FollowUp, Interview, RosterEntry
from interviews.services.errors import refuse


@transaction.atomic
def plan(*, by: Account, interview: Interview, entry: RosterEntry, due_on: dt.date, now: dt.datetime) -> FollowUp:
    """Mean to see somebody again until a day; one that is planned already moves there.

    Raises RefusedError for another's talk, somebody who was not there, a day that is over, and a second request that
    arrives together with the first.
    """
    if interview.interviewer_id != by.pk:
        refuse("只能给自己的访谈安排回访。")
    if not interview.subjects.filter(entry=entry).exists():
        refuse("这个人不在这次访谈里。")
    if due_on < now.date():
        refuse("回访期限已经过了，请改到今天或以后。")
    if due_on <= interview.held_on:
        refuse("回访期限要晚于访谈日期。")
    planned = FollowUp.objects.select_for_update().of(by).planned().filter(entry=entry).first()
    if planned is None:
        return _first(by, interview, entry, due_on, now)
    if planned.due_on != due_on:
        before, planned.due_on = planned.due_on, due_on
        planned.save(update_fields=["due_on"])
        _audit(by, planned, "改回访期限", before, due_on)
    return planned


def _first(by: Account, interview: Interview, entry: RosterEntry, due_on: dt.date, now: dt.datetime) -> FollowUp:
    """Plan the one follow-up; of two that arrive together the second is told of the first."""
    try:
        with transaction.atomic():
            row = FollowUp.objects.create(interview=interview, entry=entry, account=by, due_on=due_on, planned_at=now)
    except IntegrityError:
        refuse("刚刚已经给这个人安排了回访，请看一下期限，要改请再安排一次。")
    _audit(by, row, "安排回访", None, due_on)
    return row


def _audit(by: Account, row: FollowUp, summary: str, before: dt.date | None, after: dt.date) -> None:
    audit.record(
        by=by, action="follow_up.plan", thing=row, branch=row.entry.unit, summary=summary,
        before={"due_on": before} if before else None, after={"due_on": after},
    )  # fmt: skip


@transaction.atomic
def close_with(*, by: Account, interview: Interview, now: dt.datetime) -> int:
    """Close the follow-ups a talk was: those of its people planned by the same account. A group talk is none.

    Returns how many were closed.
    """
    if not interview.one_to_one:
        return 0
    entries = interview.subjects.values("entry")
    planned = FollowUp.objects.select_for_update().of(by).planned().filter(entry__in=entries)
    rows = list(planned.filter(interview__held_on__lte=interview.held_on).exclude(interview=interview))
    for row in rows:
        row.done_by, row.closed_at = interview, now
        row.save(update_fields=["done_by", "closed_at"])
        advance(row, FollowUp.State.DONE, by=by, now=now)
    return len(rows)


@transaction.atomic
def drop(*, by: Account, follow_up: FollowUp, reason: str, now: dt.datetime) -> FollowUp:
    """Give a follow-up up, with a reason. Raises RefusedError for another's, IllegalMoveError once it is over."""
    if follow_up.account_id != by.pk:
        refuse("只能办理自己的回访。")
    row = advance(follow_up, FollowUp.State.DROPPED, by=by, now=now, reason=reason[:200])
    row.closed_at = now
    row.save(update_fields=["closed_at"])
    return row
