"""What an interviewer leaves behind: who manages talks names a successor for them, and reads no word of it.

Gone is whose account is closed or whose roles no longer let him open talks. The successor is a named reader of each of
his talks until a day, with a reason, on record like any other; planned follow-ups and problems that are not told back
yet go along.
"""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q, QuerySet

from branches import audit
from branches.models import Account
from branches.scopes import Scope
from interviews.models import FollowUp, Matter, Reader, SealedRecord
from interviews.people import accounts_with
from interviews.permissions import OPENED_WITH
from interviews.services.errors import refuse
from interviews.services.readers import name_reader

K = SealedRecord.Kind.INTERVIEW
OVER = (Matter.State.TOLD, Matter.State.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class HandedOn:
    """How much went to a successor."""

    talks: int
    follow_ups: int
    matters: int

    def __bool__(self) -> bool:
        return bool(self.talks or self.follow_ups or self.matters)


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
) -> HandedOn:
    """Let `account` read what `owner` left in the units `reach` covers, and see to follow-ups and problems.

    Raises RefusedError.
    """
    if not gone(reach).filter(pk=owner.pk).exists():
        refuse("这位访谈人仍在岗，由本人指定读者。")
    if account.pk == by.pk:
        refuse(account="不能交接给自己。")
    known = Reader.objects.in_force(now).filter(account=account).values("record")
    open_matters = Matter.objects.within(reach).filter(raised_by=owner).exclude(state__in=OVER)
    matters = list(open_matters.select_related("record"))
    wanted = _records(reach).filter(owner=owner) | SealedRecord.objects.filter(
        matter__in=matters, erased_at__isnull=True
    )
    rows = list(wanted.exclude(pk__in=known).select_related("unit", "owner__person"))
    for row in rows:
        name_reader(by=by, record=row, account=account, reason=reason, until=until, now=now)
    Matter.objects.filter(pk__in=[row.pk for row in matters]).update(raised_by=account)
    done = HandedOn(sum(row.kind == K for row in rows), _follow_ups(owner, account, reach), len(matters))
    if not done:
        refuse(account=f"{account.get_full_name()}已经可以查看他的全部访谈。")
    after = {"taker": account.pk, "talks": done.talks, "follow_ups": done.follow_ups, "matters": done.matters}
    audit.record(by=by, action="interviews.hand_on", thing=owner, summary="给离任访谈人指定接手人", after=after)
    return done


def _follow_ups(owner: Account, account: Account, reach: Scope) -> int:
    """Move the planned follow-ups; those of people the successor means to see already stay where they are."""
    own = FollowUp.objects.of(account).planned().values("entry")
    planned = FollowUp.objects.of(owner).planned().filter(interview__record__in=_records(reach))
    return planned.exclude(entry__in=own).update(account=account)
