"""Factories of ballots; rows as they lie in the database, sealed with nobody's key."""

import secrets

import factory
from factory.django import DjangoModelFactory

from branches import clock
from grading import models
from tests.factories import branches
from tests.factories.grading import RoundFactory, RoundUnitFactory, SourceFactory


def paper():
    return {
        "options": [{"code": "satisfied", "label": "满意"}, {"code": "unsatisfied", "label": "不满意"}],
        "problems": [{"code": "study", "text": "组织生活不正常"}],
        "groups": [{"code": "", "name": "", "number": 30}],
    }


class BallotBoxFactory(DjangoModelFactory):
    class Meta:
        model = models.BallotBox

    unit = factory.SubFactory(RoundUnitFactory)
    source = factory.SubFactory(
        SourceFactory, kind=models.Source.Kind.APPRAISAL, code="appraisal", round=factory.SelfAttribute("..unit.round")
    )
    locator = factory.Sequence(lambda n: f"{n:03d}")
    key_id = factory.Sequence(lambda n: f"{n:032x}")
    public_key = bytes(32)
    paper = factory.LazyFunction(paper)
    created_at = factory.LazyFunction(clock.now)


class BallotCodeFactory(DjangoModelFactory):
    class Meta:
        model = models.BallotCode

    box = factory.SubFactory(BallotBoxFactory)
    group = 0
    digest = factory.LazyFunction(lambda: secrets.token_bytes(32))


class SealedBallotFactory(DjangoModelFactory):
    class Meta:
        model = models.SealedBallot

    box = factory.SubFactory(BallotBoxFactory)
    ciphertext = factory.LazyFunction(lambda: secrets.token_bytes(112))


class CodeExchangeFactory(DjangoModelFactory):
    class Meta:
        model = models.CodeExchange

    box = factory.SubFactory(BallotBoxFactory)
    digest = factory.LazyFunction(lambda: secrets.token_bytes(32))
    reason = "字迹不清"
    asked_by = factory.SubFactory(branches.AccountFactory)
    asked_at = factory.LazyFunction(clock.now)


class KeyCustodyFactory(DjangoModelFactory):
    class Meta:
        model = models.KeyCustody

    box = factory.SubFactory(BallotBoxFactory)
    ordinal = 1
    keeper = "张保管"


class ProblemBoxFactory(DjangoModelFactory):
    class Meta:
        model = models.ProblemBox

    round = factory.SubFactory(RoundFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    code = factory.Sequence(lambda n: f"problem-{n + 1}")
    text = "组织生活不正常"


class ProblemCountFactory(DjangoModelFactory):
    class Meta:
        model = models.ProblemCount

    box = factory.SubFactory(BallotBoxFactory)
    problem = factory.SubFactory(ProblemBoxFactory, round=factory.SelfAttribute("..box.unit.round"))
    extent = models.ProblemCount.Extent.COUNTED
    number = 8
