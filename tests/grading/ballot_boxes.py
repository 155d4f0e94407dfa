"""Boxes for tests: made, opened, voted in."""

from dataclasses import dataclass

from branches import clock
from branches.models import Account, Role
from grading.models import BallotBox, ProblemBox
from grading.services import ballots, voting
from tests.factories.branches import holder
from tests.factories.grading import Grading, opened_round

PROBLEMS = {"study": "组织生活不正常", "funds": "经费场所不足"}


@dataclass(slots=True)
class Ballots(Grading):
    """An open round with two problem boxes, and two people of the office."""

    office: Account
    deputy: Account


def world():
    """An open round with two problem boxes, and two people of the office."""
    grading = opened_round()
    for n, (code, text) in enumerate(PROBLEMS.items(), 1):
        ProblemBox.objects.create(round=grading.round, ordinal=n, code=code, text=text)
    office, deputy = (holder(Role.OFFICE, grading.school.root) for _ in range(2))
    return Ballots(grading.school, grading.round, grading.units, office, deputy)


def box_of(grading, unit="software", numbers=None, **more):
    """A box in preparation, with its codes printed; returns the box, the codes and the key's copy."""
    made = ballots.create_box(
        by=grading.office, unit=grading.unit(unit), source=grading.source("appraisal"), groups=numbers or {"": 8},
        keepers=("张保管", "李保管"), now=clock.now(), **more,
    )  # fmt: skip
    codes = ballots.issue_codes(by=grading.office, box=made.box, now=clock.now())
    return made.box, [issued.code for issued in codes], made.copy


def open_of(grading, unit="software", numbers=None, **more):
    """An open box and its codes."""
    box, codes, _ = box_of(grading, unit, numbers, **more)
    return ballots.open_box(by=grading.office, box=box, now=clock.now()), codes


def vote(code, choice="satisfied", problems=()):
    """Cast a ballot; returns what the voter is told."""
    return voting.cast(code=code, choice=choice, problems=problems, now=clock.now())


def fresh(box):
    """The row as it is now."""
    return BallotBox.objects.get(pk=box.pk)
