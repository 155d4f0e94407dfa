"""Targets of spot checks: a draw, and a branch that was drawn."""

from grading.models import RoundUnit, SpotCheck, SpotCheckDraw
from tests.factories.spot_checks import SpotCheckFactory
from tests.matrix.targets import Call, target
from tests.matrix.targets.grading import _round
from tests.matrix.world import World


def _task(world: World, relation: str) -> SpotCheck:
    """Return the spot check of a branch; only that of the own branch is assigned to the inspector."""
    round_ = _round(world)
    unit = RoundUnit.objects.get(round=round_, branch=world.branch(relation))
    found = SpotCheck.objects.active().filter(unit=unit).first()
    return found or SpotCheckFactory(draw=SpotCheckDraw.objects.get(round=round_, ordinal=1), unit=unit)


@target("draw")
def draw(world: World, _relation: str, _name: str) -> Call:
    """The draw of the round."""
    return Call({"pk": SpotCheckDraw.objects.get(round=_round(world)).pk}, {"reason": "名单有误"})


@target("spot_check", "own", "sibling", "other")
def spot_check(world: World, relation: str, _name: str) -> Call:
    """A branch that was drawn, with data for scoring, returning and taking an inspector off."""
    data = {"do": "save", "version": "0", "reason": "补充说明", "inspector": world.accounts["inspector"].pk}
    return Call({"pk": _task(world, relation).pk}, data)


@target("spot_check_picked", "own", "other")
def spot_check_picked(world: World, relation: str, _name: str) -> Call:
    """Branches picked on the list, to be assigned."""
    inspector = world.accounts["inspector"].pk
    return Call({}, {"pick": _task(world, relation).pk, "inspector": inspector, "do": "each"})
