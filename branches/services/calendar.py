"""A site's own working days: reading them, and entering a year from the State Council's notice."""

import datetime as dt
from collections.abc import Mapping

from django.db import transaction

from branches import audit
from branches.models import Account, CalendarDay, CalendarYear
from branches.workdays import Calendar


def site_calendar() -> Calendar:
    """Return the calendar with everything this site entered (two queries)."""
    days = dict(CalendarDay.objects.values_list("day", "working"))
    return Calendar(days, frozenset(CalendarYear.objects.values_list("year", flat=True)))


@transaction.atomic
def record_year(
    *,
    by: Account | None,
    year: int,
    document: str,
    free: Mapping[dt.date, str],
    worked: Mapping[dt.date, str],
    now: dt.datetime,
) -> CalendarYear:
    """Enter a year: the days off and the weekend days that are worked, each with its name. Replaces what was there.

    Raises ValueError with a sentence when a day is both, or no document is named.
    """
    if not document.strip():
        message = "请写明依据，例如国务院办公厅的通知。"
        raise ValueError(message)
    if both := sorted(set(free) & set(worked)):
        message = f"{both[0]:%-m月%-d日}既写了放假又写了上班。"
        raise ValueError(message)
    rows = CalendarDay.objects.filter(day__year=year)
    before = {str(row.day): row.working for row in rows}
    rows.delete()
    given = [(day, False, name or "放假") for day, name in free.items()]
    given += [(day, True, name or "调休上班") for day, name in worked.items()]
    CalendarDay.objects.bulk_create(
        CalendarDay(day=day, working=working, name=name, recorded_by=by, recorded_at=now)
        for day, working, name in sorted(given)
    )
    row, _ = CalendarYear.objects.update_or_create(
        year=year, defaults={"document": document.strip()[:120], "recorded_by": by, "recorded_at": now}
    )
    after = {str(day): working for day, working, _ in sorted(given)}
    audit.record(
        by=by,
        action="calendar.record",
        thing=row,
        summary=f"登记{year}年放假安排：放假 {len(free)} 天，调休上班 {len(worked)} 天",
        before={"days": before},
        after={"days": after, "document": row.document},
    )
    return row


@transaction.atomic
def drop_year(*, by: Account | None, year: int) -> None:
    """Take a year that was entered out again; the shipped calendar, or Monday to Friday, counts once more."""
    row = CalendarYear.objects.filter(year=year).first()
    if row is None:
        return
    CalendarDay.objects.filter(day__year=year).delete()
    audit.record(by=by, action="calendar.drop", thing=row, summary=f"删除{year}年的放假安排")
    row.delete()
