"""Factories of supervision: 督办单, visits, contacts, messages."""

import datetime as dt

import factory
from factory.django import DjangoModelFactory

from branches import clock
from rectification import models
from tests.factories import branches
from tests.factories.rectification import ItemFactory


class NoticeSeriesFactory(DjangoModelFactory):
    class Meta:
        model = models.NoticeSeries

    campaign = factory.SubFactory(branches.CampaignFactory)
    issuer = factory.SubFactory(branches.BranchFactory)


class SupervisionNoticeFactory(DjangoModelFactory):
    class Meta:
        model = models.SupervisionNotice

    campaign = factory.SubFactory(branches.CampaignFactory)
    issuer = factory.SubFactory(branches.BranchFactory)
    branch = factory.SubFactory(branches.BranchFactory)
    number = factory.Sequence(lambda n: n + 1)
    code = factory.LazyAttribute(lambda notice: f"督〔2012〕{notice.number}号")
    demand = "请查明原因，逐项落实。"
    issued_on = factory.LazyFunction(clock.today)
    issued_at = factory.LazyFunction(clock.now)
    issued_by = factory.SubFactory(branches.AccountFactory)
    reply_due_on = factory.LazyAttribute(lambda notice: notice.issued_on + dt.timedelta(days=7))


class NoticeItemFactory(DjangoModelFactory):
    class Meta:
        model = models.NoticeItem

    notice = factory.SubFactory(SupervisionNoticeFactory)
    item = factory.SubFactory(ItemFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    problem = "支委会一年没有换届"
    due_on = dt.date(2012, 12, 31)
    days = 5


class NoticeReplyFactory(DjangoModelFactory):
    class Meta:
        model = models.NoticeReply

    notice = factory.SubFactory(SupervisionNoticeFactory)
    text = "已逐项落实。"
    signed_by = "柯虹"
    by = factory.SubFactory(branches.AccountFactory)
    replied_at = factory.LazyFunction(clock.now)


class VisitFactory(DjangoModelFactory):
    class Meta:
        model = models.Visit

    campaign = factory.SubFactory(branches.CampaignFactory)
    unit = factory.SubFactory(branches.BranchFactory)
    held_on = dt.date(2012, 10, 12)
    place = "行政楼 302"
    visitors = "林志远、陈静"
    recorded_by = factory.SubFactory(branches.AccountFactory)
    recorded_at = factory.LazyFunction(clock.now)


class VisitFindingFactory(DjangoModelFactory):
    class Meta:
        model = models.VisitFinding

    visit = factory.SubFactory(VisitFactory)
    branch = factory.SelfAttribute("visit.unit")
    ordinal = factory.Sequence(lambda n: n + 1)
    text = "会议记录漏记请假人员"


class ContactFactory(DjangoModelFactory):
    class Meta:
        model = models.Contact

    campaign = factory.SubFactory(branches.CampaignFactory)
    branch = factory.SubFactory(branches.BranchFactory)
    leader_name = "周明"
    leader_duty = "党委副书记"
    starts_on = dt.date(2012, 4, 10)
    appointed_by = factory.SubFactory(branches.AccountFactory)
    appointed_at = factory.LazyFunction(clock.now)


class DigestChoiceFactory(DjangoModelFactory):
    class Meta:
        model = models.DigestChoice

    account = factory.SubFactory(branches.AccountFactory)
    changed_at = factory.LazyFunction(clock.now)


class DigestRunFactory(DjangoModelFactory):
    class Meta:
        model = models.DigestRun

    frequency = models.DigestChoice.Frequency.WEEKLY
    period = dt.date(2012, 12, 31)
    done_at = factory.LazyFunction(clock.now)


class DispatchFactory(DjangoModelFactory):
    class Meta:
        model = models.Dispatch

    recipient = factory.SubFactory(branches.AccountFactory)
    kind = models.Dispatch.Kind.NOTICE
    day = factory.LazyFunction(clock.today)
    address = factory.Sequence(lambda n: f"reader{n + 1}@example.edu.cn")
    subject = "督办单 督〔2012〕1号"
    body = "请回复。"
    message_id = factory.Sequence(lambda n: f"<{n + 1}.test@zhibu.invalid>")
    created_at = factory.LazyFunction(clock.now)


class DispatchLineFactory(DjangoModelFactory):
    class Meta:
        model = models.DispatchLine

    dispatch = factory.SubFactory(DispatchFactory)
    recipient = factory.SelfAttribute("dispatch.recipient")
    day = factory.SelfAttribute("dispatch.day")
    key = factory.Sequence(lambda n: f"item:{n + 1}")
    text = "第1项已逾期 5 天"
