"""Form codes: what stands at the foot of a printed form and names it exactly. Pure.

A code is Crockford base32 (no I, L, O, U) of a SHA-256 over kind, round, unit and digest of the facts: 11 characters
and a check character, in three groups: K7Q2-9XMD-4TRA. Equal data gives an equal code. The check character is a
weighted sum over GF(32), so that it shows every single wrong character and every two that changed places.
"""

import hashlib

from branches import crockford

LENGTH = 12
LABEL = "表单编码"


def form_code(kind_slug: str, round_pk: int, unit_pk: int, digest: str) -> str:
    """Return the code of a form: which form, of which round, for which unit, showing which data."""
    told = f"{kind_slug}\n{round_pk}\n{unit_pk}\n{digest}".encode()
    plain = crockford.encode(int.from_bytes(hashlib.sha256(told).digest()[:7], "big") >> 1, LENGTH - 1)
    return crockford.grouped(plain + crockford.check(plain))


def code_line(code: str) -> str:
    """Return the text at the foot of a page: 表单编码 K7Q2-9XMD-4TRA."""
    return f"{LABEL} {code}"


def normalise(text: str) -> str | None:
    """Return a code as it is stored, however it was typed; None when it cannot be one.

    Lower case, full-width letters, spaces, any dash, the label before it, and O, I, L for 0, 1, 1 are forgiven.
    """
    return None if problem(text) else crockford.grouped(crockford.characters(text, LABEL))


def problem(text: str) -> str:
    """Return a Chinese sentence that says why a typed code cannot be one, "" when it can."""
    plain = crockford.characters(text, LABEL)
    if not plain:
        return "请输入表单编码。"
    if strange := crockford.strange(plain):
        return f"编码里不会有“{'、'.join(strange)}”。编码只有数字和字母（不含 I、L、O、U），请对照纸面再看一遍。"
    if len(plain) != LENGTH:
        return f"编码应是 {LENGTH} 位，现在是 {len(plain)} 位，请对照纸面补全。"
    if crockford.check(plain[:-1]) != plain[-1]:
        return "编码有一位不对（校验不符），请对照纸面逐位再核一遍。"
    return ""
