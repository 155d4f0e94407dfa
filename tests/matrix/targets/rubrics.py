"""Targets of rubrics: events that are counted, 细则, versions, workbooks."""

from grading.models import Criterion, Level
from tests.matrix.targets import Call, target
from tests.matrix.targets.grading import _foreign_rubric, _unit
from tests.matrix.world import World


@target("count", "own", "sibling", "other", "foreign_child")
def count(world: World, relation: str, _name: str) -> Call:
    """One event of a bonus item; an item of another rubric as foreign child."""
    foreign = relation == "foreign_child"
    row = _unit(world, "own" if foreign else relation)
    item = Criterion.objects.filter(section__rubric=_foreign_rubric(row) if foreign else row.rubric_id).first()
    Criterion.objects.filter(pk=item.pk).update(kind=Criterion.Kind.BONUS)
    Level.objects.get_or_create(criterion=item, ordinal=1, defaults={"label": "每次", "points": 1})
    return Call({"pk": row.pk, "criterion": item.pk, "event": 0}, {"value": "1", "version": ""})
