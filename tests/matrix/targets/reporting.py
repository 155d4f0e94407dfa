"""Targets of reports: requests for an annex, somebody's export, the preview of a branch's form."""

from reporting.models import Export
from tests.factories.reporting import ExportFactory
from tests.matrix.targets import Call, target
from tests.matrix.targets.grading import _round
from tests.matrix.world import World


@target("export_request", "own", "other")
def export_request(world: World, relation: str, _name: str) -> Call:
    """附件5 of a 党总支; its number in the data may be one the account does not reach."""
    unit = world.unit(relation)
    return Call({}, {"kind": "annex5", "round": _round(world).pk, "unit": unit.pk, "format": "xlsx"})


@target("export", "own", "other")
def export(world: World, relation: str, name: str) -> Call:
    """An export of software's secretary (own), or of the letters' leader (other), in a state the view can act on."""
    states = {
        "export-cancel": "queued",
        "export-queue-stop": "queued",
        "export-download": "done",
        "export-again": "expired",
    }
    owner = world.accounts["secretary" if relation == "own" else "leader"]
    unit = world.branch("own") if relation == "own" else world.unit("other")
    params = {"round": _round(world).pk}
    kind = "annex4" if relation == "own" else "annex5"
    row = ExportFactory(owner=owner, unit=unit, kind=kind, params=params, state=states.get(name, Export.State.FAILED))
    return Call({"pk": row.pk}, {"reason": "重复申请"})


@target("annex", "own", "sibling", "other")
def annex(world: World, relation: str, _name: str) -> Call:
    """附件4 of a branch."""
    kwargs = {"kind": "annex4", "round_pk": _round(world).pk, "unit_pk": world.branch(relation).pk}
    return Call(kwargs, {"format": "pdf"})
