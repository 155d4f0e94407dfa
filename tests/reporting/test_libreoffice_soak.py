"""Every workbook as LibreOffice prints it: the same pages, on each exactly its cells, nothing cut, no ####.

Installed and run by `make soak` only.
"""

import io

import openpyxl
import pytest

from branches import clock, directory
from branches.registries import lists
from branches.scopes import Scope
from reporting.annexes import annex4, annex5, annex6, facts, scoring_sheet
from reporting.tables import Sheet, lay_out, xlsx
from tests.factories.branches import AppointmentFactory, BranchProfileFactory
from tests.factories.grading import opened_round
from tests.office import converted
from tests.reporting import samples, samples_annex6
from tests.tables.parity import assert_pages, pdf_pages
from tests.tables.samples import school_sheet, survey_sheet

pytestmark = pytest.mark.soak
#: Fits on no single page: twelve branches four times.
LONG = facts.Annex5(samples.ROUND, samples.ROUND.office, samples.SCHOOL.rows * 4, merged=True)


def workbooks() -> dict[str, list[Sheet]]:
    return {
        "annex2": scoring_sheet.sheets(samples.scoring_sheet(), samples.STAMP),
        "annex4": annex4.sheets(samples.FORM, samples.STAMP),
        "annex5": annex5.sheets(samples.GENERAL_BRANCH, samples.STAMP),
        "annex5-school": annex5.sheets(LONG, samples.STAMP),
        "annex6": annex6.sheets(samples_annex6.GENERAL_BRANCH, samples.STAMP),
        "every-feature": [school_sheet()],
        "form": [survey_sheet()],
    }


def printed(made: dict[str, list[Sheet]], folder) -> dict[str, list[str]]:
    """Write workbooks, let LibreOffice print them, return the text of their pages."""
    paths = []
    for name, sheets in made.items():
        paths.append(folder / f"{name}.xlsx")
        paths[-1].write_bytes(xlsx.render(sheets))
    return {path.stem: pdf_pages(path.read_bytes()) for path in converted(paths, folder / "printed")}


def assert_printed(sheets: list[Sheet], pages: list[str]) -> None:
    assert not any("###" in page for page in pages)
    done = 0
    for sheet in sheets:
        assert_pages(sheet, pages[done : done + len(sheet.pages)], first=done + 1)
        done += len(sheet.pages)
    assert done == len(pages)


def test_every_annex_prints_as_laid_out(tmp_path):
    made = workbooks()
    pages = printed(made, tmp_path)
    for name, sheets in made.items():
        assert_printed(sheets, pages[name])


def test_a_page_too_many_is_noticed(tmp_path):
    sheets = annex5.sheets(samples.GENERAL_BRANCH, samples.STAMP)
    pages = printed({"annex5": sheets}, tmp_path)["annex5"]
    with pytest.raises(AssertionError):
        assert_printed(sheets, [*pages, pages[-1]])
    with pytest.raises(AssertionError):
        assert_printed(sheets, [pages[0], pages[1].replace("80.20", "80.21")])


def test_what_libreoffice_saves_again_holds_the_same_values(tmp_path):
    made = workbooks()
    paths = []
    for name, sheets in made.items():
        paths.append(tmp_path / f"{name}.xlsx")
        paths[-1].write_bytes(xlsx.render(sheets))
    for before, after in zip(paths, converted(paths, tmp_path / "saved", to="xlsx"), strict=True):
        ours, theirs = (openpyxl.load_workbook(io.BytesIO(path.read_bytes())) for path in (before, after))
        assert theirs.sheetnames == ours.sheetnames
        for mine, other in zip(ours.worksheets, theirs.worksheets, strict=True):
            assert [[cell.value for cell in row] for row in other.iter_rows(max_row=mine.max_row)] == [
                [cell.value for cell in row] for row in mine.iter_rows()
            ]
            assert {str(one) for one in other.merged_cells.ranges} == {str(one) for one in mine.merged_cells.ranges}
            assert [one.id for one in other.row_breaks.brk] == [one.id for one in mine.row_breaks.brk]


@pytest.mark.django_db
def test_the_roster_prints_as_laid_out(tmp_path):
    world = opened_round()
    BranchProfileFactory(branch=world.school.software)
    AppointmentFactory(branch=world.school.software, person__name="欧阳㛃")
    page = lists()["branches"]
    scope = Scope(frozenset(), clock.today(), everything=True)
    sheet = lay_out(page.table, page.prepare(list(directory.register(clock.today(), scope).order_by("code"))))
    assert_printed([sheet], printed({"branches": [sheet]}, tmp_path)["branches"])
