"""Computing, proposing and deciding grades. Reading never writes: `derive` shows what `compute_round` would store."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import prefetch_related_objects

from branches import audit
from branches.models import Account
from branches.transitions import BlockedError, Decision, advance
from grading import rules, scoring
from grading.models import Cap, Grade, Result, Round, RoundUnit, Source
from grading.services.errors import RefusedError, refuse

WRITTEN = [
    "composite", "computed_grade", "self_grade", "scores", "satisfaction", "blockers", "flags", "derivation",
    "rule_version", "algorithm", "computed_at",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Computation:
    """What a computation of a round gave: the outcome, units in the same order, and their results."""

    outcome: scoring.RoundOutcome
    units: tuple[RoundUnit, ...]
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The grade chosen for a branch by its code; a reason is wanted where it differs from the computed one."""

    grade: str
    reason: str = ""


def graded_units(round_: Round) -> list[RoundUnit]:
    """Return the branches of a round that get a grade, in the order of the annexes."""
    return list(round_.units.filter(graded=True).select_related("branch"))


def derive(round_: Round, units: Sequence[RoundUnit] | None = None) -> dict[int, scoring.Derivation]:
    """Return derivations by unit id as the inputs stand now, storing nothing (about ten queries).

    With some `units`, grades are those of the whole round: where a cap lowers grades, all that it counts are computed.
    Caps that only warn count the given units alone; ask without `units` where their state is shown.
    """
    chosen = list(units) if units is not None else graded_units(round_)
    counted = chosen if units is None else _counted_with(round_, chosen)
    outcome = _compute(round_, counted)
    wanted = {unit.pk for unit in chosen}
    found = zip(counted, outcome.derivations, strict=True)
    return {unit.pk: derivation for unit, derivation in found if unit.pk in wanted}


def standing(round_: Round, units: Sequence[RoundUnit], *, now: dt.datetime, reckon: bool = True) -> dict[int, Result]:
    """Return by unit id what every page shows of grades: what people chose as stored, the rest as inputs stand now.

    Reads only: results that nobody chose yet are filled with the newest figures and must not be saved from here.
    Without `reckon` (nothing but what branches say of themselves is there) they come as stored too.
    """
    rows = Result.objects.filter(unit__in=units).current().defer("scores", "derivation")
    found = {row.unit_id: row for row in rows.select_related("computed_grade", "proposed_grade", "decided_grade")}
    waiting = [u for u in units if u.graded and (u.pk not in found or found[u.pk].state == Result.State.COMPUTED)]
    if not reckon or not waiting or round_.state in (Round.State.PREPARING, Round.State.FINAL):
        return found
    derived, values = derive(round_, waiting), rules.round_rules(round_)
    grades = {grade.code: grade for grade in round_.scale.grades.all()}
    for unit in waiting:
        fill(found.setdefault(unit.pk, Result(unit=unit)), derived[unit.pk], values, grades, now)
    return found


def _counted_with(round_: Round, units: Sequence[RoundUnit]) -> Sequence[RoundUnit]:
    """Return units with those that an enforced cap counts together with them."""
    prefetch_related_objects([round_], *rules.ROUND_ROWS)
    extents = {cap.extent for cap in round_.caps.all() if cap.mode == Cap.Mode.ENFORCED}
    if not extents:
        return units
    groups = {unit.group for unit in units}
    everyone = graded_units(round_)
    if Cap.Extent.ROUND not in extents:
        everyone = [unit for unit in everyone if unit.group in groups]
    present = {unit.pk for unit in everyone}
    return [*everyone, *(unit for unit in units if unit.pk not in present)]


def _compute(round_: Round, units: Sequence[RoundUnit]) -> scoring.RoundOutcome:
    """Run the arithmetic over units."""
    values = rules.round_rules(round_)
    return scoring.grade_round(values, rules.Inputs(round_, units).all())


@transaction.atomic
def compute_round(*, by: Account | None, round_: Round, now: dt.datetime) -> Computation:
    """Compute every branch of a round and store results with their derivations in one pass.

    Results that are proposed or decided are left as they are: their inputs cannot change until they are withdrawn.
    Raises RefusedError when the round is in preparation or final.
    """
    row = Round.objects.select_for_update().get(pk=round_.pk)
    if row.state in (Round.State.PREPARING, Round.State.FINAL):
        refuse(f"本轮现在是“{row.get_state_display()}”，不能测算。")
    units = graded_units(row)
    values = rules.round_rules(row)
    outcome = scoring.grade_round(values, rules.Inputs(row, units).all())
    stored = {result.unit_id: result for result in Result.objects.filter(unit__round=row).current()}
    grades = {grade.code: grade for grade in row.scale.grades.all()}
    new: list[Result] = []
    changed: list[Result] = []
    for unit, derivation in zip(units, outcome.derivations, strict=True):
        result = stored.setdefault(unit.pk, Result(unit=unit))
        if result.state != Result.State.COMPUTED:
            continue
        (changed if result.pk else new).append(result)
        fill(result, derivation, values, grades, now)
    Result.objects.bulk_create(new)
    Result.objects.bulk_update(changed, WRITTEN, batch_size=200)
    if new or changed:
        audit.record(
            by=by,
            action="round.compute",
            thing=row,
            branch=row.campaign.root,
            summary=f"测算 {len(new) + len(changed)} 个支部",
        )
    return Computation(outcome, tuple(units), tuple(stored[unit.pk] for unit in units))


def fill(
    result: Result,
    derivation: scoring.Derivation,
    values: scoring.RoundRules,
    grades: Mapping[str, Grade],
    now: dt.datetime,
) -> None:
    """Put a derivation into a result row, without saving it."""
    places = values.places
    own = derivation.source(Source.SELF)
    result.composite = derivation.composite.rounded
    result.computed_grade = grades[derivation.grade.code] if derivation.grade is not None else None
    result.self_grade = None
    if own is not None and own.score is not None:
        self_grade = scoring.grade_at(values, scoring.round_half_up(own.score, places))
        result.self_grade = grades[self_grade.code]
    result.scores = {
        source.code: None if source.score is None else str(scoring.round_half_up(source.score, places))
        for source in derivation.sources
    }
    result.satisfaction = "" if derivation.satisfaction is None else str(derivation.satisfaction)
    result.blockers = list(derivation.blockers)
    result.flags = list(flags_of(derivation))
    result.derivation = derivation.to_data()
    result.rule_version, result.algorithm, result.computed_at = derivation.version, derivation.algorithm, now


def flags_of(derivation: scoring.Derivation) -> tuple[str, ...]:
    """Return what lists mark beside a grade: 门槛, 否决, 超比例, 同分, 差异, 免计, 不得升级."""
    found = []
    if any(gate.lowered for gate in derivation.gates):
        found.append("门槛")
    if any(veto.lowered for veto in derivation.vetoes):
        found.append("否决")
    states = {cap.state for cap in derivation.caps}
    found += [word for state, word in (("over", "超比例"), ("lowered", "按名额"), ("tie", "同分")) if state in states]
    if derivation.divergence is not None and derivation.divergence.needs_reason:
        found.append("差异")
    if derivation.composite.renormalised and derivation.composite.exact is not None:
        found.append("免计")
    if derivation.bars_promotion:
        found.append("不得升级")
    return tuple(found)


def derivation_of(result: Result) -> scoring.Derivation:
    """Return the stored derivation. Raises ValueError when none was stored."""
    return scoring.Derivation.from_data(result.derivation)


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A grade that may be given: whether people chose it, and the reason they gave."""

    grade: Grade
    manual: bool
    reason: str


def _choose(
    round_: Round, results: Mapping[int, Result], choices: Mapping[int, Choice], grades: Mapping[str, Grade]
) -> dict[int, _Chosen]:
    """Return the chosen grade of each unit; one that differs from the computed one, or settles a tie, is by people.

    Raises RefusedError naming every branch whose grade is unknown or lacks its reason.
    """
    problems: dict[int, tuple[str, str]] = {}
    chosen: dict[int, _Chosen] = {}
    for unit_id, result in results.items():
        choice = choices[unit_id]
        grade, reason = grades.get(choice.grade), choice.reason.strip()
        if grade is None:
            problems[unit_id] = "本轮没有这个等级。", "本轮没有这个等级"
            continue
        changed, tied = result.computed_grade_id != grade.pk, bool(_ties_of(result))
        if (changed or tied) and not reason:
            why = f"测算为“{result.computed_grade or '—'}”，改为“{grade}”，须写明理由。"
            if tied and not changed:
                why = f"{_tied_with(round_, result)}处在同分线上，须由人确定并写明理由。"
            problems[unit_id] = why, "须写明理由"
        chosen[unit_id] = _Chosen(grade, changed or tied, reason)
    if problems:
        names = {unit_id: results[unit_id].unit for unit_id in problems}
        raise RefusedError(
            [f"{names[unit_id].name}：{why}" for unit_id, (why, _) in problems.items()],
            {names[unit_id].code: short for unit_id, (_, short) in problems.items()},
        )
    return chosen


def _ties_of(result: Result) -> list[tuple[str, str, str]]:
    """Return the enforced limits on whose line a branch is tied: grade, side, 党总支 (empty: the whole round)."""
    return [
        (cap["grade"]["code"], cap["side"], cap["group"])
        for cap in result.derivation.get("caps", ())
        if cap["state"] == "tie" and cap["mode"] == "enforced"
    ]


def _tied_with(round_: Round, result: Result) -> str:
    """Return “与……” naming the other branches on the same line, or nothing."""
    mine = set(_ties_of(result))
    rows = Result.objects.filter(unit__round=round_).current().exclude(pk=result.pk).select_related("unit")
    names = [row.unit.name for row in rows.order_by("unit__position", "unit_id") if mine & set(_ties_of(row))]
    return f"与{'、'.join(names)}" if names else ""


def _open_results(round_: Round, unit_ids: Iterable[int]) -> dict[int, Result]:
    """Lock the current results of units of a round, by unit id."""
    wanted = set(unit_ids)
    rows = Result.objects.select_for_update(of=("self",)).filter(unit__round=round_, unit_id__in=wanted, frozen_at=None)
    found = {row.unit_id: row for row in rows.select_related("unit__round", "unit__branch", "computed_grade")}
    if wanted - set(found):
        refuse("有支部还没有测算，或不在本轮。")
    return found


class Blocked:
    """Gathers what stands in the way of each branch, by its name, so that a person reads everything at once."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.sentences: list[str] = []

    @contextmanager
    def at(self, result: Result) -> Iterator[None]:
        """Keep the sentences of the gates for one branch and go on to the next."""
        try:
            yield
        except BlockedError as error:
            self.sentences.append(f"{result.unit.name}：{''.join(error.blockers)}")

    def refuse(self) -> None:
        """Raise BlockedError when anything stood in the way; the caller's transaction takes the rest back."""
        if self.sentences:
            raise BlockedError(self.sentences)


@transaction.atomic
def propose_grades(
    *, by: Account | None, round_: Round, choices: Mapping[int, Choice], now: dt.datetime
) -> list[Result]:
    """Propose grades (拟定) by unit id; the round is computed first, so that the newest figures count.

    Raises:
        RefusedError: the round has no 拟定, an unknown grade, or a change without its reason.
        BlockedError: a source is missing or a large difference is not explained.
    """
    if not round_.proposes:
        refuse("本轮的步骤里没有拟定，等级由党委直接定，党总支不拟定。")
    compute_round(by=by, round_=round_, now=now)
    grades = {grade.code: grade for grade in round_.scale.grades.all()}
    done, blocked = [], Blocked()
    found = _open_results(round_, choices)
    for unit_id, one in _choose(round_, found, choices, grades).items():
        result, grade = found[unit_id], one.grade
        result.proposed_grade, result.proposed_by, result.proposed_at = grade, by, now
        result.manual, result.manual_reason = one.manual, one.reason if one.manual else ""
        result.save(update_fields=["proposed_grade", "proposed_by", "proposed_at", "manual", "manual_reason"])
        with blocked.at(result):
            done.append(advance(result, Result.State.PROPOSED, by=by, now=now, reason=result.manual_reason))
            _audit_choice(by, result, grade, "拟定等级")
    blocked.refuse()
    return done


@transaction.atomic
def decide_grades(
    *, by: Account | None, round_: Round, choices: Mapping[int, Choice], decision: Decision, now: dt.datetime
) -> list[Result]:
    """Decide grades at the level the round names (ask grading.permissions.may_decide first), by unit id.

    Where the 党总支 decides, its decision stands as its proposal too. Both the computed and the decided grade are
    kept; a difference is marked 人工 and wants a reason, which a proposal may already have given.

    Raises:
        RefusedError: an unknown grade, or a change without its reason.
        BlockedError: a source is missing, a large difference is not explained.
        IllegalMoveError: no deciding body was named, or the grade is decided already.
    """
    compute_round(by=by, round_=round_, now=now)
    grades = {grade.code: grade for grade in round_.scale.grades.all()}
    done, blocked = [], Blocked()
    found = _open_results(round_, choices)
    kept = {unit_id: _with_reason(result, choices[unit_id]) for unit_id, result in found.items()}
    for unit_id, one in _choose(round_, found, kept, grades).items():
        result = found[unit_id]
        with blocked.at(result):
            done.append(_decide_one(result, one.grade, one.reason if one.manual else "", decision, by=by, now=now))
    blocked.refuse()
    return done


def _with_reason(result: Result, choice: Choice) -> Choice:
    """Return a choice with the reason its proposal gave, where it agrees with the proposal and gives none."""
    if result.manual and result.proposed_grade and result.proposed_grade.code == choice.grade:
        return Choice(choice.grade, choice.reason.strip() or result.manual_reason)
    return choice


def _decide_one(
    result: Result, grade: Grade, reason: str, decision: Decision, *, by: Account | None, now: dt.datetime
) -> Result:
    """Write one decision, then move the state."""
    round_ = result.unit.round
    if result.proposed_grade is None and not result.unit.direct and round_.deciding_level == "general_branch":
        result.proposed_grade, result.proposed_by, result.proposed_at = grade, by, now
    result.decided_grade, result.decided_by, result.decided_at = grade, by, now
    result.manual, result.manual_reason = bool(reason), reason
    result.body, result.met_on, result.document_number = decision.body, decision.met_on, decision.document_number
    result.save()
    _audit_choice(by, result, grade, "定级")
    return advance(result, Result.State.DECIDED, by=by, now=now, reason=reason, decision=decision)


def _audit_choice(by: Account | None, result: Result, grade: Grade, summary: str) -> None:
    after: dict[str, Any] = {"grade": grade.code, "computed": getattr(result.computed_grade, "code", None)}
    after |= {"manual": result.manual, "reason": result.manual_reason}
    audit.record(by=by, action="result.choose", thing=result, branch=result.unit.branch, summary=summary, after=after)


@transaction.atomic
def withdraw(*, by: Account | None, result: Result, reason: str, now: dt.datetime) -> Result:
    """Take a proposal or decision back with a reason, so that inputs may change again.

    Raises RefusedError once the round is final, IllegalMoveError without a reason.
    """
    row = Result.objects.select_for_update().get(pk=result.pk)
    if row.frozen_at is not None:
        refuse("本轮已经定级，结果不能撤回；更正要走更正程序。")
    moved = advance(row, Result.State.COMPUTED, by=by, now=now, reason=reason)
    cleared: dict[str, Any] = dict.fromkeys(
        ("proposed_grade", "proposed_by", "proposed_at", "decided_grade", "decided_by", "decided_at", "met_on")
    )
    cleared |= {"body": "", "document_number": "", "manual": False, "manual_reason": ""}
    Result.objects.filter(pk=moved.pk).update(**cleared)
    moved.refresh_from_db()
    return moved
