"""What the database itself refuses, whoever asks: sensitive words in rows, other notices, other logs of openings."""

import pytest
from django.db import DatabaseError, transaction

from branches import clock
from interviews.models import Notice, Reading, SealedVersion, Topic
from interviews.services import interviews
from tests.databases import guarded  # noqa: F401 - a fixture
from tests.interviews import talks
from tests.interviews.talks import recorded

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]


def refused(act):
    with pytest.raises(DatabaseError), transaction.atomic():
        act()


def test_guards_hold(guarded):  # noqa: F811
    world = talks.world()
    row = recorded(world)
    interviews.read_interview(by=world.interviewer, interview=row, now=clock.now())

    refused(lambda: row.topics.add(world.worry))
    refused(lambda: row.focus_groups.add(world.troubled))
    for word in (world.study, world.freshmen):  # both are in use in a row
        refused(lambda word=word: type(word).objects.filter(pk=word.pk).update(sensitive=True))
    refused(lambda: Notice.objects.filter(pk=world.notice.pk).update(body="别的"))
    refused(Notice.objects.filter(pk=world.notice.pk).delete)
    refused(Reading.objects.all().delete)
    refused(lambda: Reading.objects.update(outcome="refused"))
    refused(lambda: SealedVersion.objects.update(written_at=clock.now()))

    Topic.objects.filter(pk=world.worry.pk).update(sensitive=False)  # what is not forbidden goes through
    row.topics.add(world.worry)
    assert Reading.objects.get().outcome == "opened"
