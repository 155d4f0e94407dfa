"""`manage.py serve` as a person meets it: it says where it is, and Ctrl-C leaves nothing behind."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from reporting import serving
from tests.conftest import ROOT
from tests.servers import free_port

SECONDS = 300


@pytest.fixture
def start(tmp_path):
    """Start `manage.py serve` on directories of its own; whatever is left of it is killed afterwards."""
    groups = []

    def run(port, **more):
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("ZHIBU_", "DATABASE_URL", "REDIS_"))
        }
        environment = {**kept, "DJANGO_SETTINGS_MODULE": "config.settings", "ZHIBU_VAR": str(tmp_path), **more}
        command = [sys.executable, str(ROOT / "manage.py"), "serve", "--port", str(port)]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        groups.append(process)
        return process

    yield run
    for process in groups:
        if members(process):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def members(process):
    """Return the process ids still alive in the group that `process` leads."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _parent, group = entry.read_text().rpartition(")")[2].split()[:3]
            if int(group) == process.pid and state != "Z":
                found.append(int(entry.parent.name))
    return found


def lines_until(process, word):
    """Read lines until one holds `word`; fails when the process ends before."""
    said, deadline = [], time.monotonic() + SECONDS
    for line in process.stdout:
        said.append(line.rstrip())
        if word in line:
            return said
        assert time.monotonic() < deadline, said
    raise AssertionError("\n".join(said))


@contextlib.contextmanager
def silent(port, count):
    """Hold connections open that ask for nothing, as browsers do beforehand."""
    with contextlib.ExitStack() as held:
        for _ in range(count):
            held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
        time.sleep(0.3)
        yield


@pytest.mark.long
@pytest.mark.once
def test_it_says_where_it_is_and_stops_within_seconds(start):
    """First a new installation, stopped by Ctrl-C; then the same one again, stopped by a plain SIGTERM."""
    for whole_group in (True, False):
        port = free_port()
        serve_and_stop(start(port), port, whole_group=whole_group)


def serve_and_stop(process, port, *, whole_group):
    said = lines_until(process, "Ctrl-C stops")
    assert f"Ready: http://127.0.0.1:{port}" in said
    (token,) = [line for line in said if "One-time token" in line]
    assert re.search(r"[2-9A-Z]{6}-[2-9A-Z]{6}-[2-9A-Z]{5}$", token)
    with silent(port, 12):
        asked = time.monotonic()
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30)
        assert page.status == 200
        assert "口令" in page.read().decode()
        assert time.monotonic() - asked < 4, "connections without a request take nobody's turn"
        os.killpg(process.pid, signal.SIGINT) if whole_group else process.terminate()
        asked = time.monotonic()
        assert process.wait(timeout=20) == 0
        assert time.monotonic() - asked < 12
    assert members(process) == []
    rest = process.stdout.read()
    assert "SIGKILL" not in rest, rest
    assert "Traceback" not in rest, rest
    assert serving.port_is_free(port)


@pytest.mark.unit
def test_a_taken_port_is_said_in_plain_words(monkeypatch):
    monkeypatch.setattr(serving, "port_is_free", lambda _: False)
    with pytest.raises(serving.CannotStart, match="make run PORT=8001"):
        serving.serve(port=8000, say=lambda _: None)


def supervisor(*commands):
    code = "import sys, time, signal; " + "{}"
    return serving.Supervisor((name, [sys.executable, "-c", code.format(body)]) for name, body in commands)


@pytest.mark.unit
def test_one_child_that_ends_is_noticed_and_the_other_is_stopped(monkeypatch):
    monkeypatch.setattr(serving.signal, "signal", lambda *_: None)
    pair = supervisor(("web", "time.sleep(60)"), ("worker", "sys.exit(3)"))
    pair.start()
    assert pair.watch() == "worker"
    pair.stop()
    assert pair.children["web"].poll() == -signal.SIGTERM


@pytest.mark.unit
def test_a_child_that_will_not_go_is_ended_by_force(monkeypatch):
    monkeypatch.setattr(serving.signal, "signal", lambda *_: None)
    monkeypatch.setattr(serving, "STOP_SECONDS", 0.5)
    pair = supervisor(
        ("web", "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)")
    )
    pair.start()
    time.sleep(0.5)
    pair.stop()
    assert pair.children["web"].poll() == -signal.SIGKILL
