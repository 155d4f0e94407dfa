"""How a value becomes what a cell shows: number, date and name formats. Pure; no Django, no database."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache
from typing import Any, Literal, Protocol, runtime_checkable

Kind = Literal["text", "name", "number", "percent", "date", "tick"]

# What an Excel sheet or a PDF cannot hold, and what would turn the reading direction of a line around.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_NEWLINES = re.compile(r"\r\n?|\x0b|\x0c|\u2028|\u2029|\x85")
_TWO_CHARACTERS = re.compile("^[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]{2}$")

IDEOGRAPHIC_SPACE = "\u3000"
DASH = "—"
#: The width in em of the widest digit of all faces; point and minus are no wider.
DIGIT_EM = 0.56


@runtime_checkable
class PartialDay(Protocol):
    """A date known to the month or to the day (branches.partial_dates.PartialDate is one)."""

    @property
    def day(self) -> int | None:
        """The day, None where only the month is known."""

    def dotted(self) -> str:
        """2011.10 or 2011.10.16."""

    def zh(self) -> str:
        """2011年10月 or 2011年10月16日."""


@dataclass(frozen=True)
class Format:
    """How a column shows its values.

    Args:
        kind: text, name, number, percent, date or tick.
        places: decimal places of numbers and percentages.
        excel: number format code of a typed Excel cell.
        style: for dates: ``dotted`` (2012.5.28) or ``zh`` (2012年5月28日).
    """

    kind: Kind
    places: int = 0
    excel: str = "General"
    style: str = ""

    @property
    def is_number(self) -> bool:
        """True for what is aligned as a number."""
        return self.kind in {"number", "percent"}


TEXT = Format("text")
NAME = Format("name")
INTEGER = Format("number", 0, "0")
DECIMAL1 = Format("number", 1, "0.0")
DECIMAL2 = Format("number", 2, "0.00")
DECIMALS = {0: INTEGER, 1: DECIMAL1, 2: DECIMAL2}
#: A share (0.9268) shown as 92.7%.
PERCENT = Format("percent", 1, "0.0%")
PERCENT2 = Format("percent", 2, "0.00%")
DATE = Format("date", 0, "yyyy\\.m\\.d", "dotted")
DATE_ZH = Format("date", 0, 'yyyy"年"m"月"d"日"', "zh")
TICK = Format("tick")


def decimal(places: int) -> Format:
    """Return the format of a number with so many decimals."""
    return DECIMALS.get(places) or Format("number", places, f"0.{'0' * places}")


Value = str | int | Decimal | dt.date | None


def clean_text(text: str) -> str:
    """Return the text without control characters; line ends become one newline each, tabs a space."""
    if text.isprintable():  # neither of both is
        return text
    text = _NEWLINES.sub("\n", text).replace("\t", " ")
    return _FORBIDDEN.sub("", text)


def spaced_name(name: str) -> str:
    """Return a name as official tables print it: 柯虹 → 柯　虹; anything but two Chinese characters stays."""
    compact = name.strip()
    return IDEOGRAPHIC_SPACE.join(compact) if _TWO_CHARACTERS.match(compact) else compact


@cache
def _step(places: int) -> Decimal:
    return Decimal(1).scaleb(-places)


def half_up(number: Decimal | Fraction | int, places: int) -> Decimal:
    """Round 四舍五入 to `places` decimal places; exact for fractions too."""
    if isinstance(number, Decimal):
        rounded = number.quantize(_step(places), rounding=ROUND_HALF_UP)
        return rounded or abs(rounded)
    above, below = number.as_integer_ratio()
    whole = (2 * abs(above) * 10**places + below) // (2 * below)
    return Decimal(whole if above >= 0 else -whole).scaleb(-places)


def _number(value: Any, form: Format) -> tuple[Value, str]:
    """Round a number to what the cell shows; the stored value equals the shown one."""
    if isinstance(value, float):
        raise TypeError(f"a table holds Decimal, Fraction or int, never float: {value!r}")
    if form.kind == "percent":
        share = half_up(value, form.places + 2)
        return share, f"{share * 100:.{form.places}f}%"
    if form.places == 0 and isinstance(value, int):
        return value, str(value)
    rounded = half_up(value, form.places)
    if form.places == 0:
        return int(rounded), str(int(rounded))
    return rounded, str(rounded)  # of up to six places, which are never written with an exponent


def _date(value: Any, form: Format) -> tuple[Value, str]:
    """Show a date; one known to the month only stays text."""
    if isinstance(value, dt.datetime):
        value = value.date()
    if isinstance(value, PartialDay) and not isinstance(value, dt.date):
        if value.day is None:
            text = value.zh() if form.style == "zh" else value.dotted()
            return text, text
        value = dt.date(value.year, value.month, value.day)  # type: ignore[attr-defined]
    if form.style == "zh":
        return value, f"{value.year}年{value.month}月{value.day}日"
    return value, f"{value.year}.{value.month}.{value.day}"


def display(value: Any, form: Format, blank: str = DASH) -> tuple[Value, str]:
    """Return the typed value a cell stores and the text it shows.

    Args:
        value: anything a row may hold; None and "" are blank.
        form: how to show it. Text in a number column (无, 免评) stays text.
        blank: what an empty cell shows.

    Raises:
        TypeError: for a float, which no official table may hold.
    """
    if value is None:
        return None, blank
    if form.kind == "tick":
        return ("√", "√") if value else (None, blank)
    if isinstance(value, str):
        text = clean_text(value).strip(" \n")
        text = spaced_name(text) if form.kind == "name" else text
        return (text, text) if text else (None, blank)
    if isinstance(value, bool):
        return ("是", "是") if value else ("否", "否")
    if form.is_number and isinstance(value, (int, Decimal, Fraction, float)):
        return _number(value, form)
    if form.kind == "date" and isinstance(value, (dt.date, PartialDay)):
        return _date(value, form)
    if isinstance(value, PartialDay) and not isinstance(value, dt.date):
        text = value.zh()
        return text, text
    text = clean_text(str(value))
    return text, text


def em_at_most(value: Value, text: str, form: Format) -> float:
    """Return a width in em which the text of a cell, on one line, surely does not pass."""
    return len(text) * (1.0 if isinstance(value, str) or form.kind != "number" else DIGIT_EM)


class Shower(dict[Any, tuple[Value, str]]):
    """`display` for the columns of a long table that share a format: each value is formatted once, and kept once."""

    #: Types of which equal values show equally; a bool equals 1 and a float raises, so those are not looked up.
    _SAFE = frozenset({str, type(None), dt.date})
    _SAFE_NUMBERS = _SAFE | {int, Decimal}

    def __init__(self, form: Format, blank: str = DASH) -> None:
        super().__init__()
        self.form = form
        self.blank = blank
        self._safe = self._SAFE_NUMBERS if form.is_number else self._SAFE

    def __missing__(self, raw: Any) -> tuple[Value, str]:
        shown = self[raw] = display(raw, self.form, self.blank)
        return shown

    def column(self, values: Sequence[Any]) -> list[tuple[Value, str]]:
        """Return what a column shows."""
        kinds = set(map(type, values))
        if self.form.is_number and Fraction in kinds:  # many are shown alike, few are equal
            places = self.form.places + (2 if self.form.kind == "percent" else 0)
            values = [half_up(value, places) if type(value) is Fraction else value for value in values]
            kinds.remove(Fraction)
        if self._safe.issuperset(kinds):
            return list(map(self.__getitem__, values))
        return [display(value, self.form, self.blank) for value in values]
