"""Merged, split, dissolved, handed-over branches; the year closed with what is still open."""

import datetime as dt

import pytest
from django.urls import reverse

from branches.models import Category
from branches.registries import business_of
from branches.services import succession, tree
from branches.services.succession import Ground, Part
from branches.services.tree import Place
from grading.services.errors import RefusedError
from rectification.models import Item, Plan, YearClosing
from rectification.services import closing, items, plans, progress, verification
from tests.factories.branches import CampaignFactory
from tests.factories.grading import RoundFactory
from tests.rectification.plan_world import AUTUMN, MAY, Ruling, World, at, state_of
from tests.worlds import shared

pytestmark = [pytest.mark.db, pytest.mark.once]
world = shared(World)
GROUND = Ground(dt.date(2012, 9, 1), "刺师党〔2012〕20号", "专业调整")


def refused(function, *given, **named):
    with pytest.raises(RefusedError) as told:
        function(*given, **named)
    return told.value.sentences


def under_way(world, **values):
    item = world.approved(**values)
    progress.add_progress(by=world.secretary, item=item, percent=40, text="已核对3次", now=AUTUMN)
    return item


def test_a_merged_branchs_open_items_go_to_its_follower(world):
    item = under_way(world)
    succession.merge(
        by=None, branches=[world.school.software, world.school.algebra], into=world.school.algebra, ground=GROUND
    )
    old = world.fresh(item)
    new = old.transferred_to
    assert (old.state, state_of(world.plan)) == ("transferred", "closed")
    assert (new.plan.branch, new.plan.state, new.state, new.percent) == (
        world.school.algebra,
        "approved",
        "in_hand",
        40,
    )
    assert (new.problem, new.due_on, new.counts_on) == (item.problem, item.due_on, item.counts_on)
    assert new.progress.get().text == "由软件工程教研室党支部转入：专业调整，由2010级数学党支部承接"
    assert not Item.objects.open().filter(plan__branch=world.school.software).exists()


def test_they_join_the_plan_the_follower_has(world):
    item = under_way(world)
    own = world.plan_of(world.school.algebra)
    mine = world.item(plan=own)
    succession.merge(
        by=None, branches=[world.school.software, world.school.algebra], into=world.school.algebra, ground=GROUND
    )
    assert [row.pk for row in own.items.all()] == [mine.pk, world.fresh(item).transferred_to_id]


def test_a_split_branch_that_ends_hands_on_to_the_first_part(world):
    item = under_way(world)
    category = Category.objects.get(pk=world.school.teachers.pk)
    parts = [Part(f"SJ10{n}", Place(f"软件{n}室党支部", world.school.maths, category=category)) for n in (1, 2)]
    made = succession.split(by=None, branch=world.school.software, parts=parts, keeps=False, ground=GROUND)
    assert world.fresh(item).transferred_to.plan.branch == made[0]


def test_a_split_branch_that_goes_on_keeps_its_items(world):
    item = under_way(world)
    parts = [Part("SJ101", Place("软件1室党支部", world.school.maths, category=world.school.teachers))]
    succession.split(by=None, branch=world.school.software, parts=parts, keeps=True, ground=GROUND)
    assert (state_of(item), state_of(world.plan)) == ("in_hand", "approved")


def test_a_dissolved_branchs_items_end_with_the_reason(world):
    item = under_way(world)
    tree.dissolve(by=None, branch=world.school.software, on=dt.date(2012, 9, 1), reason="党员全部转出")
    assert (state_of(item), state_of(world.plan)) == ("closed", "closed")


def test_every_state_is_handed_on(world):
    """A draft stays a draft, what waited for verification is in hand again, what is verified stays with the old one."""
    verified, draft = world.item(problem="已销号"), world.item(problem="起草中")
    done = world.awaiting(problem="已办完")
    Item.objects.filter(pk=draft.pk).update(state="draft")
    Item.objects.filter(pk=verified.pk).update(
        state="verified", approved_at=MAY, result="已办", requested_at=AUTUMN, verified_on=AUTUMN.date(),
        verified_by=world.officer,
    )  # fmt: skip
    succession.merge(
        by=None, branches=[world.school.software, world.school.algebra], into=world.school.algebra, ground=GROUND
    )
    assert world.fresh(draft).transferred_to.state == "draft"
    assert world.fresh(done).transferred_to.state == "in_hand"
    assert (state_of(verified), world.fresh(verified).transferred_to) == ("verified", None)


def test_a_branch_handed_to_another_general_branch_is_verified_there(world):
    item = world.awaiting()
    tree.move(
        by=None, branch=world.school.software, from_day=dt.date(2012, 9, 1),
        place=Place("软件工程教研室党支部", world.school.letters, category=world.school.teachers),
    )  # fmt: skip
    assert refused(world.verify, world.fresh(item)) == ["这个党支部不在您的管理范围内。"]
    assert world.verify(world.fresh(item), by=world.other_officer).state == "verified"


def test_what_the_old_superior_had_taken_over_goes_to_the_new_one(world):
    item = world.item()
    items.escalate(by=world.secretary, item=item, reason="没有用房", now=MAY)
    world.meeting()
    world.plan = plans.submit(by=world.secretary, plan=world.plan, now=MAY)
    world.rule(item, Ruling(approve=True, owner_name="陈院长"))
    tree.move(
        by=None, branch=world.school.software, from_day=dt.date(2012, 9, 1),
        place=Place("软件工程教研室党支部", world.school.letters, category=world.school.teachers),
    )  # fmt: skip
    fresh = world.fresh(item)
    assert (fresh.escalated_to, fresh.owner_name) == (world.school.letters, "待上级确定")


def test_a_renamed_branch_keeps_everything(world):
    item = under_way(world)
    version = world.fresh(item).version
    tree.move(
        by=None, branch=world.school.software, from_day=dt.date(2012, 9, 1),
        place=Place("软件系党支部", world.school.maths, category=world.school.teachers),
    )  # fmt: skip
    assert (state_of(item), world.fresh(item).version) == ("in_hand", version)


def test_an_open_item_is_handed_to_the_next_campaigns_plan(world):
    item = under_way(world, due_on=dt.date(2012, 12, 31))
    campaign = CampaignFactory(
        root=world.school.root, year=2013, name="2013年", starts_on=dt.date(2013, 3, 1), ends_on=dt.date(2013, 12, 1)
    )
    opened = {"opened_at": at("2013-03-20 09:00"), "frozen_on": dt.date(2013, 3, 20)}
    round_ = RoundFactory(campaign=campaign, ordinal=1, state="self", **opened)
    to = plans.start_for(by=world.secretary, round_=round_, branch=world.school.software, now=at("2013-04-01 09:00"))
    new = closing.transfer(by=world.officer, item=item, to=to, reason="转入下一年", now=at("2013-04-01 09:00"))
    assert (state_of(item), new.plan, new.limit_on) == ("transferred", to, dt.date(2013, 12, 1))
    assert (new.category.campaign, new.category.code) == (campaign, "secretary")
    assert refused(closing.transfer, by=world.officer, item=new, to=to, reason="再转", now=AUTUMN) == [
        "项目已在这个方案里。"
    ]
    assert refused(closing.transfer, by=world.secretary, item=new, to=world.plan, reason="转回", now=AUTUMN)


def test_the_level_above_ends_an_item_with_the_reason(world):
    item = world.approved()
    assert refused(closing.end_item, by=world.secretary, item=item, reason="不办了", now=AUTUMN) == [
        "您的角色没有这项权限。"
    ]
    assert refused(closing.end_item, by=world.officer, item=item, reason=" ", now=AUTUMN) == ["终止须写明理由。"]
    assert closing.end_item(by=world.officer, item=item, reason="情况已不存在", now=AUTUMN).state == "closed"


def test_closing_the_year_says_what_is_still_open_per_branch(world):
    first = world.item(due_on=dt.date(2012, 12, 31))
    world.item(
        problem="班子年龄偏大",
        term="long_term",
        term_reason="须逐年培养",
        due_on=None,
        checkpoints=[dt.date(2013, 4, 1)],
    )
    world.approved(problem="已办完")
    done = Item.objects.get(problem="已办完")
    plans.decide_items(
        by=world.officer, plan=world.plan, now=MAY,
        rulings={row.pk: Ruling(approve=True) for row in world.plan.items.filter(state="submitted")},
    )  # fmt: skip
    progress.request_completion(by=world.secretary, item=done, result="已办", now=AUTUMN)
    world.verify(done)
    over = at("2013-01-05 09:00")
    assert refused(closing.close_year, by=world.office, campaign=world.campaign, now=over) == [
        "还有 1 项应完成而未完成，请说明情况。"
    ]
    row = closing.close_year(by=world.office, campaign=world.campaign, reason="等批复", now=over)
    assert (row.items, row.verified, row.still_open, row.unfinished) == (3, 1, 2, 1)
    (told,) = row.remaining
    assert told["name"] == "软件工程教研室党支部"
    assert [(one["id"] == first.pk, one["status"], one["term"]) for one in told["items"]] == [
        (True, "逾期", "normal"), (False, "长期或待条件", "long_term"),
    ]  # fmt: skip
    assert state_of(world.plan) == "approved"
    assert refused(closing.close_year, by=world.office, campaign=world.campaign, now=over) == ["本年度整改已经收尾。"]
    assert refused(world.plan_of, world.school.algebra) == ["本年度整改已经收尾，不能再起草方案。"]


def test_a_finished_plan_is_closed_with_the_year_and_opened_again_by_a_relapse(world):
    item = world.verify(world.awaiting(), recheck_on=dt.date(2013, 3, 1))
    closing.close_year(by=world.office, campaign=world.campaign, now=at("2012-12-31 18:00"))
    assert state_of(world.plan) == "closed"
    verification.record_recheck(
        by=world.officer, recheck=item.rechecks.get(), relapsed=True, finding="又漏记", on=dt.date(2013, 3, 1),
        due_on=dt.date(2013, 5, 31), now=at("2013-03-01 09:00"),
    )  # fmt: skip
    assert (state_of(world.plan), state_of(item)) == ("approved", "reopened")
    assert YearClosing.objects.get().verified == 1  # what was written down stays as it stood


def test_still_open_is_one_query_at_one_and_three_items(world, django_assert_num_queries):
    under_way(world)
    with django_assert_num_queries(1):
        assert len(closing.still_open(campaign=world.campaign, now=AUTUMN)) == 1
    for branch in (world.school.algebra, world.school.chinese):
        world.item(plan=world.plan_of(branch))
    with django_assert_num_queries(1):
        assert len(closing.still_open(campaign=world.campaign, now=AUTUMN)) == 3


def test_a_dissolved_general_branch_hands_escalated_items_up(world):
    """Its branches must hang elsewhere first; what it had taken over follows them."""
    item = world.item()
    items.escalate(by=world.secretary, item=item, reason="没有用房", now=MAY)
    world.submitted()
    rulings = {row.pk: Ruling(approve=True, owner_name="陈院长") for row in world.plan.items.all()}
    plans.decide_items(by=world.officer, plan=world.plan, rulings=rulings, now=MAY)
    for branch in (world.school.software, world.school.algebra):
        tree.move(
            by=None, branch=branch, from_day=dt.date(2012, 9, 1),
            place=Place(branch.name_on(dt.date(2012, 8, 1)), world.school.root, category=world.school.teachers),
        )  # fmt: skip
    tree.dissolve(by=None, branch=world.school.maths, on=dt.date(2012, 9, 1))
    assert world.fresh(item).escalated_to == world.school.root
    assert Plan.objects.get(pk=world.plan.pk).state == "approved"
    progress.request_completion(by=world.office2, item=item, result="已解决", now=AUTUMN)
    assert world.verify(world.fresh(item), by=world.office).state == "verified"


def relapsed(world):
    """Verify an item with a re-check planned; return what finds a relapse later."""
    item = world.verify(world.awaiting(), recheck_on=dt.date(2012, 11, 8))

    def look():
        verification.record_recheck(
            by=world.office, recheck=item.rechecks.get(), relapsed=True, finding="又漏记", on=dt.date(2012, 11, 8),
            due_on=dt.date(2012, 12, 20), now=at("2012-11-08 09:00"),
        )  # fmt: skip
        return world.fresh(item)

    return look


def test_a_relapse_of_a_branch_that_ended_goes_on_with_its_follower(world):
    look = relapsed(world)
    succession.merge(
        by=None, branches=[world.school.software, world.school.algebra], into=world.school.algebra, ground=GROUND
    )
    item = look()
    assert (item.state, state_of(world.plan)) == ("transferred", "closed")
    assert (item.transferred_to.plan.branch, item.transferred_to.state) == (world.school.algebra, "approved")


def test_a_relapse_nobody_follows_is_refused_whole(world):
    look = relapsed(world)
    tree.dissolve(by=None, branch=world.school.software, on=dt.date(2012, 9, 1), reason="党员全部转出")
    assert refused(look) == ["这个党组织已经撤销，没有承接的党组织，请在有关党支部的方案里列入这个问题。"]
    item = Item.objects.get()
    assert (item.state, item.rechecks.get().done_on) == ("verified", None)


# --- What is told before the tree changes -----------------------------------------------------------------------------


def test_before_a_branch_ends_or_moves_its_page_says_what_is_open_and_what_becomes_of_it(world, signed_in):
    item = world.awaiting()
    officer = signed_in(world.office)
    here = [world.school.software.pk]
    board = f"{reverse('rectification-board', args=[world.round.pk])}?branch={here[0]}"
    told = f'<a href="{board}">1 项整改没有办结，其中 1 项待核实</a>：'
    ended = officer.get(reverse("branch-dissolve", args=here)).content.decode()
    assert f"{told}全部终止，不再整改。" in ended
    assert "以后的定级。1 项整改没有办结，其中 1 项待核实：全部终止，不再整改。以往的记录保留。" in ended
    moved = officer.get(reverse("branch-place", args=here)).content.decode()
    assert f"{told}照原方案接着整改，今后由新的上级审批、核实。" in moved
    kept = officer.get(reverse("branch-split", args=here)).content.decode()
    assert f"{told}保留本支部的，仍由本支部办；不保留的，转入承接的党支部的方案，接着整改" in kept
    merged = officer.get(reverse("branch-merge", args=[world.school.algebra.pk])).content.decode()
    assert "软件工程教研室党支部（1 项整改没有办结，其中 1 项待核实）" in merged
    assert "没有办结的整改项目转入承接的党支部的方案，接着整改；待核实的重新申请销号。" in merged
    closing.end_item(by=world.office, item=item, reason="不再需要", now=AUTUMN)
    assert "没有办结" not in officer.get(reverse("branch-dissolve", args=here)).content.decode()


def test_one_count_of_queries_for_any_number_of_branches(world, django_assert_num_queries):
    pks = [world.school.software.pk, world.school.algebra.pk, world.school.chinese.pk]
    world.approved()
    Item.objects.filter(plan=world.plan).update(escalated_to=world.school.maths, escalation_reason="没有用房")
    business_of(world.office, [], AUTUMN)  # what the account may do is read once
    for nodes in (pks[:1], [*pks, world.school.maths.pk]):
        with django_assert_num_queries(3):
            found = business_of(world.office, nodes, AUTUMN)
    assert [one.what for one in found[world.school.maths.pk]] == ["1 项下级提请解决的整改没有办结"]
    assert "提请原上级解决的转由新的上级解决" in found[world.school.software.pk][0].moved
