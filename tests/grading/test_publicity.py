"""公示: what it says, whom it names, how long it counts, and what keeps a round from going on."""

import datetime as dt
import ipaddress

import pytest
from django.db import IntegrityError, transaction

from branches.models import AuditEntry
from branches.transitions import BlockedError
from branches.versions import ConflictError
from grading.models import PublicityGrade, PublicityNotice, PublicityPlan, Round
from grading.services import publicity, results, rounds
from grading.services.errors import RefusedError
from tests.factories.grading import RoundFactory
from tests.factories.publicity import (
    ConfirmationFactory,
    PublicityGradeFactory,
    PublicityLineFactory,
    PublicityNoticeFactory,
    PublicityPlanFactory,
)
from tests.grading.pages import page, text
from tests.grading.publicity_world import MONDAY, NAMES, People, decide, deciding, now, public_round, publish, queries
from tests.worlds import shared

pytestmark = pytest.mark.db

TEXTS = {"title": "", "body": "", "receiver": "", "phone": "0736-1", "email": "", "address": "", "signature": ""}


def plan(**given):
    values = {"days": 5, "counts_first_day": True, "grades": ("advanced", "good"), "texts": TEXTS} | given
    return publicity.PlanInput(**values)


@shared
def made():
    return public_round()


@pytest.fixture
def clock_at(time_machine):
    """Move the clock; it stands still."""

    def move(moment):
        time_machine.move_to(moment, tick=False)

    move(MONDAY)
    return move


# --- what it says ---------------------------------------------------------------------------------------------------


def test_the_usual_words_and_the_best_two_grades(made, clock_at):
    deciding(made)
    decide(made, "advanced", ("software",))
    decide(made, "good", ("algebra", "chinese"))
    decide(made, "fair", ("history",))
    shown = publicity.preview(made.round, now())
    assert [grade.label for grade in publicity.shown_grades(made.round)] == ["先进", "较好"]
    assert "没有改过时是最好的两个等级" in text(People(made).get("office", "publicity", made.round.pk))
    assert [(line.ordinal, line.name, line.category_name, line.grade_label) for line in shown.lines] == [
        (1, made.unit("software").name, made.unit("software").category_name, "先进"),
        (2, made.unit("algebra").name, made.unit("algebra").category_name, "较好"),
        (3, made.unit("chinese").name, made.unit("chinese").category_name, "较好"),
    ]
    assert shown.title == "关于2012年党支部分类定级结果的公示"
    assert "拟定以下党支部为“先进”、“较好”等级" in shown.body
    assert "公示时间：2012年10月15日至10月19日（5个工作日）。" in shown.body
    assert (shown.receiver, shown.signature) == ("党委组织部", publicity._committee(made.round))
    assert not PublicityNotice.objects.exists()


def test_the_office_writes_what_the_next_notice_says(made, clock_at):
    texts = TEXTS | {"title": "{年度}年{轮次}公示", "body": "自{开始}起{天数}日，{等级}。", "signature": "党委"}
    saved = publicity.save_plan(
        by=None, round_=made.round, version=0, plan=plan(days=7, grades=("advanced",), texts=texts)
    )
    made.round.refresh_from_db()
    shown = publicity.preview(made.round, now())
    assert (shown.title, shown.body) == ("2012年第一轮公示", "自2012年10月15日起7日，“先进”。")
    assert (shown.span.last, shown.signature, saved.version) == (dt.date(2012, 10, 23), "党委", 1)
    with pytest.raises(ConflictError):
        publicity.save_plan(by=None, round_=made.round, version=0, plan=plan())
    Round.objects.filter(pk=made.round.pk).update(ordinal=9, name="再次评定")
    PublicityPlan.objects.update(title="")
    again = publicity.preview(Round.objects.get(pk=made.round.pk), now())
    assert again.title == "关于2012年党支部分类定级再次评定结果的公示"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"grades": ()}, "请至少选一个要公示的等级。"),
        ({"grades": ("best",)}, "请至少选一个要公示的等级。"),
        ({"days": 0}, "公示期请填 1 至 60 个工作日。"),
        ({"days": 61}, "公示期请填 1 至 60 个工作日。"),
        ({"texts": TEXTS | {"body": "到{结束}止"}}, "{结束} 不是可以填入的项目"),
    ],
)
def test_impossible_words_are_refused(made, given, sentence):
    with pytest.raises(RefusedError) as caught:
        publicity.save_plan(by=None, round_=made.round, version=0, plan=plan(**given))
    assert sentence in str(caught.value)
    assert not PublicityPlan.objects.filter(round=made.round).exists()


def test_the_page_keeps_what_was_typed(made, clock_at):
    posted = {"version": "0", "days": "x", "grades": ["advanced"], "title": "我们的公示", "body": "", "phone": "1"}
    response = People(made).post("office", "publicity-plan", made.round.pk, **posted)
    assert response.status_code == 422
    assert "我们的公示" in response.content.decode()


def test_two_who_write_the_notice_at_once_see_both_and_may_insist(made, clock_at):
    people = People(made)
    publicity.save_plan(by=people.accounts["office"], round_=made.round, version=0, plan=plan(days=7))
    mine = {"version": "0", "days": "9", "grades": ["advanced"], "title": "我们的公示"}
    response = people.post("office", "publicity-plan", made.round.pk, **mine)
    said = text(response)
    assert response.status_code == 409
    assert "公示期（工作日） 9 7" in said
    assert "标题 我们的公示" in said
    assert f'href="{page("publicity", made.round.pk)}">保留已保存的' in response.content.decode()
    people.post("office", "publicity-plan", made.round.pk, **mine | {"version": response.context["version"]})
    made.round.refresh_from_db()
    assert made.round.publicity_days == 9


def test_who_publishes_second_reads_who_was_first(made, clock_at):
    first = People(made).accounts["office"]
    deciding(made)
    decide(made)
    made.round = rounds.move_round(by=first, round_=made.round, to="publicity", now=now())
    who = first.get_full_name()
    with pytest.raises(RefusedError, match=f"已由{who}于 10月15日 09:30:00 转入“公示”，不用再办。"):
        rounds.move_round(by=None, round_=made.round, to="publicity", now=now())
    assert PublicityNotice.objects.count() == 1


# --- how long it counts ---------------------------------------------------------------------------------------------


def test_it_begins_with_the_transition_and_counts_to_the_last_second(made, clock_at):
    publish(made)
    notice = PublicityNotice.objects.get()
    assert (notice.days, notice.last_day, notice.uncertain_years) == (5, dt.date(2012, 10, 19), [])
    over = dt.datetime(2012, 10, 20, tzinfo=MONDAY.tzinfo)
    assert notice.ends_at == over
    second = dt.timedelta(seconds=1)
    assert [publicity.is_running(notice, over + step * second) for step in (-1, 0, 1)] == [True, False, False]
    assert [publicity.is_running(notice, MONDAY + step * second) for step in (-1, 0, 1)] == [False, True, True]
    clock_at(over - second)
    with pytest.raises(BlockedError, match="公示到10月19日24时为止，还没有结束。"):
        rounds.finalise(by=None, round_=made.round, now=now())
    clock_at(over)
    final = rounds.finalise(by=None, round_=made.round, now=now())
    notice.refresh_from_db()
    assert (final.state, notice.state, notice.closed_at) == ("final", "ended", over)


def test_over_new_year_and_in_our_own_time_zone(made, clock_at):
    # 2012-12-27 is a Thursday; 27, 28, 31 are worked, 1 to 3 January are off, 4 and (Saturday) 5 are worked.
    clock_at(dt.datetime(2012, 12, 26, 23, 59, 59, tzinfo=dt.UTC))  # 07:59:59 of the 27th in Shanghai
    publish(made)
    notice = PublicityNotice.objects.get()
    assert notice.last_day == dt.date(2013, 1, 5)
    assert notice.ends_at == dt.datetime(2013, 1, 5, 16, tzinfo=dt.UTC)
    assert "至2013年1月5日（5个工作日）" in notice.body


def test_an_unknown_year_is_said_on_the_page(made, clock_at):
    clock_at(dt.datetime(2050, 3, 7, 9, tzinfo=MONDAY.tzinfo))
    publish(made)
    assert PublicityNotice.objects.get().uncertain_years == [2050]
    said = text(People(made).get("office", "publicity", made.round.pk))
    assert "2050年的放假和调休还不知道，这些天按周一至周五计算，公示期可能不准。" in said


# --- what keeps a round from going on -------------------------------------------------------------------------------


def test_nothing_is_made_public_before_everything_is_decided(made, clock_at):
    deciding(made)
    decide(made, names=NAMES[:4])
    with pytest.raises(BlockedError, match="1 个支部还没有定级"):
        rounds.move_round(by=None, round_=made.round, to="publicity", now=now())
    assert "1 个支部还没有定级" in text(People(made).get("office", "publicity", made.round.pk))
    decide(made, names=NAMES[4:])
    with pytest.raises(BlockedError, match="本轮要先公示。"):
        rounds.finalise(by=None, round_=made.round, now=now())
    Round.objects.filter(pk=made.round.pk).update(publicity_days=0)
    with pytest.raises(BlockedError, match="还没有填公示几个工作日"):
        rounds.move_round(by=None, round_=made.round, to="publicity", now=now())


def test_a_grade_that_is_public_is_not_taken_back(made, clock_at):
    publish(made)
    result = made.unit("software").results.get()
    with pytest.raises(BlockedError, match="正在公示，等级不能撤回"):
        results.withdraw(by=None, result=result, reason="改", now=now())
    with pytest.raises(RefusedError, match="公示已经开始，内容不能再改"):
        publicity.save_plan(by=None, round_=made.round, version=0, plan=plan())
    back = rounds.move_round(by=None, round_=made.round, to="deciding", now=now(), reason="名单有误")
    notice = PublicityNotice.objects.get()
    assert (back.state, notice.state, notice.close_reason) == ("deciding", "withdrawn", "名单有误")
    results.withdraw(by=None, result=result, reason="改", now=now())


def test_history_is_not_made_public_again(made, clock_at):
    made.round.campaign.backfill = True
    made.round.campaign.save()
    deciding(made)
    decide(made)
    with pytest.raises(BlockedError, match="历史补录的轮次不再公示"):
        rounds.move_round(by=None, round_=made.round, to="publicity", now=now())
    assert rounds.finalise(by=None, round_=made.round, now=now()).state == "final"
    assert "历史补录不再公示" in text(People(made).get("office", "publicity", made.round.pk))


def test_a_second_notice_has_its_own_number_and_days(made, clock_at):
    publish(made)
    made.round = rounds.move_round(by=None, round_=made.round, to="deciding", now=now(), reason="名单有误")
    clock_at(MONDAY + dt.timedelta(days=2))
    made.round = rounds.move_round(by=None, round_=made.round, to="publicity", now=now())
    found = PublicityNotice.objects.order_by("ordinal").values_list("ordinal", "state", "last_day")
    assert list(found) == [(1, "withdrawn", dt.date(2012, 10, 19)), (2, "shown", dt.date(2012, 10, 23))]
    assert AuditEntry.objects.filter(action__startswith="publicity.").count() == 3


# --- who reads it ---------------------------------------------------------------------------------------------------


def test_anybody_reads_the_notice_while_it_is_up(made, clock_at):
    deciding(made)
    decide(made, "advanced", NAMES[:4])
    decide(made, "weak", NAMES[4:])
    made.round = rounds.move_round(by=None, round_=made.round, to="publicity", now=now())
    notice = PublicityNotice.objects.get()
    people = People(made)
    response = people.get("anonymous", "notice", notice.slug)
    said = text(response)
    assert response.status_code == 200
    assert "公示到2012年10月19日24时截止" in said
    assert made.unit("software").name in said
    assert made.unit("direct").name not in said  # 后进 is not made public
    assert "后进" not in said
    assert notice.title in text(people.get("anonymous", "notices"))
    clock_at(notice.ends_at)
    over = people.get("anonymous", "notice", notice.slug)
    assert over.status_code == 410
    assert made.unit("software").name not in text(over)
    assert "现在没有公示" in text(people.get("anonymous", "notices"))
    assert people.get("anonymous", "notice", "nothing").status_code == 404


def test_the_campus_only(made, clock_at, settings):
    publish(made)
    settings.CAMPUS_NETWORKS, settings.TRUSTED_PROXIES = [ipaddress.ip_network("10.0.0.0/8")], 1
    notice, people = PublicityNotice.objects.get(), People(made)
    for name, args in (("notice", (notice.slug,)), ("notices", ())):
        outside = people.get("anonymous", name, *args, HTTP_X_FORWARDED_FOR="10.1.1.1, 203.0.113.9")
        assert outside.status_code == 403
        assert "公示仅限校园网内查看" in text(outside)
        assert made.unit("software").name not in text(outside)
        assert people.get("anonymous", name, *args, HTTP_X_FORWARDED_FOR="203.0.113.9, 10.1.1.1").status_code == 200
        assert people.get("secretary", name, *args, HTTP_X_FORWARDED_FOR="203.0.113.9").status_code == 200


def test_the_page_of_a_notice_asks_as_often_for_one_branch_as_for_five(made, clock_at):
    publish(made)
    client = People(made).client("anonymous")
    five = PublicityNotice.objects.get()
    one = PublicityNoticeFactory(round=RoundFactory(), started_at=now())
    PublicityLineFactory(notice=one, unit=made.unit("software"), grade=made.round.scale.grades.first())
    addresses = [page("notice", notice.slug) for notice in (five, one)]
    client.get(addresses[0])
    assert queries(client, addresses[0]) == queries(client, addresses[1])


# --- the database ---------------------------------------------------------------------------------------------------


def test_the_database_refuses_nonsense(made):
    notice = PublicityNoticeFactory(round=made.round)
    unit, grade = made.unit("software"), made.round.scale.grades.first()
    PublicityLineFactory(notice=notice, unit=unit, ordinal=1, grade=grade)
    PublicityGradeFactory(round=made.round, grade=grade)
    PublicityPlanFactory(round=made.round)
    result = results.compute_round(by=None, round_=made.round, now=now()).results[0]
    at = now()
    ConfirmationFactory(result=result, decided_at=at)
    for make in (
        lambda: PublicityNoticeFactory(round=made.round),  # one is up already
        lambda: PublicityNoticeFactory(round=made.round, state="ended"),
        lambda: PublicityNoticeFactory(round=made.round, state="withdrawn", closed_at=at, ordinal=notice.ordinal),
        lambda: PublicityNoticeFactory(slug=notice.slug),
        lambda: PublicityNoticeFactory(closed_at=at),
        lambda: PublicityNoticeFactory(started_at=at, ends_at=at),
        lambda: PublicityLineFactory(notice=notice, unit=unit, ordinal=2, grade=grade),
        lambda: PublicityLineFactory(notice=notice, unit=made.unit("algebra"), ordinal=1, grade=grade),
        lambda: PublicityGradeFactory(round=made.round, grade=grade),
        lambda: PublicityPlanFactory(round=made.round),
        lambda: ConfirmationFactory(result=result, decided_at=at),
        lambda: ConfirmationFactory(result=result, body=""),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            make()
    assert PublicityGrade.objects.filter(round=made.round).count() == 1
