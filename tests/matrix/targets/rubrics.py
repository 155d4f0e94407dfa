"""Targets of rubrics: events that are counted, 细则, versions, workbooks."""

from branches.services import uploads
from grading import rubric_workbook
from grading.models import Criterion, Level, Rubric
from tests.factories.kinds import rubric_of_all_kinds
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


@target("rubric")
def rubric(_world: World, _relation: str, _name: str) -> Call:
    """A draft of a rubric."""
    return Call({"pk": rubric_of_all_kinds(code=f"kinds-{Rubric.objects.count()}", publish=False).pk})


@target("rubric_upload", "own", "other")
def rubric_upload(world: World, relation: str, _name: str) -> Call:
    """A workbook the maintainer is importing (own), or somebody else (other)."""
    data = rubric_workbook.write(rubric_workbook.TEMPLATE_HEADER, rubric_workbook.TEMPLATE_SECTIONS)
    by = world.accounts["maintainer" if relation == "own" else "administrator"]
    return Call({"key": uploads.keep(by=by, kind="rubric", name="标准.xlsx", data=data).key})


@target("guidance_round")
def guidance_round(world: World, _relation: str, _name: str) -> Call:
    """A round whose 细则 are looked at."""
    return Call({"pk": _unit(world, "own").round_id})


def _parent(world: World, relation: str) -> dict[str, int]:
    return {"pk": _unit(world, "own").round_id, "parent": world.unit(relation).pk}


@target("guidance_parent", "own", "other")
def guidance_parent(world: World, relation: str, _name: str) -> Call:
    """The 细则 of one 党总支."""
    return Call(_parent(world, relation))


@target("guidance", "own", "other")
def guidance(world: World, relation: str, _name: str) -> Call:
    """One item, for one 党总支."""
    item = Criterion.objects.filter(section__rubric=_unit(world, relation).rubric_id).first()
    return Call({**_parent(world, relation), "criterion": item.pk}, {"text": "看材料", "mode": "text", "edits": "0"})
