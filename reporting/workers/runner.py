"""A heavy worker at work: gives tasks to a warm child, watches over it, and decides what becomes of each of them.

A turn takes an export, then draws pieces of whatever waits, one by one with exports asked for meanwhile, until
nothing is left or its time is up. No turn waits for another: all of them read the same rows.
"""

import atexit
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

from django.conf import settings
from django.db.models import F

from reporting import scratch
from reporting.making import storing
from reporting.models import Export
from reporting.services import jobs, pieces
from reporting.services.jobs import Claim, Outcome
from reporting.services.pieces import Drawn, HeldPiece
from reporting.workers.nursery import Child, Nursery, NurseryError
from reporting.workers.processes import Report, read_report, report_of_death
from reporting.workers.queue import nudge

LOOK_SECONDS = 0.2
ASK_SECONDS = 1.0
TURN_SECONDS = 60.0
SLOW_SECONDS = 2.0
NOT_STARTED = "生成程序没能启动，请联系系统管理员。"
ENDED_FOR = {
    "stop": "服务停止，生成已中断。",
    "lost": "已取消，或由别的进程接手，生成已中断。",
    "time": "生成时间过长，已停止。",
}
log = logging.getLogger(__name__)
nursery = Nursery()
atexit.register(nursery.stop)
Stopping = Callable[[], bool]


@dataclass
class Watch:
    """Watches over one task: renews its lease, and knows when and why its child must be ended.

    Args:
        renew: lengthens the lease; False when the claim is lost.
        look: how far the task is; None when the claim is lost or nobody wants it any more.
        stopping: whether this worker was asked to stop.
    """

    renew: Callable[[], bool]
    look: Callable[[], int | None]
    stopping: Stopping
    done: int = 0
    ended_for: str = ""
    asked: float = field(default_factory=time.monotonic)
    renewed: float = field(default_factory=time.monotonic)
    progressed: float = field(default_factory=time.monotonic)

    def reason_to_end(self) -> str:
        """Return stop, time, lost, or "" while the child may go on."""
        moment = time.monotonic()
        if self.stopping():
            return "stop"
        if moment - self.renewed > settings.EXPORT_LEASE_SECONDS / 3:
            self.renewed = moment
            if not self.renew():
                return "lost"
        if moment - self.asked > ASK_SECONDS:
            self.asked = moment
            if (done := self.look()) is None:
                return "lost"
            if done != self.done:
                self.done, self.progressed = done, moment
        return "time" if moment - self.progressed > settings.EXPORT_TIME_LIMIT_SECONDS else ""


class Bench:
    """Where one worker works: at most one child at a time, kept for the next task while it is sound and small."""

    def __init__(self, stopping: Stopping) -> None:
        """Begin without a child."""
        self.stopping = stopping
        self._child: Child | None = None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let the child go."""
        self.clear()

    def clear(self) -> None:
        """End the child, if there is one."""
        if self._child is not None:
            self._child.kill()
            self._child.close()
            self._child.errors.close()
            self._child = None

    def do(self, task: str, watch: Watch) -> Report:
        """Have a task done and return its report; a child that failed, or grew, does no other."""
        try:
            child = self._child = self._child or nursery.child()
        except NurseryError:
            return Report(ok=False, reason=storing.FULL if scratch.full() else NOT_STARTED)
        child.ask(task)
        while (line := child.answer(LOOK_SECONDS)) is None:
            if not watch.ended_for and (reason := watch.reason_to_end()):
                watch.ended_for = reason
                child.kill()
        if line:
            report = read_report(line)
        else:  # whom we ended ourselves did not die of anything
            died = child.close()
            report = Report(ok=False, reason=ENDED_FOR[watch.ended_for]) if watch.ended_for else report_of_death(died)
        if not report.ok:
            log.warning("%s: %s %s", task, report.reason, child.said())
        if not report.ok or report.memory_mb > settings.RENDERER_RECYCLE_MB:
            self.clear()
        return report


# --- Exports --------------------------------------------------------------------------------------------------------


def make(bench: Bench, export_id: int) -> str:
    """Work on one export if it can be had; returns the state it led to, "" when it was not to be had or was lost."""
    held = jobs.claim(export_id)
    if held is None:
        return ""
    watch = Watch(lambda: jobs.renew(held), lambda: jobs.look(held), bench.stopping)
    try:
        report = bench.do(f'{{"export": {held.export_id}, "token": {held.token}}}', watch)
    except BaseException:
        bench.clear()
        jobs.release(held)
        raise
    if report.ok and report.left:
        tell_others(export_id, report.left)
        return Export.State.DRAWING
    return settle(held, report, watch.ended_for)


def settle(held: Claim, report: Report, ended_for: str) -> str:
    """Publish, give back, cancel or fail; returns the new state, "" when the claim was lost."""
    if report.ok:
        outcome = Outcome(report.key, report.name, report.size, report.sha256, report.digest, report.note)
        if jobs.publish(held, outcome):
            return Export.State.DONE
        pieces.delete_files([report.key])
        return jobs.abandon(held)
    if ended_for == "stop":
        return jobs.release(held)
    if ended_for == "lost" or not report.reason:
        return jobs.abandon(held)
    reason = too_long() if ended_for == "time" else report.reason
    return jobs.fail(held, reason, final=report.final)


def too_long() -> str:
    """Return the sentence for a task that came to no end."""
    return f"{max(1, settings.EXPORT_TIME_LIMIT_SECONDS // 60)} 分钟没有进展，已停止。"


def tell_others(export_id: int, left: int) -> None:
    """Tell the other workers that there are pieces to draw."""
    for _ in range(min(left, settings.HEAVY_WORKERS) - 1):
        nudge(export_id)


# --- Pieces ---------------------------------------------------------------------------------------------------------


@dataclass
class Run:
    """A few pieces claimed together and drawn one after the other.

    A slow one holds up neither those before it, which are offered, nor those after it, which are given back.
    """

    waiting: list[HeldPiece]
    made: list[tuple[HeldPiece, Report]] = field(default_factory=list)
    now: HeldPiece | None = None
    begun: float = 0.0

    def next(self) -> HeldPiece:
        """Begin the next piece."""
        self.now, self.begun = self.waiting.pop(0), time.monotonic()
        return self.now

    def renew(self) -> bool:
        """Lengthen all leases of the run."""
        return pieces.renew([*self.waiting, *(held for held, _ in self.made), *filter(None, [self.now])])

    def look(self) -> int | None:
        """Let a slow piece go alone; None when nobody wants it any more."""
        if time.monotonic() - self.begun > SLOW_SECONDS:
            self.give_back()
            self.offer()
        return 0 if self.now is not None and pieces.look(self.now) else None

    def give_back(self) -> None:
        """Give back what is not begun."""
        while self.waiting:
            pieces.release(self.waiting.pop())

    def offer(self) -> None:
        """Publish what is made."""
        made, self.made = self.made, []
        if not made:
            return
        lost = pieces.publish([(held, Drawn(r.key, r.size, r.sha256, r.pages)) for held, r in made])
        pieces.delete_files(report.key for held, report in made if held in lost)


def draw_next(bench: Bench) -> bool:
    """Draw the pieces whose turn it is; False when none waits."""
    run = Run(pieces.claim_run())
    if not run.waiting:
        return False
    try:
        while run.waiting and not bench.stopping():
            held = run.next()
            watch = Watch(run.renew, run.look, bench.stopping)
            report = bench.do(f'{{"work": "{held.work_key}"}}', watch)
            if report.ok:
                run.made.append((held, report))
            else:
                settle_piece(held, report, watch.ended_for)
            run.now = None
    except BaseException:
        bench.clear()
        if run.now is not None:
            pieces.release(run.now)
        raise
    finally:
        run.give_back()
        run.offer()
    return True


def settle_piece(held: HeldPiece, report: Report, ended_for: str) -> None:
    """Give a piece back that could not be drawn, or count the attempt."""
    if ended_for in ("stop", "lost"):
        pieces.release(held)
    else:
        pieces.fail(held, too_long() if ended_for == "time" else report.reason, final=report.final)


# --- A turn ---------------------------------------------------------------------------------------------------------


def run(export_id: int, *, stopping: Stopping = lambda: False) -> str:
    """Work on an export if it can be had, then on whatever waits; returns the state the export is in then.

    The same message may come many times: only one claim succeeds. "" when the export was not to be had.
    """
    with Bench(stopping) as bench:
        state = make(bench, export_id)
        go_on(bench, {export_id} if not state else set())
    if state != Export.State.DRAWING:
        return state
    return Export.objects.filter(pk=export_id).values_list("state", flat=True).first() or ""


def go_on(bench: Bench, refused: set[int]) -> None:
    """Take exports and pieces in turns until nothing waits, this worker is to stop, or the turn's time is up."""
    until = time.monotonic() + TURN_SECONDS
    while not bench.stopping():
        found = jobs.next_claimable(refused)
        if found is not None and not make(bench, found):
            refused.add(found)
        if not draw_next(bench) and found is None:
            return
        if time.monotonic() > until:
            pass_on()
            return


def pass_on() -> None:
    """Announce what is left to whoever is free, this worker itself once it has looked at its messages."""
    waiting = Export.objects.alive().order_by(F("heartbeat_at").asc(nulls_first=True))
    if (pk := waiting.values_list("pk", flat=True).first()) is not None:
        nudge(pk)
