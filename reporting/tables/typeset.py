"""Lines of type in the official faces: shaped by Pango and embedded by WeasyPrint, drawn once for all equal lines.

A document needs each of its fonts once, but is drawn in pieces. So a piece only names the glyphs it uses, and the
fonts are subset and embedded when the pieces are put together (binding.py).
"""

import copy
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from threading import RLock
from typing import Any, NamedTuple
from zlib import crc32

import pydyf
from weasyprint import CSS
from weasyprint.css.properties import INITIAL_VALUES
from weasyprint.draw.text import draw_first_line
from weasyprint.matrix import Matrix
from weasyprint.pdf.fonts import Font, build_fonts_dictionary
from weasyprint.pdf.stream import Stream
from weasyprint.text.ffi import FROM_UNITS, pango
from weasyprint.text.fonts import FontConfiguration
from weasyprint.text.line_break import Layout, line_size
from weasyprint.urls import URLFetcher, URLFetcherResponse

from reporting.tables.cells import Face
from reporting.tables.fonts import SCHEME, FontFile, font_face_css, packaged_fonts, site_fonts
from reporting.tables.html import FONT_STACKS

PX_PER_POINT = 96 / 72
#: Lines kept shaped in a process; a form has some 150, most of them on every form.
MOST_RUNS = 20_000
_GLYPHS = re.compile(rb"<([0-9a-f]+)>")
_FONT_OP = re.compile(rb"/([A-Z]{6}) \S+ Tf")
_UNKNOWN = 0xFFFD
_PROBE = "中1☐"


class Metrics(NamedTuple):
    """Of a face in one size, in pixels of 1/96 inch: height of its line, distance of the baseline from the top."""

    height: float
    baseline: float


#: Of fonts by name: width (thousandths of the size) and text of glyphs by number; numbers as text, as JSON has them.
Glyphs = dict[str, dict[str, tuple[int, str]]]


class Run(NamedTuple):
    """One line of type: what draws it after its place is set, its width in pixels, and the glyphs it uses."""

    operators: bytes
    width: float
    glyphs: Glyphs


@dataclass(frozen=True, slots=True)
class Sample:
    """A text that is set in a certain font, and the check sum of that font's file."""

    text: str
    face: Face
    checksum: int


class AssetFetcher(URLFetcher):
    """Answers for data: addresses and the known fonts; refuses everything else."""

    def __init__(self, fonts: Sequence[FontFile]) -> None:
        super().__init__(allowed_protocols=("data", SCHEME), allow_redirects=False)
        self._paths = {font.address: font.path for font in fonts}

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        """Return a font or the content of a data: address. Raises ValueError for any other address."""
        if url in self._paths:
            return URLFetcherResponse(url, self._paths[url].read_bytes(), {"Content-Type": "font/otf"})
        if url.lower().startswith("data:"):
            return super().fetch(url, headers)
        raise ValueError("a document may fetch nothing but its fonts")


class _Style(dict[str, Any]):
    """What Pango's layouts ask a style for."""

    font_config: FontConfiguration


class _Line:
    """What draw_first_line asks a text box for."""

    def __init__(self, layout: Layout, style: _Style) -> None:
        self.pango_layout = layout
        self.style = style
        self.baseline = 0.0

    @property
    def text(self) -> str:
        return str(self.pango_layout.text)


def _subset(font: Font, glyphs: Mapping[int, str], hinting: bool) -> None:
    """Reduce a font to these glyphs; the empty box keeps its outline where it is one of them."""
    font.missing = {_UNKNOWN: 0} if 0 in glyphs else {}
    Font.clean(font, glyphs, hinting)
    font.missing = {}


def _numbers(codes: bytes) -> list[int]:
    """Return the glyph numbers in a string of hexadecimal digits, four for each."""
    return [int(codes[at : at + 4], 16) for at in range(0, len(codes), 4)]


class Typesetter:
    """Sets lines in the faces of a site; one for a process and set of folders (`typesetter`).

    Pango's layouts are kept and shared: whoever draws holds `lock`.
    """

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self.lock = RLock()
        self.files = [*site_fonts(folders), *packaged_fonts()]
        self.fetcher = AssetFetcher(self.files)
        self.config = FontConfiguration()
        css = font_face_css(self.files)
        CSS(string=css, url_fetcher=self.fetcher, font_config=self.config, base_url=f"{SCHEME}:")
        self.fonts: dict[int, Font] = {}
        self.samples: dict[str, Sample] = {}
        self._by_hash: dict[str, Font] = {}
        self._layouts: dict[tuple[Face, float], tuple[Layout, _Style]] = {}
        self._metrics: dict[tuple[Face, float], Metrics] = {}
        self._runs: dict[tuple[str, Face, float], Run] = {}
        for face in FONT_STACKS:
            self.run(_PROBE, face, 10)

    def _layout(self, face: Face, points: float) -> tuple[Layout, _Style]:
        """Return the layout of a face and size, kept for all its lines."""
        known = self._layouts.get((face, points))
        if known is None:
            style = _Style(INITIAL_VALUES)
            style.font_config = self.config
            style |= {
                "font_family": [name.strip('"') for name in FONT_STACKS[face].split(",")],
                "font_size": points * PX_PER_POINT,
                "font_variant_ligatures": "none",
                "white_space": "pre",
                "lang": "zh-Hans",
            }
            known = self._layouts[face, points] = Layout(style), style
        return known

    def metrics(self, face: Face, points: float) -> Metrics:
        """Return the metrics of a face's own font in a size."""
        known = self._metrics.get((face, points))
        if known is None:
            layout, style = self._layout(face, points)
            layout.set_text(" ")
            line, _ = layout.get_first_line()
            baseline = pango.pango_layout_get_baseline(layout.layout) * FROM_UNITS
            known = self._metrics[face, points] = Metrics(line_size(line, style)[1], baseline)
        return known

    def run(self, text: str, face: Face, points: float) -> Run:
        """Return one line of text, shaped; equal lines are shaped once."""
        key = (text, face, points)
        known = self._runs.get(key)
        if known is None:
            if len(self._runs) >= MOST_RUNS:
                self.forget()
            known = self._runs[key] = self._shape(text, face, points)
        return known

    def forget(self) -> None:
        """Drop the lines shaped so far."""
        self._runs.clear()

    def _shape(self, text: str, face: Face, points: float) -> Run:
        layout, style = self._layout(face, points)
        layout.set_text(text)
        line, _ = layout.get_first_line()
        width = line_size(line, style)[0]
        for font in self.fonts.values():
            font.to_unicode = {}  # of this line alone: one glyph may stand for several characters
        stream = Stream(self.fonts, (0, 0, 0, 0), {"ExtGState": {}}, {}, None, {}, None)
        draw_first_line(stream, _Line(layout, style), "clip", "none", Matrix())
        operators = []
        glyphs: Glyphs = {}
        name = ""
        for operator in stream.stream[1:]:
            if found := _FONT_OP.match(operator):
                name = found[1].decode()
                self._remember(name, text, face)
                operators.append(operator)
                continue
            shown = self._without_missing(name, operator)
            operators.append(shown)
            widths, texts = self._by_hash[name].widths, self._by_hash[name].to_unicode
            for number in (one for codes in _GLYPHS.findall(shown) for one in _numbers(codes)):
                glyphs.setdefault(name, {})[str(number)] = (widths[number], texts.get(number, chr(_UNKNOWN)))
        return Run(b"\n".join(operators), width, glyphs)

    def _without_missing(self, name: str, operator: bytes) -> bytes:
        """Return what shows glyphs, with those that stand for characters no font has replaced by the empty box, 0."""
        missing = set(self._by_hash[name].missing.values())
        if not missing:
            return operator

        def boxes(found: re.Match[bytes]) -> bytes:
            return b"<" + b"".join(b"%04x" % (0 if one in missing else one) for one in _numbers(found[1])) + b">"

        return _GLYPHS.sub(boxes, operator)

    def _remember(self, name: str, text: str, face: Face) -> None:
        """Keep how to come to a font again in another process."""
        if name not in self.samples:
            font = next(one for one in self.fonts.values() if one.hash == name)
            self._by_hash[name] = font
            self.samples[name] = Sample(text, face, crc32(font.file_content))

    def after_fork(self) -> None:
        """Make a child of this process leave the parent's copies of the fonts alone when it ends."""
        self.config._folder = None  # noqa: SLF001 - WeasyPrint offers no other way
        self.lock = RLock()

    def knows(self, name: str, sample: Sample) -> bool:
        """Return whether this process sets the sample in the same font; false where the fonts are others."""
        if name not in self.samples:
            self.run(sample.text, sample.face, 10)
        return name in self.samples and self.samples[name].checksum == sample.checksum

    def embedded(self, glyphs: Glyphs) -> bytes:
        """Return a PDF without pages whose catalog has the fonts with these glyphs as /Fonts, each a subset."""
        pdf = pydyf.PDF()
        chosen = {}
        for name, described in glyphs.items():
            font = copy.copy(self._by_hash[name])
            font.missing = {}
            font.widths = {int(glyph): width for glyph, (width, _) in described.items()}
            font.to_unicode = {int(glyph): text for glyph, (_, text) in described.items()}
            font.clean = partial(_subset, font)
            chosen[name] = font
        options = {"hinting": False, "pdf_version": "1.7"}
        fonts = build_fonts_dictionary(pdf, chosen, compress=True, subset=True, options=options)
        pdf.add_object(fonts)
        pdf.catalog["Fonts"] = fonts.reference
        target = io.BytesIO()
        pdf.write(target)
        return target.getvalue()


@lru_cache(maxsize=4)
def typesetter(folders: tuple[Path, ...]) -> Typesetter:
    """Return the typesetter of these folders, made once in a process and inherited by its children."""
    made = Typesetter(folders)
    os.register_at_fork(after_in_child=made.after_fork)
    return made
