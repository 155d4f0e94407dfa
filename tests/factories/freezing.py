"""Factories of what freezes and corrects: receipts, snapshots, corrections."""

from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from branches import clock
from grading import models
from tests.factories import branches, grading


class ReceiptFactory(DjangoModelFactory):
    class Meta:
        model = models.Receipt

    assessment = factory.SubFactory(grading.AssessmentFactory)
    number = factory.Sequence(lambda n: f"120329-{n:06d}")
    filed_at = factory.LazyFunction(clock.now)
    received_at = factory.LazyAttribute(lambda o: o.filed_at)
    total = Decimal("96.50")
    digest = "ab" * 32


class RoundSnapshotFactory(DjangoModelFactory):
    class Meta:
        model = models.RoundSnapshot

    round = factory.SubFactory(grading.RoundFactory)
    rules = factory.LazyFunction(dict)
    rubrics = factory.LazyFunction(dict)
    rule_version = "办法 第1版"
    algorithm = 1
    digest = "cd" * 32
    taken_at = factory.LazyFunction(clock.now)


class CorrectionFactory(DjangoModelFactory):
    class Meta:
        model = models.Correction

    result = factory.SubFactory(grading.ResultFactory)
    grade = factory.SubFactory(grading.GradeFactory)
    reason = "录入时把票数写反了"
    body = "党委会"
    document_number = "校党〔2012〕31号"
    proposed_by = factory.SubFactory(branches.AccountFactory)
    proposed_at = factory.LazyFunction(clock.now)
