"""Who ought to have an account, how far it is, and opening a whole unit at one stroke."""

import datetime as dt

import pytest

from branches import seats
from branches.models import Account, ActivationCode, AuditEntry, Role, RoleGrant
from branches.permissions import Action, scope
from branches.seats import State
from branches.services import account_office, accounts, tree
from branches.services.account_office import Newcomer
from tests.factories import branches as f
from tests.worlds import shared

pytestmark = pytest.mark.db


@shared
def school():
    made = f.school()
    for branch, name in (
        (made.maths, "许文彬"),
        (made.software, "林志远"),
        (made.algebra, "郑海燕"),
        (made.direct, "叶淑贞"),
    ):
        f.AppointmentFactory(branch=branch, person=f.PersonFactory(name=name, unit=branch))
    return made


@pytest.fixture
def office(school):
    return f.holder(Role.OFFICE, school.root, person=None, username="office")


def reach(account):
    return scope(account, Action.ISSUE_CODES)


def names(opened):
    return [(slip.unit, slip.name, slip.post, slip.username) for slip in opened.slips]


def test_units_count_seats_by_state(school, office):
    account = accounts.open_account(by=None, person=school.software.appointments.get().person)
    found = {unit.node.code: dict(unit.counts) for unit in seats.units(reach(office))}
    assert found == {
        "SJ": {State.MISSING: 2, State.WAITING: 1},
        "WX": {State.VACANT: 3},
        "DW": {State.MISSING: 1},
    }
    account.set_password("x")
    account.save()
    assert seats.units(reach(office))[0].counts[State.ACTIVE] == 1
    Account.objects.update(is_active=False)
    office.is_active = True
    assert seats.state_of(Account.objects.get(pk=account.pk)) is State.DISABLED


def test_seats_take_the_same_queries_at_any_size(school, office, django_assert_max_num_queries):
    for number in range(20):
        f.AppointmentFactory(branch=f.BranchFactory(parent=school.maths, name=f"第{number}党支部"))
    reached = reach(office)
    with django_assert_max_num_queries(6):
        assert len(seats.seats(reached)) == 27


def test_an_officer_sees_the_own_unit_only(school):
    officer = f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths)
    assert [unit.node.code for unit in seats.units(reach(officer))] == ["SJ"]


def test_opening_a_unit(school, office):
    opened = account_office.open_unit(by=office, unit=school.maths)
    assert names(opened) == [
        ("数学与计算机科学学院党总支", "许文彬", "党总支书记", "xuwenbin"),
        ("软件工程教研室党支部", "林志远", "支部书记", "linzhiyuan"),
        ("2010级数学党支部", "郑海燕", "支部书记", "zhenghaiyan"),
    ]
    assert (opened.new, opened.taken_back, opened.left_out) == (3, 0, [])
    assert RoleGrant.objects.filter(role=Role.SECRETARY, node=school.software).get().account.username == "linzhiyuan"
    for slip in opened.slips:
        assert accounts.find_code(slip.code).account.username == slip.username
    assert AuditEntry.objects.get(action="accounts.open_unit").branch == school.maths


def test_opening_again_renews_codes_of_those_who_have_not_activated(school, office):
    first = account_office.open_unit(by=office, unit=school.maths)
    accounts.use_code(code=first.slips[0].code, password="Citong-2012-xiu")
    second = account_office.open_unit(by=office, unit=school.maths)
    assert [slip.username for slip in second.slips] == ["linzhiyuan", "zhenghaiyan"]
    assert second.new == 0
    assert accounts.find_code(first.slips[1].code) is None
    assert RoleGrant.objects.filter(node=school.software).count() == 1


def test_direct_branches_are_a_unit_of_the_committee(school, office):
    opened = account_office.open_unit(by=office, unit=school.root)
    assert names(opened) == [("图书馆直属党支部", "叶淑贞", "支部书记", "yeshuzhen")]


def test_an_officer_opens_secretaries_but_not_the_own_seat(school):
    officer = f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths)
    opened = account_office.open_unit(by=officer, unit=school.maths)
    assert [slip.username for slip in opened.slips] == ["linzhiyuan", "zhenghaiyan"]
    assert len(opened.left_out) == 1
    assert "许文彬" in opened.left_out[0]


def test_disabled_and_privileged_accounts_get_no_code(school):
    officer = f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths)
    disabled, leader = school.software.appointments.get().person, school.algebra.appointments.get().person
    f.AccountFactory(person=disabled, is_active=False, password=None)
    f.RoleGrantFactory(
        account=f.AccountFactory(person=leader, password=None), role=Role.SCHOOL_LEADER, node=school.root
    )
    opened = account_office.open_unit(by=officer, unit=school.maths)
    assert opened.slips == []
    assert any("校领导" in line for line in opened.left_out)
    assert not ActivationCode.objects.exists()


def test_a_secretary_who_left_loses_the_role_a_deputy_keeps_it(school, office):
    old = accounts.open_account(by=None, person=school.software.appointments.get().person)
    deputy = f.holder(Role.SECRETARY, school.software)
    f.RoleGrantFactory(account=old, role=Role.SECRETARY, node=school.software)
    newcomer = f.PersonFactory(name="何立群")
    tree.appoint(
        by=None, branch=school.software, person=newcomer, post="secretary", starts=None, on=dt.date(2012, 5, 1)
    )
    seat = next(seat for seat in seats.seats(reach(office), school.maths) if seat.node == school.software)
    assert ([grant.account for grant in seat.former], seat.person) == ([old], newcomer)
    opened = account_office.open_unit(by=office, unit=school.maths)
    assert opened.taken_back == 1
    held = RoleGrant.objects.filter(node=school.software, ends_on__isnull=True)
    assert {grant.account for grant in held} == {deputy, newcomer.account}


def add(by, newcomer, role, node):
    return account_office.add_account(by=by, newcomer=newcomer, role=role, node=node, starts_on=f.LONG_AGO)


def test_adding_an_account(school, office):
    issued = add(office, Newcomer("欧阳喆", number="G77"), Role.ORGANISER, school.maths)
    person = issued.account.person
    assert (issued.account.username, person.number, person.unit, person.initials) == (
        "ouyangzhe",
        "G77",
        school.maths,
        "oyz",
    )
    known = f.PersonFactory(name="郭少华")
    assert (
        add(office, Newcomer("郭少华", person=known, username="guo"), Role.SCHOOL_LEADER, school.root).account.person
        == known
    )


def test_what_may_not_be_handed_out_opens_nothing(school, office):
    officer = f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths)
    before = Account.objects.count()
    for by, role, node in (
        (office, Role.AUDITOR, school.root),
        (officer, Role.CLERK, school.chinese),
        (officer, Role.INSPECTOR, school.software),
    ):
        with pytest.raises(accounts.AccountError):
            add(by, Newcomer("某人"), role, node)
    assert Account.objects.count() == before
