"""From a composite to a grade: lines, gates, vetoes, then the caps of the whole round."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from grading.scoring.caps import CapReport, apply_caps
from grading.scoring.composite import Composite, SourceInput, SourceScore, combine, score_source
from grading.scoring.derivation import (
    CutOffLine,
    Derivation,
    FigureValue,
    GateOutcome,
    GradeName,
    VetoOutcome,
)
from grading.scoring.divergence import diverge, grade_at
from grading.scoring.numbers import exact
from grading.scoring.rules import (
    ALGORITHM,
    RATE_FIGURE,
    SOURCE_FIGURE,
    GateRule,
    GradeRule,
    RoundRules,
    RubricRule,
    VetoEffect,
    VetoRule,
)

SATISFACTION = "satisfaction"


@dataclass(frozen=True, slots=True)
class VetoFound:
    """A veto that somebody established for a branch, with the note on it."""

    code: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class UnitInput:
    """Everything one branch brings into a round. ``group`` is its 党总支; direct branches share one group."""

    unit: str
    group: str
    rubric: RubricRule
    sources: Mapping[str, SourceInput | None]
    figures: Mapping[str, Fraction | None]
    vetoes: tuple[VetoFound, ...] = ()


@dataclass(frozen=True, slots=True)
class RoundOutcome:
    """Derivations in the order of the units, one report per cap and group, and the distribution."""

    derivations: tuple[Derivation, ...]
    caps: tuple[CapReport, ...]
    distribution: tuple[tuple[str, int], ...]


@cache
def name_of(grade: GradeRule) -> GradeName:
    """Return the stored form of a grade."""
    return GradeName(grade.code, grade.label, grade.rank)


def worse(first: GradeRule, second: GradeRule) -> GradeRule:
    """Return the worse of two grades."""
    return first if first.rank >= second.rank else second


def score_unit(rules: RoundRules, unit: UnitInput) -> tuple[SourceScore, ...]:
    """Return the sources of one branch, scored."""
    return tuple(score_source(rule, unit.rubric, unit.sources.get(rule.code), unit.figures) for rule in rules.sources)


def grade_unit(rules: RoundRules, unit: UnitInput, scored: tuple[SourceScore, ...] | None = None) -> Derivation:
    """Return the derivation of one branch before the caps of the round.

    ``scored`` may hand in sources that were scored before (what-if moves weights and lines, not points).
    """
    sources = scored if scored is not None else score_unit(rules, unit)
    composite = combine(rules, sources)
    figures = _figures(rules, unit, sources)
    by_score = grade_at(rules, composite.rounded) if composite.rounded is not None else None
    after_gates, gates = _apply_gates(rules, figures, by_score)
    after_vetoes, vetoes = _apply_vetoes(rules, unit.vetoes, after_gates)
    return Derivation(
        unit=unit.unit,
        version=rules.version,
        algorithm=ALGORITHM,
        places=rules.places,
        rubric=f"{unit.rubric.code} v{unit.rubric.version}",
        sources=sources,
        figures=figures,
        composite=composite,
        lines=tuple(CutOffLine(name_of(rules.grade(cut.grade)), cut.minimum) for cut in rules.cut_offs),
        by_score=name_of(by_score) if by_score is not None else None,
        gates=gates,
        vetoes=vetoes,
        veto_count=len(rules.vetoes),
        caps=(),
        grade=name_of(after_vetoes) if after_vetoes is not None else None,
        bars_promotion=any(gate.failed and gate.bars_promotion for gate in gates),
        blockers=_blockers(composite, after_vetoes),
        divergence=diverge(rules, sources),
    )


def _blockers(composite: Composite, grade: GradeRule | None) -> tuple[str, ...]:
    """Return what keeps a branch ungraded; a forced grade needs no composite."""
    return () if grade is not None else composite.blockers


def _figures(rules: RoundRules, unit: UnitInput, sources: tuple[SourceScore, ...]) -> tuple[FigureValue, ...]:
    """Collect the figures the gates ask for; 满意率 comes from the ballots unless it was handed in.

    A gate may also ask for the score of one source (as a share of 100), or for the 满意率 of one appraisal.
    """
    known = dict(unit.figures)
    if known.get(SATISFACTION) is None:
        rates = (source.appraisal.satisfaction for source in sources if source.appraisal is not None)
        known[SATISFACTION] = next((rate for rate in rates if rate is not None), None)
    names: dict[str, str] = {}
    for gate in rules.gates:
        names.setdefault(gate.figure, gate.name)
        if gate.figure not in known:
            known[gate.figure] = _figure_of_source(gate.figure, sources)
    for criterion in unit.rubric.criteria:
        if criterion.figure:
            names.setdefault(criterion.figure, criterion.text)
    return tuple(FigureValue(code, name, known.get(code)) for code, name in names.items())


def _figure_of_source(code: str, sources: tuple[SourceScore, ...]) -> Fraction | None:
    """Return the score of the source a figure names as a share of 100, or the 满意率 of the appraisal it names."""
    for source in sources:
        if code == f"{SOURCE_FIGURE}{source.code}" and source.score is not None:
            return source.score / 100
        if code == f"{RATE_FIGURE}{source.code}" and source.appraisal is not None:
            return source.appraisal.satisfaction
    return None


def _apply_gates(
    rules: RoundRules, figures: tuple[FigureValue, ...], grade: GradeRule | None
) -> tuple[GradeRule | None, tuple[GateOutcome, ...]]:
    """Hold every gate against its exact figure; an unknown figure fails nothing and is shown as unknown."""
    values = {figure.code: figure.value for figure in figures}
    outcomes = []
    for gate in rules.gates:
        value = values.get(gate.figure)
        failed = value is not None and value * 100 < exact(gate.minimum)
        best = rules.grade(gate.best) if gate.best is not None else None
        lowered = failed and best is not None and grade is not None and grade.rank < best.rank
        if lowered and best is not None:
            grade = best
        outcomes.append(_gate_outcome(gate, value, best, failed=failed, lowered=lowered))
    return grade, tuple(outcomes)


def _gate_outcome(
    gate: GateRule, value: Fraction | None, best: GradeRule | None, *, failed: bool, lowered: bool
) -> GateOutcome:
    return GateOutcome(
        figure=gate.figure,
        name=gate.name,
        value=value,
        minimum=gate.minimum,
        best=name_of(best) if best is not None else None,
        failed=failed,
        lowered=lowered,
        bars_promotion=gate.bars_promotion,
    )


def _apply_vetoes(
    rules: RoundRules, found: Iterable[VetoFound], grade: GradeRule | None
) -> tuple[GradeRule | None, tuple[VetoOutcome, ...]]:
    """Apply established vetoes; the worst effect holds, and no veto ever raises a grade."""
    by_code = {veto.code: veto for veto in rules.vetoes}
    outcomes = []
    for veto in found:
        rule = by_code[veto.code]
        target = rules.grade(rule.grade)
        after = _veto_grade(rule, target, grade)
        lowered = after is not grade
        grade = after
        outcomes.append(VetoOutcome(rule.code, rule.text, veto.note, str(rule.effect), name_of(target), lowered))
    return grade, tuple(outcomes)


def _veto_grade(rule: VetoRule, target: GradeRule, grade: GradeRule | None) -> GradeRule | None:
    """Return the grade after one veto. Forcing works without a composite; allowing at most one does not."""
    if grade is None:
        return target if rule.effect is VetoEffect.FORCE else None
    return target if target.rank > grade.rank else grade


@contextmanager
def nothing_to_collect() -> Iterator[None]:
    """Pause the garbage collector: it would look through a million derivations, all of them kept, again and again."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


def grade_round(rules: RoundRules, units: Sequence[UnitInput]) -> RoundOutcome:
    """Grade every branch of a round, then apply the caps over groups and the whole."""
    with nothing_to_collect():
        return finish_round(rules, [grade_unit(rules, unit) for unit in units], [unit.group for unit in units])


def finish_round(rules: RoundRules, derivations: Sequence[Derivation], groups: Sequence[str]) -> RoundOutcome:
    """Apply the caps to single derivations and count the grades; ``groups`` pairs with ``derivations``."""
    final, reports = apply_caps(rules, derivations, groups)
    counts = dict.fromkeys((grade.code for grade in rules.ranked), 0)
    for derivation in final:
        if derivation.grade is not None:
            counts[derivation.grade.code] += 1
    return RoundOutcome(tuple(final), reports, tuple(counts.items()))
