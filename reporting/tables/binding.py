"""Pieces of a document and how they become one: pages joined, fonts embedded once, numbers stamped, bookmarks rebuilt.

A piece is a PDF whose pages name their fonts without containing them; what is needed to embed them, its bookmarks and
the margins of its pages stand as JSON in its catalog. Nobody but this module reads pieces.
"""

import datetime as dt
import io
import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pikepdf
from pikepdf import Array, Dictionary, Name, OutlineItem, Pdf, Stream, String

from reporting.tables.cells import Sheet
from reporting.tables.paper import Drawn, Mark, draw_page
from reporting.tables.typeset import PX_PER_POINT, Glyphs, Sample, Typesetter
from reporting.tables.xlsx import Properties

Numbering = Literal["continuous", "each"]
NUMBER_POINTS = 14
CODE_POINTS = 8
#: Between a page number and the edge of the text, in points.
NUMBER_INDENT = 14
_ABOUT = "/ZhibuPiece"
_PRODUCER = "WeasyPrint, pikepdf"


class PieceError(ValueError):
    """What should be a piece is none, or was drawn with other fonts than this installation has."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A piece on its way into a document.

    Args:
        content: the piece.
        title: its bookmark; without one its own bookmarks stand in its place.
        group: bookmark over it, shared with neighbours of the same group.
        code_line: stands small in the middle of the foot of its pages.
    """

    content: bytes
    title: str = ""
    group: str = ""
    code_line: str = ""


def _compressed(pdf: Pdf, operators: bytes) -> Stream:
    stream = Stream(pdf, b"")
    stream.write(zlib.compress(operators), filter=Name.FlateDecode)
    return stream


def make_piece(pages: Iterable[tuple[Sheet, int]], setter: Typesetter) -> bytes:
    """Return a piece with these pages of sheets."""
    return piece_of((draw_page(sheet, number, setter) for sheet, number in pages), setter)


def piece_of(pages: Iterable[Drawn], setter: Typesetter) -> bytes:
    """Return a piece with pages that are drawn already."""
    pdf = pikepdf.new()
    marks: list[Mark] = []
    boxes: list[tuple[float, ...]] = []
    glyphs: Glyphs = {}
    for drawn in pages:
        marks += [Mark(len(boxes), *one) for one in drawn.marks]
        boxes.append(drawn.box)
        for name, used in drawn.glyphs.items():
            glyphs.setdefault(name, {}).update(used)
        size = Array([0, 0, round(drawn.box[0], 4), round(drawn.box[1], 4)])
        contents = pdf.make_indirect(_compressed(pdf, drawn.operators))
        page = Dictionary(Type=Name.Page, MediaBox=size, Contents=contents, Resources=Dictionary())
        pdf.pages.append(pikepdf.Page(pdf.make_indirect(page)))
    fonts = {
        name: {"sample": [one.text, one.face, one.checksum], "glyphs": used}
        for name, used in glyphs.items()
        for one in [setter.samples[name]]
    }
    pdf.Root[_ABOUT] = String(json.dumps({"boxes": boxes, "marks": marks, "fonts": fonts}))
    target = io.BytesIO()
    pdf.save(target, compress_streams=False, linearize=False)
    return target.getvalue()


class _Outline:
    """Bookmarks as they come, level by level."""

    def __init__(self, pdf: Pdf) -> None:
        self.pdf = pdf
        self.roots: list[OutlineItem] = []
        self._open: list[tuple[int, OutlineItem]] = []
        self._group = ""

    def add(self, level: int, text: str, page: int, top: float) -> None:
        """Add a bookmark under the last one of a lower level."""
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        item = OutlineItem(text, page, "XYZ", left=0, top=top)
        item.is_closed = level > 0
        (self._open[-1][1].children if self._open else self.roots).append(item)
        self._open.append((level, item))

    def leaf(self, leaf: Leaf, page: int, top: float) -> None:
        """Open the bookmarks of a piece: its group where another one begins, its title."""
        if leaf.group and leaf.group != self._group:
            self.add(-1, leaf.group, page, top)
        elif self._group and not leaf.group:
            self._open.clear()
        self._group = leaf.group
        if leaf.title:
            self.add(0, leaf.title, page, top)


class Binder:
    """Puts pieces together; used once."""

    def __init__(self, setter: Typesetter, numbering: Numbering) -> None:
        self.setter = setter
        self.numbering = numbering
        self.pdf = pikepdf.new()
        self.used: Glyphs = {}
        self.resources = self.pdf.make_indirect(Dictionary())
        self.outline = _Outline(self.pdf)
        self.number = 0

    def add(self, leaf: Leaf) -> None:
        """Add the pages of a piece. Raises PieceError for what is none."""
        try:
            piece = pikepdf.open(io.BytesIO(leaf.content))
            about = json.loads(str(piece.Root[_ABOUT]))
        except (pikepdf.PdfError, KeyError, json.JSONDecodeError) as error:
            raise PieceError("this is no piece of a document") from error
        for name, font in about["fonts"].items():
            if not self.setter.knows(name, Sample(*font["sample"])):
                raise PieceError("a piece was drawn with a font this installation does not have")
            self._use({name: font["glyphs"]})
        first = len(self.pdf.pages)
        self.pdf.pages.extend(piece.pages)
        boxes = about["boxes"]
        self.outline.leaf(leaf, first, boxes[0][1])
        for page, level, text, top in about["marks"]:
            self.outline.add(level, text, first + page, boxes[page][1] - top)
        if self.numbering == "each":
            self.number = 0
        for index, box in enumerate(boxes):
            self.number += 1
            self._stamp(self.pdf.pages[first + index], box, leaf.code_line)

    def _use(self, glyphs: Glyphs) -> None:
        """Remember glyphs to be embedded."""
        for name, described in glyphs.items():
            self.used.setdefault(name, {}).update(described)

    def _stamp(self, page: pikepdf.Page, box: Sequence[float], code_line: str) -> None:
        """Write the number, odd ones at the right, and the code line at the foot of a page."""
        width, height, right, bottom, left = (one * PX_PER_POINT for one in box)
        metrics = self.setter.metrics("song", NUMBER_POINTS)
        baseline = height - bottom / 2 - metrics.height / 2 + metrics.baseline
        run = self.setter.run(f"— {self.number} —", "song", NUMBER_POINTS)
        indent = NUMBER_INDENT * PX_PER_POINT
        lines = [(width - right - indent - run.width if self.number % 2 else left + indent, run)]
        if code_line:
            run = self.setter.run(code_line, "song", CODE_POINTS)
            lines.append(((left + width - right - run.width) / 2, run))
        for _, one in lines:
            self._use(one.glyphs)
        drawn = b"\n".join(b"1 0 0 -1 %.2f %.2f Tm %b" % (x, baseline, one.operators) for x, one in lines)
        stamp = b"q .75 0 0 -.75 0 %.4f cm 0 g BT %b ET Q" % (box[1], drawn)
        page.obj.Contents = Array([page.obj.Contents, self.pdf.make_indirect(_compressed(self.pdf, stamp))])
        page.obj.Resources = self.resources

    def save(self, target: Path | io.BytesIO, titles: Properties) -> int:
        """Embed the fonts, write bookmarks and properties, save; return the number of pages."""
        with pikepdf.open(io.BytesIO(self.setter.embedded(self.used))) as fonts:
            self.resources["/Font"] = self.pdf.copy_foreign(fonts.make_indirect(fonts.Root.Fonts))
            with self.pdf.open_outline() as outline:
                outline.root.extend(self.outline.roots)
            self._describe(titles)
            self.pdf.save(
                target,
                compress_streams=False,
                object_stream_mode=pikepdf.ObjectStreamMode.generate,
                deterministic_id=True,
            )
        return len(self.pdf.pages)

    def _describe(self, titles: Properties) -> None:
        """Write title, author, dates and language."""
        given = {
            "/Title": titles.title,
            "/Author": titles.author,
            "/Subject": titles.subject,
            "/Keywords": titles.keywords,
            "/Producer": _PRODUCER,
        }
        if titles.created is not None:
            moment = titles.created.astimezone(dt.UTC).strftime("D:%Y%m%d%H%M%SZ")
            given |= {"/CreationDate": moment, "/ModDate": moment}
        for name, text in given.items():
            if text:
                self.pdf.docinfo[name] = String(text)
        self.pdf.Root["/Lang"] = String("zh-Hans")
        if self.outline.roots:
            self.pdf.Root["/PageMode"] = Name.UseOutlines


def bind(
    leaves: Iterable[Leaf],
    target: Path | io.BytesIO,
    setter: Typesetter,
    titles: Properties,
    *,
    numbering: Numbering = "continuous",
) -> int:
    """Write pieces as one document, numbered; return how many pages it has. Raises PieceError."""
    binder = Binder(setter, numbering)
    for leaf in leaves:
        binder.add(leaf)
    return binder.save(target, titles)
