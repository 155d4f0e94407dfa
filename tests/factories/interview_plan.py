"""Factories of the roster, the rules, the assignments and the reports of units."""

import datetime as dt

import factory
from factory.django import DjangoModelFactory

from branches import clock
from branches.models import Branch, Person
from interviews import models
from tests.factories import branches

Kind = Person.Kind
NAMES = {"manager": "管理干部", "teacher": "教师", "student": "学生"}


class PersonCategoryFactory(DjangoModelFactory):
    class Meta:
        model = models.PersonCategory
        django_get_or_create = ("campaign", "code")

    campaign = factory.SubFactory(branches.CampaignFactory)
    code = "student"
    name = factory.LazyAttribute(lambda o: NAMES.get(o.code, o.code))
    kind = factory.LazyAttribute(lambda o: Kind.STUDENT if o.code == "student" else Kind.STAFF)
    position = factory.Sequence(int)


class ClassGroupFactory(DjangoModelFactory):
    class Meta:
        model = models.ClassGroup

    campaign = factory.SubFactory(branches.CampaignFactory)
    unit = factory.SubFactory(branches.BranchFactory, level=Branch.Level.GENERAL_BRANCH)
    name = factory.Sequence(lambda n: f"2012级{n + 1}班")


class RosterEntryFactory(DjangoModelFactory):
    """A student; `RosterEntryFactory(campaign=…, unit=…, category__code="teacher")` makes a teacher."""

    class Meta:
        model = models.RosterEntry

    campaign = factory.SubFactory(branches.CampaignFactory)
    category = factory.SubFactory(PersonCategoryFactory, campaign=factory.SelfAttribute("..campaign"))
    kind = factory.LazyAttribute(lambda o: o.category.kind)
    person = factory.SubFactory(branches.PersonFactory, kind=factory.SelfAttribute("..kind"))
    unit = factory.SubFactory(branches.BranchFactory, level=Branch.Level.GENERAL_BRANCH)


class TutorLinkFactory(DjangoModelFactory):
    class Meta:
        model = models.TutorLink

    student = factory.SubFactory(RosterEntryFactory)
    tutor = factory.SubFactory(
        RosterEntryFactory, campaign=factory.SelfAttribute("..student.campaign"), category__code="teacher"
    )


class FocusGroupFactory(DjangoModelFactory):
    class Meta:
        model = models.FocusGroup

    campaign = factory.SubFactory(branches.CampaignFactory)
    code = factory.Sequence(lambda n: f"focus{n + 1}")
    name = factory.Sequence(lambda n: f"重点类别{n + 1}")
    kind = Kind.STUDENT


class FocusMembershipFactory(DjangoModelFactory):
    class Meta:
        model = models.FocusMembership

    entry = factory.SubFactory(RosterEntryFactory)
    group = factory.SubFactory(FocusGroupFactory, campaign=factory.SelfAttribute("..entry.campaign"))


class ChannelFactory(DjangoModelFactory):
    class Meta:
        model = models.Channel
        django_get_or_create = ("campaign", "code")

    campaign = factory.SubFactory(branches.CampaignFactory)
    code = "face"
    name = factory.LazyAttribute(lambda o: "面对面" if o.code == "face" else o.code)
    face_to_face = factory.LazyAttribute(lambda o: o.code == "face")


class TopicFactory(DjangoModelFactory):
    class Meta:
        model = models.Topic

    campaign = factory.SubFactory(branches.CampaignFactory)
    code = factory.Sequence(lambda n: f"topic{n + 1}")
    name = factory.Sequence(lambda n: f"话题{n + 1}")


class VisitSettingsFactory(DjangoModelFactory):
    class Meta:
        model = models.VisitSettings
        django_get_or_create = ("campaign",)

    campaign = factory.SubFactory(branches.CampaignFactory)


class VisitRuleFactory(DjangoModelFactory):
    """教师 → 学生 by unit; `visitors__code="manager", visited__code="teacher"` for the other."""

    class Meta:
        model = models.VisitRule

    campaign = factory.SubFactory(branches.CampaignFactory)
    name = factory.Sequence(lambda n: f"规则{n + 1}")
    visitors = factory.SubFactory(PersonCategoryFactory, campaign=factory.SelfAttribute("..campaign"), code="teacher")
    visited = factory.SubFactory(PersonCategoryFactory, campaign=factory.SelfAttribute("..campaign"), code="student")
    due_on = dt.date(2012, 11, 30)


class RuleFrequencyFactory(DjangoModelFactory):
    class Meta:
        model = models.RuleFrequency

    rule = factory.SubFactory(VisitRuleFactory)
    group = factory.SubFactory(FocusGroupFactory, campaign=factory.SelfAttribute("..rule.campaign"))


class AssignmentFactory(DjangoModelFactory):
    """An assignment of `entry`; the interviewer is a new person unless given."""

    class Meta:
        model = models.Assignment

    entry = factory.SubFactory(RosterEntryFactory)
    campaign = factory.SelfAttribute("entry.campaign")
    rule = factory.SubFactory(VisitRuleFactory, campaign=factory.SelfAttribute("..campaign"))
    interviewer = factory.SubFactory(branches.PersonFactory)
    due_on = factory.SelfAttribute("rule.due_on")
    assigned_at = factory.LazyFunction(clock.now)


class ReportPeriodFactory(DjangoModelFactory):
    class Meta:
        model = models.ReportPeriod

    campaign = factory.SubFactory(branches.CampaignFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    name = factory.Sequence(lambda n: f"第{n + 1}阶段")
    due_on = dt.date(2012, 12, 10)


class ReportSectionFactory(DjangoModelFactory):
    class Meta:
        model = models.ReportSection

    campaign = factory.SubFactory(branches.CampaignFactory)
    code = factory.Sequence(lambda n: f"section{n + 1}")
    name = factory.Sequence(lambda n: f"栏目{n + 1}")


class ProgressReportFactory(DjangoModelFactory):
    class Meta:
        model = models.ProgressReport

    period = factory.SubFactory(ReportPeriodFactory)
    unit = factory.SubFactory(branches.BranchFactory, level=Branch.Level.GENERAL_BRANCH)


class ReportTextFactory(DjangoModelFactory):
    class Meta:
        model = models.ReportText

    report = factory.SubFactory(ProgressReportFactory)
    section = factory.SubFactory(ReportSectionFactory, campaign=factory.SelfAttribute("..report.period.campaign"))
    text = "已按计划开展。"
