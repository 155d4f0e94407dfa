"""Digests: one a person and week, nothing twice on a day, to the second and over the year's end; and why not."""

import datetime as dt

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from branches.models import Role, RoleGrant
from grading.services.errors import RefusedError
from rectification import digest
from rectification.digest import Line
from rectification.models import Change, DigestRun, Dispatch, DispatchLine, Item, Plan, YearClosing
from rectification.services import digests, dispatching, notices
from tests.factories.branches import RoleGrantFactory, holder
from tests.factories.grading import RoundUnitFactory
from tests.factories.publicity import CalendarDayFactory
from tests.factories.rectification import ChangeFactory, ItemFactory, YearClosingFactory
from tests.factories.supervision import (
    ContactFactory,
    DigestChoiceFactory,
    DigestRunFactory,
    DispatchFactory,
    DispatchLineFactory,
)
from tests.rectification.supervision_world import DUE, answer, at, mailed, world
from tests.worlds import shared

pytestmark = pytest.mark.once
w = shared(world)
MONDAY = at("2013-01-07 08:00")
D = Dispatch.State


def of(account, kind="digest"):
    return Dispatch.objects.filter(recipient=account, kind=kind).order_by("-pk").first()


def told(account):
    return [line.text for line in of(account).lines.filter(told=True)]


# --- When -------------------------------------------------------------------------------------------------------------


@pytest.mark.unit
@pytest.mark.parametrize(
    ("moment", "due"),
    [
        ("2012-12-30 23:59:59", True),  # Sunday: the week before is still open for who stood still on Monday
        ("2012-12-31 00:00:00", False),
        ("2012-12-31 07:59:59", False),
        ("2012-12-31 08:00:00", True),
        ("2012-12-31 08:00:01", True),
        ("2013-01-01 00:00:00", True),
    ],
)
def test_a_weekly_digest_is_due_from_its_hour_until_the_week_ends(moment, due):
    assert digest.is_due(digest.WEEKLY, at(moment), weekday=1, hour=8, workday=True) is due


@pytest.mark.unit
def test_a_week_over_the_years_end_is_one_week():
    assert {digest.week_of(dt.date(2012, 12, 31)), digest.week_of(dt.date(2013, 1, 6))} == {dt.date(2012, 12, 31)}
    assert digest.week_of(dt.date(2013, 1, 7)) == dt.date(2013, 1, 7)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("moment", "workday", "due"),
    [("2013-01-04 07:59:59", True, False), ("2013-01-04 08:00:00", True, True), ("2013-01-05 09:00:00", False, False)],
)
def test_a_daily_digest_is_due_from_its_hour_on_working_days(moment, workday, due):
    assert digest.is_due(digest.DAILY, at(moment), weekday=1, hour=8, workday=workday) is due


@pytest.mark.parametrize(
    ("moment", "due"),
    [
        ("2013-01-03 09:00", []),  # Thursday, still 元旦
        ("2013-01-04 09:00", ["daily"]),
        ("2013-01-05 09:00", ["daily"]),  # Saturday, worked for 元旦
        ("2013-01-12 09:00", []),  # Saturday
        ("2013-01-09 09:00", []),  # Wednesday that the site entered as free
    ],
)
def test_daily_digests_follow_the_calendar_of_working_days(w, moment, due):
    CalendarDayFactory(day=dt.date(2013, 1, 9), working=False)
    assert [one for one in digests.due(at(moment)) if one == digest.DAILY] == due


def test_one_a_week_however_often_the_worker_looks(w):
    assert digests.due(at("2013-01-07 07:59:59")) == []
    first = digests.work(MONDAY)
    assert first > 0
    for moment in ("2013-01-07 08:00:01", "2013-01-08 09:00", "2013-01-13 23:59:59"):
        assert digests.work(at(moment)) == 0
    assert digests.work(at("2013-01-14 08:00")) == first


def test_the_weekday_is_the_campaigns(w):
    w.rules.digest_weekday = 4
    w.rules.save()
    assert digests.due(at("2013-01-09 23:59:59")) == ["daily"]
    assert digests.due(at("2013-01-10 08:00")) == ["weekly", "daily"]
    w.rules.digest_weekday = None
    w.rules.save()
    assert digests.due(at("2013-01-10 08:00")) == []


@pytest.mark.parametrize("quiet", ["backfill", "closed", "not begun"])
def test_campaigns_that_remind_nobody(w, quiet):
    if quiet == "closed":
        YearClosingFactory(campaign=w.campaign)
        assert YearClosing.objects.count() == 1
    else:
        w.campaign.backfill = quiet == "backfill"
        w.campaign.starts_on = dt.date(2013, 1, 8) if quiet == "not begun" else w.campaign.starts_on
        w.campaign.ends_on = dt.date(2013, 12, 31)
        w.campaign.save()
    assert digests.work(MONDAY) == 0
    assert not Dispatch.objects.exists()


# --- What -------------------------------------------------------------------------------------------------------------


def test_a_secretary_is_told_item_by_item_and_the_superior_by_branch(w):
    ChangeFactory(item=w.items["algebra"][0], kind="extension")
    digests.work(MONDAY)
    assert told(w.secretary) == [
        "第 3 项“会议记录漏记请假人员”：2012年11月30日到期，已逾期 38 天",
        "第 1 项“支委会一年没有换届”：2012年12月31日到期，已逾期 7 天",
        "第 2 项“会议记录漏记请假人员”：2012年12月31日到期，已逾期 7 天",
    ]
    maths = [
        f"{w.school.software.name_on(MONDAY.date())}：逾期 3 项",
        f"{w.school.algebra.name_on(MONDAY.date())}：逾期 1 项",
    ]
    assert told(w.officer) == ["1 件延期、暂停等申请等待审批", *maths]
    assert told(w.office) == ["1 件延期、暂停等申请等待审批", "数学与计算机科学学院党总支：逾期 4 项"]
    assert of(w.secretary).subject == "整改提高提醒（2013年1月7日）：3 件事需要关注"


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2012-12-31 08:00:00", "今天到期"),  # a Monday; at risk from 14 days before
        ("2013-01-07 08:00:00", "已逾期 7 天"),
    ],
)
def test_over_the_years_end_what_was_soon_is_late(w, moment, said):
    digests.work(at(moment))
    assert any(text.endswith(said) for text in told(w.secretary))


def test_who_is_both_hears_of_a_branch_once(w):
    RoleGrantFactory(account=w.officer, role=Role.SECRETARY, node=w.school.software)
    RoleGrantFactory(account=w.officer, role=Role.OFFICE, node=w.school.root)
    digests.work(MONDAY)
    keys = list(of(w.officer).lines.filter(told=True).values_list("key", flat=True))
    assert sorted(keys) == sorted(
        [f"item:{item.pk}" for item in w.items["software"]] + [f"unit:{w.campaign.pk}:{w.school.algebra.pk}"]
    )


def test_a_notice_stands_for_its_items_until_it_is_answered(w):
    notice = w.issue(now=at("2013-01-08 09:00"))
    digests.work(at("2013-01-14 08:00"))
    assert told(w.secretary) == [f"回复督办单 {notice.code}（3 项），2013年1月14日，今天截止"]
    notices.reply(by=w.secretary, notice=notice, version=1, answer=answer(notice), now=at("2013-01-14 10:00"))
    digests.work(at("2013-01-21 08:00"))
    assert told(w.officer)[0].endswith(f"已回复督办单 {notice.code}，等待核查")
    assert len(told(w.secretary)) == 3


def test_plans_are_asked_for_before_they_are_due_and_after(w):
    RoundUnitFactory(round=w.round, branch=w.school.history)
    secretary = mailed(Role.SECRETARY, w.school.history, "history@example.edu.cn")
    digests.work(at("2012-05-21 08:00"))  # ten days before; asked for from seven days before
    assert of(secretary).why == "nothing"
    digests.work(at("2012-05-28 08:00"))
    assert told(secretary) == ["报送整改提高方案：2012年5月31日截止，还剩 3 天"]
    digests.work(at("2012-06-04 08:00"))
    assert told(secretary) == ["报送整改提高方案：2012年5月31日截止，已逾期 4 天"]


def test_what_waits_for_the_level_above(w):
    Plan.objects.filter(branch=w.school.chinese).update(state=Plan.State.SUBMITTED)
    Item.objects.filter(pk=w.items["algebra"][0].pk).update(
        state=Item.State.AWAITING, result="已办", requested_at=MONDAY
    )
    digests.work(MONDAY)
    assert "1 项申请销号，等待核实" in told(w.officer)
    assert "1 份整改提高方案等待审批" in told(w.office)
    assert not Change.objects.exists()


def test_a_contact_with_an_account_hears_of_the_branch(w):
    leader = mailed(Role.SCHOOL_LEADER, w.school.root, "leader@example.edu.cn")
    ContactFactory(campaign=w.campaign, branch=w.school.software, account=leader)
    digests.work(MONDAY)
    assert told(leader) == [f"您联系的{w.school.software.name_on(MONDAY.date())}：逾期 3 项"]


# --- Never twice ------------------------------------------------------------------------------------------------------


@pytest.mark.unit
def test_a_digest_says_each_thing_once_and_leaves_out_what_was_told():
    lines = [Line("a", "一", "x"), Line("b", "二", "x"), Line("a", "又一", "y"), Line("c", "三", "y")]
    made = digest.build(lines, {"b"})
    assert [line.text for line in made.lines] == ["一", "三"]
    assert [line.text for line in made.left_out] == ["二"]


def test_what_a_notice_told_today_the_digest_of_today_leaves_out(w):
    w.issue(now=at("2013-01-07 07:30"))
    digests.work(MONDAY)
    assert (of(w.secretary).state, of(w.secretary).why) == (D.SKIPPED, "told_today")
    assert of(w.secretary).lines.filter(told=False).count() == 1


def test_the_database_refuses_telling_twice_on_a_day(w):
    digests.work(MONDAY)
    line = of(w.secretary).lines.filter(told=True).first()
    with pytest.raises(IntegrityError), transaction.atomic():
        DispatchLineFactory(dispatch=DispatchFactory(recipient=w.secretary), key=line.key, day=line.day)
    DispatchLineFactory(dispatch=DispatchFactory(recipient=w.secretary), key=line.key, day=dt.date(2013, 1, 8))
    DispatchLineFactory(dispatch=DispatchFactory(recipient=w.secretary), key=line.key, day=line.day, told=False)


def test_the_database_refuses_a_second_digest_of_a_week_or_day(w):
    digests.work(MONDAY)
    row = of(w.secretary)
    for wrong in ({"period": row.period, "day": dt.date(2013, 1, 9)}, {"period": dt.date(2013, 1, 9), "day": row.day}):
        with pytest.raises(IntegrityError), transaction.atomic():
            DispatchFactory(recipient=w.secretary, kind="digest", **wrong)
    with pytest.raises(IntegrityError), transaction.atomic():
        DigestRunFactory(period=digest.week_of(MONDAY.date()))


# --- Who does not get one, and why ------------------------------------------------------------------------------------


def test_the_log_says_why_not(w):
    DigestChoiceFactory(account=w.secretary, frequency="none")
    idle = mailed(Role.SECRETARY, w.school.chinese, "chinese@example.edu.cn")
    gone = holder(Role.SECRETARY, w.school.algebra, is_active=False)
    digests.work(MONDAY)
    found = {account.pk: (of(account).state, of(account).why) for account in (w.secretary, w.clerk, idle, gone)}
    assert found == {
        w.secretary.pk: (D.SKIPPED, "opted_out"),
        w.clerk.pk: (D.SKIPPED, "no_address"),
        idle.pk: (D.SKIPPED, "nothing"),
        gone.pk: (D.SKIPPED, "inactive"),
    }
    assert not DispatchLine.objects.filter(recipient=w.secretary, told=True).exists()
    readers = RoleGrant.objects.filter(role__in=digests.ACTING).values("account").distinct().count()
    assert Dispatch.objects.count() == readers


def test_who_chose_daily_gets_one_a_day_and_none_weekly(w):
    dispatching.choose(by=w.secretary, frequency="daily", now=MONDAY)
    digests.work(MONDAY)
    digests.work(at("2013-01-08 08:00"))
    digests.work(at("2013-01-08 18:00"))
    days = Dispatch.objects.filter(recipient=w.secretary).order_by("day").values_list("day", flat=True)
    assert list(days) == [dt.date(2013, 1, 7), dt.date(2013, 1, 8)]
    assert Dispatch.objects.filter(recipient=w.officer).count() == 1
    assert set(DigestRun.objects.values_list("frequency", "period")) == {
        ("weekly", dt.date(2013, 1, 7)), ("daily", dt.date(2013, 1, 7)), ("daily", dt.date(2013, 1, 8)),
    }  # fmt: skip


def test_a_frequency_nobody_knows_is_refused(w):
    with pytest.raises(RefusedError):
        dispatching.choose(by=w.secretary, frequency="hourly", now=MONDAY)


def test_the_number_of_queries_does_not_grow(w):
    def queries(moment):
        with CaptureQueriesContext(connection) as seen:
            digests.work(at(moment))
        return len(seen)

    before = queries("2013-01-07 08:00")
    for branch in (w.school.algebra, w.school.chinese, w.school.history):
        mailed(Role.SECRETARY, branch, f"{branch.code}@example.edu.cn")
    ItemFactory(plan=w.items["algebra"][0].plan, state="in_hand", approved_at=MONDAY, due_on=DUE)
    assert queries("2013-01-14 08:00") == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "lost"}, {"kind": "letter"}, {"state": "skipped"}, {"why": "nothing"}, {"address": ""}, {"body": ""},
        {"message_id": ""}, {"state": "claimed"}, {"state": "handed"}, {"state": "uncertain"}, {"state": "sent"},
        {"kind": "digest"}, {"attempt": 9},
    ],
    ids=str,
)  # fmt: skip
def test_wrong_messages_are_refused(db, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        DispatchFactory(**wrong)


def test_a_message_id_and_a_repeat_are_given_once(w):
    first = DispatchFactory(recipient=w.secretary)
    DispatchFactory(recipient=w.secretary, again_of=first)
    for wrong in ({"message_id": first.message_id}, {"again_of": first}):
        with pytest.raises(IntegrityError), transaction.atomic():
            DispatchFactory(recipient=w.secretary, **wrong)
