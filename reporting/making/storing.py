"""Files into the store: each under a key nobody knows, whole or not at all."""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, default_storage

from branches import clock

FULL = "服务器磁盘已满，请联系系统管理员清理后重试。"
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the store."""

    key: str
    size: int
    sha256: str


def _local() -> bool:
    return isinstance(default_storage._wrapped, FileSystemStorage)  # type: ignore[attr-defined]  # noqa: SLF001


def require_room(size: int) -> None:
    """Raise OSError (ENOSPC) when a file of that size would take what the database beside it may need."""
    if not _local():
        return
    place = Path(default_storage.path(""))
    while not place.exists():
        place = place.parent
    if shutil.disk_usage(place).free < size + settings.EXPORT_RESERVE_MB * 2**20:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _save(folder: str, suffix: str, content: "File[bytes]") -> str:
    """Write a file; what was begun and could not be finished is taken away again."""
    key = f"{folder}/{clock.today():%Y%m}/{secrets.token_hex(16)}{suffix}"
    try:
        return default_storage.save(key, content)
    except BaseException:
        default_storage.delete(key)
        raise


def store_file(path: Path, folder: str, suffix: str) -> Stored:
    """Store a file, safely on the disk."""
    size = path.stat().st_size
    require_room(size)
    with path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        source.seek(0)
        key = _save(folder, suffix, File(source))
    if _local():
        with Path(default_storage.path(key)).open("rb") as written:
            os.fsync(written.fileno())
    return Stored(key, size, digest)


def store_bytes(content: bytes, folder: str, suffix: str) -> Stored:
    """Store something that can be made again: whoever reads it compares size and SHA-256."""
    require_room(len(content))
    return Stored(_save(folder, suffix, ContentFile(content)), len(content), hashlib.sha256(content).hexdigest())


def read(key: str) -> bytes:
    """Return the content of a stored file. Raises OSError when it is not there."""
    with default_storage.open(key, "rb") as file:
        return bytes(file.read())


@contextmanager
def at_hand(key: str, folder: Path) -> Iterator[Path]:
    """Give the path of a stored file: its own where the store is a folder of this machine, else that of a copy.

    Nothing lies there when the file has gone.
    """
    if _local():
        yield Path(default_storage.path(key))
        return
    copy = folder / Path(key).name
    with suppress(FileNotFoundError):
        copy.write_bytes(read(key))
    yield copy
