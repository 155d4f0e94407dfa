"""What may be told of an opened box. Pure.

Whatever is released counts at least `floor` ballots, and no two released counts differ by fewer: voter groups are
released apart only when each reaches the floor, else they are joined; how many ticked a problem is a number only when
at least `floor` did and at least `floor` did not.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from grading.ballots.sealing import Ballot
from grading.scoring import Counts, GroupCounts, SourceRule, merge_groups


class Extent(StrEnum):
    """How much of a problem's count is told."""

    FEW = "few"
    COUNTED = "counted"
    NEARLY_ALL = "nearly_all"


@dataclass(frozen=True, slots=True)
class Paper:
    """Codes of options and problem boxes, in the order in which ballots name them."""

    options: Sequence[str]
    problems: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """The codes of one voter group: handed out, and used. `code` is empty where there are no groups."""

    code: str
    issued: int
    returned: int


@dataclass(frozen=True, slots=True)
class Told:
    """What of one problem is told; `number` only when it is COUNTED."""

    code: str
    extent: Extent
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """What leaves the box. Below the floor both are empty."""

    groups: tuple[GroupCounts, ...]
    problems: tuple[Told, ...]


def release(rule: SourceRule, floor: int, given: Sequence[Given], paper: Paper, ballots: Sequence[Ballot]) -> Release:
    """Reduce the ballots of a box to what may be told; `given` in the order of the paper's groups."""
    if len(ballots) < floor:
        return Release((), ())
    groups = [_counts(paper.options, place, group, ballots) for place, group in enumerate(given)]
    parts = merge_groups(replace(rule, minimum_ballots=floor), groups) if len(groups) > 1 else tuple(groups)
    ticked = Counter(place for ballot in ballots for place in set(ballot.problems))
    told = tuple(_told(code, ticked[place], len(ballots), floor) for place, code in enumerate(paper.problems))
    return Release(parts, told)


def _counts(options: Sequence[str], place: int, group: Given, ballots: Sequence[Ballot]) -> GroupCounts:
    """Return the counts of one voter group before any joining."""
    chosen = Counter(ballot.choice for ballot in ballots if ballot.group == place)
    valid = sum(chosen.values())
    numbers = tuple((code, chosen[index]) for index, code in enumerate(options))
    return GroupCounts(group.code, Counts(group.issued, max(group.returned, valid), valid, numbers))


def _told(code: str, number: int, ballots: int, floor: int) -> Told:
    if number < floor:
        return Told(code, Extent.FEW)
    if ballots - number < floor:
        return Told(code, Extent.NEARLY_ALL)
    return Told(code, Extent.COUNTED, number)
