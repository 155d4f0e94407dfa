"""What must hold after any fault, read from rows, files and downloads alone. Each returns findings; none is wanted."""

import hashlib
import io
import os
import time
import zipfile
from collections.abc import Iterable

import openpyxl
import pikepdf
from django.core.files.storage import default_storage

from branches.models import TransitionLog
from branches.transitions import history
from reporting.models import Export, Piece
from reporting.services import requests, upkeep

S = Export.State
FINAL = (S.DONE, S.FAILED, S.CANCELLED, S.EXPIRED)
FOLDERS = (upkeep.FOLDER, upkeep.PIECES)


def unfinished(exports: Iterable[Export]) -> list[str]:
    """Exports that came to no end."""
    return [f"{row.pk} is {row.state} at attempt {row.attempt}" for row in exports if row.state not in FINAL]


def lost(exports: Iterable[Export]) -> list[str]:
    """Exports without the file that was asked for."""
    return [f"{row.pk} is {row.state}: {row.error}" for row in exports if row.state != S.DONE]


def twice(exports: Iterable[Export]) -> list[str]:
    """Exports that were published more often than once."""
    found = []
    for row in exports:
        times = sum(1 for move in history(row) if isinstance(move, TransitionLog) and move.to_state == S.DONE)
        if times > 1:
            found.append(f"{row.pk} was published {times} times")
    return found


def opens(name: str, content: bytes) -> str:
    """Return what is wrong with a file for who opens it, "" when it is whole."""
    try:
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as bundle:
                inner = [opens(member, bundle.read(member)) for member in bundle.namelist()]
            return next(filter(None, inner), "") if inner else "an empty zip"
        if name.endswith(".pdf"):
            with pikepdf.open(io.BytesIO(content)) as document:
                return "" if len(document.pages) else "no page"
        if name.endswith(".xlsx"):
            workbook = openpyxl.load_workbook(io.BytesIO(content))
            return "" if workbook.worksheets[0].max_row > 1 else "no rows"
    except Exception as error:  # noqa: BLE001 - whatever a reader says of it is the finding
        return f"{type(error).__name__}: {error}"
    return ""


def unsound(exports: Iterable[Export]) -> list[str]:
    """Offered files that are not what their row says, or that do not open."""
    found = []
    for row in exports:
        if row.state != S.DONE:
            continue
        try:
            with requests.open_file(by=row.owner, export=row) as file:
                content = file.read()
        except (requests.ExportRefusedError, OSError) as error:
            found.append(f"{row.pk} cannot be downloaded: {error}")
            continue
        if (hashlib.sha256(content).hexdigest(), len(content)) != (row.sha256, row.file_size):
            found.append(f"{row.pk} is not the file of its row")
        elif fault := opens(row.file_name, content):
            found.append(f"{row.pk} does not open: {fault}")
    return found


def files(*folders: str) -> set[str]:
    """Return the keys of all stored files of exports and of their pieces."""
    found: set[str] = set()
    for folder in folders or FOLDERS:
        if default_storage.exists(folder):
            inner, names = default_storage.listdir(folder)
            found |= {f"{folder}/{name}" for name in names}
            found |= files(*(f"{folder}/{name}" for name in inner)) if inner else set()
    return found


def known() -> set[str]:
    """Return the keys of all files that rows speak of."""
    keys = set(Export.objects.filter(state=S.DONE).values_list("file_key", flat=True))
    return keys.union(*Piece.objects.values_list("file_key", "work_key")) - {""}


def unknown() -> list[str]:
    """Stored files that no row knows, once the sweep has run hours later."""
    long_ago = time.time() - upkeep.STRAY_AFTER.total_seconds() - 3600
    for key in files():
        os.utime(default_storage.path(key), (long_ago, long_ago))
    upkeep.sweep()
    return sorted(files() - known())


def left_to_draw() -> list[str]:
    """Pieces that nobody will ever draw: no export waits any more, and yet they are not settled."""
    if Export.objects.alive().exists():
        return []
    return [f"piece {row.pk} is {row.state} at attempt {row.attempt}" for row in Piece.objects.open()]


def everything(exports: Iterable[Export]) -> list[str]:
    """All of it."""
    rows = list(exports)
    return unfinished(rows) + lost(rows) + twice(rows) + unsound(rows) + unknown() + left_to_draw()
