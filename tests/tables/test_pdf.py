"""The PDF: embedded fonts, page numbers, nothing reached from outside."""

import datetime as dt
import gc
import io
import socket
import urllib.request
from pathlib import Path

import pypdf
import pytest

from reporting.tables import Column, Table, fonts, lay_out, pdf
from reporting.tables.xlsx import Properties
from tests.tables.parity import pdf_pages, squeezed
from tests.tables.payloads import MARKUP
from tests.tables.samples import school_sheet, survey_sheet

RARE = "㛃\U00020164䶮镕喆堃犇☐☑√"
TABLE = Table(slug="t", title="表", columns=(Column("a", "甲", 120), Column("b", "乙", 80)))


@pytest.fixture(scope="module")
def school() -> pypdf.PdfReader:
    properties = Properties(
        title="汇总", author="组织部", subject="附件5", created=dt.datetime(2012, 3, 30, tzinfo=dt.UTC)
    )
    return pypdf.PdfReader(io.BytesIO(pdf.render([school_sheet(), survey_sheet()], properties)))


def _fonts(reader: pypdf.PdfReader) -> dict[str, pypdf.generic.DictionaryObject]:
    found = {}
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            font = font.get_object()
            found[str(font["/BaseFont"])] = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
    return found


def test_fonts_are_packaged_embedded_and_subset(school: pypdf.PdfReader) -> None:
    found = _fonts(school)
    assert {name.split("+")[1] for name in found} == {
        "Zhibu-Fang",
        "Zhibu-Hei",
        "Zhibu-Title",
        "Zhibu-Song",
        "Zhibu-Box",
    }
    assert all("/FontFile3" in one or "/FontFile2" in one for one in found.values())
    assert all("+" in name for name in found)


def test_paper_and_properties(school: pypdf.PdfReader) -> None:
    boxes = [(round(float(page.mediabox.width)), round(float(page.mediabox.height))) for page in school.pages]
    assert boxes == [(842, 595)] * 4 + [(595, 842)] * 2
    assert school.metadata is not None
    assert (school.metadata.title, school.metadata.author, school.metadata.subject) == ("汇总", "组织部", "附件5")
    assert school.metadata.creation_date == dt.datetime(2012, 3, 30, tzinfo=dt.UTC)


def test_bookmarks_name_the_tables(school: pypdf.PdfReader) -> None:
    titles = [one.title for one in school.outline if not isinstance(one, list)]
    assert titles == ["清源师范学院党支部分类定级汇总表", "清源师范学院党支部调查摸底与分类定级表"]


def test_page_numbers_odd_right_even_left(school: pypdf.PdfReader) -> None:
    for number, page in enumerate(school.pages, 1):
        places: list[float] = []

        def visit(
            text: str,
            _cm: list[float],
            matrix: list[float],
            _font: object,
            _size: float,
            places: list[float] = places,
            wanted: str = f"— {number} —",
        ) -> None:
            if wanted in text:
                places.append(matrix[4])

        page.extract_text(visitor_text=visit)
        right = places[0] > float(page.mediabox.width) / 2 * 96 / 72
        assert right == (number % 2 == 1)


def test_rare_characters_are_drawn_and_read_back() -> None:
    pages = pdf_pages(pdf.render([lay_out(TABLE, [{"a": RARE, "b": "柯"}])]))
    assert RARE in pages[0]


def test_the_packaged_fonts_have_them() -> None:
    assert fonts.missing_characters(RARE + "党支部分类定级汇总表（续）—") == ""
    assert fonts.missing_characters("\U0001f600") == "\U0001f600"


def test_a_missing_font_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fonts, "PACKAGED", tmp_path)
    with pytest.raises(FileNotFoundError, match="ZhibuFang"):
        fonts.packaged_fonts()


def test_a_site_may_bring_its_own_fonts(tmp_path: Path) -> None:
    (tmp_path / "FZXBSJW.otf").write_bytes((fonts.PACKAGED / "fandol/ZhibuKai.otf").read_bytes())
    (tmp_path / "readme.txt").write_text("x")
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    assert [(one.family, one.path.name) for one in fonts.site_fonts([tmp_path, tmp_path / "none"])] == [
        ("Zhibu Site Title", "FZXBSJW.otf")
    ]
    reader = pypdf.PdfReader(io.BytesIO(pdf.render([lay_out(TABLE, [])], font_dirs=[tmp_path])))
    assert any(name.endswith("Zhibu-Site-Title") for name in _fonts(reader))


def test_nothing_outside_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("机密内容canary")
    hits: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda *given: hits.append(given))
    monkeypatch.setattr(socket, "create_connection", lambda *given, **_: hits.append(given))
    monkeypatch.setattr(urllib.request.FileHandler, "open_local_file", lambda *given: hits.append(given))
    texts = [one.replace("/etc/passwd", str(secret)) for one in MARKUP]
    content = pdf.render([lay_out(TABLE, [{"a": text, "b": text} for text in texts])])
    raw = "".join(f"<p>{text}</p>" for text in texts)
    unescaped = pdf._engine(()).write(f"<html><body>{raw}</body></html>")
    assert hits == []
    pages = "".join(pdf_pages(content))
    for text in texts:
        assert squeezed(text)[:20] in pages or all(char in pages for char in squeezed(text))
    for made in (content, unescaped):
        assert "canary" not in "".join(pdf_pages(made)).replace("secret.txt", "")
        assert not pypdf.PdfReader(io.BytesIO(made)).attachments


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "http://127.0.0.1/", "asset:other", "ftp://127.0.0.1/", "/etc/passwd", "ASSET:../x"],
)
def test_the_fetcher_knows_fonts_and_data_only(address: str) -> None:
    fetcher = pdf.AssetFetcher(fonts.packaged_fonts())
    with pytest.raises(ValueError, match="nothing but its fonts"):
        fetcher.fetch(address)
    assert fetcher.fetch("data:text/plain,x").read() == b"x"


def test_the_collector_is_on_again() -> None:
    assert gc.isenabled()
    pdf.render([survey_sheet()])
    assert gc.isenabled()


def test_some_pages_only() -> None:
    pages = pdf_pages(pdf.render([school_sheet()], pages=range(1, 3)))
    assert len(pages) == 2
    assert "附件5" not in pages[0]


def test_a_long_table_keeps_to_its_pages() -> None:
    rows = [
        {"a": f"第{number}行，{'文字较多的一格' * (number % 9)}", "b": "2012级Excellent专业（A班）" * (number % 4)}
        for number in range(150)
    ]
    sheet = lay_out(TABLE, rows)
    assert len(pdf_pages(pdf.render([sheet]))) == len(sheet.pages)
