"""`manage.py worker`: one light and N heavy Celery workers as children, and the upkeep of the queue beside them.

The loop reads the database, not the broker: with the broker down rows wait, and go out when it is back.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

from celery import current_app
from celery.exceptions import SecurityWarning
from celery.signals import task_postrun, task_prerun, worker_ready
from celery.worker import state as worker_state
from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import close_old_connections, connection

from branches import audit
from branches.models import AuditEntry
from branches.services import uploads
from grading.tasks import announce_boxes
from interviews.tasks import announce_coverage, announce_emergencies
from rectification.tasks import announce_messages, forget_messages
from reporting import scratch
from reporting.services import upkeep
from reporting.workers import processes, runner

BEAT_SECONDS = 10.0
SEAL_SECONDS = 30.0
MAIL_SECONDS = 15.0
COUNT_SECONDS = 60.0
EXPIRE_SECONDS = 60.0
SWEEP_SECONDS = 3600.0
STOP_SECONDS = 8.0
RESTART_PAUSE = 2.0
log = logging.getLogger(__name__)


@dataclass
class Member:
    """One Celery worker: which queue it serves, and its process."""

    role: str
    number: int
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0

    @property
    def alive(self) -> bool:
        """Tell whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start the process, out of reach of a terminal's Ctrl-C: the supervisor ends its members itself."""
        manage = settings.BASE_DIR / "manage.py"
        command = [sys.executable, str(manage), "worker", "--role", self.role, "--number", str(self.number)]
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=settings.BASE_DIR, env=processes.for_child(), process_group=0
        )
        self.started = time.monotonic()


@dataclass
class Chore:
    """Something to be done again and again; a fault in one turn is logged, the next turn tries again."""

    every: float
    do: Callable[[], object]
    due: float = field(default=0.0)

    def turn(self, moment: float) -> None:
        """Do it when it is due."""
        if moment < self.due:
            return
        self.due = moment + self.every
        try:
            self.do()
        except (DatabaseFault, OSError) as error:
            connection.close()
            log.error("upkeep (%s) will be tried again: %s", self.do.__name__, error)  # noqa: TRY400 - one line a turn


def seal_tail() -> None:
    """Seal audit entries committed since the last time; takes no lock while there are none."""
    newest = AuditEntry.objects.order_by("-pk").values_list("seal__pk", flat=True)[:1]
    if list(newest) == [None]:
        audit.seal()


class Supervisor:
    """Keeps the members alive until a signal comes, and does the chores."""

    def __init__(self, *, heavy: int) -> None:
        """Plan one light member and `heavy` heavy ones; nothing starts yet."""
        self.members = [Member("light", 1), *(Member("heavy", number) for number in range(1, heavy + 1))]
        self.restarts = 0
        self.broker_error = ""
        self.asked_to_stop = False
        self.chores = [
            Chore(settings.WORKER_POLL_SECONDS, upkeep.reap),
            Chore(settings.WORKER_POLL_SECONDS, self.announce),
            Chore(settings.WORKER_POLL_SECONDS, announce_boxes),
            Chore(settings.WORKER_POLL_SECONDS, announce_emergencies),
            Chore(COUNT_SECONDS, announce_coverage),
            Chore(MAIL_SECONDS, announce_messages),
            Chore(BEAT_SECONDS, self.beat),
            Chore(SEAL_SECONDS, seal_tail),
            Chore(EXPIRE_SECONDS, upkeep.expire),
            Chore(SWEEP_SECONDS, upkeep.sweep),
            Chore(SWEEP_SECONDS, scratch.sweep),
            Chore(SWEEP_SECONDS, uploads.purge),
            Chore(SWEEP_SECONDS, forget_messages),
        ]

    def announce(self) -> None:
        """Tell waiting rows to the workers and remember what the broker said."""
        self.broker_error = upkeep.announce_waiting()

    def beat(self) -> None:
        """Write the sign of life."""
        alive = {role: sum(1 for m in self.members if m.role == role and m.alive) for role in ("light", "heavy")}
        upkeep.beat(**alive, restarts=self.restarts, broker_error=self.broker_error)

    def run(self) -> None:
        """Start the members and watch until a signal asks to stop; then stop them all."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        for member in self.members:
            member.start()
        try:
            while not self.asked_to_stop:
                self.turn()
                time.sleep(0.2)
        finally:
            self.stop()

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.asked_to_stop = True

    def turn(self) -> None:
        """Look after members and chores once."""
        moment = time.monotonic()
        for member in self.members:
            if not member.alive and moment - member.started > RESTART_PAUSE:
                log.warning("%s worker %s has ended and is started again", member.role, member.number)
                self.restarts += 1
                member.start()
        for chore in self.chores:
            if self.asked_to_stop:
                return
            chore.turn(moment)
        close_old_connections()

    def stop(self) -> None:
        """End all members: politely, then by force; they give their exports back."""
        living = [member.process for member in self.members if member.process is not None and member.alive]
        for process in living:
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        while any(process.poll() is None for process in living) and time.monotonic() < deadline:
            time.sleep(0.05)
        for process in living:
            if process.poll() is None:
                process.kill()
                process.wait()
        with contextlib.suppress(DatabaseFault):
            upkeep.farewell()


class PromptStop:
    """Makes one Celery worker leave at once when it is idle; a busy one gives its export back first.

    Celery alone would finish its wait for messages, some seconds. Nothing is lost by leaving: rows are the truth.
    """

    def __init__(self) -> None:
        """Nothing runs yet."""
        self.busy = 0

    def install(self) -> None:
        """Take over the signals, again once Celery has taken them, and count tasks."""
        self._take_signals()
        worker_ready.connect(self._take_signals, weak=False)
        task_prerun.connect(self._begin, weak=False)
        task_postrun.connect(self._end, weak=False)

    def _begin(self, **_: object) -> None:
        self.busy += 1

    def _end(self, **_: object) -> None:
        self.busy -= 1

    def _take_signals(self, **_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: object) -> None:
        worker_state.should_stop = os.EX_OK
        if not self.busy:
            runner.nursery.stop()
            os._exit(os.EX_OK)


def run_member(role: str, number: int) -> None:
    """Be one Celery worker until asked to stop, or until the supervisor dies."""
    processes.die_with_parent()
    # A container runs everything as root; no task takes anything but a number.
    warnings.simplefilter("ignore", SecurityWarning)
    PromptStop().install()
    if role == "heavy":
        runner.nursery.start()
    current_app.worker_main(celery_arguments(role, number))


def celery_arguments(role: str, number: int) -> list[str]:
    """Return the arguments of one Celery worker: a single process that serves one queue."""
    return [
        "--quiet",
        "worker",
        "--pool=solo",
        f"--queues={role}",
        f"--hostname={role}{number}-{os.getpid()}@%h",
        "--loglevel=WARNING",
        "--without-gossip",
        "--without-mingle",
        "--without-heartbeat",
    ]
