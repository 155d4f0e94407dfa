"""Boxes for tests: made, opened, voted in."""

import time
from dataclasses import dataclass

import pytest
from django.db.models import Count

from branches import clock
from branches.models import Account, Role
from grading.models import BallotBox, ProblemBox
from grading.services import ballot_closing, ballot_exchanges, ballots, voting
from grading.services.errors import RefusedError
from tests.factories.branches import holder
from tests.factories.grading import Grading, opened_round

KEEPERS = ("张保管", "李保管")
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


def worked(seconds: float = 150) -> int:
    """Let the worker count boxes and clear what they leave; returns how many ended.

    PostgreSQL carries deleted rows over while an older transaction of the same server lasts, those of the other test
    process in its own database among them. As the worker does, this tries again until that one has ended.
    """
    deadline = time.monotonic() + seconds
    while True:
        ended = ballot_closing.work()
        held_up = BallotBox.objects.filter(error__startswith="数据库里还有较早的事务")
        if not held_up.update(lease_until=None) or time.monotonic() > deadline:
            return ended
        time.sleep(0.5)


def box_of(grading, unit="software", numbers=None, **more):
    """A box in preparation, with its codes printed; returns the box, the codes and the key's copy."""
    made = create(grading, unit=grading.unit(unit), groups=numbers or {"": 8}, **more)
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


def create(grading, **changed):
    """Make a box; `changed` takes the place of what is usual."""
    given = {
        "by": grading.office, "unit": grading.unit("software"), "source": grading.source("appraisal"),
        "groups": {"": 8}, "keepers": KEEPERS, "now": clock.now(),
    }  # fmt: skip
    return ballots.create_box(**(given | changed))


def ask(grading, box, code, **more):
    """Take a slip back, for a second person to confirm."""
    given = {"by": grading.office, "box": box, "code": code, "reason": "被拍照", "now": clock.now()}
    return ballot_exchanges.ask_exchange(**(given | more))


def refused(call, **given):
    """Return the sentence with which a service refuses."""
    with pytest.raises(RefusedError) as caught:
        call(**given)
    return str(caught.value)


def stock(box):
    """How many codes of a box are in each state."""
    return dict(box.codes.values_list("state").annotate(n=Count("pk")))
