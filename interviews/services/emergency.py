"""紧急上报: named facts to the person on duty at once, with a trace; the list of whom to call."""

import datetime as dt
import uuid
from dataclasses import dataclass, field

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.views.decorators.debug import sensitive_variables

from branches import audit
from branches.models import Account, Branch, Campaign
from branches.permissions import Action, can
from branches.transitions import advance
from interviews.models import (
    EmergencyContact,
    EmergencyReport,
    EmergencyStep,
    Interview,
    RosterEntry,
    SealedRecord,
)
from interviews.services import readers, sealed
from interviews.services.errors import refuse

State, What = EmergencyReport.State, EmergencyStep.What
MAIL_TRIES = 5
SILENT = ("dummy.EmailBackend", "console.EmailBackend")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is reported, about whom, and with which talk where there was one."""

    text: str = field(repr=False)
    entry: RosterEntry | None = None
    interview: Interview | None = None


def _step(report: EmergencyReport, what: str, account: Account | None, now: dt.datetime) -> None:
    EmergencyStep.objects.create(report=report, at=now, account=account, what=what)


def _duty(contact: EmergencyContact) -> Account:
    if contact.account is None or not contact.active:
        refuse("这个岗位不在系统里接报，请直接打电话。")
    return contact.account


def _check(by: Account, contact: EmergencyContact, facts: Facts) -> None:
    if not facts.text.strip():
        refuse("请写明情况：谁、在哪里、发生了什么。")
    if facts.interview is not None and facts.interview.interviewer_id != by.pk:
        refuse("只能上报自己访谈里的情况。")
    duty = _duty(contact)
    if duty.pk == by.pk:
        refuse("值班人就是您自己，请直接处置，或换一个岗位。")
    if not duty.is_active or not can(duty, Action.RECEIVE_EMERGENCY):
        refuse("值班人的账号不能接报，请直接打电话，或换一个岗位。")


@sensitive_variables("facts")
def report(
    *, by: Account, client_id: uuid.UUID, contact: EmergencyContact, facts: Facts, now: dt.datetime
) -> EmergencyReport:
    """Hand named facts to the person on duty; the same client_id from the same account is the same report.

    Raises RefusedError for an empty text, a contact without an account, or another's talk.
    """
    if known := _known(by, client_id):
        return known
    _check(by, contact, facts)
    try:
        with transaction.atomic():
            return _write(by, client_id, contact, facts, now)
    except IntegrityError:
        if known := _known(by, client_id):
            return known
        raise


def _known(by: Account, client_id: uuid.UUID) -> EmergencyReport | None:
    row = EmergencyReport.objects.filter(client_id=client_id).first()
    if row is not None and row.reporter_id != by.pk:
        refuse("这份上报没有收下，请刷新页面后再填。")
    return row


@sensitive_variables("facts")
def _write(
    by: Account, client_id: uuid.UUID, contact: EmergencyContact, facts: Facts, now: dt.datetime
) -> EmergencyReport:
    duty = _duty(contact)
    unit = facts.entry.unit if facts.entry else contact.unit
    record = sealed.create_record(
        by=by, kind=SealedRecord.Kind.EMERGENCY, campaign=contact.campaign, unit=unit,
        texts={"facts": facts.text.strip()}, retain_until=sealed.retain_until(contact.campaign, now.date()), now=now,
    )  # fmt: skip
    row = EmergencyReport.objects.create(
        client_id=client_id, record=record, campaign=contact.campaign, contact=contact, duty=duty, reporter=by,
        entry=facts.entry, interview=facts.interview, reported_at=now,
    )  # fmt: skip
    readers.name_reader(
        by=by, record=record, account=duty, reason="紧急上报的接报人", until=readers.latest_end(record, now), now=now
    )
    _step(row, What.SENT, by, now)
    audit.record(by=by, action="emergency.report", thing=row, branch=unit, summary=f"紧急上报给{contact.duty}")
    return row


def _as_duty(by: Account, row: EmergencyReport) -> None:
    if row.duty_id != by.pk:
        refuse("只有值班人能接报。")


@transaction.atomic
def acknowledge(*, by: Account, row: EmergencyReport, now: dt.datetime) -> EmergencyReport:
    """Say that the report has been received and is being acted on."""
    _as_duty(by, row)
    locked = EmergencyReport.objects.select_for_update().get(pk=row.pk)
    if locked.state == State.SENT:
        locked.acknowledged_at = now
        locked.save(update_fields=["acknowledged_at"])
    locked = advance(locked, State.ACKNOWLEDGED, by=by, now=now)
    _step(locked, What.ACKNOWLEDGED, by, now)
    return locked


@sensitive_variables("outcome")
@transaction.atomic
def close(*, by: Account, row: EmergencyReport, outcome: str, now: dt.datetime) -> EmergencyReport:
    """Say what was done; the words are sealed like the facts."""
    _as_duty(by, row)
    if not outcome.strip():
        refuse("请写明处置情况。")
    locked = EmergencyReport.objects.select_for_update(of=("self",)).select_related("record").get(pk=row.pk)
    if locked.state != State.ACKNOWLEDGED:
        refuse(f"现在是“{locked.get_state_display()}”，请先接报。")
    texts = {"outcome": outcome.strip()}
    sealed.add_version(by=by, record=locked.record, version=locked.record.version, texts=texts, now=now)
    locked = advance(locked, State.CLOSED, by=by, now=now)
    _step(locked, What.CLOSED, by, now)
    return locked


# --- The reminder by e-mail ------------------------------------------------------------------------------------------


def waiting_for_mail() -> list[EmergencyReport]:
    """Return the reports whose reminder is neither sent nor given up, oldest first."""
    settled = EmergencyStep.objects.filter(what__in=[What.MAILED, What.NO_MAIL]).values("report")
    rows = EmergencyReport.objects.filter(state=State.SENT).exclude(pk__in=settled).order_by("pk")
    found = list(rows.select_related("duty__person", "contact").prefetch_related("steps"))
    return [row for row in found if sum(step.what == What.MAIL_FAILED for step in row.steps.all()) < MAIL_TRIES]


def mail_waiting(*, now: dt.datetime) -> int:
    """Send the reminders that wait; returns how many went out. The mail says that there is a report, nothing of it."""
    sent = 0
    for row in waiting_for_mail():
        address = row.duty.person.email if row.duty.person else ""
        if not address or settings.EMAIL_BACKEND.endswith(SILENT):
            _step(row, What.NO_MAIL, None, now)
            continue
        try:
            _message(address, row).send()
        except OSError:
            _step(row, What.MAIL_FAILED, None, now)
            continue
        _step(row, What.MAILED, None, now)
        sent += 1
    return sent


def _message(address: str, row: EmergencyReport) -> EmailMessage:
    body = f"有一份紧急上报等您接报（岗位：{row.contact.duty}）。请马上登录系统，在“等我办理”里查看。邮件里不写内容。"
    return EmailMessage("紧急上报：请马上登录查看", body, settings.DEFAULT_FROM_EMAIL, [address])


# --- Whom to call ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the list of whom to call."""

    unit: Branch
    duty: str
    name: str
    phone: str
    hours: str
    account: Account | None
    ordinal: int = 1
    active: bool = True


@transaction.atomic
def save_contact(
    *, by: Account, campaign: Campaign, line: Line, contact: EmergencyContact | None = None
) -> EmergencyContact:
    """Add or change a contact. Raises RefusedError without duty or telephone, or for an account without the role."""
    if not line.duty.strip() or not line.phone.strip():
        refuse("岗位和电话都要填。")
    if line.account is not None and not can(line.account, Action.RECEIVE_EMERGENCY):
        refuse("这个账号的角色不能接报，请换一位，或留空只登记电话。")
    row = contact or EmergencyContact(campaign=campaign)
    row.unit, row.duty, row.name, row.phone = line.unit, line.duty.strip(), line.name.strip(), line.phone.strip()
    row.hours, row.account, row.ordinal, row.active = line.hours.strip(), line.account, line.ordinal, line.active
    row.save()
    audit.record(
        by=by, action="emergency.contact", thing=row, branch=row.unit, summary="维护紧急联系人",
        after={"duty": row.duty, "active": row.active},
    )  # fmt: skip
    return row
