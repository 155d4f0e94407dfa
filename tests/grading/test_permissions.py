"""Who reaches which unit of a round, who proposes and who decides."""

import datetime as dt

import pytest

from branches import clock
from branches.models import Role
from branches.permissions import Action, can, scope
from branches.services import tree as tree_services
from grading.models import Result, Round, RoundUnit
from grading.permissions import holds_branch, may_decide, may_propose
from grading.services import results
from tests.factories.branches import AppointmentFactory, holder
from tests.factories.grading import RoundStepFactory, opened_round
from tests.worlds import shared

pytestmark = pytest.mark.db


grading = shared(opened_round)


def reached(account, model=RoundUnit, action=Action.VIEW_GRADING):
    return model.objects.within(scope(account, action))


def names(units):
    return sorted(unit.short_name for unit in units)


def test_each_role_reaches_its_part_of_a_round(grading):
    tree = grading.school
    officer, office = holder(Role.GENERAL_BRANCH_OFFICER, tree.maths), holder(Role.OFFICE, tree.root)
    secretary = holder(Role.SECRETARY, tree.software)
    assert names(reached(officer)) == ["2010级数学", "软件工程教研室"]
    assert names(reached(secretary)) == ["软件工程教研室"]
    assert reached(office).count() == 5
    for account in (officer, office, secretary):
        assert reached(account, Round).order_by("ordinal").first() == grading.round
    stranger = holder(Role.ADMINISTRATOR, tree.root)
    assert not scope(stranger, Action.VIEW_GRADING)


def test_an_open_round_follows_todays_tree_and_a_final_one_the_tree_of_then_too(grading):
    tree, unit = grading.school, grading.unit("software")
    before, after = (holder(Role.GENERAL_BRANCH_OFFICER, node) for node in (tree.maths, tree.letters))
    tree_services.move(
        by=None,
        branch=tree.software,
        place=tree_services.Place(name=unit.name, parent=tree.letters, category=tree.teachers),
        from_day=clock.today() - dt.timedelta(days=1),
    )
    assert unit not in reached(before)
    assert unit in reached(after)
    Round.objects.filter(pk=grading.round.pk).update(state="final", finalised_at=clock.now())
    assert unit in reached(before)
    assert unit in reached(after)


def test_results_are_reached_as_their_units_are(grading):
    results.compute_round(by=None, round_=grading.round, now=clock.now())
    officer = holder(Role.GENERAL_BRANCH_OFFICER, grading.school.maths)
    assert reached(officer, Result).count() == 2
    assert reached(officer, Result).current().count() == 2


def test_the_general_branch_decides_its_own_and_the_office_everybody(grading):
    officer = holder(Role.GENERAL_BRANCH_OFFICER, grading.school.maths)
    organiser = holder(Role.ORGANISER, grading.school.maths)
    office = holder(Role.OFFICE, grading.school.root)
    own, other, direct = (grading.unit(name) for name in ("software", "chinese", "direct"))
    assert may_decide(officer, own)
    assert may_propose(officer, own)
    assert not may_decide(organiser, own)
    assert may_decide(officer, other).hidden
    assert may_decide(office, direct)
    assert not may_decide(officer, direct)


def test_where_the_committee_decides_the_general_branch_only_proposes(grading):
    officer = holder(Role.GENERAL_BRANCH_OFFICER, grading.school.maths)
    Round.objects.filter(pk=grading.round.pk).update(deciding_level="committee")
    unit = RoundUnit.objects.get(pk=grading.unit("software").pk)
    assert may_propose(officer, unit)
    assert may_decide(officer, unit).reason == "本轮等级由党委审定。"
    RoundStepFactory(round=grading.round, ordinal=90, code="propose", name="党总支拟定")
    unit = RoundUnit.objects.get(pk=unit.pk)
    assert may_decide(officer, unit).reason == "本轮等级由党委审定，党总支只拟定。"
    assert may_decide(holder(Role.OFFICE, grading.school.root), unit)


def test_nobody_scores_or_decides_for_a_branch_whose_committee_they_sit_on(grading):
    officer = holder(Role.GENERAL_BRANCH_OFFICER, grading.school.maths)
    unit = grading.unit("software")
    assert can(officer, Action.SCORE, unit)
    AppointmentFactory(branch=unit.branch, person=officer.person, post="committee_member")
    for answer in (can(officer, Action.SCORE, unit), may_propose(officer, unit), may_decide(officer, unit)):
        assert "回避" in answer.reason
    assert can(officer, Action.SCORE, grading.unit("algebra"))


def test_a_secretary_holds_the_branch_and_a_superior_does_not(grading):
    unit = grading.unit("software")
    assert holds_branch(holder(Role.SECRETARY, unit.branch), unit)
    assert not holds_branch(holder(Role.ORGANISER, grading.school.maths), unit)
