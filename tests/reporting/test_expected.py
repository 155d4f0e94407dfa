"""Every annex against a workbook written down by hand: values, types, merges, fonts, frames, sizes, print set-up.

The files under expected/ say what each cell of the workbook holds, and what stands around it. Figures were worked out
by hand from the facts in samples.py; a row lists its cells from column A on ("" is an empty one) or names its columns.
"""

import datetime as dt
import io
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.cell.cell import MergedCell
from openpyxl.utils import get_column_letter, range_boundaries

from reporting.annexes import annex4, annex5, annex6, scoring_sheet
from reporting.tables import Sheet, xlsx
from tests.reporting import samples, samples_annex6

pytestmark = pytest.mark.unit
EXPECTED = Path(__file__).parent / "expected"
SHEETS = {
    "annex2": lambda: scoring_sheet.sheets(samples.scoring_sheet(), samples.STAMP),
    "annex4": lambda: annex4.sheets(samples.FORM, samples.STAMP),
    "annex5": lambda: annex5.sheets(samples.GENERAL_BRANCH, samples.STAMP),
    "annex5-school": lambda: annex5.sheets(samples.SCHOOL, samples.STAMP),
    "annex6": lambda: annex6.sheets(samples_annex6.GENERAL_BRANCH, samples.STAMP),
}
MM_PER_UNIT, MM_PER_POINT, MM_PER_INCH = 8 / 96 * 25.4, 25.4 / 72, 25.4


def workbook(sheets: list[Sheet]) -> Any:
    return openpyxl.load_workbook(io.BytesIO(xlsx.render(sheets)))


def areas(spec: dict[str, Any]) -> Iterator[tuple[str, tuple[int, int, int, int], Any]]:
    """Each cell range of a table of the file, one by one, with what is said of it."""
    for names, said in spec.items():
        for name in names.split():
            yield name, range_boundaries(name), said


def cells_of(page: Any, bounds: tuple[int, int, int, int]) -> Iterator[Any]:
    """The cells of a range, without places a merged cell covers."""
    left, top, right, bottom = bounds
    for row in page.iter_rows(top, bottom, left, right):
        yield from (cell for cell in row if not isinstance(cell, MergedCell))


def _cell(row: list[Any] | dict[str, Any], col: int) -> Any:
    """What a row of the file says of a column: rows are lists from column A on, or name their columns."""
    if isinstance(row, dict):
        return row.get(get_column_letter(col), "")
    return row[col - 1] if col <= len(row) else ""


def check_values(page: Any, spec: dict[str, Any]) -> None:
    """Every cell holds the value written down, as a number, a date or text, and no other cell holds one."""
    rows = {int(number): cells for number, cells in spec["rows"].items()}
    assert page.max_row == max(rows)
    for number in range(1, page.max_row + 1):
        for col in range(1, page.max_column + 1):
            cell = page.cell(number, col)
            wanted = _cell(rows[number], col)
            if isinstance(wanted, dt.date):
                wanted = dt.datetime.combine(wanted, dt.time())
            where = f"{page.title} {cell.coordinate}"
            assert (cell.value if cell.value is not None else "") == wanted, where
            if wanted != "":
                kinds = {str: "s", dt.datetime: "d"}
                assert cell.data_type == kinds.get(type(wanted), "n"), where


def check_looks(page: Any, spec: dict[str, Any]) -> None:
    """Fonts by name and size, number formats and alignment of the ranges written down."""
    for name, bounds, (font, size) in areas(spec["fonts"]):
        for cell in cells_of(page, bounds):
            assert (cell.font.name, cell.font.sz) == (font, size), f"{page.title} {name}: {cell.coordinate}"
    for name, bounds, wanted in areas(spec["formats"]):
        for cell in cells_of(page, bounds):
            assert cell.number_format == wanted, f"{page.title} {name}: {cell.coordinate}"
    for name, bounds, wanted in areas(spec["align"]):
        for cell in cells_of(page, bounds):
            assert cell.alignment.horizontal == wanted, f"{page.title} {name}: {cell.coordinate}"


def check_frames(page: Any, frames: str) -> None:
    """Each frame is closed by medium lines all around, and none stands inside it."""
    ends = {(one.min_row, one.min_col): (one.max_row, one.max_col) for one in page.merged_cells.ranges}
    for name in frames.split():
        left, top, right, bottom = range_boundaries(name)
        for row in range(top, bottom + 1):
            for col in range(left, right + 1):
                border, where = page.cell(row, col).border, f"{page.title} {name}: {get_column_letter(col)}{row}"
                last_row, last_col = ends.get((row, col), (row, col))
                assert (border.top.style == "medium") == (row == top), where
                assert (border.bottom.style == "medium") == (last_row == bottom), where
                assert (border.left.style == "medium") == (col == left), where
                assert (border.right.style == "medium") == (last_col == right), where


def check_page(page: Any, spec: dict[str, Any]) -> None:
    """Widths, heights, merges, page breaks, print titles, margins, footers."""
    assert {str(one) for one in page.merged_cells.ranges} == set(spec["merges"].split())
    for index, width in enumerate(spec["widths_mm"], 1):
        column = page.column_dimensions[get_column_letter(index)]
        assert column.width * MM_PER_UNIT == pytest.approx(width, abs=0.05), f"{page.title} column {index}"
    for names, height in spec["heights_mm"].items():
        for number in rows_of(names):
            points = page.row_dimensions[number].height
            assert points * MM_PER_POINT == pytest.approx(height, abs=0.02), f"{page.title} row {number}"
    assert [one.id for one in page.row_breaks.brk] == spec["breaks"]
    assert (page.print_title_rows or "").replace("$", "") == spec["titles"]
    assert page.page_setup.orientation == spec["orientation"]
    margins = page.page_margins
    given = [round(side * MM_PER_INCH, 1) for side in (margins.top, margins.right, margins.bottom, margins.left)]
    assert given == spec["margins_mm"]
    assert (page.oddFooter.right.text, page.oddFooter.right.size) == ("— &P —　", 14)
    assert (page.evenFooter.left.text, page.evenFooter.left.size) == ("　— &P —", 14)


def rows_of(names: str) -> Iterator[int]:
    """Row numbers of "6-14 20"."""
    for part in names.split():
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def check(page: Any, spec: dict[str, Any]) -> None:
    assert page.title == spec["tab"]
    check_values(page, spec)
    check_page(page, spec)
    check_looks(page, spec)
    check_frames(page, spec["frames"])


@pytest.mark.parametrize("name", SHEETS)
def test_a_workbook_is_the_one_written_down(name):
    with (EXPECTED / f"{name}.toml").open("rb") as file:
        tabs = tomllib.load(file)["tab"]
    book = workbook(SHEETS[name]())
    assert len(book.worksheets) == len(tabs)
    for page, spec in zip(book.worksheets, tabs, strict=True):
        check(page, {**spec, "tab": spec["name"]})


def test_one_wrong_figure_is_noticed():
    with (EXPECTED / "annex5.toml").open("rb") as file:
        spec = tomllib.load(file)["tab"][0]
    page = workbook(SHEETS["annex5"]()).worksheets[0]
    spec["rows"]["9"][11] = 72.88
    with pytest.raises(AssertionError, match="附件5 L9"):
        check_values(page, spec)
