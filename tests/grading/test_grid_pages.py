"""The scoring grid: its figures, the dock, saving one figure, stale figures, standing aside."""

import json
from decimal import Decimal as D  # noqa: N817

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from grading import grid_page
from grading.models import Assessment, Round, Score, Source
from grading.services import sheets
from tests.factories.grading import fill, opened_round
from tests.grading.pages import account, item, page, recused_officer, text
from tests.worlds import shared

pytestmark = pytest.mark.db


grading = shared(opened_round)


@pytest.fixture
def unit(grading):
    return grading.unit("software")


@pytest.fixture
def officer(signed_in, grading):
    return signed_in(account(grading.school, "officer"))


def save(client, unit, code, value, version="", kind="item"):
    target = item(unit, code).pk if kind == "item" else unit.rubric.sections.get(code=code).pk
    data = {"value": value, "version": version}
    response = client.post(page("score-save", unit.pk, kind, target), data)
    return response.status_code, response.json()


def score(unit, code):
    return Score.objects.get(assessment__unit=unit, assessment__source__code="superior", criterion__code=code).points


def rows(client, grading, **query):
    response = client.get(page("scoring-grid", grading.round.pk), query)
    return {row.unit.code: row for row in response.context["rows"]}, response


def test_the_grid_puts_both_sheets_side_by_side(officer, grading, unit):
    fill(unit, lose=4)
    fill(unit, "superior", lose=7)
    found, response = rows(officer, grading)
    row = found[unit.code]
    assert [(cell.section.code, cell.own, cell.superior) for cell in row.cells] == [
        ("A", D(11), D(8)), ("B", D(25), D(25)), ("C", D(20), D(20)), ("D", D(25), D(25)), ("E", D(15), D(15)),
    ]  # fmt: skip
    assert (row.own_total, row.total, row.gap, row.complete) == (D(96), D(93), D(-3), True)
    assert [cell.flag for cell in row.cells] == [True, False, False, False, False]
    assert (row.flagged, row.large_gap, response.context["done"]) == (True, False, 1)
    other = found[grading.school.algebra.code]
    assert (other.own_total, other.total, other.gap, other.complete) == (None, None, None, False)
    assert [group.name for grid in response.context["grids"] for group in grid.groups] == ["教师党支部", "学生党支部"]


def test_a_group_is_chosen_by_its_party_or_by_a_branch(signed_in, grading):
    client = signed_in(account(grading.school, "office"))
    _, response = rows(client, grading)
    assert [(one["name"], one["count"]) for one in response.context["parents"]] == [
        ("数学与计算机科学学院党总支", 2), ("文学与历史学院党总支", 2), ("直属党支部", 1),
    ]  # fmt: skip
    found, _ = rows(client, grading, parent="direct")
    assert list(found) == [grading.school.direct.code]
    found, response = rows(client, grading, unit=str(grading.unit("history").pk))
    assert set(found) == {grading.school.chinese.code, grading.school.history.code}
    assert response.context["focus"] == grading.unit("history")


def test_one_figure_is_saved_and_the_row_comes_back(officer, grading, unit):
    status, answer = save(officer, unit, "A1", "１.5")
    assert (status, answer["value"], answer["version"], score(unit, "A1")) == (200, "1.5", "1.5", D("1.50"))
    part = f"cell-{unit.pk}-{unit.rubric.sections.get(code='A').pk}"
    assert 'value="1.5"' in answer["parts"][part]
    assert answer["parts"][f"total-{unit.pk}"].strip() == "1.5"
    assert answer["row"] == {"id": f"row-{unit.pk}", "blank": True, "flag": False}
    sheet = Assessment.objects.get(unit=unit, source__code="superior")
    assert (sheet.state, sheet.answered) == ("draft", 1)
    assert save(officer, unit, "A1", "", version="1.5")[0] == 200
    assert score(unit, "A1") is None


def test_the_last_figure_hands_the_sheet_in(officer, unit):
    fill(unit, "superior")
    save(officer, unit, "E2", "", version="7.0")
    assert Assessment.objects.get(unit=unit).state == "draft"
    status, answer = save(officer, unit, "E2", "6.5")
    sheet = Assessment.objects.get(unit=unit)
    assert (status, sheet.state, sheet.earned) == (200, "submitted", D("99.50"))
    assert "<b>99.5</b>" in answer["parts"][f"total-{unit.pk}"]
    assert answer["row"]["blank"] is False


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("2.5", "A1 分数不能超过 2 分。"),
        ("1.2", "A1 分数要按 0.5 分一档填写。"),
        ("很好", "请填数字。"),
        ("NaN", "请填数字。"),
        ("1e3", "请填数字。"),
    ],
)
def test_wrong_figures_are_refused_with_a_sentence(officer, unit, value, message):
    assert save(officer, unit, "A1", value) == (422, {"message": message})
    assert not Score.objects.exists()


def test_a_stale_figure_answers_with_the_stored_one(officer, unit):
    save(officer, unit, "A1", "1.0")
    status, answer = save(officer, unit, "A1", "2", version="")
    assert (status, answer["value"], answer["version"]) == (409, "1.0", "1.0")
    assert answer["message"] == "刚被他人改为 1.0。"
    assert score(unit, "A1") == D(1)
    assert save(officer, unit, "A1", "2", version="1.0")[0] == 200


def test_points_finer_than_a_tenth_survive(officer, unit):
    part = item(unit, "A1")
    part.step = D("0.25")
    part.save()
    status, answer = save(officer, unit, "A1", "1.25")
    assert (status, answer["version"]) == (200, "1.25")
    shown = officer.get(page("score-dock", unit.pk, part.section_id))
    assert 'value="1.25"' in shown.content.decode()


def test_nobody_scores_a_branch_in_which_they_are_in_the_committee(signed_in, grading, unit):
    client = signed_in(recused_officer(grading.school))
    found, response = rows(client, grading)
    assert (found[unit.code].editable, found[grading.school.algebra.code].editable) == (False, True)
    assert response.context["recused"] == [unit.name]
    target = page("score-save", unit.pk, "item", item(unit, "A1").pk)
    assert client.post(target, {"value": "1", "version": ""}).status_code == 403
    assert client.post(page("score-reason", unit.pk), {"value": "好", "version": ""}).status_code == 403
    dock = client.get(page("score-dock", unit.pk, unit.rubric.sections.first().pk)).content.decode()
    assert "data-score" not in dock
    assert not Score.objects.exists()


def test_the_dock_shows_items_beside_the_branchs_own_figures(officer, grading, unit):
    sheet = sheets.sheet_for(by=None, unit=unit, source=grading.source("self"))
    entries = {"A1": sheets.ScoreInput(D("1.5"), remark="换届批复")}
    sheets.save_scores(by=None, assessment=sheet, version=1, entries=entries, now=unit.round.opened_at)
    save(officer, unit, "A1", "1.0")
    section = unit.rubric.sections.get(code="A")
    response = officer.get(page("score-dock", unit.pk, section.pk))
    body = response.content.decode()
    assert (
        f'data-url="{page("score-save", unit.pk, "item", item(unit, "A1").pk)}" data-version="1.0" data-self="1.5"'
        in body
    )
    assert 'data-max="2" data-step="0.5"' in body
    assert body.count("data-score ") == section.criteria.count() + 1
    assert "换届批复" in text(response)
    foreign = grading.unit("algebra").rubric.sections.first()
    assert officer.get(page("score-dock", unit.pk, foreign.pk)).status_code == 404


def test_leaders_only_look(signed_in, grading, unit):
    client = signed_in(account(grading.school, "leader"))
    _, response = rows(client, grading)
    assert (response.context["editable"], response.context["recused"]) == (False, [])
    assert "由党总支和上级党组织评分。" in text(response)
    target = page("score-save", unit.pk, "item", item(unit, "A1").pk)
    assert client.post(target, {"value": "1", "version": ""}).status_code == 403


# --- reasons -----------------------------------------------------------------------------------------------------


def reason(client, unit, value, version):
    response = client.post(page("score-reason", unit.pk), {"value": value, "version": version})
    return response.status_code, response.json()


def test_a_reason_is_saved_and_a_stale_one_refused(officer, unit):
    empty = grid_page.token("")
    status, answer = reason(officer, unit, "材料不全", empty)
    assert (status, answer["value"], answer["version"]) == (200, "材料不全", grid_page.token("材料不全"))
    assert answer["parts"][f"reason-{unit.pk}"].strip() == "已写"
    status, answer = reason(officer, unit, "另一种说法", empty)
    assert (status, answer["value"], answer["message"]) == (409, "材料不全", "评分理由刚被他人改过。")
    assert Assessment.objects.get(unit=unit).reason == "材料不全"


def test_a_large_difference_asks_for_its_reason(officer, grading, unit):
    fill(unit, lose=0)
    fill(unit, "superior", lose=11)
    found, response = rows(officer, grading)
    row = found[unit.code]
    assert (row.gap, row.large_gap, row.needs_reason) == (D(-11), True, True)
    assert "待写" in text(response)
    reason(officer, unit, "会议记录缺三次", grid_page.token(""))
    found, response = rows(officer, grading)
    assert found[unit.code].reason == "会议记录缺三次"
    assert "待写" not in text(response)


# --- scoring by section, closed rounds ---------------------------------------------------------------------------


def test_a_source_scored_by_section_takes_sums(officer, grading, unit):
    Source.objects.filter(round=grading.round, code="superior").update(entry="sections")
    _, response = rows(officer, grading)
    assert response.context["by_section"] is True
    section = unit.rubric.sections.get(code="A")
    assert page("score-save", unit.pk, "section", section.pk) in response.content.decode()
    status, answer = save(officer, unit, "A", "14.5", kind="section")
    assert (status, answer["value"]) == (200, "14.5")
    assert f"cell-{unit.pk}-{section.pk}" not in answer["parts"]
    assert save(officer, unit, "A", "15.5", version="14.5", kind="section") == (
        422, {"message": "A 分数应在 0 至 15 分之间。"},
    )  # fmt: skip
    for code, value in {"B": "24", "C": "19", "D": "23", "E": "14"}.items():
        save(officer, unit, code, value, kind="section")
    assert Assessment.objects.get(unit=unit).earned == D("94.50")
    dock = officer.get(page("score-dock", unit.pk, section.pk)).content.decode()
    assert dock.count("data-score ") == 1


def test_a_closed_round_is_only_looked_at(officer, grading, unit):
    Round.objects.filter(pk=grading.round.pk).update(state="publicity")
    _, response = rows(officer, grading)
    assert response.context["editable"] is False
    assert save(officer, unit, "A1", "1") == (422, {"message": "本轮现在是“公示”，不能再打分。"})


def test_unknown_items_are_not_found(officer, grading, unit):
    foreign = item(grading.unit("algebra"), "A1")
    response = officer.post(page("score-save", unit.pk, "item", foreign.pk), {"value": "1", "version": ""})
    assert (response.status_code, json.loads(response.content)) == (404, {"message": "没有这个条目。"})


def test_one_and_two_branches_cost_the_same(officer, grading, django_assert_num_queries):
    fill(grading.unit("software"), "superior")
    office = page("scoring-grid", grading.round.pk)
    officer.get(office)
    with CaptureQueriesContext(connection) as two:
        officer.get(office)
    grading.unit("algebra").delete()
    with django_assert_num_queries(len(two)):
        officer.get(office)
