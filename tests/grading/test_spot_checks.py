"""抽查: draws on record, inspectors named, what they reach, and how their score enters a round."""

from decimal import Decimal
from fractions import Fraction

import pytest
from django.db import IntegrityError, transaction

from branches import clock
from branches.models import Appointment, Branch, Role, RoleGrant
from branches.permissions import Action, scope
from branches.transitions import BlockedError
from grading import contents, draws
from grading.models import (
    Assessment,
    Exemption,
    Round,
    RoundUnit,
    Source,
    SpotCheck,
    SpotCheckDraw,
    SpotCheckInspector,
    SpotCheckRule,
)
from grading.services import results, rounds, sheets
from grading.services import spot_checks as service
from grading.services.errors import RefusedError
from grading.services.round_rules import copy_round
from tests.factories.branches import AppointmentFactory, holder
from tests.factories.grading import SourceFactory, fill, opened_round
from tests.factories.spot_checks import SpotCheckDrawFactory, SpotCheckFactory, SpotCheckRuleFactory
from tests.grading.pages import account
from tests.grading.steps import now
from tests.worlds import shared

D = Decimal
HALF = draws.Quota(D(50))


@shared
def grading():
    """An open round with a spot check of weight 20 (考评 20): 自评 of all, 考评 of software and chinese."""
    made = opened_round()
    Source.objects.filter(round=made.round, code="superior").update(weight=D(20))
    SourceFactory(round=made.round, code="spot_check", name="学校抽查", short_name="抽查", weight=D(20), ordinal=9)
    made.round = Round.objects.select_related("campaign").get(pk=made.round.pk)
    for name in ("software", "algebra", "chinese", "history", "direct"):
        fill(made.unit(name))
    fill(made.unit("software"), "superior", lose=4)
    fill(made.unit("chinese"), "superior", lose=9)
    return made


def plan(method="seed", quota=HALF, seed="20120910", **more):
    return service.DrawPlan(method, quota, seed, **more)


def drawn(grading, **more):
    return service.draw(by=None, round_=grading.round, plan=plan(**more), now=now())


def by_hand(grading, *names):
    picked = tuple(grading.unit(name).pk for name in names)
    record = drawn(grading, method="hand", reason="信访反映", picked=picked)
    return {check.unit.code: check for check in record.checks.all()}


def task_of(grading, name):
    return by_hand(grading, name)[grading.unit(name).code]


def inspector(grading, place="root"):
    return holder(Role.INSPECTOR, getattr(grading.school, place))


# --- drawing -----------------------------------------------------------------------------------------------------


def test_a_draw_keeps_what_repeats_it(grading):
    record = drawn(grading)
    # half of 2, of 2 and of 1, rounded up: one of each 党总支 and the direct branch
    assert record.checks.count() == 3
    assert len(record.population) == 5
    assert record.digest == draws.digest(record.population)
    codes = tuple(record.checks.order_by("place").values_list("unit__code", flat=True))
    assert service.repeat(record) == codes
    changed = [[code, "all", gap] for code, _, gap in record.population]
    SpotCheckDraw.objects.filter(pk=record.pk).update(population=changed)
    record.refresh_from_db()
    assert draws.digest(record.population) != record.digest


def test_what_was_drawn_is_not_drawn_again(grading):
    first = set(drawn(grading).checks.values_list("unit", flat=True))
    second = set(drawn(grading, quota=draws.Quota(D(100))).checks.values_list("unit", flat=True))
    assert first & second == set()
    assert len(first | second) == 5
    with pytest.raises(RefusedError, match="一个党支部也抽不到"):
        drawn(grading)


def test_the_widest_difference_is_drawn_first(grading):
    record = drawn(grading, method="difference", quota=draws.Quota(D(1), share=False, per_group=False))
    assert [check.unit for check in record.checks.all()] == [grading.unit("chinese")]  # 9 points, software 4
    kept = {code: gap for code, _, gap in record.population}
    assert kept[grading.unit("chinese").code] == "9"
    assert kept[grading.unit("algebra").code] is None


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"seed": "  "}, "请填写随机种子。"),
        ({"quota": draws.Quota(D(101))}, "比例应大于 0、不超过 100"),
        ({"method": "hand", "picked": (1,)}, "人工指定须写明理由。"),
    ],
)
def test_an_incomplete_plan_is_refused(grading, more, sentence):
    with pytest.raises(RefusedError, match=sentence):
        drawn(grading, **more)
    assert not SpotCheckDraw.objects.exists()


def test_a_closed_round_and_one_without_the_source_are_refused(grading):
    Round.objects.filter(pk=grading.round.pk).update(state="publicity")
    with pytest.raises(RefusedError, match="本轮现在是“公示”，不能抽取。"):
        drawn(grading)
    Source.objects.filter(round=grading.round, code="spot_check").delete()
    with pytest.raises(RefusedError, match="没有“学校抽查”这个来源"):
        drawn(grading)


def test_a_void_draw_stays_on_record_and_frees_its_branches(grading):
    office, someone = account(grading.school, "office"), inspector(grading)
    record = drawn(grading)
    service.assign(by=office, checks=record.checks.all(), accounts=[someone], now=now())
    with pytest.raises(RefusedError, match="作废须写明理由。"):
        service.void_draw(by=office, record=record, reason=" ", now=now())
    service.void_draw(by=office, record=record, reason="名单有误", now=now())
    assert (SpotCheck.objects.active().count(), record.checks.count()) == (0, 3)
    assert not SpotCheckInspector.objects.exists()
    assert not scope(someone, Action.VIEW_GRADING)
    assert drawn(grading).checks.count() == 3


def test_a_draw_that_is_being_scored_is_not_voided(grading):
    check = task_of(grading, "software")
    sheet = sheets.sheet_for(by=None, unit=check.unit, source=check.source)
    entries = {"A1": sheets.ScoreInput(D(1))}
    sheets.save_scores(by=None, assessment=sheet, version=sheet.version, entries=entries, now=now())
    with pytest.raises(RefusedError, match="已有 1 个党支部开始抽查评分"):
        service.void_draw(by=None, record=check.draw, reason="名单有误", now=now())


# --- inspectors --------------------------------------------------------------------------------------------------


def units_seen(someone):
    return set(RoundUnit.objects.within(scope(someone, Action.VIEW_GRADING)).values_list("code", flat=True))


def test_an_inspector_reaches_what_is_assigned_in_that_round_and_nothing_else(grading):
    office, someone = account(grading.school, "office"), inspector(grading)
    assert not scope(someone, Action.VIEW_GRADING)  # a member of the team, and no branch assigned
    tasks = by_hand(grading, "software", "history")
    software = grading.unit("software")
    service.assign(by=office, checks=[tasks[software.code]], accounts=[someone], now=now())
    fresh = type(someone).objects.get(pk=someone.pk)
    assert units_seen(fresh) == {software.code}
    reach = scope(fresh, Action.VIEW_GRADING)
    second = grading.round.campaign.rounds.get(ordinal=2)
    rounds.open_round(by=None, round_=second, now=now())
    assert RoundUnit.objects.filter(branch=software.branch).count() == 2
    assert [unit.round_id for unit in RoundUnit.objects.within(reach)] == [grading.round.pk]
    assert list(Round.objects.within(reach)) == [grading.round]
    assert list(Branch.objects.within(scope(fresh, Action.VIEW_BRANCHES))) == [software.branch]
    service.unassign(by=office, task=tasks[software.code], account=someone, now=now())
    assert not scope(type(someone).objects.get(pk=someone.pk), Action.VIEW_GRADING)


def test_a_grant_of_the_branch_without_a_task_shows_no_unit(grading):
    """The control: the grant alone is not what opens the round."""
    someone = inspector(grading, "software")
    assert scope(someone, Action.VIEW_GRADING)
    assert units_seen(someone) == set()


def test_a_secretary_who_also_inspects_keeps_the_own_branch(grading):
    office, secretary = account(grading.school, "office"), account(grading.school, "secretary")
    RoleGrant.objects.create(
        account=secretary, role=Role.INSPECTOR, node=grading.school.root, starts_on=clock.today(), granted_by=None
    )
    service.assign(by=office, checks=[task_of(grading, "history")], accounts=[secretary], now=now())
    fresh = type(secretary).objects.get(pk=secretary.pk)
    assert units_seen(fresh) == {grading.unit("software").code, grading.unit("history").code}


def test_nobody_inspects_a_branch_in_which_they_hold_office(grading):
    office, someone = account(grading.school, "office"), inspector(grading)
    AppointmentFactory(branch=grading.school.software, person=someone.person, post=Appointment.Post.COMMITTEE_MEMBER)
    tasks = by_hand(grading, "software", "history")
    with pytest.raises(RefusedError, match=f"{someone.get_full_name()}在.*任书记或支委，应当回避。"):
        service.assign(by=office, checks=tasks.values(), accounts=[someone], now=now())
    with pytest.raises(RefusedError, match="所选的人都要回避"):
        service.share_out(by=office, checks=tasks.values(), accounts=[someone], now=now())
    assert not SpotCheckInspector.objects.exists()
    second = inspector(grading)
    shared_out = service.share_out(by=office, checks=tasks.values(), accounts=[someone, second], now=now())
    assert shared_out == {someone.pk: 1, second.pk: 1}
    assert SpotCheckInspector.objects.get(account=someone).spot_check.unit == grading.unit("history")


def test_a_role_held_before_is_not_taken_away_with_the_task(grading):
    office, someone = account(grading.school, "office"), inspector(grading, "history")
    task = task_of(grading, "history")
    service.assign(by=office, checks=[task], accounts=[someone], now=now())
    service.assign(by=office, checks=[task], accounts=[someone], now=now())  # twice is once
    assert SpotCheckInspector.objects.get().grant is None
    service.unassign(by=office, task=task, account=someone, now=now())
    assert RoleGrant.objects.on(clock.today()).filter(account=someone).count() == 1


# --- the sheet ---------------------------------------------------------------------------------------------------


def test_a_complete_sheet_is_handed_in_only_by_submitting(grading):
    task = task_of(grading, "software")
    sheet = fill(task.unit, "spot_check", lose=6)
    assert (sheet.state, sheet.earned) == (Assessment.State.DRAFT, D(94))
    sheet = sheets.submit(by=None, assessment=sheet, now=now())
    with pytest.raises(RefusedError, match="学校抽查已提交，不能再改"):
        fill(task.unit, "spot_check", lose=7)
    sheets.return_sheet(by=None, assessment=sheet, reason="B2 与佐证不符", now=now())
    assert fill(task.unit, "spot_check", lose=7).earned == D(93)


def handed_in(task, lose):
    return sheets.submit(by=None, assessment=fill(task.unit, "spot_check", lose=lose), now=now())


def test_the_score_enters_with_its_weight_and_others_are_exempt(grading):
    handed_in(task_of(grading, "software"), 10)
    derived = results.derive(grading.round)
    spot = derived[grading.unit("software").pk].source("spot_check")
    assert (spot.score, spot.status) == (Fraction(90), "scored")
    other = derived[grading.unit("algebra").pk].source("spot_check")
    assert (other.status, other.reason) == ("exempt", "没有抽到")


def test_before_the_first_draw_nobody_is_exempt(grading):
    assert results.derive(grading.round)[grading.unit("algebra").pk].source("spot_check").status == "missing"


def test_branches_not_drawn_may_fall_under_the_missing_rule(grading):
    SpotCheckRuleFactory(round=grading.round, absent=SpotCheckRule.Absent.MISSING)
    task_of(grading, "software")
    found = results.derive(grading.round)[grading.unit("algebra").pk]
    assert found.source("spot_check").status == "missing"
    assert "缺学校抽查：没有抽到。" in found.blockers


def test_an_exemption_by_a_person_stands_before_the_draw(grading):
    task_of(grading, "software")
    unit = grading.unit("algebra")
    source = grading.round.sources.get(code="spot_check")
    Exemption.objects.create(unit=unit, source=source, reason="合并中", granted_at=now())
    assert results.derive(grading.round)[unit.pk].source("spot_check").reason == "合并中"


def test_the_spot_check_may_stand_for_the_superior(grading):
    SpotCheckRuleFactory(round=grading.round, effect=SpotCheckRule.Effect.REPLACE)
    task = task_of(grading, "software")
    before = results.derive(grading.round)[task.unit.pk].source("superior")
    assert (before.score, before.reason) == (Fraction(96), "")
    handed_in(task, 12)
    after = results.derive(grading.round)[task.unit.pk].source("superior")
    assert (after.score, after.reason) == (Fraction(88), "以学校抽查得分代替")


def test_the_rule_gives_the_round_a_new_version_until_a_grade_is_proposed(grading):
    service.set_rule(by=None, round_=grading.round, effect="replace", absent="missing")
    fresh = Round.objects.get(pk=grading.round.pk)
    assert (fresh.version, fresh.spot_check_rule.effect) == (grading.round.version + 1, "replace")
    with pytest.raises(RefusedError, match="没有这个选项。"):
        service.set_rule(by=None, round_=grading.round, effect="twice", absent="missing")


def test_deciding_waits_for_draw_and_sheets(grading):
    Round.objects.filter(pk=grading.round.pk).update(state="scoring")
    with pytest.raises(BlockedError, match="学校抽查占 20%，还没有抽取党支部。"):
        rounds.move_round(by=None, round_=Round.objects.get(pk=grading.round.pk), to="deciding", now=now())
    task = task_of(grading, "software")
    with pytest.raises(BlockedError, match=f"1 个支部的抽查还没有提交：{task.unit.name}。"):
        rounds.move_round(by=None, round_=Round.objects.get(pk=grading.round.pk), to="deciding", now=now())


def test_a_grade_waits_for_the_spot_check_of_a_branch_drawn(grading):
    Round.objects.filter(pk=grading.round.pk).update(state="scoring", missing="renormalise", divergence_points=99)
    round_ = Round.objects.get(pk=grading.round.pk)
    unit = task_of(grading, "software").unit
    choices = {unit.pk: results.Choice("advanced", "按会议意见")}
    with pytest.raises(BlockedError, match=f"{unit.name}：已抽中学校抽查，抽查评分还没有提交。"):
        results.propose_grades(by=None, round_=round_, choices=choices, now=now())
    fill(unit, "spot_check")
    sheets.submit(by=None, assessment=Assessment.objects.get(unit=unit, source__code="spot_check"), now=now())
    assert results.propose_grades(by=None, round_=round_, choices=choices, now=now())[0].state == "proposed"


# --- the database refuses ----------------------------------------------------------------------------------------

WRONG_DRAWS = {
    "draw_method_known": {"method": "lottery"},
    "draw_extent_known": {"extent": "street"},
    "draw_share_percent": {"value": D(101)},
    "draw_value_positive": {"value": D(0)},
    "draw_has_seed": {"seed": ""},
    "draw_by_hand_has_reason": {"method": "hand"},
    "draw_void_has_reason": {"voided_at": "2012-09-10T08:00:00Z"},
}


@pytest.mark.parametrize("name", WRONG_DRAWS)
def test_a_wrong_draw_is_refused(grading, name):
    source = grading.round.sources.get(code="spot_check")
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        SpotCheckDrawFactory(round=grading.round, source=source, **WRONG_DRAWS[name])


def test_ordinals_units_and_inspectors_are_once(grading):
    source = grading.round.sources.get(code="spot_check")
    one = SpotCheckDrawFactory(round=grading.round, source=source, ordinal=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        SpotCheckDrawFactory(round=grading.round, source=source, ordinal=1)
    check = SpotCheckFactory(draw=one, unit=grading.unit("software"))
    two = SpotCheckDrawFactory(round=grading.round, source=source, ordinal=2)
    with pytest.raises(IntegrityError), transaction.atomic():
        SpotCheckFactory(draw=one, unit=grading.unit("software"), active=False)
    with pytest.raises(IntegrityError), transaction.atomic():
        SpotCheckFactory(draw=two, unit=grading.unit("software"))
    SpotCheck.objects.filter(pk=check.pk).update(active=False)
    SpotCheckFactory(draw=two, unit=grading.unit("software"))
    someone = inspector(grading)
    SpotCheckInspector.objects.create(spot_check=check, account=someone, assigned_at=now())
    with pytest.raises(IntegrityError), transaction.atomic():
        SpotCheckInspector.objects.create(spot_check=check, account=someone, assigned_at=now())


@pytest.mark.parametrize(("name", "value"), [("effect", "double"), ("absent", "zero")])
def test_a_rule_of_an_unknown_word_is_refused(grading, name, value):
    with pytest.raises(IntegrityError, match=f"spot_rule_{name}_known"), transaction.atomic():
        SpotCheckRuleFactory(round=grading.round, **{name: value})


def test_a_copied_round_and_a_file_of_rules_keep_the_rule(grading):
    service.set_rule(by=None, round_=grading.round, effect="replace", absent="missing")
    content = contents.of_round(Round.objects.get(pk=grading.round.pk))
    assert content["spot_check"] == {"effect": "replace", "absent": "missing"}
    copied = copy_round(by=None, campaign=grading.round.campaign, source=grading.round, name="抄来的一轮")
    assert (copied.spot_check_rule.effect, copied.spot_check_rule.absent) == ("replace", "missing")
