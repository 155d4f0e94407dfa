"""What the page tests share: accounts of the little school, reading pages, posting a sheet."""

import html
import re
from typing import Any

from django.urls import reverse

from branches.models import Account, Appointment, Role
from grading.models import Criterion, RoundUnit
from tests.factories.branches import AppointmentFactory, School, holder

PLACES = {
    "office": (Role.OFFICE, "root"),
    "officer": (Role.GENERAL_BRANCH_OFFICER, "maths"),
    "organiser": (Role.ORGANISER, "maths"),
    "secretary": (Role.SECRETARY, "software"),
    "clerk": (Role.CLERK, "software"),
    "leader": (Role.SCHOOL_LEADER, "root"),
}


def account(school: School, name: str) -> Account:
    """Return a fresh account of a role: maths is its 党总支, software its branch."""
    role, place = PLACES[name]
    return holder(role, getattr(school, place))


def recused_officer(school: School) -> Account:
    """Return an officer of maths who is 支委 of software."""
    found = account(school, "officer")
    AppointmentFactory(branch=school.software, person=found.person, post=Appointment.Post.COMMITTEE_MEMBER)
    return found


def text(response: Any) -> str:
    """Return what a page says, tags and entities resolved and white space joined."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


def page(name: str, *args: Any) -> str:
    """Return the address of a page."""
    return reverse(name, args=args)


def item(unit: RoundUnit, code: str) -> Criterion:
    """Return an item of the rubric of a branch by its code."""
    return Criterion.objects.get(section__rubric=unit.rubric_id, code=code)


def points(unit: RoundUnit, **given: str) -> dict[str, str]:
    """Return posted points by item code: points(unit, A1="2")."""
    return {f"points-{item(unit, code).pk}": value for code, value in given.items()}


def all_points(unit: RoundUnit) -> dict[str, str]:
    """Return posted full marks for every item."""
    rows = Criterion.objects.filter(section__rubric=unit.rubric_id)
    return {f"points-{row.pk}": str(row.points) for row in rows}
