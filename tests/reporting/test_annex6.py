"""附件6 against rows worked out by hand, and one rendering against the other."""

from dataclasses import replace

import pytest

from reporting.annexes import annex6
from reporting.tables import Sheet
from tests.reporting import samples_annex6 as samples
from tests.tables.parity import assert_parity

pytestmark = pytest.mark.unit


def rows(sheet: Sheet, band: str) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in sheet.rows if row.band == band]


@pytest.mark.parametrize(
    "facts", [samples.BRANCH, samples.GENERAL_BRANCH, samples.SCHOOL], ids=["branch", "general-branch", "school"]
)
def test_workbook_pdf_and_preview_agree(facts):
    for sheet in annex6.sheets(facts, samples.STAMP):
        assert_parity(sheet)


def test_no_branch_is_divided_over_pages_and_its_name_stands_once():
    sheet = annex6.sheets(samples.GENERAL_BRANCH, samples.STAMP)[0]
    first, second = ({row.keep for row in sheet.rows[slice(*page)] if row.keep >= 0} for page in sheet.pages)
    assert first == {0, 1, 2, 3}
    assert second == {4, 5}
    assert not any(cell.text.endswith("（续）") for cell in sheet.cells)


def test_the_closing_line_adds_up():
    assert annex6.counted(samples.ROWS) == [("已销号", 5), ("未到期", 5), ("逾期", 2), ("长期性项目", 2)]
    waiting = (*samples.ROWS, replace(samples.ROWS[3], standing=annex6.Standing.CONDITIONS))
    assert annex6.sentence(waiting) == (
        "合计：问题 15 项，已销号 5 项，未到期 5 项，逾期 2 项，长期性项目 2 项，暂不具备条件 1 项"
        "（长期性项目、暂不具备条件不计入未到期、逾期）。"
    )


@pytest.mark.parametrize("standing", annex6.Standing)
def test_every_standing_is_counted_once(standing):
    row = replace(samples.ROWS[0], standing=standing)
    assert sum(count for _, count in annex6.counted([row])) == 1


def test_a_branch_fills_one_page_with_its_own_name_in_full():
    (sheet,) = annex6.sheets(samples.BRANCH, samples.STAMP)
    assert len(sheet.pages) == 1
    assert rows(sheet, "body")[0][1] == "数学与计算机科学学院公共数学教研室教工党支部"
    assert rows(sheet, "closing")[1][0] == "党支部书记（签字）："


def test_the_school_has_the_unit_beside_the_branch_and_a_line_for_each_unit():
    long, short = annex6.sheets(samples.SCHOOL, samples.STAMP)
    assert rows(long, "body")[0][:4] == [samples.MATHS, "1", "数学系教工党支部", "一般"]
    continued = [cell.text for cell in long.cells if cell.text.endswith("（续）")]
    assert continued == [f"{samples.MATHS}（续）", "文学院党总支（续）"]
    assert rows(short, "body") == [
        ["1", samples.MATHS, "6", "14", "5", "5", "2", "2", "0"],
        ["2", "文学院党总支", "3", "6", "2", "2", "1", "1", "0"],
        ["3", "直属党支部", "1", "1", "0", "0", "0", "0", "1"],
    ]
    assert rows(short, "total") == [["合　计", "10", "21", "7", "7", "3", "3", "1"]]


def test_a_branch_longer_than_a_page_is_continued():
    """Thirty problems of one branch do not fit a page: then the name is repeated."""
    many = replace(samples.BRANCH, rows=tuple(samples.ROWS[3] for _ in range(30)))
    (sheet,) = annex6.sheets(many, samples.STAMP)
    assert len(sheet.pages) > 2
    assert any(cell.text.endswith("（续）") for cell in sheet.cells)
