"""A world with real documents, a real worker that can be killed, and the waiting and counting around both."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings

from branches.models import Account, Branch, Role
from reporting.forms import wish_for
from reporting.making.kinds import BY_SLUG
from reporting.making.orders import Order
from reporting.models import Export, Piece, WorkerHeartbeat
from reporting.services import requests
from tests.factories.branches import BranchFactory, School, holder, school
from tests.factories.grading import Grading, opened_round
from tests.soak import processes

S = Export.State
LEASE = 20
# On a machine that does other things too, waiting may take longer; what must be quick is asserted for itself.
PATIENCE = float(os.environ.get("SOAK_PATIENCE", "2"))
QUICK = {"EXPORT_NUDGE_SECONDS": "2", "WORKER_POLL_SECONDS": "0.3", "HEAVY_WORKERS": "2"}


@dataclass
class World:
    """A round over many branches, and the branches whose documents come to grief by name."""

    grading: Grading
    branches: list[Branch]
    bad: dict[str, Branch] = field(default_factory=dict)

    @property
    def school(self) -> School:
        return self.grading.school

    def office(self) -> Account:
        """Return one more person of the office, with a quota of their own."""
        return holder(Role.OFFICE, self.school.root)


def world(size: int, *bad: str) -> World:
    """Open a round over `size` more branches under 数学…党总支, and one for each bad word under 文学…党总支."""
    tree = school()
    more = [
        BranchFactory(code=f"SJ{n:03d}", name=f"第{n}教研室党支部", parent=tree.maths, category=tree.teachers)
        for n in range(100, 100 + size)
    ]
    worse = {
        word: BranchFactory(code=f"WX{n:03d}", name=f"{word}教研室党支部", parent=tree.letters, category=tree.teachers)
        for n, word in enumerate(bad, 100)
    }
    return World(opened_round(tree), more, worse)


def ask(place: World, by: Account, unit: Branch, kind: str = "annex4", form: str = "xlsx", **more: bool) -> Export:
    """Ask for an export as the page does."""
    order = Order(BY_SLUG[kind], place.grading.round, unit, form, **more)
    return requests.request_export(by=by, wish=wish_for(order, unit.code)).export


def until(ready: Callable[[], bool], seconds: float, what: str = "") -> float:
    """Wait for something; returns the seconds it took."""
    began = time.monotonic()
    while not ready():
        if time.monotonic() - began > seconds * PATIENCE:
            rows = list(Export.objects.exclude(state=S.DONE).values_list("pk", "state", "attempt", "error")[:20])
            raise AssertionError(f"not within {seconds:.0f} s: {what} {rows}")
        time.sleep(0.2)
    return time.monotonic() - began


def claims() -> set[tuple[str, int, int]]:
    """Return the claims that hold at this moment: what is worked on, its number and the token."""
    exports = Export.objects.running().values_list("pk", "token")
    pieces = Piece.objects.drawing().values_list("pk", "token")
    return {("export", *pair) for pair in exports} | {("piece", *pair) for pair in pieces}


def ended(exports: list[Export]) -> bool:
    """Return whether all of these came to an end."""
    keys = [row.pk for row in exports]
    return not Export.objects.filter(pk__in=keys).alive().exists()


def fresh(exports: list[Export]) -> list[Export]:
    """Return the rows as they are now, with their owners."""
    keys = [row.pk for row in exports]
    return list(Export.objects.filter(pk__in=keys).select_related("owner__person", "unit").order_by("pk"))


class Worker:
    """`manage.py worker` on this test's database, broker and files; may be killed in part or as a whole."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self.environment, self.log = environment, log
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self, *, wait: bool = True) -> None:
        """Start it, and wait for its sign of life."""
        command = [sys.executable, "manage.py", "worker", "--heavy", "2"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, cwd=settings.BASE_DIR, stdout=log, stderr=log, start_new_session=True
            )
        if wait:
            until(lambda: WorkerHeartbeat.objects.filter(pid=self.pid).exists(), 60, "sign of life")

    def everybody(self) -> list[int]:
        """Return all its processes, itself first."""
        return [self.pid, *(process.pid for process in processes.below(self.pid))]

    def members(self) -> list[int]:
        """Return its Celery workers."""
        return sorted(process.pid for process in processes.below(self.pid) if process.member)

    def kill(self, what: str, chance: random.Random) -> str:
        """Kill -9 a process that draws, a warm one, a Celery worker, only the supervisor, or everything."""
        if what in ("child", "server"):
            find = processes.drawing if what == "child" else processes.servers
            with contextlib.suppress(AssertionError):
                until(lambda: bool(find(self.pid)), 5)
            if found := find(self.pid):
                chance.choice(found).kill()
            return what if found else f"no {what} there"
        if what == "member":
            until(lambda: bool(self.members()), 15, "a Celery worker")
            processes.send(chance.choice(self.members()), signal.SIGKILL)
            return what
        struck = self.everybody()
        for pid in struck if what == "worker" else struck[:1]:
            processes.send(pid, signal.SIGKILL)
        self.process.wait()
        until(lambda: not any(processes.alive(pid) for pid in struck), 15, "processes outlive their supervisor")
        self.start(wait=False)
        return what

    @contextlib.contextmanager
    def frozen(self):
        """Stop the time of all its processes for the block."""
        struck = self.everybody()
        for pid in struck:
            processes.send(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in struck:
                processes.send(pid, signal.SIGCONT)

    def stop(self) -> None:
        """Ask it to stop as an administrator does; by force when it does not."""
        if self.process is None or self.process.poll() is not None:
            return
        struck = self.everybody()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=30)
        for pid in struck:
            processes.send(pid, signal.SIGKILL)
        self.process.wait()

    def said(self) -> str:
        """Return what it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""


@contextlib.contextmanager
def working(environment: dict[str, str], folder: Path, *, lease: int = LEASE, faults: str = "", **more: str):
    """Run a worker for the block, with a scratch folder of its own. ZHIBU_FAULTS takes safeguards out."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    given = QUICK | {
        "EXPORT_LEASE_SECONDS": str(lease), "DJANGO_SETTINGS_MODULE": "tests.soak.settings",
        "ZHIBU_FAULTS": faults, "TMPDIR": str(scratch), "LOG_LEVEL": "WARNING",
    }  # fmt: skip
    worker = Worker(environment | given | more, folder / "worker.log")
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def seed() -> int:
    """Return the number the random faults come from; SOAK_SEED chooses another."""
    return int(os.environ.get("SOAK_SEED", "2012"))
