"""Rounds: the list, the board, moving on, deadlines, computing, finalising, extensions."""

import datetime as dt

import pytest

from branches import clock
from branches.models import BranchProfile
from branches.transitions import Decision
from grading import board
from grading.models import Extension, Result, Round, RoundUnit
from grading.services import results, rounds, sheets, sources, survey
from tests.factories.branches import school
from tests.factories.grading import campaign, fill, opened_round
from tests.grading.pages import account, page, text
from tests.worlds import shared

pytestmark = pytest.mark.db
NAMES = ("software", "algebra", "chinese", "history", "direct")


grading = shared(opened_round)


@pytest.fixture
def office(signed_in, grading):
    return signed_in(account(grading.school, "office"))


def complete(grading, name, *, lose=0):
    unit = grading.unit(name)
    fill(unit, lose=lose)
    fill(unit, "superior", lose=lose)
    counts = sources.CountInput(unit, 20, 20, 20, {"satisfied": 20})
    sources.record_counts(by=None, source=grading.source("appraisal"), rows=[counts], now=clock.now())
    annual = [sources.AnnualInput(unit, label="优秀")]
    sources.record_annual(by=None, source=grading.source("annual"), rows=annual, now=clock.now())
    checks = {check.code: survey.FindingInput("good") for check in unit.round.survey_checks.all()}
    survey.save_survey(by=None, unit=unit, side="branch", version=0, findings=checks, now=clock.now())
    sources.review_vetoes(by=None, unit=unit, found={}, now=clock.now())
    return unit


def decide_all(grading):
    round_ = Round.objects.get(pk=grading.round.pk)
    choices = {}
    for unit_id, found in results.derive(round_).items():
        choices[unit_id] = results.Choice(found.grade.code, "")
    results.decide_grades(
        by=None, round_=round_, choices=choices, decision=Decision("党委会", dt.date(2012, 3, 30)), now=clock.now()
    )


def test_the_list_of_rounds(office, grading):
    response = office.get(page("rounds"))
    assert [round_.name for round_ in response.context["rounds"]] == ["第一轮", "再次评定"]
    assert "历史补录" in text(response)


def test_the_board_counts_every_party(office, grading):
    complete(grading, "software")
    fill(grading.unit("chinese"))
    sheet = fill(grading.unit("history"))
    sheets.return_sheet(by=None, assessment=sheet, reason="补材料", now=clock.now())
    results.compute_round(by=None, round_=grading.round, now=clock.now())
    found = office.get(page("round", grading.round.pk)).context["board"]
    assert [(line.name, line.units, line.filed, line.returned, line.scored, line.decided) for line in found.lines] == [
        ("数学与计算机科学学院党总支", 2, 1, 0, 1, 0),
        ("文学与历史学院党总支", 2, 1, 1, 0, 0),
        ("直属党支部", 1, 0, 0, 0, 0),
    ]
    assert (found.total.units, found.total.filed, dict(found.total.sources)) == (5, 2, {"appraisal": 1, "annual": 1})
    assert [(grade.label, number) for grade, number in found.total.shares(found.grades)][:2] == [
        ("先进", 1),
        ("较好", 0),
    ]


def test_what_a_round_has_not_is_not_shown(office, signed_in, grading):
    round_, unit = grading.round, grading.unit("software")
    with_all = text(office.get(page("round", round_.pk)))
    assert all(word in with_all for word in ("党总支考评", "后进 不到 60 分"))
    assert "调查摸底" in text(office.get(page("unit", unit.pk)))
    round_.sources.exclude(code__in=["self", "appraisal"]).delete()
    round_.steps.filter(code__in=["survey", "superior", "annual"]).delete()
    for shown in (page("round", round_.pk), page("unit", unit.pk), page("round-units", round_.pk)):
        told = text(office.get(shown))
        assert not [word for word in ("党总支考评", "调查摸底", "年度考核", "总支得分") if word in told], shown
    assert "群众评议 未录入" in text(office.get(page("unit", unit.pk)))
    assert "走访摸底" not in text(office.get(page("scoring-grid", round_.pk)))
    assert "调查摸底" not in text(office.get(page("self-assessment", unit.pk)))
    type(round_.campaign).objects.update(backfill=False)
    secretary = account(grading.school, "secretary")
    told = text(signed_in(secretary).get("/"))
    assert ("填写支部自评" in told, "填写调查摸底" in told) == (True, False)


def test_the_board_costs_the_same_for_one_branch_and_for_all(grading, django_assert_num_queries):
    for name in NAMES:
        complete(grading, name)
    units = list(RoundUnit.objects.filter(round=grading.round))
    for some in (units[:1], units[:3], units):
        with django_assert_num_queries(6):
            board.build(grading.round, some)


def test_a_branch_goes_straight_to_its_own_page(signed_in, grading):
    client = signed_in(account(grading.school, "secretary"))
    response = client.get(page("round", grading.round.pk))
    assert response["Location"] == page("unit", grading.unit("software").pk)


def test_opening_and_moving_leave_their_moves_in_words(signed_in):
    tree = school()
    round_ = campaign(tree.root, backfill=True).rounds.get(ordinal=1)
    client = signed_in(account(tree, "office"))
    assert "支部名单还没有固定" in text(client.get(page("round", round_.pk)))
    response = client.post(page("round-move", round_.pk), {"to": "self"}, follow=True)
    assert "第一轮现在是“自评”。" in text(response)
    client.post(page("round-move", round_.pk), {"to": "scoring"})
    refused = client.post(page("round-move", round_.pk), {"to": "self", "reason": ""}, follow=True)
    assert "退回自评须写明理由。" in text(refused)
    client.post(page("round-move", round_.pk), {"to": "self", "reason": "两个支部补报"})
    shown = client.get(page("round", round_.pk))
    assert [(row.words, row.reason) for row in shown.context["history"]] == [
        ("评分 → 自评", "两个支部补报"), ("自评 → 评分", ""), ("筹备 → 自评", ""),
    ]  # fmt: skip


def test_a_blocked_move_says_everything_that_is_missing(office, grading):
    for name in NAMES[1:]:
        complete(grading, name)
    office.post(page("round-move", grading.round.pk), {"to": "scoring"})
    Round.objects.filter(pk=grading.round.pk).update(missing="block")
    response = office.post(page("round-move", grading.round.pk), {"to": "deciding"}, follow=True)
    said = text(response)
    name = grading.unit("software").name
    for source in ("支部自评", "群众评议", "年度考核", "党总支考评"):
        assert f"1 个支部缺{source}：{name}。" in said
    assert f"1 个支部没有调查摸底情况：{name}。" in said
    assert Round.objects.get(pk=grading.round.pk).state == "scoring"


def test_finalising_freezes_every_grade(office, grading):
    for name in NAMES:
        complete(grading, name, lose=5)
    for to in ("scoring", "deciding"):
        office.post(page("round-move", grading.round.pk), {"to": to})
    early = office.post(page("round-move", grading.round.pk), {"to": "final"}, follow=True)
    assert "5 个支部还没有定级：" in text(early)
    decide_all(grading)
    body = {"to": "final", "body": "党委会", "met_on": "2012-04-02", "document_number": "校党〔2012〕9号"}
    response = office.post(page("round-move", grading.round.pk), body, follow=True)
    assert "第一轮现在是“定级”。" in text(response)
    assert "审定 → 定级（党委会，" in text(response)
    assert Result.objects.filter(unit__round=grading.round, frozen_at__isnull=False).count() == 5
    unit = grading.unit("software")
    refused = office.post(page("withdraw", unit.pk), {"reason": "改"}, follow=True)
    assert "本轮已经定级，结果不能撤回；更正要走更正程序。" in text(refused)
    assert Result.objects.get(unit=unit).state == "decided"


def test_deadlines_are_changed_under_their_version(office, grading):
    address = page("round-due", grading.round.pk)
    office.post(address, {"version": "1", "due-self": "2012-04-05"})
    assert grading.round.steps.get(code="self").due_on == dt.date(2012, 4, 5)
    response = office.post(address, {"version": "2", "due-self": "四月"}, follow=True)
    assert "支部自评的期限请写成 2012-03-30 的样子。" in text(response)
    stale = office.post(address, {"version": "1", "due-self": "2012-05-05"}, follow=True)
    assert "本轮的设置刚被他人改过，请刷新后再改。" in text(stale)
    assert grading.round.steps.get(code="self").due_on == dt.date(2012, 4, 5)


def test_computing_all(office, grading):
    complete(grading, "software")
    response = office.post(page("round-compute", grading.round.pk), follow=True)
    assert "已测算 5 个党支部。" in text(response)
    assert Result.objects.count() == 5


def test_rules_in_words(office, grading):
    said = text(office.get(page("round-rules", grading.round.pk)))
    for words in ("支部自评 20%", "党总支考评 40%", "90 分以上（含）", "满意率低于 90%", "材料造假"):
        assert words in said


# --- one branch --------------------------------------------------------------------------------------------------


def test_an_extension_needs_its_reason_and_a_later_day(office, grading):
    unit = grading.unit("software")
    address = page("unit-extend", unit.pk)
    due = grading.round.steps.get(code="self").due_on
    for given, sentence in (
        ({"until": "明天", "reason": "出差"}, "延期日期请写成 2012-04-02 的样子。"),
        ({"until": "2999-01-01", "reason": " "}, "延期须写明理由。"),
        ({"until": due.isoformat(), "reason": "出差"}, "延期日期要晚于原定的"),
    ):
        assert sentence in text(office.post(address, {"step": "self"} | given, follow=True))
    assert not Extension.objects.exists()
    response = office.post(address, {"step": "self", "until": "2012-04-09", "reason": "书记出差"}, follow=True)
    assert "支部自评已延期。" in text(response)
    assert Extension.objects.get().until == dt.date(2012, 4, 9)


def test_facts_follow_the_profile_on_request(office, grading):
    unit = grading.unit("software")
    BranchProfile.objects.filter(branch=unit.branch).update(women=8)
    response = office.post(page("unit-facts", unit.pk), follow=True)
    assert "本轮表格已按最新的支部基本情况更新。" in text(response)
    assert RoundUnit.objects.get(pk=unit.pk).facts["women"] == 8


def test_the_overview_says_where_a_branch_stands(office, grading):
    unit = complete(grading, "software", lose=3)
    response = office.get(page("unit", unit.pk))
    lines = {source.code: (line.state, line.fact) for source, line in response.context["sheet_lines"]}
    assert lines == {"self": ("已提交", "97.0 分"), "superior": ("已评完", "97.0 分")}
    said = text(response)
    for words in ("年度考核 优秀", "发出 20，收回 20，有效 20 票", "接收自评", "均未发生"):
        assert words in said
    rounds.move_round(by=None, round_=grading.round, to="scoring", now=clock.now())
    assert "评分" in text(office.get(page("unit", unit.pk)))
