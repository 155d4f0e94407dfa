"""The only clock.

Tests move it with `time_machine`; a demo shifts it with `set_offset`, kept in a file so that web and worker agree.
Leases and tokens do not use it: they ask the database.
"""

import datetime as dt
from pathlib import Path

from django.conf import settings
from django.utils import timezone


def _offset_file() -> Path:
    return Path(settings.VAR_DIR) / "demo-clock-offset"


def _offset() -> dt.timedelta:
    if not settings.DEMO:
        return dt.timedelta()
    try:
        return dt.timedelta(seconds=float(_offset_file().read_text()))
    except (FileNotFoundError, ValueError):
        return dt.timedelta()


def set_offset(moment: dt.datetime) -> None:
    """Make the demo's clock show `moment` (aware) now and run on from there; refused outside a demo."""
    if not settings.DEMO:
        message = "The clock can be moved in a demo only."
        raise RuntimeError(message)
    _offset_file().write_text(str((moment - timezone.now()).total_seconds()))


def now() -> dt.datetime:
    """Return the present moment, aware, in the current time zone (Asia/Shanghai)."""
    return timezone.localtime(timezone.now() + _offset())


def end_of(day: dt.date) -> dt.datetime:
    """Return the first moment after a day, in the current time zone: what arrives then or later is late."""
    return timezone.make_aware(dt.datetime.combine(day + dt.timedelta(days=1), dt.time.min))


def day_of(moment: dt.datetime) -> dt.date:
    """Return the day of a moment (aware) in the current time zone, whatever zone it comes in."""
    return timezone.localdate(moment)


def today() -> dt.date:
    """Return today's date in the current time zone."""
    return now().date()
