"""Branches a round scores and gives no grade (不定级): their composites, without lines, gates, limits or a grade."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

from grading import rules, scoring
from grading.models import Round, RoundUnit


def score_ungraded(round_: Round, units: Sequence[RoundUnit]) -> dict[int, scoring.Derivation]:
    """Return by unit id how the sources of branches without a grade come together; without any score, nothing.

    They are reckoned one by one: no limit counts them.
    """
    if not units:
        return {}
    values = rules.round_rules(round_)
    given = rules.Inputs(round_, units).all()
    derived = (scoring.grade_unit(values, one) for one in given)
    return {
        unit.pk: replace(one, lines=(), by_score=None, gates=(), caps=(), grade=None, bars_promotion=False)
        for unit, one in zip(units, derived, strict=True)
        if any(source.score is not None for source in one.sources)
    }


def ungraded_composites(units: Sequence[RoundUnit]) -> dict[int, Decimal]:
    """Return the composites of those among some branches that get no grade, by unit id, round by round."""
    found: dict[int, Decimal] = {}
    rounds = {unit.round_id: unit.round for unit in units if not unit.graded}
    for pk, round_ in rounds.items():
        scored = score_ungraded(round_, [unit for unit in units if unit.round_id == pk and not unit.graded])
        found |= {unit: one.composite.rounded for unit, one in scored.items() if one.composite.rounded is not None}
    return found
