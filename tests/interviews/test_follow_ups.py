"""回访: planned, moved, done by a one-to-one talk, given up; reminded on the landing page."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse

from branches import clock
from branches.transitions import IllegalMoveError
from interviews.models import FollowUp
from interviews.models.follow_ups import FollowUpQuerySet
from interviews.services import follow_ups
from interviews.services.errors import RefusedError
from tests.factories.interview_matters import FollowUpFactory
from tests.interviews import follow, talks
from tests.worlds import shared

pytestmark = pytest.mark.once
world = shared(follow.world)


def in_days(days):
    return clock.today() + dt.timedelta(days=days)


def planned(world, days=2, interview=None):
    row = interview or talks.recorded(world.base)
    return follow_ups.plan(
        by=world.base.interviewer, interview=row, entry=world.base.student, due_on=in_days(days), now=clock.now()
    )


def test_one_plan_for_a_person_which_moves(world):
    first, again = planned(world), planned(world, days=9)
    assert (first.pk, again.due_on, FollowUp.objects.count()) == (again.pk, in_days(9), 1)


def test_of_two_requests_at_once_the_second_is_told_of_the_first(world, monkeypatch, signed_in):
    first = planned(world)
    monkeypatch.setattr(FollowUpQuerySet, "planned", lambda rows: rows.none())  # neither saw the other's row
    with pytest.raises(RefusedError, match="刚刚已经给这个人安排了回访"):
        planned(world, days=9, interview=first.interview)
    data = {"entry": world.base.student.pk, "due_on": in_days(9).isoformat()}
    url = reverse("follow-up-plan", args=[first.interview_id])
    assert signed_in(world.base.interviewer).post(url, data).status_code == 302
    assert FollowUp.objects.get().due_on == first.due_on


def test_a_plan_needs_ones_own_talk_the_person_and_a_day_to_come(world):
    row = talks.recorded(world.base)
    for by, entry, days in (
        (world.base.colleague, world.base.student, 2),
        (world.base.interviewer, world.base.other, 2),
        (world.base.interviewer, world.base.student, -1),
        (world.base.interviewer, world.base.student, 0),
    ):
        with pytest.raises(RefusedError):
            follow_ups.plan(by=by, interview=row, entry=entry, due_on=in_days(days), now=clock.now())


def test_only_a_later_one_to_one_talk_of_the_same_person_closes_it(world):
    row = planned(world)
    group = talks.recorded(world.base, entries=[world.base.student, world.base.other], one_to_one=False)
    earlier = talks.recorded(world.base, held_on=in_days(-1))
    theirs = talks.recorded(world.base, by=world.base.colleague)
    close = follow_ups.close_with
    assert close(by=world.base.interviewer, interview=group, now=clock.now()) == 0
    assert close(by=world.base.interviewer, interview=earlier, now=clock.now()) == 0
    assert close(by=world.base.colleague, interview=theirs, now=clock.now()) == 0
    assert close(by=world.base.interviewer, interview=talks.recorded(world.base), now=clock.now()) == 1
    row.refresh_from_db()
    assert row.state == "done"
    with pytest.raises(IllegalMoveError):
        follow_ups.drop(by=world.base.interviewer, follow_up=row, reason="毕业", now=clock.now())


def test_giving_up_needs_a_reason(world, signed_in):
    row, client = planned(world), signed_in(world.base.interviewer)
    client.post(reverse("follow-up-drop", args=[row.pk]))
    assert FollowUp.objects.get().state == "planned"
    client.post(reverse("follow-up-drop", args=[row.pk]), {"reason": "已转学"})
    assert FollowUp.objects.get().state == "dropped"


def test_it_is_reminded_three_days_before(world, signed_in, time_machine):
    row = planned(world, days=6)
    name = f"回访 {row.entry.person.name}"
    assert name not in signed_in(world.base.interviewer).get("/").content.decode()
    time_machine.move_to(clock.now() + dt.timedelta(days=3))
    assert name in signed_in(world.base.interviewer).get("/").content.decode()
    time_machine.move_to(clock.now() + dt.timedelta(days=5))
    assert "逾期 2 天" in signed_in(world.base.interviewer).get("/").content.decode()
    assert signed_in(world.base.interviewer).get(reverse("follow-ups")).context["late"] == 1


def test_the_page_of_a_talk_plans_one(world, signed_in):
    row, client = talks.recorded(world.base), signed_in(world.base.interviewer)
    url = reverse("follow-up-plan", args=[row.pk])
    for day in ("", "2012-13-40", "soon"):
        client.post(url, {"entry": world.base.student.pk, "due_on": day})
    assert FollowUp.objects.count() == 0
    assert client.post(url, {"entry": world.base.other.pk, "due_on": in_days(3)}).status_code == 404
    client.post(url, {"entry": world.base.student.pk, "due_on": in_days(3).isoformat()})
    assert FollowUp.objects.get().due_on == in_days(3)


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_asks_as_much_for_three_rows_as_for_one(world, signed_in, django_assert_num_queries, number):
    mine = talks.recorded(world.base)
    for _ in range(number):
        FollowUpFactory(interview=mine, account=world.base.interviewer)
    client = signed_in(world.base.interviewer)
    client.get(reverse("follow-ups"))
    with django_assert_num_queries(7):
        client.get(reverse("follow-ups"))


def test_the_database_refuses_what_is_wrong(world):
    first = FollowUpFactory()
    for wrong in (
        {"state": "lost"}, {"state": "done"}, {"interview": first.interview, "done_by": first.interview},
        {"interview": first.interview, "entry": first.entry},
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            FollowUpFactory(**wrong)
