"""The main job from an empty installation to 附件4 and 附件5, in a real browser, with a real worker.

Runs on SQLite with the filesystem broker, and again on PostgreSQL with Redis.
"""

from pathlib import Path
from typing import Any

import openpyxl
import pytest
from pypdf import PdfReader

from tests.e2e import steps
from tests.e2e.installation import Installation, running

pytestmark = [pytest.mark.e2e_pg, pytest.mark.enable_socket]
UNIT = "继续教育学院党总支"
PHONE_BRANCH = "继续教育学院培训教工党支部"
DESK_BRANCH = "继续教育学院函授站学生党支部"
ANNEX4, ANNEX5 = "附件4 党支部调查摸底与分类定级表", "附件5 党支部分类定级汇总表"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: Any) -> Any:
    with running(tmp_path_factory.mktemp("installation")) as found:
        yield found


def _prepare(page: Any, address: str, token: str) -> tuple[str, dict[str, tuple[str, str]], str]:
    """As the office: roster, campaign, round, codes. Return the round's address, the codes, the officer's code."""
    steps.first_run(page, address, token)
    result = steps.import_roster(page, address)
    assert "168" in result
    assert "3807" in result
    steps.open_campaign(page, address)
    round_url = steps.open_round(page, address)
    codes = steps.print_codes(page, address, UNIT)
    assert len(codes) == 4
    return round_url, codes, steps.open_officer(page, address, UNIT, "许晓燕")[1]


def _file(page: Any, address: str, code: str, *, short: int) -> None:
    """As a secretary: activate, fill the survey and the self-assessment, submit."""
    steps.activate(page, address, code)
    page.goto(f"{address}/grading/")
    page.get_by_role("link", name="第一轮").click()
    unit_url = page.url
    page.goto(f"{unit_url}survey/")
    steps.fill_survey(page)
    page.goto(f"{unit_url}self/")
    steps.fill_self_assessment(page, short)


def _explained(page: Any, round_url: str) -> str:
    """Follow the branch's link from the deciding page to its explanation."""
    page.goto(f"{round_url}decide/")
    page.get_by_role("link", name=PHONE_BRANCH).first.click()
    page.get_by_role("heading", name="这个等级怎么来的").wait_for()
    return str(page.locator("main").inner_text())


def _documents(page: Any, address: str, into: Path) -> dict[str, Path]:
    made = {}
    for file_format in ("xlsx", "pdf"):
        made[f"5{file_format}"] = steps.export(page, address, kind=ANNEX5, file_format=file_format, into=into)
        made[f"4{file_format}"] = steps.export(
            page, address, kind=ANNEX4, branch=PHONE_BRANCH, file_format=file_format, into=into
        )
    return made


def test_from_an_untidy_roster_to_annex_4_and_5(
    installation: Installation, new_context: Any, phone_page: Any, axe: Any, tmp_path: Path
) -> None:
    address, office = installation.address, new_context().new_page()
    round_url, codes, officer_code = _prepare(office, address, installation.token)
    assert axe(office) == []
    _file(phone_page, address, codes[PHONE_BRANCH][1], short=3)
    assert axe(phone_page) == []
    _file(new_context().new_page(), address, codes[DESK_BRANCH][1], short=6)

    officer = new_context().new_page()
    steps.activate(officer, address, officer_code)
    assert steps.score_in_grid(officer, round_url) == 27 + 27 + 25 + 25
    assert axe(officer) == []
    assert "录入 161 个，免计 3 个" in steps.import_source(office, round_url, "annual", "annual-results.xlsx")
    assert "录入 168 个" in steps.import_source(office, round_url, "appraisal", "appraisal-counts.xlsx")
    steps.move_on(office, round_url, "转入评分")
    assert "已定级 2 个党支部" in steps.decide(officer, round_url)

    # 自评 98.50, 群众 86.00, 年度 基本合格 60, 总支 98.50: 19.7 + 17.2 + 12 + 39.4 = 88.30
    explained = _explained(officer, round_url)
    assert "88.30" in explained
    assert "较好" in explained
    made = _documents(officer, address, tmp_path)
    _check(made)


def _check(made: dict[str, Path]) -> None:
    """The files hold what was decided, as numbers in the workbook and as text in the PDF."""
    cells = [cell.value for row in openpyxl.load_workbook(made["5xlsx"]).worksheets[0].iter_rows() for cell in row]
    assert PHONE_BRANCH in cells
    assert any(isinstance(value, int | float) and abs(value - 88.3) < 1e-9 for value in cells)
    form = [cell.value for row in openpyxl.load_workbook(made["4xlsx"]).worksheets[0].iter_rows() for cell in row]
    assert PHONE_BRANCH in form
    for key, pages in (("4pdf", 2), ("5pdf", 1)):
        document = PdfReader(made[key])
        text = "".join(page.extract_text() for page in document.pages).replace("\n", "")
        assert len(document.pages) == pages
        assert "88.30" in text
