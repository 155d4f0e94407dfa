"""What the database refuses about sealed records, readers, notices and talks."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from branches import clock
from tests.factories import interviews as make

pytestmark = pytest.mark.db


def refused(factory, **values):
    with pytest.raises(IntegrityError), transaction.atomic():
        factory(**values)


def test_records_name_their_kind_and_erasure():
    refused(make.SealedRecordFactory, kind="diary")
    refused(make.SealedRecordFactory, erasure="request")
    refused(make.SealedRecordFactory, erased_at=clock.now())
    refused(make.SealedRecordFactory, version=0)
    make.SealedRecordFactory(erased_at=clock.now(), erasure="request")


def test_versions_and_texts_come_once():
    text = make.SealedTextFactory()
    refused(make.SealedVersionFactory, record=text.version.record, number=1)
    refused(make.SealedVersionFactory, record=text.version.record, number=0)
    refused(make.SealedTextFactory, version=text.version, field="text")


def test_readers_have_a_reason_an_end_and_come_once():
    now = clock.now()
    reader = make.ReaderFactory()
    refused(make.ReaderFactory, record=reader.record, account=reader.account)
    refused(make.ReaderFactory, reason="")
    refused(make.ReaderFactory, granted_at=now, until=now)
    refused(make.ReaderFactory, revoked_at=now)
    make.ReaderFactory(until=now + dt.timedelta(seconds=1), granted_at=now)


def test_readings_name_what_came_of_them():
    refused(make.ReadingFactory, outcome="peeked")
    make.ReadingFactory(outcome="refused")


def test_talks_are_with_somebody_and_one_to_one_with_one():
    refused(make.InterviewFactory, heads=0)
    refused(make.InterviewFactory, heads=2, one_to_one=True)
    refused(make.InterviewFactory, consent="perhaps")
    refused(make.InterviewFactory, state="lost")
    talk = make.InterviewFactory(heads=2, one_to_one=False)
    refused(make.InterviewFactory, client_id=talk.client_id)
    subject = make.InterviewSubjectFactory(interview=talk)
    refused(make.InterviewSubjectFactory, interview=talk, entry=subject.entry)


def test_notices_and_rules_say_something():
    notice = make.NoticeFactory()
    refused(make.NoticeFactory, campaign=notice.campaign, number=notice.number)
    refused(make.NoticeFactory, body="")
    refused(make.ConfidenceRulesFactory, retain_months=0)
    refused(make.ConfidenceRulesFactory, reader_days=0)
    refused(make.ConfidenceRulesFactory, text_limit=0)
