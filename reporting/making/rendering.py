"""Files in one go, in this process: what small single documents, commands and tests use."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from branches.models import Account
from reporting.annexes.facts import Stamp
from reporting.making.drawing import draw
from reporting.making.finishing import Finished, finish
from reporting.making.orders import Order
from reporting.making.planning import Document, Plan, Shape, plan

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Product:
    """A file made: where it lies now, its proper name, the digest of what it shows, and what is missing from it."""

    path: Path
    name: str
    digest: str
    note: str = ""


def no_progress(done: int, total: int) -> None:
    """Take progress and do nothing with it."""


def produce(order: Order, made: Plan, folder: Path, progress: Progress = no_progress) -> Product:
    """Make the file of a plan in `folder`; `progress` is told (done, total) before the first and after each document.

    Whatever `progress` raises ends the work.
    """
    progress(0, len(made.documents))
    parts = []
    for number, document in enumerate(made.documents, 1):
        parts.append(_drawn(document, number, folder))
        progress(number, len(made.documents))
    if made.shape == Shape.WHOLE and parts[0].path is not None:
        return Product(parts[0].path, made.name, made.digest)
    target = folder / "whole"
    note = finish(order, made.shape, parts, target)
    return Product(target, made.name, made.digest, note)


def _drawn(document: Document, number: int, folder: Path) -> Finished:
    content, pages = draw(document.work)
    path = folder / f"{number}.{document.work.format}"
    path.write_bytes(content)
    return Finished(
        number, path, pages, document.title, document.group, document.code, document.file_name
    )  # fmt: skip


def make_bytes(order: Order, stamp: Stamp, by: Account | None = None) -> tuple[bytes, str]:
    """Return the content and the name of an order's file (commands, without the queue). Raises NothingToShowError."""
    with tempfile.TemporaryDirectory(prefix="zhibu-render-") as folder:
        product = produce(order, plan(order, stamp, by), Path(folder))
        return product.path.read_bytes(), product.name
