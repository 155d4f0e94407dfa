"""Upkeep by the worker's own loop: lost work is queued again, old files go, waiting rows are announced."""

import datetime as dt
import logging
import os
import socket
from collections.abc import Iterable, Iterator

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q

from branches import clock
from branches.transitions import advance
from reporting import states
from reporting.database_time import database_now
from reporting.models import Export, Piece, WorkerHeartbeat
from reporting.services import jobs, leases, pieces
from reporting.workers.queue import nudge

S = Export.State
FOLDER = "exports"
PIECES = "pieces"
STRAY_AFTER = dt.timedelta(hours=2)
LIFELESS_AFTER = dt.timedelta(days=1)
ALIVE_WITHIN = dt.timedelta(seconds=30)
states.declare()
log = logging.getLogger(__name__)


def reap() -> int:
    """Let exports and pieces wait again whose lease has ended (or fail them, attempts used up); returns how many."""
    overdue = Export.objects.running().filter(lease_until__lt=database_now()).values_list("pk", flat=True)
    return sum(_reap_one(pk) for pk in list(overdue)) + pieces.reap()


@transaction.atomic
def _reap_one(pk: int) -> bool:
    export = Export.objects.select_for_update().get(pk=pk)
    if export.state != S.RUNNING or export.lease_until is None or export.lease_until >= database_now():
        return False
    if export.cancel_requested:
        jobs.end(export, S.CANCELLED)
    else:
        jobs.set_back(export, leases.STALLED)
    return True


def announce_waiting() -> str:
    """Send a message again for waiting rows while workers stand idle; returns what a broken broker said, else "".

    Messages that were lost (broker down, flushed, worker killed) are the only reason for idle workers beside waiting
    rows, so a busy queue is never flooded with repeats.
    """
    runs = -(-Piece.objects.drawing().count() // pieces.RUN)
    if Export.objects.running().count() + runs >= settings.HEAVY_WORKERS:
        return ""
    moment = database_now()
    old = moment - dt.timedelta(seconds=settings.EXPORT_NUDGE_SECONDS)
    ready = Q(available_at__isnull=True) | Q(available_at__lte=moment)
    silent = Q(nudged_at__isnull=True) | Q(nudged_at__lte=old)
    due = Export.objects.filter(ready, silent).filter(
        Q(state=S.QUEUED) | Q(pk__in=Export.objects.drawn()) | Q(parts__piece__in=Piece.objects.ready(moment))
    )
    for pk in list(due.distinct().order_by("requested_at").values_list("pk", flat=True)[:100]):
        if trouble := nudge(pk):
            return trouble
        Export.objects.filter(pk=pk).update(nudged_at=moment)
    return ""


def expire(limit: int = 200) -> int:
    """Delete files past their time, their rows move to 已过期, and pieces nobody used; returns how many."""
    due = Export.objects.filter(state=S.DONE, expires_at__lte=clock.now()).values_list("pk", flat=True)[:limit]
    return sum(expire_one(pk) for pk in list(due)) + pieces.expire()


def expire_one(pk: int) -> bool:
    """Delete the file of a finished export, its row moves to 已过期; False when it has already."""
    with transaction.atomic():
        export = Export.objects.select_for_update().get(pk=pk)
        if export.state != S.DONE:
            return False
        advance(export, S.EXPIRED, by=None, now=clock.now())
        Export.objects.filter(pk=pk).update(file_key="")
    pieces.delete_files([export.file_key])
    return True


def _stored(folder: str = FOLDER) -> Iterator[str]:
    """Yield the keys of all files under the folder of exports."""
    try:
        folders, files = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    for name in files:
        yield f"{folder}/{name}"
    for name in folders:
        yield from _stored(f"{folder}/{name}")


def sweep() -> tuple[int, int]:
    """Delete files no row knows, and let rows expire whose file is gone; returns both counts."""
    known = set(Export.objects.filter(state=S.DONE).values_list("file_key", flat=True))
    stored = set(_stored())
    missing = Export.objects.filter(state=S.DONE, file_key__in=known - stored).values_list("pk", flat=True)
    lost = sum(expire_one(pk) for pk in list(missing))
    strays, lost_pieces = _sweep_pieces()
    return _delete_strays(stored - known) + strays, lost + lost_pieces


def _sweep_pieces() -> tuple[int, int]:
    """Do the same for pieces and for the facts kept for those that wait."""
    # Rows first: a piece published after them is no reason to think its file lost.
    keys = {key for pair in Piece.objects.values_list("file_key", "work_key") for key in pair if key}
    stored = set(_stored(PIECES))
    gone = Piece.objects.filter(state=Piece.State.DONE, file_key__in=keys - stored)
    lost = list(gone.exclude(digest__startswith=pieces.LOST))
    pieces.set_aside(lost)
    return _delete_strays(stored - keys), len(lost)


def _delete_strays(keys: Iterable[str]) -> int:
    """Delete files that were not written just now: those may belong to a row about to be written."""
    before = database_now() - STRAY_AFTER
    strays = [key for key in keys if _written_before(key, before)]
    pieces.delete_files(strays)
    return len(strays)


def _written_before(key: str, moment: dt.datetime) -> bool:
    """Return whether a file is older; one that has gone meanwhile (another host sweeps too) is nobody's business."""
    try:
        return default_storage.get_modified_time(key) < moment
    except FileNotFoundError:
        return False


def beat_name() -> str:
    """Return the name under which this process shows its signs of life."""
    return f"{socket.gethostname()}:{os.getpid()}"


def beat(*, light: int, heavy: int, restarts: int, broker_error: str) -> None:
    """Write this worker's sign of life, and forget those of workers long gone."""
    moment = database_now()
    facts = {
        "light": light,
        "heavy": heavy,
        "restarts": restarts,
        "broker_error": broker_error[:200],
        "seen_at": moment,
    }
    mine = WorkerHeartbeat.objects.filter(name=beat_name())
    if not mine.update(**facts):
        WorkerHeartbeat.objects.create(name=beat_name(), pid=os.getpid(), started_at=moment, **facts)
        WorkerHeartbeat.objects.filter(seen_at__lt=moment - LIFELESS_AFTER).delete()


def farewell() -> None:
    """Take this worker's sign of life away: it stops on purpose."""
    WorkerHeartbeat.objects.filter(name=beat_name()).delete()


def worker_alive(within: dt.timedelta = ALIVE_WITHIN) -> bool:
    """Return whether any worker showed a sign of life lately (doctor, queue page)."""
    return WorkerHeartbeat.objects.filter(seen_at__gte=database_now() - within).exists()
