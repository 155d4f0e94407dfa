"""The wire to Celery: what is sent, and that a broken one holds nobody up."""

import threading
import time

import pytest
from kombu.exceptions import OperationalError

from reporting import tasks
from reporting.workers import queue


@pytest.mark.unit
def test_a_message_carries_the_number_of_the_row_and_nothing_else(monkeypatch):
    sent = []
    monkeypatch.setattr(queue.current_app, "send_task", lambda name, **options: sent.append((name, options)))
    assert queue.nudge(7) == ""
    expected = {"args": [7], "queue": "heavy", "ignore_result": True, "retry": False}
    assert sent == [(tasks.render_export.name, expected)]


@pytest.mark.unit
@pytest.mark.parametrize(
    "fault", [OperationalError("no route"), ConnectionRefusedError("refused"), OSError("disk full")]
)
def test_a_broken_broker_is_told_not_raised(monkeypatch, fault):
    def broken(*_args, **_options):
        raise fault

    monkeypatch.setattr(queue.current_app, "send_task", broken)
    assert queue.nudge(7) == str(fault)


@pytest.mark.unit
def test_a_slow_broker_does_not_hold_up_the_request(monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(queue, "nudge", lambda _pk: time.sleep(0.5) or answered.set())
    started = time.monotonic()
    queue.nudge_soon(7)
    assert time.monotonic() - started < 0.3
    assert answered.wait(5)


@pytest.mark.unit
def test_the_task_hands_its_number_on_and_looks_whether_to_stop(monkeypatch):
    given = []
    monkeypatch.setattr(tasks.runner, "run", lambda pk, stopping: given.append((pk, stopping())) or "done")
    assert tasks.render_export.run(7, added_later=True) == "done"
    monkeypatch.setattr(tasks.worker_state, "should_stop", 0)
    tasks.render_export.run(8)
    assert given == [(7, False), (8, True)]
