"""The demo: invented, deterministic, and with every stage built so far under way."""

import re
from collections import Counter, deque
from html import unescape

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.urls import resolve

from branches import audit
from branches.models import Account, Branch, Role, RoleGrant
from branches.registries import home_items
from grading.models import (
    Assessment,
    BallotBox,
    Correction,
    Objection,
    PublicityNotice,
    Result,
    Round,
    RoundUnit,
    Score,
    SealedBallot,
    SpotCheckInspector,
)
from rectification.models import Item, Plan, Status
from reporting.demo.build import DEMO_MOMENT
from reporting.demo.world import SCALES, make
from tests.worlds import shared

LINK = re.compile(r'href="(/[^"#]*)')


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


def _what_last_year_left_open():
    """Spot checks under way, two wide differences, a correction to approve, a notice with an objection to answer."""
    assert Assessment.objects.filter(source__code="spot_check", state="submitted").count() == 1
    assert SpotCheckInspector.objects.filter(spot_check__active=True).count() == 3
    again = Result.objects.filter(unit__round__campaign__year=2011, unit__round__ordinal=2)
    assert sum(bool((row.derivation["divergence"] or {}).get("flags")) for row in again) == 2
    assert Correction.objects.open().count() == Objection.objects.open().count() == 1
    assert PublicityNotice.objects.shown().get().round.state == Round.State.PUBLICITY
    for role, told in (
        (Role.INSPECTOR, "抽查"), (Role.OFFICE, "异议"), (Role.OFFICE, "更正"), (Role.SECRETARY, "自评"),
        (Role.GENERAL_BRANCH_OFFICER, "评分"),
    ):  # fmt: skip
        holders = Account.objects.filter(grants__role=role).order_by("pk").distinct()
        titles = [item.title for account in holders for item in home_items(account, DEMO_MOMENT)]
        assert any(told in title for title in titles), (role, told, titles[:20])


@shared
def demo():
    """The small demo, made once for the tests that read it, at the moment its clock is set to."""
    with time_machine.travel(DEMO_MOMENT, tick=False):
        call_command("demo", scale="small")


@pytest.mark.django_db
def test_the_small_demo_shows_every_stage_and_refuses_a_second_one(demo):
    year = RoundUnit.objects.filter(round__campaign__year=2012)
    assert Branch.objects.branches_only().count() == year.count() == 90
    filed = Counter(Assessment.objects.filter(unit__in=year).values_list("source__code", "state"))
    assert filed["self", "submitted"] == 68
    assert filed["superior", "submitted"] == 44
    assert filed["self", "draft"] > 0
    assert Result.objects.filter(state=Result.State.DECIDED, unit__in=year).count() == 16
    # The pilot of the year before: 8 branches, one without a plan, and items in every state but cancelled ones.
    assert Counter(Plan.objects.filter(campaign__year=2011).values_list("state", flat=True)) == {
        "approved": 4, "submitted": 1, "returned": 1, "draft": 1,
    }  # fmt: skip
    pilot = Item.objects.filter(plan__campaign__year=2011).status(DEMO_MOMENT)
    assert set(pilot.values_list("status", flat=True)) == set(Status.values) - {"transferred", "closed"}
    _what_last_year_left_open()
    assert Score.objects.filter(points__lt=0).count() == 0
    assert Counter(BallotBox.objects.values_list("state", flat=True)) == {"open": 2, "draft": 1}
    assert SealedBallot.objects.count() == 9 + 14
    assert set(RoleGrant.objects.values_list("role", flat=True)) >= {"office", "secretary", "auditor", "clerk"}
    assert not Account.objects.exclude(password__startswith="!").exists()
    found = audit.verify()
    assert (found.faults, found.unsealed) == ((), 0)
    with pytest.raises(CommandError):
        call_command("demo", scale="small")


def dead_links(client):
    """Follow links from the landing page, one to each view; return those that lead nowhere, each with its page."""
    todo, visited, dead = deque([("/", "")]), {"logout"}, []
    while todo:
        path, where = todo.popleft()
        name = resolve(path.split("?")[0]).view_name
        if name in visited:
            continue
        visited.add(name)
        answer = client.get(path)
        if answer.status_code in (301, 302):
            todo.append((answer.headers["Location"], where))
        elif answer.status_code != 200:
            dead.append((where, path, answer.status_code))
        elif not answer.streaming and answer.headers["Content-Type"].startswith("text/html"):
            found = [unescape(link) for link in LINK.findall(answer.content.decode())]
            todo.extend((link, path) for link in found if not link.startswith("/static/"))
    return dead, visited


@pytest.mark.once
@pytest.mark.long
@pytest.mark.django_db
def test_no_role_is_shown_a_link_that_leads_nowhere(demo, signed_in):
    pages = {}
    with time_machine.travel(DEMO_MOMENT, tick=False):
        for role in Role:
            account = RoleGrant.objects.on(DEMO_MOMENT.date()).filter(role=role).order_by("pk").first().account
            dead, pages[role] = dead_links(signed_in(account))
            assert (role, dead) == (role, [])
    assert len(pages[Role.OFFICE]) > 100
    assert len(pages[Role.SECRETARY]) > 40
