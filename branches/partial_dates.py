"""Dates known to the month or to the day. A month is never turned into its first day on a printed form."""

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from functools import total_ordering

_PATTERN = re.compile(r"^\s*(\d{4})\s*[-./年]\s*(\d{1,2})\s*(?:[-./月]\s*(?:(\d{1,2})\s*日?)?)?\s*$")


@total_ordering
@dataclass(frozen=True, slots=True)
class PartialDate:
    """A year and month, with the day where it is known. Raises ValueError for a month or day that does not exist."""

    year: int
    month: int
    day: int | None = None

    def __post_init__(self) -> None:
        """Refuse impossible dates."""
        dt.date(self.year, self.month, self.day or 1)

    @classmethod
    def parse(cls, text: str) -> "PartialDate":
        """Read 2011-10, 2011.10, 2011/10/16, 2011年10月 (full-width digits too).

        Raises ValueError when the text is no such date.
        """
        match = _PATTERN.match(unicodedata.normalize("NFKC", text))
        if match is None:
            message = f"not a date: {text!r}"
            raise ValueError(message)
        year, month, day = match.groups()
        return cls(int(year), int(month), int(day) if day else None)

    @classmethod
    def from_date(cls, day: dt.date) -> "PartialDate":
        """Return a date known to the day."""
        return cls(day.year, day.month, day.day)

    def first_day(self) -> dt.date:
        """Return the earliest day this may mean; for comparisons only, never for printing."""
        return dt.date(self.year, self.month, self.day or 1)

    def zh(self) -> str:
        """Return 2011年10月 or 2011年10月16日."""
        tail = f"{self.day}日" if self.day else ""
        return f"{self.year}年{self.month}月{tail}"

    def dotted(self) -> str:
        """Return 2011.10 or 2011.10.16, as small table cells print it."""
        tail = f".{self.day}" if self.day else ""
        return f"{self.year}.{self.month:02d}{tail}"

    def __str__(self) -> str:
        """Return the stored form, 2011-10 or 2011-10-16."""
        tail = f"-{self.day:02d}" if self.day else ""
        return f"{self.year:04d}-{self.month:02d}{tail}"

    def __lt__(self, other: object) -> bool:
        """Order by time; a month comes before its days."""
        if not isinstance(other, PartialDate):
            return NotImplemented
        return (self.year, self.month, self.day or 0) < (other.year, other.month, other.day or 0)
