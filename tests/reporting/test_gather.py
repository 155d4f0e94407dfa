"""From a real round to facts: what was recorded is what the forms say, in a number of queries that does not grow."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from branches import clock
from branches.transitions import Decision
from grading.models import (
    AppraisalCount,
    Result,
    Round,
    RoundUnit,
    Source,
    Survey,
    SurveyCheck,
    SurveyFinding,
    VetoReview,
)
from grading.services import results
from reporting.annexes import annex4, gather
from reporting.annexes.facts import Stamp
from tests.factories.branches import AppointmentFactory, BranchProfileFactory, PersonFactory, school
from tests.factories.grading import (
    AnnualResultFactory,
    AppraisalCountFactory,
    SurveyFactory,
    SurveyFindingFactory,
    VetoReviewFactory,
    fill,
    opened_round,
)
from tests.factories.publicity import ConfirmationFactory
from tests.factories.voters import VoterGroupFactory
from tests.worlds import shared

pytestmark = pytest.mark.django_db


@shared
def world():
    """software: 自评 93, 考评 91, 年度优秀 95, votes 18 7 3 (of 28 valid): composite by hand below."""
    tree = school()
    BranchProfileFactory(branch=tree.software)
    AppointmentFactory(branch=tree.software, person=PersonFactory(name="柯虹"))
    made = opened_round(tree)
    unit = made.unit("software")
    fill(unit, lose=7)
    fill(unit, "superior", lose=9)
    AnnualResultFactory(unit=unit, source=made.source("annual"))
    AppraisalCountFactory(unit=unit, source=made.source("appraisal"))
    VetoReviewFactory(unit=unit)
    return made


def decide(world):
    Round.objects.filter(pk=world.round.pk).update(state=Round.State.SCORING)
    unit = world.unit("software")
    met = Decision("总支委员会", dt.date(2012, 3, 29))
    computed = results.compute_round(by=None, round_=world.round, now=clock.now())
    chosen = next(row for row in computed.results if row.unit_id == unit.pk)
    choices = {unit.pk: results.Choice(chosen.computed_grade.code)}
    results.decide_grades(by=None, round_=world.round, choices=choices, decision=met, now=clock.now())
    return chosen.computed_grade.label


def row_of(world, name="software"):
    annex = gather.annex5_of(world.round, world.school.root)
    return next(row for row in annex.rows if row.code == getattr(world.school, name).code)


def test_scores_are_exact_and_the_composite_is_rounded_as_the_round_says(world):
    row = row_of(world)
    appraisal = Fraction(18 * 100 + 7 * 80 + 3 * 40, 28)
    assert row.scores == (Fraction(93), appraisal, Fraction(95), Fraction(91))
    exact = (93 + appraisal + 95) * Fraction(20, 100) + 91 * Fraction(40, 100)
    assert row.exact == exact
    assert row.composite == Decimal("91.71")
    assert (row.valid, row.satisfied) == (28, 25)
    assert (row.self_grade, row.proposed_grade, row.decided_grade) == ("先进", "", "")
    assert (row.secretary, row.members, row.full_members, row.probationary) == ("柯虹", 20, 18, 2)
    assert (row.vetoed, row.veto_known) == (False, True)


def test_what_the_general_branch_decides_stands_under_its_name_and_the_committee_stays_blank(world):
    label = decide(world)
    row = row_of(world)
    assert (row.proposed_grade, row.decided_grade) == (label, "")
    form = gather.annex4_of(world.round, world.school.software)[0]
    assert form.decision == f"经总支委员会2012年3月29日研究，定级为{label}。"


def test_the_committee_speaks_where_it_decides_or_confirms_and_changes_by_hand_are_marked(world):
    label = decide(world)
    form = gather.annex4_of(world.round, world.school.software)[0]
    assert (form.committee_decision, form.proposed_by_hand) == ("", False)
    result = Result.objects.get(unit=world.unit("software"))
    ConfirmationFactory(result=result, decided_at=result.decided_at, body="党委会", document_number="清师党〔2012〕8号")
    form = gather.annex4_of(world.round, world.school.software)[0]
    assert form.committee_decision == f"经党委会研究，同意定为{label}。清师党〔2012〕8号"
    fair = world.round.scale.grades.get(code="fair")
    changed = {"proposed_grade": fair, "decided_grade": fair, "manual": True, "manual_reason": "整改没有到位"}
    Result.objects.filter(pk=result.pk).update(**changed, body="党委会", document_number="清师党〔2012〕9号")
    Round.objects.filter(pk=world.round.pk).update(deciding_level="committee")
    world.round.refresh_from_db()
    form = gather.annex4_of(world.round, world.school.software)[0]
    assert form.decision == ""
    assert form.committee_decision == "经党委会2012年3月29日研究，审定为一般（人工调整）。清师党〔2012〕9号"
    assert annex4.superior_opinion(form).endswith("拟定等级：一般（人工调整）。")


def test_a_decided_result_speaks_from_its_stored_derivation(world):
    decide(world)
    AppraisalCount.objects.update(counts={"satisfied": 0, "fairly": 0, "unsatisfied": 28})
    assert row_of(world).scores[1] == Fraction(18 * 100 + 7 * 80 + 3 * 40, 28)


def test_ballots_below_the_floor_are_not_shown(world):
    AppraisalCount.objects.update(issued=6, returned=5, valid=4, counts={"satisfied": 4}, counted=4)
    row = row_of(world)
    assert (row.scores[1], row.valid, row.satisfied) == (None, None, None)
    form = gather.annex4_of(world.round, world.school.software)[0]
    assert (form.ballots.issued, form.ballots.returned, form.ballots.valid, form.ballots.options) == (6, 5, None, ())


def test_a_box_below_the_floor_still_says_how_many_came_back(world):
    absent = {"valid": None, "counted": None, "counts": {}, "reason": "低于公布下限"}
    count = AppraisalCountFactory(
        unit=world.unit("history"), source=world.source("appraisal"), issued=8, returned=4, state="missing", **absent
    )
    (form,) = gather.annex4_of(world.round, world.school.history)
    assert (form.ballots.issued, form.ballots.returned, form.ballots.valid) == (8, 4, None)
    AppraisalCount.objects.filter(pk=count.pk).update(state="void")  # contradictory numbers are not printed
    (form,) = gather.annex4_of(world.round, world.school.history)
    assert (form.ballots.issued, form.ballots.returned) == (None, None)


def test_nothing_filed_is_nothing_shown(world):
    row = row_of(world, "chinese")
    assert row.scores == (None, None, None, None)
    assert (row.composite, row.self_grade, row.problem, row.target, row.veto_known) == (None, "", "", "", False)


def test_the_superiors_finding_is_printed_with_the_branchs_own_beside_it(world):
    unit, check = world.unit("software"), SurveyCheck.objects.filter(round=world.round).first()
    own = SurveyFactory(unit=unit, problems="2．不是第一条\n", target=world.round.scale.grades.first())
    above = SurveyFactory(unit=unit, by=Survey.By.SUPERIOR, problems="1．支委未配齐，分工不明确。\n2．其他。")
    finding = SurveyFinding.Finding
    SurveyFindingFactory(survey=own, check_item=check, finding=finding.GOOD, note="都好")
    SurveyFindingFactory(survey=above, check_item=check, finding=finding.FAIR, note="缺纪检委员")
    form = gather.annex4_of(world.round, world.school.software)[0]
    assert (form.findings[0].level, form.findings[0].note) == ("一般", "缺纪检委员（支部自查：好）")
    assert form.problems == "1．支委未配齐，分工不明确。\n2．其他。"
    row = row_of(world)
    assert (row.problem, row.target) == ("支委未配齐，分工不明确", "先进")
    assert form.goal == "目标：达到先进等级。"


def test_a_survey_without_problems_says_none(world):
    SurveyFactory(unit=world.unit("software"), problems="")
    assert row_of(world).problem == "无"


def test_direct_branches_come_last_under_their_own_name(world):
    annex = gather.annex5_of(world.round, world.school.root)
    assert annex.rows[-1].group == "直属党支部"
    assert annex.unit == "中共刺桐师范学院委员会组织部"
    assert annex.merged
    below = gather.annex5_of(world.round, world.school.maths)
    assert [row.code for row in below.rows] == ["SJ001", "SJ002"]
    assert (below.unit, below.merged) == ("数学与计算机科学学院党总支", False)


def test_the_filled_sheet_carries_both_sides_from_what_was_handed_in(world):
    sheet = gather.sheets_of(world.round, world.school.software)[0]
    assert (sheet.total.points, sheet.total.own, sheet.total.superior) == (100, 93, 91)
    assert (sheet.form_code, sheet.title) == ("附件2", "教师党支部分类定级评分表")
    assert (sheet.own_filed, sheet.superior_filed, sheet.veto_reviewed) == (True, True, True)
    assert sum(item.own for item in sheet.items) == 93
    empty = gather.sheets_of(world.round, world.school.history)[0]
    assert (empty.own_filed, empty.total.own, empty.form_code) == (False, None, "附件3")


def test_long_remarks_move_to_the_explanation():
    assert gather.first_problem("（1）到期未换届。已报告。\n2．其他") == "到期未换届"
    assert gather.sheet_title("教师党支部分类定级评分参考标准") == "教师党支部分类定级评分表"


def test_the_committee_is_described_from_posts_where_nobody_wrote_it_down():
    posts = [{"name": "柯虹", "post": "书记", "duty": ""}, {"name": "洪景宁", "post": "支委", "duty": "组织委员"}]
    assert gather.committee_text({"committee": "", "posts": posts}) == "2人。书记：柯虹；组织委员：洪景宁。"


@pytest.mark.parametrize("make", [gather.annex5_of, gather.annex4_of, gather.sheets_of])
def test_queries_do_not_grow_with_branches(world, make):
    def count(unit) -> int:
        with CaptureQueriesContext(connection) as queries:
            make(world.round, unit)
        return len(queries)

    make(world.round, world.school.root)
    assert count(world.school.root) <= count(world.school.maths)


def test_reading_writes_nothing(world):
    VetoReview.objects.all().delete()
    with CaptureQueriesContext(connection) as queries:
        gather.annex4_of(world.round, world.school.root)
    assert not [query["sql"] for query in queries if not query["sql"].startswith(("SELECT", "DECLARE"))]


def test_annex4_adds_voter_groups_up_and_every_choice_makes_the_valid_ballots(world):
    """党员 9 of 10 and 群众代表 18 of 20: 27 valid are 14 + 7 + 2 and the 4 不了解 no other column would show."""
    unit, source = world.unit("software"), world.source("appraisal")
    AppraisalCount.objects.filter(unit=unit).delete()
    for code, given in (
        ("members", {"issued": 10, "returned": 9, "valid": 9, "counts": {"satisfied": 6, "fairly": 2, "unknown": 1}}),
        ("masses", {"issued": 20, "returned": 19, "valid": 18,
                    "counts": {"satisfied": 8, "fairly": 5, "unsatisfied": 2, "unknown": 3}}),
    ):  # fmt: skip
        group = VoterGroupFactory(source=source, code=code, name=code, weight=Decimal(50))
        AppraisalCountFactory(unit=unit, source=source, group=group, counted=given["valid"], **given)
    (form,) = gather.annex4_of(Round.objects.get(pk=world.round.pk), unit.branch)
    ballots = form.ballots
    assert (ballots.issued, ballots.returned, ballots.valid, ballots.options) == (30, 28, 27, (14, 7, 2, 4))
    assert sum(ballots.options) == ballots.valid
    assert form.round.ballot == ("满意", "基本满意", "不满意", "不了解")
    (sheet,) = annex4.sheets(form, Stamp("2012年3月28日"))
    shown = {cell.key: cell.text for cell in sheet.cells if cell.key}
    assert [shown[f"option_{n}"] for n in range(4)] == ["14", "7", "2", "4"]
    assert shown["satisfaction"] == "77.78%"


def test_a_branch_without_a_grade_is_gathered_with_its_scores(world):
    """software as the round's rules leave it out: scores and composite stand, 不定级 in the place of a grade."""
    before = row_of(world)
    rows = RoundUnit.objects.filter(pk=world.unit("software").pk)
    rows.update(graded=False, not_graded_reason="成立不满一年。")
    row = row_of(world)
    assert (row.scores, row.composite, row.valid) == (before.scores, before.composite, before.valid)
    assert (row.self_grade, row.proposed_grade, row.decided_grade) == ("", "", "不定级")
    assert row.remark == "成立不满一年。"


def test_a_source_that_is_not_the_yearly_assessment_is_printed_by_its_own_name(world):
    unit = world.unit("software")
    assert gather.Gatherer(world.round, [unit]).annex4(unit).annual_name == ""
    Source.objects.filter(round=world.round, kind=Source.Kind.ANNUAL).update(name="校党委考核组考核")
    fresh = Round.objects.get(pk=world.round.pk)
    assert gather.Gatherer(fresh, [unit]).annex4(unit).annual_name == "校党委考核组考核"
