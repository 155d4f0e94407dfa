"""The workbook: typed, official, and never a formula."""

import datetime as dt
import io
import re
import zipfile
from decimal import Decimal

import openpyxl
import pytest
import python_calamine
from openpyxl.utils.escape import unescape

from reporting.tables import Column, Form, FormRow, Table, formats, label, lay_out, lay_out_form, value, xlsx
from reporting.tables.formats import clean_text
from reporting.tables.xlsx import Properties
from tests.tables.payloads import FORMULAS, MARKUP, ODD
from tests.tables.samples import school_sheet, survey_sheet

TABLE = Table(slug="t", title="表", columns=(Column("a", "甲", 80), Column("b", "乙", 80)))


def _open(content: bytes) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(content))


@pytest.mark.parametrize("payload", [*FORMULAS, *ODD, *MARKUP])
def test_text_stays_text(payload: str) -> None:
    content = xlsx.render([lay_out(TABLE, [{"a": payload, "b": f"甲{payload}"}])])
    wanted = clean_text(payload).strip(" \n")
    cell = _open(content).worksheets[0].cell(3, 1)
    assert cell.data_type == "s"
    assert unescape(cell.value) == wanted  # openpyxl leaves _x005F_ to its caller, Excel and calamine do not
    rows = python_calamine.load_workbook(io.BytesIO(content)).get_sheet_by_index(0).to_python()
    assert rows[2][0] == wanted
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not re.search(rb"<f[ />]", archive.read("xl/worksheets/sheet1.xml"))


def test_headers_titles_and_names_are_no_formulas_either() -> None:
    table = Table(
        slug="t",
        title="=1+1",
        columns=(Column("a", "=2+2"),),
        code="=3",
        footer=("=4",),
        notes=("=5",),
        sheet_name="=[6]:*?/\\'",
    )
    content = xlsx.render([lay_out(table, [{"a": None}])])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not re.search(rb"<f[ />]", archive.read("xl/worksheets/sheet1.xml"))
    assert _open(content).sheetnames == ["=6"]


def test_numbers_and_dates_are_typed() -> None:
    table = Table(
        slug="t",
        title="表",
        columns=(
            Column("n", "数", format=formats.INTEGER),
            Column("d", "分", format=formats.DECIMAL2),
            Column("p", "率", format=formats.PERCENT),
            Column("t", "日", format=formats.DATE),
            Column("m", "月", format=formats.DATE),
        ),
    )
    row = {"n": 12, "d": Decimal("88.425"), "p": Decimal("0.9268"), "t": dt.date(2012, 5, 28), "m": "2011.10"}
    page = _open(xlsx.render([lay_out(table, [row])])).worksheets[0]
    cells = [page.cell(3, column) for column in range(1, 6)]
    assert [cell.value for cell in cells] == [12, 88.43, 0.927, dt.datetime(2012, 5, 28), "2011.10"]
    assert [cell.number_format for cell in cells] == ["0", "0.00", "0.0%", "yyyy\\.m\\.d", "yyyy\\.m\\.d"]
    assert [cell.data_type for cell in cells] == ["n", "n", "n", "d", "s"]


def test_official_fonts_are_named() -> None:
    page = _open(xlsx.render([school_sheet()])).worksheets[0]
    fonts = {page.cell(row, 1).font.name for row in (1, 2, 3, 4, 6)}
    assert fonts == {"黑体", "方正小标宋简体", "仿宋_GB2312"}
    assert [page.cell(row, 1).font.size for row in (1, 2, 3)] == [16, 20, 12]


def test_widths_are_millimetres() -> None:
    sheet = school_sheet()
    page = _open(xlsx.render([sheet])).worksheets[0]
    for column, width in zip("ABC", sheet.widths_mm, strict=False):
        assert page.column_dimensions[column].width * 8 / 96 * 25.4 == pytest.approx(width, abs=0.05)
    assert page.row_dimensions[7].height == pytest.approx(sheet.rows[6].height_mm * 72 / 25.4, abs=0.01)


def test_the_frame_is_closed_on_every_page() -> None:
    sheet = school_sheet()
    page = _open(xlsx.render([sheet])).worksheets[0]
    last = len(sheet.widths_mm)
    foot = max(index for index, row in enumerate(sheet.rows) if row.band == "total")
    tops = [sheet.header[0], *sheet.page_breaks]
    bottoms = [*(start - 1 for start in sheet.page_breaks), foot]
    for column in range(1, last + 1):
        assert {page.cell(row + 1, column).border.top.style for row in tops} == {"medium"}, column
        assert {page.cell(row + 1, column).border.bottom.style for row in bottoms} == {"medium"}, column
    for row in range(sheet.header[0] + 1, foot + 2):
        assert page.cell(row, 1).border.left.style == "medium"
        assert page.cell(row, last).border.right.style == "medium"
    assert page.cell(7, 2).border.left.style == "thin"
    assert page.cell(7, 2).border.top.style == "thin"


def test_an_opinion_has_no_line_inside() -> None:
    sheet = survey_sheet()
    page = _open(xlsx.render([sheet])).worksheets[0]
    upper = next(cell for cell in sheet.cells if cell.key == "self_opinion")
    assert page.cell(upper.row + 1, upper.col + 1).border.bottom.style is None
    assert page.cell(upper.row + 2, upper.col + 1).border.top.style is None


def test_an_upright_label() -> None:
    page = _open(xlsx.render([survey_sheet()])).worksheets[0]
    cell = next(cell for row in page.iter_rows() for cell in row if cell.value == "调查摸底")
    assert cell.alignment.textRotation == 255


def test_print_set_up() -> None:
    page = _open(xlsx.render([school_sheet()])).worksheets[0]
    assert page.freeze_panes == "D6"
    assert page.page_setup.paperSize == 9
    assert page.print_area == f"'附件5'!$A$1:$U${page.max_row}"
    assert page.HeaderFooter.differentOddEven
    assert page.oddFooter.right.font == "宋体,Regular"
    assert page.oddFooter.right.size == 14
    assert page.page_margins.left == pytest.approx(14 / 25.4)
    assert page.print_options.horizontalCentered


def test_several_sheets_with_the_same_name() -> None:
    book = _open(xlsx.render([survey_sheet(), survey_sheet(), school_sheet()]))
    assert book.sheetnames == ["附件4", "附件4（2）", "附件5"]
    assert book.worksheets[2]["A2"].font.name == "方正小标宋简体"


def test_properties_and_equal_bytes() -> None:
    moment = dt.datetime(2012, 3, 30, 8, 0, tzinfo=dt.UTC)
    properties = Properties(title="汇总表", author="组织部", subject="附件5", keywords="a,b", created=moment)
    first = xlsx.render([school_sheet()], properties)
    book = _open(first)
    assert (book.properties.title, book.properties.creator) == ("汇总表", "组织部")
    assert book.properties.created == moment.replace(tzinfo=None)
    assert first == xlsx.render([school_sheet()], properties)


def test_only_cells_to_fill_are_open() -> None:
    form = Form(slug="f", title="表", grid=4, rows=(FormRow((label("甲", 2), value("a", 2, editable=True))),))
    page = _open(xlsx.render([lay_out_form(form, {"a": "x"})])).worksheets[0]
    assert page.protection.sheet
    assert page["A2"].protection.locked
    assert not page["C2"].protection.locked


def test_a_workbook_needs_a_sheet() -> None:
    with pytest.raises(ValueError, match="sheet"):
        xlsx.render([])
