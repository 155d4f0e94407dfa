"""Pieces put together: pages, numbers, code lines, bookmarks, fonts once, properties."""

import datetime as dt
import io
from pathlib import Path
from typing import Any

import pikepdf
import pypdf
import pytest

from reporting.making.assembly import Part, assemble
from reporting.tables import fonts, pdf
from reporting.tables.binding import PieceError
from reporting.tables.cells import Sheet
from reporting.tables.xlsx import Properties
from tests.tables.parity import pdf_pages
from tests.tables.samples import school_sheet, survey_sheet

TITLES = Properties(title="汇总", author="组织部", subject="附件", created=dt.datetime(2012, 3, 30, 8, tzinfo=dt.UTC))


@pytest.fixture(scope="module")
def school() -> Sheet:
    return school_sheet()


def _part(folder: Path, name: str, sheet: Sheet, pages: range | None = None, **given: str) -> Part:
    path = folder / name
    path.write_bytes(pdf.render_piece([sheet], pages=pages))
    return Part(path, **given)


def _outline(content: bytes) -> list[tuple[int, str, int]]:
    """The bookmarks: level from 0, text, page from 0."""
    found = []
    with pikepdf.open(io.BytesIO(content)) as document:
        pages: dict[Any, int] = {page.obj.objgen: number for number, page in enumerate(document.pages)}

        def walk(items: list[pikepdf.OutlineItem], level: int) -> None:
            for item in items:
                destination: Any = item.destination
                found.append((level, item.title, pages[destination[0].objgen]))
                walk(item.children, level + 1)

        with document.open_outline() as outline:
            walk(list(outline.root), 0)
    return found


def test_a_table_in_pieces_is_the_table_in_one(tmp_path: Path, school: Sheet) -> None:
    parts = [
        _part(tmp_path, f"{start}", school, range(start, min(start + 3, len(school.pages))))
        for start in range(0, len(school.pages), 3)
    ]
    target = tmp_path / "whole.pdf"
    assert assemble(parts, target, titles=TITLES) == len(school.pages)
    whole = pdf.render([school], TITLES)
    assert pdf_pages(target.read_bytes()) == pdf_pages(whole)
    assert _outline(target.read_bytes()) == _outline(whole)
    assert abs(target.stat().st_size - len(whole)) < 1500


def test_numbers_run_through_or_begin_with_each_form(tmp_path: Path) -> None:
    parts = [_part(tmp_path, str(number), survey_sheet()) for number in range(2)]
    target = tmp_path / "all.pdf"
    for numbering, expected in (("continuous", [1, 2, 3, 4]), ("each", [1, 2, 1, 2])):
        assert assemble(parts, target, titles=TITLES, numbering=numbering) == 4  # type: ignore[arg-type]
        pages = pdf_pages(target.read_bytes())
        assert [f"—{number}—" in page for number, page in zip(expected, pages, strict=True)] == [True] * 4
        assert [sum(f"—{number}—" in page for number in range(9)) for page in pages] == [1] * 4


def test_numbers_stand_odd_right_even_left_in_14_points_and_codes_between(tmp_path: Path) -> None:
    """A4 upright, margins 25 and 20 mm: the number ends or begins 14 pt from the edge of the text."""
    part = _part(tmp_path, "one", survey_sheet(), code_line="表单编码 K7Q2-9XMD-4TRA")
    target = tmp_path / "one.pdf"
    assemble([part], target, titles=TITLES)
    places = []
    for page in pypdf.PdfReader(target).pages:
        texts: list[tuple[str, float, float, float]] = []

        def visit(text: str, cm: list[float], matrix: list[float], _: object, size: float, texts: list = texts) -> None:
            texts.append((text, (cm[0] * matrix[4] + cm[4]), cm[3] * matrix[5] + cm[5], size * cm[0]))

        page.extract_text(visitor_text=visit)
        places.append([one for one in texts if one[0].strip() in {"— 1 —", "— 2 —"} or "K7Q2" in one[0]])
    (first, first_code), (second, second_code) = places
    assert first[3] == pytest.approx(14, abs=0.01)
    assert first_code[3] == pytest.approx(8, abs=0.01)
    assert second[1] == pytest.approx(25 * 72 / 25.4 + 14, abs=0.1)
    assert first[1] == pytest.approx((210 - 20) * 72 / 25.4 - 14 - 38.7, abs=0.2)
    assert first[2] == second[2] == first_code[2] == second_code[2]
    assert 25 < first[2] < 31, "in the middle of the lower margin of 22 mm"
    assert first_code[1] == second_code[1]
    assert 200 < first_code[1] < 260


def test_bookmarks_lead_from_group_to_title_to_what_is_inside(tmp_path: Path, school: Sheet) -> None:
    parts = [
        _part(tmp_path, "1", survey_sheet(), title="教工党支部", group="文学院党总支"),
        _part(tmp_path, "2", survey_sheet(), title="学生党支部", group="文学院党总支"),
        _part(tmp_path, "3", school, range(1), title="汇总", group="理学院党总支"),
        _part(tmp_path, "4", survey_sheet(), title="图书馆直属党支部"),
    ]
    target = tmp_path / "all.pdf"
    assemble(parts, target, titles=TITLES, numbering="each")
    form = "清源师范学院党支部调查摸底与分类定级表"
    assert _outline(target.read_bytes()) == [
        (0, "文学院党总支", 0),
        (1, "教工党支部", 0),
        (2, form, 0),
        (1, "学生党支部", 2),
        (2, form, 2),
        (0, "理学院党总支", 4),
        (1, "汇总", 4),
        (2, "清源师范学院党支部分类定级汇总表", 4),
        (3, "文学与传播学院党总支", 4),
        (3, "政治与社会发展学院党总支", 4),
        (0, "图书馆直属党支部", 5),
        (1, form, 5),
    ]


def test_each_font_is_embedded_once_for_all_parts(tmp_path: Path) -> None:
    parts = [_part(tmp_path, str(number), survey_sheet(), title=str(number)) for number in range(12)]
    one, many = tmp_path / "one.pdf", tmp_path / "many.pdf"
    assemble(parts[:1], one, titles=TITLES)
    assemble(parts, many, titles=TITLES, numbering="each")
    with pikepdf.open(many) as document:
        files = [thing for thing in document.objects if isinstance(thing, pikepdf.Dictionary) and "/FontName" in thing]
        assert len(files) == 5
        assert len({page.Resources.objgen for page in document.pages}) == 1
    assert many.stat().st_size < 2 * one.stat().st_size


def test_the_file_is_sound_and_says_what_it_is(tmp_path: Path) -> None:
    target = tmp_path / "all.pdf"
    assemble([_part(tmp_path, "1", survey_sheet(), title="一")], target, titles=TITLES)
    with pikepdf.open(target) as document:
        assert document.check_pdf_syntax() == []
        assert str(document.Root.Lang) == "zh-Hans"
        assert "/StructTreeRoot" not in document.Root
    read = pypdf.PdfReader(target)
    assert read.metadata is not None
    assert (read.metadata.title, read.metadata.author, read.metadata.subject) == ("汇总", "组织部", "附件")
    assert read.metadata.creation_date == TITLES.created
    assert read.metadata.modification_date == TITLES.created


def test_a_piece_has_no_number_no_code_and_no_font(school: Sheet) -> None:
    content = pdf.render_piece([school])
    with pikepdf.open(io.BytesIO(content)) as piece:
        assert len(piece.pages) == len(school.pages)
        assert all(not page.Resources.keys() for page in piece.pages)
    assert content == pdf.render_piece([school])


def test_what_is_no_piece_is_refused(tmp_path: Path) -> None:
    target = tmp_path / "all.pdf"
    for number, content in enumerate((b"", b"%PDF-1.7", pdf.render([survey_sheet()]))):
        path = tmp_path / str(number)
        path.write_bytes(content)
        with pytest.raises(PieceError, match="no piece"):
            assemble([Part(path)], target, titles=TITLES)
    with pytest.raises(ValueError, match="needs a part"):
        assemble([], target, titles=TITLES)
    assert not target.exists()


def test_a_piece_drawn_with_other_fonts_is_refused(tmp_path: Path) -> None:
    """A site's own 小标宋 replaces the packaged one under the same glyph numbers: only the text would be wrong."""
    folder = tmp_path / "fonts"
    folder.mkdir()
    (folder / "FZXBSJW.otf").write_bytes((fonts.PACKAGED / "fandol/ZhibuKai.otf").read_bytes())
    path = tmp_path / "piece"
    path.write_bytes(pdf.render_piece([survey_sheet()], font_dirs=[folder]))
    target = tmp_path / "all.pdf"
    with pytest.raises(PieceError, match="font"):
        assemble([Part(path)], target, titles=TITLES)
    assert assemble([Part(path)], target, titles=TITLES, font_dirs=[folder]) == 2
