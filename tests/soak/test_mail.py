"""kill -9 of the worker of messages while a mail server takes them slowly: nothing lost, nothing doubled; a control."""

import contextlib
import random
import re
import signal
import socketserver
import subprocess
import sys
import threading
import time

import pytest

from branches.models import Role
from rectification.models import DigestRun, Dispatch
from rectification.services.digests import readers
from tests.rectification.supervision_world import mailed, world
from tests.soak.arena import PATIENCE, seed

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]
READERS, KILLS = 120, 20
SLOWEST = 0.15
S = Dispatch.State
OPEN = (S.WAITING, S.CLAIMED, S.HANDED)


class Server(socketserver.ThreadingTCPServer):
    """A mail server that remembers the Message-IDs it took, and is slow to say so: that is the window."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, chance):
        super().__init__(("127.0.0.1", 0), Session)
        self.chance, self.taken = chance, []


class Session(socketserver.StreamRequestHandler):
    """One connection."""

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())

    def handle(self):
        with contextlib.suppress(OSError):
            self.say("220 test")
            while line := self.rfile.readline():
                word = line[:4].upper()
                if word == b"DATA":
                    self.say("354 go on")
                    self.take()
                elif word == b"QUIT":
                    self.say("221 bye")
                    return
                else:
                    self.say("250 ok")

    def take(self):
        text = b""
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            text += line
        if not line:
            return
        time.sleep(self.server.chance.random() * SLOWEST)
        self.server.taken.append(re.search(rb"Message-ID: (\S+)", text)[1].decode())
        time.sleep(self.server.chance.random() * SLOWEST)
        self.say("250 taken")


@contextlib.contextmanager
def mail_server(chance):
    with Server(chance) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def many_readers():
    """Make people who all have something to hear; the digests themselves are written by the worker."""
    w = world()
    for number in range(READERS):
        mailed(Role.SECRETARY, w.school.algebra, f"reader{number}@example.edu.cn")


def run(environment, server, chance, *, faults=""):
    """Let a worker work, killing it at random moments; returns how often it was killed."""
    env = {
        **environment, "DJANGO_SETTINGS_MODULE": "tests.settings", "ZHIBU_FAULTS": faults, "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(server.server_address[1]),
    }  # fmt: skip
    killed, deadline = 0, time.monotonic() + 240 * PATIENCE
    while True:
        worker = subprocess.Popen([sys.executable, "-m", "tests.soak.mailer"], env=env, stdout=subprocess.PIPE)
        assert worker.stdout.readline() == b"ready\n"
        began = time.monotonic()
        try:
            life = chance.uniform(0.05, 1.2) if killed < KILLS else 600
            while time.monotonic() - began < life:
                assert time.monotonic() < deadline, list(Dispatch.objects.values_list("pk", "state", "error"))
                assert worker.poll() is None, "the worker died by itself"
                if DigestRun.objects.exists() and not Dispatch.objects.filter(state__in=OPEN).exists():
                    return killed
                time.sleep(0.02)
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
            worker.stdout.close()
        killed += 1


def counts():
    rows = Dispatch.objects.values_list("state", "message_id")
    return {state: [one for at, one in rows if at == state] for state in (S.SENT, S.UNCERTAIN, S.FAILED)}


def test_kills_lose_nothing_and_double_nothing(process_environment, injected):
    many_readers()
    chance = random.Random(seed())
    with mail_server(chance) as server:
        killed = run(process_environment, server, chance)
        taken = list(server.taken)
    found = counts()
    assert len(taken) == len(set(taken))
    assert set(found[S.SENT]) <= set(taken)
    assert set(taken) <= {*found[S.SENT], *found[S.UNCERTAIN]}
    assert found[S.FAILED] == []
    assert len(found[S.UNCERTAIN]) <= killed
    assert Dispatch.objects.filter(kind="digest").count() == len(readers(DigestRun.objects.first().period))
    lost = set(found[S.UNCERTAIN]) - set(taken)
    said = f"{len(found[S.SENT])} sent once, {len(found[S.UNCERTAIN])} uncertain, {len(lost)} of them not taken"
    injected(f"mail worker killed {killed} times over {len(taken)} messages", said)


def test_the_control_without_the_uncertain_state_doubles(process_environment, injected):
    many_readers()
    chance = random.Random(seed())
    with mail_server(chance) as server:
        run(process_environment, server, chance, faults="resend")
        assert len(server.taken) > len(set(server.taken))
        twice = len(server.taken) - len(set(server.taken))
    injected("control: what was being handed over is sent again", f"noticed: {twice} arrived twice")
