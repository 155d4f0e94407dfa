"""Celery tasks of talks: thin, without arguments that matter, may run twice."""

import logging

from celery import current_app, shared_task
from kombu.exceptions import KombuError

from branches import clock
from interviews.services import emergency

MAIL_EMERGENCIES = "interviews.tasks.mail_emergencies"
log = logging.getLogger(__name__)


@shared_task(name=MAIL_EMERGENCIES, ignore_result=True)
def mail_emergencies() -> int:
    """Remind the people on duty of reports that wait."""
    return emergency.mail_waiting(now=clock.now())


def announce_emergencies() -> None:
    """Tell the light worker when reminders wait; the rows are the truth, a lost message is sent again next time."""
    if not emergency.waiting_for_mail():
        return
    try:
        current_app.send_task(MAIL_EMERGENCIES, queue="light", ignore_result=True, retry=False)
    except (KombuError, OSError) as fault:
        log.warning("broker not reachable, reminders of emergencies wait in the database: %s", fault)
