"""Celery tasks of grading: thin, without arguments that matter, may run twice."""

import logging

from celery import current_app, shared_task
from kombu.exceptions import KombuError

from branches import clock
from grading.services import ballot_closing

CLOSE_BOXES = "grading.tasks.close_boxes"
log = logging.getLogger(__name__)


@shared_task(name=CLOSE_BOXES, ignore_result=True)
def close_boxes() -> int:
    """Count and destroy whatever waits for it."""
    return ballot_closing.work()


def announce_boxes() -> None:
    """Tell the light worker when boxes wait; the rows are the truth, a lost message is sent again next time."""
    if not ballot_closing.due(clock.now()):
        return
    try:
        current_app.send_task(CLOSE_BOXES, queue="light", ignore_result=True, retry=False)
    except (KombuError, OSError) as fault:
        log.warning("broker not reachable, ballot boxes wait in the database: %s", fault)
