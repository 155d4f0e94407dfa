"""Finding the table: headings by their words, at any place, order and depth, and where the data ends."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from branches.intake.headers import apply_mapping, find_table, looks_like
from branches.intake.shapes import MappingChoice, TableMapping
from tests.intake.files import HEADER, grid, office_file, row, words

ROSTER = words().tables["roster"]
UNIQUE = ("index", "general_branch", "name", "category", "secretary_name", "formal", "probationary", "phones", "code")
# Words that only a group can tell apart are tried below with their group.
SYNONYMS = {name: list(ROSTER.fields[name].words) for name in UNIQUE}


def table(*rows: list[Any], **options: Any) -> TableMapping:
    found = find_table(grid(*rows, **options), words(), "roster")
    assert found is not None
    return found


def values(fields: tuple[str, ...]) -> list[Any]:
    known = {"index": 1, "general_branch": "甲党总支", "name": "甲教研室党支部", "category": "教师",
             "secretary_name": "吴勇", "formal": 5, "probationary": 1, "phones": 17000000001, "code": "A1"}  # fmt: skip
    return [known[field] for field in fields]


@pytest.mark.parametrize(("field", "word"), [(field, word) for field, all_ in SYNONYMS.items() for word in all_])
def test_every_synonym_is_found(field: str, word: str) -> None:
    header = [word if name == field else SYNONYMS[name][0] for name in UNIQUE]
    assert dict(table(header, values(UNIQUE)).columns) == {name: place for place, name in enumerate(UNIQUE, start=1)}


@given(st.permutations(UNIQUE), st.data())
@settings(max_examples=30, deadline=None)
def test_any_order_words_and_place(order: list[str], data: st.DataObject) -> None:
    header = [data.draw(st.sampled_from(SYNONYMS[name])) for name in order]
    above = data.draw(st.lists(st.sampled_from([["某某学院党支部花名册"], [None], ["填报单位：组织部"]]), max_size=4))
    shift = data.draw(st.integers(0, 3))
    rows = [*above, [None] * shift + header, [None] * shift + values(tuple(order))]
    found = table(*rows)
    assert dict(found.columns) == {name: place + shift for place, name in enumerate(order, start=1)}
    assert (found.header_rows, found.first_row, found.last_row) == ((len(above) + 1,), len(above) + 2, len(above) + 2)


TWO_LEVELS = [
    ["所属党总支", "党支部名称", "支部类别", "支部书记", None, "党员数", None, None, "备注"],
    [None, None, None, "姓名", "任职时间", "合计", "正式", "预备", None],
    ["甲党总支", "甲教研室党支部", "教师", "吴勇", "2011.10", 6, 5, 1, None],
]
TWO_COLUMNS = {
    "general_branch": 1, "name": 2, "category": 3, "secretary_name": 4, "secretary_since": 5, "members": 6,
    "formal": 7, "probationary": 8, "remark": 9,
}  # fmt: skip


def merge_two_levels(sheet: Any, top: int = 1) -> None:
    for letter in "ABCI":
        sheet.merge_cells(f"{letter}{top}:{letter}{top + 1}")
    sheet.merge_cells(f"D{top}:E{top}")
    sheet.merge_cells(f"F{top}:H{top}")


def test_two_levels_merged_and_not() -> None:
    merged = table(*TWO_LEVELS, change=merge_two_levels)
    assert (dict(merged.columns), merged.header_rows, merged.first_row) == (TWO_COLUMNS, (1, 2), 3)
    assert [heading.text for heading in merged.headings][3:8] == [
        "支部书记/姓名", "支部书记/任职时间", "党员数/合计", "党员数/正式", "党员数/预备",
    ]  # fmt: skip
    assert dict(table(*TWO_LEVELS).columns) == TWO_COLUMNS


@pytest.mark.parametrize("group", ["支部书记", "党支部书记", "书记情况", "现任书记", "书 记", "支部负责人"])
@pytest.mark.parametrize("count", ["党员数", "党员人数", "党员情况", "人数", "党 员 数（人）"])
def test_other_words_for_the_groups(group: str, count: str) -> None:
    first = [group if text == "支部书记" else count if text == "党员数" else text for text in TWO_LEVELS[0]]
    found = table(first, *TWO_LEVELS[1:], change=merge_two_levels)
    assert dict(found.columns) == TWO_COLUMNS


def test_three_levels_and_a_band_over_everything() -> None:
    rows = [["党支部基本情况", *[None] * 8], *TWO_LEVELS]

    def change(sheet: Any) -> None:
        sheet.merge_cells("A1:I1")
        merge_two_levels(sheet, 2)

    found = table(*rows, change=change)
    assert dict(found.columns) == TWO_COLUMNS
    assert found.first_row == 4


def test_headings_below_instead_of_above() -> None:
    rows = [
        [None, None, None, "支部书记", None, "党员数", None, None, None],
        ["所属党总支", "党支部名称", "支部类别", "姓名", "任职时间", "合计", "正式", "预备", "备注"],
        TWO_LEVELS[2],
    ]
    assert dict(table(*rows).columns) == TWO_COLUMNS


@pytest.mark.parametrize("joined", ["书记姓名", "支部书记（姓名）", "支部书记姓名", "姓名"])
def test_one_level_with_joined_words(joined: str) -> None:
    header = [
        "所属党总支",
        "党支部名称",
        "支部类别",
        joined,
        "任职时间",
        "合计",
        "正式党员数",
        "预备党员（人）",
        "备 注",
    ]
    assert dict(table(header, TWO_LEVELS[2]).columns) == TWO_COLUMNS


def test_another_persons_name_is_not_the_secretarys() -> None:
    rows = [
        ["所属党总支", "党支部名称", "支部类别", "副书记", None, "正式", "预备"],
        [None, None, None, "姓名", "性别", None, None],
        ["甲党总支", "甲党支部", "教师", "吴勇", "男", 5, 1],
    ]

    def change(sheet: Any) -> None:
        sheet.merge_cells("D1:E1")
        for letter in "ABCFG":
            sheet.merge_cells(f"{letter}1:{letter}2")

    found = table(*rows, change=change)
    assert "secretary_name" not in found.columns
    assert [heading.text for heading in found.unused] == ["副书记/姓名", "副书记/性别"]


def test_a_field_twice_uses_one_and_says_so() -> None:
    found = table([*HEADER, "联系电话", "手机"], [*row("甲党支部"), 1, 2])
    assert found.columns["phones"] == 8
    assert found.notes == ("I列“手机”与H列含义相同，只用了H列。",)


def test_hidden_columns_and_rows_are_used_and_named() -> None:
    def change(sheet: Any) -> None:
        sheet.column_dimensions["G"].hidden = True
        sheet.row_dimensions[2].hidden = True

    found = table(HEADER, row("甲党支部", code="A1"), change=change)
    assert found.columns["code"] == 7
    assert found.notes == ("G列“编号”是隐藏列，照常读取。", "有1行被隐藏（第2行等），照常读取。")


@pytest.mark.parametrize("word", ["合计", "合　计", "总计", "合计（2个党支部）", "共计"])
def test_the_total_ends_the_table(word: str) -> None:
    found = table(HEADER, row("甲党支部"), row("乙党支部"), [word, None, None, None, 20, 2], row("不是支部"))
    assert (found.last_row, found.total_row) == (3, 4)


def test_a_total_above_the_rows() -> None:
    found = table(HEADER, ["合计", None, None, None, 20, 2], row("甲党支部"), row("乙党支部"))
    assert (found.data_rows(), found.total_row) == ((3, 4), 2)


@pytest.mark.parametrize(
    "line",
    ["说明：1.党员数截至3月", "注：流动党员已含在内", "注1. 流动党员", "备注：无", "填表说明",
     "党委组织部负责人（签字）：", "制表人：林婷", "审核人：　　　　　填报人："],
)  # fmt: skip
def test_notes_and_signatures_end_the_table(line: str) -> None:
    found = table(HEADER, row("甲党支部"), [line], row("乙党支部"))
    assert (found.last_row, found.total_row) == (2, None)


def test_names_that_begin_like_notes_are_branches() -> None:
    found = table(
        HEADER, row("注册中心党支部", unit="注册中心党总支"), row("说明书编写组党支部", unit="说明文研究所党总支")
    )
    assert found.data_rows() == (2, 3)


def test_subtotals_repeated_headers_and_blank_lines_are_left_out() -> None:
    found = table(
        HEADER, row("甲党支部"), [None, "小计", None, None, 10, 1], [" "], HEADER, row("乙党支部"),
        ["合计", None, None, None, 20, 2],
    )  # fmt: skip
    assert found.data_rows() == (2, 6)
    assert found.total_row == 7


def test_numbered_but_empty_lines_are_blank() -> None:
    header = ["序号", *HEADER]
    found = table(header, [1, *row("甲党支部")], [2], [3], [4])
    assert found.data_rows() == (2,)


def test_a_person_may_correct_the_mapping() -> None:
    sheet = grid(["单位", "组织", "种类", "数"], ["甲党总支", "甲党支部", "教师", 5], ["合计", None, None, 5])
    choice = MappingChoice((1,), {"general_branch": 1, "name": 2, "category": 3, "formal": 4})
    found = apply_mapping(sheet, words(), "roster", choice)
    assert (dict(found.columns), found.data_rows(), found.total_row) == (choice.columns, (2,), 3)
    assert found.choice() == choice
    assert [heading.field for heading in found.headings] == ["general_branch", "name", "category", "formal"]


@pytest.mark.parametrize(
    "choice",
    [MappingChoice((), {"name": 1}), MappingChoice((0,), {"name": 1}), MappingChoice((1,), {"name": 1, "code": 1}),
     MappingChoice((1,), {"shoe_size": 1}), MappingChoice((1, 500), {"name": 1})],
)  # fmt: skip
def test_impossible_choices_are_refused(choice: MappingChoice) -> None:
    with pytest.raises(ValueError):
        apply_mapping(grid(HEADER), words(), "roster", choice)


def test_sheets_that_are_no_roster() -> None:
    training = find_table(office_file("roster-errors.xlsx").sheets[0], words(), "roster")
    assert training is None or not looks_like(training.columns, ROSTER)
    assert find_table(grid(["甲", "乙"], [1, 2]), words(), "roster") is None
    assert find_table(grid([None]), words(), "roster") is None


def test_the_office_file() -> None:
    found = find_table(office_file("roster-sample.xlsx").sheets[0], words(), "roster")
    assert found is not None
    assert (found.header_rows, found.first_row, found.last_row, found.total_row) == ((3, 4), 5, 172, 173)
    assert len(found.columns) == 15
    assert found.unused == ()
    assert found.header_ref == "A3:O4"


def test_the_labels_of_an_export_are_understood() -> None:
    """What an export prints (Vocabulary.label) must be read back, whichever fields it has."""
    for name in ("roster", "annual", "appraisal"):
        fields = words().tables[name].fields
        paths = [field.path for field in fields.values()]
        top = [path[0] for path in paths]
        low = [path[1] if len(path) > 1 else None for path in paths]

        def change(sheet: Any, low: list[str | None] = low) -> None:
            for column, text in enumerate(low, start=1):
                if text is None:
                    sheet.merge_cells(start_row=1, end_row=2, start_column=column, end_column=column)

        found = find_table(grid(top, low, [f"值{n}" for n in range(len(top))], change=change), words(), name)
        assert found is not None
        assert dict(found.columns) == {field: place for place, field in enumerate(fields, start=1)}


def test_columns_in_any_order_of_the_office_file() -> None:
    """Shuffle the columns of single headings around the groups; every field is found again."""
    source = office_file("roster-sample.xlsx").sheets[0]
    order = list(range(1, 16))
    singles = [1, 2, 3, 4, 13, 14, 15]
    mixed = singles[:]
    random.Random(7).shuffle(mixed)
    for old, new in zip(singles, mixed, strict=True):
        order[old - 1] = new
    rows = [[source.shown(line, column).value for column in order] for line in (3, 4, 5, 6)]
    columns = {name: column for column, name in enumerate(["index", "general_branch", "name", "category",
        "secretary_name", "secretary_gender", "secretary_post", "secretary_since", "members", "formal",
        "probationary", "mobile", "phones", "code", "remark"], start=1)}  # fmt: skip
    found = table(*rows)
    assert dict(found.columns) == {name: order.index(column) + 1 for name, column in columns.items()}
