"""Factories of talks and of what keeps them confidential."""

import datetime as dt
import uuid

import factory
from factory.django import DjangoModelFactory

from branches import audit, clock
from interviews import models
from tests.factories import branches, interview_plan


class ConfidenceRulesFactory(DjangoModelFactory):
    class Meta:
        model = models.ConfidenceRules

    campaign = factory.SubFactory(branches.CampaignFactory)
    retain_months = 24
    reader_days = 90
    text_limit = 20000


class NoticeFactory(DjangoModelFactory):
    class Meta:
        model = models.Notice

    campaign = factory.SubFactory(branches.CampaignFactory)
    number = factory.Sequence(lambda n: n + 1)
    title = "谈话告知书"
    body = "谈话内容加密保存，只有访谈人和指定的人能看。"
    published_at = factory.LazyFunction(clock.now)


class SealedRecordFactory(DjangoModelFactory):
    class Meta:
        model = models.SealedRecord

    kind = "interview"
    campaign = factory.SubFactory(branches.CampaignFactory)
    unit = factory.SubFactory(branches.BranchFactory)
    owner = factory.SubFactory(branches.AccountFactory)
    created_at = factory.LazyFunction(clock.now)
    retain_until = factory.LazyFunction(lambda: clock.today() + dt.timedelta(days=365))


class SealedVersionFactory(DjangoModelFactory):
    class Meta:
        model = models.SealedVersion

    record = factory.SubFactory(SealedRecordFactory)
    number = factory.SelfAttribute("record.version")
    written_by = factory.SelfAttribute("record.owner")
    written_at = factory.LazyFunction(clock.now)


class SealedTextFactory(DjangoModelFactory):
    class Meta:
        model = models.SealedText

    version = factory.SubFactory(SealedVersionFactory)
    field = "text"
    sealed = b"\x00" * 40


class ReaderFactory(DjangoModelFactory):
    class Meta:
        model = models.Reader

    record = factory.SubFactory(SealedRecordFactory)
    account = factory.SubFactory(branches.AccountFactory)
    reason = "心理中心会商"
    granted_by = factory.SelfAttribute("record.owner")
    granted_at = factory.LazyFunction(clock.now)
    until = factory.LazyFunction(lambda: clock.now() + dt.timedelta(days=30))

    @classmethod
    def _create(cls, model_class, *args, **kwargs):
        """Name the reader in the trail too: one who does not stand there reads nothing."""
        row = super()._create(model_class, *args, **kwargs)
        after = {"reader": row.account_id, "until": row.until.isoformat()}
        audit.record(by=row.granted_by, action="sealed.grant", thing=row.record, summary="指定读者", after=after)
        return row


class ReadingFactory(DjangoModelFactory):
    class Meta:
        model = models.Reading

    record = factory.SubFactory(SealedRecordFactory)
    by = factory.SelfAttribute("record.owner")
    at = factory.LazyFunction(clock.now)
    outcome = "opened"
    version = 1


class InterviewFactory(DjangoModelFactory):
    """A talk without texts; those are sealed by services.interviews.record_interview."""

    class Meta:
        model = models.Interview

    client_id = factory.LazyFunction(uuid.uuid4)
    campaign = factory.SubFactory(branches.CampaignFactory)
    unit = factory.SubFactory(branches.BranchFactory)
    interviewer = factory.SubFactory(branches.AccountFactory)
    record = factory.SubFactory(
        SealedRecordFactory,
        campaign=factory.SelfAttribute("..campaign"),
        unit=factory.SelfAttribute("..unit"),
        owner=factory.SelfAttribute("..interviewer"),
    )
    held_on = factory.LazyFunction(clock.today)
    channel = factory.SubFactory(interview_plan.ChannelFactory, campaign=factory.SelfAttribute("..campaign"))
    notice = factory.SubFactory(NoticeFactory, campaign=factory.SelfAttribute("..campaign"))
    consent = "told"
    recorded_at = factory.LazyFunction(clock.now)


class InterviewSubjectFactory(DjangoModelFactory):
    class Meta:
        model = models.InterviewSubject

    interview = factory.SubFactory(InterviewFactory)
    entry = factory.SubFactory(
        interview_plan.RosterEntryFactory,
        campaign=factory.SelfAttribute("..interview.campaign"),
        unit=factory.SelfAttribute("..interview.unit"),
    )
