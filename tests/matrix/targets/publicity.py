"""Targets of 公示 and 异议: a notice that is up now, and objections to it."""

import datetime as dt

from branches import clock
from grading.models import Objection, PublicityNotice
from tests.factories.publicity import (
    CalendarYearFactory,
    ObjectionFactory,
    PublicityLineFactory,
    PublicityNoticeFactory,
)
from tests.matrix.targets import Call, target
from tests.matrix.targets.grading import _round, _unit
from tests.matrix.world import World


def _notice(world: World) -> PublicityNotice:
    """Put a notice up once for a world; it names the branch software alone."""
    round_ = _round(world)
    found = PublicityNotice.objects.filter(round=round_).first()
    if found is None:
        start = clock.now() - dt.timedelta(hours=1)
        found = PublicityNoticeFactory(round=round_, slug="matrix", started_at=start)
        PublicityLineFactory(notice=found, unit=_unit(world, "own"), grade=round_.scale.grades.first())
    return found


@target("notice", "named", "foreign_key")
def notice(world: World, relation: str, _name: str) -> Call:
    """A notice; what is posted is about the branch it names, or about one of another 党总支 that it does not name."""
    unit = _unit(world, "own" if relation == "named" else "other")
    data = {"unit": unit.pk, "contact": "13900000000", "text": "情况不实"}
    return Call({"slug": _notice(world).slug}, data)


@target("objection", "own", "sibling", "other", "filed")
def objection(world: World, relation: str, _name: str) -> Call:
    """An objection recorded by the office, or filed by the secretary about the branch of its own."""
    filed = relation == "filed"
    row = ObjectionFactory(
        notice=_notice(world),
        unit=_unit(world, "own" if filed else relation),
        channel=Objection.Channel.LOGIN if filed else Objection.Channel.PHONE,
        filed_by=world.accounts["secretary"] if filed else None,
    )
    data = {"outcome": "not_upheld", "answer": "已核实", "body": "党委组织部", "reason": "核实"}
    return Call({"pk": row.pk}, data)


@target("calendar_year")
def calendar_year(_world: World, _relation: str, _name: str) -> Call:
    """A year somebody entered."""
    return Call({"year": CalendarYearFactory().year})
