"""A round brought to its end: decided, final, frozen."""

from grading.services import results, rounds, survey
from tests.factories.grading import Grading, opened_round
from tests.grading.steps import BODY, all_in, now


def decided_round() -> Grading:
    """Return a round in which every branch is decided 先进 as computed."""
    made = all_in(opened_round())
    units = list(made.units.values())
    survey.record_visit(by=None, units=units, findings={}, now=now())
    made.round = rounds.move_round(by=None, round_=made.round, to="deciding", now=now())
    choices = {unit.pk: results.Choice("advanced") for unit in units}
    results.decide_grades(by=None, round_=made.round, choices=choices, decision=BODY, now=now())
    return made


def final_round() -> Grading:
    """Return a round that is final, its results frozen."""
    made = decided_round()
    made.round = rounds.finalise(by=None, round_=made.round, now=now())
    return made
