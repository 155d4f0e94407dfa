"""Factories of rectification."""

import datetime as dt

import factory
from factory.django import DjangoModelFactory

from branches import clock
from rectification import models
from tests.factories import branches, grading


class RectificationRulesFactory(DjangoModelFactory):
    class Meta:
        model = models.RectificationRules

    campaign = factory.SubFactory(branches.CampaignFactory)
    plan_due_on = dt.date(2012, 5, 31)
    item_due_on = dt.date(2012, 12, 31)
    at_risk_days = 14
    plan_reminder_days = 7
    checkpoint_months = 12
    notice_pattern = "督〔{year}〕{number}号"
    notice_reply_days = 7


class CategoryFactory(DjangoModelFactory):
    class Meta:
        model = models.Category

    campaign = factory.SubFactory(branches.CampaignFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    code = factory.Sequence(lambda n: f"category-{n + 1}")
    name = "抓书记强班子"


class DimensionFactory(DjangoModelFactory):
    class Meta:
        model = models.Dimension

    campaign = factory.SubFactory(branches.CampaignFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    code = factory.Sequence(lambda n: f"dimension-{n + 1}")
    name = "领导班子好"


class YearClosingFactory(DjangoModelFactory):
    class Meta:
        model = models.YearClosing

    campaign = factory.SubFactory(branches.CampaignFactory)
    closed_at = factory.LazyFunction(clock.now)


class PlanFactory(DjangoModelFactory):
    class Meta:
        model = models.Plan

    round = factory.SubFactory(grading.RoundFactory)
    campaign = factory.SelfAttribute("round.campaign")
    branch = factory.SubFactory(branches.BranchFactory)
    name = "中文系教师党支部"
    created_at = factory.LazyFunction(clock.now)


class ItemFactory(DjangoModelFactory):
    class Meta:
        model = models.Item

    plan = factory.SubFactory(PlanFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    problem = "会议记录漏记请假人员"
    goal = "会议记录完整"
    measures = "每次会后3天内由组织委员核对签到册"
    leader = "王建国"
    owner_name = "李小红"
    due_on = dt.date(2012, 10, 31)
    limit_on = dt.date(2012, 12, 31)
    counts_on = factory.LazyAttribute(lambda item: item.due_on)
    risk_on = factory.LazyAttribute(lambda item: item.due_on and item.due_on - dt.timedelta(days=14))


class CheckpointFactory(DjangoModelFactory):
    class Meta:
        model = models.Checkpoint

    item = factory.SubFactory(ItemFactory)
    due_on = dt.date(2012, 12, 1)


class MeetingRecordFactory(DjangoModelFactory):
    class Meta:
        model = models.MeetingRecord

    plan = factory.SubFactory(PlanFactory)
    held_on = dt.date(2012, 5, 10)
    place = "文科楼301"
    chair = "王建国"
    recorder = "李小红"
    should_attend = 20
    present = 18
    excused = 1
    absent = 1
    opinions = "同意方案，建议缩短完成时限"
    saved_at = factory.LazyFunction(clock.now)


class AbsenceFactory(DjangoModelFactory):
    class Meta:
        model = models.Absence

    meeting = factory.SubFactory(MeetingRecordFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    name = "张伟"
    kind = models.Absence.Kind.EXCUSED
    reason = "出差"


class ProgressFactory(DjangoModelFactory):
    class Meta:
        model = models.Progress

    item = factory.SubFactory(ItemFactory)
    at = factory.LazyFunction(clock.now)
    percent = 40
    text = "已核对3次会议记录"


class ItemFileFactory(DjangoModelFactory):
    class Meta:
        model = models.ItemFile

    item = factory.SubFactory(ItemFactory)
    file = "rectification/aa/aaaa.pdf"
    name = "会议记录.pdf"
    size = 1200
    sha256 = factory.Sequence(lambda n: f"{n + 1:064x}")
    content_type = "application/pdf"
    uploaded_at = factory.LazyFunction(clock.now)


class VerificationFactory(DjangoModelFactory):
    class Meta:
        model = models.Verification

    item = factory.SubFactory(ItemFactory)
    by = factory.SubFactory(branches.AccountFactory)
    at = factory.LazyFunction(clock.now)
    on = dt.date(2012, 10, 20)
    outcome = models.Verification.Outcome.PASSED
    finding = "查看5月以来会议记录，均已写明请假人员"


class RecheckFactory(DjangoModelFactory):
    class Meta:
        model = models.Recheck

    item = factory.SubFactory(ItemFactory)
    due_on = dt.date(2013, 3, 1)
    planned_at = factory.LazyFunction(clock.now)


class ChangeFactory(DjangoModelFactory):
    class Meta:
        model = models.Change

    item = factory.SubFactory(ItemFactory)
    kind = models.Change.Kind.DEADLINE
    new = factory.LazyFunction(lambda: {"due_on": "2012-11-30"})
    reason = "合作单位推迟"
    requested_at = factory.LazyFunction(clock.now)


class PlanReceiptFactory(DjangoModelFactory):
    class Meta:
        model = models.PlanReceipt

    plan = factory.SubFactory(PlanFactory)
    number = factory.Sequence(lambda n: f"120531-{n + 1:06d}")
    filed_at = factory.LazyFunction(clock.now)
    items = 3
    digest = "00" * 32
