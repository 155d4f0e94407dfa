"""Scope, permission, recusal, and who may hand out which role or hold the key to which account."""

import datetime as dt

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404

from branches.models import Branch, Role
from branches.permissions import (
    EXCLUSIVE_ROLES,
    GRANTS,
    HANDS_OUT,
    RECUSABLE,
    Action,
    can,
    conflicting_roles,
    get_or_404,
    may_hand_out,
    may_manage,
    scope,
)
from branches.services import tree
from tests.factories import branches as f

DAY = dt.date(2012, 4, 1)


def reached(account, action=Action.VIEW_BRANCHES):
    return set(Branch.objects.within(scope(account, action)).values_list("code", flat=True))


@pytest.mark.unit
def test_every_role_has_actions_and_no_role_has_none():
    assert set(GRANTS) == set(Role)
    assert all(Action.VIEW_HOME in actions for actions in GRANTS.values())


@pytest.mark.unit
def test_who_writes_nothing():
    reading = {
        Action.VIEW_HOME, Action.VIEW_BRANCHES, Action.VIEW_CAMPAIGN, Action.VIEW_GRADING, Action.VIEW_RECTIFICATION,
        Action.EXPORT, Action.VIEW_INTERVIEWS, Action.VIEW_COVERAGE,
    }  # fmt: skip
    anybody = {Action.FILE_OBJECTION}  # raising an objection in one's own name is a right of everybody with an account
    # A leader talks with teachers too (管理干部 → 教师), and may be asked to settle what they raised.
    own_talks = {
        Action.RECORD_INTERVIEW, Action.READ_INTERVIEW, Action.HANDLE_MATTER, Action.RECEIVE_EMERGENCY,
    }  # fmt: skip
    assert GRANTS[Role.SCHOOL_LEADER] == reading | anybody | own_talks
    assert GRANTS[Role.AUDITOR] == reading | anybody | {Action.VIEW_AUDIT, Action.VIEW_RUBRICS}
    assert not GRANTS[Role.ADMINISTRATOR] & (RECUSABLE | {Action.VIEW_GRADING, Action.EXPORT})


@pytest.mark.unit
def test_three_separate_officers():
    for pair in EXCLUSIVE_ROLES:
        assert "不能由同一账号担任" in conflicting_roles(pair)
        assert "不能由同一账号担任" in conflicting_roles({*pair, Role.CLERK})
        for role in pair:
            assert conflicting_roles({role}) == ""


@pytest.mark.db
def test_scope_is_the_subtree():
    school = f.school()
    assert reached(f.holder(Role.SECRETARY, school.software)) == {"SJ001"}
    assert reached(f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths)) == {"SJ", "SJ001", "SJ002"}
    office = f.holder(Role.OFFICE, school.root)
    assert reached(office) == {"DW", "SJ", "WX", "SJ001", "SJ002", "WX001", "WX002", "ZS001"}
    assert scope(office, Action.VIEW_BRANCHES).everything


@pytest.mark.db
def test_scope_adds_up_over_grants_and_asks_each_for_the_action():
    school = f.school()
    account = f.holder(Role.SECRETARY, school.software)
    f.RoleGrantFactory(account=account, role=Role.ORGANISER, node=school.letters)
    assert reached(account) == {"SJ001", "WX", "WX001", "WX002"}
    assert reached(account, Action.SUBMIT_ASSESSMENT) == {"SJ001"}
    assert reached(account, Action.SCORE) == {"WX", "WX001", "WX002"}


@pytest.mark.db
def test_scope_follows_todays_placement(time_machine):
    school = f.school()
    officer = f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths)
    time_machine.move_to(dt.datetime(2012, 4, 1, 12, tzinfo=dt.UTC))
    tree.move(by=None, branch=school.software, place=tree.Place("软件", school.letters), from_day=dt.date(2012, 4, 2))
    assert "SJ001" in reached(officer)
    time_machine.move_to(dt.datetime(2012, 4, 2, 12, tzinfo=dt.UTC))
    assert "SJ001" not in reached(officer)


@pytest.mark.db
def test_grants_begin_and_end(time_machine):
    school = f.school()
    account = f.AccountFactory()
    f.RoleGrantFactory(
        account=account,
        role=Role.ORGANISER,
        node=school.maths,
        starts_on=dt.date(2012, 4, 1),
        ends_on=dt.date(2012, 5, 1),
    )
    expected = {(2012, 3, 31): set(), (2012, 4, 1): {"SJ", "SJ001", "SJ002"}, (2012, 5, 1): set()}
    for day, codes in expected.items():
        time_machine.move_to(dt.datetime(*day, 12, tzinfo=dt.UTC))
        assert reached(account) == codes


@pytest.mark.db
def test_nobody_reaches_nothing():
    school = f.school()
    disabled = f.holder(Role.OFFICE, school.root, is_active=False)
    for account in (AnonymousUser(), f.AccountFactory(), disabled):
        assert not scope(account, Action.VIEW_BRANCHES)
        assert reached(account) == set()
        assert "没有这项权限" in can(account, Action.VIEW_BRANCHES).reason


@pytest.mark.db
def test_foreign_things_are_hidden_and_own_ones_are_refused_with_a_reason():
    school = f.school()
    secretary = f.holder(Role.SECRETARY, school.software)
    assert can(secretary, Action.SUBMIT_ASSESSMENT, school.software)
    assert can(secretary, Action.VIEW_BRANCHES, school.algebra).hidden
    clerk = f.holder(Role.CLERK, school.software)
    answer = can(clerk, Action.SUBMIT_ASSESSMENT, school.software)
    assert not answer
    assert not answer.hidden
    with pytest.raises(Http404):
        get_or_404(Branch.objects.all(), scope(secretary, Action.VIEW_BRANCHES), pk=school.algebra.pk)
    assert can(f.holder(Role.OFFICE, school.root), Action.VIEW_BRANCHES, object()).hidden


@pytest.mark.db
@pytest.mark.parametrize("post", ["secretary", "committee_member", "deputy"])
def test_recusal(post):
    school = f.school()
    officer = f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths)
    appointment = f.AppointmentFactory(branch=school.software, person=officer.person, post=post)
    for action in (Action.SCORE, Action.PROPOSE_GRADE, Action.DECIDE_GRADE, Action.VERIFY):
        assert "应当回避" in can(officer, action, school.software).reason
        assert can(officer, action, school.algebra)
    assert can(officer, Action.SUBMIT_ASSESSMENT, school.software)
    tree.end_appointment(by=None, appointment=appointment, on=DAY, reason="换届")
    assert can(officer, Action.SCORE, school.software)


@pytest.mark.db
def test_recusal_does_not_reach_up_or_to_an_account_without_a_person():
    school = f.school()
    officer = f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths)
    f.AppointmentFactory(branch=school.maths, person=officer.person)
    assert can(officer, Action.SCORE, school.software)
    assert can(f.holder(Role.OFFICE, school.root, person=None), Action.DECIDE_GRADE, school.software)


@pytest.mark.unit
def test_nobody_but_the_administrator_hands_out_the_three_officers():
    reserved = {Role.ADMINISTRATOR, Role.AUDITOR, Role.OFFICE, Role.RUBRIC_MAINTAINER}
    for role, handed in HANDS_OUT.items():
        assert role is Role.ADMINISTRATOR or not handed & reserved
        assert Action.GRANT_ROLES in GRANTS[role]
    assert {role for role in Role if Action.GRANT_ROLES in GRANTS[role]} == set(HANDS_OUT)


@pytest.mark.db
def test_handing_out():
    school = f.school()
    office = f.holder(Role.OFFICE, school.root)
    officer = f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths)
    assert may_hand_out(office, Role.SCHOOL_LEADER, school.root)
    assert may_hand_out(officer, Role.CLERK, school.software)
    assert "系统管理员" in may_hand_out(office, Role.AUDITOR, school.root).reason
    assert "范围" in may_hand_out(officer, Role.CLERK, school.chinese).reason
    assert "自己账号" in may_hand_out(office, Role.CLERK, school.software, to=office).reason
    assert not may_hand_out(f.holder(Role.SECRETARY, school.software), Role.CLERK, school.software)


@pytest.mark.db
def test_a_code_is_a_key_to_every_role():
    school = f.school()
    officer = f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths)
    secretary = f.holder(Role.SECRETARY, school.software)
    assert may_manage(officer, secretary)
    f.RoleGrantFactory(account=secretary, role=Role.CLERK, node=school.chinese)
    assert "填报员" in may_manage(officer, secretary).reason
    office, administrator = f.holder(Role.OFFICE, school.root), f.holder(Role.ADMINISTRATOR, school.root)
    assert may_manage(office, secretary)
    assert not may_manage(office, administrator)
    assert not may_manage(office, f.holder(Role.OFFICE, school.root))
    assert may_manage(administrator, office)
    assert not may_manage(administrator, administrator)


@pytest.mark.db
def test_an_account_without_roles_belongs_where_its_holder_does():
    school = f.school()
    officer = f.holder(Role.GENERAL_BRANCH_OFFICER, school.maths)
    own = f.AccountFactory(person=f.PersonFactory(unit=school.software))
    foreign = f.AccountFactory(person=f.PersonFactory(unit=school.chinese))
    assert may_manage(officer, own)
    assert may_manage(officer, foreign).hidden
    assert may_manage(officer, f.AccountFactory()).hidden
