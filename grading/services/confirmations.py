"""学校确认: the committee confirms what a 党总支 decided, where the round has that step; and deciding as proposed."""

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from branches import audit
from branches.models import Account
from branches.transitions import Decision
from grading.gates import has_step
from grading.models import Confirmation, Result, Round, RoundStep, RoundUnit, confirmed
from grading.services import results
from grading.services.errors import refuse


@transaction.atomic
def confirm(
    *, by: Account | None, round_: Round, units: Sequence[RoundUnit], decision: Decision, now: dt.datetime
) -> list[Confirmation]:
    """Confirm the decided grades of units, those that are not confirmed yet (ask permissions.may_decide_all first).

    Raises RefusedError when the round has no such step, is made public or final, no body is named, or nothing waits.
    """
    row = Round.objects.select_for_update().get(pk=round_.pk)
    if not has_step(row, RoundStep.Code.CONFIRM):
        refuse("本轮没有学校确认这一步。")
    if row.state not in (Round.State.SCORING, Round.State.DECIDING):
        refuse(f"本轮现在是“{row.get_state_display()}”，不能确认。")
    if not decision.body.strip():
        refuse("请写明确认的机构。")
    waiting = Result.objects.current().filter(unit__in=units, unit__round=row, state=Result.State.DECIDED)
    found = list(waiting.exclude(confirmed()).select_related("unit__branch", "decided_grade"))
    if not found:
        refuse("所选党总支没有等待确认的等级。")
    made = Confirmation.objects.bulk_create(
        Confirmation(
            result=result, decided_at=result.decided_at, body=decision.body.strip(), met_on=decision.met_on,
            document_number=decision.document_number, confirmed_by=by, confirmed_at=now,
        )
        for result in found
        if result.decided_at is not None
    )  # fmt: skip
    notes = [
        audit.Note("result.confirm", result, "学校确认等级", result.unit.branch, after={"body": decision.body})
        for result in found
    ]
    audit.record_many(by=by, notes=notes)
    return made


def decide_as_proposed(
    *, by: Account | None, round_: Round, units: Sequence[RoundUnit], decision: Decision, now: dt.datetime
) -> list[Result]:
    """Decide every proposed grade among units as it was proposed (ask permissions.may_decide_all first).

    Raises what `results.decide_grades` raises, and RefusedError when nothing is proposed.
    """
    rows = Result.objects.current().filter(unit__in=units, unit__round=round_, state=Result.State.PROPOSED)
    choices = {
        row.unit_id: results.Choice(row.proposed_grade.code, row.manual_reason)
        for row in rows.select_related("proposed_grade")
        if row.proposed_grade is not None
    }
    if not choices:
        refuse("所选党总支没有已拟定的等级。")
    return results.decide_grades(by=by, round_=round_, choices=choices, decision=decision, now=now)
