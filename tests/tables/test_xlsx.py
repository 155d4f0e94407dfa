"""The workbook: typed, official, and never a formula."""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from xml.etree import ElementTree as ET

import openpyxl
import pytest
import python_calamine
from openpyxl.utils import column_index_from_string
from openpyxl.utils.cell import coordinate_from_string
from openpyxl.utils.escape import unescape
from openpyxl.worksheet.cell_range import MultiCellRange
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from reporting.tables import (
    Column,
    Form,
    FormRow,
    Group,
    Page,
    Table,
    formats,
    label,
    lay_out,
    lay_out_form,
    value,
    xlsx,
)
from reporting.tables.cells import Sheet
from reporting.tables.formats import clean_text
from reporting.tables.xlsx import Properties
from tests.tables.payloads import FORMULAS, MARKUP, ODD
from tests.tables.samples import school_sheet, survey_sheet

TABLE = Table(slug="t", title="表", columns=(Column("a", "甲", 80), Column("b", "乙", 80)))


#: CT_Worksheet of ECMA-376 (5th edition, Part 1, 18.3.1.99): another order makes Excel offer a repair.
WORKSHEET = [
    "sheetPr",
    "dimension",
    "sheetViews",
    "sheetFormatPr",
    "cols",
    "sheetData",
    "sheetCalcPr",
    "sheetProtection",
    "protectedRanges",
    "scenarios",
    "autoFilter",
    "sortState",
    "dataConsolidate",
    "customSheetViews",
    "mergeCells",
    "phoneticPr",
    "conditionalFormatting",
    "dataValidations",
    "hyperlinks",
    "printOptions",
    "pageMargins",
    "pageSetup",
    "headerFooter",
    "rowBreaks",
    "colBreaks",
    "customProperties",
    "cellWatches",
    "ignoredErrors",
    "smartTags",
    "drawing",
    "drawingHF",
    "legacyDrawing",
    "legacyDrawingHF",
    "picture",
    "oleObjects",
    "controls",
    "webPublishItems",
    "tableParts",
    "extLst",
]
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def assert_schema_order(content: bytes) -> None:
    """Every worksheet has its elements in the order of the schema, rows and cells counted upwards, counts right."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        styles = ET.fromstring(archive.read("xl/styles.xml"))
        formats_known = len(styles.findall(f"{MAIN}cellXfs/{MAIN}xf"))
        for name in archive.namelist():
            if not name.startswith("xl/worksheets/sheet"):
                continue
            root = ET.fromstring(archive.read(name))
            order = [WORKSHEET.index(one.tag.removeprefix(MAIN)) for one in root]
            assert order == sorted(set(order)), f"{name}: {[WORKSHEET[index] for index in order]}"
            rows = root.findall(f"{MAIN}sheetData/{MAIN}row")
            numbers = [int(row.get("r", "0")) for row in rows]
            assert numbers == sorted(set(numbers))
            for row in rows:
                places = [column_index_from_string(coordinate_from_string(cell.get("r", ""))[0]) for cell in row]
                assert places == sorted(set(places))
                assert all(coordinate_from_string(cell.get("r", ""))[1] == int(row.get("r", "0")) for cell in row)
                assert all(int(cell.get("s", "0")) < formats_known for cell in row)
            for counted in ("mergeCells", "rowBreaks", "dataValidations"):
                found = root.find(f"{MAIN}{counted}")
                assert found is None or int(found.get("count", len(found))) == len(found)


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


def test_a3_fitted_to_its_width() -> None:
    table = replace(
        TABLE, page=Page("A3", "landscape"), row_height_mm=11, columns=(Group("一", (Group("二", TABLE.columns),)),)
    )
    sheet = lay_out(table, [{"a": 1, "b": 2}])
    page = _open(xlsx.render([sheet])).worksheets[0]
    assert (page.page_setup.paperSize, page.page_setup.orientation) == (8, "landscape")
    assert (page.page_setup.fitToWidth, page.page_setup.fitToHeight) == (1, 0)
    assert page.print_title_rows == "$2:$4"
    assert page.row_dimensions[5].height == pytest.approx(11 * 72 / 25.4, abs=0.01)
    assert sheet.page.body_width_mm == 420 - 25 - 20


def test_the_code_line_stands_in_the_middle_of_every_footer() -> None:
    sheet = school_sheet()
    coded = replace(sheet, code_line="表单编码 K7Q2-9XMD-4TRA & 1")
    page = _open(xlsx.render([coded])).worksheets[0]
    for footer in (page.oddFooter, page.evenFooter):
        assert footer.center.text == "表单编码 K7Q2-9XMD-4TRA && 1"
        assert (footer.center.font, footer.center.size) == ("宋体,Regular", 8)
    assert (page.oddFooter.right.text, page.evenFooter.left.text) == ("— &P —　", "　— &P —")
    assert coded.digest == sheet.digest


def test_a_dress_adds_validation_and_hidden_sheets() -> None:
    def dress(page: Worksheet, sheet: Sheet) -> None:
        grades = DataValidation("list", formula1='"先进,较好,一般,后进"', showErrorMessage=True)
        grades.add(f"A{len(sheet.rows)}")
        page.add_data_validation(grades)
        page.protection.password = "1234"
        hidden = page.parent.create_sheet("_form")
        hidden["A1"] = "K7Q2"
        hidden.sheet_state = "veryHidden"

    sheet = survey_sheet()
    content = xlsx.render([sheet], dress=dress)
    book = _open(content)
    assert book.sheetnames == ["附件4", "_form"]
    assert book["_form"]["A1"].value == "K7Q2"
    page = book.worksheets[0]
    assert page.data_validations.dataValidation[0].sqref == MultiCellRange(f"A{len(sheet.rows)}")
    assert page["A2"].value == sheet.title
    assert page.protection.password == "CC3D"
    assert_schema_order(content)


@pytest.mark.parametrize("make", [school_sheet, survey_sheet])
def test_elements_stand_in_the_order_of_the_schema(make: Callable[[], Sheet]) -> None:
    assert_schema_order(xlsx.render([replace(make(), code_line="表单编码 K7Q2-9XMD-4TRA")]))


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
