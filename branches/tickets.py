"""Tickets: proof that somebody was at work on a filing before its deadline, signed by the server (docs/freezing.md).

A page on which a deadline matters carries a ticket with the server's time; a filing that arrives after the deadline
counts as begun at that time while the ticket is young enough. No row is stored: the signature covers the account, the
thing and the moment.
"""

import datetime as dt

from django.conf import settings
from django.core import signing
from django.utils import timezone

SALT = "zhibu.ticket"


def issue(*, account_id: int, thing: str, now: dt.datetime) -> str:
    """Return a ticket that says: this account was at work on `thing` at `now`."""
    return signing.Signer(salt=SALT).sign_object([account_id, thing, now.timestamp()])


def moment(ticket: str, *, account_id: int, thing: str, now: dt.datetime) -> dt.datetime | None:
    """Return when a ticket was issued; None when it is forged, another's, from the future, or too old by now."""
    try:
        owner, about, stamp = signing.Signer(salt=SALT).unsign_object(ticket)
        issued = dt.datetime.fromtimestamp(float(stamp), tz=dt.UTC)
    except (signing.BadSignature, ValueError, TypeError, OverflowError):
        return None
    if (owner, about) != (account_id, thing) or issued > now:
        return None
    if now - issued > dt.timedelta(minutes=settings.FILING_GRACE_MINUTES):
        return None
    return timezone.localtime(issued)
