"""Branches younger than a round asks for: in the list, free to fill their sheet, without a grade."""

import datetime as dt

import pytest

from branches import clock
from branches.models import Branch
from branches.partial_dates import PartialDate
from grading.models import Round
from grading.services import results, rounds
from tests.factories.branches import school
from tests.factories.grading import campaign, fill
from tests.grading.pages import account, page, text

DAY = dt.date(2012, 3, 28)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("founded", "months", "young"),
    [
        (PartialDate(2011, 3, 28), 12, False),  # a year to the day
        (PartialDate(2011, 3, 29), 12, True),
        (PartialDate(2011, 3), 12, False),  # known to the month: from its first day
        (PartialDate(2011, 4), 12, True),
        (PartialDate(2011, 9, 28), 6, False),
        (PartialDate(2011, 9, 29), 6, True),
        (PartialDate(2012, 3, 28), None, False),
        (None, 12, False),
    ],
)
def test_full_months_count(founded, months, young):
    assert bool(rounds.too_young(founded, months, DAY)) is young


@pytest.fixture
def opened(db):
    tree = school()
    Branch.objects.filter(pk=tree.software.pk).update(founded=PartialDate(2011, 10))
    round_ = campaign(tree.root, backfill=True).rounds.get(ordinal=1)
    Round.objects.filter(pk=round_.pk).update(exempt_months=12)
    round_ = rounds.open_round(by=None, round_=Round.objects.get(pk=round_.pk), now=clock.now(), on=DAY)
    return tree, round_


@pytest.mark.once
def test_a_young_branch_is_listed_and_scores_itself_but_gets_no_grade(opened, signed_in):
    tree, round_ = opened
    unit = round_.units.get(branch=tree.software)
    assert (unit.graded, unit.not_graded_reason) == (
        False,
        "2011年10月成立，到2012年3月28日不满 12 个月，按本轮规则不定级。",
    )
    assert round_.units.filter(graded=True).count() == round_.units.count() - 1
    assert fill(unit).state == "submitted"
    assert unit.pk not in results.derive(round_)
    shown = text(signed_in(account(tree, "office")).get(page("unit", unit.pk)))
    assert "不满 12 个月，按本轮规则不定级" in shown
    board = text(signed_in(account(tree, "office")).get(page("round", round_.pk)))
    assert "参评支部 5 个，其中 1 个本轮不定级" in board
    assert "已定级 0 / 4" in board
    listed = text(signed_in(account(tree, "office")).get(page("round-units", round_.pk)))
    assert "不定级" in listed
