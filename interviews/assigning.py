"""Sharing people out among interviewers. Pure: numbers in, numbers out, the same answer for the same question.

What is settled (done, or given by hand) stays. A rule that names somebody (the class's tutor, the tutor list) decides.
The rest of a unit is shared among its interviewers so that nobody has more than one above another, unless what is
settled or named makes it so; among answers as even as that, the one that moves fewest people is taken.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Why(StrEnum):
    """Why somebody has no interviewer."""

    NOBODY_NAMED = "nobody_named"
    NO_INTERVIEWER = "no_interviewer"


@dataclass(frozen=True, slots=True)
class Demand:
    """Somebody to be visited.

    Attributes:
        key: who.
        unit: in which unit.
        named: interviewers the rule names, in order of preference; the least loaded of them is taken.
        current: who was to visit them until now.
        settled: the present interviewer stays, whatever the rule says.
        shared: whether the unit's interviewers may take them when nobody is named.
    """

    key: int
    unit: int
    named: tuple[int, ...] = ()
    current: int | None = None
    settled: bool = False
    shared: bool = True


@dataclass(frozen=True)
class Outcome:
    """Who visits whom; who has nobody, and why."""

    assigned: dict[int, int] = field(default_factory=dict)
    without: dict[int, Why] = field(default_factory=dict)


def assign(demands: Sequence[Demand], pools: Mapping[int, Sequence[int]], loads: Mapping[int, int]) -> Outcome:
    """Assign every demand.

    `pools` are the interviewers of each unit, `loads` what they have to do under other rules already (it counts, but
    never moves). An interviewer visits nobody who is the same person: keys of people and interviewers are one space.
    """
    outcome = Outcome()
    load = Counter(dict(loads))
    open_by_unit: dict[int, list[Demand]] = defaultdict(list)
    named: list[Demand] = []
    for demand in sorted(demands, key=lambda one: one.key):
        if demand.settled and demand.current is not None:
            outcome.assigned[demand.key] = demand.current
            load[demand.current] += 1
        elif demand.named:
            named.append(demand)
        elif demand.shared:
            open_by_unit[demand.unit].append(demand)
        else:
            outcome.without[demand.key] = Why.NOBODY_NAMED
    for demand in named:
        chosen = _least(demand, load)
        outcome.assigned[demand.key] = chosen
        load[chosen] += 1
    for unit in sorted(open_by_unit):
        _share(open_by_unit[unit], tuple(dict.fromkeys(pools.get(unit, ()))), load, outcome)
    return outcome


def _least(demand: Demand, load: Counter[int]) -> int:
    """Return the named interviewer who stays, else the one with the least to do."""
    if demand.current in demand.named:
        return int(demand.current or 0)
    return min(demand.named, key=lambda one: (load[one], demand.named.index(one)))


def _share(demands: Sequence[Demand], pool: Sequence[int], load: Counter[int], outcome: Outcome) -> None:
    """Share a unit's open demands out among its pool."""
    own = [demand for demand in demands if demand.key not in pool]
    for demand in demands:
        if demand.key in pool or not pool:
            outcome.without[demand.key] = Why.NO_INTERVIEWER
    if not pool:
        return
    kept = Counter(demand.current for demand in own if demand.current is not None)
    room = _room(len(own), pool, load, kept)
    rest = []
    for demand in own:
        if demand.current is not None and room.get(demand.current, 0) > 0:
            room[demand.current] -= 1
            load[demand.current] += 1
            outcome.assigned[demand.key] = demand.current
        else:
            rest.append(demand)
    takers = [one for one in pool for _ in range(room[one])]
    for demand, taker in zip(rest, takers, strict=True):
        load[taker] += 1
        outcome.assigned[demand.key] = taker


def _room(count: int, pool: Sequence[int], load: Counter[int], kept: Counter[int]) -> dict[int, int]:
    """Return how many of `count` each of the pool takes so that loads end as even as they can.

    Levels are filled from below like water; who gets one of the last is who has people of their own to keep.
    """
    order = sorted(pool, key=lambda one: (load[one], pool.index(one)))
    level, width, left = load[order[0]], 0, count
    while width < len(order) and load[order[width]] == level:
        width += 1
    while width < len(order):
        step = load[order[width]] - level
        if step * width >= left:
            break
        left -= step * width
        level = load[order[width]]
        while width < len(order) and load[order[width]] == level:
            width += 1
    whole, extra = divmod(left, width)
    filled = order[:width]
    room = {one: level + whole - load[one] if one in set(filled) else 0 for one in pool}
    wanting = sorted(filled, key=lambda one: (room[one] - kept[one], pool.index(one)))
    for one in wanting[:extra]:
        room[one] += 1
    return room


def spread(keys: Sequence[int], takers: Sequence[int], loads: Mapping[int, int]) -> dict[int, int]:
    """Share `keys` evenly among `takers`, the least loaded first: for adjusting by hand."""
    demands = [Demand(key, 0) for key in keys]
    return assign(demands, {0: [one for one in takers if one not in set(keys)]}, loads).assigned
