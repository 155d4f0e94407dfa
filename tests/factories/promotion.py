"""Factories of 晋位升级."""

import factory
from factory.django import DjangoModelFactory

from branches import clock
from grading import models
from tests.factories import grading


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
