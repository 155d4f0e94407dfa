"""A factory of the figures that were shown."""

import factory
from factory.django import DjangoModelFactory

from branches import clock
from interviews import models
from tests.factories import branches


class ShownFiguresFactory(DjangoModelFactory):
    class Meta:
        model = models.ShownFigures
        django_get_or_create = ("campaign",)

    campaign = factory.SubFactory(branches.CampaignFactory)
    counted_at = factory.LazyFunction(clock.now)
