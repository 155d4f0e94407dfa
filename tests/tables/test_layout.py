"""Small tables, every cell by hand."""

from decimal import Decimal

import pytest

from reporting.tables import (
    Block,
    Column,
    FormRow,
    Group,
    Merge,
    Page,
    Pair,
    Signature,
    Subtotal,
    Table,
    Total,
    TotalCell,
    formats,
    label,
    lay_out,
    text,
)
from reporting.tables.cells import Sheet
from reporting.tables.metrics import wrap

ROWS = [
    {"unit": "甲总支", "name": "一支部", "full": 3, "probationary": 1, "score": Decimal("89.445")},
    {"unit": "甲总支", "name": "二支部", "full": 4, "probationary": 0, "score": None},
    {"unit": "乙总支", "name": "三支部", "full": 5, "probationary": 2, "score": Decimal(70)},
]

TABLE = Table(
    slug="small",
    title="小表",
    columns=(
        Column("unit", "党总支", 40),
        Column("number", "序号", 12, counter=True, format=formats.INTEGER),
        Column("name", "名称", 50, align="left"),
        Group(
            "党员",
            (
                Column("full", "正式", 15, format=formats.INTEGER),
                Column("probationary", "预备", 15, format=formats.INTEGER),
            ),
        ),
        Column("score", "得分", 20, format=formats.DECIMAL2),
        Column("tick", "选", kind="select", value=lambda _: 1),
        Column("hidden", "不导出", value=lambda _: "x", export=False),
    ),
    merge_by=(Merge(("unit",)),),
    subtotals=(
        Subtotal(
            "unit",
            Total(
                (
                    TotalCell("number", lambda rows: f"小计（{len(rows)}个）", through="name"),
                    TotalCell("full", lambda rows: sum(row["full"] for row in rows)),
                    TotalCell("probationary", lambda rows: sum(row["probationary"] for row in rows)),
                )
            ),
        ),
    ),
    total=Total(
        (TotalCell("unit", "合计", through="name"), TotalCell("full", lambda rows: sum(row["full"] for row in rows)))
    ),
)


def shown(sheet: Sheet, band: str) -> list[tuple[int, int, int, int, str]]:
    return [
        (cell.row, cell.col, cell.rowspan, cell.colspan, cell.text)
        for row in sheet.rows
        if row.band == band
        for cell in row.cells
    ]


def test_every_cell_of_a_small_table() -> None:
    sheet = lay_out(TABLE, ROWS)
    assert sheet.widths_mm == (40, 12, 50, 15, 15, 20)
    assert sheet.header == (1, 3)
    assert shown(sheet, "head") == [(0, 0, 1, 6, "小表")]
    assert shown(sheet, "header") == [
        (1, 0, 2, 1, "党总支"),
        (1, 1, 2, 1, "序号"),
        (1, 2, 2, 1, "名称"),
        (1, 3, 1, 2, "党员"),
        (1, 5, 2, 1, "得分"),
        (2, 3, 1, 1, "正式"),
        (2, 4, 1, 1, "预备"),
    ]
    assert shown(sheet, "body") == [
        (3, 0, 3, 1, "甲总支"),
        (3, 1, 1, 1, "1"),
        (3, 2, 1, 1, "一支部"),
        (3, 3, 1, 1, "3"),
        (3, 4, 1, 1, "1"),
        (3, 5, 1, 1, "89.45"),
        (4, 1, 1, 1, "2"),
        (4, 2, 1, 1, "二支部"),
        (4, 3, 1, 1, "4"),
        (4, 4, 1, 1, "0"),
        (4, 5, 1, 1, "—"),
        (6, 0, 2, 1, "乙总支"),
        (6, 1, 1, 1, "3"),
        (6, 2, 1, 1, "三支部"),
        (6, 3, 1, 1, "5"),
        (6, 4, 1, 1, "2"),
        (6, 5, 1, 1, "70.00"),
    ]
    assert shown(sheet, "total") == [
        (5, 1, 1, 2, "小计（2个）"),
        (5, 3, 1, 1, "7"),
        (5, 4, 1, 1, "1"),
        (5, 5, 1, 1, ""),
        (7, 1, 1, 2, "小计（1个）"),
        (7, 3, 1, 1, "5"),
        (7, 4, 1, 1, "2"),
        (7, 5, 1, 1, ""),
        (8, 0, 1, 3, "合计"),
        (8, 3, 1, 1, "12"),
        (8, 4, 1, 1, ""),
        (8, 5, 1, 1, ""),
    ]
    assert sheet.pages == ((0, 9),)
    assert [cell.value for cell in sheet.rows[3].cells] == ["甲总支", 1, "一支部", 3, 1, Decimal("89.45")]


def test_heads_nest_to_any_depth() -> None:
    table = Table(
        slug="deep",
        title="深",
        columns=(
            Group("一", (Group("二", (Column("a", "甲"), Column("b", "乙"))), Column("c", "丙"))),
            Column("d", "丁"),
        ),
    )
    sheet = lay_out(table, [])
    assert shown(sheet, "header") == [
        (1, 0, 1, 3, "一"),
        (1, 3, 3, 1, "丁"),
        (2, 0, 1, 2, "二"),
        (2, 2, 2, 1, "丙"),
        (3, 0, 1, 1, "甲"),
        (3, 1, 1, 1, "乙"),
    ]


def test_an_empty_table_has_its_head_and_total() -> None:
    sheet = lay_out(TABLE, [])
    assert shown(sheet, "body") == []
    assert [cell.text for cell in sheet.rows[-1].cells] == ["合计", "0", "", ""]


def test_inner_groups_end_with_the_outer() -> None:
    table = Table(
        slug="two",
        title="二",
        columns=(Column("a", "甲"), Column("b", "乙"), Column("c", "丙")),
        merge_by=(Merge(("a",)), Merge(("b",))),
    )
    rows = [{"a": 1, "b": 1, "c": 1}, {"a": 1, "b": 1, "c": 2}, {"a": 2, "b": 1, "c": 3}]
    cells = shown(lay_out(table, rows), "body")
    assert (2, 0, 2, 1, "1") in cells
    assert (2, 1, 2, 1, "1") in cells
    assert (4, 1, 1, 1, "1") in cells


def test_a_merge_may_follow_a_key_that_is_no_column() -> None:
    table = Table(
        slug="by",
        title="按编号",
        columns=(Column("name", "名称"), Column("grade", "等级"), Column("problem", "问题")),
        merge_by=(Merge(("name", "grade"), by="code", across_pages="keep"),),
    )
    rows = [
        {"code": 1, "name": "同名", "grade": "较好", "problem": "a"},
        {"code": 1, "name": "同名", "grade": "较好", "problem": "b"},
        {"code": 2, "name": "同名", "grade": "较好", "problem": "c"},
    ]
    sheet = lay_out(table, rows)
    assert [(c.row, c.rowspan) for c in sheet.cells if c.key == "grade" and c.row > 1] == [(2, 2), (4, 1)]
    assert [row.keep for row in sheet.rows[2:]] == [0, 0, 1]


def test_a_long_unit_keeps_every_character() -> None:
    unit = "数学与计算机科学学院信息安全与软件工程联合教研室教工第一党支部" * 2
    table = Table(
        slug="head",
        title="题",
        columns=tuple(Column(str(i), str(i), 30) for i in range(8)),
        head_line=(
            Pair("填报单位（盖章）", unit),
            Pair("填报时间", "2012年3月30日"),
            Pair("填表人", "林　婷"),
            Pair("联系电话", "17000000000"),
        ),
    )
    sheet = lay_out(table, [])
    lines = [[cell.text for cell in row.cells] for row in sheet.rows[1:3]]
    assert lines[0] == [f"填报单位（盖章）：{unit}"]
    assert lines[1] == ["填报时间：2012年3月30日", "填表人：林　婷", "联系电话：17000000000"]


def test_a_line_a_little_too_long_is_set_smaller() -> None:
    unit = "外国语学院英语本科低年级学生党支部与教工党支部"
    table = Table(
        slug="head",
        title="题",
        columns=tuple(Column(str(i), str(i), 6) for i in range(25)),
        head_line=(Pair("单位", unit), Pair("时间", "2012年3月30日")),
    )
    row = lay_out(table, []).rows[1]
    assert [cell.text for cell in row.cells] == [f"单位：{unit}", "时间：2012年3月30日"]
    assert row.cells[0].look.points == 11


def test_a_new_line_of_pairs() -> None:
    table = Table(
        slug="head",
        title="题",
        columns=tuple(Column(str(i), str(i), 30) for i in range(6)),
        head_line=(Pair("甲", "1"), Pair("乙", "2"), Pair("丙", lambda facts: str(len(facts.rows)), new_line=True)),
    )
    sheet = lay_out(table, [])
    assert [[cell.text for cell in row.cells] for row in sheet.rows[1:3]] == [["甲：1", "乙：2"], ["丙：0"]]


def test_tail_rows_stand_in_the_frame_and_the_closing_follows() -> None:
    table = Table(
        slug="tail",
        title="尾",
        columns=(Column("a", "甲", 30), Column("b", "乙", 60), Column("c", "丙", 60)),
        tail=(FormRow((label("说明", 1), text(lambda facts: f"共{len(facts.rows)}项", 2))),),
        footer=("一句话。",),
        blocks=(Block(lambda _: [["类", "数"], ["教师", 3]], (30, 60)),),
        signatures=(Signature("书记（签字）：", dated=True), Signature("组长（签字）：", dated=True)),
        notes=("1. 甲。", "2. 乙。"),
    )
    sheet = lay_out(table, [{"a": "1", "b": "2", "c": "3"}])
    assert [row.band for row in sheet.rows] == ["head", "header", "body", "tail", *["closing"] * 7]
    assert [[(cell.col, cell.colspan, cell.text) for cell in row.cells] for row in sheet.rows[3:]] == [
        [(0, 1, "说明"), (1, 2, "共1项")],
        [(0, 3, "一句话。")],
        [(0, 1, "类"), (1, 1, "数")],
        [(0, 1, "教师"), (1, 1, "3")],
        [(0, 2, "书记（签字）："), (2, 1, "组长（签字）：")],
        [(0, 2, "　　　　年　　月　　日"), (2, 1, "　　　　年　　月　　日")],
        [(0, 3, "注：1. 甲。")],
        [(0, 3, "　　2. 乙。")],
    ]


def test_a_row_grows_with_its_text() -> None:
    table = Table(slug="h", title="高", columns=(Column("a", "甲", 20), Column("b", "乙", 30)))
    rows = [{"a": "短", "b": "短"}, {"a": "短", "b": "一二三四五六七八九十一二三"}]
    heights = [row.height_mm for row in lay_out(table, rows).rows if row.band == "body"]
    assert heights[0] == 8
    assert heights[1] == pytest.approx(2 * 10 * 25.4 / 72 * 1.3 + 1.3, abs=0.01)


def test_wide_tables_shrink_to_the_page() -> None:
    table = Table(slug="wide", title="宽", columns=tuple(Column(str(i), str(i), 40) for i in range(10)))
    sheet = lay_out(table, [])
    assert sum(sheet.widths_mm) == pytest.approx(sheet.page.body_width_mm)


def test_a_number_too_wide_for_its_column_is_set_smaller() -> None:
    table = Table(
        slug="n",
        title="数",
        columns=(Column("a", "甲", 8, format=formats.DECIMAL2), Column("b", "乙", 20, format=formats.DECIMAL2)),
    )
    row = lay_out(table, [{"a": Decimal("1234.56"), "b": Decimal("1234.56")}]).rows[-1]
    assert row.cells[0].look.points < 8
    assert row.cells[1].look.points == 10


def test_a_missing_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        lay_out(TABLE, [{"unit": "甲"}])


def test_a_name_too_long_for_one_line_stands_alone_in_the_largest_type_that_fits_and_the_date_at_the_right_below():
    name = "数学与计算机科学学院信息与计算科学专业本科高年级学生第二党支部"
    table = Table(
        slug="t",
        title="表",
        page=Page(left=25, right=20),
        columns=(Column("a", "甲", 80), Column("b", "乙", 85)),
        head_line=(Pair("填报单位（盖章）", name), Pair("填报时间", "2012年3月30日")),
    )
    lines = [row.cells for row in lay_out(table, []).rows if row.band == "head" and row.cells[0].look.style == "line"]
    assert [len(cells) for cells in lines] == [1, 1]
    assert [cells[0].text for cells in lines] == [f"填报单位（盖章）：{name}", "填报时间：2012年3月30日"]
    assert [cells[0].look.align for cells in lines] == ["left", "right"]
    assert [cells[0].look.points for cells in lines] == [11, 12]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("学习以念文件为主", 7, ["学习以念文件", "为主"]),
        ("师生联合", 3, ["师生", "联合"]),
        ("欧阳娜", 2, ["欧阳", "娜"]),
        ("分工不够明确。", 6, ["分工不够", "明确。"]),
        ("分工不够（明）确", 7, ["分工不够", "（明）确"]),
        ("机关党总支（续）", 5, ["机关党总支", "（续）"]),
        ("缺会议记录5", 5, ["缺会议记录", "5"]),
        ("甲乙丙丁\n戊", 4, ["甲乙丙丁", "戊"]),
    ],
)
def test_no_character_stands_alone_on_the_last_line(text, width, lines):
    assert list(wrap(text, width * 10 * 25.4 / 72 + 0.01, "fang", 10)) == lines
