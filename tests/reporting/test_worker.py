"""`manage.py worker` as a process: it takes waiting rows, restarts what died, stops promptly. Runs on both brokers."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import settings

from branches import audit
from branches.models import Role
from reporting.forms import wish_for
from reporting.making.kinds import BY_SLUG
from reporting.making.orders import Order
from reporting.models import Export, WorkerHeartbeat
from reporting.services import requests
from tests.factories.branches import holder
from tests.factories.grading import opened_round

S = Export.State
pytestmark = [pytest.mark.queue, pytest.mark.django_db(transaction=True)]
QUICK = {"EXPORT_LEASE_SECONDS": "6", "EXPORT_NUDGE_SECONDS": "2", "WORKER_POLL_SECONDS": "0.3"}


@pytest.fixture
def worker(process_environment):
    """A running supervisor; stopped, and asserted gone, at the end."""
    command = [sys.executable, "manage.py", "worker", "--heavy", "2"]
    process = subprocess.Popen(command, env=process_environment | QUICK, cwd=settings.BASE_DIR)
    yield process
    if process.poll() is None:
        process.terminate()
        process.wait(timeout=20)


def until(ready: Callable[[], bool], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, list(Export.objects.values("state", "attempt", "error", "nudged_at"))
        time.sleep(0.2)


def members(pid: int) -> list[int]:
    """Return the processes a process has started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            _state, parent = entry.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid:
                found.append(int(entry.parent.name))
    return found


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_rows_whose_message_was_lost_are_made_and_a_dead_member_is_replaced(worker, monkeypatch):
    monkeypatch.setattr(requests, "nudge_soon", lambda _pk: "broker down")
    world = opened_round()
    office = holder(Role.OFFICE, world.school.root)
    units = (world.school.maths, world.school.letters, world.school.root)
    for unit in units:
        order = Order(BY_SLUG["annex5"], world.round, unit, "xlsx")
        requests.request_export(by=office, wish=wish_for(order, unit.code))
    until(lambda: WorkerHeartbeat.objects.filter(heavy=2, light=1).exists())
    for pid in members(worker.pid):
        os.kill(pid, signal.SIGKILL)
    until(lambda: Export.objects.filter(state=S.DONE).count() == 3)
    rows = Export.objects.all()
    assert {row.token for row in rows} <= {1, 2, 3, 4, 5}
    assert len({row.file_key for row in rows}) == 3
    until(lambda: audit.verify().unsealed == 0)
    started = time.monotonic()
    everybody = [worker.pid, *members(worker.pid)]
    worker.terminate()
    assert worker.wait(timeout=15) == 0
    assert time.monotonic() - started < 10
    assert [pid for pid in everybody if alive(pid)] == []
    assert not WorkerHeartbeat.objects.exists()


def test_members_do_not_outlive_a_supervisor_that_is_killed(worker):
    until(lambda: WorkerHeartbeat.objects.filter(heavy=2).exists())
    started = members(worker.pid)
    worker.kill()
    worker.wait()
    until(lambda: not any(alive(pid) for pid in started), 30)
