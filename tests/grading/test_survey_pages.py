"""调查摸底 of both sides, and one visit recorded for several branches."""

import datetime as dt

import pytest

from branches import clock
from grading.models import Survey
from grading.services import survey as service
from tests.factories.grading import opened_round
from tests.grading.pages import account, page, recused_officer, text
from tests.worlds import shared

pytestmark = pytest.mark.db


grading = shared(opened_round)


@pytest.fixture
def unit(grading):
    return grading.unit("software")


def checks(unit, *findings, note=""):
    """Return posted findings, the first checks in order."""
    rows = list(unit.round.survey_checks.all())
    data = {f"finding-{row.pk}": finding for row, finding in zip(rows, findings, strict=False)}
    return data | ({f"note-{rows[len(findings) - 1].pk}": note} if note else {})


def findings(unit, side):
    rows = Survey.objects.get(unit=unit, by=side).findings.select_related("check_item").order_by("check_item__ordinal")
    return [(row.finding, row.note) for row in rows if row.finding]


def test_a_branch_surveys_itself(signed_in, grading, unit):
    client = signed_in(account(grading.school, "secretary"))
    grade = unit.round.scale.grades.get(label="较好")
    data = {"version": "0", "problems": "活动少\n记录不全", "target": str(grade.pk), "goal": "晋位较好"}
    response = client.post(page("survey", unit.pk), data | checks(unit, "good", "fair", "poor", note="制度未上墙"))
    assert response["Location"] == page("unit", unit.pk)
    saved = Survey.objects.get(unit=unit, by="branch")
    assert (saved.problems, saved.goal, saved.target, saved.measures) == ("活动少\n记录不全", "晋位较好", grade, "")
    assert findings(unit, "branch") == [("good", ""), ("fair", ""), ("poor", "制度未上墙")]
    line = client.get(page("unit", unit.pk)).context["branch_survey"]
    assert (line.state, line.fact) == ("填写中", "还缺 4 项")


def test_a_target_can_be_taken_back(signed_in, grading, unit):
    client = signed_in(account(grading.school, "secretary"))
    grade = unit.round.scale.grades.first()
    client.post(page("survey", unit.pk), {"version": "0", "target": str(grade.pk)})
    client.post(page("survey", unit.pk), {"version": "1", "target": ""})
    assert Survey.objects.get(unit=unit).target is None


def test_poor_without_a_note_is_refused_and_nothing_typed_is_lost(signed_in, grading, unit):
    client = signed_in(account(grading.school, "secretary"))
    data = {"version": "0", "problems": "活动少", "goal": "晋位"} | checks(unit, "good", "poor")
    response = client.post(page("survey", unit.pk), data)
    second = unit.round.survey_checks.all()[1]
    assert response.status_code == 422
    assert [fault.text for fault in response.context["errors"]] == [f"“{second.text}”填了“差”，请写明情况。"]
    rows = response.context["rows"]
    assert [row["finding"] for row in rows[:3]] == ["good", "poor", ""]
    assert rows[1]["error"] == f"“{second.text}”填了“差”，请写明情况。"
    assert response.context["texts"]["problems"] == "活动少"
    assert not Survey.objects.exists()


def test_the_party_above_sees_what_the_branch_wrote(signed_in, grading, unit):
    texts = {"problems": "活动少", "goal": "晋位", "measures": "每月一次"}
    first, *_ = unit.round.survey_checks.all()
    given = {first.code: service.FindingInput("good", "三会一课齐全")}
    service.save_survey(by=None, unit=unit, side="branch", version=0, findings=given, now=clock.now(), texts=texts)
    client = signed_in(account(grading.school, "officer"))
    shown = client.get(page("survey-side", unit.pk, "superior"))
    assert shown.context["texts"]["problems"] == "活动少"
    assert shown.context["rows"][0]["other"].note == "三会一课齐全"
    data = {"version": "0", "method": "座谈", "visited_on": "2012-03-20"} | checks(unit, "poor", note="只有一次")
    client.post(page("survey-side", unit.pk, "superior"), data)
    saved = Survey.objects.get(unit=unit, by="superior")
    assert (saved.method, saved.visited_on, saved.version) == ("座谈", dt.date(2012, 3, 20), 1)
    assert "不一致" in text(client.get(page("survey-side", unit.pk, "superior")))


def test_a_wrong_date_is_named(signed_in, grading, unit):
    client = signed_in(account(grading.school, "officer"))
    response = client.post(page("survey-side", unit.pk, "superior"), {"version": "0", "visited_on": "三月"})
    assert [fault.text for fault in response.context["errors"]] == ["走访日期请写成 2012-03-28 的样子。"]


def test_a_conflict_shows_both_texts_and_insisting_works(signed_in, grading, unit):
    save = {"unit": unit, "side": "branch", "findings": {}, "now": clock.now(), "by": None}
    service.save_survey(version=0, texts={"problems": "旧的"}, **save)
    service.save_survey(version=1, texts={"problems": "别人写的"}, **save)
    client = signed_in(account(grading.school, "secretary"))
    response = client.post(page("survey", unit.pk), {"version": "1", "problems": "我写的"})
    assert response.status_code == 409
    assert ("存在的主要问题", "我写的", "别人写的") in response.context["rows"]
    again = dict(response.context["keep"]) | {"version": str(response.context["version"])}
    assert client.post(page("survey", unit.pk), again).status_code == 302
    assert Survey.objects.get(unit=unit).problems == "我写的"


def test_only_the_own_side_is_written(signed_in, grading, unit):
    client = signed_in(account(grading.school, "secretary"))
    assert client.post(page("survey-side", unit.pk, "superior"), {"version": "0"}).status_code == 403
    assert client.get(page("survey-side", unit.pk, "superior")).context["why_not"]
    assert client.get(page("survey-side", unit.pk, "elsewhere")).status_code == 404


# --- one visit for several branches ------------------------------------------------------------------------------


def test_one_visit_is_recorded_for_the_chosen_branches(signed_in, grading):
    software, algebra = grading.unit("software"), grading.unit("algebra")
    client = signed_in(account(grading.school, "officer"))
    address = page("visit", grading.round.pk)
    shown = client.get(address)
    assert [unit.pk for unit in shown.context["form"].units] == [software.pk, algebra.pk]
    assert shown.context["form"].chosen == {software.pk, algebra.pk}
    data = checks(software, "good", "poor", note="缺支委一人") | {"method": "走访", "visited_on": "2012-03-21"}
    response = client.post(address, data | {"unit": [str(software.pk), str(algebra.pk)]})
    assert response["Location"] == f"{page('scoring-grid', grading.round.pk)}?parent={grading.school.maths.pk}"
    for unit in (software, algebra):
        assert findings(unit, "superior") == [("good", ""), ("poor", "缺支委一人")]
        assert unit.surveys.get().visited_on == dt.date(2012, 3, 21)
    client.post(address, checks(software, "", "good") | {"unit": str(software.pk)})
    assert findings(software, "superior") == [("good", ""), ("good", "")]
    assert findings(algebra, "superior") == [("good", ""), ("poor", "缺支委一人")]
    assert software.surveys.get().visited_on == dt.date(2012, 3, 21)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "请勾选这次走访的党支部。"),
        ({"unit": True}, "请至少填写一项检查内容。"),
        ({"unit": True, "finding": "poor"}, "“组织设置是否合理”填了“差”，请写明情况。"),
    ],
)
def test_a_visit_says_what_is_missing(signed_in, grading, unit, given, sentence):
    client = signed_in(account(grading.school, "officer"))
    data = {"unit": str(unit.pk)} if given.get("unit") else {}
    if finding := given.get("finding"):
        data |= checks(unit, finding)
    response = client.post(page("visit", grading.round.pk), data | {"method": "座谈"})
    assert (response.status_code, response.context["form"].method) == (422, "座谈")
    assert [fault.text for fault in response.context["errors"]] == [sentence]
    assert not Survey.objects.exists()


def test_a_visit_leaves_out_branches_somebody_stands_aside_from_and_other_peoples(signed_in, grading):
    client = signed_in(recused_officer(grading.school))
    shown = client.get(page("visit", grading.round.pk))
    assert [unit.code for unit in shown.context["form"].units] == [grading.school.algebra.code]
    foreign = [str(grading.unit("software").pk), str(grading.unit("chinese").pk)]
    data = checks(grading.unit("software"), "good") | {"unit": foreign}
    assert client.post(page("visit", grading.round.pk), data).status_code == 422
    assert not Survey.objects.exists()
