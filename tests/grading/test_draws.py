"""Draws of branches for a spot check, worked by hand with sha256sum."""

import hashlib
from decimal import Decimal
from fractions import Fraction

import pytest

from grading import draws
from grading.scoring.rules import Rounding

pytestmark = pytest.mark.unit


def branches(count, group="A", differences=None):
    given = differences or [None] * count
    return [draws.Candidate(f"{group}{number}", group, given[number - 1]) for number in range(1, count + 1)]


def test_a_lot_is_the_sha256_of_seed_and_code():
    # printf '20120910:A1' | sha256sum
    assert draws.lot("20120910", "A1") == hashlib.sha256(b"20120910:A1").hexdigest()
    assert draws.lot("20120910", "A1")[:16] == "9df717f2bea6e111"
    assert draws.lot("20120911", "A1") != draws.lot("20120910", "A1")


def test_the_smallest_lots_are_drawn_whatever_the_order_of_the_list():
    listed = branches(5)
    by_lot = sorted((draws.lot("7", one.code), one.code) for one in listed)
    quota = draws.Quota(Decimal(2), share=False)
    drawn = draws.draw(listed, quota, "7")
    assert drawn == (by_lot[0][1], by_lot[1][1])
    assert draws.draw(list(reversed(listed)), quota, "7") == drawn
    others = {draws.draw(listed, quota, str(seed)) for seed in range(20)}
    assert len(others) > 5


@pytest.mark.parametrize(
    ("value", "share", "rounding", "heads", "size"),
    [
        (20, True, Rounding.UP, 7, 2),  # 1.4
        (20, True, Rounding.DOWN, 7, 1),
        (20, True, Rounding.HALF_UP, 7, 1),
        (50, True, Rounding.HALF_UP, 7, 4),  # 3.5
        (3, False, Rounding.UP, 2, 2),  # never more than there are
        (100, True, Rounding.UP, 7, 7),
    ],
)
def test_a_quota_says_how_many(value, share, rounding, heads, size):
    assert draws.Quota(Decimal(value), share=share, rounding=rounding).size(heads) == size


def test_every_group_is_drawn_for_itself_or_all_as_one():
    listed = [*branches(5, "A"), *branches(3, "B")]
    per_group = draws.draw(listed, draws.Quota(Decimal(40)), "x")
    assert [code[0] for code in per_group] == ["A", "A", "B", "B"]  # 2 of 5; 1.2 of 3, rounded up
    together = draws.draw(listed, draws.Quota(Decimal(25), per_group=False), "x")
    assert len(together) == 2
    assert draws.sizes(listed, draws.Quota(Decimal(40))) == {"A": (5, 2), "B": (3, 2)}


def test_the_widest_differences_come_first_and_the_lot_breaks_ties():
    listed = branches(4, differences=[Fraction(5), Fraction(9), None, Fraction(5)])
    drawn = draws.draw(listed, draws.Quota(Decimal(4), share=False), "s", by_difference=True)
    tied = sorted(("A1", "A4"), key=lambda code: draws.lot("s", code))
    assert drawn == ("A2", *tied)  # A3 lacks a score and is not drawn


def test_the_record_gives_the_list_back_and_its_digest_tells_every_change():
    listed = branches(2, differences=[Fraction(7, 3), None])
    data = draws.to_data(list(reversed(listed)))
    assert data == [["A1", "A", "7/3"], ["A2", "A", None]]
    assert draws.from_data(data) == tuple(listed)
    assert draws.digest(data) != draws.digest([["A1", "A", "8/3"], ["A2", "A", None]])
