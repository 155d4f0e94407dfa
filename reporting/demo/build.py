"""Builds the whole demo: organisation, campaign, and a round in every stage of filing, scoring and deciding."""

import datetime as dt
from collections.abc import Iterator

from django.conf import settings
from django.utils import timezone

from branches import audit, clock
from branches.models import Branch, Placement
from branches.services import words
from reporting.demo import organisation, rectification, round_one, second_round, supervision, talks

DEMO_MOMENT = dt.datetime(2012, 3, 29, 9, 30, tzinfo=timezone.get_default_timezone())


def build(scale: str) -> Iterator[str]:
    """Fill the database, yielding a line for each part done."""
    if settings.DEMO:
        clock.set_offset(DEMO_MOMENT)
    words.ensure_categories(by=None)
    root = organisation.build(scale)
    graded = Branch.objects.branches_only().count()
    yield f"{Placement.objects.filter(branch=root).get().name}: {graded} branches"
    yield from round_one.build(root, clock.now())
    yield from rectification.build(root, DEMO_MOMENT)
    yield from supervision.build(root, DEMO_MOMENT)
    yield from second_round.build(root, DEMO_MOMENT)
    yield from talks.build(root, clock.now())
    while audit.seal():
        pass
