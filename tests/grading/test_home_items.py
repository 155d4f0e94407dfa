"""What waits for a secretary on the landing page, beside the filing itself."""

import pytest
from django.urls import reverse

from branches import clock
from branches.models import BranchProfile, Campaign, Role
from branches.registries import home_items
from grading.services import rounds
from tests.factories.branches import RoleGrantFactory, holder
from tests.factories.grading import opened_round
from tests.worlds import shared

pytestmark = pytest.mark.once
grading = shared(opened_round)


def titles(account):
    return [item.title for item in home_items(account, clock.now())]


def test_basics_changed_after_the_round_took_its_copy_are_pointed_out_until_it_takes_them_over(grading):
    unit = grading.unit("software")
    secretary = holder(Role.SECRETARY, unit.branch)
    stale = f"{grading.round.dated}：附件4 印的还是旧的基本情况"
    rounds.refresh_facts(by=secretary, unit=unit)
    assert stale not in titles(secretary)
    BranchProfile.objects.filter(branch=unit.branch).update(activists=77)
    (item,) = [item for item in home_items(secretary, clock.now()) if item.title == stale]
    assert item.url == reverse("unit", args=[unit.pk]) + "#h-frozen"
    assert stale not in titles(holder(Role.SECRETARY, grading.unit("algebra").branch))
    rounds.refresh_facts(by=secretary, unit=unit)
    assert stale not in titles(secretary)


def test_who_inspects_a_branch_is_not_asked_to_file_for_it(grading):
    unit = grading.unit("software")
    Campaign.objects.filter(pk=grading.round.campaign_id).update(backfill=False)
    organiser = holder(Role.ORGANISER, grading.unit("chinese").branch)
    RoleGrantFactory(account=organiser, role=Role.INSPECTOR, node=unit.branch)
    assert not [item for item in home_items(organiser, clock.now()) if unit.name in item.detail]
    secretary = holder(Role.SECRETARY, unit.branch)
    assert [item for item in home_items(secretary, clock.now()) if unit.name in item.detail]
