"""The erasure journal: which records' keys were destroyed, when and why. Lines are only added. Pure but for the disk.

It lies outside database, vault and their backups, so that no restore can bring back what it names: a record that stands
in it is never opened again, whatever keys have come back. A line names no person and no text.
"""

import datetime as dt
import hashlib
import os
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from interviews.vault import disk

NAME = "erasures.log"
_RECORD = re.compile(r"^[0-9a-f]{32}$")
_LINE = re.compile(r"^(\S+) ([0-9a-f]{32}) ([a-z_]+) ([0-9a-f]{16})$")


@dataclass(frozen=True, slots=True)
class Entry:
    """One erasure."""

    at: str
    record: str
    cause: str

    def line(self) -> str:
        """Return the line that is kept, with a check against slips of the disk."""
        said = f"{self.at} {self.record} {self.cause}"
        return f"{said} {hashlib.blake2b(said.encode(), digest_size=8).hexdigest()}"


@dataclass(slots=True)
class _Read:
    """How far the journal was read, and what it named so far."""

    inode: int = 0
    offset: int = 0
    records: set[str] = field(default_factory=set)


_known: dict[Path, _Read] = {}
_guard = threading.Lock()


@dataclass(frozen=True, slots=True)
class Journal:
    """The journal of one installation."""

    directory: Path

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.directory / NAME

    def add(self, records: Iterable[str], cause: str, at: dt.datetime) -> list[Entry]:
        """Write that these records are erased; what is returned is on the disk."""
        disk.make(self.directory)
        records = list(records)
        if odd := [record for record in records if not _RECORD.match(record)]:
            raise ValueError(f"not the number of a record: {odd[0]!r}")
        entries = [Entry(at.astimezone(dt.UTC).isoformat(timespec="seconds"), record, cause) for record in records]
        text = "".join(entry.line() + "\n" for entry in entries)
        with disk.locked(self.directory / ".lock", alone=True):
            descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "r+b") as stream:
                if self._is_torn(stream.fileno()):
                    text = "\n" + text
                stream.write(text.encode())
                stream.flush()
                os.fsync(stream.fileno())
            disk.sync(self.directory)
        return entries

    def entries(self) -> Iterator[Entry]:
        """Return every erasure in order; a line a killed process left half written is passed over."""
        if self.path.exists():
            yield from _parsed(self.path.read_bytes())

    def holds(self, record: str) -> bool:
        """Tell whether a record was erased."""
        return record in self.records()

    def records(self) -> frozenset[str] | set[str]:
        """Return all records that were erased; only what was added since the last look is read."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return frozenset()
        with _guard:
            seen = _known.setdefault(self.path, _Read())
            if seen.inode != found.st_ino or found.st_size < seen.offset:
                seen.inode, seen.offset, seen.records = found.st_ino, 0, set()
            if found.st_size > seen.offset:
                with self.path.open("rb") as stream:
                    stream.seek(seen.offset)
                    fresh = stream.read()
                whole = fresh[: fresh.rfind(b"\n") + 1]
                seen.records = seen.records | {entry.record for entry in _parsed(whole)}
                seen.offset += len(whole)
            return seen.records

    @staticmethod
    def _is_torn(descriptor: int) -> bool:
        size = os.fstat(descriptor).st_size
        return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def _parsed(content: bytes) -> Iterator[Entry]:
    for line in content.decode("ascii", "replace").splitlines():
        if match := _LINE.match(line):
            entry = Entry(match[1], match[2], match[3])
            if entry.line() == line:
                yield entry
