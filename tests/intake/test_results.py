"""Yearly results, paper ballots, and matching their names with the tree: all that the README plants."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from branches.intake.annual import AnnualRules, Answer, read_annual
from branches.intake.appraisal import read_appraisal, satisfaction
from branches.intake.matching import (
    KnownBranch,
    MatchResult,
    Proposal,
    WantedName,
    is_abbreviation,
    likeness,
    match_names,
    name_key,
    numbered_apart,
    wanted_names,
)
from branches.intake.shapes import AnnualReading, AnnualRow, AppraisalReading, AppraisalState, GradeBand, Severity
from branches.intake.workbook import read_workbook
from tests.intake.files import made, office_file, sample, words

BANDS = {
    grade: GradeBand(Decimal(points), Decimal(low), Decimal(high))
    for grade, points, low, high in (
        ("优秀", "95", "90", "100"), ("良好", "85", "80", "89.999"), ("合格", "75", "70", "79.999"),
        ("基本合格", "65", "60", "69.999"), ("不合格", "50", "0", "59.999"),
    )
}  # fmt: skip
RULES = AnnualRules(BANDS, Decimal(100))


def annual(**options: Any) -> AnnualReading:
    return read_annual(office_file("annual-results.xlsx"), words(), rules=options.pop("rules", RULES), **options)


def at(reading: AnnualReading, row: int) -> AnnualRow:
    return next(found for found in reading.rows if found.row == row)


def known() -> list[KnownBranch]:
    return [KnownBranch(row.code, row.name, row.general_branch or "", code=row.code) for row in sample().rows]


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_the_contradiction_and_the_score_above_the_maximum(kind: str) -> None:
    found = read_annual(office_file(f"annual-results.{kind}"), words(), rules=RULES)
    assert len(found.rows) == 167
    assert [(p.cell, p.level, p.code) for p in found.problems] == [
        ("E24", Severity.ERROR, "contradiction"), ("E36", Severity.ERROR, "above_maximum"),
    ]  # fmt: skip
    assert "优秀" in found.problems[0].reason
    assert "84" in found.problems[0].reason
    assert "104" in found.problems[1].reason


@pytest.mark.parametrize(
    ("row", "grade", "score", "points"),
    [
        (3, "良好", None, "85"), (5, "基本合格", None, "65"), (6, None, "83.64", "83.64"), (7, "优秀", "94", "94"),
        (8, None, "88", "88"), (13, "优秀", "93", "93"), (14, None, "91.5", "91.5"), (19, "良好", "86", "86"),
        (20, "优秀", None, "95"), (32, None, "86", "86"), (72, "良好", "89.995", "89.995"), (155, "良好", "84", "84"),
    ],
)  # fmt: skip
def test_every_way_a_result_is_written(row: int, grade: str | None, score: str | None, points: str) -> None:
    found = at(annual(), row)
    assert (found.grade, found.score, found.points) == (grade, score and Decimal(score), Decimal(points))
    assert found.how


def test_89_995_stays_exact() -> None:
    assert str(at(annual(), 72).score) == "89.995"


def test_not_taking_part_is_an_exemption_with_a_reason() -> None:
    exempt = [found for found in annual().rows if found.exempt]
    assert [found.name for found in exempt] == ["离退休第二党支部", "离退休第四党支部", "离退休第六党支部"]
    assert {(found.reason, found.score, found.points) for found in exempt} == {("不参加考核", None, None)}


def test_how_each_form_was_read_is_said() -> None:
    found = annual()
    assert [at(found, row).how for row in (7, 20, 32, 162)] == [
        "等次优秀，分数 94，以分数计", "等次“优秀”读作优秀，折合 95 分", "分数 86", "不参加考核：不参加考核",
    ]  # fmt: skip


def test_a_round_may_allow_more_and_a_person_may_decide() -> None:
    assert [p.cell for p in annual(rules=AnnualRules(BANDS, None)).problems] == ["E24"]
    sheet = "2011年度考核结果"
    score = annual(answers={f"{sheet}!24": Answer.SCORE, f"{sheet}!36": Answer.LEAVE_OUT})
    assert score.ok
    assert (at(score, 24).grade, at(score, 24).points) == (None, Decimal(84))
    assert at(score, 36).points is None
    grade = annual(answers={f"{sheet}!24": Answer.GRADE})
    assert (at(grade, 24).score, at(grade, 24).points) == (None, Decimal(95))


def test_without_bands_a_grade_is_kept_and_worth_nothing_yet() -> None:
    found = annual(rules=AnnualRules({}, Decimal(100)))
    assert (at(found, 3).grade, at(found, 3).points) == ("良好", None)
    assert [p.cell for p in found.problems] == ["E36"]


@pytest.mark.parametrize(
    ("result", "score", "codes"),
    [
        ("很棒", None, ["result"]), (None, None, ["missing"]), ("—", None, ["missing"]), ("86", 87, ["contradiction"]),
        ("86", 86, []), ("不参加考核", 80, ["contradiction"]), (None, "九十", ["not_number"]), ("-5", None, ["result"]),
        (None, -5, ["negative"]), ("称职", None, []),
    ],
)  # fmt: skip
def test_other_results(result: Any, score: Any, codes: list[str]) -> None:
    data = made(["党总支", "党支部", "考核结果", "考核得分"], ["甲党总支", "甲党支部", result, score])
    found = read_annual(read_workbook("a.xlsx", data), words(), rules=RULES)
    assert [problem.code for problem in found.problems if problem.code != "missing" or codes == ["missing"]] == codes


@pytest.mark.parametrize(
    ("result", "answer", "read"),
    [
        ("86", Answer.GRADE, (Decimal(86), False)),  # what stands under 考核结果
        ("86", Answer.SCORE, (Decimal(87), False)),
        ("86", Answer.LEAVE_OUT, (None, False)),
        ("不参加考核", Answer.GRADE, (None, True)),
        ("不参加考核", Answer.SCORE, (Decimal(87), False)),
        ("不参加考核", Answer.LEAVE_OUT, (None, False)),
    ],
)
def test_every_answer_settles_a_contradiction(result: str, answer: Answer, read: tuple[Decimal | None, bool]) -> None:
    data = made(["党总支", "党支部", "考核结果", "考核得分"], ["甲党总支", "甲党支部", result, 87])
    found = read_annual(read_workbook("a.xlsx", data), words(), rules=RULES, answers={"花名册!2": answer})
    assert found.ok
    assert (found.rows[0].points, found.rows[0].exempt) == read


def test_results_by_other_headings() -> None:
    for heading, value in (("考核等次", "优秀"), ("得分", 95), ("年度考核等次", "优")):
        data = made(["单位", "支部名称", heading], ["甲党总支", "甲党支部", value])
        found = read_annual(read_workbook("a.xlsx", data), words(), rules=RULES)
        assert found.rows[0].points == Decimal(95)
    data = made(["单位", "支部名称", "备注"], ["甲党总支", "甲党支部", "x"])
    found = read_annual(read_workbook("a.xlsx", data), words(), rules=RULES)
    assert [problem.code for problem in found.problems] == ["no_table"]


# ---------------------------------------------------------------- matching
def matched() -> tuple[AnnualReading, MatchResult]:
    found = annual()
    return found, match_names(wanted_names(found.rows), known())


def test_other_spellings_are_proposed_never_merged() -> None:
    found, result = matched()
    proposed = {found.rows[position].name: options[0].name for position, options in result.proposals.items()}
    assert proposed == {
        "文传学院研究生党支部": "文学与传播学院研究生党支部",
        "数计学院行政教工党支部": "数学与计算机科学学院行政教工党支部",
        "体育学院 理论教研室教工党支部": "体育学院理论教研室教工党支部",
        "教育科学学院教育系教师党支部": "教育科学学院教育系教工党支部",
        "人事处支部": "人事处党支部",
    }
    assert len(result.exact) == 161


def test_missing_and_unknown_are_listed() -> None:
    found, result = matched()
    assert [found.rows[position].name for position in result.unknown] == ["海洋学院海洋科学系教工党支部"]
    assert [branch.name for branch in result.missing] == [
        "化学与生命科学学院生物技术专业学生党支部", "软件学院实验中心教工党支部",
    ]  # fmt: skip


def test_a_persons_answers_complete_the_match() -> None:
    _, result = matched()
    answers: dict[int, str | None] = {position: options[0].key for position, options in result.proposals.items()}
    assert len(result.resolved(answers)) == 166
    first = next(iter(answers))
    assert len(result.resolved({first: None})) == 161
    with pytest.raises(ValueError):
        result.resolved({first: "QY001"})
    with pytest.raises(ValueError):
        result.resolved({10_000: "QY009"})


def test_codes_aliases_units_and_duplicates() -> None:
    branches = [
        KnownBranch("1", "第一党支部", "甲党总支", code="A1"),
        KnownBranch("2", "第一党支部", "乙党总支", ("乙一支部",), code="A2"),
    ]
    wanted = [
        WantedName("第一党支部", "甲党总支"), WantedName("乙一支部", None), WantedName("第一党支部", "甲党总支"),
        WantedName("随便什么", "甲党总支", "A2"), WantedName("第一党支部", None),
    ]  # fmt: skip
    result = match_names(wanted, branches)
    assert result.exact == {0: "1", 1: "2"}
    assert result.duplicates == {2: 0, 3: 1}
    assert result.unknown == (4,)
    assert result.missing == ()


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("第一党支部", "第二党支部", True), ("2009级学生党支部", "2010级学生党支部", True),
        ("09级学生党支部", "2009级学生党支部", False), ("第一党支部", "党支部", False), ("甲班", "乙班", True),
        ("英语系第一教工党支部", "英语系第一教师党支部", False),
    ],
)  # fmt: skip
def test_numbers_keep_branches_apart(one: str, other: str, apart: bool) -> None:
    assert numbered_apart(one, other) is apart
    assert (likeness(one, other) == 0) is apart


def test_next_years_branch_is_not_proposed_for_last_years() -> None:
    result = match_names([WantedName("体育学院2012级学生党支部", "体育学院党总支")],
                         [KnownBranch("1", "体育学院2008级学生党支部", "体育学院党总支")])  # fmt: skip
    assert (result.proposals, result.unknown) == ({}, (0,))


def test_name_keys() -> None:
    assert name_key(" 数学\n学院２班（甲） ") == name_key("数学学院2班(甲)")
    assert name_key("庄𠅤支部") == "庄𠅤支部"
    assert name_key("甲 乙") != name_key("甲乙")
    assert is_abbreviation("文传学院", "文学与传播学院")
    assert not is_abbreviation("传文学院", "文学与传播学院")


@given(st.lists(st.text("甲乙丙教工学生党支部一二", min_size=1, max_size=8), max_size=8))
def test_nothing_is_matched_twice_or_lost(names: list[str]) -> None:
    branches = [KnownBranch(str(n), name) for n, name in enumerate(dict.fromkeys(names))]
    wanted = [WantedName(name) for name in reversed(names)]
    result = match_names(wanted, branches)
    assert len(set(result.exact.values())) == len(result.exact)
    places = [*result.exact, *result.proposals, *result.unknown, *result.duplicates]
    assert sorted(places) == list(range(len(wanted)))
    assert all(isinstance(option, Proposal) for options in result.proposals.values() for option in options)


# ---------------------------------------------------------------- paper ballots
def counted(heads: list[str], *rows: list[Any]) -> AppraisalReading:
    return read_appraisal(read_workbook("a.xlsx", made(heads, *rows)), words(), floor=5)


def test_a_table_without_a_column_of_valid_ballots_is_added_up() -> None:
    heads = ["党支部名称", "发出票数", "收回票数", "满意", "基本满意", "不满意", "不了解"]
    found = counted(heads, ["软件党支部", 20, 19, 12, 5, 1, None], ["硬件党支部", 20, 17, 12, 5, 1, 0])
    assert [(row.valid, row.rate) for row in found.rows] == [(18, Fraction(17, 18)), (18, None)]
    assert [(p.level, p.code) for p in found.problems] == [
        (Severity.WARNING, "valid_added_up"), (Severity.ERROR, "valid_above_returned"),
    ]  # fmt: skip


def test_without_valid_ballots_every_choice_needs_its_column() -> None:
    """Else a choice under a heading nobody knows would vanish from the sum."""
    heads = ["党支部名称", "发出票数", "收回票数", "满意", "基本满意", "还行"]
    found = counted(heads, ["软件党支部", 20, 19, 12, 5, 2])
    assert found.rows == ()
    (said,) = found.problems
    assert (said.level, "又缺“不满意”、“不了解”，有效票数算不出来" in said.reason) == (Severity.ERROR, True)


def appraisal(**options: Any) -> AppraisalReading:
    return read_appraisal(office_file("appraisal-counts.xlsx"), words(), floor=5, **options)


@pytest.mark.parametrize("kind", ["xlsx", "xls"])
def test_the_planted_ballots(kind: str) -> None:
    found = read_appraisal(office_file(f"appraisal-counts.{kind}"), words(), floor=5)
    assert len(found.rows) == 168
    assert [(p.cell, p.level, p.code) for p in found.problems] == [
        ("E17", Severity.ERROR, "returned_above_issued"),
        ("G52:J52", Severity.ERROR, "sum"),
        ("F88", Severity.WARNING, "below_floor"),
        ("D115:J115", Severity.WARNING, "not_held"),
        ("F136", Severity.ERROR, "valid_above_returned"),
    ]
    assert found.held_on == "2012年3月26日—28日"
    states = {row.row: row.state for row in found.rows if row.state is not AppraisalState.VALID}
    assert states == {
        17: AppraisalState.VOID, 52: AppraisalState.VOID, 88: AppraisalState.BELOW_FLOOR, 115: AppraisalState.MISSING,
        136: AppraisalState.VOID,
    }  # fmt: skip


def test_nothing_is_shown_below_the_floor_and_a_missing_row_is_not_zero() -> None:
    rows = {row.row: row for row in appraisal().rows}
    assert (rows[88].counts, rows[88].rate, rows[88].rate_percent()) == ({}, None, None)
    assert (rows[115].valid, rows[115].rate, rows[115].reason) == (None, None, "未组织")
    assert "整行空白" in appraisal().problems[3].reason


def test_a_person_may_confirm_that_contradictory_ballots_are_void() -> None:
    found = appraisal(void_contradictions=True)
    assert found.ok
    assert sum(row.state is AppraisalState.VOID for row in found.rows) == 3


def test_the_gate_compares_the_exact_fraction() -> None:
    rows = {row.name: row for row in appraisal().rows}
    even = rows["外国语学院英语本科高年级学生党支部"]
    short = rows["数学与计算机科学学院软件工程专业学生党支部"]
    assert (even.rate, short.rate) == (Fraction(9, 10), Fraction(1808, 2009))
    assert (str(even.rate_percent()), str(short.rate_percent())) == ("90.00", "90.00")
    assert even.rate is not None
    assert short.rate is not None
    assert even.rate >= Fraction(90, 100) > short.rate


def test_every_ballot_row_has_its_branch() -> None:
    result = match_names(wanted_names(appraisal().rows), known())
    assert (len(result.exact), result.proposals, result.unknown, result.missing) == (168, {}, (), ())


BALLOT = ["党总支", "党支部名称", "发出", "收回", "有效", "满意", "基本满意", "不满意", "不了解"]


@pytest.mark.parametrize(
    ("numbers", "state", "codes"),
    [
        ([10, 10, 10, 6, 3, 1, 0], AppraisalState.VALID, []),
        ([10, 10, 10, 6, 3, 1, None], AppraisalState.VALID, []),
        ([10, 10, 10, 6, 3, None, None], AppraisalState.VOID, ["sum"]),
        ([10, 10, None, 6, 3, 1, 0], AppraisalState.VOID, ["count_empty"]),
        ([10, 11, 10, 6, 3, 1, 0], AppraisalState.VOID, ["returned_above_issued"]),
        ([10, None, 11, 6, 3, 1, 1], AppraisalState.VOID, ["valid_above_issued"]),
        ([10, 10, "十", 6, 3, 1, 0], AppraisalState.VOID, ["not_number"]),
        ([10, 10, 10, -6, 3, 1, 0], AppraisalState.VOID, ["negative"]),
        ([10, 10, 0, 0, 0, 0, 0], AppraisalState.BELOW_FLOOR, ["below_floor"]),
        (["无", 0, 0, 0, 0, 0, 0], AppraisalState.BELOW_FLOOR, ["below_floor"]),
        ([None] * 7, AppraisalState.MISSING, ["not_held"]),
    ],
)
def test_ballots_one_by_one(numbers: list[Any], state: AppraisalState, codes: list[str]) -> None:
    data = made(BALLOT, ["甲党总支", "甲党支部", *numbers])
    found = read_appraisal(read_workbook("a.xlsx", data), words(), floor=5)
    assert [row.state for row in found.rows] == [state]
    assert [problem.code for problem in found.problems] == codes


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(1, 6000))
def test_the_rate_is_exact(satisfied: int, fairly: int, valid: int) -> None:
    assert satisfaction(satisfied, fairly, valid) == Fraction(satisfied + fairly, valid)
    assert satisfaction(satisfied, fairly, 0) is None
