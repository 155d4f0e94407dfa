"""From sources to one composite: weights, missing sources, exact sum, rounding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from grading.scoring.figures import AnnualScore, AppraisalScore, Counts, GroupCounts, score_annual, score_counts
from grading.scoring.numbers import exact, round_half_up
from grading.scoring.rules import MissingRule, RoundRules, RubricRule, SourceKind, SourceRule
from grading.scoring.sheet import Entry, Figures, SheetScore, score_sections, score_sheet


class SourceStatus(StrEnum):
    """Whether a source counts, is exempt with a reason, or is simply not there."""

    SCORED = "scored"
    EXEMPT = "exempt"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class SheetInput:
    """A filled sheet: items, or section sums where the source is scored by section; `note` says whose it is."""

    entries: Mapping[str, Entry]
    sections: Mapping[str, Decimal | None] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class CountsInput:
    """Ballot counts: all together, and by voter group where the source has groups."""

    counts: Counts
    groups: tuple[GroupCounts, ...] = ()


@dataclass(frozen=True, slots=True)
class AnnualInput:
    """A result of the yearly assessment as it was handed in."""

    label: str
    score: Decimal | None


@dataclass(frozen=True, slots=True)
class ExemptInput:
    """A source that a person set aside for this branch, with the reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class MissingInput:
    """A source that is known to be missing, with the reason (未组织, 作废, 有效票太少)."""

    reason: str


SourceInput = SheetInput | CountsInput | AnnualInput | ExemptInput | MissingInput


@dataclass(frozen=True, slots=True)
class SourceScore:
    """One source of one branch, with everything it was computed from."""

    code: str
    name: str
    kind: SourceKind
    weight: Decimal
    status: SourceStatus
    score: Fraction | None
    reason: str = ""
    sheet: SheetScore | None = None
    appraisal: AppraisalScore | None = None
    annual: AnnualScore | None = None


@dataclass(frozen=True, slots=True)
class WeightedPart:
    """What one source contributes: weight in percent after re-normalising, and weight × score."""

    code: str
    name: str
    weight: Fraction
    score: Fraction
    part: Fraction


@dataclass(frozen=True, slots=True)
class Composite:
    """The composite: exact, rounded, its parts, and what stands in its way."""

    exact: Fraction | None
    rounded: Decimal | None
    parts: tuple[WeightedPart, ...]
    renormalised: bool
    blockers: tuple[str, ...]


def score_source(rule: SourceRule, rubric: RubricRule, given: SourceInput | None, figures: Figures) -> SourceScore:
    """Return one source's score from what was handed in (None: nothing was).

    Raises:
        TypeError: the input does not fit the kind of the source.
    """
    if given is None:
        return _missing(rule, "还没有数据")
    if isinstance(given, MissingInput):
        return _missing(rule, given.reason)
    if isinstance(given, ExemptInput):
        return SourceScore(rule.code, rule.name, rule.kind, rule.weight, SourceStatus.EXEMPT, None, given.reason)
    if isinstance(given, SheetInput) and rule.kind is SourceKind.SHEET:
        return _from_sheet(rule, rubric, given, figures)
    if isinstance(given, CountsInput) and rule.kind is SourceKind.APPRAISAL:
        appraisal = score_counts(rule, given.counts, given.groups)
        return _scored(rule, appraisal.score, appraisal.reason, appraisal=appraisal)
    if isinstance(given, AnnualInput) and rule.kind is SourceKind.ANNUAL:
        annual = score_annual(rule, given.label, given.score)
        return _scored(rule, annual.score, annual.reason, annual=annual)
    raise TypeError(f"{type(given).__name__} does not fit source {rule.code} of kind {rule.kind}")


def _missing(rule: SourceRule, reason: str) -> SourceScore:
    return SourceScore(rule.code, rule.name, rule.kind, rule.weight, SourceStatus.MISSING, None, reason)


def _from_sheet(rule: SourceRule, rubric: RubricRule, given: SheetInput, figures: Figures) -> SourceScore:
    """Return the score of a sheet, by items or by sections."""
    if given.sections is not None:
        sheet = score_sections(rubric, given.sections)
    else:
        sheet = score_sheet(rubric, given.entries, figures)
    reason = given.note
    if sheet.score is None:
        reason = f"还有 {len(sheet.missing)} 项没有评分" if sheet.missing else "全部项目不适用"
    return _scored(rule, sheet.score, reason, sheet=sheet)


def _scored(
    rule: SourceRule,
    score: Fraction | None,
    reason: str,
    *,
    sheet: SheetScore | None = None,
    appraisal: AppraisalScore | None = None,
    annual: AnnualScore | None = None,
) -> SourceScore:
    """Wrap a score; without one the source is missing, never zero."""
    status = SourceStatus.SCORED if score is not None else SourceStatus.MISSING
    return SourceScore(rule.code, rule.name, rule.kind, rule.weight, status, score, reason, sheet, appraisal, annual)


def combine(rules: RoundRules, sources: tuple[SourceScore, ...]) -> Composite:
    """Return the weighted composite.

    A source of weight 0 never blocks. A missing one blocks unless the round re-normalises by itself; an exempt
    one is left out and the other weights are re-normalised, unless the round allows no exemption.
    """
    weighted = [source for source in sources if source.weight > 0]
    blockers = _blockers(rules.missing, weighted)
    counted = [source for source in weighted if source.score is not None]
    base = sum((exact(source.weight) for source in counted), Fraction(0))
    if not counted:
        return Composite(None, None, (), renormalised=False, blockers=blockers or ("没有任何来源有得分。",))
    parts = []
    for source in counted:
        weight = exact(source.weight)
        if base != 100:
            weight = weight * 100 / base
        score = source.score if source.score is not None else Fraction(0)
        parts.append(WeightedPart(source.code, source.name, weight, score, weight * score / 100))
    renormalised = len(counted) < len(weighted)
    if blockers:
        return Composite(None, None, tuple(parts), renormalised, blockers)
    total = sum((part.part for part in parts), Fraction(0))
    return Composite(total, round_half_up(total, rules.places), tuple(parts), renormalised, ())


def _blockers(rule: MissingRule, weighted: list[SourceScore]) -> tuple[str, ...]:
    """Return a sentence per source that keeps the composite from being computed."""
    found = []
    for source in weighted:
        if source.status is SourceStatus.MISSING and rule is not MissingRule.RENORMALISE:
            found.append(f"缺{source.name}：{source.reason.rstrip('。')}。")
        if source.status is SourceStatus.EXEMPT and rule is MissingRule.BLOCK:
            found.append(f"{source.name}填了免计，但本轮规则不允许缺项。")
    return tuple(found)
