"""Plans: which documents, or runs of pages, an order's file is made of, each named by the hash of what it shows."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

from branches import clock
from branches.models import Account
from reporting.annexes.facts import Stamp
from reporting.making import documents
from reporting.making.drawing import Work, maker
from reporting.making.orders import Order, facts_for, file_name
from reporting.models import Export
from reporting.services import form_versions
from reporting.tables import Sheet
from reporting.tables.cells import Row

#: A document of more pages is drawn in runs.
DIRECT_PAGES = 8
RUN_PAGES = 5
_EMPTY = Row("body", (), 0)


class Shape(StrEnum):
    """How a file is put together: one document, the runs of one, many documents bound, many files."""

    WHOLE = "whole"
    RUNS = "runs"
    MERGED = "merged"
    ZIP = "zip"


@dataclass(frozen=True, slots=True)
class Document:
    """One part of a file to be: the hash of what it shows, what it is drawn from, and how the whole names it."""

    digest: str
    work: Work
    title: str = ""
    group: str = ""
    code: str = ""
    file_name: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the file of an order is made of."""

    shape: Shape
    documents: tuple[Document, ...]
    name: str
    digest: str


def shape_of(order: Order) -> Shape:
    """Return how the file of a planned order is put together."""
    if not order.bundled:
        return Shape.RUNS
    return Shape.MERGED if order.merged else Shape.ZIP


def plan(order: Order, stamp: Stamp, by: Account | None = None) -> Plan:
    """Gather the facts of an order in one snapshot and plan its file; form codes are given out to `by`.

    Raises NothingToShowError.
    """
    facts = facts_for(order)
    named = documents.identified(
        kind=order.kind, round_=order.round, unit=order.unit, facts=facts, bundled=order.bundled
    )
    codes = form_versions.issue(kind=order.kind.slug, round_=order.round, documents=named, by=by)
    digests = [digest for _, digest in named]
    if not order.bundled:
        return _single(order, stamp, facts[0], digests[0], codes[0])
    shape = shape_of(order)
    made = tuple(_many(order, stamp, facts, digests, codes))
    whole = hashlib.sha256("".join(digests).encode()).hexdigest()
    return Plan(shape, made, whole_name(order, shape), whole)


def whole_name(order: Order, shape: Shape) -> str:
    """Return the file name of many documents together."""
    about = order.unit.name_on(order.round.frozen_on or clock.today())
    if shape == Shape.MERGED:
        return file_name(order, f"{about}，合订", Export.Format.PDF)
    inside = Export.Format(order.format).label
    return file_name(order, f"{about}，每个{order.kind.each}一份{inside}", Export.Format.ZIP)


def _key(*told: object) -> str:
    return hashlib.sha256(repr((maker(), *told)).encode()).hexdigest()


def _many(
    order: Order, stamp: Stamp, facts: Sequence[Any], digests: Sequence[str], codes: Sequence[str]
) -> Iterator[Document]:
    """Yield a document for each branch or 党总支. Pages to be bound bear no code; it is stamped when they are."""
    kind, whole = order.kind, not order.merged
    shown = stamp if kind.signed else replace(stamp, by="", phone="")
    for number, (one, digest, code) in enumerate(zip(facts, digests, codes, strict=True), 1):
        inside = code if whole else ""
        work = Work(order.format, kind=kind.slug, facts=one, stamp=shown, whole=whole, code=inside)
        yield Document(
            digest=_key(kind.slug, order.format, whole, inside, digest, shown),
            work=work,
            title=kind.name(one),
            group=kind.group(one),
            code=code,
            file_name=f"{number:03d} {file_name(order, kind.name(one), order.format)}" if whole else "",
        )


def _single(order: Order, stamp: Stamp, facts: Any, digest: str, code: str) -> Plan:
    """Plan one document: in runs of pages when it is a long PDF."""
    name = file_name(order, order.kind.name(facts), order.format)
    sheets = tuple(order.kind.lay(facts, stamp))
    if order.format != Export.Format.PDF or sum(len(sheet.pages) for sheet in sheets) <= DIRECT_PAGES:
        work = Work(order.format, kind=order.kind.slug, facts=facts, sheets=sheets, code=code)
        return Plan(Shape.WHOLE, (Document("", work, code=code),), name, digest)
    runs = tuple(_runs(sheets, code))
    return Plan(Shape.RUNS, runs, name, digest)


def _runs(sheets: Sequence[Sheet], code: str) -> Iterator[Document]:
    """Yield runs of about equal length over the pages of sheets."""
    for sheet in sheets:
        count = len(sheet.pages)
        parts = -(-count // RUN_PAGES)
        edges = [count * part // parts for part in range(parts + 1)]
        for start, stop in pairwise(edges):
            pages = range(start, stop)
            slim = excerpt(sheet, pages)
            work = Work(Export.Format.PDF, sheets=(slim,), pages=pages, whole=False)
            yield Document(_key("run", *_shown(slim, pages)), work, code=code)


def excerpt(sheet: Sheet, pages: range) -> Sheet:
    """Return a sheet that holds no other rows than those of some pages and the repeated head; places stay the same."""
    kept = {*range(*sheet.header), *(row for page in pages for row in range(*sheet.pages[page]))}
    rows = tuple(
        row.changed(cells=tuple(row.cells)) if number in kept else _EMPTY for number, row in enumerate(sheet.rows)
    )
    return sheet.with_rows(rows, sheet.pages)


def _shown(sheet: Sheet, pages: range) -> Iterator[object]:
    """Yield what pages of a sheet show, wherever in the sheet they stand."""
    looks: dict[object, int] = {}
    yield from (sheet.title, sheet.code, sheet.page, sheet.widths_mm, sheet.kind, 0 in pages, len(pages))
    spans = [sheet.header, *(sheet.pages[page] for page in pages)]
    for start, stop in spans:
        for number, row in enumerate(sheet.rows[start:stop]):
            yield number, row.band, row.height_mm
            for cell in row.cells:
                look = looks.setdefault(cell.look, len(looks))
                yield cell.col, cell.rowspan, cell.colspan, cell.text, cell.mark, cell.options, repr(cell.value), look
    yield tuple(looks)
