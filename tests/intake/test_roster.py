"""The office's rosters: everything their README and the expected list say, and the same under mutation."""

import datetime as dt
import re
from collections import Counter
from typing import Any

import openpyxl
import pytest

from branches.intake.roster import read_roster
from branches.intake.shapes import Limits, MappingChoice, RosterReading, RosterRow, Severity
from branches.intake.workbook import read_workbook
from branches.partial_dates import PartialDate
from tests.intake.files import DATA, HEADER, made, office_file, read, row, sample, saved, words


def expected(name: str, after: str) -> list[list[str]]:
    """Return the cells of the Markdown table that follows a heading row."""
    lines = (DATA / name).read_text(encoding="utf-8").partition(after)[2].splitlines()
    rows = []
    for line in lines[1:]:
        if not line.startswith("|"):
            if rows:
                break
            continue
        if not set(line) <= set("|-: "):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


EXPECTED = expected("roster-errors.expected.md", "| 序号 |")
LEVELS = {"错误": Severity.ERROR, "提示": Severity.WARNING}
# What each reason must say, by its number in the list.
CONTENT = {
    1: ["不是", "花名册", "跳过"], 2: ["第6行", "重复", "语言文字教研室教工党支部"],
    3: ["统战", "类别"], 4: ["负数", "-3"],
    5: ["整数", "2.5"], 6: ["30", "24", "2"], 7: ["约20", "不是数字"], 8: ["2011.13", "没有13月"],
    9: ["2011年2月30日", "不存在"], 10: ["为空", "合并"], 11: ["2015.06", "2012-03-20"], 12: ["党支部", "循环"],
    13: ["227字", "过长"], 14: ["体育党总支", "体育学院党总支", "确认"], 15: ["学院党总支", "指向不明"],
    16: ["=", "公式"],
    17: ["＠", "普通文字"], 18: ["U+0001", "U+0007"], 19: ["U+202E", "U+200B"], 20: ["书记姓名为空"],
    21: ["流动", "大于"], 22: ["QY151", "第34行", "重复"], 23: ["7位"], 24: ["999", "以各行为准"],
    25: ["所属党总支", "支部类别"],
}  # fmt: skip


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_exactly_the_expected_problems(kind: str) -> None:
    assert len(EXPECTED) == 25
    found = read_roster(office_file(f"roster-errors.{kind}"), words())
    wanted = [(sheet, cell, LEVELS[level]) for _, sheet, cell, level, _ in EXPECTED]
    assert sorted((p.sheet, p.cell, p.level) for p in found.problems) == sorted(wanted)
    assert (len(found.errors), len(found.warnings)) == (21, 4)
    assert not found.ok


@pytest.mark.parametrize("number", CONTENT)
def test_every_reason_says_what_is_wrong(number: int) -> None:
    _, sheet, cell, _, _ = EXPECTED[number - 1]
    found = read_roster(office_file("roster-errors.xlsx"), words())
    (problem,) = [p for p in found.problems if (p.sheet, p.cell) == (sheet, cell)]
    assert all(text in problem.reason for text in CONTENT[number])
    assert len(problem.reason) < 200
    assert problem.zh().startswith(f"工作表“{sheet}” {cell}：")


def test_the_whole_school_has_no_error() -> None:
    found = sample()
    assert found.ok
    assert [(p.cell, p.level, p.code) for p in found.problems] == [("I173", Severity.WARNING, "total")]
    reason = found.problems[0].reason
    assert all(text in reason for text in ("3687", "3807", "2388", "2473", "第16、39、62、85、108、131、154行"))
    assert [(sheet.name, sheet.silent) for sheet in found.skipped_sheets] == [("Sheet2", True)]
    assert (found.filled_in_on, found.unit_name) == (dt.date(2012, 3, 20), "党委组织部")
    assert found.notes == ("工作表“党支部花名册”N列“编号”是隐藏列，照常读取。",)
    totals = found.totals
    assert (totals.branches, totals.formal, totals.probationary, totals.members, totals.mobile) == (
        168, 2473, 1334, 3807, 172,
    )  # fmt: skip


CODES = ("teacher", "student", "administration", "retired")


def figures(rows: list[RosterRow]) -> list[int]:
    kinds = Counter(found.category for found in rows)
    sums = [sum(getattr(found, name) for found in rows) for name in ("formal", "probationary", "mobile")]
    return [len(rows), *(kinds[code] for code in CODES), *sums]


@pytest.mark.parametrize("line", expected("README.md", "| 党总支 |"), ids=lambda line: line[0])
def test_every_general_branch_adds_up(line: list[str]) -> None:
    direct = line[0].startswith("（直属")
    rows = [
        found for found in sample().rows if (found.direct if direct else found.general_branch == line[0])
    ]  # fmt: skip
    assert figures(rows) == [int(text) for text in line[1:]]


def test_single_rows_of_the_whole_school() -> None:
    rows = {found.row: found for found in sample().rows}
    fifth = rows[5]
    assert fifth.cells["name"] == "C5"
    assert (fifth.general_branch, fifth.direct, fifth.code) == ("文学与传播学院党总支", False, "QY001")
    assert (fifth.secretary_name, fifth.secretary_gender, fifth.secretary_post) == ("傅文峰", "女", "副院长")
    assert rows[6].secretary_name == "吴勇"
    assert rows[17].secretary_since == PartialDate(2010, 10)
    assert rows[20].secretary_since == PartialDate(2011, 3, 16)
    assert rows[14].phones == ("0595-22904230", "17000004230")
    assert (rows[14].probationary, rows[16].formal, rows[16].members) == (0, 6, 7)
    assert rows[38].general_branch == "数学与计算机科学学院党总支"
    assert rows[45].name == "物理与信息工程学院行政教工党支部"
    assert "相邻支部整合" in rows[45].cell_comment
    assert (rows[171].direct, rows[171].general_branch, rows[171].name) == (True, None, "校医院直属党支部")
    assert rows[8].remark == "书记兼系主任"


def test_rare_characters_survive() -> None:
    names = {found.secretary_name for found in sample().rows}
    assert {
        "林镕", "陈喆", "黄堃", "吴犇", "李䶮", "苏㛃", "庄𠅤", "郭喆宁", "王堃霖", "蔡镕希", "许犇", "张䶮然",
    } <= names  # fmt: skip


def test_the_precision_of_dates_is_kept() -> None:
    kinds = Counter(found.secretary_since.day is not None for found in sample().rows if found.secretary_since)
    assert kinds == {False: 161, True: 7}


def test_xls_gives_the_same_rows() -> None:
    old = read_roster(office_file("roster-sample.xls"), words())
    assert [(f.name, f.general_branch, f.category, f.formal, f.secretary_since, f.phones) for f in old.rows] == [
        (f.name, f.general_branch, f.category, f.formal, f.secretary_since, f.phones) for f in sample().rows
    ]


# ---------------------------------------------------------------- mutations of the office's own file
def mutated(change: Any) -> RosterReading:
    book = openpyxl.load_workbook(DATA / "roster-sample.xlsx")
    change(book, book["党支部花名册"])
    return read(saved(book))


def rename_headings(_: Any, sheet: Any) -> None:
    words_ = {"B3": "上级党组织", "C3": "支部全称", "D3": "类型", "E3": "现任书记", "I3": "人数", "M3": "联系方式",
              "N3": "支部代码", "E4": "姓 名", "G4": "职务", "H4": "任现职时间", "I4": "小计", "J4": "正式党员",
              "K4": "预备党员", "L4": "其中：流动"}  # fmt: skip
    for place, word in words_.items():
        sheet[place] = word


def more_titles(_: Any, sheet: Any) -> None:
    sheet.move_range("A1:O207", rows=4)
    for merge in list(sheet.merged_cells.ranges):
        merge.shift(row_shift=4)
    sheet["A1"], sheet["A3"] = "附件1", "（征求意见稿）"


def extra_sheets(book: Any, _: Any) -> None:
    for name in ("填表说明", "统计"):
        book.create_sheet(name, 0)["A1"] = f"{name}：本表由各党总支填写"


def sheet_renamed(_: Any, sheet: Any) -> None:
    sheet.title = "Sheet1 (2)"


def no_total(_: Any, sheet: Any) -> None:
    sheet.delete_rows(173, 40)


def one_level(_: Any, sheet: Any) -> None:
    for merge in [m for m in sheet.merged_cells.ranges if m.min_row == 3]:
        sheet.unmerge_cells(str(merge))
    joined = {5: "书记姓名", 6: "书记性别", 7: "书记职务", 8: "任现职时间", 9: "党员总数", 10: "正式党员数",
              11: "预备党员数", 12: "流动党员数"}  # fmt: skip
    for column in range(1, 16):
        sheet.cell(4, column, joined.get(column) or sheet.cell(3, column).value)
        sheet.cell(3, column, None)


@pytest.mark.parametrize("change", [rename_headings, more_titles, sheet_renamed, no_total, one_level, extra_sheets])
def test_the_school_reads_the_same_whatever_the_layout(change: Any) -> None:
    found = mutated(change)
    assert found.errors == ()
    whole = figures(list(sample().rows))
    if change is rename_headings:
        assert [p.code for p in found.problems] == []  # without saved formulas there is no stored total to compare
    assert figures(list(found.rows)) == whole
    assert [found_row.code for found_row in found.rows] == [f"QY{n:03d}" for n in range(1, 169)]


def test_formulas_without_stored_values_are_added_up() -> None:
    """openpyxl saves no results: 合计 is then computed from its parts."""
    found = mutated(lambda *_: None)
    assert found.totals == sample().totals


# ---------------------------------------------------------------- small files
def codes(found: RosterReading) -> list[tuple[str, str]]:
    return [(problem.cell, problem.code) for problem in found.problems]


def test_rows_of_several_sheets_belong_together() -> None:
    book = openpyxl.Workbook()
    for title, code in (("教师支部", "A1"), ("学生支部", "A2")):
        sheet = book.create_sheet(title)
        sheet.append(HEADER)
        sheet.append(row(f"{title}第一党支部", code=code))
    found = read(saved(book))
    assert found.ok
    assert [(f.sheet, f.code) for f in found.rows] == [("教师支部", "A1"), ("学生支部", "A2")]


def test_codes_and_names_repeat_across_sheets_too() -> None:
    book = openpyxl.Workbook()
    for title in ("甲表", "乙表"):
        sheet = book.create_sheet(title)
        sheet.append(HEADER)
        sheet.append(row("第一党支部", code="A1"))
    found = read(saved(book))
    assert [(p.sheet, p.cell, p.code) for p in found.problems] == [
        ("乙表", "B2", "duplicate_name"), ("乙表", "G2", "duplicate_code"),
    ]  # fmt: skip
    assert "工作表“甲表”第2行" in found.problems[0].reason


def test_the_same_name_in_two_units_is_fine() -> None:
    assert read(made(HEADER, row("第一党支部"), row("第一党支部", unit="图书馆党总支"))).ok


def test_a_unit_is_taken_from_a_merge_only() -> None:
    def change(sheet: Any) -> None:
        sheet.merge_cells("A2:A3")

    rows = [row("甲党支部"), [None, *row("乙党支部")[1:]], [None, *row("丙党支部")[1:]]]
    found = read(made(HEADER, *rows, change=change))
    assert [f.general_branch for f in found.rows] == ["体育学院党总支", "体育学院党总支", None]
    assert codes(found) == [("A4", "unit_empty")]


def test_counts_are_never_shared_by_a_merge() -> None:
    found = read(made(HEADER, row("甲党支部"), row("乙党支部"), change=lambda sheet: sheet.merge_cells("E2:E3")))
    assert codes(found) == [("E3", "count_empty")]


@pytest.mark.parametrize("word", ["直属党支部", "直属", "党委直属", "校党委", "直 属 党支部"])
def test_direct_branches(word: str) -> None:
    (found,) = read(made(HEADER, row("校医院党支部", unit=word))).rows
    assert (found.direct, found.general_branch) == (True, None)


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ({"formal": -1}, [("E2", "negative")]),
        ({"formal": "约20"}, [("E2", "not_number")]),
        ({"formal": None}, [("E2", "count_empty")]),
        ({"probationary": 2.5}, [("F2", "not_whole")]),
        ({"probationary": "无"}, []),
        ({"probationary": None}, []),
        ({"secretary": None}, [("D2", "secretary_empty")]),
        ({"secretary": "＝cmd"}, [("D2", "formula")]),
        ({"category": None}, [("C2", "category")]),
        ({"name": None}, [("B2", "name_empty")]),
        ({"name": "甲" * 81}, [("B2", "too_long")]),
        ({"unit": "甲党支部"}, [("A2", "unit_is_branch")]),
        ({"unit": "第二党支部"}, [("A2", "unit_is_branch")]),
        ({"code": "A\u202e1"}, [("G2", "control")]),
    ],
)
def test_one_fault_one_problem(fields: dict[str, Any], problems: list[tuple[str, str]]) -> None:
    name = fields.pop("name", "甲党支部")
    assert codes(read(made(HEADER, row(name, **fields)))) == problems


def test_a_site_may_let_a_vacant_post_pass() -> None:
    data = made(HEADER, row("甲党支部", secretary=None))
    found = read(data, limits=Limits(vacant_secretary=Severity.WARNING))
    assert found.ok
    assert codes(found) == [("D2", "secretary_empty")]


COUNTED = ["所属党总支", "党支部名称", "支部类别", "合计", "正式", "预备", "流动", "任职时间"]


@pytest.mark.parametrize(
    ("numbers", "problems"),
    [
        ([6, 5, 1, 6], []),
        ([7, 5, 1, 0], ["sum"]),
        ([6, 5, 1, 7], ["mobile"]),
        ([None, 5, 1, 7], ["mobile"]),
        ([6, None, 1, 0], ["count_derived"]),
        (["坏", 5, 1, 0], ["not_number"]),
        ([-2, -3, 1, 0], ["negative"]),
        ([7.5, 5, 2.5, 0], ["not_whole"]),
        (["#", "#", "#", "#"], ["not_number"] * 3),
    ],
)
def test_sums_within_a_row(numbers: list[Any], problems: list[str]) -> None:
    found = read(made(COUNTED, ["甲党总支", "甲党支部", "教师", *numbers]))
    assert [problem.code for problem in found.problems] == problems


@pytest.mark.parametrize(
    ("heads", "numbers", "counts", "said"),
    [
        (["党员人数", "其中预备"], [18, 3], (18, 15, 3), [("D1", "count_derived")]),
        (["党员人数", "预备党员"], [18, None], (18, 18, 0), [("D1", "count_derived")]),
        (["党员人数"], [18], (18, 18, 0), [("D1", "count_derived")]),
        (["党员人数", "其中预备"], [2, 3], (2, None, 3), [("D1", "count_derived"), ("E2", "sum")]),
        (["党员人数"], [None], (None, None, None), [("D1", "count_derived"), ("D2", "count_empty")]),
        (["合计", "正式", "预备"], [2, None, 3], (2, None, 3), [("F2", "sum")]),
    ],
)
def test_members_without_a_column_of_full_members(
    heads: list[str], numbers: list[Any], counts: tuple[int | None, ...], said: list[tuple[str, str]]
) -> None:
    data = made(
        ["所属党总支", "党支部名称", "支部类别", *heads, "编号"], ["甲党总支", "甲党支部", "教师", *numbers, "A1"]
    )
    found = read(data)
    assert [(problem.cell, problem.code) for problem in found.problems] == said
    (only,) = found.rows
    assert (only.members, only.formal, only.probationary) == counts
    if "sum" in dict(said).values():
        assert not found.ok


@pytest.mark.parametrize(
    ("stated", "since", "problems"),
    [
        ("填报时间：2012年3月20日", "2012.03", []),
        ("填报时间：2012年3月20日", "2012.04", ["after_report"]),
        ("填报日期:2012-3-20", "2012-3-21", ["after_report"]),
        ("制表时间：２０１２．３．２０", "2012-3-20", []),
        ("没有日期", "2030.01", []),
        ("填报时间：2012年2月30日", "2030.01", []),
    ],
)
def test_nobody_took_office_after_the_report(stated: str, since: str, problems: list[str]) -> None:
    data = made(["花名册"], [stated], COUNTED, ["甲党总支", "甲党支部", "教师", 6, 5, 1, 0, since])
    assert [problem.code for problem in read(data).problems] == problems


def test_the_day_may_be_given() -> None:
    data = made(COUNTED, ["甲党总支", "甲党支部", "教师", 6, 5, 1, 0, "2012.05"])
    assert [p.code for p in read(data, reported_on=dt.date(2012, 4, 30)).problems] == ["after_report"]


def test_the_label_and_its_value_in_two_cells() -> None:
    found = read(made(["填报单位：", "宣传部", None, "填报时间：", "2012年3月20日"], HEADER, row("甲党支部")))
    assert (found.unit_name, found.filled_in_on) == ("宣传部", dt.date(2012, 3, 20))


def test_a_wrong_total_is_one_hint() -> None:
    found = read(made(HEADER, row("甲党支部"), ["合计", None, None, None, 99, 99]))
    assert [(p.cell, p.code, p.level) for p in found.problems] == [("E3", "total", Severity.WARNING)]
    assert read(made(HEADER, row("甲党支部"), ["合计", None, None, None, 10, 1])).problems == ()


def test_a_wrong_total_that_an_unreadable_row_explains_is_not_said_twice() -> None:
    data = made(HEADER, row("甲党支部"), row("乙党支部", formal="约5"), ["合计", None, None, None, 15, 2])
    assert codes(read(data)) == [("E3", "not_number")]


def test_a_workbook_without_any_roster() -> None:
    found = read(made(["姓名", "学时"], ["吴勇", 8], title="培训"))
    assert [(p.sheet, p.cell, p.level, p.code) for p in found.problems] == [
        ("培训", "A1", Severity.ERROR, "no_table"),
    ]  # fmt: skip
    assert not read(made()).ok
    assert codes(read(made(HEADER))) == [("A1:G1", "no_rows")]


def test_a_person_may_choose_sheet_and_columns() -> None:
    data = made(["上级", "组织", "种类", "头", "数"], ["甲党总支", "甲党支部", "教师", "吴勇", 5], title="表")
    assert not read(data).ok
    choice = MappingChoice((1,), {"general_branch": 1, "name": 2, "category": 3, "secretary_name": 4, "formal": 5})
    found = read(data, mapping={"表": choice})
    assert found.ok
    assert (found.rows[0].name, found.rows[0].secretary_name, found.totals.formal) == ("甲党支部", "吴勇", 5)
    with pytest.raises(KeyError):
        read(data, mapping={"没有": choice})


def test_words_a_site_taught() -> None:
    data = made(["上级", "组织", "种类", "正式"], ["甲党总支", "甲党支部", "教师", 5])
    taught = words().extended([("roster", "general_branch", "上级"), ("roster", "name", "组织"),
                               ("roster", "category", "种类"), ("nothing", "name", "x")])  # fmt: skip
    found = read_roster(read_workbook("a.xlsx", data), taught)
    assert found.ok
    assert found.mapping is not None
    assert dict(found.mapping.columns) == {"general_branch": 1, "name": 2, "category": 3, "formal": 4}


def test_a_decided_unit_is_believed() -> None:
    rows = [row("体育学院甲党支部"), row("体育学院乙党支部"), row("体育学院丙党支部", unit="体育党总支")]
    data = made(HEADER, *rows)
    assert codes(read(data)) == [("A4", "unit_unknown")]
    merged = read(data, decisions={"体育党总支": "体育学院党总支"})
    assert merged.ok
    assert {f.general_branch for f in merged.rows} == {"体育学院党总支"}
    assert read(data, decisions={"体育党总支": "体育党总支"}).ok
    assert read(data, known_units=["体育党总支"]).ok


def test_doubtful_units_repeat_their_question_in_every_row() -> None:
    rows = [row("体育学院甲党支部"), row("体育学院乙党支部"), row("体育学院丙党支部")]
    rows += [row(f"体育学院{n}党支部", unit="体育党总支") for n in "丁戊"]
    assert codes(read(made(HEADER, *rows))) == [("A5", "unit_unknown"), ("A6", "unit_unknown")]


@pytest.mark.parametrize(
    "units",
    [
        ["机关党总支", "机关后勤党总支"],
        ["教育学院党总支", "继续教育学院党总支"],
        ["离退休党总支", "离退休第二党总支"],
        ["理学院党总支", "物理学院党总支", "管理学院党总支"],
        ["文学院党总支", "外国语学院党总支", "人文学院党总支"],
        ["医学院党委", "医学院附属医院党委"],
    ],
)
def test_units_that_resemble_each_other_and_are_real(units: list[str]) -> None:
    rows = [row(f"{unit.removesuffix('党总支')}{n}教研室党支部", unit=unit) for unit in units for n in "甲乙"]
    assert read(made(HEADER, *rows)).problems == ()
    plain = [row(f"第{n}党支部", unit=unit) for unit in units for n in "一二"]
    assert read(made(HEADER, *plain)).problems == ()


@pytest.mark.parametrize("cell", ["_x0001_王健", "王\u200b健"])
def test_written_and_real_control_characters(cell: str) -> None:
    assert codes(read(made(HEADER, row("甲党支部", secretary=cell)))) == [("D2", "control")]


def test_messages_never_paste_a_whole_long_name() -> None:
    found = read(made(HEADER, row("甲" * 300), row("乙党支部", category="丙" * 400)))
    assert all(len(problem.reason) < 120 for problem in found.problems)
    assert re.search("共300字", found.problems[0].reason)


def test_columns_that_only_some_offices_have() -> None:
    header = [*HEADER, "成立时间", "最近换届时间", "固定活动场所", "电子邮箱", "书记学历", "书记出生年月", "支部简称"]
    more = ["2005年9月", dt.datetime(2011, 6, 3), "文科楼 301", " a@b.cn ", "硕士", 1975.1, "甲支部"]

    def change(sheet: Any) -> None:
        sheet["I2"].number_format = "yyyy-mm-dd"
        sheet["M2"].number_format = "0.00"

    found = read(made(header, [*row("甲党支部"), *more], change=change))
    assert found.problems == ()
    assert found.rows[0].extra == {
        "founded": "2005-09", "last_election": "2011-06-03", "venue": "文科楼 301", "email": "a@b.cn",
        "secretary_education": "硕士", "secretary_birth": "1975-10", "short_name": "甲支部",
    }  # fmt: skip
    wrong = ["去年", "2011.13", "楼" * 121, "不是邮箱", "学" * 41, "1975", "简" * 61]
    assert codes(read(made(header, [*row("甲党支部"), *wrong]))) == [
        ("H2", "not_date"), ("I2", "no_such_date"), ("J2", "too_long"), ("K2", "email"), ("L2", "too_long"),
        ("M2", "not_date"), ("N2", "too_long"),
    ]  # fmt: skip


def test_what_does_not_fit_is_said_and_not_cut() -> None:
    header = [*HEADER, "备注", "书记职务"]
    found = read(made(header, [*row("甲党支部"), "备" * 301, "职" * 81]))
    assert codes(found) == [("H2", "too_long"), ("I2", "too_long")]
