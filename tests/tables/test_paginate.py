"""The rules of page ends."""

from hypothesis import given, settings
from hypothesis import strategies as st

from reporting.tables import Block, Column, Merge, Page, Signature, Subtotal, Table, Total, TotalCell, lay_out
from reporting.tables.cells import Sheet
from reporting.tables.metrics import cell_height
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

#: Shaped as 附件5 of a 党总支: rows of two lines, total, sentence, a block of five lines, signatures, a note.
OFFICIAL = Table(
    slug="official",
    code="附件5",
    title="汇总表",
    page=Page(orientation="landscape", top=22, right=16, bottom=19, left=16),
    columns=(Column("unit", "党总支", 40), Column("name", "名称", 60), Column("text", "问题", 30)),
    row_height_mm=10.5,
    total=Total((TotalCell("unit", "合计", through="text"),), min_height_mm=9),
    footer=("合计：支部若干个。",),
    blocks=(Block(lambda _: [["类别", "小计"]] + [["教师", 1]] * 4, (30.0, 30.0), min_height_mm=7.5),),
    signatures=(Signature("书记："),),
    notes=("综合得分按比例计算。",),
)
LIST = Table(slug="list", title="名册", columns=SPLIT.columns)
AIRY = Table(slug="airy", title="名册", columns=SPLIT.columns, row_height_mm=10.5)


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


def _official(size: int, text: str = "两行文字的问题，两行文字") -> Sheet:
    return lay_out(OFFICIAL, [{"unit": "总支", "name": f"第{number}支部", "text": text} for number in range(size)])


def _fill(sheet: Sheet, number: int) -> float:
    """How much of a page is taken, head lines and repeated head included."""
    start, stop = sheet.pages[number]
    height = sum(row.height_mm for row in sheet.rows[start:stop]) + (_header(sheet) if number else 0)
    return height / (sheet.page.body_height_mm - SLACK_MM)


def _counts(sheet: Sheet) -> list[int]:
    return [len(page) for page in _names(sheet)]


def test_no_page_is_nearly_empty() -> None:
    for size in range(1, 41):
        for sheet in (
            _official(size),
            _official(size, "三行文字的问题，" * 4),
            *(lay_out(t, _rows(size)) for t in (SPLIT, LIST, AIRY)),
        ):
            counts, where = _counts(sheet), f"{sheet.slug} of {size}: {_counts(sheet)}"
            assert sum(counts) == size, where
            for number in range(len(counts)):
                assert 0 < _fill(sheet, number) <= 1.0001, where
            assert len(counts) == 1 or _fill(sheet, len(counts) - 1) > 0.33, where
            for number in range(len(counts) - 1):
                # Only the closing block and its three rows may leave so little for the page before.
                forced = len(counts) == 2 and counts[-1] <= 3 and _fill(sheet, 1) > 0.66
                assert _fill(sheet, number) > 0.5 or forced, where


def test_rows_get_lower_only_to_save_a_page() -> None:
    """Six rows of two lines and the closing block ask for 5 mm more than a page has, seven for more than can be had."""
    assert _counts(_official(5)) == [5]
    wished = [row.height_mm for row in _official(2).rows if row.band != "body"]
    assert [row.height_mm for row in _official(5).rows if row.band != "body"] == wished
    six = _official(6)
    assert _counts(six) == [6]
    lowered = [row.height_mm for row in six.rows if row.band != "body"]
    assert all(0.8 * wish <= height <= wish for height, wish in zip(lowered, wished, strict=True))
    assert sum(wished) - 8 < sum(lowered) < sum(wished) - 5
    assert _counts(_official(7)) == [4, 3]
    assert [row.height_mm for row in _official(7).rows if row.band != "body"] == wished


def test_lower_rows_still_hold_their_text() -> None:
    for size in (6, 14, 16):
        sheet = _official(size) if size == 6 else lay_out(AIRY, _rows(size))
        assert len(sheet.pages) == 1
        for row in sheet.rows:
            if row.band in {"body", "total"}:
                assert row.height_mm >= 8
            for cell in row.cells:
                assert row.height_mm >= cell_height(cell, sheet.width_of(cell)) - 0.01 or cell.rowspan > 1
        assert all(row.height_mm >= 12 for row in sheet.rows if any(c.look.style == "signature" for c in row.cells))


def test_what_stays_together_never_runs_over_the_first_page() -> None:
    """The first page has less room than others, for it bears the title: tall rows part there."""
    for lines in range(3, 30):
        sheet = _official(3, "七个汉字一行呢" * lines)
        for number in range(len(sheet.pages)):
            assert _fill(sheet, number) <= 1.0001, (lines, _counts(sheet))
        kept = lay_out(KEEP, [{"unit": "一", "name": "字" * 16 * lines}] * 4)
        assert all(_fill(kept, number) <= 1.0001 for number in range(len(kept.pages)))


def test_rows_are_shared_out_where_no_page_can_be_saved() -> None:
    """Eighteen rows of 8 mm fill the first page of a list; two more would stand alone on the second."""
    assert _counts(lay_out(LIST, _rows(18))) == [18]
    assert _counts(lay_out(LIST, _rows(20))) == [12, 8]
    assert _counts(lay_out(LIST, _rows(18 + 19 * 9 + 2))) == [18, *[19] * 8, 13, 8]


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
