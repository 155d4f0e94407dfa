# ruff: noqa: E501 - rows stand as they are shown
"""Boards: figures worked out by hand, each opening the list that holds exactly those items; queries that stay few."""

import re

import pytest
from django.test import RequestFactory
from django.urls import reverse

from branches.models import Role
from branches.registries import asides_for
from branches.scopes import Scope
from rectification import board
from rectification.board import Place
from rectification.lists import ITEMS, ItemFilter, item_rows
from rectification.models import Category, Item, Status
from tests.factories.branches import BranchFactory, holder
from tests.factories.ledger_world import NOW, ledger_world
from tests.factories.rectification import ItemFactory, PlanFactory
from tests.factories.supervision import ContactFactory
from tests.worlds import shared

pytestmark = pytest.mark.once
world = shared(ledger_world)
EVERYTHING = Scope(frozenset(), NOW.date(), everything=True)


@pytest.fixture(autouse=True)
def _june(time_machine):
    time_machine.move_to(NOW, tick=False)


def read(world, **part):
    return board.read(Place(world.round, EVERYTHING, **part), NOW)


def listed(world, url):
    """The problems on the list behind an address."""
    request = RequestFactory().get(url)
    rows = ItemFilter(request.GET, queryset=item_rows(Place(world.round, EVERYTHING)), request=request)
    return sorted(rows.qs.values_list("pk", flat=True))


def test_the_school_counts_every_item_once(world):
    found = read(world)
    counts = {figure.label: figure.value for figure in found.total.figures}
    assert counts == {
        "未开始": 2, "整改中": 1, "即将到期": 1, "逾期": 1, "待核实": 1, "已销号": 1, "长期或待条件": 2, "暂停": 1,
    }  # fmt: skip
    assert found.total.total == sum(counts.values()) == 10
    assert [(line.name, line.total, line.verified, line.overdue.value) for line in found.groups] == [
        ("数学与计算机科学学院党总支", 5, 1, 1),
        ("文学与历史学院党总支", 3, 0, 0),
        ("直属党支部", 2, 0, 0),
    ]
    assert [(line.name, line.total) for line in found.categories] == [
        ("抓书记强班子", 2), ("抓发展明思路", 1), ("抓覆盖建组织", 1), ("抓规范建制度", 4), ("抓阵地建场所", 2), ("抓保障增投入", 0),
    ]  # fmt: skip
    assert [line.total for line in found.dimensions] == [2, 1, 5, 1, 1]
    assert {figure.label: figure.value for figure in found.total.plan_figures} == {"起草": 1, "已批准": 4}


def test_every_figure_opens_the_list_of_exactly_its_items(world):
    school, letters = read(world), read(world, group=str(world.grading.school.letters.pk))
    every = [*school.total.figures, *school.groups[0].figures, school.groups[1].all, school.groups[2].all]
    every += [letters.total.all, *(line.all for line in letters.groups), letters.groups[1].at_risk]
    every += [school.categories[3].all, school.categories[3].awaiting, school.dimensions[2].all]
    every += [school.categories[5].all]  # nothing: its list is empty, and not that of all items
    for figure in every:
        assert len(listed(world, figure.url)) == figure.value, figure.url
    assert [figure.value for figure in every[-4:]] == [4, 1, 5, 0]


def test_a_general_branch_is_shown_by_branch_and_a_branch_by_itself(world):
    school = world.grading.school
    found = read(world, group=str(school.letters.pk))
    assert [(line.name, line.total) for line in found.groups] == [
        ("文学与历史学院党总支（本级）", 1),
        ("汉语言文学教研室党支部", 2),
        ("2010级历史学党支部", 0),
    ]
    own = read(world, branch=school.software.pk)
    assert own.total.total == 3
    assert own.by_branch


def test_the_burn_down_leaves_out_what_lasts_longer(world):
    chart = read(world).burn_down
    assert chart.spoken == "限期完成的 8 项，已销号 1 项，还剩 7 项；按时限今天应剩 4 项"


def test_a_problem_of_two_branches_is_common_however_its_sentence_ends(world):
    (common,) = read(world).commonest
    assert (common.text, common.branches, common.items) == ("群众意见反馈不及时", 2, 2)
    assert listed(world, common.url) == sorted([world.items["in_hand"].pk, world.items["at_risk"].pk])


def test_a_branch_of_the_lowest_grade_stands_with_its_leader(world):
    assert [(one.name, one.grade, one.leader) for one in read(world).weak] == [("2010级历史学党支部", "后进", "")]
    ContactFactory(campaign=world.round.campaign, branch=world.grading.school.history, leader_name="林志远")
    assert [one.leader for one in read(world).weak] == ["林志远"]


def test_the_number_of_queries_does_not_grow(world, django_assert_num_queries):
    world.round.campaign, world.round.scale  # noqa: B018 - the views have read both
    with django_assert_num_queries(12):
        read(world)
    for number in range(3):
        plan = PlanFactory(
            round=world.round, branch=BranchFactory(parent=world.grading.school.maths), name=f"支部{number}"
        )
        for _ in range(3):
            ItemFactory(plan=plan, state=Item.State.SUBMITTED, category=Category.objects.first(), problem="同一问题")
    with django_assert_num_queries(12):
        read(world)


def test_the_list_takes_as_many_queries_for_one_row_as_for_ten(world, signed_in, django_assert_max_num_queries):
    client = signed_in(holder(Role.OFFICE, world.grading.school.root))
    url = reverse("rectification-items", args=[world.round.pk])
    client.get(url)
    with django_assert_max_num_queries(20) as all_rows:
        assert client.get(url).status_code == 200
    with django_assert_max_num_queries(20) as one_row:
        assert client.get(url + "?status=verified").status_code == 200
    assert len(one_row) == len(all_rows)


def test_a_secretary_sees_the_own_branch_and_another_is_not_there(world, signed_in):
    school = world.grading.school
    client = signed_in(holder(Role.SECRETARY, school.software))
    page = client.get(reverse("rectification-boards")).content.decode()
    assert "软件工程教研室党支部" in page
    assert "数学与计算机科学学院党总支" not in page
    assert re.search(r'<dt>问题</dt><dd><a href="[^"]+">3</a>', page)
    address = reverse("rectification-board", args=[world.round.pk])
    assert client.get(f"{address}?branch={school.algebra.pk}").status_code == 404
    assert client.get(f"{address}?group={school.letters.pk}").status_code == 404
    assert client.get(f"{address}?branch=x").status_code == 404
    rows = client.get(reverse("rectification-items", args=[world.round.pk]), {"status": "open"}).content.decode()
    assert "没有固定的活动场所" in rows
    assert "群众意见反馈不及时" not in rows


def test_the_assessor_of_the_second_round_sees_what_was_promised_and_verified(world):
    later = world.round.campaign.rounds.get(ordinal=2)
    unit = world.grading.units["SJ001"]
    assert asides_for(unit, holder(Role.OFFICE, world.grading.school.root), NOW) == []
    unit.round = later
    (panel,) = asides_for(unit, holder(Role.OFFICE, world.grading.school.root), NOW)
    assert (panel.title, panel.aside) == ("第一轮整改提高方案", "3 项，已销号 1 项，逾期 1 项")
    told = [(row["item"].problem, row["status"]) for row in panel.context["rows"]]
    assert told == [
        ("支委未配齐，分工不明确", str(Status.VERIFIED.label)),
        ("青年教师入党积极分子少", str(Status.LONG_TERM.label)),
        ("没有固定的活动场所", str(Status.OVERDUE.label)),
    ]
    assert ITEMS.slug == "rectification-items"
