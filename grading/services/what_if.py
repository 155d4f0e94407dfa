"""What-if for a round: reading it once, and taking changed rules over with a reason."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from branches import audit
from branches.models import Account
from branches.registries import figures
from grading import rules, scoring, what_if
from grading.models import Cap, CutOff, Result, Round, RoundUnit
from grading.scoring.derivation import GradeName
from grading.services.errors import RefusedError, refuse
from grading.services.results import compute_round, graded_units
from grading.services.round_rules import rubrics_of

OPEN = (Round.State.SELF, Round.State.SCORING, Round.State.DECIDING)


@dataclass(frozen=True, slots=True)
class UnitName:
    """What the page says about a branch."""

    pk: int
    name: str
    parent: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A round read once: the situation, the names of its branches by code, and when."""

    situation: what_if.Situation
    names: dict[str, UnitName]
    rubrics: dict[str, scoring.RubricRule]
    version: int
    at: dt.datetime


def read(round_: Round, now: dt.datetime) -> Snapshot:
    """Read a round as it stands (about a dozen queries); trying changes out afterwards asks the database nothing."""
    units = graded_units(round_)
    values = rules.round_rules(round_)
    situation = what_if.situation(values, rules.Inputs(round_, units).all())
    return Snapshot(situation, {unit.code: _name(unit) for unit in units}, rubrics_of(round_), round_.version, now)


def _name(unit: RoundUnit) -> UnitName:
    return UnitName(unit.pk, unit.short_name or unit.name, unit.general_branch_name)


def faults(snapshot: Snapshot, changes: what_if.Changes) -> tuple[list[str], list[str]]:
    """Return what makes changed rules impossible, and what is only doubtful."""
    found = scoring.check_round(what_if.changed(snapshot.situation.rules, changes), snapshot.rubrics, figures())
    return [one.text for one in found if one.fatal], [one.text for one in found if not one.fatal]


def grade_of(snapshot: Snapshot, code: str) -> GradeName:
    """Return a grade of the round by its code."""
    grade = snapshot.situation.rules.grade(code)
    return GradeName(grade.code, grade.label, grade.rank)


def may_adopt(round_: Round) -> str:
    """Return why changed rules cannot be taken over now, or nothing."""
    if round_.state not in OPEN:
        return f"本轮现在是“{round_.get_state_display()}”，规则不能再改。"
    settled = Result.objects.filter(unit__round=round_).exclude(state=Result.State.COMPUTED).count()
    return f"已有 {settled} 个支部的等级拟定或定了，要先撤回才能改规则。" if settled else ""


@transaction.atomic
def adopt_rules(
    *, by: Account | None, round_: Round, version: int, changes: what_if.Changes, reason: str, now: dt.datetime
) -> Round:
    """Take changed weights, lines and caps over into a round under way, and compute it anew.

    Raises RefusedError without a reason, for impossible rules, when nothing changes, when somebody changed the round
    since `version`, or once a grade is proposed or decided.
    """
    row = Round.objects.select_for_update().select_related("campaign__root", "scale").get(pk=round_.pk)
    if why := may_adopt(row):
        refuse(why)
    if row.version != version:
        refuse("本轮的规则刚被他人改过，请重新打开试算再采用。")
    if not reason.strip():
        refuse("采用新规则须写明理由。")
    present = rules.round_rules(row)
    wanted = what_if.changed(present, changes)
    if wanted == present:
        refuse("没有改动。")
    findings = scoring.check_round(wanted, rubrics_of(row), figures())
    if fatal := [one.text for one in findings if one.fatal]:
        raise RefusedError(fatal)
    _write(row, wanted)
    row.version += 1
    row.save(update_fields=["version"])
    audit.record(
        by=by, action="round.adopt_rules", thing=row, branch=row.campaign.root,
        summary=f"采用试算的规则：{reason.strip()}",
        before=_said(present), after=_said(wanted) | {"reason": reason.strip(), "version": row.version},
    )  # fmt: skip
    compute_round(by=by, round_=Round.objects.get(pk=row.pk), now=now)
    return row


def _write(row: Round, wanted: scoring.RoundRules) -> None:
    """Write weights, lines and caps; lines are written anew, because two of them may change places."""
    weights = {source.code: source.weight for source in wanted.sources}
    for source in row.sources.all():
        if source.weight != weights[source.code]:
            source.weight = weights[source.code]
            source.save(update_fields=["weight"])
    grades = {cut.grade.code: cut.grade for cut in row.cut_offs.select_related("grade")}
    row.cut_offs.all().delete()
    CutOff.objects.bulk_create(
        CutOff(round=row, grade=grades[cut.grade], minimum=cut.minimum) for cut in wanted.cut_offs
    )
    for cap, rule in zip(row.caps.all(), wanted.caps, strict=True):
        cap.value, cap.mode = rule.value, Cap.Mode(rule.mode)
        cap.save(update_fields=["value", "mode"])


def _said(values: scoring.RoundRules) -> dict[str, Any]:
    """Return the part of the rules that may be moved, as the audit keeps it."""
    return {
        "weights": {source.code: str(source.weight) for source in values.sources},
        "cut_offs": {cut.grade: str(cut.minimum) for cut in values.cut_offs},
        "caps": [{"grade": cap.grade, "value": str(cap.value), "mode": str(cap.mode)} for cap in values.caps],
    }
