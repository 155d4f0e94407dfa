"""Files of keys: written whole or not at all for this user only, overwritten before they go."""

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


def make(directory: Path) -> None:
    """Make a directory only this user may enter."""
    if not directory.is_dir():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)


def stage(path: Path, content: bytes, *, sync: bool = True) -> Path:
    """Write a file beside its place under a name of its own; `put` moves it there."""
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        if sync:
            stream.flush()
            os.fsync(stream.fileno())
    return part


def write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, and let the disk know."""
    stage(path, content).replace(path)
    sync(path.parent)


def shred(path: Path) -> None:
    """Overwrite a file and remove it; one that is gone already is well."""
    with contextlib.suppress(FileNotFoundError):
        with path.open("r+b") as stream:
            stream.write(secrets.token_bytes(path.stat().st_size))
            stream.flush()
            os.fsync(stream.fileno())
        path.unlink()


def sync(directory: Path) -> None:
    """Let the disk know what became of a directory's names."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(path: Path, *, alone: bool) -> Iterator[None]:
    """Hold the lock `path` stands for, alone or with others who do not need it alone; it ends with the process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def open_to_others(directory: Path) -> list[str]:
    """Return the names of a directory and of files in it that other users of the machine can read."""
    present = [directory, *directory.iterdir()] if directory.is_dir() else []
    return [path.name for path in present if path.stat().st_mode & 0o077]
