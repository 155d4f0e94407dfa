"""Celery tasks: thin, arguments are ids, may run twice."""

from typing import Any

from celery import shared_task
from celery.worker import state as worker_state

from reporting.workers import runner


def stopping() -> bool:
    """Tell whether this worker was asked to stop."""
    asked = (worker_state.should_stop, worker_state.should_terminate)
    return any(value is not None and value is not False for value in asked)


@shared_task(name="reporting.tasks.render_export", ignore_result=True)
def render_export(export_id: int, **_: Any) -> str:
    """Work on one export row; a no-op when somebody else has it."""
    return runner.run(export_id, stopping=stopping)
