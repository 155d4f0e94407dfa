"""Sending: a message is claimed, handed to the mail server, settled; every step a compare-and-set on its token.

Nothing is said to the mail server under a mere claim, so a claim that lapses is safe to repeat. From HANDED on the
server may have taken the message although nobody lived to hear it: such a message is UNCERTAIN, and only a person sends
it again. docs/supervision.md says how wide that window is.
"""

import contextlib
import datetime as dt
import logging
import smtplib
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db.models import F, Q
from django.db.models.functions import Now

from branches import clock
from rectification import digest
from rectification.models import DigestRun, Dispatch
from rectification.models.dispatch import MAX_ATTEMPTS

S = Dispatch.State
LEASE = dt.timedelta(minutes=3)
PAUSE = dt.timedelta(minutes=2)
BATCH = 200
TEMPORARY = range(400, 500)
UNREACHABLE = "邮件服务器连接不上"
CUT_OFF = "交邮件服务器时中断，不能确定对方是否收到"
RESTORED = "数据从备份恢复，不能确定备份以后是否已经送出"
log = logging.getLogger(__name__)


def waits() -> bool:
    """Tell whether there is anything to send or to settle."""
    return bool(_ready().exists() or _lapsed(S.CLAIMED, S.HANDED).exists())


def _ready() -> Any:
    return Dispatch.objects.waiting().filter(Q(available_at__isnull=True) | Q(available_at__lte=Now()))


def _lapsed(*states: str) -> Any:
    return Dispatch.objects.filter(state__in=states, lease_until__lt=Now())


def settle_lapsed() -> int:
    """Let messages wait again whose claim has lapsed; those that were being handed over stay uncertain."""
    spent = _lapsed(S.CLAIMED).filter(attempt__gte=MAX_ATTEMPTS)
    ended = spent.update(state=S.FAILED, lease_until=None, error="多次中断，没有发送")
    ended += _lapsed(S.CLAIMED).update(state=S.WAITING, lease_until=None)
    cut: int = _lapsed(S.HANDED).update(state=S.UNCERTAIN, lease_until=None, error=CUT_OFF)
    return int(ended) + cut


def hold_restored() -> int:
    """Send nothing again after a restore: what waited in the backup may have gone out since. Returns how many are held.

    The digests of the present week and day count as written where digests are in use.
    """
    now = clock.now()
    today = clock.day_of(now)
    if DigestRun.objects.exists():
        for frequency in (digest.WEEKLY, digest.DAILY):
            period = digest.period_of(frequency, today)
            DigestRun.objects.get_or_create(frequency=frequency, period=period, defaults={"done_at": now})
    left = Dispatch.objects.filter(state__in=[S.WAITING, S.CLAIMED, S.HANDED])
    return left.update(state=S.UNCERTAIN, handed_at=now, lease_until=None, error=RESTORED)


def work(*, stopping: Callable[[], bool] = lambda: False, limit: int = BATCH) -> int:
    """Send what waits, at most `limit` messages; returns how many went out. What cannot go now waits."""
    settle_lapsed()
    sent = 0
    with contextlib.closing(get_connection()) as wire:
        for _ in range(limit):
            if stopping() or (held := _claim()) is None:
                break
            if not _reach(wire, held):
                break
            sent += _deliver(wire, held)
    return sent


def _claim() -> Dispatch | None:
    """Take the oldest message that waits, under a lease of the database's time; None when there is none to be had."""
    for pk in list(_ready().order_by("pk").values_list("pk", flat=True)[:10]):
        taken = Dispatch.objects.filter(pk=pk, state=S.WAITING).update(
            state=S.CLAIMED, token=F("token") + 1, attempt=F("attempt") + 1, lease_until=Now() + LEASE, error=""
        )
        if taken:
            return Dispatch.objects.select_related("recipient__person").get(pk=pk)
    return None


def _mine(held: Dispatch, state: str) -> Any:
    return Dispatch.objects.filter(pk=held.pk, token=held.token, state=state)


def _reach(wire: Any, held: Dispatch) -> bool:
    """Have a connection that answers before anything is handed over; else the message waits for a better time."""
    try:
        _awake(wire)
    except (OSError, smtplib.SMTPException) as fault:
        log.warning("mail server not reachable: %s", fault)
        _put_off(held, S.CLAIMED, f"{UNREACHABLE}（{type(fault).__name__}）")
        return False
    return True


def _awake(wire: Any) -> None:
    """Open a connection, anew where the server has hung up since the last message."""
    line = getattr(wire, "connection", None)
    if isinstance(line, smtplib.SMTP):
        try:
            if line.noop()[0] == 250:
                return
        except smtplib.SMTPServerDisconnected:
            pass
        with contextlib.suppress(OSError, smtplib.SMTPException):
            wire.close()
        wire.connection = None
    wire.open()


def _put_off(held: Dispatch, state: str, reason: str) -> None:
    """Let a message wait that the server has certainly not taken; after some attempts it is given up."""
    if held.attempt >= MAX_ATTEMPTS:
        _give_up(held, state, reason)
        return
    pause = PAUSE * 2 ** (held.attempt - 1)
    _mine(held, state).update(
        state=S.WAITING, lease_until=None, handed_at=None, available_at=Now() + pause, error=reason[:300]
    )


def _give_up(held: Dispatch, state: str, reason: str) -> None:
    _mine(held, state).update(state=S.FAILED, lease_until=None, handed_at=None, error=reason[:300])


def _deliver(wire: Any, held: Dispatch) -> bool:
    """Hand one claimed message over and settle what became of it; returns whether it went out."""
    try:
        message = _message(held)
        message.message()
    except ValueError as fault:  # a header nobody can send, such as an address with a line break
        _give_up(held, S.CLAIMED, f"邮件内容不合规（{type(fault).__name__}）")
        return False
    if not _mine(held, S.CLAIMED).update(state=S.HANDED, handed_at=clock.now(), lease_until=Now() + LEASE):
        return False
    try:
        wire.send_messages([message])
    except smtplib.SMTPRecipientsRefused as fault:
        codes = [code for code, _ in fault.recipients.values()]
        _refused(held, codes[0] if codes else 550)
    except smtplib.SMTPResponseException as fault:
        _refused(held, fault.smtp_code)
    except smtplib.SMTPNotSupportedError:
        _refused(held, 550)
    except (OSError, smtplib.SMTPException) as fault:
        log.warning("message %s may have gone out: %s", held.pk, fault)
        _mine(held, S.HANDED).update(state=S.UNCERTAIN, lease_until=None, error=CUT_OFF)
        with contextlib.suppress(OSError, smtplib.SMTPException):
            wire.close()
    else:
        return bool(_mine(held, S.HANDED).update(state=S.SENT, lease_until=None, sent_at=clock.now(), error=""))
    return False


def _refused(held: Dispatch, code: int) -> None:
    """Settle a message the server has refused in so many words: for now, or for good."""
    if code in TEMPORARY:
        _put_off(held, S.HANDED, f"邮件服务器暂时不收（{code}）")
    else:
        _give_up(held, S.HANDED, f"邮件服务器拒收（{code}）")


def _message(held: Dispatch) -> EmailMessage:
    """Return the message; the same row always has the same Message-ID, so that servers can tell a repeat."""
    headers = {"Message-ID": held.message_id, "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    return EmailMessage(held.subject, held.body, settings.DEFAULT_FROM_EMAIL, [held.address], headers=headers)
