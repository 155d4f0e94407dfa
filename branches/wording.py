"""Chinese wording of dates, deadlines, figures and names: pure functions, one place for each habit."""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

MISSING = "—"
MINUS = "−"
WEEKDAYS = "一二三四五六日"
SOON_DAYS = 3
DATE_FROM_DAYS = 15
_HAN_NAME = re.compile(r"^[㐀-鿿\U00020000-\U000323af]{2}$")
_RANK_LETTERS = {1: ("a",), 2: ("a", "d"), 3: ("a", "b", "d"), 4: ("a", "b", "c", "d"), 5: ("a", "b", "bc", "c", "d")}


@dataclass(frozen=True, slots=True)
class Due:
    """How a deadline is said: the words, and `soon`, `late` or an empty level."""

    text: str
    level: str = ""


def last_day(deadline: dt.date | dt.datetime) -> dt.date:
    """Return the last day on which something is in time; an instant of 00:00 belongs to the day before."""
    if not isinstance(deadline, dt.datetime):
        return deadline
    if deadline.time() == dt.time.min:
        return deadline.date() - dt.timedelta(days=1)
    return deadline.date()


def due_words(deadline: dt.date | dt.datetime, today: dt.date) -> Due:
    """Say how far off a deadline is: 还剩 9 天, 今天截止, 逾期 3 天; from 15 days on, the date itself."""
    day = last_day(deadline)
    days = (day - today).days
    if days < 0:
        return Due(f"逾期 {-days} 天", "late")
    if days == 0:
        return Due("今天截止", "soon")
    if days >= DATE_FROM_DAYS:
        return Due(f"{zh_short_date(day, today)}前")
    return Due(f"还剩 {days} 天", "soon" if days <= SOON_DAYS else "")


def zh_date(day: dt.date | None) -> str:
    """Say a date in full: 2012年3月30日; a missing one is —."""
    return f"{day.year}年{day.month}月{day.day}日" if day else MISSING


def zh_short_date(day: dt.date | None, today: dt.date) -> str:
    """Say a date as tables do: 10月12日 within the year of `today`, otherwise in full."""
    if day is None or day.year != today.year:
        return zh_date(day)
    return f"{day.month}月{day.day}日"


def zh_moment(moment: dt.datetime | None, now: dt.datetime) -> str:
    """Say a moment: 今天 15:02, 10月11日 09:15, 2011年12月1日 09:15. Both arguments are in local time."""
    if moment is None:
        return MISSING
    clock = f"{moment.hour:02d}:{moment.minute:02d}"
    if moment.date() == now.date():
        return f"今天 {clock}"
    return f"{zh_short_date(moment.date(), now.date())} {clock}"


def zh_range(first: dt.date | None, last: dt.date | None, today: dt.date) -> str:
    """Say a span of days: 9月17日至28日, 12月1日至2013年1月31日; one open end is said as 起 or 前."""
    if first is None and last is None:
        return MISSING
    if first is None:
        return f"{zh_short_date(last, today)}前"
    if last is None:
        return f"{zh_short_date(first, today)}起"
    if first == last:
        return zh_short_date(first, today)
    start = zh_short_date(first, today)
    if (first.year, first.month) == (last.year, last.month):
        return f"{start}至{last.day}日"
    if first.year == last.year:
        return f"{start}至{last.month}月{last.day}日"
    return f"{start}至{zh_date(last)}"


def zh_weekday(day: dt.date) -> str:
    """Say the day of the week: 星期四."""
    return f"星期{WEEKDAYS[day.weekday()]}"


def fixed(value: Decimal | int | None, places: int) -> str:
    """Write a figure with `places` decimals, half up; a missing one is —, minus is −."""
    if value is None:
        return MISSING
    number = Decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    text = f"{abs(number):.{places}f}"
    return f"{MINUS}{text}" if number < 0 else text


def score1(value: Decimal | int | None) -> str:
    """Write the score of an item: one decimal, a second one where the points have it (steps of 0.25)."""
    fine = isinstance(value, Decimal) and value != value.quantize(Decimal("0.1"))
    return fixed(value, 2 if fine else 1)


def score2(value: Decimal | int | None) -> str:
    """Write a composite score: two decimals."""
    return fixed(value, 2)


def pct1(value: Decimal | int | None) -> str:
    """Write a share given in percent: 30.0%."""
    return MISSING if value is None else f"{fixed(value, 1)}%"


def signed1(value: Decimal | int | None) -> str:
    """Write a difference with its sign: +1.5, −3.0, 0.0."""
    text = fixed(value, 1)
    return f"+{text}" if value is not None and Decimal(value) > 0 else text


def share(part: int, whole: int) -> Decimal | None:
    """Return part of whole in percent, or None when there is nothing to divide by."""
    return Decimal(part) * 100 / Decimal(whole) if whole else None


def points(value: Decimal | None) -> str:
    """Write full points without needless zeros: 15, 2.5."""
    if value is None:
        return MISSING
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def spaced_name(name: str) -> str:
    """Set a two-character name to the width of three, as official forms do."""
    return f"{name[0]}　{name[1]}" if _HAN_NAME.match(name) else name


def rank_letter(rank: int, steps: int) -> str:
    """Return the badge letter (a, b, bc, c, d) of the grade at `rank` (1 is best) on a scale of `steps` grades.

    Raises ValueError when the rank is not on the scale.
    """
    if not 1 <= rank <= steps:
        message = f"rank {rank} is not within 1..{steps}"
        raise ValueError(message)
    letters = _RANK_LETTERS.get(steps)
    if letters is None:
        letters = _RANK_LETTERS[5]
        return letters[(rank - 1) * (len(letters) - 1) // (steps - 1)]
    return letters[rank - 1]


def file_size(size: int) -> str:
    """Say the size of a file: 86 KB, 1.4 MB."""
    if size < 1024 * 1024:
        return f"{max(1, round(size / 1024))} KB"
    return f"{fixed(Decimal(size) / (1024 * 1024), 1)} MB"


def without_unit(name: str, group: str) -> str:
    """Return a branch's name without its unit's, which stands beside it: 文学院中文系党支部 → 中文系党支部."""
    stem = group
    for tail in ("党总支部", "党总支", "总支", "党委", "委员会"):
        if stem.endswith(tail) and stem != tail:
            stem = stem.removesuffix(tail)
            break
    rest = name.removeprefix(stem)
    return rest if rest not in ("党支部", "支部", "") and rest != name else name
