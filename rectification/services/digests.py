"""Digests: one a person and week by default, written as jobs; the log says for everybody else why there is none."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from branches import clock
from branches.models import Account, Branch, Role, RoleGrant
from branches.permissions import GRANTS, Action
from branches.services.calendar import site_calendar
from rectification import digest, reminders
from rectification.digest import Line
from rectification.models import Contact, DigestChoice, DigestRun, Dispatch, RectificationRules
from rectification.services import dispatching
from rectification.services.dispatching import Message

F = DigestChoice.Frequency
ACTING = tuple(role for role in Role if Action.REPORT_PROGRESS in GRANTS[role])


@dataclass
class Reader:
    """Somebody who may get a digest: the nodes they act for, look after, and are the 定点联系人 of."""

    account: Account
    own: set[int] = field(default_factory=set)
    above: set[int] = field(default_factory=set)
    contact: set[int] = field(default_factory=set)


def due(now: dt.datetime) -> list[str]:
    """Return the frequencies whose digests are to be written now: their time has come and nobody has written them."""
    rules = reminders.reminding(now)
    if not rules:
        return []
    local = timezone.localtime(now)
    first: RectificationRules = rules[0]
    workday = site_calendar().is_workday(local.date())
    ready = [
        one
        for one in (F.WEEKLY, F.DAILY)
        if digest.is_due(one, local, weekday=first.digest_weekday or 1, hour=first.digest_hour, workday=workday)
    ]
    done = DigestRun.objects.filter(period__in=[digest.period_of(one, local.date()) for one in ready])
    there = {(run.frequency, run.period) for run in done}
    return [one for one in ready if (one, digest.period_of(one, local.date())) not in there]


def work(now: dt.datetime) -> int:
    """Write the digests that are due; returns how many rows of the log were written."""
    return sum(_compose(frequency, now) for frequency in due(now))


@transaction.atomic
def _compose(frequency: str, now: dt.datetime) -> int:
    """Write all digests of a period, all or none; a second worker finds them written."""
    today = clock.day_of(now)
    period = digest.period_of(frequency, today)
    _, mine = DigestRun.objects.get_or_create(frequency=frequency, period=period, defaults={"done_at": now})
    if not mine:
        return 0
    chosen = dict(DigestChoice.objects.values_list("account", "frequency"))
    have = Dispatch.objects.filter(kind=Dispatch.Kind.DIGEST)
    had = set(have.filter(period=period).values_list("recipient", flat=True))
    had |= set(have.filter(day=today).values_list("recipient", flat=True))
    found = readers(today)
    wanted = [
        found[pk] for pk in sorted(found.keys() - had)
        if (chosen.get(pk, F.WEEKLY) == F.DAILY) == (frequency == F.DAILY)
    ]  # fmt: skip
    tree = reminders.tree_on(today)
    news = [reminders.read(rules, tree, now) for rules in reminders.reminding(now)]
    told = dispatching.told_on(today, [reader.account.pk for reader in wanted])
    messages = []
    for reader in wanted:
        made = digest.build(_lines(reader, news), told[reader.account.pk])
        opted_out = chosen.get(reader.account.pk) == F.NONE
        messages.append(_message(reader.account, made, frequency, period, today, opted_out=opted_out))
    return len(dispatching.write(messages, now=now))


def readers(day: dt.date) -> dict[int, Reader]:
    """Return everybody who acts for a node or looks after one on a day, by the key of the account."""
    found: dict[int, Reader] = {}
    grants = RoleGrant.objects.on(day).filter(role__in=ACTING).select_related("account__person", "node")
    for grant in grants:
        reader = found.setdefault(grant.account_id, Reader(grant.account))
        reader.own.add(grant.node_id)
        if grant.node.level != Branch.Level.BRANCH:
            reader.above.add(grant.node_id)
    held = Contact.objects.present().filter(account__isnull=False).select_related("account__person")
    for contact in held:
        if contact.account is not None:
            found.setdefault(contact.account.pk, Reader(contact.account)).contact.add(contact.branch_id)
    return found


def _lines(reader: Reader, news: list[reminders.News]) -> Iterator[Line]:
    """Yield what a reader should know: the own things first, then what waits, then what hangs below."""
    for one in news:
        for node in sorted(reader.own):
            yield from one.own[node]
    for one in news:
        for node in sorted(reader.above):
            yield from one.above(node, reader.own)
        for node in sorted(reader.contact - reader.own):
            if not _looked_after(one.tree, node, reader):
                yield from one.about(node)


def _looked_after(tree: reminders.Tree, node: int, reader: Reader) -> bool:
    """Tell whether a line from above tells of a node already."""
    return any(step in reader.above for step in tree.path(node))


def _why_not(account: Account, made: digest.Digest, *, opted_out: bool) -> str:
    """Return why there is no digest, the plainest reason first: "" when there is one."""
    why = dispatching.why_not(account)
    if why == Dispatch.Why.INACTIVE:
        return why
    if not made.lines and not made.left_out:
        return Dispatch.Why.NOTHING
    if opted_out:
        return Dispatch.Why.OPTED_OUT
    return why or ("" if made.lines else Dispatch.Why.TOLD_TODAY)


def _message(
    account: Account, made: digest.Digest, frequency: str, period: dt.date, today: dt.date, *, opted_out: bool
) -> Message:
    why = _why_not(account, made, opted_out=opted_out)
    body = digest.body(account.get_full_name(), made.lines, address=settings.PUBLIC_URL, frequency=frequency)
    subject = digest.subject((*made.lines, *made.left_out), today) if why != Dispatch.Why.NOTHING else ""
    return Message(account, Dispatch.Kind.DIGEST, subject, body, made.lines, made.left_out, why, period=period)
