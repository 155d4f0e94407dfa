"""Rows of the lists of planning, for the parity test of registered lists."""

from typing import Any

from interviews.models import Assignment, RosterEntry
from tests.factories.interview_plan import (
    AssignmentFactory,
    ClassGroupFactory,
    FocusMembershipFactory,
    RosterEntryFactory,
)


def people(_world: Any) -> Any:
    """A student with class, focus group and interviewer, and a bare one who left."""
    group = ClassGroupFactory()
    entry = RosterEntryFactory(campaign=group.campaign, unit=group.unit, class_group=group)
    FocusMembershipFactory(entry=entry)
    AssignmentFactory(entry=entry)
    RosterEntryFactory(campaign=group.campaign, active=False, person__number=None)
    return RosterEntry.objects.order_by("pk")


def tasks(_world: Any) -> Any:
    """One by rule, one by hand."""
    first = AssignmentFactory()
    AssignmentFactory(rule=first.rule, entry__campaign=first.campaign, origin="hand", required=2)
    return Assignment.objects.order_by("pk")


ROWS = {"people-roster": people, "visit-assignments": tasks, "visit-without": people}
