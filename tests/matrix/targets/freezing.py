"""Targets of freezing: receipts, frozen results, corrections, a final round."""

from branches import clock
from grading.models import Result, Round, Source
from grading.services import sheets
from tests.factories.branches import AccountFactory
from tests.factories.freezing import CorrectionFactory, ReceiptFactory
from tests.factories.grading import ResultFactory, RoundFactory
from tests.matrix.targets import Call, target
from tests.matrix.targets.grading import _unit
from tests.matrix.world import World


@target("receipt", "own", "sibling", "other")
def receipt(world: World, relation: str, _name: str) -> Call:
    """The receipt of a branch's filing."""
    row = _unit(world, relation)
    sheet = sheets.sheet_for(by=None, unit=row, source=row.round.sources.get(code=Source.SELF))
    return Call({"pk": ReceiptFactory(assessment=sheet).pk})


def _frozen(world: World, relation: str) -> Result:
    row = _unit(world, relation)
    best = row.round.scale.grades.order_by("rank").first()
    found = Result.objects.filter(unit=row).first()
    return found or ResultFactory(
        unit=row, state="decided", computed_grade=best, decided_grade=best, decided_at=clock.now(), body="党委会",
        frozen_at=clock.now(), derivation={},
    )  # fmt: skip


@target("frozen_unit", "own", "sibling", "other")
def frozen_unit(world: World, relation: str, _name: str) -> Call:
    """A branch whose grade is frozen."""
    result = _frozen(world, relation)
    Round.objects.filter(pk=result.unit.round_id).update(state=Round.State.FINAL, finalised_at=clock.now())
    data = {"grade": "poor", "reason": "票数录错", "body": "党委会", "document_number": "校党〔2012〕31号"}
    return Call({"pk": result.unit_id}, data)


@target("correction", "own", "sibling", "other")
def correction(world: World, relation: str, _name: str) -> Call:
    """A correction somebody else proposed."""
    result = _frozen(world, relation)
    worst = result.unit.round.scale.grades.order_by("-rank").first()
    row = CorrectionFactory(result=result, grade=worst, proposed_by=AccountFactory())
    return Call({"pk": row.pk}, {"do": "refuse", "reason": "材料不足"})


@target("final_round")
def final_round(world: World, _relation: str, _name: str) -> Call:
    """A round that is final."""
    made = RoundFactory(
        campaign__root=world.school.root, state="final", opened_at=clock.now(), finalised_at=clock.now(),
        frozen_on=clock.today(),
    )  # fmt: skip
    return Call({"pk": made.pk})
