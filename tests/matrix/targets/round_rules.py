"""Targets of the rule editor: a round in preparation, and its campaign."""

from grading.models import Round
from tests.factories.grading import opened_round
from tests.matrix.targets import Call, target
from tests.matrix.world import World


def _preparing(world: World) -> Round:
    """Return the second round of the world's campaign, which nobody has opened."""
    if not Round.objects.exists():
        opened_round(world.school)
    return Round.objects.get(state=Round.State.PREPARING)


@target("preparing_round")
def preparing_round(world: World, _relation: str, _name: str) -> Call:
    """One part of the rules of a round in preparation."""
    return Call({"pk": _preparing(world).pk, "part": "checks"}, {"version": "1", "do": "save", "checks-count": "0"})


@target("form_names")
def form_names(world: World, _relation: str, _name: str) -> Call:
    """What the forms of a round are called."""
    row = _preparing(world)
    return Call(
        {"pk": row.pk}, {"version": str(row.version), "number-annex5": "表三", "title-annex5": "星级评定汇总表"}
    )


@target("preparing_round_file")
def preparing_round_file(world: World, _relation: str, _name: str) -> Call:
    """A round in preparation, whose rules are downloaded."""
    return Call({"pk": _preparing(world).pk})


@target("campaign_of_rounds")
def campaign_of_rounds(world: World, _relation: str, _name: str) -> Call:
    """The campaign a further round is added to."""
    return Call({"pk": _preparing(world).campaign_id}, {"name": "第三轮", "origin": "blank"})
