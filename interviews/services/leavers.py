"""What an interviewer leaves behind: who manages talks names a successor for them, and reads no word of it.

Gone is whose account is closed or whose roles no longer let him open talks. The successor is a named reader of each of
his talks until a day, with a reason, on record like any other; planned follow-ups go along.
"""

import datetime as dt

from django.db import transaction
from django.db.models import Q, QuerySet

from branches import audit
from branches.models import Account
from branches.scopes import Scope
from interviews.models import FollowUp, Reader, SealedRecord
from interviews.people import accounts_with
from interviews.permissions import OPENED_WITH
from interviews.services.errors import refuse
from interviews.services.readers import name_reader

K = SealedRecord.Kind.INTERVIEW


def _records(reach: Scope) -> QuerySet[SealedRecord]:
    return SealedRecord.objects.within(reach).filter(kind=K, erased_at__isnull=True)


def gone(reach: Scope) -> QuerySet[Account]:
    """Return the interviewers who left talks behind in the units `reach` covers."""
    present = accounts_with(OPENED_WITH[K], everywhere=True).order_by().values("pk")
    owners = Account.objects.filter(pk__in=_records(reach).values("owner")).filter(~Q(pk__in=present))
    return owners.select_related("person").order_by("person__initials", "person__name", "pk")


def access_of(account: Account, owner: Account, reach: Scope, now: dt.datetime) -> QuerySet[Reader]:
    """Return what lets an account read talks of somebody who left."""
    return Reader.objects.in_force(now).filter(account=account, record__in=_records(reach).filter(owner=owner))


def successors(owner: Account, reach: Scope, now: dt.datetime) -> list[tuple[Account, dt.datetime]]:
    """Return who may read talks of somebody who left at `now`, with the latest end."""
    rows = Reader.objects.in_force(now).filter(record__in=_records(reach).filter(owner=owner))
    found: dict[int, tuple[Account, dt.datetime]] = {}
    for row in rows.select_related("account__person").order_by("until"):
        found[row.account_id] = (row.account, row.until)
    return sorted(found.values(), key=lambda pair: pair[0].get_full_name())


@transaction.atomic
def hand_on(
    *, by: Account, owner: Account, account: Account, reach: Scope, reason: str, until: dt.datetime, now: dt.datetime
) -> int:
    """Let `account` read what `owner` left in the units `reach` covers, and do the follow-ups; return how many talks.

    Raises RefusedError.
    """
    if not gone(reach).filter(pk=owner.pk).exists():
        refuse("这位访谈人仍在岗，由本人指定读者。")
    if account.pk == by.pk:
        refuse(account="不能交接给自己。")
    known = Reader.objects.in_force(now).filter(account=account).values("record")
    rows = list(_records(reach).filter(owner=owner).exclude(pk__in=known).select_related("unit", "owner__person"))
    for row in rows:
        name_reader(by=by, record=row, account=account, reason=reason, until=until, now=now)
    moved = _follow_ups(owner, account, reach)
    if not rows and not moved:
        refuse(account=f"{account.get_full_name()}已经可以查看他的全部访谈。")
    summary = f"离任访谈人的 {len(rows)} 次访谈指定接手人，转交 {moved} 次回访"
    audit.record(by=by, action="interviews.hand_on", thing=owner, summary=summary, after={"taker": account.pk})
    return len(rows)


def _follow_ups(owner: Account, account: Account, reach: Scope) -> int:
    """Move the planned follow-ups; those of people the successor means to see already stay where they are."""
    own = FollowUp.objects.of(account).planned().values("entry")
    planned = FollowUp.objects.of(owner).planned().filter(interview__record__in=_records(reach))
    return planned.exclude(entry__in=own).update(account=account)
