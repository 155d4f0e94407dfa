"""Where the keys of boxes lie: a directory outside database and backup, two files for each box. Pure but for the disk.

`<id>.seal` opens ballots and is read by the worker that counts; `<id>.code` knows codes and is read by the web. Both
are wrapped with a key made from the installation's secret: a copy of the directory alone opens nothing. Who holds the
directory and the secret, as the operator of this machine does, can read both; that is what destroying them is for.
"""

import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from grading.ballots.sealing import BoxKeys

SEAL, CODE = "seal", "code"
KINDS = (SEAL, CODE)
_NAME = re.compile(r"^([0-9a-f]{32})\.(seal|code)$")
_KEY_BYTES = 32


class KeyLost(Exception):
    """A key is not there, or not readable with the installation's secret; the message is a Chinese sentence."""


@dataclass(frozen=True, slots=True)
class KeyStore:
    """The directory of keys; `secrets` are the installation's, the present one first."""

    directory: Path
    secrets: Sequence[str]

    def keep(self, key_id: str, keys: BoxKeys) -> None:
        """Write the keys of a box, or write them again from a keeper's copy."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        for kind, key in ((SEAL, keys.seal), (CODE, keys.code)):
            self._write(self._path(key_id, kind), bytes(SecretBox(_wrapping(self.secrets[0])).encrypt(key)))

    def read(self, key_id: str, kind: str) -> bytes:
        """Return one key of a box. Raises KeyLost."""
        try:
            wrapped = self._path(key_id, kind).read_bytes()
        except OSError as fault:
            raise KeyLost("服务器上没有这个评议箱的密钥。") from fault
        for secret in self.secrets:
            with contextlib.suppress(CryptoError, ValueError):
                key = SecretBox(_wrapping(secret)).decrypt(wrapped)
                if len(key) == _KEY_BYTES:
                    return bytes(key)
        raise KeyLost("服务器上的密钥打不开：SECRET_KEY 换过，或文件已损坏。")

    def keys(self, key_id: str) -> BoxKeys:
        """Return both keys of a box. Raises KeyLost."""
        return BoxKeys(self.read(key_id, SEAL), self.read(key_id, CODE))

    def holds(self, key_id: str) -> bool:
        """Tell whether both keys of a box are there and readable."""
        try:
            self.keys(key_id)
        except KeyLost:
            return False
        return True

    def destroy(self, key_id: str) -> int:
        """Overwrite and remove the keys of a box; safe to do again. Return how many files there were."""
        found = [path for kind in KINDS if (path := self._path(key_id, kind)).exists()]
        found += self.directory.glob(f".{key_id}.*")  # left by a process that was killed while it wrote
        for path in found:
            with path.open("r+b") as stream:
                stream.write(secrets.token_bytes(path.stat().st_size))
                stream.flush()
                os.fsync(stream.fileno())
            path.unlink()
        if found:
            _sync(self.directory)
        return len(found)

    def ids(self) -> set[str]:
        """Return the boxes any key is there for."""
        if not self.directory.is_dir():
            return set()
        return {match[1] for path in self.directory.iterdir() if (match := _NAME.match(path.name))}

    def open_to_others(self) -> list[str]:
        """Return the names of directory and files other users of the machine can read."""
        present = [self.directory, *self.directory.iterdir()] if self.directory.is_dir() else []
        return [path.name for path in present if path.stat().st_mode & 0o077]

    def inside(self, places: Iterable[Path]) -> bool:
        """Tell whether the directory lies in one of these places, as what a backup takes."""
        own = self.directory.resolve()
        return any(own == place.resolve() or place.resolve() in own.parents for place in places)

    def _path(self, key_id: str, kind: str) -> Path:
        name = f"{key_id}.{kind}"
        if not _NAME.match(name):
            raise KeyLost("密钥编号不对。")
        return self.directory / name

    def _write(self, path: Path, content: bytes) -> None:
        """Write a file whole or not at all, for this user only."""
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
        _sync(self.directory)


def _wrapping(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=32, person=b"zhibu-wrap").digest()


def _sync(directory: Path) -> None:
    """Let the disk know what became of a directory's names."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
