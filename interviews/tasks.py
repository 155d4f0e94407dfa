"""Celery tasks of talks: thin, without arguments that matter, may run twice."""

import logging

from celery import current_app, shared_task
from kombu.exceptions import KombuError

from branches import clock
from interviews import figures_kept
from interviews.services import emergency

MAIL_EMERGENCIES = "interviews.tasks.mail_emergencies"
COUNT_COVERAGE = "interviews.tasks.count_coverage"
log = logging.getLogger(__name__)


@shared_task(name=MAIL_EMERGENCIES, ignore_result=True)
def mail_emergencies() -> int:
    """Remind the people on duty of reports that wait."""
    return emergency.mail_waiting(now=clock.now())


@shared_task(name=COUNT_COVERAGE, ignore_result=True)
def count_coverage() -> int:
    """Count coverage anew where talks have come in since it was last shown."""
    due = figures_kept.waiting(clock.now())
    for campaign in due:
        figures_kept.publish(campaign, clock.now())
    return len(due)


def announce_emergencies() -> None:
    """Tell the light worker when reminders wait; the rows are the truth, a lost message is sent again next time."""
    if emergency.waiting_for_mail():
        _tell(MAIL_EMERGENCIES, "reminders of emergencies wait in the database")


def announce_coverage() -> None:
    """Tell the light worker when coverage is to be counted."""
    if figures_kept.waiting(clock.now()):
        _tell(COUNT_COVERAGE, "coverage stays as it was counted")


def _tell(task: str, otherwise: str) -> None:
    try:
        current_app.send_task(task, queue="light", ignore_result=True, retry=False)
    except (KombuError, OSError) as fault:
        log.warning("broker not reachable, %s: %s", otherwise, fault)
