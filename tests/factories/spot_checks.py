"""Factories of spot checks."""

from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from branches import clock
from grading import models
from tests.factories import branches
from tests.factories.grading import RoundFactory, RoundUnitFactory, SourceFactory


class SpotCheckRuleFactory(DjangoModelFactory):
    class Meta:
        model = models.SpotCheckRule

    round = factory.SubFactory(RoundFactory)


class SpotCheckDrawFactory(DjangoModelFactory):
    class Meta:
        model = models.SpotCheckDraw

    round = factory.SubFactory(RoundFactory)
    source = factory.SubFactory(
        SourceFactory, round=factory.SelfAttribute("..round"), code="spot_check", name="学校抽查", weight=Decimal(0)
    )
    ordinal = factory.Sequence(lambda n: n + 1)
    method = models.SpotCheckDraw.Method.SEED
    seed = "20120910"
    value = Decimal(30)
    digest = "00" * 32
    drawn_at = factory.LazyFunction(clock.now)


class SpotCheckFactory(DjangoModelFactory):
    class Meta:
        model = models.SpotCheck

    draw = factory.SubFactory(SpotCheckDrawFactory)
    source = factory.SelfAttribute("draw.source")
    unit = factory.SubFactory(RoundUnitFactory, round=factory.SelfAttribute("..draw.round"))
    place = factory.Sequence(lambda n: n + 1)


class SpotCheckInspectorFactory(DjangoModelFactory):
    class Meta:
        model = models.SpotCheckInspector

    spot_check = factory.SubFactory(SpotCheckFactory)
    account = factory.SubFactory(branches.AccountFactory)
    assigned_at = factory.LazyFunction(clock.now)
