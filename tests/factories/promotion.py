"""Factories of 晋位升级; `two_rounds()` makes a second round after a merger and a new branch."""

import datetime as dt

import factory
from factory.django import DjangoModelFactory

from branches import clock
from branches.models import Succession
from grading import models
from grading.services import rounds
from tests.factories import branches, grading

FIRST = {"software": "fair", "algebra": "good", "chinese": "good", "history": "fair", "direct": "advanced"}


class ComparisonFactory(DjangoModelFactory):
    class Meta:
        model = models.Comparison

    round = factory.SubFactory(grading.RoundFactory)
    earlier = factory.SubFactory(grading.RoundFactory)


class GradeMatchFactory(DjangoModelFactory):
    class Meta:
        model = models.GradeMatch

    comparison = factory.SubFactory(ComparisonFactory)
    earlier = factory.SubFactory(grading.GradeFactory)
    later = factory.SubFactory(grading.GradeFactory)


class FallReasonFactory(DjangoModelFactory):
    class Meta:
        model = models.FallReason

    unit = factory.SubFactory(grading.RoundUnitFactory)
    text = "书记空缺四个月，组织生活中断"
    given_at = factory.LazyFunction(clock.now)


def grade_all(round_, units, grades):
    """Decide grades by code for branches by code."""
    rows = {row.code: row for row in round_.scale.grades.all()}
    for code, grade in grades.items():
        grading.ResultFactory(
            unit=units[code], state=models.Result.State.DECIDED, computed_grade=rows[grade], decided_grade=rows[grade],
            decided_at=clock.now(), body="党委会",
        )  # fmt: skip


def two_rounds() -> grading.Grading:
    """Two rounds: 历史 merged into a new 文史 branch, 图书馆直属 stays, 体育 is new; software rises, algebra falls."""
    made = grading.opened_round(starts_on=dt.date(2012, 3, 1))
    by_code = {getattr(made.school, name).code: grade for name, grade in FIRST.items()}
    grade_all(made.round, made.units, by_code)
    day = made.round.frozen_on
    models.Round.objects.filter(pk=made.round.pk).update(state=models.Round.State.FINAL, finalised_at=clock.now())
    school = made.school
    merged = branches.BranchFactory(
        code="WX009", name="文史联合党支部", parent=school.letters, category=school.teachers
    )
    branches.BranchFactory(code="SJ009", name="体育教研室党支部", parent=school.maths, category=school.teachers)
    for old in (school.chinese, school.history):
        Succession.objects.create(predecessor=old, successor=merged, kind="merge", happened_on=day + dt.timedelta(30))
        old.placements.update(ends_on=day + dt.timedelta(30))
    second = made.round.campaign.rounds.get(ordinal=2)
    second = rounds.open_round(by=None, round_=second, now=clock.now(), on=day + dt.timedelta(60))
    units = {unit.code: unit for unit in second.units.select_related("round__campaign", "branch")}
    later = {"SJ001": "good", "SJ002": "fair", "WX009": "good", "ZS001": "advanced", "SJ009": "good"}
    grade_all(second, units, later)
    return grading.Grading(school, second, units)
