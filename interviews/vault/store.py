"""Record keys, wrapped: one small file for each record, in a directory of their own outside database and backup.

Files, because a destroyed key must not live on in a database's free pages, write-ahead log or archive, and because
several hosts share a directory anyway (ADR 0022). `.lock` is held by all who write a key, alone by whoever destroys or
re-wraps; it falls with the process that held it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from interviews.vault import disk
from interviews.vault.faults import KeyErased, KeyLost
from interviews.vault.journal import Journal
from interviews.vault.keks import Keks, name_of
from interviews.vault.sealing import new_key

SHARDS = tuple(f"{number:02x}" for number in range(256))
HEX_DIGITS = frozenset("0123456789abcdef")
RECORD_LENGTH = 32
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Vault:
    """The wrapped keys of an installation, with what wraps them and what was erased."""

    directory: Path
    keks: Keks
    journal: Journal

    def issue(self, records: Iterable[str], *, sync: bool = True) -> dict[str, bytes]:
        """Make and keep a key for each of these new records; on the disk when this returns. Raises KeyLost.

        `sync=False` leaves it to the operating system when they reach the disk: for demo data only.
        """
        keys = {_checked(record): new_key() for record in records}
        with self._locked(alone=False):
            name = self.keks.active()
            for record, key in keys.items():
                path = self._path(record)
                disk.make(path.parent)
                if path.exists() or self.journal.holds(record):
                    raise KeyLost("这条记录已有密钥，或已清除。")
                disk.stage(path, self.keks.wrap(name, record, key), sync=sync).replace(path)
                if sync:
                    disk.sync(path.parent)
        return keys

    def key(self, record: str) -> bytes:
        """Return a record's key. Raises KeyErased, KeyLost."""
        return self._again(lambda: self._read(record))

    def holds(self, record: str) -> bool:
        """Tell whether there is a key file of a record."""
        return self._path(record).exists()

    def destroy(self, records: Iterable[str]) -> int:
        """Overwrite and remove the keys of records; safe to do again. Return how many were there."""
        found = 0
        with self._locked(alone=True):
            for record in records:
                path = self._path(record)
                there = path.exists()
                found += there
                for one in (path, *path.parent.glob(f".{record}.*")):
                    disk.shred(one)
                if there:
                    disk.sync(path.parent)
        return found

    def records(self) -> Iterator[str]:
        """Return every record there is a key for, in order."""
        for shard in SHARDS:
            yield from (path.name for path in self.shard(shard))

    def shard(self, name: str) -> list[Path]:
        """Return the key files of one part of the directory."""
        directory = self.directory / name
        if not directory.is_dir():
            return []
        return sorted(path for path in directory.iterdir() if _is_record(path.name))

    def line(self, record: str) -> bytes:
        """Return a wrapped key as it is kept. Raises KeyLost."""
        try:
            return self._path(record).read_bytes()
        except OSError as fault:
            raise KeyLost("服务器上没有这条记录的密钥。") from fault

    def put_back(self, lines: Iterable[tuple[str, bytes]]) -> int:
        """Put wrapped keys back from a backup, but none that was erased and none that is there; return how many."""
        put = 0
        with self._locked(alone=True):
            for record, line in lines:
                path = self._path(record)
                if path.exists() or self.journal.holds(record):
                    continue
                disk.make(path.parent)
                disk.write(path, line)
                put += 1
        return put

    def clear_parts(self) -> int:
        """Remove what killed processes left half written."""
        left = [path for path in self.directory.glob("[0-9a-f][0-9a-f]/.*") if path.is_file()]
        for path in left:
            disk.shred(path)
        return len(left)

    def open_to_others(self) -> list[str]:
        """Return the names of directories here that other users of the machine can enter."""
        present = [self.directory, *(self.directory / shard for shard in SHARDS)]
        return [path.name for path in present if path.is_dir() and path.stat().st_mode & 0o077]

    def inside(self, places: Iterable[Path]) -> bool:
        """Tell whether keys, wrapped keys or journal lie in one of these places, as what a backup takes."""
        own = [path.resolve() for path in (self.directory, self.keks.directory, self.journal.directory)]
        there = [place.resolve() for place in places]
        return any(one == place or place in one.parents for one in own for place in there)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the directory alone."""
        with self._locked(alone=True):
            yield

    @contextmanager
    def _locked(self, *, alone: bool) -> Iterator[None]:
        disk.make(self.directory)
        with disk.locked(self.directory / ".lock", alone=alone):
            yield

    def _read(self, record: str) -> bytes:
        if self.journal.holds(_checked(record)):
            raise KeyErased("正文已按规定清除，密钥已销毁，不能恢复。")
        return self.keks.unwrap(record, self.line(record))

    @staticmethod
    def _again(read: Callable[[], T]) -> T:
        """Read, and once more when a rotation changed file and key between the two."""
        try:
            return read()
        except KeyErased:
            raise
        except KeyLost:
            return read()

    def _path(self, record: str) -> Path:
        return self.directory / _checked(record)[:2] / record


def found(vault: Vault) -> bool:
    """Make the first key-encryption key of an installation that never sealed anything; return whether one was made.

    Where wrapped keys lie already, a missing key directory is a fault and not a beginning.
    """
    with vault.alone():
        if vault.keks.ids():
            return False
        if next(vault.records(), None) is not None:
            raise KeyLost("访谈主密钥目录是空的，而已有密存记录：请恢复主密钥副本，不要重新生成。")
        vault.keks.create()
        return True


def wrapped_under(vault: Vault) -> dict[str, int]:
    """Count record keys by what wraps them."""
    counts: dict[str, int] = {}
    for record in vault.records():
        name = name_of(vault.line(record))
        counts[name] = counts.get(name, 0) + 1
    return counts


def _is_record(name: str) -> bool:
    return len(name) == RECORD_LENGTH and set(name) <= HEX_DIGITS


def _checked(record: str) -> str:
    if not _is_record(record):
        raise KeyLost("记录编号不对。")
    return record
