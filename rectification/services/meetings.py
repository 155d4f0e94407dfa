"""The record of the 党员大会 that discussed a plan: saved in parts, complete before the plan is handed in."""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from branches import audit
from branches.models import Account
from branches.versions import ConflictError, save_versioned
from grading.services.errors import RefusedError, refuse
from rectification.models import Absence, MeetingRecord, Plan

TEXTS = ("place", "chair", "recorder", "observers", "opinions", "resolution")
NUMBERS = (
    "should_attend", "present", "excused", "absent", "voting_members", "voting_present", "votes_for", "votes_against",
    "abstentions",
)  # fmt: skip
FIELDS = ("held_on", *TEXTS, *NUMBERS)
Person = tuple[str, str, str]


@transaction.atomic
def save_meeting(
    *, by: Account | None, plan: Plan, version: int, values: Mapping[str, Any],
    absences: Iterable[Person] | None = None, now: dt.datetime,
) -> MeetingRecord:  # fmt: skip
    """Save the record (`version` 0: nothing was saved before); it may be incomplete, but never contradict itself.

    `absences` are (name, "excused" or "absent", reason) and replace those kept; None leaves them.

    Raises:
        RefusedError: numbers that do not add up, somebody absent without a reason, or the plan is handed in.
        ConflictError: somebody saved since `version`.
    """
    plan = Plan.objects.select_for_update().select_related("branch").get(pk=plan.pk)
    if not plan.editable:
        refuse(f"方案{plan.get_state_display()}，党员大会记录不能再改。")
    if unknown := set(values) - set(FIELDS):
        message = f"unknown fields: {sorted(unknown)}"
        raise ValueError(message)
    given = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    people = None if absences is None else _people(absences)
    row = MeetingRecord.objects.filter(plan=plan).first()
    before = None if row is None else {name: getattr(row, name) for name in given}
    _refuse_wrong(row or MeetingRecord(plan=plan, saved_at=now), given)
    written = {**given, "saved_by": by, "saved_at": now}
    if row is None:
        row = MeetingRecord.objects.create(plan=plan, **written)
    elif version == 0:
        raise ConflictError(row, written)
    else:
        row = save_versioned(row, version=version, values=written)
    if people is not None:
        _write_people(row, people)
    audit.record(
        by=by, action="meeting.save", thing=row, branch=plan.branch, summary="登记党员大会讨论情况",
        before=before, after=given,
    )  # fmt: skip
    return row


def _people(absences: Iterable[Person]) -> list[Person]:
    """Return who did not come, without empty lines. Refuses a name without a reason, and the other way round."""
    rows = [(name.strip(), kind, reason.strip()) for name, kind, reason in absences]
    rows = [row for row in rows if row[0] or row[2]]
    problems = []
    for number, (name, kind, reason) in enumerate(rows, start=1):
        if not name:
            problems.append(f"第{number}名未到会人员没有姓名。")
        elif not reason:
            problems.append(f"请写明{name}没有到会的原因。")
        if kind not in Absence.Kind.values:
            problems.append(f"请选择{name or '未到会人员'}是请假还是缺席。")
    if problems:
        raise RefusedError(problems, {"absences": problems[0]})
    return rows


def _refuse_wrong(row: MeetingRecord, given: Mapping[str, Any]) -> None:
    """Ask the model's own rules, so that the database never has to."""
    wished = MeetingRecord(**{name: getattr(row, name) for name in FIELDS} | dict(given))
    wished.plan_id, wished.saved_at = row.plan_id, row.saved_at
    try:
        wished.clean_fields(exclude=["plan", "saved_by"])
        wished.validate_constraints(exclude={"plan"})
    except ValidationError as error:
        named = {name: "；".join(texts) for name, texts in error.message_dict.items() if name != "__all__"}
        raise RefusedError(error.messages, named) from error


def _write_people(row: MeetingRecord, people: list[Person]) -> None:
    row.absences.all().delete()
    Absence.objects.bulk_create(
        Absence(meeting=row, ordinal=number, name=name, kind=kind, reason=reason)
        for number, (name, kind, reason) in enumerate(people, start=1)
    )
