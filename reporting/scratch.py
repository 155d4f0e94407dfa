"""Temporary files of processes that may be killed: each has a folder of its own, and whoever lives sweeps up.

A renderer keeps its fonts there (tens of megabytes) and what it is just making, which holds people's data. Knows no
settings and no database.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PREFIX = "zhibu-warm-"
LOOSE = ("zhibu-render-*", "zhibu-merge-*", "zhibu-verify-*")
LOOSE_SECONDS = 2 * 3600
NEEDED = 64 * 2**20
_OWNER = re.compile(rf"{PREFIX}(\d+)-")


def own() -> None:
    """Give this process, and what it forks, a folder of its own for temporary files."""
    tempfile.tempdir = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")


def drop(pid: int, place: str | None = None) -> None:
    """Delete the folder of a process that has ended, or is about to."""
    for folder in Path(place or tempfile.gettempdir()).glob(f"{PREFIX}{pid}-*"):
        shutil.rmtree(folder, ignore_errors=True)


def sweep() -> int:
    """Delete what killed processes left: folders of processes that are gone, single ones that are hours old."""
    place = Path(tempfile.gettempdir())
    left = [folder for folder in place.glob(f"{PREFIX}*") if not _alive(folder)]
    left += _old(place)
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


def full() -> bool:
    """Return whether temporary files have too little room for a renderer to start."""
    return shutil.disk_usage(tempfile.gettempdir()).free < NEEDED


def _old(place: Path) -> Iterator[Path]:
    before = time.time() - LOOSE_SECONDS
    for pattern in LOOSE:
        for folder in (*place.glob(pattern), *place.glob(f"{PREFIX}*/{pattern}")):
            with suppress(OSError):
                facts = folder.stat()
                if facts.st_uid == os.geteuid() and facts.st_mtime < before:
                    yield folder


def _alive(folder: Path) -> bool:
    """Return whether the process that a folder belongs to runs, or cannot be told of: another user's."""
    owner = _OWNER.match(folder.name)
    try:
        if owner is None or folder.stat().st_uid != os.geteuid():
            return True
        os.kill(int(owner.group(1)), 0)
    except (ProcessLookupError, FileNotFoundError):
        return False
    except OSError:
        return True
    return True
