"""定级 and 拟定: choosing grades, reasons, bodies, taking back; the veto list; ticking off reasons."""

import datetime as dt
from decimal import Decimal as D  # noqa: N817

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from branches import clock
from grading.models import Assessment, Result, Round, RoundUnit, VetoReview
from grading.services import sheets, sources
from tests.factories.branches import AppointmentFactory
from tests.factories.grading import CapFactory, RoundStepFactory, fill, opened_round
from tests.grading.pages import account, page, recused_officer, text
from tests.worlds import shared

pytestmark = pytest.mark.db
BODY = {"body": "总支委员会", "met_on": "2012-03-30", "document_number": "数计总支〔2012〕3号"}


@shared
def grading():
    """A round in 评分: everything of both branches of maths is in; software 93 points, algebra 96."""
    opened = opened_round()
    for name, lose in (("software", 4), ("algebra", 1)):
        unit = opened.unit(name)
        fill(unit, lose=lose)
        fill(unit, "superior", lose=lose)
        counts = sources.CountInput(unit, 20, 20, 20, {"satisfied": 20})
        sources.record_counts(by=None, source=opened.source("appraisal"), rows=[counts], now=clock.now())
        annual = [sources.AnnualInput(unit, label="良好")]
        sources.record_annual(by=None, source=opened.source("annual"), rows=annual, now=clock.now())
        sources.review_vetoes(by=None, unit=unit, found={}, now=clock.now())
    Round.objects.filter(pk=opened.round.pk).update(state="scoring")
    return opened


@pytest.fixture
def officer(signed_in, grading):
    return signed_in(account(grading.school, "officer"))


def address(grading, group=None):
    return f"{page('decide', grading.round.pk)}?parent={group or grading.school.maths.pk}"


def choose(unit, grade, reason=""):
    code = unit.round.scale.grades.get(label=grade).code
    return {f"pick-{unit.pk}": "1", f"grade-{unit.pk}": code, f"reason-{unit.pk}": reason}


def lines(response):
    return {line.unit.code: line for line in response.context["lines"]}


def test_the_page_shows_what_is_computed(officer, grading):
    response = officer.get(address(grading))
    found = lines(response)
    software = found[grading.unit("software").code]
    # 96×20% + 100×20% + 85×20% + 96×40% = 94.6
    assert (software.derivation.composite.rounded, software.derivation.grade.label) == (D("94.60"), "先进")
    assert (software.open, software.blockers, software.reviewed) == (True, (), True)
    assert (response.context["deciding"], response.context["decision"]["body"]) == (True, "总支委员会")


def test_deciding_as_computed_needs_no_reason(officer, grading):
    unit = grading.unit("software")
    response = officer.post(address(grading), BODY | choose(unit, "先进"), follow=True)
    assert "已定级 1 个党支部。" in text(response)
    result = Result.objects.get(unit=unit)
    assert (result.state, result.decided_grade.label, result.manual) == ("decided", "先进", False)
    assert (result.body, result.met_on, result.document_number) == (
        "总支委员会", dt.date(2012, 3, 30), "数计总支〔2012〕3号",
    )  # fmt: skip
    assert Result.objects.get(unit=grading.unit("algebra")).state == "computed"


def test_a_change_by_hand_needs_its_reason(officer, grading):
    unit = grading.unit("software")
    response = officer.post(address(grading), BODY | choose(unit, "较好"))
    assert response.status_code == 422
    assert [fault.text for fault in response.context["errors"]] == [
        f"{unit.name}：测算为“先进”，改为“较好”，须写明理由。"
    ]
    line = lines(response)[unit.code]
    assert (line.error, line.chosen) == ("须写明理由", unit.round.scale.grades.get(label="较好").code)
    assert {code: one.picked for code, one in lines(response).items()} == {"SJ001": True, "SJ002": False}
    assert not Result.objects.filter(state="decided").exists()
    officer.post(address(grading), BODY | choose(unit, "较好", "书记刚换届"))
    result = Result.objects.get(unit=unit)
    assert (result.decided_grade.label, result.computed_grade.label) == ("较好", "先进")
    assert (result.manual, result.manual_reason) == (True, "书记刚换届")
    assert "人工" in text(officer.get(address(grading)))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"body": " "}, "定级须写明决定机构。"),
        ({"met_on": "三月"}, "会议日期请写成 2012-03-30 的样子。"),
        ({"met_on": "2999-01-01"}, "会议日期不能晚于今天。"),
    ],
)
def test_the_decision_itself_must_be_named(officer, grading, given, sentence):
    response = officer.post(address(grading), BODY | given | choose(grading.unit("software"), "先进"))
    assert (response.status_code, [fault.text for fault in response.context["errors"]]) == (422, [sentence])
    assert response.context["decision"]["document_number"] == "数计总支〔2012〕3号"
    assert not Result.objects.filter(state="decided").exists()


def test_nothing_picked(officer, grading):
    response = officer.post(address(grading), BODY)
    assert [fault.text for fault in response.context["errors"]] == ["请先勾选要定级的党支部。"]


def test_a_branch_that_lacks_something_cannot_be_picked(officer, grading):
    unit = grading.unit("software")
    unit.appraisals.all().delete()
    response = officer.get(address(grading))
    assert lines(response)[unit.code].blockers == ("缺群众评议：还没有数据。",)
    assert f'name="pick-{unit.pk}"' not in response.content.decode()
    response = officer.post(address(grading), BODY | choose(unit, "先进"))
    assert [fault.text for fault in response.context["errors"]] == [f"{unit.name}：缺群众评议：还没有数据。"]


def test_taking_a_decision_back_wants_a_reason(officer, grading):
    unit = grading.unit("software")
    officer.post(address(grading), BODY | choose(unit, "较好", "书记刚换届"))
    assert [line.unit.pk for line in officer.get(address(grading)).context["withdrawable"]] == [unit.pk]
    response = officer.post(page("withdraw", unit.pk), {"reason": ""}, follow=True)
    assert "撤回定级须写明理由。" in text(response)
    response = officer.post(page("withdraw", unit.pk), {"reason": "补交材料"}, follow=True)
    assert response.redirect_chain == [(address(grading), 302)]
    result = Result.objects.get(unit=unit)
    assert (result.state, result.decided_grade, result.manual, result.body) == ("computed", None, False, "")


def test_nobody_decides_for_the_own_branch(signed_in, grading):
    client = signed_in(recused_officer(grading.school))
    unit = grading.unit("software")
    found = lines(client.get(address(grading)))
    assert (found[unit.code].open, found[grading.school.algebra.code].open) == (False, True)
    response = client.post(address(grading), BODY | choose(unit, "先进"))
    assert [fault.text for fault in response.context["errors"]] == ["请先勾选要定级的党支部。"]
    assert client.post(page("veto-review", unit.pk), {}).status_code == 403


@pytest.mark.parametrize("name", ["organiser", "secretary", "leader"])
def test_others_only_look(signed_in, grading, name):
    client = signed_in(account(grading.school, name))
    assert client.get(address(grading)).status_code == 200
    assert client.post(address(grading), BODY | choose(grading.unit("software"), "先进")).status_code == 403


def test_above_decides_what_the_party_below_proposes(signed_in, grading):
    Round.objects.filter(pk=grading.round.pk).update(deciding_level="committee")
    RoundStepFactory(round=grading.round, ordinal=90, code="propose", name="党总支拟定")
    unit = grading.unit("software")
    officer = signed_in(account(grading.school, "officer"))
    assert officer.get(address(grading)).context["deciding"] is False
    officer.post(address(grading), choose(unit, "先进"))
    result = Result.objects.get(unit=unit)
    assert (result.state, result.proposed_grade.label, result.decided_grade) == ("proposed", "先进", None)
    Round.objects.filter(pk=grading.round.pk).update(state="deciding")
    grading.round.refresh_from_db()
    shown = officer.get(address(grading))
    assert lines(shown)[unit.code].why_not == "本轮等级由党委审定，党总支只拟定。"
    office = signed_in(account(grading.school, "office"))
    office.post(address(grading), BODY | {"body": "党委会"} | choose(unit, "先进"))
    result.refresh_from_db()
    assert (result.state, result.decided_grade.label, result.body) == ("decided", "先进", "党委会")


def test_without_a_step_of_proposing_the_committee_alone_names_grades(signed_in, grading):
    Round.objects.filter(pk=grading.round.pk).update(deciding_level="committee")
    unit = grading.unit("software")
    officer = signed_in(account(grading.school, "officer"))
    shown = officer.get(address(grading))
    assert "拟定" not in text(shown)
    assert lines(shown)[unit.code].why_not == "本轮等级由党委审定。"
    office = signed_in(account(grading.school, "office"))
    assert lines(office.get(address(grading)))[unit.code].why_not == "转入审定后定级"
    refused = office.post(address(grading), BODY | choose(unit, "先进"))
    assert [fault.text for fault in refused.context["errors"]] == ["请先勾选要定级的党支部。"]
    assert "拟定等级" not in text(office.get(page("round", grading.round.pk)))
    Round.objects.filter(pk=grading.round.pk).update(state="deciding")
    assert office.post(address(grading), BODY | choose(unit, "先进")).status_code == 302
    assert Result.objects.get(unit=unit).decided_grade.label == "先进"


def test_a_tie_names_every_branch_on_the_line_and_is_said_to_be_settled_by_people(officer, grading):
    round_ = grading.round
    round_.sources.filter(code__in=["self", "superior"]).update(weight=0)
    round_.sources.filter(code__in=["appraisal", "annual"]).update(weight=50)  # both 100×50% + 85×50% = 92.5
    round_.caps.all().delete()
    best = round_.scale.grades.get(rank=1)
    CapFactory(round=round_, grade=best, measure="number", value=1, extent="group", mode="enforced")
    software, algebra = grading.unit("software"), grading.unit("algebra")
    choices = choose(software, "先进") | choose(algebra, "较好")
    said = [fault.text for fault in officer.post(address(grading), BODY | choices).context["errors"]]
    assert said == [
        f"{software.name}：与{algebra.name}处在同分线上，须由人确定并写明理由。",
        f"{algebra.name}：测算为“先进”，改为“较好”，须写明理由。",
    ]
    reasons = {f"reason-{software.pk}": "群众基础更好", f"reason-{algebra.pk}": "名额一个，评议靠后"}
    assert officer.post(address(grading), BODY | choices | reasons).status_code == 302
    told = text(officer.get(page("explain", software.pk)))
    assert "处在同分线上，由人确定：群众基础更好" in told
    assert "与测算一致" not in told


# --- the whole school at once ------------------------------------------------------------------------------------


def school(grading, **query):
    return page("decide", grading.round.pk) + ("?parent=all" if not query else f"?parent={query['parent']}")


@pytest.fixture
def office(signed_in, grading):
    """The office in a round in which the committee decides without proposals, now in 审定."""
    Round.objects.filter(pk=grading.round.pk).update(deciding_level="committee", state="deciding")
    return signed_in(account(grading.school, "office"))


def test_a_committee_decides_the_whole_school_with_one_meeting(office, grading):
    shown = office.get(page("decide", grading.round.pk))
    assert (shown.context["chosen"], shown.context["here"]) == ("all", "全校")
    assert [(name, len(members)) for name, members in shown.context["groups"]] == [
        ("数学与计算机科学学院党总支", 2), ("文学与历史学院党总支", 2), ("直属党支部", 1),
    ]  # fmt: skip
    assert "全校（5）" in text(shown)
    units = [grading.unit("software"), grading.unit("algebra")]
    posted = BODY | {"body": "党委会"} | choose(units[0], "先进") | choose(units[1], "较好", "支委会换届")
    done = office.post(school(grading), posted)
    assert (done.status_code, done.url) == (302, school(grading))
    rows = Result.objects.filter(state="decided").order_by("unit__code")
    assert [(row.unit_id, row.decided_grade.label, row.body) for row in rows] == [
        (units[0].pk, "先进", "党委会"), (units[1].pk, "较好", "党委会"),
    ]  # fmt: skip
    back = office.post(f"{page('withdraw', units[0].pk)}?parent=all", {"reason": "补交材料"})
    assert back.url == school(grading)
    assert office.get(school(grading, parent="direct")).context["here"] == "直属党支部"


def test_the_same_meeting_is_typed_once_for_several_parties(office, grading):
    """Each 党总支 on a page of its own: the committee's last record stands there and may be typed over."""
    nothing = {"body": "党委会", "met_on": "", "document_number": "", "again": False}
    assert office.get(school(grading, parent=grading.school.letters.pk)).context["decision"] == nothing
    met = BODY | {"body": "党委常委会"}
    office.post(school(grading, parent=grading.school.maths.pk), met | choose(grading.unit("software"), "先进"))
    for place in (grading.school.letters.pk, "direct"):
        assert office.get(school(grading, parent=place)).context["decision"] == met | {"again": True}
    assert "已照上一次定级填好" in text(office.get(school(grading, parent=grading.school.maths.pk)))
    assert office.get(page("review", grading.round.pk)).context["decision"] == met | {"again": True}


def test_a_party_that_decides_begins_with_its_own_last_meeting_and_with_no_other(officer, grading, signed_in):
    officer.post(address(grading), BODY | choose(grading.unit("software"), "先进"))
    assert officer.get(address(grading)).context["decision"] == BODY | {"again": True}
    office = signed_in(account(grading.school, "office"))
    fields = {group: office.get(address(grading, group)).context["decision"]
              for group in (grading.school.letters.pk, "direct")}  # fmt: skip
    assert fields[grading.school.letters.pk] == {
        "body": "总支委员会",
        "met_on": "",
        "document_number": "",
        "again": False,
    }
    assert fields["direct"]["body"] == "党委会"


def test_one_branch_that_cannot_be_decided_keeps_the_whole_school_as_it_was(office, grading):
    posted = BODY | choose(grading.unit("software"), "先进") | choose(grading.unit("algebra"), "较好")
    refused = office.post(school(grading), posted)
    assert [fault.text for fault in refused.context["errors"]] == [
        f"{grading.unit('algebra').name}：测算为“先进”，改为“较好”，须写明理由。"
    ]
    assert refused.context["decision"]["document_number"] == BODY["document_number"]
    assert not Result.objects.filter(state="decided").exists()


def test_a_cap_of_the_whole_school_is_told_once_and_one_of_a_party_with_its_name(office, grading):
    round_ = grading.round
    round_.caps.all().delete()
    best = round_.scale.grades.get(rank=1)
    CapFactory(round=round_, grade=best, measure="number", value=1, extent="round", mode="enforced")
    CapFactory(round=round_, grade=best, measure="number", value=0, extent="group", mode="warning")
    shown = office.get(school(grading))
    software, algebra = (lines(shown)[grading.unit(name).code] for name in ("software", "algebra"))
    # one place: algebra has 96.4 points, software 94.6 and goes down by one
    assert (algebra.derivation.grade.label, software.derivation.grade.label) == ("先进", "较好")
    said = text(shown)
    assert said.count("全校先进最多 1 个") == 1
    assert "数学与计算机科学学院党总支：先进最多 0 个" in said


def test_whoever_belongs_to_a_branch_stands_aside_for_it_in_the_whole_school_too(signed_in, office, grading):
    member = account(grading.school, "office")
    AppointmentFactory(branch=grading.school.software, person=member.person, post="committee_member")
    office = signed_in(member)
    found = lines(office.get(school(grading)))
    unit = grading.unit("software")
    assert (found[unit.code].open, found[unit.code].why_not) == (False, "您在该党支部任书记或支委，按规定应当回避。")
    assert found[grading.unit("algebra").code].open
    office.post(school(grading), BODY | choose(unit, "先进") | choose(grading.unit("algebra"), "先进"))
    assert list(Result.objects.filter(state="decided").values_list("unit__code", flat=True)) == ["SJ002"]


@pytest.mark.parametrize("name", ["officer", "leader"])
def test_only_a_committee_has_the_whole_school(signed_in, office, grading, name):
    client = signed_in(account(grading.school, name))
    shown = client.get(school(grading))
    assert (shown.context["whole"], "全校（" in text(shown)) == (False, False)
    assert client.post(school(grading), BODY | choose(grading.unit("software"), "先进")).status_code in (403, 422)
    assert not Result.objects.filter(state="decided").exists()


def test_a_party_that_decides_itself_has_no_whole_school(signed_in, grading):
    client = signed_in(account(grading.school, "office"))
    assert client.get(school(grading)).context["whole"] is False
    refused = client.post(school(grading), BODY | choose(grading.unit("software"), "先进"))
    assert [fault.text for fault in refused.context["errors"]] == ["现在不能全校一起定级，请按党总支办理。"]


def test_the_whole_school_asks_as_often_for_five_branches_as_for_two(office, grading, django_assert_num_queries):
    office.get(school(grading))
    with CaptureQueriesContext(connection) as five:
        assert len(lines(office.get(school(grading)))) == 5
    keep = [grading.unit("software").pk, grading.unit("chinese").pk]
    RoundUnit.objects.filter(round=grading.round).exclude(pk__in=keep).update(graded=False, not_graded_reason="新成立")
    with django_assert_num_queries(len(five)):
        shown = office.get(school(grading))
    assert (len(lines(shown)), len(shown.context["left_out"])) == (2, 3)
    assert f"本轮不定级 3 个：{grading.unit('algebra').name}（新成立）、" in text(shown)


def test_vetoes_nobody_went_through_are_counted_above_the_button(office, grading):
    assert "还没有核对一票否决" not in text(office.get(school(grading)))
    VetoReview.objects.all().delete()
    said = text(office.get(school(grading)))
    first = grading.unit("software")
    assert f"2 个支部还没有核对一票否决，定级时按未发生处理。 从{first.name}开始核对" in said
    saved = office.post(f"{page('veto-review', first.pk)}?parent=all", {})
    assert saved.url == school(grading)
    assert "1 个支部还没有核对一票否决" in text(office.get(school(grading)))
    grading.round.veto_items.all().delete()
    assert "还没有核对一票否决" not in text(office.get(school(grading)))


# --- explanation -------------------------------------------------------------------------------------------------


def test_the_explanation_names_every_part(officer, grading):
    unit = grading.unit("software")
    sheet = Assessment.objects.get(unit=unit, source__code="superior")
    sheets.save_scores(
        by=None, assessment=sheet, version=sheet.version, entries={}, now=clock.now(), reason="会议记录缺一次"
    )
    officer.post(address(grading), BODY | choose(unit, "较好", "书记刚换届"))
    response = officer.get(page("explain", unit.pk))
    said = text(response)
    for words in ("94.60", "96×20%", "会议记录缺一次", "书记刚换届", "20 / 20 / 20 票", "定级（总支委员会，"):
        assert words in said
    assert response.context["result"].decided_grade.label == "较好"


# --- the veto list -----------------------------------------------------------------------------------------------


def veto(unit, code):
    return unit.round.veto_items.get(code=code)


def test_an_established_veto_forces_the_grade(officer, grading):
    unit = grading.unit("software")
    fraud = veto(unit, "fraud")
    response = officer.post(
        page("veto-review", unit.pk), {f"found-{fraud.pk}": "1", f"note-{fraud.pk}": "督查通报第3期"}, follow=True
    )
    assert "已核对一票否决情形，认定 1 项。" in text(response)
    assert [(row.item.code, row.note) for row in unit.vetoes.all()] == [("fraud", "督查通报第3期")]
    line = lines(officer.get(address(grading)))[unit.code]
    assert (line.derivation.grade.label, line.flags) == ("后进", ("否决",))
    assert "有认定" in text(officer.get(page("unit", unit.pk)))
    headline = officer.get(page("explain", unit.pk)).context["explanation"].headline
    assert headline == "综合 94.60 分，分数够先进，一票否决：材料造假，等级为后进。"
    response = officer.post(page("veto-review", unit.pk), {}, follow=True)
    assert "已核对一票否决情形，均未发生。" in text(response)
    assert not unit.vetoes.exists()


@pytest.mark.parametrize(
    ("found", "note", "sentence"),
    [
        (True, " ", "“材料造假”请写明依据。"),
        (False, "督查通报", "“材料造假”写了依据，请勾选“发生”；没有发生的请清空依据。"),
    ],
)
def test_half_a_finding_is_refused_and_kept(officer, grading, found, note, sentence):
    unit = grading.unit("software")
    VetoReview.objects.filter(unit=unit).delete()
    fraud = veto(unit, "fraud")
    data = {f"note-{fraud.pk}": note} | ({f"found-{fraud.pk}": "1"} if found else {})
    response = officer.post(page("veto-review", unit.pk), data)
    assert response.status_code == 422
    assert [fault.text for fault in response.context["errors"]] == [sentence]
    line = next(one for one in response.context["lines"] if one.item == fraud)
    assert (line.found, line.note) == (found, note.strip())
    assert not VetoReview.objects.filter(unit=unit).exists()
    assert "核对一票否决" in text(officer.get(address(grading)))


def test_a_proposed_grade_stands_on_its_review(officer, grading):
    unit = grading.unit("software")
    officer.post(address(grading), BODY | choose(unit, "先进"))
    response = officer.post(page("veto-review", unit.pk), {})
    (fault,) = response.context["errors"]
    assert fault.text == "该支部的等级已拟定或已定；确需改动的，请党总支或活动办公室先撤回。"


# --- reasons of large differences --------------------------------------------------------------------------------


def test_the_office_ticks_off_the_reason_of_a_large_difference(signed_in, grading):
    Round.objects.filter(pk=grading.round.pk).update(deciding_level="committee")
    unit = grading.unit("software")
    sheet = fill(unit, "superior", lose=16)
    sheets.save_scores(by=None, assessment=sheet, version=sheet.version, entries={}, now=clock.now(), reason="记录不全")
    officer = signed_in(account(grading.school, "officer"))
    assert officer.get(address(grading)).context["checkable"] == []
    assert officer.post(page("check-reason", unit.pk)).status_code == 403
    office = signed_in(account(grading.school, "office"))
    shown = office.get(address(grading))
    assert [line.unit.pk for line in shown.context["checkable"]] == [unit.pk]
    response = office.post(page("check-reason", unit.pk), follow=True)
    assert f"已核对{unit.name}的评分理由。" in text(response)
    assert Assessment.objects.get(pk=sheet.pk).reason_checked_at is not None
    assert "（已核对）" in text(response)
    Assessment.objects.filter(pk=sheet.pk).update(reason="")
    response = office.post(page("check-reason", unit.pk), follow=True)
    assert "还没有写明评分理由，不能核对。" in text(response)
