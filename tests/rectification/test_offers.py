"""What a plan starts from: 附件4 taken apart, lost points, problem boxes as released, remarks of visitors."""

import pytest

from branches import clock
from grading.models import BallotBox, ProblemBox, ProblemCount, Result
from rectification import known
from rectification.offers import known_of
from tests.factories import grading as g
from tests.factories.ballots import BallotBoxFactory
from tests.factories.grading import fill, opened_round
from tests.worlds import shared

grading = shared(opened_round)


def test_lines_lose_their_numbers_and_nothing_else():
    first = "1．学习以念文件为主。\n（二）记录漏记请假人员；\n③ 没有固定场所\n"
    text = f"{first} 第三、去向不清\n2012年未换届\n3.5小时学时不足\n\n无\n"
    assert known.lines_of(text) == [
        "学习以念文件为主", "记录漏记请假人员", "没有固定场所", "去向不清", "2012年未换届", "3.5小时学时不足",
    ]  # fmt: skip


def test_a_numbered_line_may_begin_with_a_figure():
    assert known.lines_of("1．5月底前补齐\n2.全年3次\n3.5小时不足") == ["5月底前补齐", "全年3次", "3.5小时不足"]


def test_a_line_said_twice_counts_once_and_none_means_none():
    assert known.lines_of("1．少\n2．少\n") == ["少"]
    assert known.lines_of("无。") == []


def test_measures_go_with_problems_only_where_there_are_as_many():
    assert known.paired(["甲", "乙"], ["办甲", "办乙"]) == ["办甲", "办乙"]
    assert known.paired(["甲", "乙"], ["都办"]) == ["", ""]


@pytest.mark.once
def test_problems_of_annex_4_come_from_above_goal_and_measures_from_the_branch(grading):
    unit = grading.unit("software")
    better = unit.round.scale.grades.get(label="较好")
    g.SurveyFactory(unit=unit, problems="1．少", goal="晋位较好", target=better, measures="1．补甲\n2．补乙")
    g.SurveyFactory(unit=unit, by="superior", problems="1．甲。\n2．乙。", goal="", measures="")
    found = known_of(unit, unit.branch_id, taken={"annex4:2"})
    assert (found.goal, found.target, found.measures) == ("晋位较好", "较好", ["补甲", "补乙"])
    offers = [(o.key, o.text, o.measures, o.taken) for o in found.groups[0].offers]
    assert offers == [("annex4:1", "甲", "补甲", False), ("annex4:2", "乙", "补乙", True)]
    assert [o.key for o in found.groups[0].left] == ["annex4:1"]


@pytest.mark.once
def test_lost_points_by_section_are_those_of_the_superior_once_the_grade_is_decided(grading):
    unit = grading.unit("software")
    fill(unit, lose=1)
    fill(unit, "superior", lose=3)
    # Items A1 and A2 of the teachers' rubric have 2 points each: 1 lost of A1; by the 党总支 2 of A1, 1 of A2.
    assert [(o.key, o.detail) for o in known_of(unit, unit.branch_id).groups[0].offers] == [
        ("item:A1", "支部自评失 1 分")
    ]
    grade = unit.round.scale.grades.first()
    g.ResultFactory(
        unit=unit,
        state=Result.State.DECIDED,
        computed_grade=grade,
        decided_grade=grade,
        decided_at=clock.now(),
        body="总支委员会",
    )
    (lost,) = known_of(unit, unit.branch_id).groups
    assert [(o.key, o.detail, o.section_name) for o in lost.offers] == [
        ("item:A1", "党总支考评失 2 分", "领导班子好"), ("item:A2", "党总支考评失 1 分", "领导班子好"),
    ]  # fmt: skip


@pytest.mark.once
def test_problem_boxes_are_offered_only_as_far_as_they_are_released(grading):
    unit = grading.unit("software")
    now = clock.now()
    over = dict.fromkeys(("opened_at", "closing_at", "counted_at", "keys_destroyed_at", "scrubbed_at"), now)
    numbers = {"issued": 12, "returned": 11, "used": 11, "valid": 11, "released": True}
    source = grading.source("appraisal")
    box = BallotBoxFactory(unit=unit, source=source, state=BallotBox.State.CLOSED, **over, **numbers)
    for ordinal, (text, extent, number) in enumerate(
        [("少", "few", None), ("学习少", "counted", 6), ("不公开", "nearly_all", None), ("无场所", "counted", 9)], 1
    ):
        problem = ProblemBox.objects.create(round=unit.round, ordinal=90 + ordinal, code=f"p{ordinal}", text=text)
        ProblemCount.objects.create(box=box, problem=problem, extent=extent, number=number)
    (ticked,) = known_of(unit, unit.branch_id).groups
    assert [(o.text, o.detail) for o in ticked.offers] == [
        ("不公开", "群众评议，几乎全部指出"), ("无场所", "群众评议，9 票指出"), ("学习少", "群众评议，6 票指出"),
    ]  # fmt: skip
    BallotBox.objects.filter(pk=box.pk).update(released=False)
    assert known_of(unit, unit.branch_id).groups == []


@pytest.mark.once
def test_what_visitors_found_lacking_is_offered_as_a_remark(grading):
    unit = grading.unit("software")
    survey = g.SurveyFactory(unit=unit, by="superior")
    good, fair = list(unit.round.survey_checks.all())[:2]
    g.SurveyFindingFactory(survey=survey, check_item=good, finding="good", note="好")
    g.SurveyFindingFactory(survey=survey, check_item=fair, finding="fair", note="缺一名委员")
    (remarks,) = known_of(unit, unit.branch_id).groups
    assert [(o.key, o.text, o.detail) for o in remarks.offers] == [
        (f"visit:{fair.ordinal}", f"{fair.text}：走访认定为“一般”，缺一名委员", "党总支走访认定为“一般”")
    ]
