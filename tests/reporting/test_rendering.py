"""Long documents in runs of pages: page numbers go on, on the right side of the paper; nothing is lost."""

import io
from dataclasses import replace

import pypdf
import pytest

from reporting.annexes import annex5
from reporting.making import drawing, planning
from reporting.making.assembly import Part, assemble
from reporting.making.drawing import Work, draw
from tests.reporting import samples


def numbers(content: bytes) -> list[tuple[str, str]]:
    """The page number of each page and whether it stands right or left."""
    found = []
    for page in pypdf.PdfReader(io.BytesIO(content)).pages:
        marks: list[tuple[str, str]] = []

        def visit(text, cm, tm, _font, _size, marks=marks, page=page):
            if text.strip().startswith("—") and text.strip().endswith("—") and any(c.isdigit() for c in text):
                side = "right" if tm[4] + cm[4] > float(page.mediabox.width) / 2 else "left"
                marks.append(("".join(text.split()), side))

        page.extract_text(visitor_text=visit)
        found += marks
    return found


def long_sheets():
    many = tuple(replace(row, group=f"第{n}学院党总支") for n in range(6) for row in samples.TWELVE)
    return tuple(annex5.sheets(replace(samples.SCHOOL, rows=many), samples.STAMP))


@pytest.mark.unit
def test_runs_go_on_counting_on_the_right_side(monkeypatch, tmp_path):
    monkeypatch.setattr(planning, "RUN_PAGES", 2)
    sheets = long_sheets()
    whole, pages = draw(Work("pdf", sheets=sheets))
    parts = []
    for number, run in enumerate(planning._runs(sheets, "")):
        path = tmp_path / f"{number}.pdf"
        path.write_bytes(draw(run.work)[0])
        parts.append(Part(path))
    assert len(parts) > 2
    target = tmp_path / "whole.pdf"
    assert assemble(parts, target, titles=drawing.titled("汇总表")) == pages
    expected = [(f"—{n}—", "right" if n % 2 else "left") for n in range(1, pages + 1)]
    made = target.read_bytes()
    assert numbers(whole) == expected
    assert numbers(made) == expected
    texts = [["".join(p.extract_text().split()) for p in pypdf.PdfReader(io.BytesIO(c)).pages] for c in (whole, made)]
    assert texts[0] == texts[1]


@pytest.mark.unit
def test_a_run_is_named_by_what_it_shows_and_by_nothing_else(monkeypatch):
    monkeypatch.setattr(planning, "RUN_PAGES", 2)
    before = [run.digest for run in planning._runs(long_sheets(), "K7Q2-9XMD-4TRA")]
    assert [run.digest for run in planning._runs(long_sheets(), "")] == before, "codes are stamped when runs are bound"
    assert len(set(before)) == len(before)
    changed = list(long_sheets())
    rows = list(changed[0].rows)
    row = rows[changed[0].pages[2][0]]
    rows[changed[0].pages[2][0]] = row.changed(cells=tuple(c.changed(text="别的") for c in row.cells))
    changed[0] = changed[0].with_rows(tuple(rows), changed[0].pages)
    after = [run.digest for run in planning._runs(changed, "")]
    assert [old != new for old, new in zip(before, after, strict=True)] == [n == 1 for n in range(len(before))]


@pytest.mark.unit
def test_other_code_or_fonts_name_all_pieces_anew(monkeypatch):
    monkeypatch.setattr(planning, "maker", lambda: "another")
    other = planning._key("annex4", "pdf")
    monkeypatch.undo()
    assert planning._key("annex4", "pdf") != other
    assert planning._key("annex4", "pdf") == planning._key("annex4", "pdf")


@pytest.mark.unit
def test_only_what_this_installation_wrote_is_drawn(settings):
    stored = drawing.pack(Work("xlsx", kind="annex5", facts=samples.SCHOOL, stamp=samples.STAMP))
    assert drawing.unpack(stored).facts == samples.SCHOOL
    for spoilt in (stored[:-1], stored[:40] + b"x" + stored[41:], b"", b"x" * 50):
        with pytest.raises(drawing.SpoiltWorkError):
            drawing.unpack(spoilt)
    settings.SECRET_KEY = "another installation's key, long enough to be one"
    with pytest.raises(drawing.SpoiltWorkError):
        drawing.unpack(stored)


@pytest.mark.unit
def test_what_pieces_depend_on_is_found_where_it_lies():
    names = {path.relative_to(drawing.PACKAGE).as_posix() for path in drawing._sources() if path.is_file()}
    needed = {"making/kinds.py", "making/drawing.py", "tables/pdf.py", "tables/layout.py", "annexes/annex4.py"}
    assert needed <= names
