"""The fonts a PDF is set in: the packaged ones, and before them those a site puts into its own folder."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fontTools.ttLib import TTCollection, TTFont, TTLibError

from reporting.tables.cells import Face

PACKAGED = Path(__file__).resolve().parents[2] / "static" / "fonts"
SCHEME = "asset"

_FAMILIES = {
    "Zhibu Fang": "fandol/ZhibuFang.otf",
    "Zhibu Kai": "fandol/ZhibuKai.otf",
    "Zhibu Hei": "noto/ZhibuHei.otf",
    "Zhibu Song": "noto/ZhibuSong.otf",
    "Zhibu Title": "noto/ZhibuTitle.ttf",
    "Zhibu Box": "dejavu/ZhibuBox.ttf",
}
#: Words in a font's names that say which face it is; the first that matches wins.
_WORDS: tuple[tuple[Face, tuple[str, ...]], ...] = (
    ("title", ("小标宋", "xiaobiaosong", "xbsjw", "xbs")),
    ("fang", ("仿宋", "fangsong", "fang song")),
    ("kai", ("楷体", "楷", "kaiti", "kai")),
    ("hei", ("黑体", "simhei", "heiti", "hei")),
    ("song", ("宋体", "simsun", "songti", "song")),
)
_ENDINGS = {".ttf", ".otf", ".ttc", ".woff", ".woff2"}
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FontFile:
    """One font a document may use."""

    family: str
    path: Path

    @property
    def address(self) -> str:
        """The address style sheets know it by; no path of the machine stands in a document."""
        return f"{SCHEME}:{self.family.replace(' ', '-').lower()}"


def face_of(path: Path) -> Face | None:
    """Return which official face a font file is, by its names; None when it is none of them or cannot be read."""
    try:
        if path.suffix.lower() == ".ttc":
            font = TTCollection(str(path), lazy=True).fonts[0]
        else:
            font = TTFont(str(path), lazy=True)
        names = " ".join(str(record) for record in font["name"].names if record.nameID in {1, 4, 16})
    except (OSError, TTLibError, KeyError, IndexError, ValueError) as error:
        _log.warning("font %s cannot be read: %s", path.name, error)
        return None
    words = f"{path.stem} {names}".lower()
    return next((face for face, marks in _WORDS if any(mark in words for mark in marks)), None)


def site_fonts(folders: Iterable[Path]) -> list[FontFile]:
    """Return a site's own fonts, one for each face: the first folder and file name win."""
    found: dict[Face, FontFile] = {}
    for folder in folders:
        if not folder.is_dir():
            continue
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() not in _ENDINGS:
                continue
            face = face_of(path)
            if face is not None and face not in found:
                found[face] = FontFile(f"Zhibu Site {face.capitalize()}", path)
    return list(found.values())


def packaged_fonts() -> list[FontFile]:
    """Return the packaged fonts. Raises FileNotFoundError when one is missing."""
    fonts = [FontFile(family, PACKAGED / name) for family, name in _FAMILIES.items()]
    for font in fonts:
        if not font.path.is_file():
            raise FileNotFoundError(f"static/fonts lacks {font.path.name}; deploy/fetch_fonts.sh makes it again")
    return fonts


def font_face_css(fonts: Iterable[FontFile]) -> str:
    """Return the @font-face rules of fonts."""
    return "\n".join(f'@font-face{{font-family:"{font.family}";src:url("{font.address}")}}' for font in fonts)


def missing_characters(text: str, fonts: Iterable[FontFile] | None = None) -> str:
    """Return the characters of a text that no font has, for the check of an installation."""
    missing = {char for char in text if not char.isspace()}
    for font in fonts if fonts is not None else packaged_fonts():
        with TTFont(str(font.path), lazy=True, fontNumber=0) as opened:
            known = opened.getBestCmap()
        missing = {char for char in missing if ord(char) not in known}
    return "".join(sorted(missing))
