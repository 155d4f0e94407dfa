"""Targets of freezing: receipts, frozen results, corrections."""

from grading.models import Source
from grading.services import sheets
from tests.factories.freezing import ReceiptFactory
from tests.matrix.targets import Call, target
from tests.matrix.targets.grading import _unit
from tests.matrix.world import World


@target("receipt", "own", "sibling", "other")
def receipt(world: World, relation: str, _name: str) -> Call:
    """The receipt of a branch's filing."""
    row = _unit(world, relation)
    sheet = sheets.sheet_for(by=None, unit=row, source=row.round.sources.get(code=Source.SELF))
    return Call({"pk": ReceiptFactory(assessment=sheet).pk})
