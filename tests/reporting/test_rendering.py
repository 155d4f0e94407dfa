"""Long documents in parts: page numbers go on, on the right side of the paper; nothing is lost."""

import io
from dataclasses import replace

import pypdf
import pytest

from reporting import rendering
from reporting.annexes import annex5
from reporting.tables import xlsx
from tests.reporting import samples


def numbers(content: bytes) -> list[tuple[str, str]]:
    """The page number of each page and whether it stands right or left."""
    found = []
    for page in pypdf.PdfReader(io.BytesIO(content)).pages:
        marks: list[tuple[str, str]] = []

        def visit(text, _cm, tm, _font, _size, marks=marks, page=page):
            if text.strip().startswith("—") and text.strip().endswith("—") and any(c.isdigit() for c in text):
                side = "right" if tm[4] > float(page.mediabox.width) / 2 else "left"
                marks.append(("".join(text.split()), side))

        page.extract_text(visitor_text=visit)
        found += marks
    return found


@pytest.mark.unit
def test_parts_go_on_counting_on_the_right_side(monkeypatch):
    many = tuple(replace(row, group=f"第{n}学院党总支") for n in range(3) for row in samples.TWELVE)
    sheets = annex5.sheets(replace(samples.SCHOOL, rows=many), samples.STAMP)
    titles = xlsx.Properties(title="汇总表", author="支部")
    whole = rendering.draw(sheets, "pdf")
    monkeypatch.setattr(rendering, "PART_PAGES", 2)
    parts = rendering.draw_in_parts(sheets, titles)
    expected = [(f"—{n}—", "right" if n % 2 else "left") for n in range(1, sum(len(s.pages) for s in sheets) + 1)]
    assert numbers(whole) == expected
    assert numbers(parts) == expected
    texts = [["".join(p.extract_text().split()) for p in pypdf.PdfReader(io.BytesIO(c)).pages] for c in (whole, parts)]
    assert texts[0] == texts[1]
    assert pypdf.PdfReader(io.BytesIO(parts)).metadata.title == "汇总表"
