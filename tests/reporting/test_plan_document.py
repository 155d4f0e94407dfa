"""整改提高方案 on paper: what it says, whose it is, and that nothing long is lost."""

import pytest

from branches.models import Role
from rectification.models import Item, Plan
from reporting.annexes import gather_plan
from reporting.annexes.facts import Stamp
from reporting.making.kinds import BY_SLUG
from reporting.making.orders import Order, facts_for
from tests.factories.branches import holder
from tests.factories.ledger_world import day, ledger_world
from tests.factories.rectification import AbsenceFactory, MeetingRecordFactory
from tests.worlds import shared

pytestmark = pytest.mark.once
world = shared(ledger_world)
KIND = BY_SLUG["plan"]
STAMP = Stamp(on="2012年6月30日")


def of(world, name):
    return gather_plan.of_unit(world.round, getattr(world.grading.school, name))[0]


def words(facts):
    (sheet,) = KIND.lay(facts, STAMP)
    return [cell.text for row in sheet.rows for cell in row.cells if cell.text]


def test_what_a_plan_says(world):
    facts = of(world, "software")
    assert (facts.name, facts.parent, facts.target) == ("软件工程教研室党支部", "数学与计算机科学学院党总支", "较好")
    assert (facts.submitted, facts.approved, facts.standing) == ("2012年5月20日", "2012年5月20日批准。", "")
    assert [(item.number, item.problem, item.due, item.mark) for item in facts.items] == [
        (1, "支委未配齐，分工不明确", "2012年5月25日", ""),
        (2, "青年教师入党积极分子少", "2013年12月31日", ""),
        (3, "没有固定的活动场所", "2012年6月15日", ""),
        (4, "办公经费不足", "2012年10月31日", "已终止。"),
    ]
    assert facts.items[1].longer == "长期性：发展对象须培养考察一年以上。"
    assert of(world, "direct").items[0].longer == "暂不具备条件：图书馆改扩建；2012年11月1日复核条件。"
    said = words(facts)
    assert {"刺桐师范学院党支部整改提高方案", "支委未配齐，分工不明确", "2012年5月20日批准。", "已终止。"} <= set(said)


def test_the_meeting_is_told_as_it_was_recorded_and_left_blank_without_a_record(world):
    plan = world.plans["software"]
    assert of(world, "software").meeting.attended == ""
    record = MeetingRecordFactory(
        plan=plan, held_on=day("2012.5.10"), place="理工楼305", chair="柯虹", recorder="李小红", should_attend=12,
        present=11, excused=1, absent=0, votes_for=11, votes_against=0, abstentions=0, voting_members=12,
        voting_present=11,
        opinions="同意。", resolution="通过方案。",
    )  # fmt: skip
    AbsenceFactory(meeting=record, name="郭德胜", kind="excused", reason="病假")
    meeting = of(world, "software").meeting
    assert (meeting.held, meeting.people) == ("2012年5月10日　理工楼305", "主持 柯虹　记录 李小红")
    assert meeting.attended == "应到 12 人，实到 11 人，请假 1 人，缺席 0 人。郭德胜请假（病假）。"
    assert meeting.resolution == "通过方案。表决：赞成 11 票，反对 0 票，弃权 0 票。"


def test_a_draft_says_so_and_is_printed_alone_only(world):
    facts = of(world, "history")
    assert (facts.standing, facts.approved, facts.submitted) == ("本方案还在起草，没有提交。", "", "")
    below = gather_plan.below(world.round, world.grading.school.root)
    assert [one.name for one in below if one.name == facts.name] == []


def test_a_general_branch_has_its_own_beside_those_of_its_branches(world):
    letters, tree = world.plans["letters"], world.grading.school
    below = [(one.code, one.own) for one in gather_plan.below(world.round, tree.letters)]
    assert below == [(tree.letters.code, True), (tree.chinese.code, False)]
    (own,) = gather_plan.one(world.round, tree.letters, letters.pk)
    assert own.name == "文学与历史学院党总支"
    assert "刺桐师范学院党总支整改提高方案" in words(own)
    assert gather_plan.one(world.round, tree.maths, letters.pk) == []
    order = Order(KIND, world.round, tree.letters, "pdf", one=letters.pk)
    assert (order.bundled, [facts.name for facts in facts_for(order)]) == (False, ["文学与历史学院党总支"])
    names = [one.name for one in gather_plan.below(world.round, tree.root)]
    assert len(names) == Plan.objects.exclude(state="draft").count() == 5
    assert names.index("文学与历史学院党总支") + 1 == names.index(world.plans["chinese"].name)


def test_an_item_added_later_and_the_longest_texts_are_all_there(world):
    plan = world.plans["algebra"]
    long = "每月由组织委员核对一次签到册并补记。" * 110
    Item.objects.filter(plan=plan, ordinal=1).update(measures=long[:2000], task="补记。" * 300)
    Item.objects.filter(plan=plan, ordinal=2).update(state=Item.State.DRAFT, approved_at=None)
    facts = of(world, "algebra")
    assert [item.mark for item in facts.items] == ["", "补充的项目，还没有批准。"]
    assert long[:2000] in words(facts)
    assert len(KIND.lay(facts, STAMP)[0].pages) > 1


def test_the_page_of_a_plan_leads_to_the_document(world, signed_in):
    tree, plan = world.grading.school, world.plans["software"]
    client = signed_in(holder(Role.SECRETARY, tree.software))
    url = f"/reports/preview/plan/{world.round.pk}/{tree.software.pk}/?one={plan.pk}"
    assert url in client.get(f"/rectification/plans/{plan.pk}/").content.decode()
    page = client.get(url)
    assert page.status_code == 200
    assert "支委未配齐，分工不明确" in page.content.decode()
    assert client.get(url.replace(f"={plan.pk}", f"={world.plans['algebra'].pk}")).status_code == 404
    own = f"/reports/preview/plan/{world.round.pk}/{tree.letters.pk}/?one={world.plans['letters'].pk}"
    assert client.get(own).status_code == 404
    assert signed_in(holder(Role.GENERAL_BRANCH_OFFICER, tree.letters)).get(own).status_code == 200
