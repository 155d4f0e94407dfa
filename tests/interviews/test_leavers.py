"""Talks of an interviewer who left: a successor is named by who manages talks, who reads no word of them."""

import datetime as dt

import pytest
from django.urls import reverse

from branches import clock
from branches.models import AuditEntry, RoleGrant
from branches.permissions import Action, scope
from interviews.home import named_reader
from interviews.models import Assignment, FollowUp, Matter, Reader
from interviews.services import follow_ups, interviews, leavers, matters, readers, sealed
from interviews.services.errors import NotReadableError, RefusedError
from tests.factories import branches as f
from tests.interviews import follow
from tests.interviews.talks import in_days, recorded
from tests.worlds import shared

pytestmark = pytest.mark.once
world = shared(follow.world)


def reach(account):
    return scope(account, Action.MANAGE_INTERVIEWS)


def leave(account, how="role"):
    if how == "role":
        RoleGrant.objects.filter(account=account).delete()
    else:
        account.is_active = False
        account.save()


def hand_on(base, *, by=None, account=None, days=30.0):
    by = by or base.officer
    return leavers.hand_on(
        by=by, owner=base.interviewer, account=account or base.colleague, reach=reach(by), reason="离任交接",
        until=in_days(days), now=clock.now(),
    )  # fmt: skip


def read(row, account):
    return interviews.read_interview(by=account, interview=row, now=clock.now()).text


@pytest.mark.parametrize("how", ["role", "account"])
def test_who_left_is_told_and_the_successor_reads_with_a_trace(world, how):
    base = world.base
    first, second = recorded(base), recorded(base, entries=[base.other])
    assert list(leavers.gone(reach(base.officer))) == []
    leave(base.interviewer, how)
    assert list(leavers.gone(reach(base.officer))) == [base.interviewer]
    with pytest.raises(NotReadableError):
        read(first, base.colleague)
    assert hand_on(base) == leavers.HandedOn(2, 0, 0)
    assert [read(row, base.colleague) for row in (first, second)] == ["最近睡不好，想换宿舍。"] * 2
    assert first.record.readings.filter(by=base.colleague, outcome="opened").exists()
    assert AuditEntry.objects.filter(action="interviews.hand_on", account=base.officer).count() == 1
    ((successor, until),) = leavers.successors(base.interviewer, reach(base.officer), clock.now())
    assert (successor, until.date()) == (base.colleague, in_days(30).date())
    for account in (base.officer, base.office):
        with pytest.raises(NotReadableError):
            read(first, account)


def test_nobody_hands_on_for_somebody_who_is_there_nor_to_himself_nor_beyond_the_own_units(world):
    base = world.base
    recorded(base)
    with pytest.raises(RefusedError, match="仍在岗"):
        hand_on(base)
    leave(base.interviewer)
    with pytest.raises(RefusedError, match="不能交接给自己"):
        hand_on(base, account=base.officer)
    for days in (-1, 400):
        with pytest.raises(RefusedError):
            hand_on(base, days=days)
    other = f.holder("general_branch_officer", base.school.letters)
    with pytest.raises(RefusedError, match="仍在岗"):  # none of the talks lies in that officer's units
        hand_on(base, by=other)
    with pytest.raises(RefusedError):
        hand_on(base, account=base.office)
    assert not Reader.objects.exists()


def test_planned_follow_ups_go_along_and_can_be_recorded_without_a_list(world):
    base, day = world.base, clock.today() + dt.timedelta(days=5)
    row = recorded(base)
    follow_ups.plan(by=base.interviewer, interview=row, entry=base.student, due_on=day, now=clock.now())
    readers.grant_reader(
        by=base.interviewer, record=row.record, account=base.colleague, reason="会商", until=in_days(3), now=clock.now()
    )
    leave(base.interviewer)
    # the talk was open to the successor already, the follow-up was not his
    assert hand_on(base) == leavers.HandedOn(0, 1, 0)
    assert FollowUp.objects.get().account == base.colleague
    with pytest.raises(RefusedError, match="已经可以查看"):
        hand_on(base)


def test_many_talks_handed_on_are_one_thing_to_do(world, signed_in):
    base = world.base
    for entry in (base.student, base.other, base.student):
        recorded(base, entries=[entry])
    leave(base.interviewer)
    hand_on(base)
    (item,) = named_reader(base.colleague, clock.now())
    assert (item.title, item.url) == ("指定您查看 3 次访谈", reverse("shared-interviews"))
    page = signed_in(base.colleague).get(item.url).content.decode()
    assert page.count(f">{base.student.person.name}<") == 2


def test_who_has_only_somebody_to_see_again_can_record_it(world, signed_in):
    base, day = world.base, clock.today() + dt.timedelta(days=5)
    row = recorded(base)
    planned = follow_ups.plan(by=base.interviewer, interview=row, entry=base.student, due_on=day, now=clock.now())
    Assignment.objects.all().delete()
    page = signed_in(base.interviewer).get(f"{reverse('interview-new')}?follow_up={planned.pk}").content.decode()
    assert base.student.person.name in page
    assert "还没有分配给您的访谈对象" not in page


def test_the_page_names_a_successor_and_takes_access_back(world, signed_in):
    base = world.base
    row = recorded(base)
    leave(base.interviewer)
    client, page = signed_in(base.officer), reverse("leaver", args=[base.interviewer.pk])
    assert page in client.get(reverse("confidence")).content.decode()
    assert "没有人能看" in client.get(page).content.decode()
    until = (clock.today() + dt.timedelta(days=9)).isoformat()
    wrong = client.post(page, {"account": base.colleague.pk, "reason": "", "until": until})
    assert (wrong.status_code, "请填写理由。" in wrong.content.decode()) == (422, True)
    said = client.post(page, {"account": base.colleague.pk, "reason": "接任", "until": until}, follow=True)
    assert "接手他的访谈、没办完的回访和实际问题" in said.content.decode()
    assert "最近睡不好" not in said.content.decode()
    client.post(reverse("successor-end", args=[base.interviewer.pk, base.colleague.pk]))
    with pytest.raises(NotReadableError):
        read(row, base.colleague)
    assert Reader.objects.in_force(clock.now()).count() == 0


def test_a_problem_is_told_back_by_the_successor(world):
    base, row, done = world.base, follow.released(world), follow.released(world)
    now = clock.now()
    matters.withdraw(by=base.interviewer, matter=done, reason="重复", now=now)
    matters.accept(by=world.handler, matter=row, now=now)
    leave(base.interviewer)
    assert hand_on(base).matters == 1
    now = clock.now()
    assert {one.pk: one.raised_by for one in Matter.objects.all()} == {
        row.pk: base.colleague,
        done.pk: base.interviewer,
    }
    row = matters.answer(
        by=world.handler, matter=Matter.objects.get(pk=row.pk), outcome="solved", result="已换灯。", now=now
    )
    assert sealed.open_record(by=base.colleague, record=row.record, now=now).texts["result"] == "已换灯。"
    told = matters.tell(by=base.colleague, matter=row, told_on=clock.today(), now=now)
    assert told.state == "told"
    with pytest.raises(NotReadableError):
        sealed.open_record(by=world.handler, record=row.record, now=now)
    assert sealed.open_record(by=base.colleague, record=row.record, now=now)
