"""From points per item to the score of one filled sheet (自评, 党总支考评, 抽查)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from grading.scoring.numbers import HUNDRED, ZERO, exact, plain
from grading.scoring.rules import CriterionKind, CriterionRule, Exceed, NotApplicable, RubricRule, SectionRule

Figures = Mapping[str, Fraction | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a person entered for one item: points (the amount taken off, for a deduction), or 不适用."""

    points: Decimal | None
    not_applicable: bool = False


class CriterionScore(NamedTuple):
    """One item: what was entered, what it earns, what it could earn. A tuple, as a round makes a million of them."""

    code: str
    entered: Decimal | None
    earned: Decimal | None
    maximum: Decimal
    not_applicable: bool = False


@dataclass(frozen=True, slots=True)
class SectionScore:
    """One section. ``earned`` is None while an item is open; ``partial`` is the sum so far.

    ``scaled`` is set only where 不适用 was re-scaled inside the section.
    """

    code: str
    name: str
    maximum: Decimal
    applicable: Decimal
    partial: Decimal
    earned: Decimal | None
    scaled: Fraction | None
    criteria: tuple[CriterionScore, ...] = ()


@dataclass(frozen=True, slots=True)
class SheetScore:
    """A whole sheet. ``score`` is out of 100 and None while anything is open (``missing`` names it)."""

    rubric: str
    version: int
    maximum: Decimal
    applicable: Decimal
    partial: Decimal
    earned: Decimal | None
    score: Fraction | None
    missing: tuple[str, ...]
    sections: tuple[SectionScore, ...]


def entry_problem(criterion: CriterionRule, entry: Entry, rule: NotApplicable) -> str | None:
    """Return a sentence when an entry cannot be right for its item, else None."""
    name = f"{criterion.code} "
    if entry.not_applicable:
        if rule is NotApplicable.REFUSED:
            return f"{name}本标准不允许填“不适用”。"
        return f"{name}填了“不适用”就不能再填分数。" if entry.points is not None else None
    if entry.points is None:
        return None
    if criterion.kind in (CriterionKind.SYSTEM, CriterionKind.VETO):
        return (
            f"{name}由系统填写，不能手工打分。"
            if criterion.kind is CriterionKind.SYSTEM
            else f"{name}是否决项，不打分。"
        )
    if entry.points < 0:
        return f"{name}分数不能小于 0。"
    if criterion.kind is CriterionKind.LEVELS:
        allowed = tuple(level.points for level in criterion.levels)
        if entry.points not in allowed:
            return f"{name}只能选 {'、'.join(plain(points) for points in allowed)} 分。"
        return None
    pure_deduction = criterion.kind is CriterionKind.DEDUCTION and criterion.points == 0
    if entry.points > criterion.points and not pure_deduction:
        word = "扣分" if criterion.kind is CriterionKind.DEDUCTION else "分数"
        return f"{name}{word}不能超过 {plain(criterion.points)} 分。"
    if criterion.step > 0 and entry.points % criterion.step != 0:
        return f"{name}分数要按 {plain(criterion.step)} 分一档填写。"
    return None


def band_points(criterion: CriterionRule, figure: Fraction | None) -> Decimal | None:
    """Return the points of a system-filled item: the best band whose minimum the exact figure reaches."""
    if figure is None:
        return None
    reached = [
        level.points for level in criterion.levels if level.minimum is None or figure * 100 >= exact(level.minimum)
    ]
    return max(reached, default=ZERO)


def _score_criterion(criterion: CriterionRule, entry: Entry | None, figures: Figures) -> CriterionScore:
    """Return what one item earns."""
    maximum = criterion.points
    if criterion.kind is CriterionKind.POINTS and entry is not None and entry.points is not None:
        points = entry.points
        return CriterionScore(criterion.code, points, min(points, maximum), maximum)
    if criterion.kind is CriterionKind.SYSTEM:
        filled = band_points(criterion, figures.get(criterion.figure))
        return CriterionScore(criterion.code, filled, filled, maximum)
    if criterion.kind is CriterionKind.VETO:
        return CriterionScore(criterion.code, None, ZERO, ZERO)
    if entry is not None and entry.not_applicable:
        return CriterionScore(criterion.code, None, None, maximum, not_applicable=True)
    entered = entry.points if entry is not None else None
    if entered is None:
        return CriterionScore(criterion.code, None, ZERO if criterion.counted == 0 else None, maximum)
    if criterion.kind is CriterionKind.DEDUCTION:
        earned = -entered if criterion.points == 0 else max(criterion.points - entered, ZERO)
        return CriterionScore(criterion.code, entered, earned, maximum)
    return CriterionScore(criterion.code, entered, min(entered, criterion.points), maximum)


def _score_section(
    rubric: RubricRule, section: SectionRule, entries: Mapping[str, Entry], figures: Figures
) -> SectionScore:
    """Return one section from its items; inside it 不适用 is re-scaled only when the rubric says so."""
    scores = tuple([_score_criterion(item, entries.get(item.code), figures) for item in section.criteria])
    partial, applicable, open_items = ZERO, section.points, False
    for rule, score in zip(section.criteria, scores, strict=True):
        if score.not_applicable:
            applicable -= rule.counted
        elif score.earned is None:
            open_items = True
        else:
            partial += score.earned
    partial = max(partial, ZERO)
    if rubric.exceed is Exceed.NONE:
        partial = min(partial, applicable)
    earned = None if open_items or (applicable == 0 and section.points > 0) else partial
    scaled = None
    if earned is not None and rubric.not_applicable is NotApplicable.SECTION and applicable != section.points:
        scaled = Fraction(earned) * Fraction(section.points) / Fraction(applicable)
    return SectionScore(section.code, section.name, section.points, applicable, partial, earned, scaled, scores)


def score_sheet(rubric: RubricRule, entries: Mapping[str, Entry], figures: Figures | None = None) -> SheetScore:
    """Return the score of a sheet filled item by item.

    ``entries`` maps item codes to entries, ``figures`` feeds system-filled items with exact shares (0 to 1).
    """
    known = figures or {}
    return _total(rubric, tuple(_score_section(rubric, section, entries, known) for section in rubric.sections))


def score_sections(rubric: RubricRule, points: Mapping[str, Decimal | None]) -> SheetScore:
    """Return the score of a sheet on which only section sums were given, keyed by section code."""
    sections = []
    for section in rubric.sections:
        given = points.get(section.code)
        earned = min(max(given, ZERO), section.points) if given is not None else None
        partial = earned if earned is not None else ZERO
        sections.append(SectionScore(section.code, section.name, section.points, section.points, partial, earned, None))
    return _total(rubric, tuple(sections))


def _dropped(section: SectionScore) -> bool:
    """Tell whether every item of a section that has points is 不适用."""
    return section.applicable == 0 and section.maximum > 0


def _total(rubric: RubricRule, sections: tuple[SectionScore, ...]) -> SheetScore:
    """Add sections up and bring the sum to a score out of 100."""
    missing = _missing(sections)
    partial = sum((section.partial for section in sections), ZERO)
    applicable = sum((section.applicable for section in sections), ZERO)
    counted = [section for section in sections if not _dropped(section)]
    score, earned = None, None
    if not missing and counted and applicable > 0:
        earned = sum((section.earned for section in counted if section.earned is not None), ZERO)
        score = _to_hundred(rubric, counted, earned)
    return SheetScore(rubric.code, rubric.version, rubric.points, applicable, partial, earned, score, missing, sections)


def _missing(sections: tuple[SectionScore, ...]) -> tuple[str, ...]:
    """Return codes of what is still open: items, or whole sections where only sums are given."""
    codes: list[str] = []
    for section in sections:
        if section.criteria:
            codes += [item.code for item in section.criteria if item.earned is None and not item.not_applicable]
        elif section.earned is None and section.maximum > 0:
            codes.append(section.code)
    return tuple(codes)


def _to_hundred(rubric: RubricRule, counted: list[SectionScore], earned: Decimal) -> Fraction:
    """Scale the sum of the counted sections to 100 points."""
    total = exact(earned)
    for section in counted:
        if section.scaled is not None and section.earned is not None:
            total += section.scaled - Fraction(section.earned)
    if rubric.not_applicable is NotApplicable.SECTION:
        base = sum((section.maximum for section in counted), ZERO)
    else:
        base = sum((section.applicable for section in counted), ZERO)
    score = total if base == HUNDRED else total * 100 / exact(base)
    return score if rubric.exceed is Exceed.TOTAL else min(score, exact(HUNDRED))
