"""Working days: Chinese holidays and 调休 on top of Monday to Friday. Pure: what a site entered is passed in.

Three answers are laid over each other: days a site entered, the shipped calendar for the years it knows, and Monday to
Friday. Where only the last is left the year is unknown, and every count says so instead of guessing silently.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import chinese_calendar
from chinese_calendar import constants

FIRST_YEAR = min(constants.holidays).year
LAST_YEAR = max(constants.holidays).year
YEAR_END = (12, 26)  # the notice for the next year may still move days of the last week of a year
LONGEST = 400
_DATE = re.compile(r"(?:(\d{4})[-年./])?(\d{1,2})[-月./](\d{1,2})日?")
_SPAN = re.compile(rf"({_DATE.pattern})(?:\s*(?:至|到|—|－|–|~|-)\s*(?:{_DATE.pattern}|(\d{{1,2}})日))?\s*(.*)")


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a site entered: single days (True is worked), and the years it has entered completely."""

    days: Mapping[dt.date, bool] = field(default_factory=dict)
    years: frozenset[int] = frozenset()

    def is_known(self, day: dt.date) -> bool:
        """Tell whether the arrangement for this day is known, from the site or from the shipped calendar."""
        if day in self.days or day.year in self.years:
            return True
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            return False
        last_week = day.year == LAST_YEAR and (day.month, day.day) >= YEAR_END
        return not last_week or LAST_YEAR + 1 in self.years

    def is_workday(self, day: dt.date) -> bool:
        """Tell whether people work on a day; of an unknown year Monday to Friday are taken."""
        if day in self.days:
            return self.days[day]
        if FIRST_YEAR <= day.year <= LAST_YEAR:
            return bool(chinese_calendar.is_workday(day))
        return day.weekday() < 5


@dataclass(frozen=True, slots=True)
class Span:
    """A number of working days: the days themselves, and the years whose holidays nobody knew."""

    days: tuple[dt.date, ...]
    unknown_years: tuple[int, ...] = ()

    @property
    def first(self) -> dt.date:
        """The first working day."""
        return self.days[0]

    @property
    def last(self) -> dt.date:
        """The last working day."""
        return self.days[-1]


def working_days(calendar: Calendar, start: dt.date, count: int, *, counts_first_day: bool = True) -> Span:
    """Return `count` working days from `start` on; `start` itself counts only when it is one and `counts_first_day`.

    Raises ValueError when `count` is below one, or so many days are off that no end is found.
    """
    if count < 1:
        message = "at least one working day"
        raise ValueError(message)
    found: list[dt.date] = []
    unknown: dict[int, None] = {}
    day = start if counts_first_day else start + dt.timedelta(days=1)
    for _ in range(count * 3 + LONGEST):
        if not calendar.is_known(day):
            unknown[day.year] = None
        if calendar.is_workday(day):
            found.append(day)
            if len(found) == count:
                return Span(tuple(found), tuple(unknown))
        day += dt.timedelta(days=1)
    message = f"no {count} working days after {start}"
    raise ValueError(message)


def end_of(day: dt.date, zone: dt.tzinfo) -> dt.datetime:
    """Return the moment at which a day is over (00:00 of the next): deadlines do not include it."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min, tzinfo=zone)


class DaysError(ValueError):
    """A line of days cannot be read; the message is a Chinese sentence naming it."""


def read_days(year: int, text: str) -> dict[dt.date, str]:
    """Read days with their names, one span a line: `1月1日至3日 元旦`, `2027-02-20 春节`.

    Raises DaysError naming the first line that cannot be read, lies in another year, or repeats a day.
    """
    found: dict[dt.date, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        first, last, name = _read_line(year, number, line.strip())
        for offset in range((last - first).days + 1):
            day = first + dt.timedelta(days=offset)
            if day in found:
                message = f"第 {number} 行：{day:%-m月%-d日}写了两次。"
                raise DaysError(message)
            found[day] = name
    return found


def _read_line(year: int, number: int, line: str) -> tuple[dt.date, dt.date, str]:
    match = _SPAN.fullmatch(line)
    if match is None:
        message = f"第 {number} 行“{line[:30]}”看不懂，请写成“1月1日至3日 元旦”的样子。"
        raise DaysError(message)
    _, y1, m1, d1, y2, m2, d2, only_day, name = match.groups()
    try:
        first = dt.date(int(y1 or year), int(m1), int(d1))
        if only_day:
            last = first.replace(day=int(only_day))
        else:
            last = dt.date(int(y2 or first.year), int(m2), int(d2)) if m2 else first
    except ValueError:
        message = f"第 {number} 行“{line[:30]}”没有这一天。"
        raise DaysError(message) from None
    if last < first or (last - first).days > 31:
        message = f"第 {number} 行“{line[:30]}”的起止日期不对。"
        raise DaysError(message)
    if first.year != year or last.year != year:
        message = f"第 {number} 行“{line[:30]}”不在{year}年。"
        raise DaysError(message)
    return first, last, name.strip(" ：:，,（）()")[:40]
