"""Targets of grading: a running round, its branches, their sheets, evidence and results."""

import uuid

from django.core.files.base import ContentFile

from branches import clock
from branches.models import Upload
from grading.models import Assessment, Criterion, Round, RoundUnit, Section, Source, SpotCheck
from grading.services import sheets
from tests.factories.grading import EvidenceFactory, EvidenceUseFactory, Grading, ResultFactory, opened_round
from tests.factories.spot_checks import SpotCheckDrawFactory, SpotCheckFactory, SpotCheckInspectorFactory
from tests.matrix.targets import Call, target
from tests.matrix.world import World


def _round(world: World) -> Round:
    """Open a round once for a world, in the state in which people score and decide."""
    row = Round.objects.exclude(state=Round.State.PREPARING).first()
    if row is None:
        made: Grading = opened_round(world.school)
        inspected(made, world)
        Round.objects.filter(pk=made.round.pk).update(state=Round.State.SCORING)
        row = Round.objects.get(pk=made.round.pk)
    return row


def inspected(made: Grading, world: World) -> SpotCheck:
    """Have the own branch of the inspector drawn for a spot check, and assigned: without it nothing is reached."""
    draw = SpotCheckDrawFactory(round=made.round, source__ordinal=90, ordinal=1)
    task = SpotCheckFactory(draw=draw, unit=made.unit("software"))
    SpotCheckInspectorFactory(spot_check=task, account=world.accounts["inspector"])
    return task


def _unit(world: World, relation: str) -> RoundUnit:
    return RoundUnit.objects.get(round=_round(world), branch=world.branch(relation))


@target("round")
def round_(world: World, _relation: str, _name: str) -> Call:
    """A round, with data for each of its forms."""
    data = {"to": "self", "reason": "补录", "version": "1", "source": "annual", "due-self": "2026-12-01"}
    return Call({"pk": _round(world).pk}, data)


@target("source_of_a_round")
def source_of_a_round(world: World, _relation: str, _name: str) -> Call:
    """The yearly results of a round."""
    source = _round(world).sources.get(code=Source.ANNUAL)
    return Call({"pk": source.round_id, "code": source.code})


@target("source_upload", "own", "other")
def source_upload(world: World, relation: str, _name: str) -> Call:
    """A workbook the office is importing (own), or somebody else (other); the file itself is gone."""
    source = _round(world).sources.get(code=Source.ANNUAL)
    account = world.accounts["office" if relation == "own" else "administrator"]
    row = Upload.objects.create(
        key=uuid.uuid4().hex, kind=f"source-{source.pk}", name="考核.xlsx", size=1, sha256="0" * 64, account=account,
        created_at=clock.now(),
    )  # fmt: skip
    return Call({"pk": source.round_id, "code": source.code, "key": row.key})


@target("unit", "own", "sibling", "other")
def unit(world: World, relation: str, _name: str) -> Call:
    """A branch in a round, with a self-assessment begun."""
    row = _unit(world, relation)
    sheets.sheet_for(by=None, unit=row, source=row.round.sources.get(code=Source.SELF))
    data = {
        "reason": "补充材料", "step": "self", "until": "2026-12-31", "source": "annual", "label": "优秀",
        "value": "已核实", "version": "0", "do": "save",
    }  # fmt: skip
    return Call({"pk": row.pk}, data)


@target("superior_sheet", "own", "sibling", "other")
def superior_sheet(world: World, relation: str, _name: str) -> Call:
    """A branch whose 党总支 wrote a reason."""
    row = _unit(world, relation)
    sheet = sheets.sheet_for(by=None, unit=row, source=row.round.sources.get(code=Source.SUPERIOR))
    Assessment.objects.filter(pk=sheet.pk).update(reason="材料不全")
    return Call({"pk": row.pk})


@target("decided_unit", "own", "sibling", "other")
def decided_unit(world: World, relation: str, _name: str) -> Call:
    """A branch whose grade was proposed."""
    row = _unit(world, relation)
    grade = row.round.scale.grades.first()
    ResultFactory(unit=row, state="proposed", proposed_grade=grade, computed_grade=grade)
    return Call({"pk": row.pk}, {"reason": "重新核实"})


@target("superior_survey", "own", "sibling", "other")
def superior_survey(world: World, relation: str, _name: str) -> Call:
    """The 党总支's survey of a branch."""
    return Call({"pk": _unit(world, relation).pk, "side": "superior"}, {"version": "0"})


def _foreign_rubric(row: RoundUnit) -> int:
    return Section.objects.exclude(rubric=row.rubric_id).values_list("rubric_id", flat=True)[0]


@target("section", "own", "sibling", "other", "foreign_child")
def section(world: World, relation: str, _name: str) -> Call:
    """A section of the branch's rubric, or of another rubric."""
    row = _unit(world, "own" if relation == "foreign_child" else relation)
    rubric = _foreign_rubric(row) if relation == "foreign_child" else row.rubric_id
    part = Section.objects.filter(rubric=rubric).first()
    return Call({"pk": row.pk, "section": part.pk})


def _criterion(row: RoundUnit, *, foreign: bool) -> Criterion:
    rubric = _foreign_rubric(row) if foreign else row.rubric_id
    return Criterion.objects.filter(section__rubric=rubric).first()


@target("score", "own", "sibling", "other", "foreign_child")
def score(world: World, relation: str, _name: str) -> Call:
    """One figure of the 党总支's sheet; an item of another rubric as foreign child."""
    foreign = relation == "foreign_child"
    row = _unit(world, "own" if foreign else relation)
    item = _criterion(row, foreign=foreign)
    return Call({"pk": row.pk, "kind": "item", "target": item.pk}, {"value": "1.0", "version": ""})


@target("evidence", "own", "sibling", "other")
def evidence(world: World, relation: str, _name: str) -> Call:
    """A file of a branch."""
    row = EvidenceFactory(unit=_unit(world, relation))
    row.file.save("x.pdf", ContentFile(b"%PDF-1.4"), save=True)
    return Call({"pk": row.pk})


@target("evidence_use", "own", "sibling", "other", "foreign_child")
def evidence_use(world: World, relation: str, name: str) -> Call:
    """A file cited for an item; as foreign child an item of another rubric, or a file of another branch."""
    foreign = relation == "foreign_child"
    row = _unit(world, "own" if foreign else relation)
    file = EvidenceFactory(unit=_unit(world, "other") if foreign else row)
    item = _criterion(row, foreign=foreign and name != "evidence-drop")
    EvidenceUseFactory(evidence=file, criterion=_criterion(row, foreign=False))
    kwargs = {"pk": row.pk, "criterion": item.pk}
    return Call(kwargs | ({"file": file.pk} if name == "evidence-drop" else {}), {"cite": file.pk})
