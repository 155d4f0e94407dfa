"""Codes that people copy from paper: Crockford base32 (no I, L, O, U) with a check character. Pure.

The check character is a weighted sum over GF(32), so that it shows every single wrong character and every two that
changed places, also ones that are not neighbours.
"""

import unicodedata

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
VALUES = {character: value for value, character in enumerate(ALPHABET)}
_MISREAD = str.maketrans("OIL−", "011-")
_FIELD = 0b100101  # x⁵ + x² + 1: its root generates the field


def characters(text: str, label: str = "") -> str:
    """Return what is left of a typed code without `label`, spaces and dashes, misread letters put right.

    Lower case, full-width letters and any dash are forgiven; O, I and L are read as 0, 1 and 1.
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    plain = (plain.replace(label, "") if label else plain).translate(_MISREAD)
    return "".join(c for c in plain if unicodedata.category(c)[0] not in "ZCP")


def strange(plain: str) -> list[str]:
    """Return the characters no code has, each once."""
    return [c for c in dict.fromkeys(plain) if c not in VALUES]


def grouped(plain: str) -> str:
    """Return characters in groups of four: K7Q2-9XMD-4TRA."""
    return "-".join(plain[start : start + 4] for start in range(0, len(plain), 4))


def encode(number: int, length: int) -> str:
    """Return a number as `length` characters."""
    return "".join(ALPHABET[number >> (5 * place) & 31] for place in reversed(range(length)))


def decode(plain: str) -> int:
    """Return the number characters stand for."""
    number = 0
    for character in plain:
        number = number << 5 | VALUES[character]
    return number


def check(plain: str) -> str:
    """Return the check character of the characters before it."""
    total = 0
    for character in plain:
        total = _times(total ^ VALUES[character])
    return ALPHABET[total]


def _times(value: int) -> int:
    """Return a value of the field times its generator."""
    value <<= 1
    return value ^ _FIELD if value & 32 else value
