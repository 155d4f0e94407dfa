"""Every page one can open without having done anything first: axe A and AA, no sideways scrolling, no policy fault."""

from typing import Any

import pytest
from django.urls import reverse

from branches.models import Role
from tests.factories import grading as make
from tests.factories.branches import AccountFactory, BranchProfileFactory
from tests.factories.forms import ScanPageFactory

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

OFFICE = (
    "home", "branches", "branch-tree", "branch-new", "branch", "branch-profile", "people", "roster-import", "campaigns",
    "campaign", "campaign-dates", "campaign-members", "campaign-open", "rounds", "round", "round-units", "round-rules",
    "sources", "scoring-grid", "decide", "unit", "explain", "accounts", "account-new", "account-codes", "exports",
    "export-queue", "offline-round", "codes", "code", "returns", "my-role", "help", "password", "rectification",
    "plans",
)  # fmt: skip
SECRETARY = (
    "home",
    "branch",
    "branch-profile",
    "campaign",
    "unit",
    "self-assessment",
    "survey",
    "offline-unit",
    "exports",
    "help",
    "rectification",
)
ARGUMENTS = {
    "branch": "branch", "branch-profile": "branch", "campaign": "campaign", "campaign-dates": "campaign",
    "campaign-members": "campaign", "round": "round", "round-units": "round", "round-rules": "round",
    "sources": "round", "scoring-grid": "round", "decide": "round", "unit": "unit", "explain": "unit",
    "self-assessment": "unit", "survey": "unit", "code": "code", "returns": "round",
    "offline-unit": "unit", "offline-round": "round",
}  # fmt: skip


@pytest.fixture
def world() -> dict[str, Any]:
    opened = make.opened_round()
    BranchProfileFactory(branch=opened.school.software)
    make.fill(opened.unit("algebra"), lose=8)
    unit = opened.unit("software")
    signed = ScanPageFactory(scan__form__round=opened.round, scan__form__unit=opened.school.maths).scan
    return {
        "code": signed.form.code,
        "branch": unit.branch_id,
        "campaign": opened.round.campaign_id,
        "round": opened.round.pk,
        "unit": unit.pk,
        "office": AccountFactory(role=Role.OFFICE, node=opened.school.root),
        "secretary": AccountFactory(role=Role.SECRETARY, node=opened.school.software),
    }


def faults(page, browse_as, axe, world, who: str, names: tuple[str, ...]) -> dict[str, Any]:
    width = page.viewport_size["width"]
    found = {}
    for name in names:
        browse_as(page, world[who], reverse(name, args=[world[ARGUMENTS[name]]] if name in ARGUMENTS else []))
        wide = page.evaluate("document.documentElement.scrollWidth")
        heads = page.locator("h1").count()
        broken = axe(page) + ([f"{wide} px wide"] if wide > width else []) + ([] if heads == 1 else [f"{heads} h1"])
        if broken:
            found[name] = broken
    return found


@pytest.mark.parametrize(("who", "names"), [("office", OFFICE), ("secretary", SECRETARY)])
def test_at_a_desk(browser_page, browse_as, axe, world, who, names):
    assert faults(browser_page, browse_as, axe, world, who, names) == {}


@pytest.mark.parametrize(("who", "names"), [("office", OFFICE), ("secretary", SECRETARY)])
def test_on_a_phone(phone_page, browse_as, axe, world, who, names):
    assert faults(phone_page, browse_as, axe, world, who, names) == {}
