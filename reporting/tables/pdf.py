"""Sheets as PDF: the pages of the paginator, fonts embedded, page numbers odd right and even left.

No HTML is drawn, so nothing a cell says can make the renderer read a file or an address; the fonts are all it loads.
"""

import gc
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from zlib import crc32

from weasyprint import VERSION

from reporting.tables.binding import Leaf, bind, make_piece
from reporting.tables.cells import Sheet
from reporting.tables.typeset import Typesetter, typesetter
from reporting.tables.xlsx import Properties

__all__ = ["drawing", "fonts_version", "render", "render_piece", "undrawable", "warm"]


@contextmanager
def drawing(font_dirs: Sequence[Path | str] = ()) -> Iterator[Typesetter]:
    """Lend the typesetter of these folders, with the cyclic collector held off.

    The collector would look through a document's many objects and free nothing meanwhile.
    """
    setter = typesetter(tuple(Path(folder) for folder in font_dirs))
    with setter.lock:
        enabled = gc.isenabled()
        gc.disable()
        try:
            yield setter
        finally:
            if enabled:
                gc.enable()


def warm(font_dirs: Sequence[Path | str] = ()) -> None:
    """Load the fonts now, so that children forked from this process have them."""
    with drawing(font_dirs):
        pass


def fonts_version(font_dirs: Sequence[Path | str] = ()) -> str:
    """Return a short name of the fonts and of what draws with them; pieces drawn under another one are of no use."""
    with drawing(font_dirs) as setter:
        known = [(file.family, crc32(file.path.read_bytes())) for file in setter.files]
    return sha256(repr((VERSION, known)).encode()).hexdigest()[:16]


def undrawable(text: str, font_dirs: Sequence[Path | str] = ()) -> str:
    """Return the characters of a text that come out as an empty box, for the check of an installation."""
    with drawing(font_dirs) as setter:
        runs = {char: setter.run(char, "fang", 10) for char in text if not char.isspace()}
    return "".join(char for char, run in runs.items() if any("0" in glyphs for glyphs in run.glyphs.values()))


def render_piece(sheets: Sequence[Sheet], *, pages: range | None = None, font_dirs: Sequence[Path | str] = ()) -> bytes:
    """Return pages of sheets as a piece for `assemble`: with bookmarks, without numbers, code line and fonts.

    Args:
        sheets: at least one.
        pages: which pages of each sheet, counted from 0; all when None.
        font_dirs: folders with a site's own fonts, which come before the packaged ones.

    Raises:
        ValueError: without a sheet.
    """
    if not sheets:
        raise ValueError("a document needs a sheet")
    with drawing(font_dirs) as setter:
        chosen = [
            (sheet, number) for sheet in sheets for number in (range(len(sheet.pages)) if pages is None else pages)
        ]
        return make_piece(chosen, setter)


def render(
    sheets: Sequence[Sheet],
    properties: Properties | None = None,
    *,
    font_dirs: Sequence[Path | str] = (),
    pages: range | None = None,
) -> bytes:
    """Return sheets as one PDF, numbered through, each with its own code line.

    Raises:
        ValueError: without a sheet.
    """
    if not sheets:
        raise ValueError("a document needs a sheet")
    titles = properties or Properties()
    if not titles.title:
        titles = replace(titles, title=sheets[0].title)
    leaves = (
        Leaf(render_piece([sheet], pages=pages, font_dirs=font_dirs), code_line=sheet.code_line) for sheet in sheets
    )
    target = io.BytesIO()
    with drawing(font_dirs) as setter:
        bind(leaves, target, setter, titles)
    return target.getvalue()
