"""Form codes: what stands at the foot of a printed form and names it exactly. Pure.

A code is Crockford base32 (no I, L, O, U) of a SHA-256 over kind, round, unit and digest of the facts: 11 characters
and a check character, in three groups: K7Q2-9XMD-4TRA. Equal data gives an equal code. The check character is a
weighted sum over GF(32), so that it shows every single wrong character and every two that changed places.
"""

import hashlib
import unicodedata

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 12
LABEL = "表单编码"
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
_MISREAD = str.maketrans("OIL−", "011-")
_FIELD = 0b100101  # x⁵ + x² + 1: its root generates the field


def form_code(kind_slug: str, round_pk: int, unit_pk: int, digest: str) -> str:
    """Return the code of a form: which form, of which round, for which unit, showing which data."""
    told = f"{kind_slug}\n{round_pk}\n{unit_pk}\n{digest}".encode()
    number = int.from_bytes(hashlib.sha256(told).digest()[:7], "big") >> 1
    values = [number >> (5 * place) & 31 for place in reversed(range(LENGTH - 1))]
    return grouped("".join(ALPHABET[value] for value in (*values, _check(values))))


def grouped(characters: str) -> str:
    """Return twelve characters in three groups."""
    return "-".join(characters[start : start + 4] for start in range(0, LENGTH, 4))


def code_line(code: str) -> str:
    """Return the text at the foot of a page: 表单编码 K7Q2-9XMD-4TRA."""
    return f"{LABEL} {code}"


def normalise(text: str) -> str | None:
    """Return a code as it is stored, however it was typed; None when it cannot be one.

    Lower case, full-width letters, spaces, any dash, the label before it, and O, I, L for 0, 1, 1 are forgiven.
    """
    return None if problem(text) else grouped(_characters(text))


def problem(text: str) -> str:
    """Return a Chinese sentence that says why a typed code cannot be one, "" when it can."""
    characters = _characters(text)
    if not characters:
        return "请输入表单编码。"
    if strange := [c for c in dict.fromkeys(characters) if c not in _VALUES]:
        return f"编码里不会有“{'、'.join(strange)}”。编码只有数字和字母（不含 I、L、O、U），请对照纸面再看一遍。"
    if len(characters) != LENGTH:
        return f"编码应是 {LENGTH} 位，现在是 {len(characters)} 位，请对照纸面补全。"
    *values, last = (_VALUES[c] for c in characters)
    if _check(values) != last:
        return "编码有一位不对（校验不符），请对照纸面逐位再核一遍。"
    return ""


def _characters(text: str) -> str:
    """Return what is left of a typed code without label, spaces and dashes, misread letters put right."""
    plain = unicodedata.normalize("NFKC", text).upper().replace(LABEL, "").translate(_MISREAD)
    kept = [c for c in plain if unicodedata.category(c)[0] not in "ZCP"]
    return "".join(kept)


def _times(value: int) -> int:
    """Return a value of the field times its generator."""
    value <<= 1
    return value ^ _FIELD if value & 32 else value


def _check(values: list[int]) -> int:
    total = 0
    for value in values:
        total = _times(total ^ value)
    return total
