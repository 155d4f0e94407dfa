"""Sealing a ballot to the key of its box, and opening a box. Pure.

A ballot is 64 bytes before it is sealed, whatever it says: version, group, choice, problems as bits, a random number,
a proof that it was dropped by the product, zeros. Sealed it is 112 bytes. Without the private key nobody can open it,
whoever sealed it included (libsodium's sealed box uses a key pair of its own for each message and forgets it).

The proof is a MAC under the key the codes are digested with: who can write to the database, but not read the keys, can
add no ballot. The random number shows a ballot that was copied.
"""

import hashlib
import hmac
import random
import secrets
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from branches import crockford

SEED_BYTES: Final = 32
PLAIN_BYTES: Final = 64
CIPHERTEXT_BYTES: Final = PLAIN_BYTES + 48
MOST_PROBLEMS: Final = 64
COPY_LABEL: Final = "密钥保管件"
_VERSION: Final = 1
_HEAD: Final = struct.Struct(">BHHQ16s")
_PROOF_BYTES: Final = 16
_COPY_LENGTH: Final = 56
_SEED_CHARACTERS: Final = 52


@dataclass(frozen=True, slots=True)
class BoxKeys:
    """The keys of one box, all made from one seed: `seal` opens ballots, `code` knows codes and proves ballots."""

    seal: bytes
    code: bytes

    @property
    def public(self) -> bytes:
        """What ballots are sealed to; lies in the database."""
        return bytes(PrivateKey(self.seal).public_key)


@dataclass(frozen=True, slots=True)
class Ballot:
    """What one ballot says, by position in the paper of the box."""

    group: int
    choice: int
    problems: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """What came out of a box, in no order that means anything; `unreadable` were damaged, foreign or copied."""

    ballots: tuple[Ballot, ...]
    unreadable: int


def new_seed() -> bytes:
    """Return the secret of a new box."""
    return secrets.token_bytes(SEED_BYTES)


def keys_of(seed: bytes) -> BoxKeys:
    """Return the keys made from a seed."""
    return BoxKeys(_derived(seed, b"zhibu-seal"), _derived(seed, b"zhibu-code"))


def _derived(seed: bytes, purpose: bytes) -> bytes:
    return hashlib.blake2b(digest_size=32, key=seed, person=purpose).digest()


def copy_text(seed: bytes) -> str:
    """Return a seed as a keeper's copy: 14 groups of 4 characters, the last of them to notice a slip of the pen."""
    number = int.from_bytes(seed, "big") << (5 * _SEED_CHARACTERS - 8 * SEED_BYTES)
    proof = int.from_bytes(hashlib.sha256(b"zhibu-copy" + seed).digest()[:3], "big") >> 4
    return crockford.grouped(crockford.encode(number, _SEED_CHARACTERS) + crockford.encode(proof, 4))


def seed_of(text: str) -> bytes | None:
    """Return the seed a keeper's copy says; None when it was not copied right."""
    plain = crockford.characters(text, COPY_LABEL)
    if len(plain) != _COPY_LENGTH or crockford.strange(plain):
        return None
    number = crockford.decode(plain[:_SEED_CHARACTERS]) >> (5 * _SEED_CHARACTERS - 8 * SEED_BYTES)
    seed = number.to_bytes(SEED_BYTES, "big")
    return seed if copy_text(seed) == crockford.grouped(plain) else None


def seal(public: bytes, code_key: bytes, ballot: Ballot) -> bytes:
    """Return a ballot sealed to a box: 112 bytes, whatever it says. Raises ValueError for more than 64 problems."""
    if any(not 0 <= place < MOST_PROBLEMS for place in ballot.problems):
        raise ValueError("a ballot has at most 64 problem boxes")
    bits = sum(1 << place for place in set(ballot.problems))
    head = _HEAD.pack(_VERSION, ballot.group, ballot.choice, bits, secrets.token_bytes(16))
    plain = (head + _proof(code_key, head)).ljust(PLAIN_BYTES, b"\0")
    return bytes(SealedBox(PublicKey(public)).encrypt(plain))


def _proof(code_key: bytes, head: bytes) -> bytes:
    return hmac.new(code_key, b"ballot" + head, hashlib.sha256).digest()[:_PROOF_BYTES]


def open_box(keys: BoxKeys, ciphertexts: Iterable[bytes], *, shuffle: random.Random | None = None) -> Opened:
    """Open every ballot of a box and shuffle them with the system's random source.

    A ballot that was changed, brought from elsewhere, or lies there twice is counted as unreadable.
    """
    opener = SealedBox(PrivateKey(keys.seal))
    read: dict[bytes, Ballot] = {}
    unreadable = 0
    for ciphertext in ciphertexts:
        head = _opened(opener, keys.code, ciphertext)
        if head is None or head in read:
            unreadable += 1
        else:
            read[head] = _unpacked(head)
    ballots = list(read.values())
    (shuffle or random.SystemRandom()).shuffle(ballots)
    return Opened(tuple(ballots), unreadable)


def _opened(opener: SealedBox[PrivateKey], code_key: bytes, ciphertext: bytes) -> bytes | None:
    """Return what a ballot says, with its random number; None when it is none of ours."""
    try:
        plain = opener.decrypt(bytes(ciphertext))
    except (CryptoError, ValueError):
        return None
    head, proof, rest = plain[: _HEAD.size], plain[_HEAD.size : _HEAD.size + _PROOF_BYTES], plain[_HEAD.size + 16 :]
    sound = len(plain) == PLAIN_BYTES and not rest.strip(b"\0") and head[:1] == bytes([_VERSION])
    return head if sound and hmac.compare_digest(proof, _proof(code_key, head)) else None


def _unpacked(head: bytes) -> Ballot:
    _, group, choice, bits, _ = _HEAD.unpack(head)
    return Ballot(group, choice, tuple(place for place in range(MOST_PROBLEMS) if bits >> place & 1))


def known(ballots: Sequence[Ballot], *, groups: int, options: int, problems: int) -> tuple[tuple[Ballot, ...], int]:
    """Keep the ballots that say something the paper has; also return how many do not."""
    kept = tuple(
        ballot
        for ballot in ballots
        if ballot.group < groups and ballot.choice < options and all(place < problems for place in ballot.problems)
    )
    return kept, len(ballots) - len(kept)
