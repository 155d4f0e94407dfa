"""抽查 in the browser: the office draws and assigns, an inspector scores only what is assigned."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from branches.models import Appointment, Role
from grading.models import Assessment, Round, Source, SpotCheck, SpotCheckDraw, SpotCheckInspector
from grading.services import spot_checks as service
from tests.factories.branches import AppointmentFactory, holder
from tests.factories.grading import SourceFactory, fill, opened_round
from tests.grading.pages import account, all_points, item, page, text
from tests.grading.steps import now
from tests.worlds import shared

BY_SEED = {
    "method": "seed", "measure": "share", "value": "50", "extent": "group", "rounding": "up", "seed": "20120910",
}  # fmt: skip


@shared
def grading():
    """An open round with a spot check of weight 0; software was scored by the branch and its 党总支."""
    made = opened_round()
    SourceFactory(round=made.round, code="spot_check", name="学校抽查", short_name="抽查", weight=0, ordinal=9)
    made.round = Round.objects.select_related("campaign").get(pk=made.round.pk)
    fill(made.unit("software"), lose=2)
    fill(made.unit("software"), "superior", lose=9)
    return made


@pytest.fixture
def office(signed_in, grading):
    return signed_in(account(grading.school, "office"))


def task_for(grading, name, *accounts):
    """Have one branch drawn by hand and assigned."""
    unit = grading.unit(name)
    quota = service.draws.Quota(1)
    plan = service.DrawPlan("hand", quota, reason="信访反映", picked=(unit.pk,))
    record = service.draw(by=None, round_=grading.round, plan=plan, now=now())
    task = record.checks.get()
    if accounts:
        by = account(grading.school, "office")
        service.assign(by=by, checks=[task], accounts=list(accounts), now=now())
    return task


@pytest.fixture
def someone(grading):
    return holder(Role.INSPECTOR, grading.school.root)


# --- the office --------------------------------------------------------------------------------------------------


def test_the_office_draws_assigns_and_follows(office, grading, someone):
    address = page("spot-checks", grading.round.pk)
    assert "还没有抽取" in text(office.get(address))
    response = office.post(page("spot-draw", grading.round.pk), BY_SEED, follow=True)
    assert "已抽取 3 个党支部，记录已存。" in text(response)
    assert "按存档的名单和种子重算，抽出的支部和次序完全一致。" in text(response)
    picks = [str(pk) for pk in SpotCheck.objects.values_list("pk", flat=True)]
    asked = office.post(page("spot-assign"), {"pick": picks})
    assert someone.get_full_name() in text(asked)
    assert not SpotCheckInspector.objects.exists()
    data = {"pick": picks, "inspector": someone.pk, "do": "share"}
    response = office.post(page("spot-assign"), data, follow=True)
    assert "已指派 3 个党支部的抽查人。" in text(response)
    assert "抽到 3 个 已指派 3 个 已提交 0 个" in text(response)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"value": ""}, "请填写抽多少。"),
        ({"value": "120"}, "比例不能超过 100%。"),
        ({"seed": " "}, "请填写随机种子。"),
        ({"method": "hand"}, "请勾选要抽查的党支部。"),
        ({"method": ""}, "请选择抽取办法。"),
    ],
)
def test_a_wrong_draw_keeps_what_was_typed(office, grading, changed, sentence):
    response = office.post(page("spot-draw", grading.round.pk), BY_SEED | {"reason": "例行抽查"} | changed)
    assert response.status_code == 422
    assert sentence in text(response)
    assert 'value="例行抽查"' in response.content.decode()
    assert not SpotCheckDraw.objects.exists()


def test_recusal_and_nobody_chosen_answer_with_a_sentence(office, grading, someone):
    AppointmentFactory(branch=grading.school.software, person=someone.person, post=Appointment.Post.COMMITTEE_MEMBER)
    task = task_for(grading, "software")
    response = office.post(page("spot-assign"), {"pick": task.pk, "inspector": someone.pk, "do": "each"})
    assert response.status_code == 422
    assert "应当回避" in text(response)
    assert f"须回避：{task.unit.name}" in text(response)
    response = office.post(page("spot-assign"), {"pick": task.pk, "do": "each"})
    assert "请先选抽查人。" in text(response)
    assert office.post(page("spot-assign"), {}).status_code == 302


def test_a_void_draw_says_so_on_its_record(office, grading):
    task = task_for(grading, "software")
    address = page("spot-void", task.draw_id)
    assert "作废须写明理由。" in text(office.post(address, {}, follow=True))
    response = office.post(address, {"reason": "抽错了党支部"}, follow=True)
    assert "抽错了党支部" in text(response)
    assert "信访反映" in text(response)


def test_the_rule_is_saved_and_refused_in_words(office, grading):
    address = page("spot-rule", grading.round.pk)
    response = office.post(address, {"effect": "replace", "absent": "exempt"}, follow=True)
    assert "抽查规则已保存。" in text(response)
    assert Round.objects.get(pk=grading.round.pk).spot_check_rule.effect == "replace"
    assert "没有这个选项。" in text(office.post(address, {"effect": "x"}, follow=True))


def test_the_list_exports_and_asks_the_same_number_of_questions(office, grading, someone):
    address = page("spot-checks", grading.round.pk)
    task_for(grading, "software", someone)
    office.get(address)
    with CaptureQueriesContext(connection) as one:
        office.get(address)
    task_for(grading, "algebra", someone)
    task_for(grading, "history", someone)
    with CaptureQueriesContext(connection) as three:
        response = office.get(address)
    assert len(one) == len(three)
    assert len(response.context["list"].rows.object_list) == 3
    answer = office.post(address, {"format": "xlsx"})
    assert answer["Content-Type"].endswith("spreadsheetml.sheet")


# --- the inspector -----------------------------------------------------------------------------------------------


def test_an_inspector_sees_only_the_own_tasks(signed_in, grading, someone):
    mine, other = task_for(grading, "software", someone), task_for(grading, "history")
    client = signed_in(someone)
    listed = text(client.get(page("inspections")))
    assert mine.unit.name in listed
    assert other.unit.name not in listed
    assert client.get(page("inspection", mine.pk)).status_code == 200
    assert client.get(page("inspection", other.pk)).status_code == 404
    assert client.post(page("inspection", other.pk), {"do": "save"}).status_code == 404
    assert client.get(page("unit", other.unit.pk)).status_code == 404
    assert f"{mine.unit.name}" in text(client.get("/"))


def test_the_sheet_stands_beside_the_other_two(signed_in, grading, someone):
    task = task_for(grading, "software", someone)
    response = signed_in(someone).get(page("inspection", task.pk))
    a1 = item(task.unit, "A1")
    assert response.context["beside"][a1.pk] == [("自评", "0.0"), ("总支", "0.0")]
    a2 = item(task.unit, "A2")
    assert response.context["beside"][a2.pk] == [("自评", "2.0"), ("总支", "0.0")]


def test_scores_are_saved_submitted_returned_and_submitted_again(signed_in, grading, someone):
    task, client = task_for(grading, "software", someone), signed_in(someone)
    address = page("inspection", task.pk)
    first = item(task.unit, "A1")
    response = client.post(address, {"do": "save", "version": "0", f"points-{first.pk}": "1.5"}, follow=True)
    assert "抽查评分已保存。" in text(response)
    response = client.post(address, {"do": "submit", "version": "2", f"points-{first.pk}": "1.5"})
    assert response.status_code == 422
    assert re.search(r"还有 \d+ 项没有打分", text(response))
    sheet = Assessment.objects.get(unit=task.unit, source__code="spot_check")
    given = all_points(task.unit) | {"do": "submit", "version": str(sheet.version)}
    response = client.post(address, given, follow=True)
    assert "抽查评分已提交，合计 100.0 分。" in text(response)
    closed = client.post(address, given)
    assert "学校抽查已提交，不能再改" in text(closed)
    by_office = {"reason": "B2 与佐证不符"}
    signed_in(account(grading.school, "office")).post(page("spot-return", task.pk), by_office)
    signed_in(someone)
    assert "B2 与佐证不符" in text(client.get(address))
    assert "抽查已退回，请修改" in text(client.get("/"))
    sheet.refresh_from_db()
    assert client.post(address, given | {"version": str(sheet.version)}).status_code == 302


def test_two_inspectors_of_one_branch_do_not_overwrite_each_other(signed_in, grading, someone):
    second = holder(Role.INSPECTOR, grading.school.root)
    task = task_for(grading, "software", someone, second)
    address, a1 = page("inspection", task.pk), item(task.unit, "A1")
    signed_in(someone).post(address, {"do": "save", "version": "0", f"points-{a1.pk}": "2"})
    answer = signed_in(second).post(address, {"do": "save", "version": "1", f"points-{a1.pk}": "1"})
    assert answer.status_code == 409
    assert "A1" in text(answer)


def test_a_recused_inspector_may_look_and_not_score(signed_in, grading, someone):
    task = task_for(grading, "software", someone)
    AppointmentFactory(branch=grading.school.software, person=someone.person, post=Appointment.Post.COMMITTEE_MEMBER)
    client = signed_in(someone)
    assert client.post(page("inspection", task.pk), {"do": "save"}).status_code == 403
    assert not Assessment.objects.filter(source__code="spot_check").exists()


def test_the_branch_sees_no_score_before_it_is_handed_in(signed_in, grading, someone):
    task = task_for(grading, "software", someone)
    sheet = fill(task.unit, "spot_check", lose=3)
    secretary = signed_in(account(grading.school, "secretary"))
    assert "抽查还在进行" in text(secretary.get(page("inspection", task.pk)))
    assert secretary.post(page("inspection", task.pk), {"do": "save"}).status_code == 403
    sheet.refresh_from_db()
    assert sheet.state == "draft"


def test_the_office_takes_an_inspector_off(office, grading, someone):
    task = task_for(grading, "software", someone)
    response = office.post(page("spot-unassign", task.pk), {"inspector": someone.pk}, follow=True)
    assert f"已取消{someone.get_full_name()}的指派。" in text(response)
    assert "还没有指派。" in text(response)
    assert "没有这项指派。" in text(office.post(page("spot-unassign", task.pk), {"inspector": "x"}, follow=True))


@pytest.mark.parametrize("role", [Role.SCHOOL_LEADER, Role.AUDITOR])
def test_who_sees_the_whole_school_reads_draws_and_changes_nothing(signed_in, grading, role):
    record = task_for(grading, "software").draw
    client = signed_in(holder(role, grading.school.root))
    shown = client.get(page("spot-checks", grading.round.pk)).content.decode()
    assert page("spot-record", record.pk) in shown
    assert page("spot-draw", grading.round.pk) not in shown
    assert page("spot-rule", grading.round.pk) not in shown
    assert "指派抽查人" not in shown
    assert page("spot-void", record.pk) not in client.get(page("spot-record", record.pk)).content.decode()
    assert page("spot-checks", grading.round.pk) in client.get(page("round", grading.round.pk)).content.decode()


def test_a_draw_says_when_fewer_could_be_drawn_than_asked(office, grading):
    asked = BY_SEED | {"measure": "number", "extent": "round", "value": "99"}
    said = text(office.post(page("spot-draw", grading.round.pk), asked, follow=True))
    assert "要抽 99 个，能抽的只有 5 个，已全部抽取，记录已存。" in said
    none = office.post(page("spot-draw", grading.round.pk), asked | {"value": "0"})
    assert "抽多少要大于 0。" in text(none)


def test_the_list_says_that_a_weight_of_nothing_counts_for_nothing(office, grading):
    address = page("spot-checks", grading.round.pk)
    assert "权重是 0%：单独作为来源时只作对照" in text(office.get(address))
    Source.objects.filter(round=grading.round, code="spot_check").update(weight=20)
    assert "只作对照" not in text(office.get(address))
