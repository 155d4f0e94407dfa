"""Equal composites at the line of a cap: with whom, and by which source the order was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from grading.scoring.derivation import CapOutcome, Derivation
from grading.scoring.numbers import round_half_up
from grading.scoring.rules import CapRule, CapScope, CapSide

KEPT, TIE = "kept", "tie"
PLACES = (2, 3, 4, 6, 8)


@dataclass(frozen=True, slots=True)
class Tied:
    """One other branch with the same composite on the other side of a line, or still equal on it.

    `source` names the tie break in which the two first differ, "" where none does; `own` and `other` are its scores.
    """

    key: int
    source: str = ""
    own: Fraction | None = None
    other: Fraction | None = None

    @property
    def ahead(self) -> bool:
        """Tell whether the branch explained comes first of the two; no score comes last."""
        return self.other is None or (self.own is not None and self.own > self.other)

    def figures(self) -> tuple[str, str]:
        """Return both scores with as many decimals as it takes to tell them apart."""
        if self.own is None or self.other is None:
            return tuple("无得分" if one is None else _shown(one, 2) for one in (self.own, self.other))  # type: ignore[return-value]
        pairs = ((_shown(self.own, places), _shown(self.other, places)) for places in PLACES)
        return next((pair for pair in pairs if pair[0] != pair[1]), (str(self.own), str(self.other)))


def _shown(value: Fraction, places: int) -> str:
    return format(round_half_up(value, places), "f")


def rule_of(cap: CapOutcome, caps: tuple[CapRule, ...]) -> CapRule | None:
    """Return the rule an outcome came of."""
    scope = CapScope.GROUP if cap.group else CapScope.ROUND
    return next((r for r in caps if (r.grade, str(r.side), r.scope) == (cap.grade.code, cap.side, scope)), None)


def tied_with(rule: CapRule, cap: CapOutcome, mine: Derivation, others: Mapping[int, Derivation]) -> tuple[Tied, ...]:
    """Return the branches of the same extent with an equal composite that the cap set apart from this one.

    Where equal branches all keep the grade, or all lose it, their order decided nothing.
    """
    found = []
    for key, other in others.items():
        if mine.composite.rounded is None or other.composite.rounded != mine.composite.rounded:
            continue
        state = _state(rule, cap, other)
        if state is not None and (state != cap.state or state == TIE):
            found.append(_compared(key, rule, mine, other))
    return tuple(found)


def _state(rule: CapRule, cap: CapOutcome, other: Derivation) -> str | None:
    """Return what the cap meant for another branch, None where it did not concern it."""
    for one in other.caps:
        if (one.grade.code, one.side, one.group) == (cap.grade.code, cap.side, cap.group):
            return one.state
    above = rule.side is CapSide.AT_LEAST and other.grade is not None and other.grade.rank < cap.grade.rank
    return KEPT if above else None


def _compared(key: int, rule: CapRule, mine: Derivation, other: Derivation) -> Tied:
    """Return the first tie break in which two branches differ."""
    for code in rule.tie_breaks:
        here, there = mine.source(code), other.source(code)
        own, their = (one.score if one is not None else None for one in (here, there))
        if own != their:
            named = here or there
            return Tied(key, named.name if named is not None else code, own, their)
    return Tied(key)
