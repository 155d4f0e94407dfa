"""晋位升级: which rounds are compared and how, what came of it, and reasons of falls. Reading never writes."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from django.db import transaction

from branches import audit, clock
from branches.models import Account, Succession
from grading.models import Comparison, FallReason, Grade, GradeMatch, Result, Round, RoundUnit
from grading.promotion import Link, MergedRule, Move, Movement, Promotion, Standing, compare
from grading.services.errors import RefusedError, refuse
from grading.services.results import standing


@dataclass(frozen=True, slots=True)
class Terms:
    """How two rounds are compared. `matches` runs from grade codes of the earlier round to those of the later."""

    earlier: Round
    merged: MergedRule
    matches: Mapping[str, str]
    version: int = 0


@dataclass(frozen=True, slots=True)
class Compared:
    """A comparison with what a page, an annex and a gate need to show it."""

    round: Round
    terms: Terms
    promotion: Promotion
    earlier_grades: tuple[Grade, ...]
    later_grades: tuple[Grade, ...]
    units: Mapping[int, RoundUnit]
    reasons: Mapping[int, str]
    barred: frozenset[int] = field(default=frozenset())
    settled: bool = True

    @property
    def unexplained(self) -> tuple[Movement, ...]:
        """Return the branches that fell and have no reason yet."""
        return tuple(row for row in self.promotion.of(Move.FALLEN) if row.branch not in self.reasons)

    def only(self, branches: Iterable[int]) -> "Compared":
        """Return the part of it that belongs to these branches."""
        return replace(self, promotion=self.promotion.only(branches))

    @property
    def wrongly_risen(self) -> tuple[Movement, ...]:
        """Return the branches that rose although a rule of the round bars them from rising."""
        return tuple(row for row in self.promotion.of(Move.RISEN) if row.branch in self.barred)


def candidates(round_: Round) -> list[Round]:
    """Return the rounds a round may be compared with: earlier ones of the same root, newest first."""
    same_root = Round.objects.filter(campaign__root=round_.campaign.root_id, opened_at__isnull=False)
    rows = same_root.exclude(pk=round_.pk).select_related("campaign", "scale")
    now = (round_.campaign.year, round_.campaign_id, round_.ordinal)
    earlier = [row for row in rows if (row.campaign.year, row.campaign_id, row.ordinal) < now]
    return sorted(earlier, key=lambda row: (row.campaign.year, row.campaign_id, row.ordinal), reverse=True)


def terms_of(round_: Round) -> Terms | None:
    """Return how a round is compared: as set, else with the round before it; None when there is none."""
    stored = Comparison.objects.filter(round=round_).select_related("earlier__scale", "earlier__campaign").first()
    if stored is None:
        found = candidates(round_)
        return Terms(found[0], MergedRule.LOWER, by_rank(found[0], round_)) if found else None
    rows = stored.matches.select_related("earlier", "later")
    matches = {row.earlier.code: row.later.code for row in rows} or by_rank(stored.earlier, round_)
    return Terms(stored.earlier, MergedRule(stored.merged), matches, stored.version)


def by_rank(earlier: Round, later: Round) -> dict[str, str]:
    """Return which grades correspond when nobody said: equal codes, or the same place in scales of equal length."""
    old, new = list(earlier.scale.grades.all()), list(later.scale.grades.all())
    codes = {grade.code for grade in new}
    if all(grade.code in codes for grade in old):
        return {grade.code: grade.code for grade in old}
    if len(old) != len(new):
        return {}
    return {mine.code: theirs.code for mine, theirs in zip(old, new, strict=True)}


def compare_rounds(round_: Round) -> Compared | None:
    """Return what became of every branch since the earlier round; None when there is none to compare with.

    Grades count as they stand now: decided, else proposed, else computed from the inputs as on every other page.
    """
    terms = terms_of(round_)
    if terms is None:
        return None
    before, _, _ = _standings(terms.earlier)
    after, units, results = _standings(round_)
    later_grades = tuple(round_.scale.grades.all())
    ranks = {grade.code: grade.rank for grade in later_grades}
    promotion = compare(before, after, _links(terms.earlier, round_), ranks, terms.matches, merged=terms.merged)
    barred = _barred(units, results)
    reasons = FallReason.objects.filter(unit__round=round_).values_list("unit__branch_id", "text")
    return Compared(
        round=round_,
        terms=terms,
        promotion=promotion,
        earlier_grades=tuple(terms.earlier.scale.grades.all()),
        later_grades=later_grades,
        units=units,
        reasons=dict(reasons),
        barred=frozenset(barred),
        settled=round_.state == Round.State.FINAL and terms.earlier.state == Round.State.FINAL,
    )


def _standings(round_: Round) -> tuple[list[Standing], dict[int, RoundUnit], dict[int, Result]]:
    """Return the branches of a round with their grades, in the order of the annexes; direct ones last."""
    units = sorted(RoundUnit.objects.filter(round=round_), key=lambda unit: unit.direct)
    results = standing(round_, units, now=clock.now())
    standings = []
    for unit in units:
        grade = results[unit.pk].grade if unit.graded and unit.pk in results else None
        standings.append(
            Standing(
                unit.branch_id, unit.name, unit.general_branch_name, unit.category_name,
                grade.code if grade else None, unit.facts.get("total_members"),
            )
        )  # fmt: skip
    return standings, {unit.branch_id: unit for unit in units}, results


def _barred(units: Mapping[int, RoundUnit], results: Mapping[int, Result]) -> set[int]:
    """Return the branches a gate bars from promotion; of stored derivations, which are large, only that is read."""
    branches = {unit.pk: branch for branch, unit in units.items()}
    stored = [row.pk for row in results.values() if row.pk and "derivation" in row.get_deferred_fields()]
    said = dict(Result.objects.filter(pk__in=stored).values_list("unit_id", "derivation__bars_promotion"))
    said |= {pk: row.derivation.get("bars_promotion") for pk, row in results.items() if pk not in said}
    return {branches[pk] for pk, barred in said.items() if barred}


def _links(earlier: Round, later: Round) -> list[Link]:
    """Return the successions between the days on which the two rounds copied their branches."""
    rows = Succession.objects.all()
    if earlier.frozen_on:
        rows = rows.filter(happened_on__gt=earlier.frozen_on)
    if later.frozen_on:
        rows = rows.filter(happened_on__lte=later.frozen_on)
    return [Link(*pair) for pair in rows.order_by("pk").values_list("predecessor_id", "successor_id")]


def earlier_grades(round_: Round) -> dict[int, tuple[str, Movement]]:
    """Return by branch id the label of the grade it had in the round before, and its movement since."""
    found = compare_rounds(round_)
    if found is None:
        return {}
    labels = {grade.code: grade.label for grade in found.earlier_grades}
    return {row.branch: (labels.get(row.earlier or "", ""), row) for row in found.promotion.movements}


@transaction.atomic
def set_comparison(
    *,
    by: Account | None,
    round_: Round,
    earlier: Round,
    merged: str,
    matches: Mapping[str, str],
    version: int,
) -> Comparison:
    """Say which earlier round a round is compared with, what a merged branch starts from, and which grades correspond.

    `matches`: grade code of the earlier round → grade code of this round; a grade left out stays outside.
    Raises RefusedError once the round is final, when somebody changed it meanwhile, or for unknown rounds and grades.
    """
    row = Round.objects.select_for_update(of=("self",)).select_related("campaign__root", "scale").get(pk=round_.pk)
    if row.state == Round.State.FINAL:
        refuse("本轮已经定级，对比办法不再改。")
    stored = Comparison.objects.filter(round=row).first()
    if (stored.version if stored else 0) != version:
        refuse("对比办法刚被他人改过，请刷新后再改。")
    if earlier.pk not in {one.pk for one in candidates(row)}:
        raise RefusedError(["只能与同一党委下较早开始的一轮对比。"], {"earlier": "请重选"})
    if merged not in Comparison.Merged.values:
        raise RefusedError(["请选择合并支部的原等级怎样算。"], {"merged": "请选择"})
    pairs = _pairs(earlier, row, matches)
    before = _described(stored)
    stored, _ = Comparison.objects.update_or_create(
        round=row, defaults={"earlier": earlier, "merged": merged, "version": version + 1}
    )
    stored.matches.all().delete()
    GradeMatch.objects.bulk_create(GradeMatch(comparison=stored, earlier=old, later=new) for old, new in pairs)
    audit.record(
        by=by,
        action="round.comparison",
        thing=row,
        branch=row.campaign.root,
        summary=f"设定与{earlier}对比",
        before=before,
        after=_described(stored),
    )
    return stored


def _pairs(earlier: Round, later: Round, matches: Mapping[str, str]) -> list[tuple[Grade, Grade]]:
    """Return the corresponding grades. Raises RefusedError where order would turn over or a grade is unknown."""
    old = {grade.code: grade for grade in earlier.scale.grades.all()}
    new = {grade.code: grade for grade in later.scale.grades.all()}
    if set(matches) - set(old) or set(matches.values()) - set(new):
        refuse("等级对应里有不认识的等级，请重选。")
    if not matches:
        refuse("至少要有一个等级相对应，否则无从对比。")
    pairs = [(grade, new[matches[code]]) for code, grade in old.items() if code in matches]
    for (better, higher), (worse, lower) in pairwise(pairs):
        if higher.rank > lower.rank:
            refuse(f"“{better}”高于“{worse}”，对应的等级不能反而低：“{higher}”低于“{lower}”。")
    return pairs


def _described(stored: Comparison | None) -> dict[str, object]:
    if stored is None:
        return {}
    rows = stored.matches.select_related("earlier", "later")
    return {
        "earlier": stored.earlier_id,
        "merged": stored.merged,
        "matches": {row.earlier.code: row.later.code for row in rows},
    }


@transaction.atomic
def explain_fall(*, by: Account | None, unit: RoundUnit, text: str, now: dt.datetime) -> FallReason:
    """Write down why a branch fell. Raises RefusedError without words, once the round is final, or without a fall."""
    if unit.round.state == Round.State.FINAL:
        refuse("本轮已经定级，说明不再改。")
    if not text.strip():
        raise RefusedError(["请写明退位的原因。"], {"text": "请写明原因"})
    limit = FallReason._meta.get_field("text").max_length or 0
    if len(text.strip()) > limit:
        raise RefusedError([f"退位说明最多 {limit} 个字，现有 {len(text.strip())} 个。"], {"text": "太长"})
    found = compare_rounds(unit.round)
    if found is None or unit.branch_id not in {row.branch for row in found.promotion.of(Move.FALLEN)}:
        refuse(f"{unit.name}没有退位，不用说明。")
    values = {"text": text.strip(), "given_by": by, "given_at": now}
    reason, _ = FallReason.objects.update_or_create(unit=unit, defaults=values)
    audit.record(
        by=by,
        action="unit.explain_fall",
        thing=reason,
        branch=unit.branch,
        summary="填写退位说明",
        after={"text": reason.text},
    )
    return reason
