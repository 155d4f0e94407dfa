"""Days that stand in a text of measures: 5月底前, 6月20日, 2012年12月, 年底. Pure."""

import calendar
import datetime as dt
import re
from dataclasses import dataclass

_MONTHS = ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"]
_MONTH = r"(?P<month>1[0-2]|0?[1-9]|十[一二]?|[一二三四五六七八九])月"
_DAY = re.compile(
    rf"(?<![\d每个十])(?:(?P<year>(?:19|20)\d\d)年)?{_MONTH}份?"
    r"(?:(?P<day>[0-3]?\d)[日号]|(?P<part>底|末|上旬|中旬|下旬|初)|之?前|以前)?"
)
_WRITTEN = re.compile(r"(?<!\d)(?P<year>(?:19|20)\d\d)[.\-/](?P<month>1[0-2]|0?[1-9])[.\-/](?P<day>[0-3]?\d)(?!\d)")
_YEAR_END = re.compile(r"(?P<year>(?:19|20)\d\d)?年[底末]")
TENTHS = {"初": 10, "上旬": 10, "中旬": 20}
DECEMBER = 12


@dataclass(frozen=True, slots=True)
class Named:
    """A day as it was written; without a year it may be of any."""

    text: str
    year: int | None
    month: int
    day: int

    def in_year(self, year: int) -> dt.date:
        """Return it in a year, the last of the month where that has no such day."""
        return dt.date(year, self.month, min(self.day, calendar.monthrange(year, self.month)[1]))


def _month(text: str) -> int:
    return int(text) if text.isdigit() else _MONTHS.index(text) + 1


def _named(match: re.Match[str]) -> Named:
    part = match.groupdict()
    month, year = _month(part["month"]), part.get("year")
    day = 1  # 6月 without a day is kept from its first one on
    if part.get("day"):
        day = max(1, min(int(part["day"]), 31))
    elif part.get("part"):
        day = TENTHS.get(part["part"], 31)
    return Named(match.group(), int(year) if year else None, month, day)


def named_in(text: str) -> list[Named]:
    """Return the days a text names, in its order."""
    found = [(match.start(), _named(match)) for pattern in (_DAY, _WRITTEN) for match in pattern.finditer(text)]
    for match in _YEAR_END.finditer(text):
        year = match.group("year")
        found.append((match.start(), Named(match.group(), int(year) if year else None, DECEMBER, 31)))
    return [named for _, named in sorted(found, key=lambda pair: pair[0])]


def later_than(text: str, due_on: dt.date, *, start: dt.date) -> list[str]:
    """Return the days of a text that lie after a deadline, as they are written, each once.

    A day without a year means the one between `start` and the deadline wherever there is one.
    """
    found = []
    for named in named_in(text):
        if named.year is not None:
            late = named.in_year(named.year) > due_on
        else:
            late = named.in_year(due_on.year) > due_on and named.in_year(due_on.year - 1) < start
        if late and named.text not in found:
            found.append(named.text)
    return found
