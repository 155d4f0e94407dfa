"""Celery tasks of rectification: thin, without arguments that matter, may run twice."""

import logging

from celery import current_app, shared_task
from celery.worker import state as worker_state
from kombu.exceptions import KombuError

from branches import clock
from rectification.services import digests, mailing, retention

SEND = "rectification.tasks.send_messages"
log = logging.getLogger(__name__)


def _stopping() -> bool:
    asked = (worker_state.should_stop, worker_state.should_terminate)
    return any(value is not None and value is not False for value in asked)


@shared_task(name=SEND, ignore_result=True)
def send_messages() -> int:
    """Write the digests that are due and send what waits."""
    digests.work(clock.now())
    return mailing.work(stopping=_stopping)


def forget_messages() -> int:
    """Delete what the log of messages need not keep any longer; a chore of the supervisor."""
    return retention.forget(now=clock.now())


def announce_messages() -> None:
    """Tell the light worker when there is something to write or to send; the rows are the truth."""
    if not mailing.waits() and not digests.due(clock.now()):
        return
    try:
        current_app.send_task(SEND, queue="light", ignore_result=True, retry=False)
    except (KombuError, OSError) as fault:
        log.warning("broker not reachable, messages wait in the database: %s", fault)
