"""核实 and 销号 by the level above, never by the owner; re-checks whether what was done has held."""

import datetime as dt

from django.db import transaction

from branches import audit, clock
from branches.models import Account
from branches.transitions import advance
from grading.services.errors import RefusedError, refuse
from rectification.models import Item, Plan, Progress, Recheck, Verification
from rectification.permissions import may_recheck, may_verify
from rectification.services.changes import set_deadline
from rectification.services.closing import pass_on

ON_THE_SPOT = (Item.State.APPROVED, Item.State.IN_HAND, Item.State.REOPENED)


def _locked(by: Account, item: Item) -> Item:
    """Return the row under lock; refuse whoever may not verify it."""
    row = Item.objects.select_for_update(of=("self",)).select_related("plan__branch", "plan__campaign").get(pk=item.pk)
    if not (answer := may_verify(by, row)):
        refuse(answer.reason)
    return row


def _locked_later(by: Account, item: Item) -> Item:
    """Return the row under lock for a re-check: who once asked for 销号 may look again later, the owner may not."""
    row = Item.objects.select_for_update(of=("self",)).select_related("plan__branch", "plan__campaign").get(pk=item.pk)
    if not (answer := may_recheck(by, row)):
        refuse(answer.reason)
    return row


def _check(item: Item, finding: str, on: dt.date, recheck_on: dt.date | None, today: dt.date) -> None:
    wrong = {}
    if not finding.strip():
        wrong["finding"] = "请写明核实情况。"
    if on > today:
        wrong["on"] = "核实日期还没有到。"
    elif item.approved_at is not None and on < clock.day_of(item.approved_at):
        wrong["on"] = "核实日期早于方案批准的日期。"
    if recheck_on is not None and recheck_on <= on:
        wrong["recheck_on"] = "复查日期应在核实日期以后。"
    if wrong:
        raise RefusedError(wrong.values(), wrong)


@transaction.atomic
def verify(
    *, by: Account, item: Item, passed: bool, finding: str, on: dt.date, on_site: bool = False,
    recheck_on: dt.date | None = None, now: dt.datetime,
) -> Item:  # fmt: skip
    """Verify an item: 销号, or 重新整改 with what is still wrong; `recheck_on` plans a look for relapse.

    On the spot (现场核实) an item may be verified that nobody has asked for yet.

    Raises:
        RefusedError: not of the level above, owner or requester, 回避, no finding, a day that cannot be.
        IllegalMoveError: the item does not wait for verification.
    """
    row = _locked(by, item)
    _check(row, finding, on, recheck_on, clock.day_of(now))
    if on_site and passed and row.state in ON_THE_SPOT:
        row = _found_done(by, row, finding.strip(), now)
    Verification.objects.create(
        item=row, by=by, by_person=by.person, owner_person=row.owner_person, leader_person=row.leader_person,
        requested_by=row.requested_by, at=now, on=on, on_site=on_site, finding=finding.strip(),
        outcome=Verification.Outcome.PASSED if passed else Verification.Outcome.FAILED,
    )  # fmt: skip
    if not passed:
        return _reopen(by, row, finding, now)
    Item.objects.filter(pk=row.pk).update(verified_by=by, verified_on=on, paused_on=None, paused_until=None)
    row = advance(row, Item.State.VERIFIED, by=by, now=now)
    row.changes.filter(state="proposed").update(state="withdrawn")
    if recheck_on is not None:
        plan_recheck(by=by, item=row, due_on=recheck_on, now=now)
    return row


def _found_done(by: Account, item: Item, finding: str, now: dt.datetime) -> Item:
    """Take an item that is found done on the spot to where it can be verified; nobody is asked for a request."""
    if item.state == Item.State.APPROVED:
        item = advance(item, Item.State.IN_HAND, by=by, now=now)
    Progress.objects.create(
        item=item, kind=Progress.Kind.REQUEST, at=now, percent=100, text=f"现场核实：{finding}", by=by, on_behalf=True
    )
    Item.objects.filter(pk=item.pk).update(result=finding, requested_by=None, requested_at=now, percent=100)
    return advance(item, Item.State.AWAITING, by=by, now=now, reason="现场核实")


def _reopen(by: Account, item: Item, reason: str, now: dt.datetime) -> Item:
    """Send an item back into hand; its percent is what the last entry before the request said."""
    last = item.progress.exclude(kind=Progress.Kind.REQUEST).first()
    row = advance(item, Item.State.REOPENED, by=by, now=now, reason=reason.strip())
    row.percent = last.percent if last else 0
    row.requested_by = row.requested_at = row.verified_by = row.verified_on = None
    row.version += 1
    row.save(update_fields=["percent", "requested_by", "requested_at", "verified_by", "verified_on", "version"])
    return row


def _check_anew(item: Item, due_on: dt.date | None, today: dt.date) -> None:
    """Ask for a deadline ahead where the old one is over; what takes longer by its nature keeps its own days."""
    if item.term != Item.Term.NORMAL:
        wrong = "长期性或暂不具备条件的项目没有固定的完成时限。" if due_on is not None else ""
    elif due_on is None:
        over = item.due_on is not None and item.due_on < today and not item.plan.campaign.backfill
        wrong = "原来的时限已过，请填写重新整改的完成时限。" if over else ""
    else:
        wrong = "重新整改的完成时限已经过了。" if due_on < today else ""
    if wrong:
        raise RefusedError([wrong], {"due_on": wrong})


@transaction.atomic
def plan_recheck(*, by: Account, item: Item, due_on: dt.date, now: dt.datetime) -> Recheck:
    """Plan a later look at a verified item. Raises RefusedError when one is planned, or it is not verified."""
    row = _locked_later(by, item)
    if row.state != Item.State.VERIFIED:
        refuse(f"这一项{row.get_state_display()}，销号以后才能安排复查。")
    if row.rechecks.filter(done_on__isnull=True).exists():
        refuse("这一项已安排复查。")
    if due_on < clock.day_of(now):
        raise RefusedError(["复查日期已经过了。"], {"due_on": "复查日期已经过了。"})
    made = Recheck.objects.create(item=row, due_on=due_on, planned_by=by, planned_at=now)
    audit.record(
        by=by,
        action="recheck.plan",
        thing=made,
        branch=row.plan.branch,
        summary="安排回弹复查",
        after={"due_on": due_on},
    )
    return made


@transaction.atomic
def record_recheck(
    *, by: Account, recheck: Recheck, relapsed: bool, finding: str, on: dt.date, due_on: dt.date | None = None,
    now: dt.datetime,
) -> Recheck:  # fmt: skip
    """Write down whether what was done has held; a relapse reopens the item (and its plan), with a deadline ahead.

    Of a branch that has ended the item goes on with its follower. Raises RefusedError, also where nobody follows.
    """
    row = Recheck.objects.select_for_update(of=("self",)).select_related("item").get(pk=recheck.pk)
    item = _locked_later(by, row.item)
    if row.done_on is not None:
        refuse("这次复查已经登记过。")
    _check(item, finding, on, None, clock.day_of(now))
    if relapsed:
        _check_anew(item, due_on, clock.day_of(now))
    row.done_on, row.done_by, row.finding = on, by, finding.strip()
    row.outcome = Recheck.Outcome.RELAPSED if relapsed else Recheck.Outcome.HELD
    row.save(update_fields=["done_on", "done_by", "finding", "outcome"])
    audit.record(
        by=by, action="recheck.record", thing=row, branch=item.plan.branch, summary="登记回弹复查结果",
        after={"outcome": row.outcome, "on": on},
    )  # fmt: skip
    if relapsed:
        if item.plan.state == Plan.State.CLOSED:
            advance(item.plan, Plan.State.APPROVED, by=by, now=now, reason="整改项目出现回弹")
        reopened = _reopen(by, item, finding, now)
        if due_on is not None and due_on != reopened.due_on:
            set_deadline(by=by, item=reopened, due_on=due_on, reason=f"复查出现回弹：{finding.strip()}", now=now)
            reopened.refresh_from_db()
        if item.plan.branch.dissolved_on is not None:
            pass_on(by=by, item=reopened, reason=f"复查出现回弹：{finding.strip()}", now=now)
    return row
