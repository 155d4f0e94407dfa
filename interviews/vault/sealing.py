"""Sealing one field of one version of one record: XChaCha20-Poly1305 under the record's key. Pure.

The associated data names campaign, record, kind, field and version, so that a ciphertext opens only where it was put:
moved to another record, field or version it is refused. Lengths are padded to a few sizes.
"""

import hashlib
import secrets
from dataclasses import dataclass

from nacl.exceptions import CryptoError
from nacl.secret import Aead

from interviews.vault.faults import Tampered

KEY_BYTES = 32
_LENGTH_BYTES = 4
_SIZES = (256, 1024, 4096, 16384)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ciphertext stands."""

    campaign: int
    record: str
    kind: str
    field: str
    version: int

    def data(self) -> bytes:
        """Return the associated data of this place."""
        parts = (self.campaign, self.record, self.kind, self.field, self.version)
        return "\x1f".join(["zhibu.sealed.1", *map(str, parts)]).encode()


def new_key() -> bytes:
    """Return a fresh record key."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, place: Place, text: str) -> bytes:
    """Return `text` sealed to its place."""
    return bytes(Aead(key).encrypt(_pad(text.encode()), place.data()))


def unseal(key: bytes, place: Place, sealed: bytes) -> str:
    """Return the text sealed to this place. Raises Tampered."""
    try:
        return _unpad(Aead(key).decrypt(bytes(sealed), place.data())).decode()
    except (CryptoError, ValueError, TypeError) as fault:
        raise Tampered("密文与所在位置不符或已被改动，不能打开。") from fault


def digest(key: bytes, place: Place, text: str) -> str:
    """Return a keyed digest of a text for the audit trail; without the record's key it tells nothing."""
    tagged = hashlib.blake2b(key=key, digest_size=20, person=b"zhibu-audit")
    tagged.update(place.data() + b"\x1f" + text.encode())
    return tagged.hexdigest()


def _pad(content: bytes) -> bytes:
    """Fill up with zeros to one of a few sizes, the length in front."""
    whole = len(content).to_bytes(_LENGTH_BYTES, "big") + content
    last = _SIZES[-1]
    size = next((size for size in _SIZES if size >= len(whole)), -(-len(whole) // last) * last)
    return whole.ljust(size, b"\0")


def _unpad(whole: bytes) -> bytes:
    length = int.from_bytes(whole[:_LENGTH_BYTES], "big")
    if length > len(whole) - _LENGTH_BYTES:
        raise ValueError("length")
    return whole[_LENGTH_BYTES : _LENGTH_BYTES + length]
