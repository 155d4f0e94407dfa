"""What 附件6 said when it was given out: a hidden sheet with a mark of each cell, by item, signed by this installation.

A cell that still bears its mark was not touched, whatever the system says by now; the importer compares three ways
(docs/adr/0012, 附件4, does the same). Every line is one text cell, so that any spreadsheet program keeps it:

    zhibu-annex6/1
    [item, "code of the branch", {"field": "mark", …}]
    …
    signature
"""

import datetime as dt
import hashlib
import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.core.signing import BadSignature, Signer

SHEET = "_zhibu"
FORMAT = "zhibu-annex6/1"
SALT = "rectification.baseline"
FIELDS = (
    "category", "problem", "goal", "measures", "owner", "due", "long_term", "progress", "verified_on", "verifier",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Given:
    """One item as it was given out."""

    item: int
    branch: str
    marks: Mapping[str, str]


def mark(value: Any) -> str:
    """Return the mark of a value; white space and the width of characters may change on the way."""
    if isinstance(value, dt.date):
        return _mark(value.isoformat())
    return _mark("√" if value is True else str(value or ""))


@lru_cache(maxsize=4096)
def _mark(text: str) -> str:
    bare = "".join(char for char in unicodedata.normalize("NFKC", text) if char.isprintable() and not char.isspace())
    return hashlib.sha256(bare.encode()).hexdigest()[:12]


def given(*, item: int, branch: str, values: Mapping[str, Any]) -> Given:
    """Return an item as it is given out now; `values` by field."""
    return Given(item, branch, {name: mark(values[name]) for name in FIELDS})


def write(rows: Iterable[Given]) -> list[str]:
    """Return the texts of the hidden sheet, top to bottom."""
    texts = [FORMAT]
    texts += [json.dumps([row.item, row.branch, row.marks], ensure_ascii=False, sort_keys=True) for row in rows]
    return [*texts, Signer(salt=SALT).signature("\n".join(texts))]


def read(texts: Sequence[str]) -> tuple[Given, ...] | None:
    """Return what a hidden sheet says; None where there is none, or not one of this installation."""
    if len(texts) < 2 or texts[0] != FORMAT:
        return None
    signer = Signer(salt=SALT)
    try:
        signer.unsign(signer.sep.join(("\n".join(texts[:-1]), texts[-1])))
    except BadSignature:
        return None
    return tuple(Given(*json.loads(text)) for text in texts[1:-1])
