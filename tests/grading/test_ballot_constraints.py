"""What the database itself refuses about ballots, one wrong row per rule."""

from itertools import pairwise

import pytest
from django.db import IntegrityError, transaction

from branches import clock
from tests.factories import ballots as make
from tests.factories import branches

pytestmark = pytest.mark.db


def box(**given):
    return make.BallotBoxFactory(**given)


def twice(factory, *same):
    def repeat():
        first = factory()
        factory(**{name: getattr(first, name) for name in same})

    return repeat


def signed_by_one():
    person = branches.AccountFactory()
    make.CodeExchangeFactory(state="done", digest=b"", asked_by=person, ended_by=person, ended_at=clock.now())


def counted(**changed):
    numbers = {"issued": 8, "returned": 8, "used": 8, "valid": 8, "counted_at": clock.now()}
    times = {"opened_at": clock.now(), "closing_at": clock.now()}
    return box(**({"state": "counted"} | numbers | times | changed))


@pytest.mark.parametrize(
    "wrong",
    [
        twice(box, "unit", "source"),
        twice(box, "locator"),
        twice(box, "key_id"),
        lambda: box(state="half open"),
        lambda: box(floor=4),
        lambda: box(public_key=b"short"),
        lambda: box(state="open"),
        lambda: box(state="closing", opened_at=clock.now()),
        lambda: counted(valid=None),
        lambda: counted(counted_at=None),
        lambda: counted(valid=9),
        lambda: counted(valid=4, released=True),
        lambda: box(released=True),
        lambda: counted(state="closed"),
        lambda: counted(scrubbed_at=clock.now()),
        twice(make.BallotCodeFactory, "box", "digest"),
        lambda: make.BallotCodeFactory(state="lost"),
        lambda: make.BallotCodeFactory(digest=b"1234"),
        lambda: make.SealedBallotFactory(ciphertext=bytes(111)),
        lambda: make.SealedBallotFactory(ciphertext=bytes(113)),
        lambda: make.CodeExchangeFactory(reason=""),
        lambda: make.CodeExchangeFactory(state="done", digest=b""),
        lambda: make.CodeExchangeFactory(state="dropped"),
        lambda: make.CodeExchangeFactory(state="lost"),
        signed_by_one,
        twice(make.KeyCustodyFactory, "box", "ordinal"),
        lambda: [make.KeyCustodyFactory(box=(one := box())), make.KeyCustodyFactory(box=one, ordinal=2)],
        lambda: make.KeyCustodyFactory(ordinal=3),
        lambda: make.KeyCustodyFactory(keeper=""),
        twice(make.ProblemBoxFactory, "round", "code"),
        twice(make.ProblemBoxFactory, "round", "ordinal"),
        lambda: make.ProblemBoxFactory(text=""),
        twice(make.ProblemCountFactory, "box", "problem"),
        lambda: make.ProblemCountFactory(number=4),
        lambda: make.ProblemCountFactory(number=None),
        lambda: make.ProblemCountFactory(extent="few", number=2),
        lambda: make.ProblemCountFactory(extent="nearly_all", number=30),
    ],
)
def test_the_database_refuses(wrong):
    with pytest.raises(IntegrityError), transaction.atomic():
        wrong()


def test_the_rows_beside_them_are_taken():
    one = counted(valid=5, released=True, keys_destroyed_at=clock.now(), scrubbed_at=clock.now(), state="closed")
    box(unit=one.unit, source=one.source, locator=one.locator)  # a closed box stands in nobody's way
    make.SealedBallotFactory()
    make.BallotCodeFactory()
    make.CodeExchangeFactory()
    make.CodeExchangeFactory(state="dropped", digest=b"")
    make.ProblemCountFactory(number=5)
    make.ProblemCountFactory(extent="few", number=None)


def test_keys_of_codes_and_ballots_tell_no_order():
    ballots = [make.SealedBallotFactory(box=one) for one in [box()] for _ in range(60)]
    keys = [ballot.pk for ballot in ballots]
    assert len(set(keys)) == 60
    assert sum(a < b for a, b in pairwise(keys)) in range(15, 45)
    assert max(keys) > 2**60
