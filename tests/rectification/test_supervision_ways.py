"""Ways into supervision: from the list of what is overdue to a 督办单, from a visit's finding to 等我办理."""

import pytest
from django.urls import reverse

from branches.registries import home_items
from rectification.models import Item, Plan
from tests.factories.grading import RoundUnitFactory
from tests.factories.rectification import ItemFactory, PlanFactory
from tests.factories.supervision import VisitFactory, VisitFindingFactory
from tests.rectification.supervision_world import DUE, LATER, at, world
from tests.worlds import shared

pytestmark = pytest.mark.once
w = shared(world)
NEW = "supervision-notice-new"


@pytest.fixture(autouse=True)
def now(time_machine):
    time_machine.move_to(LATER, tick=False)


def shown(client, name, *args, **query):
    return client.get(reverse(name, args=args), query).content.decode()


def test_the_list_of_what_is_overdue_leads_to_a_notice_for_whoever_may_issue_one(w, signed_in):
    RoundUnitFactory(round=w.round, branch=w.school.software, parent=w.school.maths)
    way = f'href="{reverse(NEW)}?campaign={w.campaign.pk}">签发督办单</a>'
    officer = signed_in(w.officer)
    assert way in shown(officer, "rectification-items", w.round.pk, status="overdue")
    assert way not in shown(officer, "rectification-items", w.round.pk)
    assert way not in shown(officer, "rectification-items", w.round.pk, status="verified")
    assert way not in shown(signed_in(w.secretary), "rectification-items", w.round.pk, status="overdue")


def test_when_everybody_behind_has_a_notice_the_page_says_so_instead_of_offering_another(w, signed_in):
    officer = signed_in(w.officer)
    page = shown(officer, NEW)
    assert 'name="demand"' in page
    assert "现在没有可以督办的" not in page
    for branch in (w.school.software, w.school.algebra):
        w.issue(branch=branch)
    page = shown(officer, NEW)
    assert "现在没有可以督办的" in page
    assert 'name="demand"' not in page


def test_overdue_items_that_nobody_approved_are_counted_apart(w, signed_in):
    assert "还没有批准" not in shown(signed_in(w.office), NEW)
    plan = PlanFactory(
        round=w.round, branch=w.school.history, state=Plan.State.SUBMITTED, submitted_at=at("2012-05-20 10:00")
    )
    ItemFactory(plan=plan, state=Item.State.SUBMITTED, due_on=DUE, counts_on=DUE)
    assert "另有 1 项过了时限，但还没有批准（待审批或已退回）" in shown(signed_in(w.office), NEW)
    assert "还没有批准" not in shown(signed_in(w.officer), NEW)  # another 党总支


def test_a_finding_waits_for_its_branch_until_something_is_made_of_it(w):
    def told():
        return [(one.title, one.url) for one in home_items(w.secretary, LATER) if one.title.startswith("督导发现")]

    assert told() == []
    visit = VisitFactory(campaign=w.campaign, unit=w.school.software)
    first = VisitFindingFactory(visit=visit, branch=w.school.software)
    second = VisitFindingFactory(visit=visit, branch=w.school.software, ordinal=2)
    VisitFindingFactory(visit=visit, branch=w.school.algebra, ordinal=3)
    url = reverse("supervision-visit", args=[visit.pk])
    assert told() == [("督导发现 2 个问题", url)]
    Item.objects.filter(pk=w.items["software"][0].pk).update(source_key=first.source_key)
    assert told() == [("督导发现 1 个问题", url)]
    type(second).objects.filter(pk=second.pk).update(state="settled", note="当场已改正")
    assert told() == []


def test_units_are_offered_under_their_general_branch(w, signed_in):
    page = shown(signed_in(w.office), "supervision-visit-new")
    assert page.index('<optgroup label="数学与计算机科学学院党总支">') < page.index(">软件工程教研室党支部<")
    assert '<optgroup label="直属党支部">' in page
    assert "没有登记问题" in shown(signed_in(w.office), "supervision-visit", VisitFactory(campaign=w.campaign).pk)
    contacts = shown(signed_in(w.office), "supervision-contacts", campaign=w.campaign.pk)
    assert '<optgroup label="数学与计算机科学学院党总支">' in contacts


def test_a_general_branch_begins_its_own_plan_with_an_item_of_its_own(w, signed_in):
    plan = PlanFactory(round=w.round, branch=w.school.maths, name="数学与计算机科学学院党总支")
    start = reverse("item-new", args=[plan.pk])
    page = shown(signed_in(w.officer), "plan", plan.pk)
    assert f'href="{start}">列出整改项目' in page
    assert "#known" not in page
