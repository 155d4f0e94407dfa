"""Geometry of a flow chart: what two distributions have in common, as ribbons between two columns of bars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from branches.charts import Share

Way = Literal["up", "level", "down"]
WIDTH, HEIGHT = 400, 260
BAR, LEFT, RIGHT, GAP = 14, 84, 316, 14


@dataclass(frozen=True, slots=True)
class FlowBar:
    """A drawn bar with its label beside it; coordinates in the units of the view box."""

    label: str
    count: int
    letter: str
    x: int
    y: float
    height: float
    text_x: int
    text_y: float
    anchor: str


@dataclass(frozen=True, slots=True)
class Ribbon:
    """A drawn stream from a bar on the left to one on the right."""

    way: Way
    count: int
    path: str
    said: str


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow chart ready to draw."""

    bars: Sequence[FlowBar]
    ribbons: Sequence[Ribbon]
    spoken: str
    box: str = f"0 0 {WIDTH} {HEIGHT}"


def flow(left: Sequence[Share], right: Sequence[Share], streams: Mapping[tuple[int, int], tuple[int, Way]]) -> Flow:
    """Lay out streams between bars.

    Args:
        left: bars before, their counts the sums of the streams that leave them.
        right: bars after.
        streams: (index on the left, index on the right) → (count, which way it counts as).
    """
    total = max(sum(share.count for share in left), 1)
    unit = (HEIGHT - GAP * (max(len(left), len(right)) - 1)) / total
    starts = _bars(left, unit, LEFT - BAR, LEFT - BAR - 8, "end")
    ends = _bars(right, unit, RIGHT, RIGHT + BAR + 8, "start")
    out, into = [bar.y for bar in starts], [bar.y for bar in ends]
    ribbons = []
    for (source, target), (count, way) in sorted(streams.items()):
        if not count:
            continue
        height = count * unit
        said = f"{left[source].label} → {right[target].label} {count}"
        ribbons.append(Ribbon(way, count, _ribbon(out[source], into[target], height), said))
        out[source] += height
        into[target] += height
    return Flow([*starts, *ends], ribbons, "，".join(ribbon.said for ribbon in ribbons))


def _bars(shares: Sequence[Share], unit: float, x: int, text_x: int, anchor: str) -> list[FlowBar]:
    drawn, y = [], 0.0
    for share in shares:
        height = share.count * unit
        drawn.append(
            FlowBar(
                share.label, share.count, share.letter, x, _r(y), _r(height), text_x, _r(y + height / 2 + 4), anchor
            )
        )
        y += height + GAP
    return drawn


def _ribbon(start: float, end: float, height: float) -> str:
    middle = (LEFT + RIGHT) / 2
    top = f"M{LEFT} {_r(start)}C{middle} {_r(start)} {middle} {_r(end)} {RIGHT} {_r(end)}"
    low, high = _r(end + height), _r(start + height)
    return f"{top}V{low}C{middle} {low} {middle} {high} {LEFT} {high}Z"


def _r(value: float) -> float:
    return round(value, 1)
