"""Large differences: listed with their reasons, ticked off in place by the office, in both deciding levels."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from branches import clock
from branches.models import Appointment
from branches.transitions import BlockedError
from grading.models import Assessment, Result, Round
from grading.services import results, sheets
from tests.factories.branches import AppointmentFactory
from tests.factories.grading import RoundStepFactory, opened_round
from tests.grading.pages import account, page, text
from tests.grading.steps import BODY, complete, now
from tests.worlds import shared

WIDE = {"own": 0, "superior": 16}  # 100 and 84: sixteen points apart, one grade


@shared
def grading():
    """software and history differ by 16 points, algebra by 4; a difference of 10 wants a reason."""
    made = opened_round()
    complete(made, "software", **WIDE)
    complete(made, "history", **WIDE)
    complete(made, "algebra", own=0, superior=4)
    Round.objects.filter(pk=made.round.pk).update(state="scoring")
    made.round = Round.objects.select_related("campaign", "scale").get(pk=made.round.pk)
    return made


def explain_it(grading, name, reason="材料不全，按佐证计分"):
    sheet = Assessment.objects.get(unit=grading.unit(name), source__code="superior")
    return sheets.save_scores(
        by=None, assessment=sheet, version=sheet.version, entries={}, now=clock.now(), reason=reason
    )


def decide(grading, name, grade="good"):
    unit = grading.unit(name)
    choices = {unit.pk: results.Choice(grade, "按会议意见")}
    return results.decide_grades(by=None, round_=grading.round, choices=choices, decision=BODY, now=now())


def tick(grading, name):
    sheet = Assessment.objects.get(unit=grading.unit(name), source__code="superior")
    sheets.check_reason(by=None, assessment=sheet, now=now())


@pytest.mark.parametrize("level", ["general_branch", "committee"])
def test_a_decision_waits_for_the_reason_and_the_tick(grading, level):
    Round.objects.filter(pk=grading.round.pk).update(deciding_level=level)
    grading.round.refresh_from_db()
    with pytest.raises(BlockedError, match="支部自评与党总支考评相差 16 分，达到 10 分，请写明评分理由。"):
        decide(grading, "software")
    explain_it(grading, "software")
    waiting = f"{grading.unit('software').name}：自评与考评差异较大，活动办公室还没有核对评分理由。"
    with pytest.raises(BlockedError, match=waiting):
        decide(grading, "software")
    tick(grading, "software")
    decide(grading, "software")
    assert Result.objects.get(unit=grading.unit("software")).state == "decided"


def test_a_proposal_needs_the_reason_and_not_yet_the_tick(grading):
    Round.objects.filter(pk=grading.round.pk).update(deciding_level="committee")
    RoundStepFactory(round=grading.round, ordinal=90, code="propose", name="党总支拟定")
    grading.round.refresh_from_db()
    unit = grading.unit("software")
    choices = {unit.pk: results.Choice("good", "按会议意见")}
    with pytest.raises(BlockedError):
        results.propose_grades(by=None, round_=grading.round, choices=choices, now=now())
    explain_it(grading, "software")
    results.propose_grades(by=None, round_=grading.round, choices=choices, now=now())
    with pytest.raises(BlockedError, match="还没有核对评分理由"):
        decide(grading, "software")
    tick(grading, "software")
    decide(grading, "software")


def test_what_stands_in_the_way_of_several_branches_is_said_at_once_with_their_names(grading):
    units = [grading.unit(name) for name in ("software", "history", "algebra")]
    choices = {unit.pk: results.Choice("good", "按会议意见") for unit in units}
    with pytest.raises(BlockedError) as refused:
        results.decide_grades(by=None, round_=grading.round, choices=choices, decision=BODY, now=now())
    wide = "支部自评与党总支考评相差 16 分，达到 10 分，请写明评分理由。"
    assert sorted(refused.value.blockers) == sorted(f"{unit.name}：{wide}" for unit in units[:2])
    assert not Result.objects.filter(state="decided").exists()  # and the third is not decided either


def test_a_new_reason_takes_the_tick_back(grading):
    explain_it(grading, "software")
    tick(grading, "software")
    explain_it(grading, "software", "另有情况")
    with pytest.raises(BlockedError, match="还没有核对评分理由"):
        decide(grading, "software")


def test_a_difference_in_grades_alone_is_flagged(grading):
    Round.objects.filter(pk=grading.round.pk).update(divergence_points=50, divergence_grades=1)
    grading.round.refresh_from_db()
    derived = results.derive(Round.objects.get(pk=grading.round.pk))
    flags = derived[grading.unit("software").pk].divergence.flags
    assert flags == ("支部自评与党总支考评相差 1 个等级。",)


# --- the page ----------------------------------------------------------------------------------------------------


def test_the_list_shows_the_flagged_and_the_office_ticks_off_in_place(signed_in, grading):
    explain_it(grading, "software")
    client = signed_in(account(grading.school, "office"))
    response = client.get(page("divergences", grading.round.pk))
    lines = {line.unit.code: line for line in response.context["lines"]}
    assert set(lines) == {grading.unit("software").code, grading.unit("history").code}
    software = lines[grading.unit("software").code]
    assert (software.gap, software.grades, software.state, software.checkable) == (-16, 1, "written", True)
    assert lines[grading.unit("history").code].state == "open"
    assert "核对差异理由" in text(client.get("/"))
    answer = client.post(page("divergence-tick", software.unit.pk), headers={"HX-Request": "true"})
    assert "已核对" in text(answer)
    assert "核对差异理由" not in text(client.get("/"))
    plain = client.post(page("divergence-tick", grading.unit("history").pk), follow=True)
    assert "还没有写明" in text(plain)


def test_a_general_branch_reads_its_own_and_does_not_tick(signed_in, grading):
    explain_it(grading, "software")
    client = signed_in(account(grading.school, "officer"))
    response = client.get(page("divergences", grading.round.pk))
    assert [line.unit.code for line in response.context["lines"]] == [grading.unit("software").code]
    assert not response.context["lines"][0].checkable
    assert client.post(page("divergence-tick", grading.unit("software").pk)).status_code == 403
    assert client.post(page("divergence-tick", grading.unit("history").pk)).status_code == 404


def test_who_holds_office_in_the_branch_does_not_tick(signed_in, grading):
    explain_it(grading, "software")
    office = account(grading.school, "office")
    AppointmentFactory(branch=grading.school.software, person=office.person, post=Appointment.Post.COMMITTEE_MEMBER)
    client = signed_in(office)
    assert client.post(page("divergence-tick", grading.unit("software").pk)).status_code == 403


def test_empty_lists_say_why(signed_in, grading):
    client = signed_in(account(grading.school, "office"))
    Round.objects.filter(pk=grading.round.pk).update(divergence_points=90, divergence_grades=9)
    assert "没有差异较大的党支部" in text(client.get(page("divergences", grading.round.pk)))
    Round.objects.filter(pk=grading.round.pk).update(compare_first="", compare_second="")
    assert "本轮不比较差异" in text(client.get(page("divergences", grading.round.pk)))


def test_the_number_of_questions_does_not_grow(signed_in, grading):
    client = signed_in(account(grading.school, "office"))
    address = page("divergences", grading.round.pk)
    Round.objects.filter(pk=grading.round.pk).update(divergence_points=10)
    client.get(address)
    with CaptureQueriesContext(connection) as two:
        client.get(address)
    Round.objects.filter(pk=grading.round.pk).update(divergence_points=1)
    with CaptureQueriesContext(connection) as three:
        response = client.get(address)
    assert len(response.context["lines"]) == 3
    assert len(two) == len(three)
