"""Drawing one piece: from facts, or from pages laid out before, to the bytes of a file. Asks no database."""

import hashlib
import pickle
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from reporting.annexes.facts import Stamp
from reporting.making.kinds import BY_SLUG
from reporting.models import Export
from reporting.paper.form_codes import code_line
from reporting.tables import Sheet, pdf, xlsx

CREATOR = "支部分类定级"
SALT = "reporting.making.drawing"
SEAL = 32
LIBRARIES = ("openpyxl", "pikepdf", "weasyprint")
PACKAGE = Path(__file__).resolve().parents[1]


class SpoiltWorkError(Exception):
    """What should be the facts of a piece was not written by this installation."""


@dataclass(frozen=True, slots=True)
class Work:
    """Everything a piece is drawn from.

    Args:
        kind, facts, stamp: a document of an annex;
        sheets: what was laid out before, instead or beside, with `pages` of it, all when None.
        format: xlsx or pdf.
        whole: a file to be opened as it is; else pages for `assembly.assemble`.
        code: the form code at the foot, where the file is whole.
    """

    format: str
    kind: str = ""
    facts: Any = None
    stamp: Stamp | None = None
    sheets: tuple[Sheet, ...] = ()
    pages: range | None = None
    whole: bool = True
    code: str = ""

    def lay(self) -> list[Sheet]:
        """Return its sheets with the code at their foot."""
        laid = list(self.sheets) or BY_SLUG[self.kind].lay(self.facts, self.stamp)  # type: ignore[arg-type]
        return [replace(sheet, code_line=code_line(self.code)) for sheet in laid] if self.code else laid

    def dress(self) -> xlsx.Dress | None:
        """Return what its workbook carries beside its sheets."""
        kind = BY_SLUG.get(self.kind)
        return kind.dress(self.facts) if kind is not None and kind.dress is not None else None


def draw(work: Work) -> tuple[bytes, int]:
    """Return the content of a piece and how many pages it has."""
    sheets = work.lay()
    count = len(work.pages) if work.pages else max(1, sum(len(sheet.pages) for sheet in sheets))
    titles = titled(sheets[0].title)
    if work.format == Export.Format.XLSX:
        return xlsx.render(sheets, titles, work.dress()), count
    if work.whole:
        return pdf.render(sheets, titles, font_dirs=settings.FONT_DIRS), count
    return pdf.render_piece(sheets, pages=work.pages, font_dirs=settings.FONT_DIRS), count


def titled(title: str) -> xlsx.Properties:
    """Return the properties of a document with this title."""
    return xlsx.Properties(title=title, author=CREATOR)


def pack(work: Work) -> bytes:
    """Return a work to be stored until it is drawn, sealed with this installation's key."""
    content = pickle.dumps(work, protocol=5)
    return _seal(content) + content


def unpack(stored: bytes) -> Work:
    """Return a stored work. Raises SpoiltWorkError unless this installation wrote every byte of it."""
    seal, content = stored[:SEAL], stored[SEAL:]
    if not constant_time_compare(seal, _seal(content)):
        raise SpoiltWorkError
    work = pickle.loads(content)  # noqa: S301 - the seal says that it is ours
    if not isinstance(work, Work):
        raise SpoiltWorkError
    return work


def _seal(content: bytes) -> bytes:
    return salted_hmac(SALT, content, algorithm="sha256").digest()


@cache
def maker() -> str:
    """Return a hash of everything beside the facts that a piece depends on: code, libraries, fonts."""
    told = hashlib.sha256(pdf.fonts_version(settings.FONT_DIRS).encode())
    told.update(repr([(name, version(name)) for name in LIBRARIES]).encode())
    for path in sorted(_sources()):
        told.update(path.read_bytes())
    return told.hexdigest()


def _sources() -> Iterable[Path]:
    yield PACKAGE / "making" / "kinds.py"
    yield PACKAGE / "making" / "drawing.py"
    for folder in ("tables", "annexes"):
        yield from (PACKAGE / folder).glob("*.py")
