"""A full disk: the export fails with a sentence a person can act on, nothing partial stays, the database goes on."""

import os
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from branches.models import AuditEntry
from reporting.models import Export
from reporting.services import requests
from tests.factories.grading import fill
from tests.soak import verdicts
from tests.soak.arena import S, World, ask, ended, fresh, until, working, world

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]
FULL = "服务器磁盘已满，请联系系统管理员清理后重试。"
POINTS = 10
SIZE = 8 * 2**20
FONTS = 200 * 2**20


@contextmanager
def small_disk(folder: Path, size: int = SIZE):
    """Mount a small file system of its own over a folder; skips where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "zhibu-soak", str(folder)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"mounting a small disk needs root: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def leave_free(folder: Path, free: int) -> None:
    """Fill the disk of a folder but for some bytes; None at all leaves it empty."""
    filler = folder / "filler"
    filler.unlink(missing_ok=True)
    usage = os.statvfs(folder)
    fill_up = max(0, usage.f_bavail * usage.f_frsize - free)
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, fill_up) if fill_up else None


def first_ends(export: Export) -> Export:
    """Wait until the first attempt came to something."""
    until(lambda: Export.objects.filter(pk=export.pk).exclude(error="", state__in=Export.ALIVE).exists(), 60)
    return fresh([export])[0]


def write_meanwhile(place: World, number: int) -> None:
    """Let a branch hand in its sheet, as if no disk were full."""
    branch = place.branches[number]
    fill(place.grading.units[branch.code])


def fill_at_points(disk: Path, place: World) -> tuple[list[Export], int]:
    """Ask for a document at ten degrees of fullness; returns the exports and how many met the full disk."""
    sample = ask(place, place.office(), place.branches[-1], form="pdf")
    until(lambda: ended([sample]), 60)
    assert verdicts.lost(fresh([sample])) == []
    asked, met = [sample], 0
    for point in range(POINTS):
        size = fresh([sample])[0].file_size
        leave_free(disk, size * point // POINTS)
        export = ask(place, place.office(), place.branches[point], form="pdf")
        row = first_ends(export)
        write_meanwhile(place, point)
        if row.state != S.DONE:
            met += 1
            assert row.error == FULL, row.error
            assert verdicts.files() <= verdicts.known(), "a partial file was left"
        leave_free(disk, SIZE)
        until(lambda export=export: ended([export]), 60)
        asked.append(export)
    return asked, met


def test_the_storage_fills_at_ten_points(environment, tmp_path, injected):
    place = world(POINTS + 2)
    disk = Path(default_storage.location)
    with small_disk(disk), working(environment, tmp_path, lease=10, EXPORT_RESERVE_MB="0"):
        asked, met = fill_at_points(disk, place)
        assert met >= POINTS - 2
        assert verdicts.everything(fresh(asked)) == []
        submitted = AuditEntry.objects.filter(action="grading.assessment.submitted").count()
        assert submitted == POINTS, "what was filed on a full disk is there"
        row = until_failed(disk, place)
        leave_free(disk, SIZE)
        requests.retry(by=row.owner, export=row)
        until(lambda: ended([row]), 60)
        assert verdicts.everything(fresh([*asked, row])) == []
    injected(
        f"storage full at {POINTS} points of writing",
        f"{met} attempts failed readably, no partial file, {POINTS} sheets filed meanwhile; done once it had room",
    )


def until_failed(disk: Path, place: World) -> Export:
    """Leave the disk full until an export has failed for good."""
    leave_free(disk, 0)
    export = ask(place, place.office(), place.branches[POINTS], form="pdf")
    until(lambda: ended([export]), 90)
    (row,) = fresh([export])
    assert (row.state, row.attempt, row.error) == (S.FAILED, 3, f"{FULL}（已尝试 3 次）")
    assert not row.file_key
    return row


def test_the_scratch_disk_fills(environment, tmp_path, injected):
    place = world(3)
    scratch = tmp_path / "scratch"
    with small_disk(scratch, FONTS), working(environment, tmp_path, lease=10):
        leave_free(scratch, 0)
        asked = [ask(place, place.office(), branch, form="pdf") for branch in place.branches]
        time.sleep(12)
        rows = fresh(asked)
        assert all(not row.error or row.error.startswith(FULL) for row in rows), [row.error for row in rows]
        leave_free(scratch, FONTS)
        until(lambda: ended(asked), 90)
        for row in fresh(asked):
            if row.state == S.FAILED:
                requests.retry(by=row.owner, export=row)
        until(lambda: ended(asked), 90)
    assert verdicts.everything(fresh(asked)) == []
    injected("folder for drawing full for 12 s", "nothing partial offered or left; 3 of 3 done once it had room")
