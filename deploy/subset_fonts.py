# ruff: noqa: INP001 - a script of its own
"""Make the packaged fonts from their sources: drop hinting and unused features, cut the title face, give own names.

Usage: subset_fonts.py SOURCES static/fonts   (deploy/fetch_fonts.sh fetches the sources)
"""

import shutil
import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

#: (found by, target, family, characters); None keeps every character.
FANDOL = "fonts/opentype/public/fandol"
FACES = (
    (f"{FANDOL}/FandolFang-Regular.otf", "fandol/ZhibuFang.otf", "Zhibu Fang", None),
    (f"{FANDOL}/FandolKai-Regular.otf", "fandol/ZhibuKai.otf", "Zhibu Kai", None),
    ("NotoSansSC-Regular.otf", "noto/ZhibuHei.otf", "Zhibu Hei", None),
    ("NotoSerifSC-Regular.otf", "noto/ZhibuSong.otf", "Zhibu Song", None),
    ("NotoSerifSC_900Black.ttf", "noto/ZhibuTitle.ttf", "Zhibu Title", "gb2312"),
    ("DejaVuSans.ttf", "dejavu/ZhibuBox.ttf", "Zhibu Box", "boxes"),
)
LICENCES = (
    ("fonts/fandol/README", "fandol/README"),
    ("fonts/fandol/COPYING*", "fandol/COPYING"),
    ("licenses/LICENSE", "noto/OFL.txt"),
    ("package/LICENSE_FONT", "noto/OFL-NotoSerifSC.txt"),
    ("fonts-dejavu-core/copyright", "dejavu/LICENSE"),
)
BOXES = {0x2610, 0x2611, 0x2612, 0x2713, 0x2714, 0x221A, 0x25A0, 0x25A1, 0x25CB, 0x25CF, 0x2572, 0xFF3C}


def gb2312() -> set[int]:
    """Every character of GB2312, and ASCII."""
    found = set(range(0x20, 0x7F))
    for high in range(0xA1, 0xF8):
        for low in range(0xA1, 0xFF):
            try:
                found.add(ord(bytes((high, low)).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return found


def find(sources: Path, ending: str) -> Path:
    """The one file whose path ends so."""
    return next(path for path in sorted(sources.rglob("*/" + ending.rsplit("/", 1)[-1])) if path.match("*/" + ending))


def rename(font: TTFont, family: str) -> None:
    """Give the font a family name of its own; copyright and licence stay."""
    for record in list(font["name"].names):
        if record.nameID in {1, 4, 16}:
            font["name"].setName(family, record.nameID, record.platformID, record.platEncID, record.langID)
        elif record.nameID == 6:
            font["name"].setName(family.replace(" ", ""), 6, record.platformID, record.platEncID, record.langID)
        elif record.nameID in {2, 17}:
            font["name"].setName("Regular", record.nameID, record.platformID, record.platEncID, record.langID)
    font["OS/2"].usWeightClass = 400
    font["OS/2"].fsSelection = (font["OS/2"].fsSelection & ~0x21) | 0x40
    font["head"].macStyle = 0


def make(source: Path, target: Path, family: str, characters: str | None) -> None:
    """Write one font."""
    options = subset.Options(
        hinting=False, layout_features=["kern"], notdef_outline=True, name_IDs=["*"], name_languages=["*"]
    )
    font = subset.load_font(str(source), options)
    wanted = {"gb2312": gb2312(), "boxes": BOXES}.get(characters or "", set(font.getBestCmap()))
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=wanted & set(font.getBestCmap()))
    subsetter.subset(font)
    rename(font, family)
    target.parent.mkdir(parents=True, exist_ok=True)
    subset.save_font(font, str(target), options)


def main() -> None:
    """Make every face and copy the licences beside them."""
    sources, target = Path(sys.argv[1]), Path(sys.argv[2])
    for ending, name, family, characters in FACES:
        make(find(sources, ending), target / name, family, characters)
        print(name, (target / name).stat().st_size)  # noqa: T201
    for ending, name in LICENCES:
        found = next(iter(sorted(sources.rglob("*/" + ending))), None)
        if found is not None:
            shutil.copyfile(found, target / name)


if __name__ == "__main__":
    main()
