"""Drawing up, discussing, handing in and deciding a plan."""

import datetime as dt
from fractions import Fraction

import pytest

from branches.models import Role
from branches.transitions import BlockedError, IllegalMoveError, history
from branches.versions import ConflictError
from grading.services.errors import RefusedError
from rectification.models import Item, Plan, PlanReceipt, RectificationRules
from rectification.services import closing, items, plans, settings
from rectification.services.checks import meeting_rules
from tests.factories.branches import AppointmentFactory, holder, school
from tests.factories.grading import campaign as preset_campaign
from tests.factories.rectification import CategoryFactory
from tests.rectification.plan_world import AUTUMN, JUNE, MAY, Ruling, World, at, state_of
from tests.worlds import shared

pytestmark = [pytest.mark.db, pytest.mark.once]
world = shared(World)


def refused(function, **given):
    with pytest.raises(RefusedError) as told:
        function(**given)
    return told.value.sentences


def blocked(world, now=MAY):
    with pytest.raises(BlockedError) as told:
        plans.submit(by=world.secretary, plan=world.plan, now=now)
    return told.value.blockers


def test_the_2012_preset_gives_dates_categories_and_dimensions():
    opened = preset_campaign(school().root, starts_on=dt.date(2012, 3, 28))
    rules = settings.ensure_rules(by=None, campaign=opened, now=MAY)
    assert (rules.plan_due_on, rules.item_due_on) == (dt.date(2012, 5, 31), dt.date(2012, 12, 31))
    names = list(opened.rectification_categories.values_list("name", flat=True))
    assert names == ["抓书记强班子", "抓发展明思路", "抓覆盖建组织", "抓规范建制度", "抓阵地建场所", "抓保障增投入"]
    assert list(opened.rectification_dimensions.values_list("name", flat=True)) == [
        "领导班子好", "党员队伍好", "工作机制好", "工作业绩好", "群众反映好",
    ]  # fmt: skip
    assert settings.ensure_rules(by=None, campaign=opened, now=MAY).pk == rules.pk


def test_a_campaign_of_another_year_moves_the_dates_with_its_start():
    opened = preset_campaign(school().root, starts_on=dt.date(2013, 3, 28))  # 365 days later
    rules = settings.rules_of(opened)
    assert rules.pk is None
    assert (rules.plan_due_on, rules.item_due_on) == (dt.date(2013, 5, 31), dt.date(2013, 12, 31))


def test_a_campaign_without_dates_of_its_own_goes_by_its_end(world):
    RectificationRules.objects.all().delete()
    rules = settings.rules_of(world.campaign)
    assert (rules.plan_due_on, rules.item_due_on) == (dt.date(2012, 12, 31), dt.date(2012, 12, 31))


def test_a_plan_is_begun_once_a_branch_and_round(world):
    again = plans.start_for(by=world.officer, round_=world.round, branch=world.school.software, now=MAY)
    assert again.pk == world.plan.pk
    own = plans.start_for(by=world.officer, round_=world.round, branch=world.school.maths, now=MAY)
    assert (own.branch, own.state) == (world.school.maths, "draft")


def test_a_plan_without_meeting_and_items_is_not_handed_in(world):
    assert blocked(world) == ["请先登记党员大会的讨论情况。", "方案里还没有整改项目。"]
    assert state_of(world.plan) == "draft"


def test_the_meeting_needs_date_attendance_and_opinions(world):
    world.item()
    world.meeting(held_on=None, should_attend=None, opinions="")
    assert blocked(world) == ["请填写党员大会的日期。", "党员大会记录还缺应到人数。", "请填写党员大会的讨论意见。"]


def test_everybody_missing_is_named_with_a_reason(world):
    world.item()
    world.meeting(absences=[("张伟", "excused", "出差")])
    assert blocked(world) == ["缺席 1 人，写明姓名和原因的有 0 人，请补齐。"]
    told = refused(world.meeting, version=1, absences=[("张伟", "excused", " "), ("", "absent", "病假")])
    assert told == ["请写明张伟没有到会的原因。", "第2名未到会人员没有姓名。"]


def test_attendance_that_does_not_add_up_is_refused_at_once(world):
    assert refused(world.meeting, present=17) == ["应到人数应等于实到、请假、缺席之和。"]
    assert refused(world.meeting, voting_members=5, voting_present=6) == ["有表决权的实到人数不能多于应到人数。"]
    assert refused(world.meeting, votes_for=6) == ["赞成、反对、弃权三项都要填，合计不能多于有表决权的实到人数。"]


def test_a_vote_is_asked_for_where_the_campaign_says_so(world):
    RectificationRules.objects.update(vote_required=True, quorum_over=1, quorum_of=2, majority_over=1, majority_of=2)
    assert meeting_rules(settings.rules_of(world.campaign)).quorum == Fraction(1, 2)
    world.item()
    row = world.meeting()
    assert blocked(world) == ["本次活动要求表决，请填写表决票数。"]
    vote = {"voting_members": 16, "voting_present": 14, "votes_for": 8, "votes_against": 4, "abstentions": 2}
    row = world.meeting(version=row.version, **vote)
    assert blocked(world) == ["赞成票没有超过有表决权应到人数的半数，方案没有通过。"]
    world.meeting(version=row.version, **vote | {"votes_for": 9, "votes_against": 3})
    assert plans.submit(by=world.secretary, plan=world.plan, now=MAY).state == "submitted"


def test_two_who_save_the_meeting_do_not_overwrite_each_other(world):
    row = world.meeting()
    world.meeting(version=row.version, opinions="先改的")
    with pytest.raises(ConflictError):
        world.meeting(version=row.version, opinions="后改的")
    with pytest.raises(ConflictError):
        world.meeting(version=0)


def test_an_item_says_what_it_lacks(world):
    world.meeting()
    world.item(goal="", owner_name="", owner_person=None, due_on=None)
    world.item(term="long_term", term_reason="", due_on=None)
    world.item(due_on=dt.date(2012, 5, 9))
    assert blocked(world) == [
        "第1项：还缺整改目标、责任人、完成时限。",
        "第2项：还缺长期性理由、年度检查点。",
        "第3项：2012年5月9日已经过了，请重新确定时限。",
    ]


def test_handing_in_gives_a_receipt_and_takes_every_item_along(world):
    item = world.submitted()
    receipt = PlanReceipt.objects.get()
    assert (receipt.plan, receipt.items, receipt.late, receipt.filed_by) == (world.plan, 1, False, world.secretary)
    assert receipt.number.startswith("120510-")
    assert receipt.digest == plans.digest_of(world.plan)
    assert (world.plan.state, item.state) == ("submitted", "submitted")
    with pytest.raises(IllegalMoveError):
        plans.submit(by=world.secretary, plan=world.plan, now=MAY)


def test_what_is_handed_in_stands_still(world):
    item = world.submitted()
    assert refused(world.item) == ["方案待审批，现在不能增加项目。"]
    assert refused(world.meeting, version=1) == ["方案待审批，党员大会记录不能再改。"]
    told = refused(
        items.save_item, by=world.secretary, plan=world.plan, item=item, version=item.version, values={}, now=MAY
    )
    assert told == ["这一项待审批，不能直接修改；要调整请提出变更申请。"]
    assert refused(items.remove_item, by=world.secretary, item=item, now=MAY)


def test_a_plan_comes_back_only_until_somebody_decided(world):
    item = world.submitted()
    assert plans.withdraw(by=world.secretary, plan=world.plan, now=MAY).state == "draft"
    assert state_of(item) == "draft"
    second = world.item(problem="没有固定场所")
    world.plan = plans.submit(by=world.secretary, plan=world.plan, now=MAY)
    world.rule(item, Ruling(approve=True))
    assert refused(plans.withdraw, by=world.secretary, plan=world.plan, now=MAY) == ["上级已经开始审核，不能再撤回。"]
    assert (state_of(world.plan), state_of(second)) == ("submitted", "submitted")


@pytest.mark.parametrize("taken_over", ["before", "after"])
def test_a_plan_that_took_over_approved_items_comes_back_too(world, taken_over):
    own = world.plan_of(world.school.algebra)
    mine = world.item(plan=own)
    world.meeting(plan=own)

    def hand_in():
        return plans.submit(by=None, plan=own, now=at("2012-05-12 09:00"))

    moment = {"before": at("2012-05-11 09:00"), "after": at("2012-05-13 09:00")}[taken_over]
    item = world.submitted(problem="没有固定场所")
    own = hand_in() if taken_over == "after" else own
    world.rule(item, Ruling(approve=True), now=moment)
    closing.transfer(by=world.officer, item=world.fresh(item), to=own, reason="调整分工", now=moment)
    own = hand_in() if taken_over == "before" else own
    assert plans.withdraw(by=None, plan=own, now=JUNE).state == "draft"
    assert sorted(own.items.values_list("state", flat=True)) == ["approved", "draft"]
    own = plans.submit(by=None, plan=own, now=JUNE)
    own = plans.decide_items(by=world.officer, plan=own, rulings={mine.pk: Ruling(approve=True)}, now=JUNE)
    assert own.state == "approved"


def test_a_plan_handed_in_again_comes_back_until_somebody_decided_anew(world):
    first, second = world.item(), world.item(problem="没有固定场所")
    world.meeting()
    world.plan = plans.submit(by=world.secretary, plan=world.plan, now=MAY)
    world.rule(first, Ruling(approve=True))
    world.rule(second, Ruling(approve=False, reason="时限太长"))
    third = world.item(problem="制度没有上墙")
    for _ in range(2):
        world.plan = plans.submit(by=world.secretary, plan=world.plan, now=JUNE)
        world.plan = plans.withdraw(by=world.secretary, plan=world.plan, now=JUNE)
    world.plan = plans.submit(by=world.secretary, plan=world.plan, now=JUNE)
    world.rule(third, Ruling(approve=True), now=JUNE)
    assert refused(plans.withdraw, by=world.secretary, plan=world.plan, now=JUNE) == ["上级已经开始审核，不能再撤回。"]


def test_items_are_approved_and_returned_one_by_one(world):
    first, second = world.item(), world.item(problem="没有固定场所")
    world.meeting()
    world.plan = plans.submit(by=world.secretary, plan=world.plan, now=MAY)
    world.rule(first, Ruling(approve=True))
    assert (state_of(world.plan), state_of(first), state_of(second)) == ("submitted", "approved", "submitted")
    world.rule(second, Ruling(approve=False, reason="时限太长"))
    assert (state_of(world.plan), state_of(first), state_of(second)) == ("returned", "approved", "returned")
    assert world.fresh(second).returned_reason == "时限太长"
    fresh = world.fresh(second)
    items.save_item(
        by=world.secretary, plan=world.plan, item=fresh, version=fresh.version,
        values={"due_on": dt.date(2012, 9, 30)}, now=MAY,
    )  # fmt: skip
    world.plan = plans.submit(by=world.secretary, plan=world.plan, now=MAY)
    world.rule(second, Ruling(approve=True))
    assert (state_of(world.plan), state_of(second)) == ("approved", "approved")
    assert world.fresh(second).returned_reason == ""
    assert PlanReceipt.objects.count() == 2


def test_a_ruling_says_what_it_needs(world):
    item = world.submitted()
    assert refused(world.rule, item=item, ruling=Ruling(approve=False)) == ["第1项：退回须写明理由。"]
    assert refused(plans.decide_items, by=world.officer, plan=world.plan, rulings={}, now=MAY) == [
        "请至少对一项作出决定。"
    ]
    world.rule(item, Ruling(approve=True))
    assert refused(world.rule, item=item, ruling=Ruling(approve=True)) == [
        "有的项目已经不在待审批状态，请刷新页面后再办理。"
    ]


@pytest.mark.parametrize("who", ["secretary", "clerk", "other_officer"])
def test_only_the_level_above_decides(world, who):
    item = world.submitted()
    assert refused(world.rule, item=item, ruling=Ruling(approve=True), by=getattr(world, who))
    assert state_of(item) == "submitted"


def test_who_sits_in_the_branchs_committee_stands_aside(world):
    item = world.submitted()
    AppointmentFactory(branch=world.school.software, person=world.officer.person, post="committee_member")
    assert refused(world.rule, item=item, ruling=Ruling(approve=True)) == [
        "您在该党支部任书记或支委，按规定应当回避，请由其他负责人或上级办理。"
    ]


def test_a_general_branchs_own_plan_is_decided_by_the_committee(world):
    world.plan = world.plan_of(world.school.maths)
    item = world.submitted()
    assert refused(world.rule, item=item, ruling=Ruling(approve=True)) == ["整改提高方案须由上一级党组织办理。"]
    world.rule(item, Ruling(approve=True), by=world.office)
    assert state_of(item) == "approved"


def test_an_item_added_later_goes_its_own_way(world):
    world.approved()
    later = world.item(problem="督导发现记录不全", source="inspection", now=AUTUMN)
    assert state_of(world.plan) == "approved"
    items.submit_item(by=world.secretary, item=later, now=AUTUMN)
    world.rule(later, Ruling(approve=False, reason="请写明数量"), now=AUTUMN)
    assert (state_of(world.plan), state_of(later)) == ("approved", "returned")
    items.submit_item(by=world.secretary, item=later, now=AUTUMN)
    world.rule(later, Ruling(approve=True), now=AUTUMN)
    assert (state_of(world.plan), state_of(later)) == ("approved", "approved")


def test_a_draft_item_is_not_handed_in_alone_before_its_plan(world):
    item = world.item()
    assert refused(items.submit_item, by=world.secretary, item=item, now=MAY) == ["方案还没有批准，请随方案一起提交。"]


def test_nothing_is_taken_over_twice(world):
    world.item(source_key="annex4:1")
    assert refused(world.item, source_key="annex4:1") == ["这一条已经列入方案。"]


def test_choices_of_another_campaign_are_refused(world):
    foreign = CategoryFactory()
    with pytest.raises(RefusedError) as told:
        world.item(category=foreign)
    assert told.value.fields == {"category": "请从本次活动的选项里选择。"}


def test_two_who_save_an_item_do_not_overwrite_each_other(world):
    item = world.item()
    given = {"by": world.secretary, "plan": world.plan, "item": item, "version": item.version, "now": MAY}
    items.save_item(values={"goal": "先改的"}, **given)
    with pytest.raises(ConflictError):
        items.save_item(values={"goal": "后改的"}, **given)


def test_rules_change_only_so_far_as_deadlines_agree(world):
    world.approved(due_on=dt.date(2012, 12, 31))
    rules = settings.rules_of(world.campaign)
    change = {"by": world.office, "rules": rules, "version": rules.version, "now": AUTUMN}
    assert refused(settings.save_rules, values={"item_due_on": dt.date(2012, 11, 30)}, **change) == [
        "有 1 项的完成时限晚于2012年11月30日，请先逐项调整时限。"
    ]
    assert refused(settings.save_rules, values={"plan_due_on": dt.date(2013, 5, 31)}, **change) == [
        "方案完成期限不能晚于整改完成期限。"
    ]
    settings.save_rules(values={"at_risk_days": 7}, **change)
    with pytest.raises(ConflictError):
        settings.save_rules(values={"at_risk_days": 8}, **change)


def test_every_move_is_on_record(world):
    item = world.approved()
    told = [(row.from_state, row.to_state, row.by) for row in reversed(history(item))]
    assert told == [("draft", "submitted", world.secretary), ("submitted", "approved", world.officer)]


def test_an_office_account_may_enter_for_a_branch_but_an_auditor_never_decides(world):
    item = world.submitted()
    auditor = holder(Role.AUDITOR, world.school.root)
    assert refused(world.rule, item=item, ruling=Ruling(approve=True), by=auditor) == ["您的角色没有这项权限。"]
    world.rule(item, Ruling(approve=True), by=world.office, now=at("2012-05-11 09:00"))
    assert (state_of(item), Plan.objects.get(pk=world.plan.pk).approved_by) == ("approved", world.office)
    assert Item.objects.get(pk=item.pk).approved_at == at("2012-05-11 09:00")
