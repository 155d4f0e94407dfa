"""晋位升级: what became of each branch from one round to the next. Pure arithmetic, no models.

A branch is followed through mergers, splits and renewals. Each branch of the later round is counted once; those that
are new (新建), gone (撤销) or without a grade in either round stand outside the comparison and are named.
(Notice of 2012, stage five: 再次评定、晋位升级; rules for merged branches are data of the round.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class MergedRule(StrEnum):
    """Which of several earlier grades a merged branch starts from."""

    LOWER = "lower"
    HIGHER = "higher"
    LARGEST = "largest"


class Move(StrEnum):
    """What became of a branch."""

    RISEN = "risen"
    LEVEL = "level"
    FALLEN = "fallen"
    NEW = "new"
    GONE = "gone"
    OUTSIDE = "outside"


COMPARED = (Move.RISEN, Move.LEVEL, Move.FALLEN)


@dataclass(frozen=True, slots=True)
class Standing:
    """A branch in one round. ``grade`` is its code there, None without one; ``members`` decides for LARGEST."""

    branch: int
    name: str
    group: str = ""
    category: str = ""
    grade: str | None = None
    members: int | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A branch that another one follows, between the two rounds."""

    predecessor: int
    successor: int


@dataclass(frozen=True, slots=True)
class Movement:
    """One branch. ``steps`` up are positive; ``origins`` are the branches it came from, where not itself alone.

    ``former`` is the name it bore in the earlier round, where it is another one.
    """

    branch: int
    name: str
    group: str
    category: str
    move: Move
    earlier: str | None
    later: str | None
    steps: int = 0
    origins: tuple[str, ...] = ()
    former: str = ""

    @property
    def history(self) -> str:
        """Say where it comes from: 由甲党支部、乙党支部而来, 原名甲党支部, or nothing."""
        if self.origins:
            return f"由{'、'.join(self.origins)}而来"
        return f"原名{self.former}" if self.former else ""


@dataclass(frozen=True, slots=True)
class Promotion:
    """All movements: branches of the later round in their order, then those that are gone."""

    movements: tuple[Movement, ...]

    def of(self, move: Move) -> tuple[Movement, ...]:
        """Return the branches of one kind."""
        return tuple(movement for movement in self.movements if movement.move is move)

    @property
    def compared(self) -> tuple[Movement, ...]:
        """Return the branches that have a grade in both rounds."""
        return tuple(movement for movement in self.movements if movement.move in COMPARED)

    @property
    def later_count(self) -> int:
        """Number of branches in the later round: compared, new and outside."""
        return len(self.movements) - len(self.of(Move.GONE))

    def cell(self, earlier: str, later: str) -> tuple[Movement, ...]:
        """Return the branches that went from one grade to another."""
        return tuple(row for row in self.compared if row.earlier == earlier and row.later == later)

    def counts(self) -> Counter[Move]:
        """Return how many branches went which way."""
        return Counter(movement.move for movement in self.movements)

    def only(self, branches: Iterable[int]) -> Promotion:
        """Return the movements of these branches alone, for somebody who sees a part of the school."""
        wanted = set(branches)
        return Promotion(tuple(row for row in self.movements if row.branch in wanted))


def origins(branch: int, before: Mapping[int, Standing], back: Mapping[int, Sequence[int]]) -> tuple[int, ...]:
    """Return the branches of the earlier round that `branch` is or came from, itself first."""
    found, waiting, seen = [], [branch], set()
    while waiting:
        current = waiting.pop(0)
        if current in seen:
            continue
        seen.add(current)
        if current in before:
            found.append(current)
        waiting += back.get(current, ())
    return tuple(found)


def compare(
    before: Sequence[Standing],
    after: Sequence[Standing],
    links: Iterable[Link],
    ranks: Mapping[str, int],
    matches: Mapping[str, str],
    *,
    merged: MergedRule = MergedRule.LOWER,
) -> Promotion:
    """Return what became of every branch between two rounds.

    Args:
        before: the branches of the earlier round.
        after: the branches of the later round, in the order of their list.
        links: successions between the two rounds.
        ranks: rank of each grade of the later round; 1 is the best.
        matches: grade of the earlier round → the grade of the later round it corresponds to. A grade that
            corresponds to none leaves its branches outside the comparison.
        merged: which earlier grade a merged branch starts from.
    """
    known = {standing.branch: standing for standing in before}
    back: dict[int, list[int]] = {}
    for link in links:
        back.setdefault(link.successor, []).append(link.predecessor)
    rows: list[Movement] = []
    followed: set[int] = set()
    for standing in after:
        came_from = origins(standing.branch, known, back)
        followed.update(came_from)
        rows.append(_movement(standing, [known[pk] for pk in came_from], ranks, matches, merged))
    rows += [
        Movement(gone.branch, gone.name, gone.group, gone.category, Move.GONE, gone.grade, None)
        for gone in before
        if gone.branch not in followed
    ]
    return Promotion(tuple(rows))


def _movement(
    now: Standing,
    came_from: Sequence[Standing],
    ranks: Mapping[str, int],
    matches: Mapping[str, str],
    merged: MergedRule,
) -> Movement:
    """Return what became of one branch of the later round."""
    alone = [row.branch for row in came_from] == [now.branch]
    names = () if alone else tuple(row.name for row in came_from)
    former = came_from[0].name if alone and came_from[0].name != now.name else ""
    graded = [row for row in came_from if row.grade is not None and matches.get(row.grade) in ranks]
    start = _start(graded, ranks, matches, merged) if graded else None
    earlier = start.grade if start else next((row.grade for row in came_from if row.grade), None)

    def moved(move: Move, steps: int = 0) -> Movement:
        return Movement(now.branch, now.name, now.group, now.category, move, earlier, now.grade, steps, names, former)

    if not came_from:
        return moved(Move.NEW)
    if start is None or start.grade is None or now.grade is None:
        return moved(Move.OUTSIDE)
    steps = ranks[matches[start.grade]] - ranks[now.grade]
    return moved(Move.RISEN if steps > 0 else Move.FALLEN if steps < 0 else Move.LEVEL, steps)


def _start(
    graded: Sequence[Standing], ranks: Mapping[str, int], matches: Mapping[str, str], merged: MergedRule
) -> Standing:
    """Return the earlier branch whose grade counts; among equals the first."""

    def rank(row: Standing) -> int:
        return ranks[matches[row.grade or ""]]

    if merged is MergedRule.LARGEST:
        return max(graded, key=lambda row: row.members or 0)
    return max(graded, key=rank) if merged is MergedRule.LOWER else min(graded, key=rank)
