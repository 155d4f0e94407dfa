"""The hidden sheet of an offline workbook: whose form it is, what it was made of, checksums by row, the signature.

Every line is one text cell, so that any spreadsheet program keeps it:

    zhibu-offline/1
    {"form": …, "school": …, "round": …, "unit": …, "rubric": …, "versions": …}
    ["附件4", 12, "checksum of the locked cells", [[3, "checksum of the locked cell"], …], [[9, "field", "checksum"]]]
    …
    signature

The checksum of a cell to fill in is that of the value it was given out with: who changed what since, on paper or on the
web, can be told field by field.
"""

import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

SHEET = "_zhibu"
NOTES = "填写说明"
FORMAT = "zhibu-offline/1"
_LETTERS = 26
_BREAKS = re.compile(r"\r\n?|\u2028|\u2029|\x85|\x0b|\x0c")
_TRAILING = re.compile(r"[ \t\u3000\u00a0]+(?=\n|$)")


class NotOursError(ValueError):
    """The hidden sheet is missing, damaged, or not signed by this system; the message is a Chinese sentence."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the form is: round, branch, rubric, and the versions of the rows it was filled from (0: none yet)."""

    school: str
    round: int
    round_name: str
    unit: int
    code: str
    name: str
    rubric: int
    rubric_title: str
    survey_version: int
    sheet_version: int
    made_on: str

    @property
    def form(self) -> str:
        """The number printed among the notes; of another shape than the code at the foot of a printed form."""
        return f"LX{hashlib.sha256(_json(asdict(self)).encode()).hexdigest()[:10].upper()}"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a visible sheet, counted from 1, and its checksum.

    `locked` holds column and checksum of each locked cell, `open` column, field and checksum of each to fill in.
    """

    sheet: str
    row: int
    checksum: str
    locked: Sequence[Sequence[Any]]
    open: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Ledger:
    """The whole hidden sheet, its signature checked."""

    ticket: Ticket
    lines: tuple[Line, ...]

    @property
    def sheets(self) -> tuple[str, ...]:
        """Names of the visible sheets the checksums speak of."""
        return tuple(dict.fromkeys(line.sheet for line in self.lines))


@lru_cache(maxsize=8192)
def cell_name(row: int, column: int) -> str:
    """Return the address of a cell counted from 1: (5, 28) → AB5."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, _LETTERS)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def plain_number(number: Decimal | float) -> str:
    """Return a number without an exponent and without zeros at its end; binary noise behind the sixth place goes."""
    value = number if isinstance(number, Decimal) else Decimal(repr(round(float(number), 6)))
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def tidy(text: str) -> str:
    """Return typed text as it is kept: line ends alike, nothing at the end of lines, no empty lines around."""
    return _TRAILING.sub("", _BREAKS.sub("\n", text)).strip("\n \t\u3000\u00a0")


def essence(value: object) -> str:
    """Return what of a locked cell must stay: white space and width of characters may change on the way."""
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return _bare(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return _bare(str(value))
    return plain_number(value)


@lru_cache(maxsize=4096)
def _bare(text: str) -> str:
    """Return text in its usual width without white space; the words of a form come back hundreds of times."""
    return "".join(unicodedata.normalize("NFKC", text).split())


@lru_cache(maxsize=4096)
def checksum(*parts: str) -> str:
    """Return a short checksum."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]


def row_checksum(cells: Iterable[tuple[int, str]]) -> str:
    """Return the checksum of the essences of a row's locked cells."""
    return checksum(*[f"{column}={text}" for column, text in cells])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _signature(key: bytes, lines: Sequence[str]) -> str:
    return hmac.new(key, "\n".join(lines).encode(), hashlib.sha256).hexdigest()


def write(ticket: Ticket, lines: Iterable[Line], key: bytes) -> list[str]:
    """Return the texts of the hidden sheet, top to bottom."""
    texts = [FORMAT, _json(asdict(ticket))]
    texts += [_json([one.sheet, one.row, one.checksum, one.locked, one.open]) for one in lines]
    return [*texts, _signature(key, texts)]


def read(texts: Sequence[str], keys: Sequence[bytes]) -> Ledger:
    """Return the hidden sheet when one of the keys signed it.

    Raises:
        NotOursError: with a sentence, naming the school on the form where it came from another system.
    """
    if len(texts) < 3 or texts[0] != FORMAT:
        raise NotOursError("不是本系统下载的离线表，或者隐藏的标识已被删除。请重新下载，把内容填进新表。")
    *signed, signature = texts
    if not any(hmac.compare_digest(_signature(key, signed), signature) for key in keys):
        raise NotOursError(_foreign(signed[1]))
    given: Mapping[str, Any] = json.loads(signed[1])
    lines = tuple(Line(*line) for line in json.loads(f"[{','.join(signed[2:])}]"))
    return Ledger(Ticket(**given), lines)


def _foreign(text: str) -> str:
    """Return the sentence about a hidden sheet this system did not sign."""
    try:
        name = str(json.loads(text).get("school", ""))[:40]
    except (ValueError, AttributeError):
        name = ""
    about = f"（表上写的学校是“{name}”）" if name else ""
    return f"隐藏的标识不是本系统签发的{about}：表来自别的学校或别的系统，或者标识被改动过。请在本系统重新下载。"
