"""How items are entered, worked out by hand: events, levels, 细则."""

from dataclasses import replace
from decimal import Decimal as D  # noqa: N817

import pytest

from grading import scoring
from grading.scoring import counting, score_sheet
from grading.scoring.counting import Refinement, RefineMode
from grading.scoring.rules import (
    CriterionKind,
    CriterionRule,
    CutOffRule,
    Exceed,
    GradeRule,
    LevelRule,
    NotApplicable,
    RoundRules,
    RubricRule,
    SectionRule,
    SourceKind,
    SourceRule,
    VetoEffect,
    VetoRule,
)
from grading.scoring.sheet import Entry

pytestmark = pytest.mark.unit

PRESS = CriterionRule(
    "D5", "宣传报道", D(3), CriterionKind.BONUS, levels=(LevelRule("院级报道", D("0.5")), LevelRule("校级报道", D(1)))
)  # fmt: skip
MEETINGS = CriterionRule(
    "C1", "三会一课", D(10), CriterionKind.DEDUCTION, levels=(LevelRule("少开一次", D(2)), LevelRule("记录不全", D(1)))
)  # fmt: skip
WORK = CriterionRule("A1", "支委分工", D(5))


def test_a_bonus_counts_its_events_up_to_its_cap():
    shape = counting.entry_shape(PRESS)
    assert counting.counted_points(shape, {"院级报道": 3}) == D("1.5")  # 3 × 0.5
    assert counting.counted_points(shape, {"院级报道": 3, "校级报道": 1}) == D("2.5")  # 1.5 + 1
    assert counting.counted_points(shape, {"院级报道": 3, "校级报道": 2}) == D(3)  # 3.5, at most 3
    assert counting.event_total(shape, {"院级报道": 3, "校级报道": 2}) == D("3.5")


def test_deductions_stop_when_everything_is_taken_off():
    shape = counting.entry_shape(MEETINGS)
    taken = counting.counted_points(shape, {"少开一次": 2, "记录不全": 3})
    assert taken == D(7)  # 2 × 2 + 3 × 1
    assert counting.counted_points(shape, {"少开一次": 9}) == D(10)  # 18, but only 10 are there: 扣完为止
    rubric = RubricRule("r", 1, (SectionRule("C", "工作机制好", D(10), (MEETINGS,)),))
    assert score_sheet(rubric, {"C1": Entry(taken)}).sections[0].earned == D(3)  # 10 − 7
    assert score_sheet(rubric, {"C1": Entry(D(10))}).sections[0].earned == D(0)


def test_a_deduction_without_points_of_its_own_is_limited_by_its_section():
    penalty = CriterionRule("C9", "通报批评", D(0), CriterionKind.DEDUCTION, levels=(LevelRule("每次", D(4)),))
    shape = counting.entry_shape(penalty)
    assert counting.counted_points(shape, {"每次": 3}) == D(12)
    rubric = RubricRule("r", 1, (SectionRule("C", "工作机制好", D(5), (WORK, penalty)),))
    scored = score_sheet(rubric, {"A1": Entry(D(5)), "C9": Entry(D(12))})
    assert scored.sections[0].earned == D(0)  # 5 − 12 is below zero


@pytest.mark.parametrize(
    ("exceed", "section", "score"),
    [(Exceed.NONE, D(5), D(100)), (Exceed.SECTION, D(8), D(100)), (Exceed.TOTAL, D(8), D(160))],
)
def test_whether_a_bonus_may_exceed_the_maximum_is_a_rule(exceed, section, score):
    rubric = RubricRule("r", 1, (SectionRule("A", "领导班子好", D(5), (WORK, PRESS)),), exceed=exceed)
    scored = score_sheet(rubric, {"A1": Entry(D(5)), "D5": Entry(D(3))})
    assert scored.sections[0].earned == section  # 5 + 3
    assert scored.score == score  # ÷ 5 × 100, cut at 100 unless the total may exceed


def test_local_levels_and_deductions_change_the_way_in_and_not_the_points():
    levels = Refinement(
        RefineMode.LEVELS, (LevelRule("分工到人", D(5)), LevelRule("有分工", D(3)), LevelRule("无", D(0)))
    )
    shape = counting.entry_shape(WORK, levels)
    assert counting.shape_problem(shape, Entry(D(3)), NotApplicable.TOTAL) is None
    assert counting.shape_problem(shape, Entry(D(4)), NotApplicable.TOTAL) == "A1 按党总支细则只能选 5、3、0 分。"
    off = Refinement(RefineMode.DEDUCTIONS, (LevelRule("缺一次会", D("0.5")), LevelRule("无记录", D(2))))
    shape = counting.entry_shape(WORK, off)
    assert shape.from_full
    assert counting.counted_points(shape, {}) == D(5)
    assert counting.counted_points(shape, {"缺一次会": 3, "无记录": 1}) == D("1.5")  # 5 − 1.5 − 2
    assert counting.counted_points(shape, {"无记录": 4}) == D(0)  # 5 − 8


def test_local_deductions_refine_a_deduction_item_that_lists_none():
    bare = CriterionRule("B2", "会议记录不全", D(4), CriterionKind.DEDUCTION)
    shape = counting.entry_shape(bare, Refinement(RefineMode.DEDUCTIONS, (LevelRule("缺签名", D("0.5")),)))
    assert not shape.from_full
    assert counting.counted_points(shape, {"缺签名": 3}) == D("1.5")  # the amount taken off
    assert counting.counted_points(shape, {"缺签名": 20}) == D(4)


@pytest.mark.parametrize(
    ("item", "mode", "options", "sentence"),
    [
        (WORK, "levels", [("好", "4")], "A1 最高一档应是满分 5 分：细则不改变分值。"),
        (WORK, "levels", [("好", "6")], "A1 满分 5 分，细则里不能有超过 5 分的。"),
        (WORK, "levels", [("好", "5"), ("较好", "5")], "A1 有两个档次分数相同。"),
        (WORK, "levels", [], "A1 请写出各档得分。"),
        (WORK, "deductions", [("缺会", "0")], "A1 每项扣分应大于 0。"),
        (WORK, "deductions", [("缺会", "1"), ("缺会", "2")], "A1 “缺会”写了两次。"),
        (WORK, "text", [("缺会", "1")], "A1 只作说明时不写分数。"),
        (PRESS, "deductions", [("缺会", "1")], "D5 的分值由评分标准定死，细则只能写说明。"),
        (MEETINGS, "deductions", [("缺会", "1")], "C1 的分值由评分标准定死，细则只能写说明。"),
    ],
)
def test_what_a_refinement_may_not_do(item, mode, options, sentence):
    made = Refinement(RefineMode(mode), tuple(LevelRule(label, D(points)) for label, points in options))
    assert counting.refinement_problems(item, made) == (sentence,)


def test_a_refinement_that_is_right_has_no_problem():
    made = Refinement(RefineMode.LEVELS, (LevelRule("好", D(5)), LevelRule("差", D(0))))
    assert counting.refinement_problems(WORK, made) == ()


def test_counts_that_cannot_be_are_named():
    shape = counting.entry_shape(PRESS)
    assert counting.count_problem(shape, {"院级报道": 2}) is None
    assert counting.count_problem(shape, {"国家级": 1}) == "D5 没有“国家级”这一项。"
    assert counting.count_problem(shape, {"院级报道": -1}) == "D5 “院级报道”的次数应在 0 至 999 之间。"


def test_a_veto_item_the_round_does_not_list_is_pointed_out():
    veto = CriterionRule("V1", "材料造假", D(0), CriterionKind.VETO)
    rubric = RubricRule("r", 1, (SectionRule("A", "领导班子好", D(5), (WORK, veto)),))
    grades = (GradeRule("a", "先进", 1), GradeRule("b", "后进", 2))
    source = SourceRule("self", "支部自评", SourceKind.SHEET, D(100))
    bare = RoundRules("办法", grades, (source,), (CutOffRule("a", D(60)), CutOffRule("b", D(0))))
    said = "评分标准的否决项 V1“材料造假”没有列入本轮的否决情形，不会影响等级。"
    assert said in [found.text for found in scoring.check_round(bare, {"教师": rubric}) if not found.fatal]
    listed = replace(bare, vetoes=(VetoRule("fake", "材料造假", VetoEffect.FORCE, "b"),))
    assert said not in [found.text for found in scoring.check_round(listed, {"教师": rubric})]
