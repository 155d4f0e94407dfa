"""Factories of 细则 and 学习培训."""

import datetime as dt

import factory
from factory.django import DjangoModelFactory

from branches import clock
from grading import models
from tests.factories import branches, grading


class LocalGuidanceFactory(DjangoModelFactory):
    class Meta:
        model = models.LocalGuidance

    round = factory.SubFactory(grading.RoundFactory)
    parent = factory.SubFactory(branches.BranchFactory)
    criterion = factory.SubFactory(grading.CriterionFactory)
    text = "会议记录须写明缺席人员和原因"
    saved_at = factory.LazyFunction(clock.now)


class TrainingFactory(DjangoModelFactory):
    class Meta:
        model = models.Training

    branch = factory.SubFactory(branches.BranchFactory)
    held_on = dt.date(2012, 4, 12)
    topic = factory.Sequence(lambda n: f"学习党章第{n + 1}讲")
    due = 20
    present = 18
    entered_at = factory.LazyFunction(clock.now)
