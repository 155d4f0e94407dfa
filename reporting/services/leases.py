"""What exports and pieces have in common: how long a claim holds, and how long to wait after a failed attempt."""

import datetime as dt

from django.conf import settings

RETRY_PAUSE = dt.timedelta(seconds=5)
STALLED = "生成中断，系统已重新安排"


def lease() -> dt.timedelta:
    """Return how long a claim holds without a sign of life."""
    return dt.timedelta(seconds=settings.EXPORT_LEASE_SECONDS)


def tried(reason: str, attempts: int) -> str:
    """Return why something failed for good after some attempts."""
    return f"{reason}（已尝试 {attempts} 次）"
