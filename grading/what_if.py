"""What if weights, lines or caps were others: the same arithmetic over sources that were scored before. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from grading import scoring
from grading.scoring.grade import nothing_to_collect

NEAR = Decimal(1)


@dataclass(frozen=True, slots=True)
class CapChange:
    """Another size or effect of one cap."""

    value: Decimal
    mode: scoring.CapMode


@dataclass(frozen=True, slots=True)
class Changes:
    """What is moved: weights by source, lines by grade, caps by their place in the rules."""

    weights: Mapping[str, Decimal] = field(default_factory=dict)
    minimums: Mapping[str, Decimal] = field(default_factory=dict)
    caps: Mapping[int, CapChange] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Situation:
    """A round as it stood at one moment: rules, inputs without points, sources scored once, and what they give."""

    rules: scoring.RoundRules
    units: tuple[scoring.UnitInput, ...]
    scored: tuple[tuple[scoring.SourceScore, ...], ...]
    grades: tuple[scoring.GradeName | None, ...]
    composites: tuple[Decimal | None, ...]
    distribution: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """A branch whose grade changes."""

    code: str
    before: scoring.GradeName | None
    after: scoring.GradeName | None
    composite: Decimal | None
    composite_after: Decimal | None

    @property
    def rises(self) -> bool:
        """Tell whether the new grade is better."""
        return self.after is not None and (self.before is None or self.after.rank < self.before.rank)


@dataclass(frozen=True, slots=True)
class Near:
    """A branch whose new composite lies within one point of a line."""

    code: str
    composite: Decimal
    grade: str
    minimum: Decimal

    @property
    def distance(self) -> Decimal:
        """How far above (or, negative, below) the line."""
        return self.composite - self.minimum


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the changed rules give. A warning stands with the group it is about, "" for the whole round."""

    moved: tuple[Moved, ...]
    near: tuple[Near, ...]
    distribution: tuple[tuple[str, int], ...]
    warnings: tuple[tuple[str, str], ...]
    ungraded: int


def lean(source: scoring.SourceScore) -> scoring.SourceScore:
    """Return a scored source without its items: nothing here asks for them, and it is kept between requests."""
    return replace(source, sheet=None, annual=None)


def situation(rules: scoring.RoundRules, units: Sequence[scoring.UnitInput]) -> Situation:
    """Score every source once and grade by the present rules."""
    with nothing_to_collect():
        scored = tuple(tuple(lean(source) for source in scoring.score_unit(rules, unit)) for unit in units)
        bare = {unit.rubric.code: replace(unit.rubric, sections=()) for unit in units}
        kept = tuple(replace(unit, sources={}, rubric=bare[unit.rubric.code]) for unit in units)
        outcome = _grade(rules, kept, scored)
    return Situation(
        rules,
        kept,
        scored,
        tuple(one.grade for one in outcome.derivations),
        tuple(one.composite.rounded for one in outcome.derivations),
        outcome.distribution,
    )


def _grade(
    rules: scoring.RoundRules,
    units: Sequence[scoring.UnitInput],
    scored: Sequence[tuple[scoring.SourceScore, ...]],
) -> scoring.RoundOutcome:
    found = [scoring.grade_unit(rules, unit, sources) for unit, sources in zip(units, scored, strict=True)]
    return scoring.finish_round(rules, found, [unit.group for unit in units])


def changed(rules: scoring.RoundRules, changes: Changes) -> scoring.RoundRules:
    """Return the rules with what is moved; a line that had none before is added."""
    sources = tuple(replace(one, weight=changes.weights.get(one.code, one.weight)) for one in rules.sources)
    lines = tuple(replace(cut, minimum=changes.minimums.get(cut.grade, cut.minimum)) for cut in rules.cut_offs)
    caps = tuple(
        replace(cap, value=changes.caps[place].value, mode=changes.caps[place].mode) if place in changes.caps else cap
        for place, cap in enumerate(rules.caps)
    )
    return replace(rules, sources=sources, cut_offs=lines, caps=caps)


def try_out(kept: Situation, changes: Changes) -> Outcome:
    """Return what changed rules give, beside what the present ones gave."""
    rules = changed(kept.rules, changes)
    weights = {source.code: source.weight for source in rules.sources}
    with nothing_to_collect():
        scored = [tuple(_weighed(source, weights) for source in sources) for sources in kept.scored]
        outcome = _grade(rules, kept.units, scored)
    moved, near = [], []
    lines = [(rules.grade(cut.grade).label, cut.minimum) for cut in rules.cut_offs]
    rows = zip(kept.units, kept.grades, kept.composites, outcome.derivations, strict=True)
    for unit, before, composite, derivation in rows:
        after, rounded = derivation.grade, derivation.composite.rounded
        if (before and before.code) != (after and after.code):
            moved.append(Moved(unit.unit, before, after, composite, rounded))
        if rounded is not None:
            near += [Near(unit.unit, rounded, label, line) for label, line in lines if abs(rounded - line) <= NEAR]
    return Outcome(
        tuple(moved),
        tuple(sorted(near, key=lambda one: (-one.minimum, -one.composite, one.code))),
        outcome.distribution,
        tuple((report.group, report.warning) for report in outcome.caps if report.warning),
        sum(derivation.grade is None for derivation in outcome.derivations),
    )


def _weighed(source: scoring.SourceScore, weights: Mapping[str, Decimal]) -> scoring.SourceScore:
    """Return a source with the weight of the changed rules."""
    weight = weights[source.code]
    return source if weight == source.weight else replace(source, weight=weight)
