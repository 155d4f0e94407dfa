"""A namesake of the owner verifies once it is known who is meant; a relapse gets a deadline; what followed is told."""

import datetime as dt

import pytest
from django.urls import reverse

from grading.services.errors import RefusedError
from rectification.models import Change, Item, Status
from rectification.services import changes, closing, items, plans, verification
from rectification.services.owners import say_who, unclear
from tests.factories.branches import PersonFactory
from tests.rectification.plan_world import AUTUMN, MAY, Ruling, World, at, state_of, status_of
from tests.worlds import shared

pytestmark = [pytest.mark.db, pytest.mark.once]
world = shared(World)


def refused(function, *given, **named):
    with pytest.raises(RefusedError) as told:
        function(*given, **named)
    return told.value.sentences


def called_like_the_officer(world, field):
    name = world.officer.get_full_name()
    values = {"owner_name": name, "owner_person": None} if field == "owner" else {"leader": name}
    if field == "owner":
        values["leader"] = world.secretary.get_full_name()  # who leads may say who the owner is
    return world.awaiting(**values), PersonFactory(name=name, title="实验员", number="20120456")


# --- Namesakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["owner", "leader"])
def test_a_namesake_verifies_once_another_person_was_chosen(world, field):
    item, other = called_like_the_officer(world, field)
    (one,) = unclear(item)
    assert (one.field, one.name) == (field, world.officer.get_full_name())
    assert [key for key, _ in one.people] == [world.officer.person_id, other.pk]
    assert dict(one.people)[other.pk] == "实验员，编号尾号 456"
    assert "数学与计算机科学学院党总支" in dict(one.people)[world.officer.person_id]
    item = say_who(by=world.secretary, item=item, field=field, person=other, now=AUTUMN)
    assert unclear(item) == []
    kept = Change.objects.get(item=item)
    assert (kept.state, kept.kind, kept.requested_by) == ("recorded", "details", world.secretary)
    assert world.verify(item).state == "verified"


def test_chosen_as_the_one_who_is_meant_the_officer_does_not_verify(world):
    item, _ = called_like_the_officer(world, "leader")
    item = say_who(by=world.secretary, item=item, field="leader", person=world.officer.person, now=AUTUMN)
    assert refused(world.verify, item) == ["您是这一项的责任人，不能核实自己负责的项目。"]
    assert world.verify(item, by=world.office).state == "verified"
    assert item.verifications.get().leader_person == world.officer.person


def test_the_namesake_does_not_say_who_is_meant_and_nobody_names_somebody_else(world):
    item, other = called_like_the_officer(world, "owner")
    given = {"item": item, "field": "owner", "now": AUTUMN}
    assert refused(say_who, by=world.officer, person=other, **given) == ["您与责任人同名，请由其他同志选定。"]
    assert "请选择姓名是" in refused(say_who, by=world.secretary, person=PersonFactory(), **given)[0]
    assert refused(say_who, by=world.other_officer, person=other, **given)
    world.verify(item, by=world.office)
    assert refused(say_who, by=world.secretary, person=other, **given) == ["这一项现在不用选定责任人。"]


def test_a_name_that_nobody_who_verifies_bears_needs_no_choice(world):
    item = world.awaiting(owner_name="周敏", owner_person=None, leader=world.secretary.get_full_name())
    assert unclear(item) == []


def test_a_leader_named_anew_is_nobody_chosen_before(world):
    item, other = called_like_the_officer(world, "leader")
    say_who(by=world.secretary, item=item, field="leader", person=other, now=AUTUMN)
    world.verify(item, passed=False)
    from_page = {"kind": "details", "leader": "陈静", "measures": item.measures, "owner_name": item.owner_name}
    assert Item.objects.get(pk=item.pk).leader_person == other
    changes.request(by=world.secretary, item=item, kind="details", new=from_page, reason="换人", now=AUTUMN)
    assert Item.objects.get(pk=item.pk).leader_person is None


def test_a_name_typed_anew_in_a_draft_or_by_the_superior_is_nobody_chosen_before(world):
    item = world.item(leader=world.officer.get_full_name())
    items.escalate(by=world.secretary, item=item, reason="没有用房", now=MAY)
    item = say_who(by=world.secretary, item=item, field="leader", person=PersonFactory(name=item.leader), now=MAY)
    values = {"owner_name": "陈静", "leader": item.leader}
    saved = items.save_item(by=None, plan=item.plan, item=item, version=item.version, values=values, now=MAY)
    assert saved.owner_person is None
    assert saved.leader_person == item.leader_person
    assert item.leader_person is not None
    world.meeting()
    world.plan = plans.submit(by=world.secretary, plan=world.plan, now=MAY)
    office = world.office.get_full_name()
    world.rule(saved, Ruling(approve=True, owner_name="赵刚", leader=office))
    assert (world.fresh(item).leader, world.fresh(item).leader_person) == (office, None)
    assert "同名" in refused(world.verify, world.fresh(item), by=world.office, on_site=True)[0]


def test_the_page_says_so_and_offers_the_choice(world, signed_in):
    item, other = called_like_the_officer(world, "owner")
    page = reverse("item", args=[item.pk])
    shown = signed_in(world.officer).get(page).content.decode()
    assert "您与这一项的责任人或责任领导同名" in shown
    assert "责任人是哪一位</h2>" not in shown
    client = signed_in(world.secretary)
    assert "责任人是哪一位</h2>" in client.get(page).content.decode()
    choose = reverse("item-person", args=[item.pk])
    client.post(choose, {"field": "owner", "person": str(world.owner.pk)})
    assert Item.objects.get(pk=item.pk).owner_person is None
    client.post(choose, {"field": "owner", "person": str(other.pk)})
    assert Item.objects.get(pk=item.pk).owner_person == other
    assert f"责任人：— → <b>{other.name}（实验员，编号尾号 456）</b>" in client.get(page).content.decode()


# --- Relapses ---------------------------------------------------------------------------------------------------------

LOOKED = at("2012-11-20 09:00")  # the item was due on 31 October and verified on 8 October


def relapse(world, **given):
    item = world.awaiting()
    world.verify(item, recheck_on=dt.date(2012, 11, 20))
    full = {"by": world.officer, "relapsed": True, "finding": "又漏记", "on": LOOKED.date(), "now": LOOKED}
    recheck = item.rechecks.get()
    return item, lambda **more: verification.record_recheck(recheck=recheck, **full | given | more)


def test_a_relapse_after_the_deadline_gets_a_new_one_and_is_not_late_at_once(world):
    item, look = relapse(world)
    assert refused(look) == ["原来的时限已过，请填写重新整改的完成时限。"]
    assert refused(look, due_on=dt.date(2012, 11, 19)) == ["重新整改的完成时限已经过了。"]
    look(due_on=dt.date(2012, 12, 20))
    fresh = world.fresh(item)
    assert (fresh.state, fresh.due_on, fresh.counts_on) == ("reopened", dt.date(2012, 12, 20), dt.date(2012, 12, 20))
    assert status_of(item, LOOKED) == Status.IN_HAND
    kept = Change.objects.get(item=item)
    assert (kept.kind, kept.state, kept.decided_by, kept.old) == (
        "deadline", "approved", world.officer, {"due_on": "2012-10-31"},
    )  # fmt: skip


def test_beyond_the_campaign_it_is_an_extension(world):
    item, look = relapse(world)
    look(due_on=dt.date(2013, 1, 31))
    assert (world.fresh(item).extended_to, Change.objects.get(item=item).kind) == (dt.date(2013, 1, 31), "extension")


def test_what_has_not_relapsed_needs_no_day(world):
    item, look = relapse(world, relapsed=False)
    look()
    assert state_of(item) == "verified"
    assert not Change.objects.exists()


# --- What followed ----------------------------------------------------------------------------------------------------


def test_an_item_handed_on_leads_to_its_follower_and_back(world, signed_in):
    item = world.approved()
    target = world.plan_of(world.school.algebra)
    closing.transfer(by=world.office, item=item, to=target, reason="一并办理", now=AUTUMN)
    follower = Item.objects.get(origin=item)
    officer = signed_in(world.officer)
    link = reverse("item", args=[follower.pk])
    assert f'这一项转入<a href="{link}">' in officer.get(reverse("item", args=[item.pk])).content.decode()
    assert f'由<a href="{reverse("item", args=[item.pk])}">' in officer.get(link).content.decode()
    own = signed_in(world.secretary).get(reverse("item", args=[item.pk])).content.decode()
    assert "这一项转入" in own
    assert link not in own


def test_what_the_superior_took_over_is_verified_above_it_and_says_so(world, signed_in):
    item = world.approved()
    Item.objects.filter(pk=item.pk).update(escalated_to=world.school.maths, escalation_reason="没有用房")
    shown = signed_in(world.secretary).get(reverse("item", args=[item.pk])).content.decode()
    assert "由数学与计算机科学学院党总支解决：没有用房" in shown
    shown = signed_in(world.officer).get(reverse("item", args=[item.pk])).content.decode()
    assert "由活动办公室核实，核实通过才销号。" in shown
