"""Every kind of item on the pages and in the result, worked out by hand.

A1 8, A2 比较健全 6, A3 10 − 2×2 − 1 = 5: A is 19. B1 5 − 1.5 = 3.5, B2 25 of 28 are 89.3 %, so 4, B3 18 of 20 are
exactly 90 %, so 10, B4 3×0.5 + 1 = 2.5: B is 20, and 20 is its maximum.
"""

from decimal import Decimal as D  # noqa: N817

import pytest

from branches import clock
from grading import rubric_form
from grading.models import Assessment, LocalGuidance, Score, Source
from grading.services import sheets
from reporting.annexes import gather, scoring_sheet
from reporting.annexes.facts import Stamp
from tests.factories.grading import AppraisalCountFactory, opened_round
from tests.factories.guidance import LocalGuidanceFactory, TrainingFactory
from tests.factories.kinds import rubric_of_all_kinds, score_by
from tests.grading.pages import account, item, page, text
from tests.worlds import shared

pytestmark = [pytest.mark.db, pytest.mark.once]


def kinds_round():
    made = opened_round()
    unit = score_by(made.unit("software"), rubric_of_all_kinds())
    made.units[unit.code] = unit
    AppraisalCountFactory(unit=unit, source=made.source("appraisal"))
    held_on = made.round.ends_on or made.round.campaign.ends_on
    TrainingFactory(branch=unit.branch, held_on=held_on, due=12, present=12)
    TrainingFactory(branch=unit.branch, held_on=held_on, due=8, present=6)
    TrainingFactory(branch=unit.branch, held_on=held_on.replace(year=held_on.year - 1), due=50, present=1)
    return made


grading = shared(kinds_round)


@pytest.fixture
def unit(grading):
    return grading.unit("software")


def posted(unit, **counts):
    data = {f"points-{item(unit, code).pk}": value for code, value in {"A1": "8", "A2": "6", "B1": "1.5"}.items()}
    data |= {f"count-{item(unit, 'A3').pk}-0": "2", f"count-{item(unit, 'A3').pk}-1": "1"}
    return data | {f"count-{item(unit, 'B4').pk}-0": "3", f"count-{item(unit, 'B4').pk}-1": "１"} | counts


def save(client, unit, data, version=0):
    return client.post(page("self-assessment", unit.pk), {"do": "save", "version": version, **data}, follow=True)


@pytest.fixture
def secretary(signed_in, grading):
    return signed_in(account(grading.school, "secretary"))


def test_the_branch_enters_each_kind_its_own_way(secretary, unit):
    said = text(secretary.get(page("self-assessment", unit.pk)))
    assert "少开一次 扣 2 分" in said
    assert "院级报道 加 0.5 分" in said
    assert "最多加 3" in said
    assert "满意率：群众评议中选“满意”" in said
    assert "满意率 89.29%" in said
    assert "培训率 90.00%" in said
    assert "半年以上无组织生活" in said
    assert f"points-{item(unit, 'B2').pk}" not in secretary.get(page("self-assessment", unit.pk)).content.decode()


def test_what_was_counted_is_kept_and_adds_up(secretary, unit):
    response = save(secretary, unit, posted(unit))
    sheet = response.context["sheet"]
    assert [part.earned for part in sheet.sections] == [D(19), D(20)]
    assert sheet.earned == D(39)
    stored = {score.criterion.code: score for score in Score.objects.filter(assessment__unit=unit)}
    assert stored["A3"].points == D(5)  # the amount taken off: 2×2 + 1
    assert stored["A3"].counts == [
        {"label": "少开一次", "points": "2.00", "number": 2}, {"label": "记录不全", "points": "1.00", "number": 1},
    ]  # fmt: skip
    assert stored["B4"].points == D("2.5")
    assert "B2" not in stored
    scored = sheets.sheet_score(Assessment.objects.get(unit=unit))
    assert [section.earned for section in scored.sections] == [D(19), D(20)]
    assert scored.score == 78  # 39 of 50


def test_counts_are_shown_again_and_can_be_emptied(secretary, unit):
    save(secretary, unit, posted(unit))
    shown = secretary.get(page("self-assessment", unit.pk)).content.decode()
    assert f'name="count-{item(unit, "A3").pk}-0" value="2"' in shown
    emptied = posted(unit) | {f"count-{item(unit, 'A3').pk}-{n}": "" for n in (0, 1)}
    save(secretary, unit, emptied, version=Assessment.objects.get(unit=unit).version)
    row = Score.objects.get(assessment__unit=unit, criterion__code="A3")
    assert (row.points, row.counts) == (None, [])


def test_a_number_that_is_none_keeps_the_page(secretary, unit):
    response = save(secretary, unit, posted(unit) | {f"count-{item(unit, 'A3').pk}-0": "两次"})
    assert response.status_code == 422
    assert "“两次”不是数字，请填次数。" in text(response)
    assert 'value="两次"' in response.content.decode()


def test_points_of_a_system_item_are_never_taken(secretary, unit):
    save(secretary, unit, posted(unit) | {f"points-{item(unit, 'B2').pk}": "5"})
    assert not Score.objects.filter(assessment__unit=unit, criterion__code="B2").exists()


def test_the_grid_and_its_dock_count_the_same(signed_in, grading, unit):
    save(signed_in(account(grading.school, "secretary")), unit, posted(unit))
    officer = signed_in(account(grading.school, "officer"))
    rows = officer.get(page("scoring-grid", grading.round.pk)).context["rows"]
    row = next(row for row in rows if row.unit.pk == unit.pk)
    assert [cell.own for cell in row.cells] == [D(19), D(20)]
    a3 = item(unit, "A3")
    dock = officer.get(page("score-dock", unit.pk, unit.rubric.sections.get(code="A").pk)).content.decode()
    assert page("score-count", unit.pk, a3.pk, 1) in dock
    assert "比较健全 6.0" in dock
    answer = officer.post(page("score-count", unit.pk, a3.pk, 1), {"value": "3", "version": ""}).json()
    assert answer["parts"][f"dock-item-{a3.pk}"] == "得 7.0"
    score = Score.objects.get(assessment__source__code=Source.SUPERIOR, criterion=a3)
    assert (score.points, score.counts[1]["number"]) == (D(3), 3)
    beside = officer.post(page("score-count", unit.pk, a3.pk, 0), {"value": "1", "version": ""})
    assert (beside.status_code, beside.json()["parts"][f"dock-item-{a3.pk}"]) == (200, "得 5.0")  # 10 − 2 − 3
    late = officer.post(page("score-count", unit.pk, a3.pk, 1), {"value": "4", "version": ""})
    assert (late.status_code, late.json()["message"]) == (409, "刚被他人改为 3。")
    assert officer.post(page("score-count", unit.pk, a3.pk, 9), {"value": "4", "version": ""}).status_code == 404
    wrong = officer.post(page("score-count", unit.pk, a3.pk, 0), {"value": "半", "version": "1"})
    assert wrong.json()["message"] == "请填次数，如 2。"


def test_local_guidance_stands_beside_the_item_and_bounds_the_points(secretary, grading, unit):
    a1 = item(unit, "A1")
    LocalGuidanceFactory(
        round=grading.round, parent=unit.parent, criterion=a1, mode="levels", text="看分工文件",
        options=[{"label": "分工到人", "points": "10"}, {"label": "有分工", "points": "6"}],
        state=LocalGuidance.State.PUBLISHED, published_at=clock.now(),
    )  # fmt: skip
    said = text(secretary.get(page("self-assessment", unit.pk)))
    assert "党总支细则 看分工文件" in said
    assert "分工到人 得 10 分" in said
    refused = save(secretary, unit, posted(unit))  # A1 8
    assert "A1 按党总支细则只能选 10、6 分。" in text(refused)
    taken = save(secretary, unit, posted(unit) | {f"points-{a1.pk}": "6"})
    assert taken.context["sheet"].earned == D(37)


def test_local_deductions_count_down_from_the_full_points(secretary, grading, unit):
    a1 = item(unit, "A1")
    LocalGuidanceFactory(
        round=grading.round, parent=unit.parent, criterion=a1, mode="deductions",
        options=[{"label": "缺一名支委", "points": "2.5"}], state="published", published_at=clock.now(),
    )  # fmt: skip
    save(secretary, unit, posted(unit) | {f"count-{a1.pk}-0": "3"})
    row = Score.objects.get(assessment__unit=unit, criterion=a1)
    assert row.points == D("2.5")  # 10 − 3 × 2.5
    assert row.counts == [{"label": "缺一名支委", "points": "2.5", "number": 3}]


def test_guidance_of_another_party_branch_is_not_shown(secretary, grading, unit):
    other = grading.unit("chinese").parent
    LocalGuidanceFactory(
        round=grading.round, parent=other, criterion=item(unit, "A1"), text="别家的", state="published",
        published_at=clock.now(),
    )  # fmt: skip
    assert "别家的" not in text(secretary.get(page("self-assessment", unit.pk)))


def test_the_blank_form_prints_how_each_item_is_scored(unit):
    printed = {line.code: line for line in rubric_form.lines(unit.rubric)}
    assert printed["A3"].text == "三会一课\n少开一次扣 2 分；记录不全扣 1 分；扣完为止"
    assert printed["B4"].text == "宣传报道\n院级报道加 0.5 分；校级报道加 1 分；至多加 3 分"
    assert printed["B2"].text == "群众满意率\n由系统填写：95%以上 5 分；85%以上 4 分；85%以下 0 分"
    assert (printed["B4"].points, "V1" in printed) == (None, False)
    cells = [cell.text for row in rubric_form.blank_sheet(unit.rubric).rows for cell in row.cells]
    assert any("☐半年以上无组织生活" in text for text in cells)
    assert "加分" in cells


def test_the_filled_form_prints_what_was_earned(secretary, unit):
    save(secretary, unit, posted(unit))
    sheets.submit(by=None, assessment=Assessment.objects.get(unit=unit), now=clock.now())
    (facts,) = gather.sheets_of(unit.round, unit.branch)
    printed = {line.code: line for line in facts.items}
    assert {code: line.own for code, line in printed.items()} == {
        "A1": D(8), "A2": D(6), "A3": D(5), "B1": D("3.5"), "B2": D(4), "B3": D(10), "B4": D("2.5"),
    }  # fmt: skip
    assert (facts.total.own, facts.items[0].section.own) == (D(39), D(19))
    assert printed["A3"].remark == "少开一次 2 次，记录不全 1 次"
    assert (printed["B4"].points, printed["B4"].text) == (None, "宣传报道（至多加 3 分）")
    cells = [cell.text for row in scoring_sheet.sheets(facts, Stamp("2012年3月30日"))[0].rows for cell in row.cells]
    assert {"5.0", "3.5", "39.0"} <= set(cells)
