"""Writing messages: what is told to whom, and for whoever is not told, why not. Sending is services/mailing.py."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from branches import audit
from branches.models import Account, Branch, Role, RoleGrant
from branches.permissions import GRANTS, Action
from grading.services.errors import RefusedError
from rectification import digest
from rectification.models import DigestChoice, Dispatch, DispatchLine

D = Dispatch
Told = dict[int, set[str]]


@dataclass(frozen=True, slots=True)
class Message:
    """A message to be written: `why` says why it is not to be sent, "" when it is."""

    recipient: Account
    kind: str
    subject: str = ""
    body: str = ""
    lines: tuple[digest.Line, ...] = ()
    left_out: tuple[digest.Line, ...] = ()
    why: str = ""
    period: dt.date | None = None
    branch: Branch | None = None


def people_of(branch: Branch, day: dt.date) -> list[Account]:
    """Return the accounts that act for a node itself: 书记 and 填报员 of a 党支部, officers of a 党总支."""
    acting = [role for role in Role if Action.REPORT_PROGRESS in GRANTS[role]]
    grants = RoleGrant.objects.on(day).filter(node=branch, role__in=acting).values("account")
    return list(Account.objects.filter(pk__in=grants).select_related("person").order_by("pk"))


def why_not(account: Account) -> str:
    """Return why nothing can be sent to an account at all, "" when something can."""
    if not account.is_active:
        return D.Why.INACTIVE
    if account.person is None or not account.person.email:
        return D.Why.NO_ADDRESS
    return ""


def told_on(day: dt.date, accounts: Collection[int]) -> Told:
    """Return the keys of what each account was told on a day."""
    found: Told = defaultdict(set)
    lines = DispatchLine.objects.filter(day=day, told=True, recipient__in=accounts)
    for recipient, key in lines.values_list("recipient_id", "key"):
        found[recipient].add(key)
    return found


def new_message_id() -> str:
    """Return a Message-ID that is given out once."""
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip(" >") or "localhost"
    return f"<{uuid.uuid4().hex}.zhibu@{domain}>"


@transaction.atomic
def write(messages: Sequence[Message], *, now: dt.datetime) -> list[Dispatch]:
    """Write messages as jobs and log, all or none. What is not sent tells nothing, and its lines say so."""
    day = now.date()
    rows = D.objects.bulk_create(_row(message, day, now) for message in messages)
    DispatchLine.objects.bulk_create(
        DispatchLine(
            dispatch=row, recipient=message.recipient, day=day, key=line.key, text=line.text[: digest.LONGEST],
            told=told and not message.why,
        )
        for row, message in zip(rows, messages, strict=True)
        for told, lines in ((True, message.lines), (False, message.left_out))
        for line in lines
    )  # fmt: skip
    return rows


def _row(message: Message, day: dt.date, now: dt.datetime) -> Dispatch:
    person = message.recipient.person
    common = Dispatch(
        recipient=message.recipient, branch=message.branch, kind=message.kind, day=day, period=message.period,
        subject=message.subject, created_at=now,
    )  # fmt: skip
    if message.why:
        common.state, common.why = D.State.SKIPPED, message.why
        return common
    common.address, common.body, common.message_id = person.email if person else "", message.body, new_message_id()
    return common


def tell(
    recipients: Iterable[Account], *, kind: str, subject: str, text: str, lines: Sequence[digest.Line], branch: Branch,
    now: dt.datetime,
) -> list[Dispatch]:  # fmt: skip
    """Write one message about one thing to each of some people; what they were told today is not counted again."""
    people = list(recipients)
    told = told_on(now.date(), [one.pk for one in people])
    messages = []
    for one in people:
        made = digest.build(lines, told[one.pk])
        why = why_not(one) or ("" if made.lines else D.Why.TOLD_TODAY)
        body = digest.letter(one.get_full_name(), [text], address=settings.PUBLIC_URL)
        messages.append(Message(one, kind, subject, body, made.lines, made.left_out, why, branch=branch))
    return write(messages, now=now)


@transaction.atomic
def send_again(*, by: Account, message: Dispatch, now: dt.datetime) -> Dispatch:
    """Write a message anew that failed or may not have arrived: a person decides that, and only once a message.

    Raises RefusedError when it did arrive, is still to be sent, or was sent again before.
    """
    row = D.objects.select_for_update(of=("self",)).select_related("recipient__person").get(pk=message.pk)
    if row.state not in (D.State.FAILED, D.State.UNCERTAIN) or D.objects.filter(again_of=row).exists():
        raise RefusedError([f"这封邮件“{row.get_state_display()}”，不能重发。"])
    if why := why_not(row.recipient):
        raise RefusedError([f"{row.recipient.get_full_name()}：{D.Why(why).label}，不能重发。"])
    person = row.recipient.person
    again = D.objects.create(
        recipient=row.recipient, branch=row.branch, kind=D.Kind.RESENT, day=now.date(), subject=row.subject,
        body=row.body, address=person.email if person else "", message_id=new_message_id(), created_at=now,
        again_of=row,
    )  # fmt: skip
    audit.record(by=by, action="dispatch.again", thing=again, branch=row.branch, summary=f"重发邮件：{row.subject}")
    return again


@transaction.atomic
def choose(*, by: Account, frequency: str, now: dt.datetime) -> DigestChoice:
    """Set how often an account gets the digest. Raises RefusedError for a word nobody knows."""
    if frequency not in DigestChoice.Frequency.values:
        raise RefusedError(["请选择一种频次。"], {"frequency": "请选择一种频次。"})
    values = {"frequency": frequency, "changed_at": now}
    choice, _ = DigestChoice.objects.update_or_create(account=by, defaults=values)
    audit.record(
        by=by, action="dispatch.choose", thing=choice, summary=f"提醒频次改为“{choice.get_frequency_display()}”"
    )
    return choice
