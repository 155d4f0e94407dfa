"""The workbook a branch takes away: what is locked, what its open cells accept, and that it is the official form."""

import io
from dataclasses import replace

import openpyxl
import pytest

from reporting.offline import ticket as tickets
from reporting.offline.forms import annex4_sheet, scoring_sheet_laid
from reporting.offline.workbook import box_choices
from tests.reporting import offline_files as files
from tests.reporting import samples


@pytest.fixture(scope="module")
def data():
    return files.workbook()


@pytest.fixture
def book(data):
    return openpyxl.load_workbook(io.BytesIO(data))


def open_cells(page):
    return {cell.coordinate for row in page.iter_rows() for cell in row if not cell.protection.locked and cell.value}


def test_tabs_and_the_hidden_sheet(book):
    assert book.sheetnames == ["附件4", "附件2", "填写说明", "_zhibu"]
    assert [page.sheet_state for page in book] == ["visible", "visible", "visible", "veryHidden"]
    assert all(page.protection.sheet for page in book)
    assert book.security.lockStructure


def test_only_the_cells_of_fields_are_open(book, data):
    places = files.cells_of(data)
    for name in ("附件4", "附件2"):
        named = {cell for sheet, cell in places.values() if sheet == name}
        merged = {str(one).partition(":")[0] for one in book[name].merged_cells.ranges}
        unlocked = {c.coordinate for row in book[name].iter_rows() for c in row if not c.protection.locked}
        alone = {one for one in unlocked if one in merged or book[name][one].__class__.__name__ == "Cell"}
        assert alone == named
    assert not open_cells(book["填写说明"])
    assert "points:B2" not in places  # the system fills it


def test_every_field_has_its_present_value(book, data):
    places = files.cells_of(data)
    given = files.facts().values
    assert set(places) == set(given)

    def at(field):
        sheet, cell = places[field]
        return book[sheet][cell].value

    assert at("check:organisation") == "☑好　☐一般　☐差"
    assert at("check:committee") == "☐好　☐一般　☐差"
    assert at("note:support") == "无固定场所"
    assert at("text:problems") == "1．活动少。\n2．记录不全。"
    assert (at("target"), at("text:goal"), at("text:measures")) == ("较好", None, "每月一次")
    assert (at("points:A1"), at("remark:A1"), at("points:B1")) == (1.5, "缺一名", None)


def limits(page, cell):
    return next(one for one in page.data_validations.dataValidation if cell in one.cells)


def test_choices_are_drop_downs(book, data):
    places = files.cells_of(data)
    sheet, cell = places["check:committee"]
    assert limits(book[sheet], cell).formula1 == ('"☑好　☐一般　☐差,☐好　☑一般　☐差,☐好　☐一般　☑差,☐好　☐一般　☐差"')
    sheet, cell = places["target"]
    assert limits(book[sheet], cell).formula1 == f'"{",".join(samples.ROUND.grades)}"'


def test_points_are_limited_by_maximum_and_step_in_words(book, data):
    places = files.cells_of(data)
    _, cell = places["points:A1"]
    rule = limits(book["附件2"], cell)
    assert rule.formula1 == f"AND(ISNUMBER({cell}),{cell}>=0,{cell}<=2,MOD(ROUND({cell}*100,0),50)=0)"
    assert (rule.type, rule.error, rule.prompt) == (
        "custom", "填 0 至 2 的数字，每档 0.5 分。", "填 0 至 2 的数字，每档 0.5 分。缺一名扣0.5分",
    )  # fmt: skip
    _, cell = places["points:A2"]
    levels = limits(book["附件2"], cell)
    assert (levels.type, levels.formula1, levels.error) == ("list", '"3,1.5"', "只能选：健全 3分；基本健全 1.5分。")


def test_no_formula_anywhere_even_where_an_item_looks_like_one(book):
    assert [c.coordinate for page in book for row in page.iter_rows() for c in row if c.data_type == "f"] == []


def test_it_has_the_rows_of_the_official_form(data):
    laid = annex4_sheet(files.facts())
    words = [cell.text for cell in laid.cells]
    assert words[:2] == ["附件4", "清源师范学院党支部调查摸底与分类定级表"]
    assert len(laid.pages) == 2
    assert {"晋位等级", "目　　标", "主要措施", "支部自评\n意　　见", "党委审定\n意　　见"} <= set(words)
    table = scoring_sheet_laid(files.facts())
    heads = [cell.text for row in table.rows if row.band == "header" for cell in row.cells]
    assert heads == ["项目", "序号", "具体内容", "分值", "自评\n得分", "不适用\n打√", "自评说明"]


def test_without_not_applicable_there_is_no_column_for_it():
    given = replace(files.facts(), not_applicable=False)
    given = replace(given, values={k: v for k, v in given.values.items() if not k.startswith("na:")})
    heads = [cell.text for row in scoring_sheet_laid(given).rows if row.band == "header" for cell in row.cells]
    assert heads == ["项目", "序号", "具体内容", "分值", "自评\n得分", "自评说明"]


def test_equal_facts_make_equal_bytes():
    assert files.workbook() == files.workbook()


def test_a_cell_of_boxes_offers_each_option_and_none():
    cell = next(cell for cell in annex4_sheet(files.facts()).cells if cell.key == "check_0")
    assert box_choices(cell) == ["☑好　☐一般　☐差", "☐好　☑一般　☐差", "☐好　☐一般　☑差", "☐好　☐一般　☐差"]


@pytest.mark.parametrize(
    ("number", "text"), [(8.0, "8"), (8.5, "8.5"), (0.1 + 0.2, "0.3"), (0.0, "0"), (100.0, "100"), (1e-7, "0")]
)
def test_numbers_are_said_plainly(number, text):
    assert tickets.plain_number(number) == text


def test_cell_names():
    assert [tickets.cell_name(5, column) for column in (1, 26, 27, 52, 53, 702, 703)] == [
        "A5", "Z5", "AA5", "AZ5", "BA5", "ZZ5", "AAA5",
    ]  # fmt: skip
