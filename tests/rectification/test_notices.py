"""督办单: for what is overdue, one a branch, with one reply; who may do what, and to the second when."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from branches.models import Role
from branches.transitions import IllegalMoveError, history
from branches.versions import ConflictError
from grading.services.errors import RefusedError
from rectification.models import Dispatch, Item, NoticeSeries, SupervisionNotice
from rectification.services import notices
from tests.factories.branches import AppointmentFactory, holder
from tests.factories.rectification import ItemFactory
from tests.factories.supervision import NoticeItemFactory, NoticeReplyFactory, SupervisionNoticeFactory
from tests.rectification.supervision_world import DUE, LATER, answer, at, world
from tests.worlds import shared

pytestmark = pytest.mark.once
w = shared(world)
S = SupervisionNotice.State


# --- Issuing ----------------------------------------------------------------------------------------------------------


def test_a_notice_holds_everything_overdue_of_one_branch_as_it_stands(w):
    notice = w.issue()
    lines = [(line.ordinal, line.item_id, line.due_on, line.days) for line in notice.lines.all()]
    first, second, third = w.items["software"]
    assert lines == [(1, first.pk, DUE, 7), (2, second.pk, DUE, 7), (3, third.pk, dt.date(2012, 11, 30), 38)]
    assert (notice.number, notice.code, notice.issuer) == (1, "数学与计算机科学学院督〔2013〕1号", w.school.maths)
    assert (notice.state, notice.issued_on, notice.reply_due_on) == (
        "issued",
        dt.date(2013, 1, 7),
        dt.date(2013, 1, 14),
    )


def test_numbers_run_by_issuer_and_campaign_without_a_gap(w):
    assert [w.issue().number, w.issue(branch=w.school.algebra).number] == [1, 2]
    ItemFactory(
        plan__round=w.round, plan__branch=w.school.direct, plan__state="approved", plan__submitted_at=LATER,
        plan__approved_at=LATER, state=Item.State.IN_HAND, approved_at=LATER, due_on=DUE,
    )  # fmt: skip
    assert w.issue(by=w.office, branch=w.school.direct).number == 1
    w.order()
    with pytest.raises(RefusedError):  # what is refused takes no number
        w.issue(branch=w.school.software)
    assert dict(NoticeSeries.objects.values_list("issuer", "last")) == {w.school.maths.pk: 2, w.school.root.pk: 1}


@pytest.mark.parametrize(
    ("moment", "number"),
    [("2012-11-30 23:59:59", 0), ("2012-12-01 00:00:00", 1), ("2012-12-31 23:59:59", 1), ("2013-01-01 00:00:00", 3)],
)
def test_an_item_is_overdue_from_the_midnight_after_its_day_over_the_years_end_too(w, moment, number):
    found = list(notices.overdue(w.campaign, at(moment)).filter(answers_id=w.school.software.pk))
    assert len(found) == number


def test_nothing_overdue_no_notice(w):
    with pytest.raises(RefusedError, match="没有逾期的整改项目"):
        w.issue(branch=w.school.chinese, by=w.other_officer)


def test_one_alive_a_branch_whoever_issues(w):
    w.issue()
    with pytest.raises(RefusedError, match="还没有办结，不再重复督办"):
        w.issue(by=w.office)


def test_the_database_refuses_a_second_one_alive_too(w):
    notice = w.issue()
    with pytest.raises(IntegrityError), transaction.atomic():
        SupervisionNoticeFactory(campaign=w.campaign, branch=w.school.software, issuer=w.school.root)
    SupervisionNotice.objects.filter(pk=notice.pk).update(state=S.CLOSED)
    SupervisionNoticeFactory(campaign=w.campaign, branch=w.school.software, issuer=w.school.root)


def test_several_at_once_all_or_none(w):
    several = [w.school.software, w.school.algebra, w.school.chinese]
    with pytest.raises(RefusedError):
        notices.issue_many(by=w.office, campaign=w.campaign, branches=several, order=w.order(), now=LATER)
    assert not SupervisionNotice.objects.exists()
    made = notices.issue_many(by=w.office, campaign=w.campaign, branches=several[:2], order=w.order(), now=LATER)
    assert [(one.number, one.issuer_id) for one in made] == [(1, w.school.root.pk), (2, w.school.root.pk)]


@pytest.mark.parametrize("who", ["organiser", "secretary", "clerk", "other_officer"])
def test_who_may_not_issue(w, who):
    with pytest.raises(RefusedError):
        w.issue(by=getattr(w, who))


def test_nobody_issues_to_the_own_level(w):
    ItemFactory(
        plan__round=w.round, plan__branch=w.school.maths, plan__state="approved", plan__submitted_at=LATER,
        plan__approved_at=LATER, state=Item.State.IN_HAND, approved_at=LATER, due_on=DUE,
    )  # fmt: skip
    with pytest.raises(RefusedError, match="由上级签发"):
        w.issue(branch=w.school.maths)
    assert w.issue(by=w.office, branch=w.school.maths).issuer == w.school.root


def test_who_holds_office_in_the_branch_stands_aside(w):
    AppointmentFactory(branch=w.school.software, person=w.officer.person)
    with pytest.raises(RefusedError, match="回避"):
        w.issue()


def test_an_item_the_superior_took_over_is_asked_of_the_superior(w):
    Item.objects.filter(pk=w.items["software"][0].pk).update(escalated_to=w.school.maths, escalation_reason="经费")
    assert [line.item_id for line in w.issue().lines.all()] == [item.pk for item in w.items["software"][1:]]
    taken = w.issue(by=w.office, branch=w.school.maths)
    assert [line.item_id for line in taken.lines.all()] == [w.items["software"][0].pk]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [({"demand": "  "}, "请写明督办要求。"), ({"due": dt.date(2013, 1, 7)}, "回复期限应在今天之后。")],
)
def test_what_is_missing_is_said_by_field(w, wanted, said):
    with pytest.raises(RefusedError) as refusal:
        w.issue(**wanted)
    assert refusal.value.sentences == [said]
    assert list(refusal.value.fields.values()) == [said]


def test_a_backfilled_campaign_urges_nobody(w):
    w.campaign.backfill = True
    w.campaign.save()
    with pytest.raises(RefusedError, match="历史补录"):
        w.issue()


# --- Replying ---------------------------------------------------------------------------------------------------------


def reply(w, notice, *, by=None, now=None, **said):
    notice.refresh_from_db()
    return notices.reply(
        by=by or w.secretary, notice=notice, version=notice.version, answer=answer(notice, **said),
        now=now or at("2013-01-10 10:00"),
    )  # fmt: skip


def test_one_reply_for_everything_then_closed(w):
    notice = w.issue()
    saved = reply(w, notice)
    notice.refresh_from_db()
    assert (notice.state, saved.on_behalf, saved.late) == ("replied", False, False)
    assert [line.answer for line in notice.lines.all()] == ["已补齐1", "已补齐2", "已补齐3"]
    with pytest.raises(IllegalMoveError):
        reply(w, notice)
    closed = notices.close(by=w.officer, notice=notice, version=notice.version + 0, now=LATER)
    assert closed.state == S.CLOSED


@pytest.mark.parametrize(
    ("moment", "late"),
    [("2013-01-14 23:59:59", False), ("2013-01-15 00:00:00", True), ("2013-01-15 00:00:01", True)],
)
def test_a_reply_is_late_from_the_midnight_after_its_day(w, moment, late):
    assert reply(w, w.issue(), now=at(moment)).late is late


def test_a_superior_replies_on_behalf_and_another_one_closes(w):
    notice = w.issue()
    assert reply(w, notice, by=w.officer).on_behalf
    notice.refresh_from_db()
    with pytest.raises(RefusedError, match="由另一位同志核查"):
        notices.close(by=w.officer, notice=notice, version=notice.version, now=LATER)
    assert notices.close(by=w.office, notice=notice, version=notice.version, now=LATER).state == S.CLOSED


def test_a_reply_is_whole_or_says_what_is_missing(w):
    notice = w.issue()
    line = notice.lines.get(ordinal=2)
    given = answer(notice, text="", signed_by=" ")
    del given.lines[line.pk]
    with pytest.raises(RefusedError) as refusal:
        notices.reply(by=w.secretary, notice=notice, version=1, answer=given, now=LATER)
    assert refusal.value.fields == {
        "text": "请写明党支部意见。", "signed_by": "请填写党支部书记或负责人姓名。",
        f"line-{line.pk}": "第 2 项还没有写办理情况。",
    }  # fmt: skip


def test_sent_back_with_a_reason_and_answered_anew(w):
    notice = w.issue()
    reply(w, notice)
    notice.refresh_from_db()
    back = {"by": w.officer, "notice": notice, "version": notice.version, "now": at("2013-01-11 09:00")}
    with pytest.raises(IllegalMoveError, match="理由"):
        notices.return_reply(**back, reason=" ", reply_due_on=dt.date(2013, 1, 20))
    with pytest.raises(RefusedError, match="今天之后"):
        notices.return_reply(**back, reason="没写完成日期", reply_due_on=dt.date(2013, 1, 11))
    returned = notices.return_reply(**back, reason="没写完成日期", reply_due_on=dt.date(2013, 1, 20))
    assert (returned.state, returned.reply_due_on) == (S.RETURNED, dt.date(2013, 1, 20))
    again = reply(w, returned, text="1月18日前完成。", now=at("2013-01-20 23:59:59"))
    assert (again.text, again.late) == ("1月18日前完成。", False)
    assert [move.to_state for move in history(notice)] == ["replied", "returned", "replied"]


def test_withdrawn_with_a_reason_the_number_stays_used(w):
    notice = w.issue()
    with pytest.raises(IllegalMoveError, match="理由"):
        notices.withdraw(by=w.officer, notice=notice, version=1, reason="", now=LATER)
    notices.withdraw(by=w.officer, notice=notice, version=1, reason="期限填错", now=LATER)
    told = Dispatch.objects.get(kind=Dispatch.Kind.WITHDRAWN, recipient=w.secretary)
    assert (told.state, told.subject) == ("waiting", f"督办单 {notice.code} 已撤回")
    assert "不用再回复：期限填错。所列项目仍按各自的时限办理。" in told.body
    assert Dispatch.objects.get(kind=Dispatch.Kind.WITHDRAWN, recipient=w.clerk).why == Dispatch.Why.NO_ADDRESS
    assert w.issue().number == 2


def test_what_the_office_issued_the_general_branch_does_not_close(w):
    notice = w.issue(by=w.office)
    reply(w, notice)
    notice.refresh_from_db()
    with pytest.raises(RefusedError, match="由上级签发"):
        notices.close(by=w.officer, notice=notice, version=notice.version, now=LATER)


def test_two_people_at_one_notice(w):
    notice = w.issue()
    reply(w, notice)
    with pytest.raises(ConflictError):
        notices.close(by=w.officer, notice=notice, version=1, now=LATER)


@pytest.mark.parametrize("who", [Role.AUDITOR, Role.SCHOOL_LEADER])
def test_readers_reply_to_nothing(w, who):
    with pytest.raises(RefusedError):
        reply(w, w.issue(), by=holder(who, w.school.root))


# --- What the database refuses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"number": 0}, {"code": ""}, {"demand": ""}, {"state": "lost"}, {"reply_due_on": dt.date(2012, 1, 1)},
    ],
    ids=lambda wrong: next(iter(wrong)),
)  # fmt: skip
def test_wrong_notices_are_refused(db, wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        SupervisionNoticeFactory(**{"issued_on": dt.date(2013, 1, 7)} | wrong)


def test_a_number_is_used_once(w):
    notice = w.issue()
    with pytest.raises(IntegrityError), transaction.atomic():
        SupervisionNoticeFactory(campaign=w.campaign, issuer=w.school.maths, number=notice.number)


def test_wrong_lines_and_replies_are_refused(w):
    notice = w.issue()
    line = notice.lines.first()
    for wrong in (
        lambda: NoticeItemFactory(notice=notice, item=line.item, ordinal=9),
        lambda: NoticeItemFactory(notice=notice, item=w.items["algebra"][0], ordinal=1),
        lambda: NoticeItemFactory(notice=notice, item=w.items["algebra"][0], ordinal=9, days=0),
        lambda: NoticeReplyFactory(notice=notice, text=""),
        lambda: NoticeReplyFactory(notice=notice, signed_by=""),
        lambda: NoticeSeries.objects.create(campaign=w.campaign, issuer=w.school.maths),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            wrong()


# --- Who is written to ------------------------------------------------------------------------------------------------


def test_those_who_act_for_the_branch_are_written_to_and_the_log_says_who_is_not(w):
    w.issue()
    found = Dispatch.objects.order_by("recipient").values_list("recipient", "state", "why", "address")
    assert sorted(found) == sorted(
        [
            (w.secretary.pk, "waiting", "", "software@example.edu.cn"),
            (w.clerk.pk, "skipped", "no_address", ""),
        ]
    )
    sent = Dispatch.objects.get(recipient=w.secretary)
    assert sent.subject == "督办单 数学与计算机科学学院督〔2013〕1号：请于2013年1月14日前回复"
    assert sent.lines.filter(told=True).count() == 4
    assert not Dispatch.objects.get(recipient=w.clerk).lines.filter(told=True).exists()
