"""The PDF: embedded fonts, page numbers, nothing reached from outside."""

import datetime as dt
import gc
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from threading import Thread
from typing import Any

import pikepdf
import pypdf
import pytest
from fontTools.pens.recordingPen import RecordingPen
from fontTools.ttLib import TTFont
from weasyprint import HTML

from reporting.tables import LANDSCAPE, Column, Table, fonts, lay_out, pdf
from reporting.tables.cells import FRAMED
from reporting.tables.typeset import AssetFetcher
from reporting.tables.xlsx import Properties
from tests.tables.parity import pdf_pages, squeezed
from tests.tables.payloads import MARKUP, REACHING
from tests.tables.samples import school_sheet, survey_sheet

RARE = "䶮\U00020164㛃㐂镕喆堃犇☐☑√"
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
        resources: Any = page["/Resources"]
        for font in resources["/Font"].values():
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
    content = pdf.render([lay_out(TABLE, [{"a": RARE, "b": "柯"}])])
    assert RARE in pdf_pages(content)[0]
    drawn: dict[str, int] = {}
    for name, described in _shown_glyphs(content).items():
        for glyph, (text, outline) in described.items():
            assert glyph
            assert outline or not text.strip("\u3000 "), f"{text} is empty in {name}"
            drawn[text] = glyph
    assert set(RARE) <= drawn.keys()


def _shown_glyphs(content: bytes) -> dict[str, dict[int, tuple[str, int]]]:
    """For each embedded font the glyphs a document may show: their text and the length of their outline."""
    found: dict[str, dict[int, tuple[str, int]]] = {}
    with pikepdf.open(io.BytesIO(content)) as document:
        for name, font in document.pages[0].Resources.Font.items():
            about = font.DescendantFonts[0].FontDescriptor
            file = about.get("/FontFile3", about.get("/FontFile2"))
            opened = TTFont(io.BytesIO(file.read_bytes()))
            order = opened.getGlyphOrder()
            codes = re.findall(
                r"<([0-9a-f]{4})> <([0-9a-f]+)>", font.ToUnicode.read_bytes().decode().split("endcodespacerange")[1]
            )
            for code, text in codes:
                pen = RecordingPen()
                opened.getGlyphSet()[order[int(code, 16)]].draw(pen)
                shown = bytes.fromhex(text).decode("utf-16-be")
                found.setdefault(name, {})[int(code, 16)] = (shown, len(pen.value))
    return found


def test_a_glyph_of_two_characters_reads_back_as_what_was_written() -> None:
    """A no-break space looks like a space: what one document says must not show in the next."""
    texts = ["甲\u00a0A", "甲 A"]
    for text in [*texts, *reversed(texts)]:
        content = pdf.render([lay_out(TABLE, [{"a": text, "b": "柯"}])])
        assert text in pypdf.PdfReader(io.BytesIO(content)).pages[0].extract_text()


def test_a_character_no_font_has_is_an_empty_box() -> None:
    content = pdf.render([lay_out(TABLE, [{"a": "甲\U000fabcd乙", "b": "柯"}])])
    assert "甲\ufffd乙" in pdf_pages(content)[0]
    outlines = [glyphs[0][1] for glyphs in _shown_glyphs(content).values() if 0 in glyphs]
    assert outlines
    assert all(outlines)


def test_the_packaged_fonts_have_them() -> None:
    assert fonts.missing_characters(RARE + "党支部分类定级汇总表（续）—") == ""
    assert fonts.missing_characters("\U0001f600") == "\U0001f600"


def test_a_missing_font_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fonts, "PACKAGED", tmp_path)
    with pytest.raises(FileNotFoundError, match="ZhibuFang"):
        fonts.packaged_fonts()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site's folder with a font that says it is 小标宋, and what is no font."""
    folder = tmp_path_factory.mktemp("fonts")
    (folder / "FZXBSJW.otf").write_bytes((fonts.PACKAGED / "fandol/ZhibuKai.otf").read_bytes())
    (folder / "readme.txt").write_text("x")
    (folder / "broken.ttf").write_bytes(b"no font")
    return folder


def test_a_site_may_bring_its_own_fonts(site: Path) -> None:
    assert [(one.family, one.path.name) for one in fonts.site_fonts([site, site / "none"])] == [
        ("Zhibu Site Title", "FZXBSJW.otf")
    ]
    reader = pypdf.PdfReader(io.BytesIO(pdf.render([lay_out(TABLE, [])], font_dirs=[site])))
    assert any(name.endswith("Zhibu-Site-Title") for name in _fonts(reader))


@pytest.fixture
def listener(socket_enabled: None) -> Iterator[tuple[str, list[str]]]:
    """An address on this machine, and the paths asked for there."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(302)
            self.send_header("Location", "/redirected")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/canary", asked
        server.shutdown()
        thread.join()


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    secret = tmp_path / "secret.txt"
    secret.write_text("canary" * 40)
    return secret


def _payloads(secret: Path, url: str) -> list[str]:
    texts = [one.format(file=secret.as_uri(), url=f"{url}/{number}") for number, one in enumerate(REACHING)]
    assert len(texts) >= 40
    return texts


def _holds(content: bytes, secret: Path) -> bool:
    """Whether a PDF contains what the file contains, in any stream or string of it."""
    with pikepdf.open(io.BytesIO(content)) as document:
        return any(
            secret.read_bytes() in one.read_bytes() for one in document.objects if isinstance(one, pikepdf.Stream)
        )


def test_nothing_in_a_cell_reaches_outside(canary: Path, listener: tuple[str, list[str]]) -> None:
    url, asked = listener
    texts = [*_payloads(canary, url), *MARKUP]
    content = pdf.render([lay_out(TABLE, [{"a": text, "b": text} for text in texts])])
    assert asked == []
    assert not _holds(content, canary)
    with pikepdf.open(io.BytesIO(content)) as document:
        assert not document.attachments
        assert not any("/Annots" in page for page in document.pages)
    shown = "".join(pdf_pages(content))
    assert all(squeezed(text)[:20] in shown or all(char in shown for char in squeezed(text)) for text in texts)


def test_the_fetcher_reaches_nothing_where_the_usual_one_does(canary: Path, listener: tuple[str, list[str]]) -> None:
    url, asked = listener
    source = "".join(f"<div>{text}</div>" for text in _payloads(canary, url))
    with pdf.drawing() as setter:
        closed = HTML(string=source, url_fetcher=setter.fetcher).write_pdf()
    assert asked == []
    assert not _holds(closed, canary)
    usual = HTML(string=source).write_pdf()
    assert len({path for path in asked if path != "/redirected"}) >= 12
    assert "/redirected" in asked
    assert _holds(usual, canary)


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "http://127.0.0.1/", "asset:other", "ftp://127.0.0.1/", "/etc/passwd", "ASSET:../x"],
)
def test_the_fetcher_knows_fonts_and_data_only(address: str) -> None:
    fetcher = AssetFetcher(fonts.packaged_fonts())
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


def test_without_a_sheet_there_is_no_document() -> None:
    with pytest.raises(ValueError, match="needs a sheet"):
        pdf.render([])
    with pytest.raises(ValueError, match="needs a sheet"):
        pdf.render_piece([])


def test_equal_sheets_give_equal_bytes_and_a_sound_file() -> None:
    first = pdf.render([school_sheet(), survey_sheet()])
    assert first == pdf.render([school_sheet(), survey_sheet()])
    with pikepdf.open(io.BytesIO(first)) as document:
        assert document.check_pdf_syntax() == []
        assert str(document.Root.Lang) == "zh-Hans"


def test_the_code_line_stands_at_the_foot_of_each_page_of_its_sheet() -> None:
    coded = replace(survey_sheet(), code_line="表单编码 K7Q2-9XMD-4TRA")
    pages = pdf_pages(pdf.render([school_sheet((2,)), coded]))
    assert ["表单编码K7Q2-9XMD-4TRA" in page for page in pages] == [False, True, True]


def test_rules_close_the_frame_and_part_the_cells() -> None:
    """Two columns of 120 and 80 mm, one head and one row: the frame 1.5 pt, five rules of 0.5 pt."""
    wide = replace(LANDSCAPE, left=20)
    sheet = lay_out(replace(TABLE, page=wide), [{"a": "甲", "b": "乙"}])
    with pikepdf.open(io.BytesIO(pdf.render_piece([sheet]))) as piece:
        operators = pikepdf.parse_content_stream(piece.pages[0])
    frames = [[float(one) for one in given] for given, name in operators if str(name) == "re"]
    assert len(frames) == 1
    assert frames[0][0] == pytest.approx(20 / 25.4 * 96 + 1, abs=0.01)
    assert frames[0][2] == pytest.approx(200 / 25.4 * 96, abs=0.01)
    assert frames[0][3] == pytest.approx(sum(row.height_mm for row in sheet.rows[-2:]) / 25.4 * 96, abs=0.01)
    widths = [float(given[0]) * 0.75 for given, name in operators if str(name) == "w"]
    assert widths == [pytest.approx(0.5, abs=0.001), pytest.approx(1.5, abs=0.001)]
    lines = [name for _, name in operators if str(name) == "l"]
    assert len(lines) == 3 + 3


def test_open_cells_have_no_rule_above_them() -> None:
    sheet = survey_sheet()
    with pikepdf.open(io.BytesIO(pdf.render_piece([sheet], pages=range(1, 2)))) as piece:
        operators = pikepdf.parse_content_stream(piece.pages[0])
    moves = [[float(one) for one in given] for given, name in operators if str(name) == "m"]
    left, top, *_ = next([float(one) for one in given] for given, name in operators if str(name) == "re")
    begins = {(round(x), round(y)) for x, y in moves}
    start, stop = sheet.pages[1]
    places: dict[bool, set[tuple[int, int]]] = {True: set(), False: set()}
    for row in [one for one in sheet.rows[start:stop] if one.band in FRAMED]:
        for cell in row.cells:
            x = left + sheet.edges_mm[cell.col] / 25.4 * 96
            places[cell.look.open_top].add((round(x), round(top)))
        top += row.height_mm / 25.4 * 96
    assert places[True]
    assert not places[True] & begins
    assert places[False] & begins


def _in_child(pipe: Any, sheet: Any) -> None:
    pipe.send(pdf.render([sheet]))
    pipe.close()


def test_a_child_draws_the_same_and_leaves_the_fonts_to_its_parent() -> None:
    sheet = survey_sheet()
    expected = pdf.render([sheet])
    context = get_context("fork")
    mine, other = context.Pipe(duplex=False)
    child = context.Process(target=_in_child, args=(other, sheet))
    child.start()
    assert mine.recv() == expected
    child.join()
    assert child.exitcode == 0
    assert RARE in pdf_pages(pdf.render([lay_out(TABLE, [{"a": RARE + "新", "b": "柯"}])]))[0]


def test_the_version_of_the_fonts_follows_the_fonts(site: Path) -> None:
    assert pdf.fonts_version() == pdf.fonts_version()
    assert pdf.fonts_version([site]) != pdf.fonts_version()


def test_a_long_table_keeps_to_its_pages() -> None:
    rows = [
        {"a": f"第{number}行，{'文字较多的一格' * (number % 9)}", "b": "2012级Excellent专业（A班）" * (number % 4)}
        for number in range(150)
    ]
    sheet = lay_out(TABLE, rows)
    assert len(pdf_pages(pdf.render([sheet]))) == len(sheet.pages)
