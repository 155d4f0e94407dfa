"""更正: a frozen result is replaced by a new version, which one person proposes and another approves."""

import datetime as dt

from django.db import transaction

from branches import audit
from branches.models import Account
from branches.transitions import advance
from grading.models import Correction, Result, Round
from grading.services.errors import RefusedError, refuse

COPIED = (
    "unit", "composite", "computed_grade", "self_grade", "proposed_grade", "proposed_by", "proposed_at", "scores",
    "satisfaction", "blockers", "flags", "derivation", "inputs", "rule_version", "algorithm", "computed_at",
)  # fmt: skip
C = Correction.State


@transaction.atomic
def propose(
    *,
    by: Account,
    result: Result,
    grade: str,
    reason: str,
    body: str,
    document_number: str,
    met_on: dt.date | None,
    now: dt.datetime,
) -> Correction:
    """Propose to replace the newest frozen version of a result; nothing changes until another person approves.

    Raises RefusedError without a reason, body or document number, for the same or an unknown grade, before the round
    is final, or while another correction of this version waits.
    """
    row = Result.objects.select_for_update(of=("self",)).select_related("unit__round__scale").get(pk=result.pk)
    unit = row.unit
    if row.frozen_at is None or unit.round.state != Round.State.FINAL:
        refuse("本轮还没有定级，直接撤回重定即可，不用更正。")
    if not _is_newest(row):
        refuse("这个支部的结果已经有更新的版本，请从最新的一版更正。")
    chosen = unit.round.scale.grades.filter(code=grade).first()
    lacking = [
        said
        for given, said in (
            (chosen, "请选择更正为哪个等级。"),
            (reason.strip(), "请写明更正的理由。"),
            (body.strip(), "请写明决定更正的机构。"),
            (document_number.strip(), "请填写决定更正的文号。"),
        )
        if not given
    ]
    if chosen is not None and chosen.pk == row.decided_grade_id:
        lacking.append(f"现在就是“{chosen}”，没有要更正的。")
    if lacking or chosen is None:
        raise RefusedError(lacking)
    if Correction.objects.filter(result=row).open().exists():
        refuse("这个支部已有一份更正在等复核，请先办完那一份。")
    correction = Correction.objects.create(
        result=row, grade=chosen, reason=reason.strip(), body=body.strip(), met_on=met_on,
        document_number=document_number.strip(), proposed_by=by, proposed_at=now,
    )  # fmt: skip
    _audit(by, correction, "correction.propose", "提出更正")
    return correction


@transaction.atomic
def approve(*, by: Account, correction: Correction, now: dt.datetime) -> Result:
    """Approve a correction as the second person and return the new version; the old one stays as it was.

    Raises RefusedError for the account that proposed it, or when the result has a newer version, IllegalMoveError when
    it was decided before.
    """
    row = _decide(by=by, correction=correction, to=C.APPROVED, answer="", now=now)
    old = Result.objects.select_related("unit__branch", "computed_grade").get(pk=row.result_id)
    if not _is_newest(old):
        refuse("这个支部的结果已经有更新的版本，这份更正不能再用。")
    manual = row.grade_id != old.computed_grade_id
    new = Result.objects.create(
        version=old.version + 1,
        state=Result.State.DECIDED,
        decided_grade=row.grade,
        decided_by=by,
        decided_at=now,
        body=row.body,
        met_on=row.met_on,
        document_number=row.document_number,
        manual=manual,
        manual_reason=row.reason if manual else "",
        frozen_at=now,
        **{name: getattr(old, name) for name in COPIED},
    )
    _audit(by, row, "correction.approve", f"更正等级，成为第 {new.version} 版")
    return new


@transaction.atomic
def refuse_correction(*, by: Account, correction: Correction, answer: str, now: dt.datetime) -> Correction:
    """Turn a correction down with a sentence. Raises RefusedError without one, or for the account that proposed it."""
    if not answer.strip():
        refuse("不予更正须写明理由。")
    row = _decide(by=by, correction=correction, to=C.REFUSED, answer=answer.strip(), now=now)
    _audit(by, row, "correction.refuse", "不予更正")
    return row


@transaction.atomic
def withdraw(*, by: Account, correction: Correction, now: dt.datetime) -> Correction:
    """Take one's own proposal back. Raises RefusedError for anybody else's."""
    if correction.proposed_by_id != by.pk:
        refuse("只有提出人可以撤回。")
    row = advance(correction, C.WITHDRAWN, by=by, now=now)
    _audit(by, row, "correction.withdraw", "撤回更正")
    return row


def _decide(*, by: Account, correction: Correction, to: str, answer: str, now: dt.datetime) -> Correction:
    """Write who decided, then move the state; the database refuses the same account too."""
    row = Correction.objects.select_for_update(of=("self",)).get(pk=correction.pk)
    if row.proposed_by_id == by.pk:
        refuse("更正须由另一位同志复核，提出人不能复核自己的更正。")
    if row.state == C.PROPOSED:
        row.decided_by, row.decided_at, row.answer = by, now, answer
        row.save(update_fields=["decided_by", "decided_at", "answer"])
    return advance(row, to, by=by, now=now, reason=answer)


def _is_newest(result: Result) -> bool:
    return not Result.objects.filter(unit=result.unit_id, version__gt=result.version).exists()


def _audit(by: Account, correction: Correction, action: str, summary: str) -> None:
    audit.record(
        by=by,
        action=action,
        thing=correction,
        branch=correction.result.unit.branch,
        summary=f"{summary}（{correction.document_number}）",
        after={
            "result": correction.result_id,
            "grade": correction.grade.code,
            "reason": correction.reason,
            "answer": correction.answer,
        },
    )
