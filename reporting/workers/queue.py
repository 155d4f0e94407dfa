"""The wire to Celery: a message is only a hint that a row waits. Losing one loses nothing."""

import logging
import threading
from functools import partial

from celery import current_app
from kombu.exceptions import KombuError

from reporting.models import Export

RENDER = "reporting.tasks.render_export"
BROKEN = (KombuError, OSError)
log = logging.getLogger(__name__)


def nudge(export_id: int) -> str:
    """Tell the workers that an export waits; returns "" or the broker's fault. Never raises: the row is the truth."""
    send = partial(current_app.send_task, RENDER, args=[export_id], queue="heavy", ignore_result=True, retry=False)
    try:
        send()
    except BROKEN as error:
        log.warning("broker not reachable, export %s waits in the database: %s", export_id, error)
        return str(error) or type(error).__name__
    return ""


def nudge_soon(export_id: int) -> None:
    """As `nudge`, beside the request: a broker that does not answer holds nobody up (redis alone tries for seconds)."""
    threading.Thread(target=nudge, args=[export_id], name=f"nudge-{export_id}", daemon=True).start()


def position(export: Export) -> int:
    """Return how many queued exports stand before this one."""
    ahead = Export.objects.waiting().filter(requested_at__lt=export.requested_at)
    return ahead.count() if export.state == Export.State.QUEUED else 0
