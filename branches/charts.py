"""Geometry of the small charts on pages: percentages for SVG attributes, computed once, drawn by templates.

Nothing here knows a model or a template. Widths are strings such as `12.34%`, fit for `x=` and `width=`.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

from branches import wording

StageState = Literal["todo", "now", "done"]
LABEL_FROM = Decimal(7)
NARROWEST = Decimal(1)


def percent(part: Decimal | int, whole: Decimal | int) -> Decimal:
    """Return part of whole in percent with two decimals; nothing of nothing is 0."""
    if not whole:
        return Decimal(0)
    return (Decimal(part) * 100 / Decimal(whole)).quantize(Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class Share:
    """One part of a distribution bar: `letter` is the rank letter of `wording.rank_letter`."""

    label: str
    count: int
    letter: str


@dataclass(frozen=True, slots=True)
class Segment:
    """A drawn part of a bar."""

    label: str
    count: int
    letter: str
    x: Decimal
    width: Decimal
    middle: Decimal
    shows_count: bool


def segments(shares: Iterable[Share]) -> list[Segment]:
    """Lay the parts of a distribution side by side; parts of zero are left out, narrow ones carry no figure."""
    parts = [share for share in shares if share.count]
    total = sum(share.count for share in parts)
    drawn, x = [], Decimal(0)
    for part in parts:
        width = percent(part.count, total)
        drawn.append(Segment(part.label, part.count, part.letter, x, width, x + width / 2, width >= LABEL_FROM))
        x += width
    return drawn


def spoken(shares: Iterable[Share]) -> str:
    """Say a distribution for those who cannot see the bar: 先进 27，较好 40."""
    return "，".join(f"{share.label} {share.count}" for share in shares if share.count)


@dataclass(frozen=True, slots=True)
class StageSpan:
    """A stage to draw: its number, name, days, the words under the name, and what is said at the right."""

    number: int
    name: str
    starts: dt.date | None
    ends: dt.date
    state: StageState
    said: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A drawn stage."""

    stage: StageSpan
    when: str
    x: Decimal
    width: Decimal


@dataclass(frozen=True, slots=True)
class Month:
    """A month on the axis."""

    label: str
    x: Decimal


@dataclass(frozen=True, slots=True)
class Timeline:
    """Stages on a month axis; `today` is None when it lies outside."""

    bars: Sequence[Bar]
    months: Sequence[Month]
    today: Decimal | None
    today_label: str
    today_anchor: str


def _first_of_month(day: dt.date) -> dt.date:
    return day.replace(day=1)


def _next_month(day: dt.date) -> dt.date:
    return dt.date(day.year + day.month // 12, day.month % 12 + 1, 1)


def _months(first: dt.date, end: dt.date) -> list[dt.date]:
    months, day = [], first
    while day < end:
        months.append(day)
        day = _next_month(day)
    return months


def _anchor(x: Decimal) -> str:
    if x < Decimal(12):
        return "start"
    return "end" if x > Decimal(88) else "middle"


def timeline(stages: Sequence[StageSpan], today: dt.date) -> Timeline | None:
    """Lay stages on whole months from the first start to the last end; None when there is no stage."""
    if not stages:
        return None
    first = _first_of_month(min(stage.starts or stage.ends for stage in stages))
    end = _next_month(max(stage.ends for stage in stages))
    days = (end - first).days

    def place(day: dt.date) -> Decimal:
        return percent((day - first).days, days)

    bars = []
    for stage in stages:
        x = place(stage.starts or stage.ends)
        width = max(place(stage.ends + dt.timedelta(days=1)) - x, NARROWEST)
        bars.append(Bar(stage, wording.zh_range(stage.starts, stage.ends, today), x, width))
    starts = _months(first, end)
    step = 1 + (len(starts) - 1) // 12
    shown = starts[::step]
    months = [Month(f"{day.month}月" if day is shown[-1] else str(day.month), place(day)) for day in shown]
    here = place(today) if first <= today < end else None
    return Timeline(
        bars, months, here, f"今天 {today.month}月{today.day}日", _anchor(here) if here is not None else "middle"
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """A figure marked on the scale of cut-offs."""

    label: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class Band:
    """A grade on the scale: from `lowest` (inclusive) up to the next band."""

    label: str
    lowest: Decimal
    letter: str


LETTER_WIDTH = Decimal("3.8")  # of a Chinese letter of 12 px in the 320 px a telephone leaves, in percent
FIRST_LABEL, LABEL_HEIGHT = 78, 13


@dataclass(frozen=True, slots=True)
class PlacedMark:
    """A drawn mark; `row` keeps neighbours apart, and near an end the label begins or ends at its mark."""

    label: str
    text: str
    x: Decimal
    row: int

    @property
    def y(self) -> int:
        """Where the label stands, from the top."""
        return FIRST_LABEL + self.row * LABEL_HEIGHT

    @property
    def width(self) -> Decimal:
        """The share of a telephone's width the label takes, in percent."""
        return LETTER_WIDTH * sum(1 if ord(letter) > 0x2E7F else Decimal("0.6") for letter in self.label)

    @property
    def anchor(self) -> str:
        """Which point of the label stands at the mark."""
        if self.x < self.width / 2:
            return "start"
        return "end" if self.x + self.width / 2 > 100 else "middle"

    @property
    def left(self) -> Decimal:
        """Where the label begins."""
        return self.x - {"start": Decimal(0), "end": self.width, "middle": self.width / 2}[self.anchor]


@dataclass(frozen=True, slots=True)
class PlacedBand:
    """A drawn band of the scale with its lower cut."""

    label: str
    letter: str
    x: Decimal
    width: Decimal
    middle: Decimal
    cut: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A score and its sources on the cut-offs."""

    bands: Sequence[PlacedBand]
    pin: PlacedMark | None
    sources: Sequence[PlacedMark]
    spoken: str
    ends: str

    @property
    def height(self) -> int:
        """Down to the last row of labels."""
        return FIRST_LABEL + (max((mark.row for mark in self.sources), default=0) + 1) * LABEL_HEIGHT


def _beside(marks: Sequence[PlacedMark], mark: PlacedMark) -> PlacedMark:
    """Return a mark in the first row where its label touches none of those placed before it."""
    while any(one.row == mark.row and one.left + one.width + LETTER_WIDTH / 2 > mark.left for one in marks):
        mark = replace(mark, row=mark.row + 1)
    return mark


def scale(
    bands: Sequence[Band], score: Decimal | None, sources: Sequence[Mark], *, full: Decimal, places: int = 2
) -> Scale:
    """Lay bands (best first or not) from a little below the lowest cut up to `full`, and mark the figures on them.

    Figures are written with `places` decimals.
    """
    ordered = sorted(bands, key=lambda band: band.lowest)
    cuts = [band.lowest for band in ordered if band.lowest > 0]
    figures = [mark.value for mark in sources] + ([score] if score is not None else [])
    floor = min([cuts[0] - (full - cuts[0]) / 4 if cuts else Decimal(0), *figures])
    floor = max(Decimal(0), (floor // 10) * 10)

    def place(value: Decimal) -> Decimal:
        return percent(min(max(value, floor), full) - floor, full - floor)

    placed = []
    for index, band in enumerate(ordered):
        x = place(band.lowest)
        right = place(ordered[index + 1].lowest) if index + 1 < len(ordered) else Decimal(100)
        cut = wording.points(band.lowest) if band.lowest > floor else ""
        placed.append(PlacedBand(band.label, band.letter, x, right - x, x + (right - x) / 2, cut))
    marks: list[PlacedMark] = []
    for mark in sorted(sources, key=lambda mark: mark.value):
        marks.append(_beside(marks, PlacedMark(mark.label, wording.fixed(mark.value, places), place(mark.value), 0)))
    pin = PlacedMark("综合", wording.fixed(score, places), place(score), 0) if score is not None else None
    said = [
        f"综合 {wording.fixed(score, places)}",
        *(f"{mark.label} {wording.fixed(mark.value, places)}" for mark in sources),
    ]
    return Scale(placed, pin, marks, "，".join(said), f"{wording.points(floor)} 至 {wording.points(full)} 分")


@dataclass(frozen=True, slots=True)
class BurnDown:
    """What is left to do, day by day: as planned, and as it came, up to today. Points of a field 1000 wide, 200 high.

    `left` and `should` are counted today; the months are marked in percent of the width.
    """

    total: int
    left: int
    should: int
    planned: str
    actual: str
    months: Sequence[Month]
    today: Decimal | None
    spoken: str


FIELD = (1000, 200)
LATE_SHOWN = dt.timedelta(days=366)  # how long after the last day due a burn-down goes on


def burn_down(
    due: Mapping[dt.date, int], done: Mapping[dt.date, int], *, first: dt.date, today: dt.date
) -> BurnDown | None:
    """Lay out what is left of `due` (how many are due on a day) and of it after `done`; None when nothing is due.

    The field runs over whole months from `first`, or the first day anything is due or done, to the last day due; on to
    today where something is left of it by then, for a year at most.
    """
    total = sum(due.values())
    if not total:
        return None
    start = _first_of_month(min(first, *due, *done))
    last_due = max(*due, *done, start)
    unfinished = total > sum(number for day, number in done.items() if day <= today)
    end = _next_month(today if unfinished and last_due < today <= last_due + LATE_SHOWN else last_due)
    days = (end - start).days

    def x(day: dt.date) -> int:
        return FIELD[0] * max(0, (day - start).days) // days

    def stairs(counts: Mapping[dt.date, int], until: dt.date) -> tuple[str, int]:
        left, points = total, ["0,0"]
        for day in sorted(one for one in counts if one <= until):
            here = x(day + dt.timedelta(days=1))
            points.append(f"{here},{FIELD[1] - FIELD[1] * left // total}")
            left -= counts[day]
            points.append(f"{here},{FIELD[1] - FIELD[1] * left // total}")
        points.append(f"{x(until + dt.timedelta(days=1))},{FIELD[1] - FIELD[1] * left // total}")
        return " ".join(dict.fromkeys(points)), left

    last = end - dt.timedelta(days=1)
    planned, _ = stairs(due, last)
    actual, left = stairs(done, min(today, last))
    should = total - sum(number for day, number in due.items() if day < today)
    marks = _months(start, end)
    months = [
        Month(f"{day.month}月", percent((day - start).days, days)) for day in marks[:: 1 + (len(marks) - 1) // 12]
    ]
    here = percent((today - start).days, days) if start <= today < end else None
    said = f"限期完成的 {total} 项，已销号 {total - left} 项，还剩 {left} 项；按时限今天应剩 {should} 项"
    return BurnDown(total, left, should, planned, actual, months, here, said)
