"""What the tests of rounds repeat: handing everything in for a branch."""

import datetime as dt

from branches import clock
from branches.transitions import Decision
from grading.services import rounds, sources
from tests.factories.grading import fill

BODY = Decision("总支委员会", dt.date(2012, 3, 30), "数计总支〔2012〕3号")


def now():
    return clock.now()


def ballots(unit, *given, **more):
    counts = dict(zip(("satisfied", "fairly", "unsatisfied", "unknown"), given, strict=False))
    valid = sum(counts.values())
    values = {"issued": valid, "returned": valid, "valid": valid, "counts": counts} | more
    return sources.CountInput(unit=unit, **values)


def complete(grading, name, *, own=0, superior=0, votes=(20,), label="优秀"):
    """Hand in all four sources of one branch."""
    unit = grading.unit(name)
    fill(unit, lose=own)
    sources.record_counts(by=None, source=grading.source("appraisal"), rows=[ballots(unit, *votes)], now=now())
    annual = [sources.AnnualInput(unit, label=label)]
    sources.record_annual(by=None, source=grading.source("annual"), rows=annual, now=now())
    fill(unit, "superior", lose=superior)
    return unit


def all_in(grading):
    """Bring a round to 评分, every branch complete."""
    for name in ("software", "algebra", "chinese", "history", "direct"):
        complete(grading, name)
    grading.round = rounds.move_round(by=None, round_=grading.round, to="scoring", now=now())
    return grading
