"""Neutral grids from .xlsx and .xls: the same cells, merges, hidden columns."""

import datetime as dt

import pytest

from branches.intake.shapes import Merge, cell_ref
from branches.intake.workbook import decode_escapes, read_workbook
from tests.intake.files import DATA, grid, made, office_file


def test_references() -> None:
    assert [cell_ref(3, column) for column in (1, 26, 27, 702, 703)] == ["A3", "Z3", "AA3", "ZZ3", "AAA3"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("王_x0001__x0007_健", "王\x01\x07健"),
        ("_x005F_x0001_", "_x0001_"),
        ("_xD840__xDD64_", "\U00020164"),
        ("a_x000D_\nb", "a\r\nb"),
        ("一_x_二", "一_x_二"),
        ("_x00zz_", "_x00zz_"),
        ("无", "无"),
    ],
)
def test_written_control_characters(written: str, meant: str) -> None:
    assert decode_escapes(written) == meant


def test_a_grid_knows_what_a_person_sees() -> None:
    def change(sheet):
        sheet.merge_cells("A1:B2")
        sheet["D1"].number_format = "0.00"
        sheet.column_dimensions["C"].hidden = True
        sheet.row_dimensions[2].hidden = True

    found = grid(["合并", None, "藏", 2011.1], [None, None, "=C1", True], change=change)
    assert found.merges == (Merge(1, 1, 2, 2),)
    assert found.shown(2, 2).value == "合并"
    assert found.cell(2, 2).blank
    assert found.hidden_columns == {3}
    assert found.hidden_rows == {2}
    assert (found.cell(1, 4).value, found.cell(1, 4).number_format) == (2011.1, "0.00")
    assert (found.cell(2, 3).value, found.cell(2, 3).formula, found.cell(2, 3).blank) == (None, "=C1", False)
    assert found.cell(2, 4).data_type == "b"
    assert (found.last_row, found.last_column) == (2, 4)


def test_text_that_looks_like_a_formula_is_text() -> None:
    def change(sheet):
        sheet["A1"].value = "=1+1"
        sheet["A1"].data_type = "s"

    cell = grid([None], change=change).cell(1, 1)
    assert (cell.value, cell.formula) == ("=1+1", None)


def test_a_range_beyond_the_cells_is_cut() -> None:
    found = grid(["甲"], ["乙"], change=lambda sheet: sheet.merge_cells("A2:H300"))
    assert found.merges == ()
    found = grid(["甲", "丙"], ["乙"], change=lambda sheet: sheet.merge_cells("A2:H300"))
    assert found.merges == (Merge(2, 1, 2, 2),)


def test_hidden_and_empty_sheets() -> None:
    book = read_workbook("a.xlsx", made())
    assert book.sheets[0].empty
    assert office_file("roster-sample.xlsx").sheet("Sheet2").empty
    with pytest.raises(KeyError):
        book.sheet("没有")


@pytest.mark.parametrize("name", ["roster-sample", "roster-errors", "annual-results", "appraisal-counts"])
def test_xls_reads_as_xlsx_does(name: str) -> None:
    """The .xls twins were written once with xlwt from the .xlsx files, stored values in place of formulas."""
    new, old = office_file(f"{name}.xlsx"), office_file(f"{name}.xls")
    assert [sheet.name for sheet in old.sheets] == [sheet.name for sheet in new.sheets]
    for one, other in zip(new.sheets, old.sheets, strict=True):
        assert other.merges == one.merges
        assert other.hidden_columns == one.hidden_columns
        stored = {place: cell.value for place, cell in one.cells.items() if cell.value is not None}
        assert {place: cell.value for place, cell in other.cells.items()} == stored
        formats = {place: one.cells[place].number_format for place in stored}
        assert {place: cell.number_format for place, cell in other.cells.items()} == formats


def test_dates_of_both_kinds() -> None:
    for kind in ("xlsx", "xls"):
        cell = office_file(f"roster-sample.{kind}").sheets[0].cell(5, 8)
        assert (cell.value, cell.number_format, cell.data_type) == (dt.datetime(2009, 4, 1), "yyyy.mm", "d")


def test_comments_are_kept_beside_the_cells() -> None:
    sheet = office_file("roster-sample.xlsx").sheets[0]
    assert "相邻支部整合" in sheet.comments[45, 3]
    assert (DATA / "roster-sample.xlsx").exists()
