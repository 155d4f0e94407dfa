"""Drawing branches for a spot check so that anybody can repeat it: a list, a seed, a quota, and one rule of order.

Each branch on the list gets SHA-256 of “seed:code” as its lot; those with the smallest lots are drawn, in every
党总支 for itself or over the whole school. By difference, the branch whose two scores lie furthest apart comes first,
the lot breaks ties; a branch that lacks one of the two scores is not drawn. `sha256sum` is enough to check a draw.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from grading.scoring.caps import cap_size
from grading.scoring.rules import CapMeasure, CapRule, Rounding

WHOLE = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One branch on the list: its code, its 党总支, and how far its two scores lie apart (None: one is missing)."""

    code: str
    group: str
    difference: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Quota:
    """How many: a share in percent or a number, of each 党总支 or of the whole list."""

    value: Decimal
    share: bool = True
    per_group: bool = True
    rounding: Rounding = Rounding.UP

    def size(self, heads: int) -> int:
        """Return how many of ``heads`` branches are drawn, never more than there are."""
        measure = CapMeasure.SHARE if self.share else CapMeasure.NUMBER
        return min(cap_size(CapRule("", self.value, measure=measure, rounding=self.rounding), heads), heads)


def lot(seed: str, code: str) -> str:
    """Return the lot of a branch: SHA-256 of “seed:code” in hexadecimal."""
    return hashlib.sha256(f"{seed}:{code}".encode()).hexdigest()


def draw(candidates: Iterable[Candidate], quota: Quota, seed: str, *, by_difference: bool = False) -> tuple[str, ...]:
    """Return the codes drawn, in the order in which they came; the order of the list itself does not matter."""
    groups: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        groups.setdefault(candidate.group if quota.per_group else WHOLE, []).append(candidate)
    drawn: list[str] = []
    for name in sorted(groups):
        members = groups[name]
        wanted = quota.size(len(members))
        eligible = [one for one in members if one.difference is not None] if by_difference else members
        drawn += [one.code for one in sorted(eligible, key=lambda one: _order(one, seed, by_difference))[:wanted]]
    return tuple(drawn)


def _order(candidate: Candidate, seed: str, by_difference: bool) -> tuple[Fraction, str]:
    difference = candidate.difference if by_difference and candidate.difference is not None else Fraction(0)
    return -difference, lot(seed, candidate.code)


def sizes(candidates: Iterable[Candidate], quota: Quota) -> dict[str, tuple[int, int]]:
    """Return per group how many there are and how many would be drawn."""
    heads: dict[str, int] = {}
    for candidate in candidates:
        group = candidate.group if quota.per_group else WHOLE
        heads[group] = heads.get(group, 0) + 1
    return {group: (number, quota.size(number)) for group, number in heads.items()}


def to_data(candidates: Sequence[Candidate]) -> list[list[str | None]]:
    """Return the list as the record keeps it, in the order of codes."""
    rows = sorted(candidates, key=lambda one: one.code)
    return [[one.code, one.group, None if one.difference is None else str(one.difference)] for one in rows]


def from_data(data: Sequence[Sequence[str | None]]) -> tuple[Candidate, ...]:
    """Return the list of a record."""
    return tuple(
        Candidate(str(code), str(group), None if difference is None else Fraction(difference))
        for code, group, difference in data
    )


def digest(data: Sequence[Sequence[str | None]]) -> str:
    """Return the SHA-256 of a list as it is kept."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
