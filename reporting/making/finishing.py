"""Putting a file together from its drawn parts: bound as one PDF, or zipped with an index."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from branches import clock
from reporting.making import assembly
from reporting.making.drawing import titled
from reporting.making.orders import Order
from reporting.making.planning import Shape
from reporting.paper.form_codes import code_line
from reporting.tables import Column, Table, lay_out, xlsx
from reporting.tables.formats import INTEGER

INDEX = "目录.xlsx"
NAMED = 3
READABLE = 0o644


class IncompleteError(Exception):
    """A part that the file cannot do without could not be drawn; the message is a Chinese sentence."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A part as it came out: where it lies, or why there is none."""

    number: int
    path: Path | None
    pages: int = 0
    title: str = ""
    group: str = ""
    code: str = ""
    file_name: str = ""
    error: str = ""

    @property
    def complaint(self) -> str:
        """Return the sentence for a part that is missing."""
        return f"{self.title or f'第 {self.number} 部分'}：{self.error}"


def finish(order: Order, shape: Shape, parts: Sequence[Finished], target: Path) -> str:
    """Write the file of an order into `target`; returns what people should know about it, "" when all is there.

    Raises IncompleteError when a part is missing from a bound file, or all of a zip.
    """
    missing = [part for part in parts if part.path is None]
    if missing and (shape != Shape.ZIP or len(missing) == len(parts)):
        raise IncompleteError(_missing(missing, "没有生成，因为缺"))
    if shape == Shape.ZIP:
        bundle(order, parts, target)
    else:
        bind(order, shape, parts, target)
    return _missing(missing, "缺") if missing else ""


def _missing(parts: Sequence[Finished], verb: str) -> str:
    named = "；".join(part.complaint for part in parts[:NAMED])
    more = f"；等共 {len(parts)} 份" if len(parts) > NAMED else ""
    return f"{verb} {len(parts)} 份：{named}{more}"


def bind(order: Order, shape: Shape, parts: Sequence[Finished], target: Path) -> None:
    """Write parts as one PDF: the runs of one document, or the documents of many, bookmarked by 党总支 and branch."""
    several = shape == Shape.MERGED
    leaves = [
        assembly.Part(part.path, part.title if several else "", part.group, code_line(part.code) if part.code else "")
        for part in parts
        if part.path is not None
    ]
    assembly.assemble(
        leaves, target, titles=titled(order.kind.title), numbering="each" if several else "continuous",
        font_dirs=settings.FONT_DIRS,
    )  # fmt: skip


def bundle(order: Order, parts: Sequence[Finished], target: Path) -> None:
    """Write parts as a zip of files with an index. Files are compressed already and stored as they are."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as made:
        made.writestr(_member(INDEX), xlsx.render([lay_out(index(order), parts)], titled("目录")))
        for part in parts:
            if part.path is not None:
                made.writestr(_member(part.file_name), part.path.read_bytes())


def _member(name: str) -> zipfile.ZipInfo:
    moment = clock.now()
    info = zipfile.ZipInfo(name, (moment.year, moment.month, moment.day, moment.hour, moment.minute, 0))
    info.external_attr = READABLE << 16
    return info


def index(order: Order) -> Table:
    """Return the table of contents of a zip; the 党总支 have a column where the documents are not their own."""
    above = Column("group", "党总支", 46, align="left")
    return Table(
        slug="bundle_index",
        title=f"{order.kind.label}目录",
        sheet_name="目录",
        columns=(
            Column("number", "序号", 12, format=INTEGER),
            *(() if order.kind.each == above.header else (above,)),
            Column("title", order.kind.each, 60, align="left", row_header=True),
            Column("file_name", "文件名", 74, align="left", value=lambda p: p.file_name if p.path else ""),
            Column("code", "表单编码", 32),
            Column("pages", "页数", 12, format=INTEGER, value=lambda p: p.pages or None),
            Column("note", "说明", 33, align="left", value=lambda p: f"未能生成：{p.error}" if p.error else ""),
        ),
        freeze=3,
    )
