"""Where two sources on the same rubric differ so much that somebody must say why."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from grading.scoring.composite import SourceScore
from grading.scoring.numbers import plain, round_half_up
from grading.scoring.rules import GradeRule, RoundRules


@dataclass(frozen=True, slots=True)
class SectionGap:
    """Difference of one section (second minus first), and whether it passes the limit."""

    code: str
    name: str
    gap: Decimal
    flagged: bool


@dataclass(frozen=True, slots=True)
class Divergence:
    """Differences between two sources; ``flags`` are sentences, any of them asks for a written reason."""

    first: str
    second: str
    gap: Fraction
    sections: tuple[SectionGap, ...]
    grade_gap: int
    flags: tuple[str, ...]

    @property
    def needs_reason(self) -> bool:
        """Tell whether a written reason is wanted."""
        return bool(self.flags)


def grade_at(rules: RoundRules, rounded: Decimal) -> GradeRule:
    """Return the grade of a rounded score: the best whose cut-off it reaches, else the last of the scale."""
    minimums = {cut.grade: cut.minimum for cut in rules.cut_offs}
    for grade in rules.ranked:
        minimum = minimums.get(grade.code)
        if minimum is not None and rounded >= minimum:
            return grade
    return rules.ranked[-1]


def diverge(rules: RoundRules, sources: tuple[SourceScore, ...]) -> Divergence | None:
    """Return the divergence of the two sources the round compares, or None while one of them has no score."""
    rule = rules.divergence
    if rule is None:
        return None
    by_code = {source.code: source for source in sources}
    first, second = by_code.get(rule.first), by_code.get(rule.second)
    if first is None or second is None or first.score is None or second.score is None:
        return None
    gap = second.score - first.score
    sections = _section_gaps(first, second, rule.section_points)
    grade_gap = abs(
        grade_at(rules, round_half_up(first.score, rules.places)).rank
        - grade_at(rules, round_half_up(second.score, rules.places)).rank
    )
    names = f"{first.name}与{second.name}"
    flags = []
    if rule.points is not None and abs(gap) >= Fraction(rule.points):
        flags.append(f"{names}相差 {plain(round_half_up(abs(gap), 2))} 分，达到 {plain(rule.points)} 分。")
    if rule.grades is not None and grade_gap >= rule.grades:
        flags.append(f"{names}相差 {grade_gap} 个等级。")
    return Divergence(rule.first, rule.second, gap, sections, grade_gap, tuple(flags))


def _section_gaps(first: SourceScore, second: SourceScore, limit: Decimal | None) -> tuple[SectionGap, ...]:
    """Return the difference of every section both sources have scored."""
    if first.sheet is None or second.sheet is None:
        return ()
    before = {section.code: section.earned for section in first.sheet.sections}
    gaps = []
    for section in second.sheet.sections:
        own = before.get(section.code)
        if own is None or section.earned is None:
            continue
        gap = section.earned - own
        gaps.append(SectionGap(section.code, section.name, gap, limit is not None and abs(gap) >= limit))
    return tuple(gaps)
