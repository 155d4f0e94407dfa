"""Computing, proposing, deciding, freezing and explaining grades."""

from decimal import Decimal as D  # noqa: N817

import pytest

from branches.models import Role
from branches.registries import blockers
from branches.transitions import BlockedError, Decision, IllegalMoveError
from grading.models import Cap, Result, Round, RoundUnit
from grading.services import explain, results, rounds, sheets, sources, survey
from grading.services.errors import RefusedError
from tests.factories.branches import holder
from tests.factories.grading import fill, opened_round
from tests.grading.steps import BODY, all_in, complete, now
from tests.worlds import shared

pytestmark = pytest.mark.db

grading = shared(opened_round)
scoring_round = shared(all_in)


def test_computation_stores_what_the_arithmetic_says(grading):
    # own 97 × 20 % + (18×100 + 7×80 + 3×40)/28 × 20 % + 85 × 20 % + 95 × 40 % = 19.4 + 17.714… + 17 + 38 = 92.11
    unit = complete(grading, "software", own=3, superior=5, votes=(18, 7, 3), label="良")
    done = results.compute_round(by=None, round_=grading.round, now=now())
    result = Result.objects.get(unit=unit)
    assert (result.composite, result.computed_grade.label, result.self_grade.label) == (D("92.11"), "较好", "先进")
    assert result.scores == {"self": "97.00", "appraisal": "88.57", "annual": "85.00", "superior": "95.00"}
    assert (result.satisfaction, result.flags, result.rule_version) == ("25/28", ["门槛"], "2012年分类定级办法 第1版")
    other = Result.objects.get(unit=grading.unit("algebra"))
    assert (other.composite, other.computed_grade, len(other.blockers)) == (None, None, 4)
    assert len(done.results) == 5
    assert results.derivation_of(result) == results.derive(grading.round)[unit.pk]


def test_a_computation_takes_the_same_queries_for_any_number_of_branches(grading, django_assert_num_queries):
    complete(grading, "software")
    with django_assert_num_queries(27):
        results.derive(Round.objects.get(pk=grading.round.pk))
    complete(grading, "algebra")
    complete(grading, "chinese")
    with django_assert_num_queries(27):
        results.derive(Round.objects.get(pk=grading.round.pk))


@pytest.mark.parametrize("extent", ["group", "round"])
def test_a_part_of_a_round_gets_the_grades_of_the_whole(grading, extent):
    """One place for 先进 at most: algebra is better than software, and its own 党总支 and school say so alike."""
    for name, lose in (("software", 4), ("algebra", 0)):
        complete(grading, name, own=lose, superior=lose)
    Cap.objects.filter(round=grading.round).delete()
    top = grading.round.scale.grades.get(rank=1)
    Cap.objects.create(
        round=grading.round, ordinal=1, grade=top, measure="number", value=1, extent=extent, mode="enforced"
    )
    round_ = Round.objects.get(pk=grading.round.pk)
    units = [grading.unit("software"), grading.unit("algebra")]
    whole = results.derive(round_)
    assert [whole[unit.pk].grade.label for unit in units] == ["较好", "先进"]
    for unit in units:
        alone = results.derive(Round.objects.get(pk=round_.pk), [unit])
        assert list(alone) == [unit.pk]
        assert alone[unit.pk].grade == whole[unit.pk].grade


def test_deciding_keeps_computed_and_chosen_grade_and_wants_a_reason(scoring_round):
    round_, unit = scoring_round.round, scoring_round.unit("software")
    with pytest.raises(RefusedError, match="测算为“先进”，改为“较好”，须写明理由"):
        results.decide_grades(
            by=None, round_=round_, choices={unit.pk: results.Choice("good")}, decision=BODY, now=now()
        )
    nobody = Decision("")
    with pytest.raises(IllegalMoveError, match="须写明决定机构"):
        results.decide_grades(
            by=None, round_=round_, choices={unit.pk: results.Choice("advanced")}, decision=nobody, now=now()
        )
    choice = results.Choice("good", "台账不全")
    done = results.decide_grades(by=None, round_=round_, choices={unit.pk: choice}, decision=BODY, now=now())[0]
    assert (done.computed_grade.label, done.decided_grade.label, done.manual) == ("先进", "较好", True)
    assert (done.proposed_grade.label, done.manual_reason, done.body) == ("较好", "台账不全", "总支委员会")
    assert done.document_number == "数计总支〔2012〕3号"


def test_a_round_does_not_go_on_while_people_gave_more_than_an_enforced_cap_allows(scoring_round):
    round_, unit = scoring_round.round, scoring_round.unit("software")
    Cap.objects.filter(round=round_).delete()
    top = round_.scale.grades.get(rank=1)
    cap = Cap.objects.create(round=round_, ordinal=1, grade=top, measure="number", value=0, mode="enforced")
    chosen = {unit.pk: results.Choice("advanced", "支委会认为应当")}
    results.decide_grades(by=None, round_=round_, choices=chosen, decision=BODY, now=now())
    for to in (Round.State.PUBLICITY, Round.State.FINAL):
        said = [text for text in blockers(Round.objects.get(pk=round_.pk), to, now()) if "这项名额须执行" in text]
        assert [text[: text.index("。")] for text in said] == [
            f"{unit.general_branch_name}“先进”1 个，超过 1 个支部的 0 个（0 个）"
        ]
    cap.mode = "warning"
    cap.save()
    assert not any("名额" in text for text in blockers(Round.objects.get(pk=round_.pk), Round.State.FINAL, now()))


def test_a_direct_branch_has_no_proposal_of_a_general_branch(scoring_round):
    unit = scoring_round.unit("direct")
    choices = {unit.pk: results.Choice("advanced")}
    done = results.decide_grades(by=None, round_=scoring_round.round, choices=choices, decision=BODY, now=now())[0]
    assert (done.decided_grade.label, done.proposed_grade, done.manual) == ("先进", None, False)


def test_inputs_stand_still_while_a_grade_rests_on_them(scoring_round):
    round_, unit = scoring_round.round, scoring_round.unit("software")
    choices = {unit.pk: results.Choice("advanced")}
    result = results.propose_grades(by=None, round_=round_, choices=choices, now=now())[0]
    rows = [sources.AnnualInput(unit, label="合格")]
    with pytest.raises(RefusedError, match="已拟定或已定；确需改动的"):
        sources.record_annual(by=None, source=scoring_round.source("annual"), rows=rows, now=now())
    sheet = unit.assessments.get(source__code="self")
    with pytest.raises(BlockedError, match="确需改评分的，请党总支或活动办公室先撤回"):
        sheets.return_sheet(by=None, assessment=sheet, reason="漏项", now=now())
    result = results.withdraw(by=None, result=result, reason="年度考核录错", now=now())
    assert (result.state, result.proposed_grade) == (Result.State.COMPUTED, None)
    unit = RoundUnit.objects.get(pk=unit.pk)
    sources.record_annual(by=None, source=scoring_round.source("annual"), rows=rows, now=now())


def test_a_large_difference_wants_a_reason_first(grading):
    unit = complete(grading, "software", own=0, superior=12)
    round_ = rounds.move_round(by=None, round_=grading.round, to="scoring", now=now())
    choices = {unit.pk: results.Choice("advanced")}
    with pytest.raises(BlockedError, match="相差 12 分，达到 10 分，请写明评分理由。"):
        results.propose_grades(by=None, round_=round_, choices=choices, now=now())
    unit = RoundUnit.objects.get(pk=unit.pk)
    sheet = unit.assessments.get(source__code="superior")
    sheets.save_scores(by=None, assessment=sheet, version=sheet.version, entries={}, now=now(), reason="台账缺三次记录")
    assert results.propose_grades(by=None, round_=round_, choices=choices, now=now())[0].state == "proposed"


def test_a_missing_source_keeps_a_grade_from_being_decided(grading):
    unit = grading.unit("software")
    fill(unit)
    round_ = rounds.move_round(by=None, round_=grading.round, to="scoring", now=now())
    choices = {unit.pk: results.Choice("good", "估计")}
    lacking = "软件工程教研室党支部：缺群众评议：还没有数据。缺年度考核：还没有数据。缺党总支考评"
    with pytest.raises(BlockedError, match=lacking):
        results.decide_grades(by=None, round_=round_, choices=choices, decision=BODY, now=now())
    with pytest.raises(BlockedError) as caught:
        rounds.move_round(by=None, round_=round_, to="deciding", now=now())
    assert caught.value.blockers[0].startswith("4 个支部缺支部自评：")
    assert "软件工程教研室党支部" not in caught.value.blockers[0]
    assert any(text.startswith("5 个支部没有调查摸底情况") for text in caught.value.blockers)


def test_to_the_end_and_frozen(scoring_round):
    round_ = scoring_round.round
    units = list(scoring_round.units.values())
    survey.record_visit(by=None, units=units, findings={}, now=now())
    round_ = rounds.move_round(by=None, round_=round_, to="deciding", now=now())
    choices = {unit.pk: results.Choice("advanced") for unit in units[:4]}
    results.decide_grades(by=None, round_=round_, choices=choices, decision=BODY, now=now())
    with pytest.raises(BlockedError, match="1 个支部还没有定级"):
        rounds.finalise(by=None, round_=round_, now=now())
    with pytest.raises(BlockedError, match="本轮不设公示"):
        rounds.move_round(by=None, round_=round_, to="publicity", now=now())
    last = {units[4].pk: results.Choice("advanced")}
    results.decide_grades(by=None, round_=round_, choices=last, decision=BODY, now=now())
    final = rounds.finalise(by=None, round_=round_, now=now())
    assert (final.state, Result.objects.filter(frozen_at__isnull=False).count()) == (Round.State.FINAL, 5)
    with pytest.raises(RefusedError, match="不能撤回"):
        results.withdraw(by=None, result=Result.objects.first(), reason="改", now=now())
    with pytest.raises(RefusedError, match="不能测算"):
        results.compute_round(by=None, round_=final, now=now())
    with pytest.raises(RefusedError, match="不再更新"):
        rounds.refresh_facts(by=None, unit=units[0])


def test_explaining_a_branch_before_and_after_its_decision(scoring_round):
    unit = scoring_round.unit("software")
    before = explain.explain(RoundUnit.objects.get(pk=unit.pk))
    assert before.headline == "综合 99.00 分，等级为先进。"
    assert [(line.name, line.score, line.weight, line.part) for line in before.sources] == [
        ("支部自评", "100.00", "20%", "20.000"),
        ("群众评议", "100.00", "20%", "20.000"),
        ("年度考核", "95.00", "20%", "19.000"),
        ("党总支考评", "100.00", "40%", "40.000"),
        ("综合", "", "100%", "99.000"),
    ]
    assert len([item for item in before.items if not item.is_section]) == 27
    assert [mark.label for mark in before.marks] == ["自评", "群众", "年度", "总支", "综合"]
    office = holder(Role.OFFICE, scoring_round.school.root)
    choices = {unit.pk: results.Choice("good", "台账不全")}
    results.decide_grades(by=office, round_=scoring_round.round, choices=choices, decision=BODY, now=now())
    result = Result.objects.get(unit=unit)
    after = explain.explain(RoundUnit.objects.get(pk=unit.pk), result)
    assert after.headline == "综合 99.00 分，分数够先进，等级为较好。"
    assert [(step.title, step.result, step.hit) for step in after.steps[-2:]] == [
        ("党总支拟定", "较好", True),
        ("总支委员会定级", "较好", True),
    ]
    assert after.steps[-1].text.startswith("人工调整：台账不全，")
    assert len(after.history) == 1
