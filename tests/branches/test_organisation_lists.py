"""The register, the tree and the list of people: what they show, to whom, and by how many queries."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from branches import basics, clock, directory
from branches.models import Appointment, Branch, BranchProfile, Role
from branches.partial_dates import PartialDate
from branches.permissions import Action, scope
from tests.factories.branches import (
    AppointmentFactory,
    BranchFactory,
    BranchProfileFactory,
    PersonFactory,
    holder,
    school,
)
from tests.worlds import shared

pytestmark = pytest.mark.django_db


tree = shared(school)


@pytest.fixture
def office(tree, signed_in):
    account = holder(Role.OFFICE, tree.root)
    return signed_in(account)


def names(response):
    return [row.name for row in response.context["list"].rows.object_list]


def queries(client, url):
    client.get(url)
    with CaptureQueriesContext(connection) as caught:
        assert client.get(url).status_code == 200
    return len(caught)


def test_the_register_lists_every_branch_in_order(office):
    response = office.get(reverse("branches"))
    assert names(response) == [
        "软件工程教研室党支部", "2010级数学党支部", "汉语言文学教研室党支部", "2010级历史学党支部", "图书馆直属党支部",
    ]  # fmt: skip
    assert response.context["totals"] == directory.Totals(general_branches=2, branches=5, members=0, probationary=0)


def test_a_branch_secretary_sees_the_own_branch_only(tree, signed_in):
    client = signed_in(holder(Role.SECRETARY, tree.software))
    assert names(client.get(reverse("branches"))) == ["软件工程教研室党支部"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=WX001", ["汉语言文学教研室党支部"]),
        ("q=历史", ["2010级历史学党支部"]),
        ("q=lzy", ["2010级数学党支部"]),
        ("q=林志远", ["2010级数学党支部"]),
        ("unit=direct", ["图书馆直属党支部"]),
        ("secretary=yes", ["2010级数学党支部"]),
        ("term=over", ["软件工程教研室党支部"]),
        ("basics=done", ["软件工程教研室党支部"]),
        ("q=历史&secretary=yes", []),
    ],
)
def test_search_and_filters(tree, office, query, found):
    AppointmentFactory(branch=tree.algebra, person=PersonFactory(name="林志远", initials="lzy"))
    BranchProfileFactory(branch=tree.software, term_ends=PartialDate(2001, 5), confirmed_at=clock.now())
    assert names(office.get(f"{reverse('branches')}?{query}")) == found


def test_a_unit_filter_reaches_every_depth_below_it(tree, office):
    lower = BranchFactory(level=Branch.Level.GENERAL_BRANCH, name="软件系党总支", parent=tree.maths)
    BranchFactory(name="测试组党支部", parent=lower, category=tree.teachers)
    response = office.get(f"{reverse('branches')}?unit={tree.maths.pk}&sort=code")
    assert names(response) == ["软件工程教研室党支部", "2010级数学党支部", "测试组党支部"]


def test_the_category_filter(tree, office):
    response = office.get(f"{reverse('branches')}?category={tree.students.pk}")
    assert names(response) == ["2010级数学党支部", "2010级历史学党支部"]


def test_sorting_by_members_puts_the_largest_last(tree, office):
    for branch in Branch.objects.branches_only():
        BranchProfile.objects.filter(branch=branch).update(full_members=branch.pk, probationary_members=1)
    found = office.get(f"{reverse('branches')}?sort=-members").context["list"].rows.object_list
    assert [row.members for row in found] == sorted((row.pk + 1 for row in found), reverse=True)


def test_blanks_are_counted_in_the_database_as_on_the_page(tree):
    AppointmentFactory(branch=tree.algebra, person=PersonFactory(birth=None, title=""), starts=None)
    BranchProfileFactory(branch=tree.software, women=None, venue="")
    AppointmentFactory(branch=tree.software)
    reach = scope(holder(Role.OFFICE, tree.root), Action.VIEW_BRANCHES)
    for row in directory.register(clock.today(), reach):
        assert row.blanks == len(basics.read(Branch.objects.get(pk=row.pk)).blanks()), row.name
    full = directory.register(clock.today(), reach).get(pk=tree.software.pk)
    assert full.blanks == 3  # women, venue, annual funds


def test_the_register_asks_as_often_for_three_rows_as_for_one(tree, signed_in):
    client = signed_in(holder(Role.GENERAL_BRANCH_OFFICER, tree.maths))
    url = reverse("branches")
    two = queries(client, url)
    for number in range(3):
        branch = BranchFactory(name=f"新{number}党支部", parent=tree.maths, category=tree.teachers)
        AppointmentFactory(branch=branch)
    assert queries(client, url) == two


def test_the_tree_asks_as_often_for_many_nodes_as_for_few(tree, office):
    url = reverse("branch-tree")
    few = queries(office, url)
    for number in range(3):
        BranchFactory(name=f"新{number}党支部", parent=tree.letters, category=tree.teachers)
    assert queries(office, url) == few


def test_people_ask_as_often_for_three_as_for_one(tree, office):
    url = reverse("people")
    AppointmentFactory(branch=tree.software)
    one = queries(office, url)
    AppointmentFactory(branch=tree.algebra)
    AppointmentFactory(branch=tree.chinese)
    assert queries(office, url) == one


def test_the_tree_counts_branches_members_and_categories(tree):
    BranchProfileFactory(branch=tree.software, full_members=18, probationary_members=2)
    reach = scope(holder(Role.OFFICE, tree.root), Action.VIEW_BRANCHES)
    (root,) = directory.forest(clock.today(), reach)
    maths = directory.find([root], tree.maths)
    assert (root.branches, root.members, root.unknown) == (5, 20, 4)
    assert (maths.branches, maths.members) == (2, 20)
    assert root.categories == {tree.teachers.name: 3, tree.students.name: 2}
    assert [child.branch.code for child in root.children] == ["SJ", "WX", "ZS001"]


def test_the_tree_of_an_officer_begins_at_the_own_unit(tree):
    reach = scope(holder(Role.GENERAL_BRANCH_OFFICER, tree.maths), Action.VIEW_BRANCHES)
    assert [node.branch.pk for node in directory.forest(clock.today(), reach)] == [tree.maths.pk]


def test_an_empty_school_leads_the_office_to_the_import(signed_in):
    root = BranchFactory(code="DW", level=Branch.Level.COMMITTEE, name="中共刺桐师范学院委员会")
    client = signed_in(holder(Role.OFFICE, root))
    for name in ("branches", "branch-tree"):
        assert reverse("roster-import") in client.get(reverse(name)).content.decode()


def test_people_are_found_by_name_initials_and_number(tree, office):
    wanted = PersonFactory(name="欧阳㛃", initials="oyj", number="20050012", unit=tree.software)
    PersonFactory(name="林丽华", initials="llh", number="20050013", unit=tree.software)
    url = reverse("people")
    for query in ("欧阳㛃", "oyj", "OYJ", "20050012"):
        found = office.get(url, {"q": query}).context["list"].rows.object_list
        assert [person.pk for person in found] == [wanted.pk], query


def test_people_of_another_unit_are_not_listed(tree, signed_in):
    mine = PersonFactory(unit=tree.software)
    PersonFactory(unit=tree.chinese)
    post = AppointmentFactory(branch=tree.algebra, post=Appointment.Post.DEPUTY)
    account = holder(Role.GENERAL_BRANCH_OFFICER, tree.maths)
    reach = scope(account, Action.EDIT_PROFILE)
    assert {person.pk for person in directory.people(reach)} == {mine.pk, post.person_id}


def test_the_list_leaves_as_excel_and_is_noted(tree, office):
    response = office.post(f"{reverse('branches')}?category={tree.students.pk}", {"format": "csv"})
    lines = response.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    assert "2010级数学党支部" in lines[1]
