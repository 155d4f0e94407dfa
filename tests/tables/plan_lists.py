"""Rows of the lists of planning, for the parity test of registered lists."""

from typing import Any

from interviews.lists_classes import with_students
from interviews.models import Assignment, ClassGroup, RosterEntry
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


def classes(_world: Any) -> Any:
    """A class with a student and a tutor, and one with neither."""
    group = ClassGroupFactory()
    entry = RosterEntryFactory(campaign=group.campaign, unit=group.unit, class_group=group)
    group.tutor = RosterEntryFactory(campaign=group.campaign, unit=group.unit, category__code="teacher")
    group.save()
    ClassGroupFactory(campaign=group.campaign, unit=entry.unit)
    return with_students(ClassGroup.objects.order_by("pk"))


ROWS = {"class-groups": classes, "people-roster": people, "visit-assignments": tasks, "visit-without": people}
