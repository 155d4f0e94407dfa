"""Warm children: tasks and answers, how an end is told, and that nobody outlives whoever started them."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from django.conf import settings

from reporting.workers import nursery

pytestmark = pytest.mark.unit

SERVER = """
import os, socket, sys, time
import django
django.setup()
from reporting.workers import nursery

def work(tasks, answers):
    for line in os.fdopen(tasks):
        task = line.strip()
        if task == "die": os.kill(os.getpid(), 9)
        if task == "leave": sys.exit(3)
        if task == "fail": raise ValueError("on purpose")
        if task == "sleep": time.sleep(60)
        os.write(answers, (task.upper() * 3 + "\\n").encode())

nursery.serve(socket.socket(fileno=int(sys.argv[1])), work)
"""


class Small(nursery.Nursery):
    """A nursery whose children know a few words."""

    def start(self):
        if self._server is not None and self._server.poll() is None:
            return
        self.stop()
        mine, its = socket.socketpair()
        command = [sys.executable, "-c", SERVER, str(its.fileno())]
        environment = nursery.processes.for_child() | {"DJANGO_SETTINGS_MODULE": "tests.settings"}
        self._server = subprocess.Popen(command, pass_fds=[its.fileno()], cwd=settings.BASE_DIR, env=environment)
        its.close()
        self._channel = mine


@pytest.fixture(scope="module")
def small():
    made = Small()
    yield made
    made.stop()


def answer(child: nursery.Child, task: str) -> str:
    child.ask(task)
    while (line := child.answer(10)) is None:
        pass
    return line


def gone(pid: int, seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX":
                time.sleep(0.05)
                continue
        return True
    return False


def test_a_child_does_task_after_task_and_ends_when_the_pipe_is_closed(small):
    child = small.child()
    assert [answer(child, "one"), answer(child, "two")] == ["ONEONEONE", "TWOTWOTWO"]
    assert child.close() == 0
    assert gone(child.pid)
    child.errors.close()


def test_a_long_answer_comes_whole(small):
    child = small.child()
    assert answer(child, "x" * 100_000) == "X" * 300_000
    child.close()
    child.errors.close()


@pytest.mark.parametrize(
    ("task", "code"), [("die", -signal.SIGKILL), ("leave", os.EX_SOFTWARE), ("fail", os.EX_SOFTWARE)]
)
def test_how_a_child_ended_is_told(small, task, code):
    child = small.child()
    assert answer(child, task) == ""
    assert child.close() == code
    assert ("on purpose" in child.said()) == (task == "fail")
    child.errors.close()


def test_a_hanging_child_is_ended_and_the_next_one_is_sound(small):
    child = small.child()
    child.ask("sleep")
    assert child.answer(0.1) is None
    child.kill()
    assert child.answer(10) == ""
    assert child.close() == -signal.SIGKILL
    child.errors.close()
    again = small.child()
    assert answer(again, "on") == "ONONON"
    again.close()
    again.errors.close()


def test_the_child_of_a_server_that_was_killed_ends_with_it_and_another_server_starts(small):
    child = small.child()
    child.ask("sleep")
    server = small._server
    server.kill()
    assert child.answer(10) == ""
    assert child.close() == -signal.SIGKILL
    assert gone(child.pid)
    child.errors.close()
    again = small.child()
    assert small._server is not server
    assert answer(again, "on") == "ONONON"
    again.close()
    again.errors.close()


def test_a_child_starts_in_a_tenth_of_a_second_once_its_server_is_warm(small):
    small.child().close()
    took = []
    for _ in range(5):
        began = time.monotonic()
        child = small.child()
        took.append(time.monotonic() - began)
        child.close()
        child.errors.close()
    assert min(took) < 0.1


def test_a_server_that_cannot_start_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    broken = nursery.Nursery()
    with pytest.raises(nursery.NurseryError):
        broken.child()


def test_an_unread_log_says_what_was_written_last():
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        errors.write("x" * 5000 + "the end")
        child = nursery.Child(0, -1, -1, errors, lambda: 0)
        assert child.said().endswith("the end")
        assert len(child.said()) == nursery.TAIL
