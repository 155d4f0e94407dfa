"""Coverage figures as they are shown: counted now and then, the same for everybody, changed by the set size at least.

Counting a large school takes two seconds, a page of it milliseconds. What was last shown is a row of the database
(interviews.figures_shown says what is shown after it); this process keeps the tables of that row. Nothing that is
confidential comes near it.
"""

import datetime as dt
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from branches.models import AuditEntry, Campaign
from interviews.counting import Coverage, count, count_both
from interviews.figures_shown import dump_known, dump_tables, load_known, load_tables, steadied
from interviews.models import Assignment, FollowUp, InterviewSubject, RosterEntry, ShownFigures, VisitRule

REST = 5  # where nothing was shown yet: counting again waits this many times as long as counting took
EVERY = dt.timedelta(minutes=10)  # how often the worker counts anew while talks come in
_WATCHED = (RosterEntry, Assignment, InterviewSubject, FollowUp)
_counting = threading.Lock()


@dataclass(frozen=True, slots=True)
class _Kept:
    basis: Any
    until: float
    tables: Mapping[int | None, Coverage]


_kept: dict[int, _Kept] = {}


def forget() -> None:
    """Drop everything this process keeps (tests; a restored database)."""
    _kept.clear()


def basis(today: dt.date) -> str:
    """Return what figures rest on: the day, the newest change of anything about talks, the newest rows."""
    audited = AuditEntry.objects.filter(thing__startswith="interviews.").order_by("-pk")
    newest = [model.objects.order_by("-pk").values_list("pk", flat=True).first() for model in _WATCHED]
    return f"{today.isoformat()}:{audited.values_list('pk', flat=True).first()}:{newest}"


def coverage(campaign: Campaign, unit: int | None, now: dt.datetime) -> Coverage | None:
    """Return the tables of a campaign (unit None) or of one of its units; None where nobody is to be visited.

    Reads what was last shown; reading writes nothing. Before anything was, figures are counted in this process.
    """
    row = ShownFigures.objects.filter(campaign=campaign)
    mark = row.values_list("counted_at", "basis").first()
    known = _kept.get(campaign.pk)
    if mark is None:
        return _counted(campaign, now).get(unit)
    if known is None or known.basis != mark:
        tables = load_tables(row.values_list("tables", flat=True).get(), mark[0])
        known = _kept[campaign.pk] = _Kept(mark, 0.0, tables)
    return known.tables.get(unit)


def _counted(campaign: Campaign, now: dt.datetime) -> Mapping[int | None, Coverage]:
    """Count in this process, again only when something has changed and the last count was long enough ago."""
    mark, known = basis(now.date()), _kept.get(campaign.pk)
    if known is None:
        return _count_again(campaign, now, mark).tables
    if known.basis != mark and time.monotonic() >= known.until and _counting.acquire(blocking=False):
        try:
            known = _count_again(campaign, now, mark)
        finally:
            _counting.release()
    return known.tables


def _count_again(campaign: Campaign, now: dt.datetime, mark: str) -> _Kept:
    begun = time.monotonic()
    tables = count(campaign, now)
    ended = time.monotonic()
    _kept[campaign.pk] = _Kept(mark, ended + REST * (ended - begun), tables)
    return _kept[campaign.pk]


def publish(campaign: Campaign, now: dt.datetime) -> None:
    """Count a campaign, and show what may be shown after what was. Whoever counted meanwhile goes first."""
    row = ShownFigures.objects.filter(campaign=campaign)
    before = row.values_list("counted_at", "basis").first()
    mark = basis(now.date())
    tables, unhidden = count_both(campaign, now)
    with transaction.atomic():
        Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
        shown = row.first()
        if before != (shown and (shown.counted_at, shown.basis)):
            return
        fresh, known = steadied(load_known(shown.known if shown else []), tables, unhidden)
        values = {"counted_at": now, "basis": mark, "tables": dump_tables(fresh), "known": dump_known(known)}
        ShownFigures.objects.update_or_create(campaign=campaign, defaults=values)


def waiting(now: dt.datetime) -> list[Campaign]:
    """Return the campaigns whose figures rest on something that has changed, and were counted long enough ago."""
    found = Campaign.objects.filter(
        pk__in=VisitRule.objects.filter(active=True).values("campaign"), ends_on__gte=now.date()
    ).select_related("shown_figures")
    due = []
    for campaign in found:
        row = getattr(campaign, "shown_figures", None)
        if row is None or now >= row.counted_at + EVERY or now < row.counted_at:
            due.append((campaign, row.basis if row else ""))
    mark = basis(now.date()) if due else ""
    return [campaign for campaign, rests_on in due if rests_on != mark]
