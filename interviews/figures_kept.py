"""Coverage figures, kept in the process for as long as nothing about talks has changed.

Counting a large school takes seconds, a page of it milliseconds. What is kept is what may be shown; nothing that is
confidential comes near it.
"""

import datetime as dt
import threading
import time
from dataclasses import dataclass

from branches.models import AuditEntry, Campaign
from interviews.counting import Coverage, count
from interviews.models import Assignment, FollowUp, InterviewSubject, RosterEntry

REST = 5  # counting again waits this many times as long as counting took
_WATCHED = (RosterEntry, Assignment, InterviewSubject, FollowUp)
_counting = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Kept:
    basis: str
    until: float
    tables: dict[int | None, Coverage]


_kept: dict[int, _Kept] = {}


def forget() -> None:
    """Drop everything kept (tests; a restored database)."""
    _kept.clear()


def basis(today: dt.date) -> str:
    """Return what figures rest on: the day, the newest change of anything about talks, the newest rows."""
    audited = AuditEntry.objects.filter(thing__startswith="interviews.").order_by("-pk")
    newest = [model.objects.order_by("-pk").values_list("pk", flat=True).first() for model in _WATCHED]
    return f"{today.isoformat()}:{audited.values_list('pk', flat=True).first()}:{newest}"


def coverage(campaign: Campaign, unit: int | None, now: dt.datetime, *, fresh: bool = False) -> Coverage | None:
    """Return the tables of a campaign (unit None) or of one of its units; None where nobody is to be visited.

    Figures are counted again when something has changed and the last count was long enough ago; meanwhile, and while
    another request counts, the last ones are shown with their time. `fresh` counts whatever was there.
    """
    mark, known = basis(now.date()), _kept.get(campaign.pk)
    if fresh or known is None:
        return _count_again(campaign, now, mark).tables.get(unit)
    if known.basis != mark and time.monotonic() >= known.until and _counting.acquire(blocking=False):
        try:
            known = _count_again(campaign, now, mark)
        finally:
            _counting.release()
    return known.tables.get(unit)


def _count_again(campaign: Campaign, now: dt.datetime, mark: str) -> _Kept:
    begun = time.monotonic()
    tables = count(campaign, now)
    ended = time.monotonic()
    _kept[campaign.pk] = _Kept(mark, ended + REST * (ended - begun), tables)
    return _kept[campaign.pk]
