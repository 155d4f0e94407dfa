"""Documents from pieces drawn before: one table cut into runs of pages, or the forms of many branches as one file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reporting.tables.binding import Leaf, Numbering, bind
from reporting.tables.pdf import drawing
from reporting.tables.xlsx import Properties

__all__ = ["Part", "assemble"]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece made by `pdf.render_piece` and how it stands in the document.

    Args:
        path: where the piece lies.
        title: its bookmark; "" where the piece continues the one before.
        group: bookmark over the titles, shared by neighbours of the same group.
        code_line: stands small in the middle of the foot of each of its pages.
    """

    path: Path
    title: str = ""
    group: str = ""
    code_line: str = ""


def assemble(
    parts: Sequence[Part],
    target: Path,
    *,
    titles: Properties,
    numbering: Numbering = "continuous",
    font_dirs: Sequence[Path | str] = (),
) -> int:
    """Write parts as one PDF and return how many pages it has.

    Args:
        parts: at least one, in order.
        target: the file to write.
        titles: document properties.
        numbering: "continuous" for one document, "each" where every part begins at — 1 —.
        font_dirs: the folders of fonts the pieces were drawn with.

    Raises:
        PieceError: when a part is no piece, or was drawn with other fonts (a ValueError).
        ValueError: without a part.
    """
    if not parts:
        raise ValueError("a document needs a part")
    leaves = (Leaf(part.path.read_bytes(), part.title, part.group, part.code_line) for part in parts)
    with drawing(font_dirs) as setter:
        return bind(leaves, target, setter, titles, numbering=numbering)
