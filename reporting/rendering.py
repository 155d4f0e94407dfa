"""Files from facts: gathered in one short snapshot, laid out and drawn with no transaction open."""

import gc
import io
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from pypdf import PdfWriter

from branches import clock
from reporting.annexes.facts import Stamp, digest
from reporting.models import Export
from reporting.orders import Order, facts_for, file_name
from reporting.tables import Sheet, pdf, xlsx

Progress = Callable[[int, int], None]
CREATOR = "支部分类定级"
PART_PAGES = 60


@dataclass(frozen=True, slots=True)
class Product:
    """A file made: where it lies now, its proper name, and the digest of what it shows."""

    path: Path
    name: str
    digest: str


def no_progress(done: int, total: int) -> None:
    """Take progress and do nothing with it."""


def draw(sheets: Sequence[Sheet], format_: str) -> bytes:
    """Return the document in xlsx or pdf."""
    titles = xlsx.Properties(title=sheets[0].title, author=CREATOR)
    if format_ == Export.Format.XLSX:
        return xlsx.render(sheets, titles)
    if sum(len(sheet.pages) for sheet in sheets) <= PART_PAGES:
        return pdf.render(sheets, titles, font_dirs=settings.FONT_DIRS)
    return draw_in_parts(sheets, titles)


def draw_in_parts(sheets: Sequence[Sheet], titles: xlsx.Properties) -> bytes:
    """Return a long document as PDF, drawn in parts of some pages: memory grows with a part, not with the whole."""
    whole = PdfWriter()
    number = 1
    for sheet in sheets:
        for start in range(0, len(sheet.pages), PART_PAGES):
            pages = range(start, min(start + PART_PAGES, len(sheet.pages)))
            part = pdf.render([sheet], titles, font_dirs=settings.FONT_DIRS, pages=pages, first_page=number)
            whole.append(io.BytesIO(part))
            number += len(pages)
            gc.collect()
    whole.add_metadata({"/Title": titles.title, "/Author": titles.author})
    content = io.BytesIO()
    whole.write(content)
    return content.getvalue()


def produce(order: Order, stamp: Stamp, folder: Path, progress: Progress = no_progress) -> Product:
    """Make the file of an order in `folder`; `progress` is told (done, total) before the first and after each document.

    Raises NothingToShowError; whatever `progress` raises ends the work.
    """
    facts = facts_for(order)
    progress(0, len(facts))
    if not order.kind.bundled(order.unit, each=order.each):
        name = file_name(order, order.kind.name(facts[0]), order.format)
        path = folder / f"piece.{order.format}"
        path.write_bytes(draw(order.kind.lay(facts[0], stamp), order.format))
        progress(1, 1)
        return Product(path, name, digest(facts))
    about = order.unit.name_on(order.round.frozen_on or clock.today())
    path = folder / "pieces.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bundle:
        for number, one in enumerate(facts, 1):
            member = f"{number:03d} {file_name(order, order.kind.name(one), order.format)}"
            bundle.writestr(member, draw(order.kind.lay(one, stamp), order.format))
            progress(number, len(facts))
    return Product(path, file_name(order, f"{about}，每个{order.kind.each}一份", "zip"), digest(facts))


def make_bytes(order: Order, stamp: Stamp) -> tuple[bytes, str]:
    """Return the content and the name of an order's file (commands and previews, without the queue)."""
    with tempfile.TemporaryDirectory(prefix="zhibu-render-") as folder:
        product = produce(order, stamp, Path(folder))
        return product.path.read_bytes(), product.name
