"""The demo: invented, deterministic, and with every stage built so far under way."""

from collections import Counter

import pytest
from django.core.management import CommandError, call_command

from branches import audit
from branches.models import Account, Branch, RoleGrant
from grading.models import Assessment, BallotBox, Result, RoundUnit, Score, SealedBallot
from reporting.demo.world import SCALES, make


@pytest.mark.unit
@pytest.mark.parametrize(
    ("scale", "departments", "branches"), [("small", 12, 90), ("school", 20, 168), ("province", 60, 5000)]
)
def test_a_world_has_the_promised_size_and_is_always_the_same(scale, departments, branches):
    world = make(scale)
    names = [unit.name for department in world for unit in department.units]
    assert len([d for d in world if not d.direct]) == departments
    assert len(names) == len(set(names)) == branches
    assert len(next(d for d in world if d.direct).units) == 2
    assert make(scale) == world


@pytest.mark.unit
def test_every_invented_telephone_number_is_one_nobody_has():
    phones = [unit.secretary.phone for department in make("school") for unit in department.units]
    assert len(set(phones)) == 168
    assert all(phone.startswith("1700000") for phone in phones)


@pytest.mark.unit
def test_the_scales_are_those_the_command_offers():
    assert set(SCALES) == {"small", "school", "province"}


@pytest.mark.django_db
def test_the_small_demo_shows_every_stage_and_refuses_a_second_one(capsys):
    call_command("demo", scale="small")
    assert Branch.objects.branches_only().count() == RoundUnit.objects.count() == 90
    filed = Counter(Assessment.objects.values_list("source__code", "state"))
    assert filed["self", "submitted"] == 68
    assert filed["superior", "submitted"] == 44
    assert filed["self", "draft"] > 0
    assert Result.objects.filter(state=Result.State.DECIDED).count() == 16
    assert Score.objects.filter(points__lt=0).count() == 0
    assert Counter(BallotBox.objects.values_list("state", flat=True)) == {"open": 2, "draft": 1}
    assert SealedBallot.objects.count() == 9 + 14
    assert set(RoleGrant.objects.values_list("role", flat=True)) >= {"office", "secretary", "auditor", "clerk"}
    assert not Account.objects.exclude(password__startswith="!").exists()
    found = audit.verify()
    assert (found.faults, found.unsealed) == ((), 0)
    with pytest.raises(CommandError):
        call_command("demo", scale="small")
