"""Visits, contacts, and what becomes of them and of 督办单 when the tree changes."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from branches.models import Role
from branches.services import succession, tree
from branches.versions import ConflictError
from grading.services.errors import RefusedError
from rectification.models import Contact, SupervisionNotice, VisitFinding
from rectification.services import contacts, notices, visits
from rectification.services.contacts import Leader
from rectification.services.visits import Found
from tests.factories.branches import AppointmentFactory, holder
from tests.factories.rectification import ItemFactory
from tests.factories.supervision import ContactFactory, VisitFactory, VisitFindingFactory
from tests.rectification.supervision_world import LATER, answer, at, world
from tests.worlds import shared

pytestmark = pytest.mark.once
w = shared(world)
S = SupervisionNotice.State
VALUES = {
    "held_on": dt.date(2013, 1, 7), "place": "302", "visitors": "林志远、陈静", "looked_at": ["“三会一课”是否落实"],
    "summary": "",
}  # fmt: skip


def record(w, *, by=None, unit=None, found=(), **changes):
    return visits.record(
        by=by or w.officer, campaign=w.campaign, unit=unit or w.school.software, values=VALUES | changes, found=found,
        now=LATER,
    )  # fmt: skip


# --- Visits -----------------------------------------------------------------------------------------------------------


def test_a_visit_says_when_who_where_and_what_and_what_it_found(w):
    visit = record(
        w, found=[Found(w.school.software, "漏记请假人员", "补签到册"), Found(w.school.software, "记录不全")]
    )
    assert (visit.held_on, visit.place, visit.visitors) == (dt.date(2013, 1, 7), "302", "林志远、陈静")
    assert list(visit.findings.values_list("ordinal", "text", "state")) == [
        (1, "漏记请假人员", "open"), (2, "记录不全", "open"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"held_on": dt.date(2013, 1, 8)}, "held_on"),
        ({"place": " "}, "place"),
        ({"visitors": ""}, "visitors"),
        ({"looked_at": [], "summary": " "}, "looked_at"),
    ],
)
def test_what_is_missing_is_said_by_field(w, wrong, field):
    with pytest.raises(RefusedError) as refusal:
        record(w, **wrong)
    assert list(refusal.value.fields) == [field]


@pytest.mark.parametrize("who", ["organiser", "secretary", "other_officer"])
def test_who_may_not_record(w, who):
    with pytest.raises(RefusedError):
        record(w, by=getattr(w, who))


def test_a_finding_about_a_branch_out_of_reach_is_refused_and_nothing_kept(w):
    with pytest.raises(RefusedError):
        record(w, found=[Found(w.school.chinese, "别人家的")])
    assert not w.campaign.visits.exists()


def test_a_finding_becomes_an_item_by_its_key_or_is_settled_with_a_word(w):
    visit = record(w, found=[Found(w.school.software, "漏记请假人员"), Found(w.school.software, "灯坏了")])
    first, second = visit.findings.all()
    plan = w.items["software"][0].plan
    item = ItemFactory(plan=plan, ordinal=9, source="inspection", source_key=first.source_key)
    assert visits.taken([first, second]) == {first.pk: item}
    with pytest.raises(RefusedError, match="已列入整改"):
        visits.settle(by=w.officer, finding=first, note="不用了")
    with pytest.raises(RefusedError, match="请写明处理情况"):
        visits.settle(by=w.officer, finding=second, note=" ")
    assert visits.settle(by=w.officer, finding=second, note="当场换好").state == VisitFinding.State.SETTLED


def test_two_who_correct_one_record(w):
    visit = record(w)
    visits.change(by=w.officer, visit=visit, version=1, values=VALUES | {"place": "303"}, now=LATER)
    with pytest.raises(ConflictError):
        visits.change(by=w.office, visit=visit, version=1, values=VALUES | {"place": "304"}, now=LATER)


def test_wrong_visits_and_findings_are_refused(w):
    visit = VisitFactory(campaign=w.campaign, unit=w.school.software)
    finding = VisitFindingFactory(visit=visit)
    for wrong in (
        lambda: VisitFactory(campaign=w.campaign, unit=w.school.software, visitors=""),
        lambda: VisitFactory(campaign=w.campaign, unit=w.school.software, place=""),
        lambda: VisitFindingFactory(visit=visit, ordinal=finding.ordinal),
        lambda: VisitFindingFactory(visit=visit, text=""),
        lambda: VisitFindingFactory(visit=visit, state="settled"),
        lambda: VisitFindingFactory(visit=visit, state="lost"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            wrong()


# --- Contacts ---------------------------------------------------------------------------------------------------------


def appoint(w, name, *, by=None, day=dt.date(2013, 1, 7), branch=None, **more):
    return contacts.appoint(
        by=by or w.office, campaign=w.campaign, branch=branch or w.school.software, leader=Leader(name, **more),
        starts_on=day, now=LATER,
    )  # fmt: skip


def test_one_leader_a_branch_and_the_one_before_on_record(w):
    first = appoint(w, "周明", day=dt.date(2012, 5, 1), duty="党委副书记")
    second = appoint(w, "陈静")
    first.refresh_from_db()
    assert (first.ends_on, first.end_reason) == (dt.date(2013, 1, 7), "调整为陈静")
    assert list(Contact.objects.present()) == [second]
    with pytest.raises(RefusedError, match="没有变化"):
        appoint(w, "陈静")
    with pytest.raises(RefusedError, match="不能早于"):
        appoint(w, "林远", day=dt.date(2013, 1, 6))
    with pytest.raises(RefusedError, match="请填写联系领导"):
        appoint(w, " ")
    ended = contacts.end(by=w.office, contact=second, reason="已转化", now=LATER)
    assert ended.ends_on == dt.date(2013, 1, 7)
    with pytest.raises(RefusedError, match="已经结束"):
        contacts.end(by=w.office, contact=second, reason="再结束", now=LATER)


@pytest.mark.parametrize("who", ["organiser", "secretary", "other_officer"])
def test_who_may_not_appoint(w, who):
    with pytest.raises(RefusedError):
        appoint(w, "周明", by=getattr(w, who))


def test_who_is_of_the_branch_appoints_nobody_for_it(w):
    AppointmentFactory(branch=w.school.software, person=w.officer.person)
    with pytest.raises(RefusedError, match="回避"):
        appoint(w, "周明", by=w.officer)


def test_wrong_contacts_are_refused(w):
    contact = ContactFactory(campaign=w.campaign, branch=w.school.software)
    for wrong in (
        lambda: ContactFactory(campaign=w.campaign, branch=w.school.software),
        lambda: ContactFactory(campaign=w.campaign, branch=w.school.algebra, leader_name=""),
        lambda: ContactFactory(
            campaign=w.campaign, branch=w.school.algebra, ends_on=dt.date(2012, 1, 1), end_reason="x"
        ),
        lambda: ContactFactory(campaign=w.campaign, branch=w.school.algebra, ends_on=contact.starts_on),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            wrong()


# --- When the tree changes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answered", "state"), [(False, S.WITHDRAWN), (True, S.CLOSED)])
def test_a_branch_that_is_merged_leaves_no_notice_and_no_contact(w, time_machine, answered, state):
    time_machine.move_to(LATER)
    notice = w.issue()
    if answered:
        notices.reply(by=w.secretary, notice=notice, version=1, answer=answer(notice), now=LATER)
    ContactFactory(campaign=w.campaign, branch=w.school.software)
    ground = succession.Ground(on=dt.date(2013, 1, 7), reason="合并")
    succession.merge(
        by=w.office, branches=[w.school.software, w.school.algebra], into=w.school.algebra, ground=ground
    )  # fmt: skip
    notice.refresh_from_db()
    assert notice.state == state
    assert not Contact.objects.present().exists()
    assert notices.overdue(w.campaign, LATER).filter(answers_id=w.school.algebra.pk).count() == 4


def test_a_branch_that_hangs_elsewhere_is_handled_by_whoever_supervises_it_now(w, time_machine):
    time_machine.move_to(LATER)
    notice = w.issue()
    notices.reply(by=w.secretary, notice=notice, version=1, answer=answer(notice), now=LATER)
    notice.refresh_from_db()
    newcomer = holder(Role.GENERAL_BRANCH_OFFICER, w.school.letters)
    with pytest.raises(RefusedError):
        notices.close(by=newcomer, notice=notice, version=notice.version, now=LATER)
    place = tree.Place(name="软件工程教研室党支部", short_name="", parent=w.school.letters, category=w.school.teachers)
    tree.move(by=w.office, branch=w.school.software, place=place, from_day=dt.date(2013, 1, 7), reason="划转")
    time_machine.move_to(at("2013-01-08 09:00"))
    fresh = type(newcomer).objects.get(pk=newcomer.pk)
    assert notices.close(by=fresh, notice=notice, version=notice.version, now=LATER).state == S.CLOSED
