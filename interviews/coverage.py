"""Which counts of a coverage table may be shown. Pure: sets of people as bits of integers, no Django.

A count of people is *unsafe* when it is above nought and under the set size. No unsafe count is shown, and none can be
worked out from what is shown: whoever sees a total and all its parts but one knows that one; whoever knows which class
lies within whose list can subtract one row from another. So a group is shown only while no unsafe set of people is a
sum or difference of groups that are shown; complementary suppression takes further groups back until that holds.

Sums and differences are looked for by elimination over the field of three elements: whatever whole numbers, halves or
quarters of rows make, they make there too. Which sets are looked for, and how well, stands in docs/coverage.md.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def bits(members: Iterable[int]) -> int:
    """Return a set of people, given by their places, as one integer."""
    places = list(members)
    found = bytearray(max(places, default=-1) // 8 + 1)
    for place in places:
        found[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(found, "little")


def is_safe(people: int, parts: Sequence[int], least: int) -> bool:
    """Tell whether every part of a set of people is empty or has at least `least` members."""
    for part in parts:  # noqa: SIM110 - asked a million times; a generator takes twice as long
        if 0 < (people & part).bit_count() < least:
            return False
    return True


Vector = tuple[int, int]  # where a combination counts people once, and where it takes them away once


def _plus(a: Vector, b: Vector) -> Vector:
    """Add two combinations, place by place, in the field of three elements."""
    free_a, free_b = ~(a[0] | a[1]), ~(b[0] | b[1])
    ones = (a[0] & free_b) | (b[0] & free_a) | (a[1] & b[1])
    twos = (a[1] & free_b) | (b[1] & free_a) | (a[0] & b[0])
    return ones, twos


def _minus(a: Vector) -> Vector:
    return a[1], a[0]


@dataclass
class _Span:
    """What sums and differences of some groups make; each combination with the groups it takes, by their places."""

    pivots: dict[int, tuple[Vector, Vector]] = field(default_factory=dict)

    def add(self, place: int, people: int) -> None:
        """Add a group that is shown."""
        rest, used = self._reduce(people)
        if rest[0] | rest[1]:
            self.pivots[(rest[0] | rest[1]).bit_length()] = (rest, _plus(used, (1 << place, 0)))

    def derive(self, people: int) -> int | None:
        """Return the groups from which a set follows, as bits of their places, or None."""
        rest, used = self._reduce(people)
        return None if rest[0] | rest[1] else used[0] | used[1]

    def _reduce(self, people: int) -> tuple[Vector, Vector]:
        rest: Vector = (people, 0)
        used: Vector = (0, 0)
        while top := (rest[0] | rest[1]).bit_length():
            found = self.pivots.get(top)
            if found is None:
                break
            pivot, uses = found
            same = bool(pivot[0] >> (top - 1) & 1) == bool(rest[0] >> (top - 1) & 1)
            rest = _plus(rest, _minus(pivot) if same else pivot)
            used = _plus(used, _minus(uses) if same else uses)
        return rest, used


def _span(left: Mapping[int, int]) -> _Span:
    span = _Span()
    for place, people in left.items():
        span.add(place, people)
    return span


def shown(groups: Mapping[K, int], parts: Sequence[int], least: int, known: Iterable[int] = ()) -> set[K]:
    """Return the groups that may be shown.

    `groups` come in the order of their worth: the whole first, then what is given up last. `parts` divide people into
    those counted one way or another; one part with everybody protects the numbers of people themselves. `known` are
    sets that readers count elsewhere, whatever their size: what they and the groups make together is looked for too.
    """
    elsewhere = [one for one in known if one]
    keys, people, first = list(groups), [*elsewhere, *groups.values()], len(elsewhere)
    offered = {place: one for place, one in enumerate(people) if one and (place < first or is_safe(one, parts, least))}
    left = _Left(offered, first)
    for suspect in _suspects(people):
        if suspect and not is_safe(suspect, parts, least):
            while left.drop(left.span.derive(suspect)):
                pass
    while left.drop(_leftover(left.groups, left.span, parts, least)):
        pass
    while left.drop(_of_three(left.groups, parts, least)):
        pass
    return {keys[place - first] for place in left.groups if place >= first}


class _Left:
    """The groups still shown by their places, behind those that are known anyway, and what they make."""

    def __init__(self, groups: dict[int, int], first: int) -> None:
        self.groups, self.first, self.span = groups, first, _span(groups)

    def drop(self, used: int | None) -> bool:
        """Take back the last of the groups that give a set away; false when there is nothing to be taken back."""
        last = used.bit_length() - 1 if used else -1
        if last < self.first:
            return False
        del self.groups[last]
        self.span = _span(self.groups)
        return True


def _suspects(people: Sequence[int]) -> Iterator[int]:
    """Yield sets a reader may single out: groups, what is outside them, what two share or one has alone."""
    everybody = 0
    for one in people:
        everybody |= one
    for place, one in enumerate(people):
        yield one
        yield everybody & ~one
        for other in people[:place]:
            common = one & other
            yield everybody & ~(one | other)
            if common:
                yield common
                yield one & ~other
                yield other & ~one


def _leftover(left: Mapping[int, int], span: _Span, parts: Sequence[int], least: int) -> int | None:
    """Return the groups from which an unsafe leftover follows, or None.

    A leftover is a group less smaller ones within it, or groups that together cover one, less that one. Which ones are
    taken is tried beginning with each.
    """
    sizes = sorted(set(left.values()), key=int.bit_count, reverse=True)
    for whole in sizes:
        within = [one for one in sizes if one != whole and not one & ~whole]
        across = [one for one in sizes if one & whole and one & ~whole and whole & ~one]
        rests = [whole & ~_packed(within[start:]) for start in range(len(within))]
        rests += [_packed([one, *across]) & ~whole for one in across]
        for rest in dict.fromkeys(rests):
            if rest and not is_safe(rest, parts, least):
                used = span.derive(rest)
                if used is not None:
                    return used
    return None


def _packed(groups: Iterable[int]) -> int:
    """Return the union of groups, each taken when it shares nobody with those before."""
    found = 0
    for one in groups:
        if not one & found:
            found |= one
    return found


def _of_three(left: Mapping[int, int], parts: Sequence[int], least: int) -> int | None:
    """Return three groups that give an unsafe set away: two together less the third, or everybody but those. Or None.

    The third must meet both: otherwise the set falls apart into sets looked at before.
    """
    everybody = 0
    for one in left.values():
        everybody |= one
    for mark, third in left.items():
        meeting = [(place, one) for place, one in left.items() if one & third and place != mark]
        for index, (place, one) in enumerate(meeting):
            missing = third & ~one
            for other_place, other in meeting[:index]:
                if missing & ~other or one & other & ~third:
                    continue
                rest = one ^ other ^ third
                for people in (rest, everybody & ~rest):
                    if people and not is_safe(people, parts, least):
                        return 1 << mark | 1 << place | 1 << other_place
    return None
