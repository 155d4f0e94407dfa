"""Freezing the results of a round, and asking later whether they would still come out the same. docs/freezing.md."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from grading import rules, scoring
from grading.gates import listed
from grading.models import Correction, Result, Round, RoundSnapshot, RoundUnit
from grading.scoring import snapshot
from grading.services.errors import refuse
from grading.services.results import WRITTEN, derivation_of, fill, graded_units

BATCH = 100


@dataclass(frozen=True, slots=True)
class Drift:
    """A frozen result that would not come out the same today, or does not agree with what was frozen beside it."""

    unit: RoundUnit
    sentences: tuple[str, ...]


def freeze_results(*, round_: Round, now: dt.datetime) -> int:
    """Freeze the decided results of a round with their inputs and rules (call it before the round becomes final).

    Derivations are brought up to date, as caps count branches that were decided later. Returns how many were frozen.
    Raises RefusedError when a branch would be computed to another grade than the one its decision was made on.
    """
    units = graded_units(round_)
    values, inputs = rules.round_rules(round_), rules.Inputs(round_, units)
    given = inputs.all()
    outcome = scoring.grade_round(values, given)
    decided = Result.objects.filter(unit__round=round_, state=Result.State.DECIDED, frozen_at__isnull=True)
    stored = {result.unit_id: result for result in decided.select_related("unit")}
    grades = {grade.code: grade for grade in round_.scale.grades.all()}
    changed: list[Result] = []
    frozen: list[Result] = []
    for unit, one, derivation in zip(units, given, outcome.derivations, strict=True):
        if (result := stored.get(unit.pk)) is None:
            continue
        before = result.computed_grade_id
        fill(result, derivation, values, grades, result.computed_at)
        result.inputs, result.frozen_at = snapshot.freeze_unit(one), now
        (frozen if result.computed_grade_id == before else changed).append(result)
    if changed:
        names = listed(result.unit.name for result in changed)
        refuse(f"{len(changed)} 个支部定级之后测算等级有了变化：{names}。请撤回后按新的测算重新定级。")
    Result.objects.bulk_update(frozen, [*WRITTEN, "inputs", "frozen_at"], batch_size=BATCH)
    kept = snapshot.freeze(values, {id(one.rubric): one.rubric for one in given}.values())
    RoundSnapshot.objects.create(
        round=round_,
        rules=kept.rules,
        rubrics=kept.rubrics,
        rule_version=values.version,
        algorithm=scoring.ALGORITHM,
        digest=kept.digest,
        taken_at=now,
    )
    return len(frozen)


def drift(round_: Round) -> list[Drift]:
    """Return the frozen results of a round that differ: from today's rows, or from what was frozen with them.

    Reads only. Results frozen by a version of the product that kept no inputs are compared with today's rows alone.
    """
    rows = Result.objects.filter(unit__round=round_, frozen_at__isnull=False).current().select_related("unit")
    stored = {result.unit_id: result for result in rows}
    units = [unit for unit in graded_units(round_) if unit.pk in stored]
    if not units:
        return []
    outcome = scoring.grade_round(rules.round_rules(round_), rules.Inputs(round_, units).all())
    kept = snapshot_of(round_)
    inner = _recheck(kept, [stored[unit.pk] for unit in units])
    approved = _approved(round_)
    found = []
    for unit, fresh in zip(units, outcome.derivations, strict=True):
        result = stored[unit.pk]
        said = [f"按现在的数据重算：{text}" for text in snapshot.drift_of(derivation_of(result), fresh)]
        said += [f"与定级时存下的数据不符：{text}" for text in inner.get(unit.pk, ())]
        said += _unfounded(result, approved)
        if said:
            found.append(Drift(unit, tuple(said)))
    return found


def snapshot_of(round_: Round) -> RoundSnapshot | None:
    """Return the rules a final round was frozen with, None for one that was final before there were snapshots."""
    return RoundSnapshot.objects.filter(round=round_).first()


def _recheck(kept: RoundSnapshot | None, stored: list[Result]) -> dict[int, tuple[str, ...]]:
    """Compute again from what was frozen; return what differs by unit id."""
    if kept is None or not all(result.inputs for result in stored):
        return {}
    frozen = snapshot.Frozen(kept.rules, kept.rubrics)
    if frozen.digest != kept.digest:
        return {result.unit_id: ("存下的规则已被改动。",) for result in stored}
    differing = snapshot.recheck(
        frozen, [result.inputs for result in stored], [derivation_of(result) for result in stored]
    )
    return {result.unit_id: texts for result, texts in zip(stored, differing, strict=True)}


def _approved(round_: Round) -> set[tuple[int, int, int]]:
    """Return unit, version and grade of every approved correction of a round."""
    rows = Correction.objects.filter(result__unit__round=round_, state=Correction.State.APPROVED)
    return {(unit, version + 1, grade) for unit, version, grade in rows.values_list(
        "result__unit_id", "result__version", "grade_id")}  # fmt: skip


def _unfounded(result: Result, approved: set[tuple[int, int, int]]) -> Iterator[str]:
    """Yield a sentence when the grade does not follow from the computation, a person's reason or a correction."""
    if result.corrected and (result.unit_id, result.version, result.decided_grade_id) not in approved:
        yield "这一版结果没有经复核的更正。"
    if not result.manual and result.decided_grade_id != result.computed_grade_id:
        yield "所定等级与测算等级不同，却没有人工调整的标记。"


def drift_everywhere(limit: int | None = None) -> Iterator[tuple[Round, list[Drift]]]:
    """Yield every final round, newest first, with its drift; at most `limit` rounds."""
    rounds = Round.objects.filter(state=Round.State.FINAL).select_related("campaign", "scale")
    for round_ in rounds.order_by("-finalised_at")[:limit]:
        yield round_, drift(round_)
