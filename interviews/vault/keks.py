"""Key-encryption keys: one file each in a directory of their own, outside database and every backup. Pure but for disk.

The newest wraps; older ones are there only while a rotation is under way. A file is one line of text, so that a copy
can be printed and kept in a safe: whoever loses the last copy loses every text.
"""

import base64
import datetime as dt
import hashlib
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.secret import Aead

from interviews.vault import disk
from interviews.vault.faults import KeyLost
from interviews.vault.sealing import KEY_BYTES

_NAME = re.compile(r"^(\d{6}-[0-9a-f]{8})\.kek$")


@dataclass(frozen=True, slots=True)
class Keks:
    """The directory of key-encryption keys."""

    directory: Path

    def ids(self) -> list[str]:
        """Return the keys there are, oldest first."""
        if not self.directory.is_dir():
            return []
        return sorted(match[1] for path in self.directory.iterdir() if (match := _NAME.match(path.name)))

    def active(self) -> str:
        """Return the key that wraps. Raises KeyLost."""
        if not (known := self.ids()):
            raise KeyLost("服务器上没有访谈主密钥，请联系系统管理员。")
        return known[-1]

    def create(self) -> str:
        """Make the next key and return its name."""
        disk.make(self.directory)
        known = self.ids()
        number = int(known[-1][:6]) + 1 if known else 1
        name = f"{number:06d}-{secrets.token_hex(4)}"
        disk.write(self._path(name), _line(name, secrets.token_bytes(KEY_BYTES)))
        return name

    def read(self, name: str) -> bytes:
        """Return a key. Raises KeyLost."""
        try:
            content = self._path(name).read_bytes()
        except OSError as fault:
            raise KeyLost("服务器上没有这条记录所用的访谈主密钥。") from fault
        parts = content.split()
        try:
            key = bytes.fromhex(parts[1].decode())
        except (IndexError, ValueError) as fault:
            raise KeyLost("访谈主密钥文件已损坏，请用另存的副本恢复。") from fault
        if content != _line(name, key):
            raise KeyLost("访谈主密钥文件已损坏，请用另存的副本恢复。")
        return key

    def made_at(self, name: str) -> dt.datetime:
        """Return when a key was made, as the disk says."""
        return dt.datetime.fromtimestamp(self._path(name).stat().st_mtime, tz=dt.UTC)

    def destroy(self, name: str) -> None:
        """Overwrite and remove a key."""
        disk.shred(self._path(name))
        disk.sync(self.directory)

    def wrap(self, name: str, record: str, key: bytes) -> bytes:
        """Return a record's key wrapped with the key `name`, as the line that is kept."""
        wrapped = Aead(self.read(name)).encrypt(key, _data(name, record))
        return b" ".join((name.encode(), base64.b64encode(bytes(wrapped)))) + b"\n"

    def unwrap(self, record: str, line: bytes) -> bytes:
        """Return the record key a kept line holds. Raises KeyLost."""
        name = name_of(line)
        try:
            return bytes(Aead(self.read(name)).decrypt(base64.b64decode(line.split()[1]), _data(name, record)))
        except (CryptoError, ValueError, IndexError, TypeError) as fault:
            raise KeyLost("这条记录的密钥打不开：文件已损坏，或放错了记录。") from fault

    def _path(self, name: str) -> Path:
        if not _NAME.match(f"{name}.kek"):
            raise KeyLost("访谈主密钥的编号不对。")
        return self.directory / f"{name}.kek"


def name_of(line: bytes) -> str:
    """Return which key wrapped a kept line. Raises KeyLost."""
    parts = line.split()
    if len(parts) != 2:
        raise KeyLost("这条记录的密钥文件已损坏。")
    return parts[0].decode("ascii", "replace")


def _line(name: str, key: bytes) -> bytes:
    check = hashlib.blake2b(name.encode() + key, digest_size=8, person=b"zhibu-kek-check").hexdigest()
    return f"{name} {key.hex()} {check}\n".encode()


def _data(name: str, record: str) -> bytes:
    return f"zhibu.record-key.1\x1f{name}\x1f{record}".encode()
