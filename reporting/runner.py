"""One export from claim to publication: starts the child that draws it, watches over it, decides what becomes of it."""

import logging
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import IO

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import F

from reporting.models import Export
from reporting.processes import Report, end_group, for_child, read_report
from reporting.queue import nudge
from reporting.services import jobs
from reporting.services.jobs import Claim, Outcome

LOOK_SECONDS = 0.2
ASK_SECONDS = 1.0
log = logging.getLogger(__name__)
Stopping = Callable[[], bool]


class Watch:
    """Watches one child: renews the lease, and knows why it was ended."""

    def __init__(self, held: Claim, child: "subprocess.Popen[str]", stopping: Stopping) -> None:
        """Begin to watch."""
        self.held, self.child, self.stopping = held, child, stopping
        self.progressed = self.asked = self.renewed = time.monotonic()
        self.done = 0
        self.ended_for = ""

    def until_end(self) -> str:
        """Wait for the child's end, or bring it about; returns what it wrote."""
        while True:
            try:
                written, _ = self.child.communicate(timeout=LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                if reason := self.reason_to_end():
                    self.ended_for = reason
                    end_group(self.child)
            else:
                return written or ""

    def reason_to_end(self) -> str:
        """Return stop, time, lost, or "" while the child may go on."""
        if self.ended_for:
            return ""
        moment = time.monotonic()
        if self.stopping():
            return "stop"
        if moment - self.renewed > settings.EXPORT_LEASE_SECONDS / 3:
            self.renewed = moment
            if not jobs.renew(self.held):
                return "lost"
        if moment - self.asked > ASK_SECONDS:
            self.asked = moment
            if (done := jobs.look(self.held)) is None:
                return "lost"
            if done != self.done:
                self.done, self.progressed = done, moment
        return "time" if moment - self.progressed > settings.EXPORT_TIME_LIMIT_SECONDS else ""


def start_child(held: Claim, errors: IO[str]) -> "subprocess.Popen[str]":
    """Start the process that draws; nothing of this one's memory goes with it."""
    manage = settings.BASE_DIR / "manage.py"
    command = [sys.executable, str(manage), "render_export", str(held.export_id), "--token", str(held.token)]
    return subprocess.Popen(  # noqa: S603 - our own command with two numbers
        command,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        start_new_session=True,
        cwd=settings.BASE_DIR,
        env=for_child(),
    )


def run(export_id: int, *, stopping: Stopping = lambda: False) -> str:
    """Work on one export if it can be had; returns the state it led to, "" when it was not to be had or was lost.

    The same message may come many times: only one claim succeeds.
    """
    held = jobs.claim(export_id)
    if held is None:
        return ""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        child = start_child(held, errors)
        watch = Watch(held, child, stopping)
        try:
            written = watch.until_end()
        except BaseException:
            end_group(child)
            child.wait()
            jobs.release(held)
            raise
        report = read_report(written, child.returncode)
        if not report.ok:
            errors.seek(0)
            log.warning(
                "export %s, attempt %s: %s %s", held.export_id, held.attempt, report.reason, errors.read()[-4000:]
            )
    state = settle(held, report, watch.ended_for)
    nudge_next(held.export_id)
    return state


def settle(held: Claim, report: Report, ended_for: str) -> str:
    """Publish, give back, cancel or fail; returns the new state, "" when the claim was lost."""
    if report.ok:
        outcome = Outcome(report.key, report.name, report.size, report.sha256, report.digest)
        if jobs.publish(held, outcome):
            return Export.State.DONE
        default_storage.delete(report.key)
        return jobs.abandon(held)
    if ended_for == "stop":
        return Export.State.QUEUED if jobs.release(held) else ""
    if ended_for == "lost" or not report.reason:
        return jobs.abandon(held)
    if ended_for == "time":
        minutes = max(1, settings.EXPORT_TIME_LIMIT_SECONDS // 60)
        return jobs.fail(held, f"{minutes} 分钟没有进展，已停止。")
    return jobs.fail(held, report.reason, final=report.final)


def nudge_next(export_id: int) -> None:
    """Announce the next waiting export of the same owner, whose turn may have come only now."""
    owner = Export.objects.filter(pk=export_id).values("owner")[:1]
    waiting = (
        Export.objects.waiting()
        .filter(owner__in=owner)
        .order_by(F("available_at").asc(nulls_first=True), "requested_at")
    )
    if (pk := waiting.values_list("pk", flat=True).first()) is not None:
        nudge(pk)
