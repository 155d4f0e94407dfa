"""Counting wrong guesses in the database beside axes: of codes by address, of passwords by name over all addresses.

Locks run in real time, as those of axes do, even where a demo's clock is moved.
"""

import datetime as dt

from axes.models import AccessAttempt
from django.conf import settings
from django.db import transaction
from django.db.models import Max, Sum
from django.utils import timezone

CODES = "(激活码)"  # no login name can hold these signs
CODE_LIMIT = 20
NAME_LIMIT = 30


def cool_off() -> dt.timedelta:
    """Return how long a lock lasts."""
    return dt.timedelta(hours=settings.AXES_COOLOFF_TIME)


def _recent(**lookup: str | None) -> tuple[int, dt.datetime | None]:
    """Return how many guesses of the window match, and when the last of them was (real time, as axes counts)."""
    rows = AccessAttempt.objects.filter(attempt_time__gt=timezone.now() - cool_off(), **lookup)
    found = rows.aggregate(count=Sum("failures_since_start"), last=Max("attempt_time"))
    return found["count"] or 0, found["last"]


def _until(limit: int, **lookup: str | None) -> dt.datetime | None:
    count, last = _recent(**lookup)
    return last + cool_off() if last is not None and count >= limit else None


def codes_locked_until(address: str | None) -> dt.datetime | None:
    """Return until when an address may not try codes, or None while it may."""
    return _until(CODE_LIMIT, username=CODES, ip_address=address)


def name_locked_until(username: str) -> dt.datetime | None:
    """Return until when a login name is closed because too many addresses guessed at it, or None."""
    return _until(NAME_LIMIT, username=username)


def pair_locked_until(username: str, address: str | None) -> dt.datetime | None:
    """Return until when axes refuses this name from this address, or None."""
    return _until(settings.AXES_FAILURE_LIMIT, username=username, ip_address=address)


@transaction.atomic
def note_wrong_code(address: str | None) -> None:
    """Count one wrong code from an address; what was typed is not kept."""
    now = timezone.now()
    AccessAttempt.objects.filter(username=CODES, attempt_time__lte=now - cool_off()).delete()
    row, _ = AccessAttempt.objects.select_for_update().get_or_create(
        username=CODES,
        ip_address=address,
        user_agent="",
        defaults={"get_data": "", "post_data": "", "http_accept": "", "path_info": "", "failures_since_start": 0},
    )
    AccessAttempt.objects.filter(pk=row.pk).update(failures_since_start=row.failures_since_start + 1, attempt_time=now)
