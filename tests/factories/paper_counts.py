"""Factory of paper counts entered by two people apart."""

import factory
from factory.django import DjangoModelFactory

from branches import clock
from grading import models
from tests.factories import branches
from tests.factories.grading import RoundUnitFactory, SourceFactory


class CountEntryFactory(DjangoModelFactory):
    class Meta:
        model = models.CountEntry

    unit = factory.SubFactory(RoundUnitFactory)
    source = factory.SubFactory(
        SourceFactory, kind=models.Source.Kind.APPRAISAL, code="appraisal", round=factory.SelfAttribute("..unit.round")
    )
    place = 1
    state = models.AppraisalCount.State.COUNTED
    issued = 30
    returned = 28
    valid = 27
    counts = factory.LazyFunction(lambda: {"satisfied": 27})
    entered_by = factory.SubFactory(branches.AccountFactory)
    entered_at = factory.LazyFunction(clock.now)
