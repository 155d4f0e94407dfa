"""Targets of ballots: a round with boxes, a branch's box, a slip that waits for a second person, a keeper's copy."""

from grading.models import Source
from tests.factories.ballots import BallotBoxFactory, CodeExchangeFactory, KeyCustodyFactory, ProblemBoxFactory
from tests.matrix.targets import Call, target
from tests.matrix.targets.grading import _round, _unit
from tests.matrix.world import World


def _box(world: World, relation: str, state: str = "draft"):
    unit = _unit(world, relation)
    source = unit.round.sources.get(code=Source.APPRAISAL)
    return BallotBoxFactory(unit=unit, source=source, state=state)


@target("ballot_round", "own", "foreign_key")
def ballot_round(world: World, relation: str, _name: str) -> Call:
    """A round with a box in preparation of an own branch, or of a foreign one named in the data."""
    row = _round(world)
    ProblemBoxFactory(round=row)
    box = _box(world, "other" if relation == "foreign_key" else "own")
    data = {"box": str(box.pk), "do": "open", "source": "appraisal", f"pick-{box.unit_id}": "1"}
    return Call({"pk": row.pk}, data)


@target("ballot_box", "own", "sibling", "other")
def ballot_box(world: World, relation: str, _name: str) -> Call:
    """A branch's box in preparation."""
    return Call({"pk": _box(world, relation).pk}, {"do": "void", "reason": "组织有误"})


@target("ballot_exchange", "own", "sibling", "other")
def ballot_exchange(world: World, relation: str, _name: str) -> Call:
    """A slip that was taken back and waits for a second person."""
    exchange = CodeExchangeFactory(box=_box(world, relation))
    return Call({"pk": exchange.pk}, {"do": "drop"})


@target("ballot_custody", "own", "sibling", "other")
def ballot_custody(world: World, relation: str, _name: str) -> Call:
    """A keeper's copy of a box that was voided."""
    return Call({"pk": KeyCustodyFactory(box=_box(world, relation, "void")).pk})
