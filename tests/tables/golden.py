"""Pictures of pages as they must look. `python -m tests.tables.golden` draws them anew; look at them before committing.

A page is drawn by pdftoppm at 100 dpi in sixteen greys. Two pictures agree when at most half a percent of their pixels
differ visibly, and when the lines and texts of each row and column of pixels stand where they stood, give or take one
pixel: a moved hairline is few pixels, but a whole row of them. What an anti-aliased edge may differ by between machines
is below both.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageChops

from reporting.annexes import annex4, annex5, annex6, scoring_sheet
from reporting.tables import Sheet, pdf
from tests.reporting import samples, samples_annex6
from tests.tables.samples import school_sheet, survey_sheet

FOLDER = Path(__file__).parent / "golden"
DPI = 100
SHADES = 16
#: Grey levels of 256 that an eye takes for the same.
VISIBLE = 72
#: Share of pixels that may differ, and how much the mean grey of one row or column of pixels may.
MOST_PIXELS, MOST_PROFILE = 0.005, 12

DOCUMENTS: dict[str, Callable[[], Sequence[Sheet]]] = {
    "annex2": lambda: scoring_sheet.sheets(samples.scoring_sheet(), samples.STAMP),
    "annex4": lambda: [
        replace(sheet, code_line="表单编码 K7Q2-9XMD-4TRA") for sheet in annex4.sheets(samples.FORM, samples.STAMP)
    ],
    "annex5": lambda: annex5.sheets(samples.GENERAL_BRANCH, samples.STAMP),
    "annex5-school": lambda: annex5.sheets(samples.SCHOOL, samples.STAMP),
    "annex6": lambda: annex6.sheets(samples_annex6.GENERAL_BRANCH, samples.STAMP),
    "list": lambda: [school_sheet()],
    "form": lambda: [survey_sheet()],
}
#: How many pages are kept of documents that have more.
KEPT = {"list": 1, "form": 1}


def pages(content: bytes, folder: Path) -> list[Image.Image]:
    """Return the pages of a PDF as pictures."""
    source = folder / "pages.pdf"
    source.write_bytes(content)
    subprocess.run(["pdftoppm", "-r", str(DPI), "-gray", str(source), str(folder / "page")], check=True)
    found = sorted(folder.glob("page-*.pgm"))
    pictures = []
    for path in found:
        with Image.open(path) as picture:
            pictures.append(coarse(picture))
        path.unlink()
    return pictures


def coarse(picture: Image.Image) -> Image.Image:
    """Return a picture in sixteen greys: a sixth of the bytes."""
    step = 255 // (SHADES - 1)
    return picture.convert("L").point([round(grey / step) * step for grey in range(256)])


def drawn(name: str, folder: Path) -> dict[str, Image.Image]:
    """Draw the kept pages of a document."""
    pictures = pages(pdf.render(DOCUMENTS[name]()), folder)
    return {f"{name}-{number}": picture for number, picture in enumerate(pictures[: KEPT.get(name)], 1)}


def _profile(picture: Image.Image, *, rows: bool) -> bytes:
    """Return the mean grey of each row, or of each column, of pixels."""
    size = (1, picture.height) if rows else (picture.width, 1)
    return picture.resize(size, Image.Resampling.BOX).tobytes()


def _moved(left: bytes, right: bytes) -> int | None:
    """Return the first place where one profile has what the other has nowhere within one pixel."""
    for one, other in ((left, right), (right, left)):
        for place, grey in enumerate(one):
            near = other[max(0, place - 1) : place + 2]
            if min(abs(grey - candidate) for candidate in near) > MOST_PROFILE:
                return place
    return None


def difference(picture: Image.Image, golden: Image.Image) -> str:
    """Say how two pictures differ; "" when they agree."""
    if picture.size != golden.size:
        return f"size {picture.size} instead of {golden.size}"
    histogram = ImageChops.difference(picture, golden.convert("L")).histogram()
    share = sum(histogram[VISIBLE:]) / (picture.width * picture.height)
    if share > MOST_PIXELS:
        return f"{share:.2%} of the pixels differ"
    for rows, word in ((True, "row"), (False, "column")):
        place = _moved(_profile(picture, rows=rows), _profile(golden.convert("L"), rows=rows))
        if place is not None:
            return f"something moved at {word} {place} of the pixels"
    return ""


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture as a small PNG of four bits."""
    picture.quantize(SHADES).save(path, optimize=True, bits=4)


def _change(picture: Image.Image, path: Path) -> str:
    """Say what is new in a picture, a single visible pixel included; "" when nothing is."""
    if not path.exists():
        return "new"
    with Image.open(path) as golden:
        if picture.size == golden.size:
            visible = sum(ImageChops.difference(picture, golden.convert("L")).histogram()[VISIBLE:])
            return (
                f"{visible} pixels differ; {difference(picture, golden) or 'still within what may'}" if visible else ""
            )
        return difference(picture, golden)


def main(folder: Path) -> int:
    """Draw every golden picture anew; say which changed."""
    FOLDER.mkdir(exist_ok=True)
    kept = set()
    for name in DOCUMENTS:
        for page, picture in drawn(name, folder).items():
            path = FOLDER / f"{page}.png"
            kept.add(path)
            changed = _change(picture, path)
            if changed:
                save(picture, path)
            sys.stdout.write(f"{page}: {changed or 'as it was'}\n")
    for path in set(FOLDER.glob("*.png")) - kept:
        path.unlink()
        sys.stdout.write(f"{path.stem}: no longer drawn\n")
    return 0


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as scratch:
        sys.exit(main(Path(scratch)))
