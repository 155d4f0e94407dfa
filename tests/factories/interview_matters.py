"""Factories of what comes of talks: problems, follow-ups, emergencies."""

import datetime as dt
import uuid

import factory
from factory.django import DjangoModelFactory

from branches import clock
from interviews import models
from tests.factories import branches
from tests.factories.interview_plan import RosterEntryFactory
from tests.factories.interviews import InterviewFactory, SealedRecordFactory


class MatterCategoryFactory(DjangoModelFactory):
    class Meta:
        model = models.MatterCategory
        django_get_or_create = ("campaign", "code")

    campaign = factory.SubFactory(branches.CampaignFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    code = "logistics"
    name = "后勤"


class MatterFactory(DjangoModelFactory):
    """A problem just released by who recorded the talk; its record holds no text."""

    class Meta:
        model = models.Matter

    interview = factory.SubFactory(InterviewFactory)
    campaign = factory.SelfAttribute("interview.campaign")
    unit = factory.SelfAttribute("interview.unit")
    raised_by = factory.SelfAttribute("interview.interviewer")
    number = factory.Sequence(lambda n: n + 1)
    record = factory.SubFactory(
        SealedRecordFactory, kind="matter", campaign=factory.SelfAttribute("..campaign"),
        unit=factory.SelfAttribute("..unit"), owner=factory.SelfAttribute("..raised_by"),
    )  # fmt: skip
    category = factory.SubFactory(MatterCategoryFactory, campaign=factory.SelfAttribute("..campaign"))
    owner = factory.SubFactory(branches.AccountFactory)
    due_on = factory.LazyFunction(lambda: clock.today() + dt.timedelta(days=14))
    released_at = factory.LazyFunction(clock.now)


class FollowUpFactory(DjangoModelFactory):
    class Meta:
        model = models.FollowUp

    interview = factory.SubFactory(InterviewFactory)
    entry = factory.SubFactory(RosterEntryFactory, campaign=factory.SelfAttribute("..interview.campaign"))
    account = factory.SelfAttribute("interview.interviewer")
    due_on = factory.LazyFunction(lambda: clock.today() + dt.timedelta(days=7))
    planned_at = factory.LazyFunction(clock.now)


class EmergencyContactFactory(DjangoModelFactory):
    class Meta:
        model = models.EmergencyContact

    campaign = factory.SubFactory(branches.CampaignFactory)
    unit = factory.SelfAttribute("campaign.root")
    duty = "校心理中心值班"
    phone = "17000009999"
    account = factory.SubFactory(branches.AccountFactory)


class EmergencyReportFactory(DjangoModelFactory):
    class Meta:
        model = models.EmergencyReport

    client_id = factory.LazyFunction(uuid.uuid4)
    contact = factory.SubFactory(EmergencyContactFactory)
    campaign = factory.SelfAttribute("contact.campaign")
    duty = factory.SelfAttribute("contact.account")
    reporter = factory.SubFactory(branches.AccountFactory)
    record = factory.SubFactory(
        SealedRecordFactory, kind="emergency", campaign=factory.SelfAttribute("..campaign"),
        unit=factory.SelfAttribute("..contact.unit"), owner=factory.SelfAttribute("..reporter"),
    )  # fmt: skip
    reported_at = factory.LazyFunction(clock.now)


class EmergencyStepFactory(DjangoModelFactory):
    class Meta:
        model = models.EmergencyStep

    report = factory.SubFactory(EmergencyReportFactory)
    at = factory.LazyFunction(clock.now)
    what = models.EmergencyStep.What.SENT
