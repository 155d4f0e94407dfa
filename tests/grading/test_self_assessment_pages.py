"""The form of 支部自评: what is saved, what is refused and kept, who may do what."""

import datetime as dt
from decimal import Decimal as D  # noqa: N817

import pytest
import time_machine

from branches import clock, drafts
from branches.models import AuditEntry, Draft
from grading.models import Assessment, Criterion
from grading.services import sheets
from tests.factories.grading import fill, opened_round
from tests.grading.pages import account, all_points, item, page, points, text
from tests.worlds import shared

pytestmark = pytest.mark.db


grading = shared(opened_round)


@pytest.fixture
def unit(grading):
    return grading.unit("software")


@pytest.fixture
def secretary(grading):
    return account(grading.school, "secretary")


def sheet_of(unit):
    return Assessment.objects.get(unit=unit, source__code="self")


def stored(unit):
    rows = sheet_of(unit).scores.exclude(points=None, remark="", not_applicable=False)
    return {score.criterion.code: (score.points, score.remark) for score in rows.select_related("criterion")}


def test_saving_keeps_what_was_filled_and_nothing_else(signed_in, unit, secretary):
    data = points(unit, A1="1.5", A2="２") | {f"remark-{item(unit, 'A1').pk}": "换届批复"}
    response = signed_in(secretary).post(page("self-assessment", unit.pk), {"version": "0", "do": "save"} | data)
    assert (response.status_code, response["Location"]) == (302, page("self-assessment", unit.pk))
    sheet = sheet_of(unit)
    assert (sheet.state, sheet.partial, sheet.answered, sheet.entered_on_behalf) == ("draft", D("3.50"), 2, False)
    assert stored(unit) == {"A1": (D("1.50"), "换届批复"), "A2": (D("2.00"), "")}
    shown = signed_in(secretary).get(page("self-assessment", unit.pk))
    assert shown.context["version"] == sheet.version == 2
    assert "支部自评已保存。" in text(shown)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("3.5", "A1 分数不能超过 2 分。"),
        ("1.3", "A1 分数要按 0.5 分一档填写。"),
        ("-1", "A1 分数不能小于 0。"),
        ("很好", "A1 “很好”不是数字，请填分数，如 1.0。"),
        ("NaN", "A1 “NaN”不是数字，请填分数，如 1.0。"),
    ],
)
def test_wrong_points_are_named_and_stay_in_their_field(signed_in, unit, secretary, typed, sentence):
    data = points(unit, A1=typed, A2="1.5") | {f"remark-{item(unit, 'A2').pk}": "办理记录"}
    response = signed_in(secretary).post(page("self-assessment", unit.pk), {"version": "0", "do": "save"} | data)
    assert response.status_code == 422
    assert [fault.text for fault in response.context["errors"]] == [sentence]
    assert response.context["errors"][0].target == f"id_points-{item(unit, 'A1').pk}"
    kept = {one.criterion.code: (one.shown, one.remark) for one in response.context["sheet"].items}
    assert (kept["A1"], kept["A2"]) == ((typed, ""), ("1.5", "办理记录"))
    assert not Assessment.objects.filter(unit=unit).exists()


def test_an_emptied_field_stays_empty_beside_a_wrong_one(signed_in, unit, secretary):
    client = signed_in(secretary)
    client.post(page("self-assessment", unit.pk), {"version": "0", "do": "save"} | points(unit, A1="1", A2="1"))
    response = client.post(page("self-assessment", unit.pk), {"version": "2"} | points(unit, A1="9", A2=""))
    kept = {one.criterion.code: one.shown for one in response.context["sheet"].items}
    assert (kept["A1"], kept["A2"]) == ("9", "")


def test_submitting_an_unfinished_sheet_says_what_is_open_and_keeps_the_rest(signed_in, unit, secretary):
    data = {"version": "0", "do": "submit"} | all_points(unit) | points(unit, C4="", E2="")
    response = signed_in(secretary).post(page("self-assessment", unit.pk), data)
    assert response.status_code == 422
    assert [fault.text for fault in response.context["errors"]] == ["还有 2 项没有打分：C4、E2。"]
    assert "没能提交，有 1 处要改" in text(response)
    sheet = sheet_of(unit)
    assert (sheet.state, sheet.version, response.context["version"]) == ("draft", 2, 2)
    assert len(stored(unit)) == Criterion.objects.filter(section__rubric=unit.rubric_id).count() - 2


def test_submitting_needs_the_evidence_an_item_wants(signed_in, unit, secretary):
    Criterion.objects.filter(section__rubric=unit.rubric_id, code="C4").update(evidence_required=True)
    response = signed_in(secretary).post(
        page("self-assessment", unit.pk), {"version": "0", "do": "submit"} | all_points(unit)
    )
    assert [fault.text for fault in response.context["errors"]] == ["C4 须附佐证材料。"]


def test_submitting_hands_the_sheet_in(signed_in, unit, secretary):
    client = signed_in(secretary)
    data = {"version": "0", "do": "submit"} | all_points(unit)
    response = client.post(page("self-assessment", unit.pk), data, follow=True)
    assert response.redirect_chain == [(page("unit", unit.pk), 302)]
    assert "支部自评已提交，合计 100.0 分。" in text(response)
    sheet = sheet_of(unit)
    assert (sheet.state, sheet.earned, sheet.submitted_by, sheet.late) == ("submitted", D("100.00"), secretary, False)
    again = client.post(page("self-assessment", unit.pk), {"version": str(sheet.version)} | points(unit, A1="1"))
    assert [fault.text for fault in again.context["errors"]] == ["自评已提交，不能再改；需要改时请先退回。"]
    shown = client.get(page("self-assessment", unit.pk))
    assert shown.context["why_not"] == "自评已提交，需要修改时请联系数学与计算机科学学院党总支退回。"
    assert "data-stepper " not in shown.content.decode()


@pytest.mark.parametrize(("day", "late"), [(29, False), (30, True)])
def test_handing_in_after_the_last_day_is_marked(signed_in, day, late):
    shanghai = dt.timezone(dt.timedelta(hours=8))
    with time_machine.travel(dt.datetime(2012, 3, day, 9, tzinfo=shanghai), tick=False):
        grading = opened_round(backfill=False)
        unit = grading.unit("software")
        client = signed_in(account(grading.school, "secretary"))
        client.post(page("self-assessment", unit.pk), {"version": "0", "do": "submit"} | all_points(unit))
        assert sheet_of(unit).late is late
        assert ('<span class="hand">逾期</span>' in client.get(page("unit", unit.pk)).content.decode()) is late


def test_return_with_a_reason_and_hand_in_again(signed_in, grading, unit, secretary):
    fill(unit, by=secretary)
    officer = account(grading.school, "officer")
    bare = signed_in(officer).post(page("assessment-return", unit.pk), {"reason": " "}, follow=True)
    assert "退回须写明理由。" in text(bare)
    assert sheet_of(unit).state == "submitted"
    signed_in(officer).post(page("assessment-return", unit.pk), {"reason": "C4 请补上制度文本"})
    shown = signed_in(secretary).get(page("self-assessment", unit.pk))
    assert shown.context["return_reason"] == "C4 请补上制度文本"
    assert "已退回 C4 请补上制度文本" in text(shown)
    assert "自评已退回 C4 请补上制度文本" in text(signed_in(secretary).get(page("unit", unit.pk)))
    assert unit.round.campaign.backfill  # it reminds nobody, yet what came back waits for somebody
    assert "自评已退回，请修改" in text(signed_in(secretary).get("/"))
    data = {"version": str(shown.context["version"]), "do": "submit"} | all_points(unit) | points(unit, C4="2.5")
    signed_in(secretary).post(page("self-assessment", unit.pk), data)
    sheet = sheet_of(unit)
    assert (sheet.state, sheet.earned) == ("submitted", D("99.50"))
    signed_in(officer).post(page("assessment-accept", unit.pk))
    assert sheet_of(unit).state == "accepted"


def test_whoever_enters_for_many_branches_goes_on_with_the_next(signed_in, grading, unit):
    Criterion.objects.update(evidence_required=False)
    client = signed_in(account(grading.school, "officer"))
    other = grading.unit("algebra")
    shown = text(client.get(page("self-assessment", unit.pk)))
    assert f"已提交 0/2 个 下一个没有提交的：{other.name} 回支部名单" in shown
    listed = f"{page('round-units', grading.round.pk)}?unit={unit.group}"
    for one, then in ((unit, page("self-assessment", other.pk)), (other, listed)):
        response = client.post(page("self-assessment", one.pk), {"version": "0", "do": "submit"} | all_points(one))
        assert response["Location"] == then
    assert "的支部自评都已提交。" in text(client.get(listed))
    assert listed in client.get(page("unit", unit.pk)).content.decode()


def test_a_superior_fills_in_on_behalf(signed_in, grading, unit):
    client = signed_in(account(grading.school, "organiser"))
    assert "代录自评" in text(client.get(page("unit", unit.pk)))
    assert f"您正在替{unit.name}填写" in text(client.get(page("self-assessment", unit.pk)))
    client.post(page("self-assessment", unit.pk), {"version": "0", "do": "save"} | points(unit, A1="1"))
    assert sheet_of(unit).entered_on_behalf is True
    assert '<span class="hand">代录</span>' in client.get(page("unit", unit.pk)).content.decode()


def test_a_clerk_prepares_and_does_not_submit(signed_in, grading, unit):
    client = signed_in(account(grading.school, "clerk"))
    assert "保存，请书记提交" in text(client.get(page("self-assessment", unit.pk)))
    response = client.post(page("self-assessment", unit.pk), {"version": "0", "do": "submit"} | all_points(unit))
    assert response.status_code == 403
    assert not Assessment.objects.filter(unit=unit).exists()


def test_two_people_at_one_sheet_see_both_texts_and_may_insist(signed_in, grading, unit, secretary):
    client = signed_in(secretary)
    shown = client.get(page("self-assessment", unit.pk)).context["version"]
    other = account(grading.school, "organiser")
    sheet = sheets.sheet_for(by=other, unit=unit, source=grading.source("self"))
    entries = {"A1": sheets.ScoreInput(D("0.5"), remark="代录的说明")}
    sheets.save_scores(by=other, assessment=sheet, version=1, entries=entries, now=clock.now())
    mine = {"do": "save"} | points(unit, A1="2") | {f"remark-{item(unit, 'A1').pk}": "我的说明"}
    response = client.post(page("self-assessment", unit.pk), {"version": str(shown)} | mine)
    assert response.status_code == 409
    assert response.context["who"] == str(other)
    assert response.context["rows"] == [("A1 " + item(unit, "A1").text, "2.0 分；我的说明", "0.5 分；代录的说明")]
    assert stored(unit)["A1"] == (D("0.50"), "代录的说明")
    insisting = dict(response.context["keep"]) | {"version": str(response.context["version"])}
    assert client.post(page("self-assessment", unit.pk), insisting).status_code == 302
    assert stored(unit)["A1"] == (D("2.00"), "我的说明")


def test_a_draft_is_offered_until_it_is_saved(signed_in, unit, secretary):
    client = signed_in(secretary)
    data = points(unit, A1="1.5")
    drafts.save(account=secretary, form="self", key=str(unit.pk), sequence=3, base_version=0, data=data)
    shown = client.get(page("self-assessment", unit.pk))
    assert shown.context["draft"].data == data
    assert "data-draft-data" in shown.content.decode()
    assert 'data-draft-sequence="3"' in shown.content.decode()
    client.post(page("self-assessment", unit.pk), {"version": "0", "do": "save"} | data)
    assert not Draft.objects.exists()


def test_a_blocked_submission_drops_the_draft_because_everything_is_saved(signed_in, unit, secretary):
    drafts.save(account=secretary, form="self", key=str(unit.pk), sequence=1, base_version=0, data={})
    signed_in(secretary).post(page("self-assessment", unit.pk), {"version": "0", "do": "submit"} | points(unit, A1="1"))
    assert (Draft.objects.count(), stored(unit)) == (0, {"A1": (D("1.00"), "")})


def test_reading_writes_nothing_and_counts_its_queries(
    signed_in, grading, unit, secretary, django_assert_max_num_queries
):
    fill(unit, by=secretary)
    before = AuditEntry.objects.count()
    client = signed_in(secretary)
    client.get(page("self-assessment", unit.pk))
    with django_assert_max_num_queries(40):
        client.get(page("self-assessment", unit.pk))
    assert AuditEntry.objects.count() == before


def test_the_sheet_of_another_branch_does_not_exist(signed_in, grading, secretary):
    assert signed_in(secretary).get(page("self-assessment", grading.unit("algebra").pk)).status_code == 404
