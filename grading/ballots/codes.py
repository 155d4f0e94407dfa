"""Codes handed out at the meeting: 3 characters name the box, 16 are the secret (80 bits), 1 checks. Pure.

The database only ever holds the digest of a code under a key that lies outside it and goes when the box is counted.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from branches import crockford

LOCATOR: Final = 3
SECRET: Final = 16
LENGTH: Final = LOCATOR + SECRET + 1
LABEL: Final = "评议码"


@dataclass(frozen=True, slots=True)
class Typed:
    """A code as it was typed: which box it names, and the whole of it as it was printed."""

    locator: str
    code: str


def new_locator() -> str:
    """Return a random name for a box."""
    return crockford.encode(secrets.randbits(5 * LOCATOR), LOCATOR)


def new_code(locator: str) -> str:
    """Return a fresh code of a box, in five groups: 7K3M-9QX2-W8TB-4HNE-2C7F."""
    plain = locator + crockford.encode(secrets.randbits(5 * SECRET), SECRET)
    return crockford.grouped(plain + crockford.check(plain))


def problem(text: str) -> str:
    """Return a Chinese sentence that says why a typed code cannot be one, "" when it can."""
    plain = crockford.characters(text, LABEL)
    if not plain:
        return "请输入评议码。"
    if strange := crockford.strange(plain):
        shown = "、".join(strange[:5])
        return f"评议码里不会有“{shown}”，只有数字和字母（不含 I、L、O、U），请对照纸条再看一遍。"
    if len(plain) != LENGTH:
        return f"评议码应是 {LENGTH} 位，现在是 {len(plain)} 位，请对照纸条再看一遍。"
    if crockford.check(plain[:-1]) != plain[-1]:
        return "评议码有一位不对，请对照纸条逐位再核一遍。"
    return ""


def read(text: str) -> Typed | None:
    """Return a typed code; None when it cannot be one."""
    if problem(text):
        return None
    plain = crockford.characters(text, LABEL)
    return Typed(plain[:LOCATOR], crockford.grouped(plain))


def digest(key: bytes, code: str) -> bytes:
    """Return what the database keeps of a code as it was printed."""
    return hmac.new(key, code.encode(), hashlib.sha256).digest()
