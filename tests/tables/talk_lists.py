"""Rows of the lists of talks, for the parity test of registered lists."""

from typing import Any

from branches import clock
from interviews.matter_figures import by_unit_and_category, with_units
from interviews.mine import my_entries
from interviews.models import FollowUp, Interview, Matter
from tests.factories.branches import AccountFactory
from tests.factories.interview_matters import FollowUpFactory, MatterFactory
from tests.factories.interview_plan import AssignmentFactory, RosterEntryFactory
from tests.factories.interviews import InterviewSubjectFactory


def my_list(_world: Any) -> Any:
    """One person talked with, one not."""
    account = AccountFactory()
    done = InterviewSubjectFactory(interview__interviewer=account)
    campaign = done.interview.campaign
    other = RosterEntryFactory(campaign=campaign)
    first = AssignmentFactory(entry=done.entry, campaign=campaign, interviewer=account.person)
    AssignmentFactory(entry=other, campaign=campaign, rule=first.rule, interviewer=account.person)
    return my_entries(account, campaign, clock.today())


def my_talks(_world: Any) -> Any:
    """A talk with one, and one with four."""
    InterviewSubjectFactory()
    group = InterviewSubjectFactory(interview__one_to_one=False, interview__heads=4).interview
    for _ in range(3):
        InterviewSubjectFactory(interview=group)
    return Interview.objects.order_by("pk")


def follow_ups(_world: Any) -> Any:
    """One planned, one given up."""
    FollowUpFactory()
    FollowUpFactory(state="dropped", closed_at=clock.now())
    return FollowUp.objects.order_by("pk")


def problems(_world: Any) -> Any:
    """One pending, one solved."""
    MatterFactory()
    MatterFactory(state="answered", outcome="solved", answered_at=clock.now())
    return with_units(Matter.objects.order_by("pk"), clock.today())


def year(world: Any) -> Any:
    """Their figures."""
    return by_unit_and_category(problems(world).order_by(), clock.today()).order_by("pk")


ROWS = {
    "my-interviewees": my_list,
    "my-interviews": my_talks,
    "follow-ups": follow_ups,
    "my-matters": problems,
    "matters": problems,
    "matter-summary": year,
}
