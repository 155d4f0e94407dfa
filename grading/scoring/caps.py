"""Caps and floors: how many branches may hold a grade, who is over, and who is tied at the line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from grading.scoring.derivation import CapOutcome, Derivation, GradeName
from grading.scoring.numbers import plain
from grading.scoring.rules import CapMeasure, CapMode, CapRule, CapScope, CapSide, Rounding, RoundRules

WHOLE = ""
SortKey = tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class CapReport:
    """One cap over one group: how many are allowed and counted, and the sentence when it does not hold."""

    grade: str
    group: str
    size: int
    allowed: int
    counted: int
    tied: tuple[str, ...]
    warning: str


def cap_size(rule: CapRule, heads: int) -> int:
    """Return how many branches out of ``heads`` a cap means, by 进一, 舍去 or 四舍五入."""
    if rule.measure is CapMeasure.NUMBER:
        return int(rule.value)
    exact = Fraction(rule.value) * heads / 100
    whole = exact.numerator // exact.denominator
    rest = exact - whole
    if rule.rounding is Rounding.UP:
        return whole + (rest > 0)
    if rule.rounding is Rounding.HALF_UP:
        return whole + (rest >= Fraction(1, 2))
    return whole


def apply_caps(
    rules: RoundRules, derivations: Sequence[Derivation], groups: Sequence[str]
) -> tuple[list[Derivation], tuple[CapReport, ...]]:
    """Return the derivations after every cap, in order, and one report per cap and group.

    A warning changes no grade. An enforced ceiling lowers those below its line by one grade; an enforced floor
    lowers those nearest to it. Branches tied across the line are left alone and marked: a person decides.
    """
    final = list(derivations)
    reports: list[CapReport] = []
    for rule in rules.caps:
        members: dict[str, list[int]] = {}
        for place, group in enumerate(groups):
            members.setdefault(group if rule.scope is CapScope.GROUP else WHOLE, []).append(place)
        for group, places in members.items():
            reports.append(_apply_one(rules, rule, group, places, final))
    return final, tuple(reports)


def _key(derivation: Derivation, rule: CapRule) -> SortKey:
    """Return what branches are ordered by: rounded composite, then the sources named as tie breaks."""
    rounded = derivation.composite.rounded
    keys = [Fraction(rounded) if rounded is not None else Fraction(-1)]
    for code in rule.tie_breaks:
        source = derivation.source(code)
        keys.append(source.score if source is not None and source.score is not None else Fraction(-1))
    return tuple(keys)


def _concerned(rule: CapRule, rank: int, grade: GradeName | None) -> bool:
    """Tell whether a grade counts for the cap: it or a better one for a ceiling, it or a worse one for a floor."""
    if grade is None:
        return False
    return grade.rank <= rank if rule.side is CapSide.AT_MOST else grade.rank >= rank


def _apply_one(rules: RoundRules, rule: CapRule, group: str, places: list[int], final: list[Derivation]) -> CapReport:
    """Apply one cap to one group, changing ``final`` in place."""
    target = rules.grade(rule.grade)
    heads = sum(1 for place in places if final[place].grade is not None)
    allowed = cap_size(rule, heads)
    inside = [place for place in places if _concerned(rule, target.rank, final[place].grade)]
    if rule.side is CapSide.AT_MOST:
        states = _split(inside, allowed, final, rule)
    else:
        outside = [p for p in places if final[p].grade is not None and p not in set(inside)]
        states = _split_floor(outside, max(allowed - len(inside), 0), final, rule)
    order = sorted(states, key=lambda place: _key(final[place], rule), reverse=True)
    for number, place in enumerate(order, start=1):
        target_name = GradeName(target.code, target.label, target.rank)
        outcome = CapOutcome(
            target_name, str(rule.side), str(rule.mode), group, allowed, len(inside), number, states[place]
        )
        final[place] = _marked(rules, rule, outcome, final[place])
    tied = tuple(final[place].unit for place in order if states[place] == "tie")
    warning = _warning(rule, target.label, allowed, len(inside), heads)
    return CapReport(rule.grade, group, heads, allowed, len(inside), tied, warning)


def _split(inside: list[int], allowed: int, final: list[Derivation], rule: CapRule) -> dict[int, str]:
    """Say for each holder of a capped grade whether it keeps it, is over the line, or ties across the line."""
    order = sorted(inside, key=lambda place: _key(final[place], rule), reverse=True)
    if len(order) <= allowed:
        return dict.fromkeys(order, "kept")
    last_in = _key(final[order[allowed - 1]], rule) if allowed > 0 else None
    first_out = _key(final[order[allowed]], rule)
    tie = last_in is not None and last_in == first_out
    states: dict[int, str] = {}
    for number, place in enumerate(order):
        if tie and _key(final[place], rule) == first_out:
            states[place] = "tie"
        elif number < allowed:
            states[place] = "kept"
        else:
            states[place] = "lowered" if rule.mode is CapMode.ENFORCED else "over"
    return states


def _split_floor(outside: list[int], wanted: int, final: list[Derivation], rule: CapRule) -> dict[int, str]:
    """Say which branches just above a floor would have to move down to fill it."""
    if wanted == 0:
        return {}
    order = sorted(outside, key=lambda place: _key(final[place], rule))
    chosen = order[:wanted]
    if not chosen:
        return {}
    line = _key(final[chosen[-1]], rule)
    tie = len(order) > wanted and _key(final[order[wanted]], rule) == line
    moved = "lowered" if rule.mode is CapMode.ENFORCED else "over"
    states = {place: "tie" if tie and _key(final[place], rule) == line else moved for place in chosen}
    if tie:
        states |= {place: "tie" for place in order[wanted:] if _key(final[place], rule) == line}
    return states


def _marked(rules: RoundRules, rule: CapRule, outcome: CapOutcome, derivation: Derivation) -> Derivation:
    """Note the cap on one branch and lower its grade where the cap is enforced."""
    grade = derivation.grade
    if outcome.state == "lowered":
        ranked = rules.ranked
        index = [item.rank for item in ranked].index(outcome.grade.rank) + (rule.side is CapSide.AT_MOST)
        below = ranked[min(index, len(ranked) - 1)]
        grade = GradeName(below.code, below.label, below.rank)
    return derivation.with_caps((*derivation.caps, outcome), grade)


def _warning(rule: CapRule, label: str, allowed: int, counted: int, heads: int) -> str:
    """Return the sentence for a cap that does not hold, or nothing."""
    size = f"{plain(Decimal(rule.value))}%" if rule.measure is CapMeasure.SHARE else f"{allowed} 个"
    if rule.side is CapSide.AT_MOST and counted > allowed:
        return f"“{label}”{counted} 个，超过 {heads} 个支部的 {size}（{allowed} 个）。"
    if rule.side is CapSide.AT_LEAST and counted < allowed:
        return f"“{label}”及以下 {counted} 个，少于 {heads} 个支部的 {size}（{allowed} 个）。"
    return ""


def breaches(rules: RoundRules, grades: Sequence[str | None], groups: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence for each enforced cap that grades chosen by people do not keep.

    What was decided may differ from what was computed, and ties are left to a person. ``grades`` are codes, None for a
    branch without one.
    """
    ranks = {grade.code: GradeName(grade.code, grade.label, grade.rank) for grade in rules.ranked}
    found: list[str] = []
    for rule in rules.caps:
        if rule.mode is not CapMode.ENFORCED:
            continue
        target = rules.grade(rule.grade)
        held: dict[str, list[GradeName]] = {}
        for code, group in zip(grades, groups, strict=True):
            if code is not None:
                held.setdefault(group if rule.scope is CapScope.GROUP else WHOLE, []).append(ranks[code])
        for group, names in held.items():
            counted = sum(_concerned(rule, target.rank, name) for name in names)
            said = _warning(rule, target.label, cap_size(rule, len(names)), counted, len(names))
            found += [f"{group}{said}"] if said else []
    return tuple(found)
