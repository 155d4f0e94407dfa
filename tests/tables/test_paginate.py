"""The rules of page ends."""

from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.tables import Column, Merge, Signature, Subtotal, Table, Total, TotalCell, lay_out
from reporting.tables.cells import Sheet
from reporting.tables.paginate import MAX_ROW_MM, SLACK_MM
from tests.tables.samples import school_sheet

SPLIT = Table(
    slug="split",
    title="表",
    columns=(Column("unit", "党总支", 40), Column("name", "名称", 60)),
    merge_by=(Merge(("unit",)),),
    subtotals=(Subtotal("unit", Total((TotalCell("name", "小计"),))),),
    total=Total((TotalCell("unit", "合计", through="name"),)),
    signatures=(Signature("书记："),),
)
KEEP = Table(slug="keep", title="表", columns=SPLIT.columns, merge_by=(Merge(("unit",), across_pages="keep"),))


def _rows(*sizes: int) -> list[dict[str, str]]:
    return [
        {"unit": f"第{index}总支", "name": f"{index}-{number}"}
        for index, size in enumerate(sizes)
        for number in range(size)
    ]


def _names(sheet: Sheet) -> list[list[str]]:
    """The names of the body on each page."""
    return [
        [cell.text for row in sheet.rows[start:stop] if row.band == "body" for cell in row.cells if cell.key == "name"]
        for start, stop in sheet.pages
    ]


def _header(sheet: Sheet) -> float:
    return sum(row.height_mm for row in sheet.rows[slice(*sheet.header)])


def _check(sheet: Sheet) -> None:
    """Every rule, on any sheet of SPLIT."""
    assert [stop for _, stop in sheet.pages][-1] == len(sheet.rows)
    for number, (start, stop) in enumerate(sheet.pages):
        rows = sheet.rows[start:stop]
        height = sum(row.height_mm for row in rows) + (_header(sheet) if number else 0)
        assert height <= sheet.page.body_height_mm - SLACK_MM + 0.01
        if stop < len(sheet.rows):
            assert sheet.rows[stop].band == "body", "a subtotal or the closing begins a page"
            following = sheet.rows[stop]
            if rows[-1].split == following.split:
                # Divided: one row alone under （续） only when the page before had no second to give.
                after = [row for row in sheet.rows[stop:] if row.split == following.split and row.band == "body"]
                before = [row for row in rows if row.split == following.split and row.band == "body"]
                assert len(after) > 1 or len(before) <= 1
                assert following.cells[0].text.endswith("（续）")
    last = sheet.rows[slice(*sheet.pages[-1])]
    wanted = min(3, sum(1 for row in sheet.rows if row.split >= 0))
    assert sum(1 for row in last if row.split >= 0) >= wanted


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_the_rules_hold_for_any_sizes(sizes: list[int]) -> None:
    _check(lay_out(SPLIT, _rows(*sizes)))


def test_a_divided_group_repeats_its_name() -> None:
    sheet = lay_out(SPLIT, _rows(30))
    start = sheet.pages[1][0]
    first, again = [cell for row in sheet.rows if row.band == "body" for cell in row.cells if cell.key == "unit"]
    assert (first.text, first.row + first.rowspan) == ("第0总支", start)
    assert (again.text, again.row) == ("第0总支（续）", start)
    assert first.rowspan + again.rowspan == 31


def test_a_second_row_moves_over() -> None:
    first_page = len(_names(lay_out(SPLIT, _rows(60)))[0])
    names = _names(lay_out(SPLIT, _rows(first_page + 1, 10)))
    assert names[0][-1] == f"0-{first_page - 2}"
    assert names[1][:2] == [f"0-{first_page - 1}", f"0-{first_page}"]


def test_no_group_leaves_its_first_row_at_a_foot() -> None:
    first_page = len(_names(lay_out(SPLIT, _rows(60)))[0])
    names = _names(lay_out(SPLIT, _rows(first_page - 2, 10)))
    assert names[1][0] == "1-0"


def test_the_closing_block_takes_three_rows_along() -> None:
    for size in range(1, 60):
        sheet = lay_out(SPLIT, _rows(size))
        last = sheet.rows[slice(*sheet.pages[-1])]
        assert sum(1 for row in last if row.band in {"body", "total"}) >= min(3, size + 2)


def test_groups_that_stay_together_move_whole() -> None:
    sheet = lay_out(KEEP, _rows(8, 8, 8, 8))
    for page in _names(sheet):
        assert len(page) % 8 == 0
    assert not any(cell.text.endswith("（续）") for cell in sheet.cells)


def test_a_group_longer_than_a_page_is_divided_after_all() -> None:
    sheet = lay_out(KEEP, _rows(50))
    assert len(sheet.pages) > 1
    assert sum(len(page) for page in _names(sheet)) == 50


def test_a_page_break_may_be_asked_for() -> None:
    table = Table(
        slug="b", title="表", columns=SPLIT.columns, page_break_before=lambda row, before: row["unit"] != before["unit"]
    )
    assert [len(page) for page in _names(lay_out(table, _rows(2, 3, 1)))] == [2, 3, 1]


def test_the_sample_is_cut_where_a_clerk_would() -> None:
    _check(school_sheet())


def test_a_row_longer_than_a_page_is_set_smaller() -> None:
    table = Table(slug="long", title="表", columns=SPLIT.columns)
    sheet = lay_out(table, [{"unit": "短", "name": "很长的问题描述，" * 300}, {"unit": "短", "name": "短"}])
    tall = next(row for row in sheet.rows if row.band == "body")
    assert tall.height_mm <= MAX_ROW_MM
    assert tall.cells[1].look.points < 8
    assert len(tall.cells[1].text) == 2400


def test_equal_content_has_an_equal_digest() -> None:
    assert lay_out(SPLIT, _rows(3)).digest == lay_out(SPLIT, _rows(3)).digest
    assert lay_out(SPLIT, _rows(3)).digest != lay_out(SPLIT, _rows(4)).digest


def test_pagination_grows_with_the_rows() -> None:
    sheet = lay_out(SPLIT, _rows(*[7] * 700))
    _check(sheet)
    assert sum(len(page) for page in _names(sheet)) == 4900
