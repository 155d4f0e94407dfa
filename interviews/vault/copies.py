"""Short-lived backups of the wrapped keys: one file each, apart from the backup of the database. Pure but for disk.

They open nothing without a master key, and what the erasure journal names is never put back from one. They are kept for
days only, so that an erased key is nowhere any more soon after.
"""

import contextlib
import datetime as dt
import hashlib
from collections.abc import Iterator
from pathlib import Path

from interviews.vault import disk
from interviews.vault.faults import KeyLost, VaultError
from interviews.vault.store import Vault

HEAD = b"zhibu-vault 1\n"
PATTERN = "vault-*.keys"
STAMP = "vault-%Y%m%d-%H%M%S-%f%z.keys"  # in the zone of the moment given, as the backup of the database beside it
UNZONED = "vault-%Y%m%d-%H%M%S-%f.keys"  # how they were named before, in UTC
_DIGEST = 65  # hexadecimal SHA-256 and a line feed


def write(vault: Vault, directory: Path, now: dt.datetime) -> Path:
    """Write all wrapped keys into a new file and return where it is."""
    disk.make(directory)
    content = b"".join([HEAD, *_lines(vault)])
    path = directory / now.strftime(STAMP)
    disk.write(path, content + hashlib.sha256(content).hexdigest().encode() + b"\n")
    return path


def _lines(vault: Vault) -> Iterator[bytes]:
    for record in vault.records():
        with contextlib.suppress(KeyLost):  # destroyed since its name was read
            if not vault.journal.holds(record):
                yield record.encode() + b" " + vault.line(record)


def read(path: Path) -> Iterator[tuple[str, bytes]]:
    """Return records and wrapped keys of a backup. Raises VaultError when a byte of it is not as it was written."""
    whole = path.read_bytes()
    content, digest = whole[:-_DIGEST], whole[-_DIGEST:]
    if not content.startswith(HEAD) or hashlib.sha256(content).hexdigest().encode() + b"\n" != digest:
        raise VaultError("访谈密钥备份已损坏或不完整，请换一份。")
    for line in content.splitlines(keepends=True)[1:]:
        record, kept = line.split(b" ", 1)
        yield record.decode(), kept


def restore(vault: Vault, path: Path) -> int:
    """Put back the keys a backup holds, but none that was erased since; return how many. Raises VaultError."""
    return vault.put_back(list(read(path)))


def made_at(path: Path) -> dt.datetime:
    """Return when a backup was made, as its name says."""
    try:
        return dt.datetime.strptime(path.name, STAMP)
    except ValueError:
        return dt.datetime.strptime(path.name, UNZONED).replace(tzinfo=dt.UTC)


def all_of(directory: Path) -> list[Path]:
    """Return the backups there are, oldest first."""
    return sorted(directory.glob(PATTERN), key=made_at) if directory.is_dir() else []


def prune(directory: Path, *, before: dt.datetime) -> int:
    """Shred the backups made before a moment; return how many."""
    old = [path for path in all_of(directory) if made_at(path) < before]
    for path in old:
        disk.shred(path)
    return len(old)
