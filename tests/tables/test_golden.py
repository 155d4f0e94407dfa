"""Pages look as they looked when somebody last looked at them."""

import pytest
from PIL import Image, ImageChops

from tests.tables.golden import DOCUMENTS, FOLDER, difference, drawn

pytestmark = pytest.mark.unit
MOST_PAGES, MOST_BYTES = 12, 600_000


@pytest.mark.parametrize("name", DOCUMENTS)
def test_pages_look_as_they_did(name, tmp_path):
    pictures = drawn(name, tmp_path)
    assert sorted(pictures) == sorted(path.stem for path in FOLDER.glob(f"{name}-[0-9].png"))
    for page, picture in pictures.items():
        with Image.open(FOLDER / f"{page}.png") as golden:
            assert difference(picture, golden) == "", f"{page}: python -m tests.tables.golden draws it anew; look at it"


@pytest.fixture
def page():
    with Image.open(FOLDER / "annex5-1.png") as golden:
        return golden.convert("L")


def test_a_moved_line_is_noticed(page):
    """A hairline inside the table moves by half a millimetre: two pixels, a fifth of a percent of the page."""
    line = next(y for y in range(400, 600) if sum(page.getpixel((x, y)) < 100 for x in range(80, 1080)) > 900)
    moved = page.copy()
    strip = page.crop((66, line - 1, 1100, line + 2))
    moved.paste(page.crop((66, line - 6, 1100, line - 3)), (66, line - 1))
    moved.paste(ImageChops.darker(strip, page.crop((66, line + 1, 1100, line + 4))), (66, line + 1))
    assert difference(moved, page) != ""
    assert "moved" in difference(moved, page)


def test_a_moved_column_a_lost_text_and_another_size_are_noticed(page):
    moved = page.copy()
    moved.paste(page.crop((460, 210, 700, 668)), (463, 210))
    assert difference(moved, page) != ""
    lost = page.copy()
    lost.paste(255, (300, 125, 860, 165))
    assert difference(lost, page) != ""
    assert "size" in difference(page.crop((0, 0, 100, 100)), page)


def test_soft_edges_may_differ_a_little(page):
    """Another version of the rasteriser draws edges a little lighter or darker."""
    other = page.point([min(255, grey + 24) if 0 < grey < 255 else grey for grey in range(256)])
    assert difference(other, page) == ""


def test_the_pictures_stay_few_and_small():
    found = list(FOLDER.glob("*.png"))
    assert 0 < len(found) <= MOST_PAGES
    assert sum(path.stat().st_size for path in found) <= MOST_BYTES
