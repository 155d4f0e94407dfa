"""Factories of 公示, 异议, 学校确认, and the site's own working days."""

import datetime as dt

import factory
from factory.django import DjangoModelFactory

from branches import clock
from branches import models as branch_models
from grading import models
from tests.factories import grading


class CalendarYearFactory(DjangoModelFactory):
    class Meta:
        model = branch_models.CalendarYear

    year = factory.Sequence(lambda n: 2030 + n)
    document = "国务院办公厅关于部分节假日安排的通知"
    recorded_at = factory.LazyFunction(clock.now)


class CalendarDayFactory(DjangoModelFactory):
    class Meta:
        model = branch_models.CalendarDay

    day = factory.Sequence(lambda n: dt.date(2030, 1, 1) + dt.timedelta(days=n))
    working = False
    name = "元旦"
    recorded_at = factory.LazyFunction(clock.now)


class ConfirmationFactory(DjangoModelFactory):
    class Meta:
        model = models.Confirmation

    result = factory.SubFactory(grading.ResultFactory)
    decided_at = factory.LazyFunction(clock.now)
    body = "党委会"
    confirmed_at = factory.LazyFunction(clock.now)


class PublicityPlanFactory(DjangoModelFactory):
    class Meta:
        model = models.PublicityPlan

    round = factory.SubFactory(grading.RoundFactory)


class PublicityGradeFactory(DjangoModelFactory):
    class Meta:
        model = models.PublicityGrade

    round = factory.SubFactory(grading.RoundFactory)
    grade = factory.SubFactory(grading.GradeFactory, scale=factory.SelfAttribute("..round.scale"))


class PublicityNoticeFactory(DjangoModelFactory):
    class Meta:
        model = models.PublicityNotice

    round = factory.SubFactory(grading.RoundFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    slug = factory.Sequence(lambda n: f"2012-{n + 1}")
    title = "党支部分类定级结果公示"
    body = "现予公示。"
    days = 5
    started_at = factory.LazyFunction(clock.now)
    last_day = factory.LazyAttribute(lambda o: o.started_at.date() + dt.timedelta(days=6))
    ends_at = factory.LazyAttribute(lambda o: o.started_at + dt.timedelta(days=7))


class PublicityLineFactory(DjangoModelFactory):
    class Meta:
        model = models.PublicityLine

    notice = factory.SubFactory(PublicityNoticeFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    unit = factory.SubFactory(grading.RoundUnitFactory, round=factory.SelfAttribute("..notice.round"))
    name = "软件工程教研室党支部"
    parent_name = "数学与计算机科学学院党总支"
    category_name = "教师党支部"
    grade = factory.SubFactory(grading.GradeFactory)
    grade_label = "先进"


class ObjectionFactory(DjangoModelFactory):
    class Meta:
        model = models.Objection

    notice = factory.SubFactory(PublicityNoticeFactory)
    number = factory.Sequence(lambda n: n + 1)
    unit = factory.SubFactory(grading.RoundUnitFactory, round=factory.SelfAttribute("..notice.round"))
    channel = models.Objection.Channel.PHONE
    name = "张明"
    contact = "13900000000"
    text = "该支部上半年没有开过组织生活会。"
    received_at = factory.LazyFunction(clock.now)
    recorded_at = factory.LazyFunction(clock.now)
