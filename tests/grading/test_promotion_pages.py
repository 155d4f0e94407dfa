"""晋位升级 with rows: a second round after a merger, terms, reasons of falls, the gate before 定级."""

import pytest

from branches import clock
from branches.models import AuditEntry
from branches.registries import blockers
from grading.models import FallReason, Result, Round, RoundUnit
from grading.promotion import MergedRule, Move
from grading.services import promotion
from grading.services.errors import RefusedError
from tests.factories.grading import GradeFactory, GradeScaleFactory
from tests.factories.promotion import two_rounds
from tests.grading.pages import account, page, recused_officer, text
from tests.worlds import shared

pytestmark = pytest.mark.once


grading = shared(two_rounds)


def test_every_branch_is_followed_and_counted_once(grading):
    found = promotion.compare_rounds(grading.round)
    moves = {row.name: row.move for row in found.promotion.movements}
    assert moves == {
        "软件工程教研室党支部": Move.RISEN,
        "2010级数学党支部": Move.FALLEN,
        "文史联合党支部": Move.RISEN,
        "体育教研室党支部": Move.NEW,
        "图书馆直属党支部": Move.LEVEL,
    }
    assert found.promotion.later_count == 5
    assert found.terms.earlier.ordinal == 1
    assert not found.settled


def test_the_number_of_queries_does_not_grow(grading, django_assert_num_queries):
    for kept in (5, 3, 1):
        RoundUnit.objects.filter(pk__in=[unit.pk for unit in list(grading.units.values())[kept:]]).update(
            graded=False, not_graded_reason="成立不满一年"
        )
        with django_assert_num_queries(14):
            promotion.compare_rounds(Round.objects.select_related("campaign", "scale").get(pk=grading.round.pk))


def test_a_grade_nobody_chose_counts_as_inputs_stand(grading):
    """As in all lists: what was computed before its source was taken back is no fall."""
    unit = grading.units["SJ002"]
    open_again = {"state": "computed", "decided_grade": None, "decided_at": None, "body": "", "proposed_grade": None}
    Result.objects.filter(unit=unit).update(**open_again, manual=False, manual_reason="")
    found = promotion.compare_rounds(grading.round)
    assert {row.branch: row.move for row in found.promotion.movements}[unit.branch_id] == Move.OUTSIDE


def test_the_first_round_of_all_is_compared_with_nothing(grading, signed_in):
    first = grading.round.campaign.rounds.get(ordinal=1)
    assert promotion.compare_rounds(first) is None
    said = text(signed_in(account(grading.school, "office")).get(page("promotion", first.pk)))
    assert "没有可以对比的轮次" in said


def test_the_page_names_everybody_and_a_branch_sees_itself(grading, signed_in):
    said = text(signed_in(account(grading.school, "office")).get(page("promotion", grading.round.pk)))
    told = ("晋位 2", "持平 1", "退位 1", "新建 1", "撤销 0", "本轮参评 5", "文史联合党支部")
    for part in (*told, "由汉语言文学教研室党支部、2010级历史学党支部而来"):
        assert part in said
    own = text(signed_in(account(grading.school, "secretary")).get(page("promotion", grading.round.pk)))
    assert "软件工程教研室党支部" in own
    assert "文史联合党支部" not in own
    assert "退位 0" in own


def test_a_round_with_an_unexplained_fall_is_not_final(grading):
    unit = grading.units["SJ002"]
    want = "1 个支部退位，还没有说明原因：2010级数学党支部。请在“晋位升级”里写明。"
    assert want in blockers(grading.round, Round.State.FINAL, clock.now())
    promotion.explain_fall(by=None, unit=unit, text=" 书记空缺四个月 ", now=clock.now())
    assert want not in blockers(grading.round, Round.State.FINAL, clock.now())
    assert FallReason.objects.get(unit=unit).text == "书记空缺四个月"
    assert AuditEntry.objects.filter(action="unit.explain_fall").count() == 1


def test_a_branch_barred_from_rising_holds_the_round_up(grading):
    Result.objects.filter(unit=grading.units["SJ001"]).update(derivation={"bars_promotion": True})
    said = blockers(grading.round, Round.State.FINAL, clock.now())
    assert "1 个支部按门槛规则不得晋位升级：软件工程教研室党支部。" in said


def test_reasons_are_refused_where_there_is_no_fall_or_no_word(grading):
    with pytest.raises(RefusedError, match="没有退位"):
        promotion.explain_fall(by=None, unit=grading.units["SJ001"], text="没有", now=clock.now())
    with pytest.raises(RefusedError, match="请写明退位的原因"):
        promotion.explain_fall(by=None, unit=grading.units["SJ002"], text="  ", now=clock.now())
    with pytest.raises(RefusedError, match="最多 300 个字，现有 301 个"):
        promotion.explain_fall(by=None, unit=grading.units["SJ002"], text="字" * 301, now=clock.now())


def test_the_officer_writes_the_reason_and_who_holds_office_does_not(grading, signed_in):
    unit = grading.units["SJ002"]
    officer = signed_in(account(grading.school, "officer"))
    answer = officer.post(page("explain-fall", unit.pk), {"text": "到期未换届"})
    assert answer.status_code == 302
    assert 'value="到期未换届"' in officer.get(page("promotion", grading.round.pk)).content.decode()
    own = grading.units["SJ001"]
    refused = signed_in(recused_officer(grading.school)).post(page("explain-fall", own.pk), {"text": "到期未换届"})
    assert refused.status_code == 403


def test_terms_change_what_a_merged_branch_starts_from(grading, signed_in):
    first = grading.round.campaign.rounds.get(ordinal=1)
    office = signed_in(account(grading.school, "office"))
    data = {"earlier": first.pk, "merged": "higher", "version": "0"}
    data |= {f"match-{first.pk}-{code}": code for code in ("advanced", "good", "fair", "weak")}
    assert office.post(page("round-comparison", grading.round.pk), data).status_code == 302
    found = promotion.compare_rounds(grading.round)
    assert found.terms.merged is MergedRule.HIGHER
    row = next(row for row in found.promotion.movements if row.branch == grading.units["WX009"].branch_id)
    assert (row.move, row.earlier, row.later) == (Move.LEVEL, "good", "good")
    assert "刚被他人改过" in text(office.post(page("round-comparison", grading.round.pk), data, follow=True))


def terms(round_, earlier, matches, **more):
    given = {"by": None, "merged": "lower", "version": 0} | more
    return promotion.set_comparison(round_=round_, earlier=earlier, matches=matches, **given)


def test_impossible_terms_are_refused(grading):
    first = grading.round.campaign.rounds.get(ordinal=1)
    with pytest.raises(RefusedError, match="“先进”高于“较好”，对应的等级不能反而低"):
        terms(grading.round, first, {"advanced": "fair", "good": "advanced"})
    with pytest.raises(RefusedError, match="不认识的等级"):
        terms(grading.round, first, {"advanced": "five"})
    with pytest.raises(RefusedError, match="至少要有一个等级"):
        terms(grading.round, first, {})
    with pytest.raises(RefusedError, match="较早开始的一轮"):
        terms(grading.round, grading.round, {"good": "good"})
    with pytest.raises(RefusedError, match="合并支部"):
        terms(grading.round, first, {"good": "good"}, merged="best")


def test_a_round_with_another_scale_matches_by_place_when_as_long(grading):
    scale = GradeScaleFactory()
    for rank, label in enumerate(("好", "较好", "一般", "较差"), start=1):
        GradeFactory(scale=scale, rank=rank, code=f"g{rank}", label=label)
    Round.objects.filter(pk=grading.round.pk).update(scale=scale)
    row = Round.objects.select_related("campaign", "scale").get(pk=grading.round.pk)
    first = row.campaign.rounds.get(ordinal=1)
    assert promotion.by_rank(first, row) == {"advanced": "g1", "good": "g2", "fair": "g3", "weak": "g4"}
    GradeFactory(scale=scale, rank=5, code="g5", label="差")
    assert promotion.by_rank(first, Round.objects.get(pk=row.pk)) == {}
