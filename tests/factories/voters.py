"""Factory of voter groups."""

from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from grading import models
from tests.factories.grading import SourceFactory


class VoterGroupFactory(DjangoModelFactory):
    class Meta:
        model = models.VoterGroup

    source = factory.SubFactory(SourceFactory, kind=models.Source.Kind.APPRAISAL, code="appraisal")
    ordinal = factory.Sequence(lambda n: n + 1)
    code = factory.Sequence(lambda n: f"group-{n + 1}")
    name = factory.Sequence(lambda n: f"第{n + 1}类")
    weight = Decimal(50)
