"""Every list and annex shows the same on screen, in Excel and as PDF, with real rows of a filled round."""

import datetime as dt

import pytest

from branches import clock, directory
from branches.listing import ordered
from branches.models import AuditEntry, Person
from branches.registries import lists
from branches.scopes import Scope
from grading.lists import unit_rows
from grading.lists_review import review_rows
from grading.lists_spot_checks import check_rows
from grading.models import Objection, RoundUnit, SpotCheck
from rectification.board import Place
from rectification.lists import item_rows
from rectification.lists_plans import plan_rows
from reporting.annexes.facts import Stamp
from reporting.lists import return_rows
from reporting.making.kinds import KINDS
from reporting.paper.returns import returned, units_asked
from reporting.tables import lay_out
from tests.factories.branches import AppointmentFactory, BranchProfileFactory
from tests.factories.forms import ScanPageFactory
from tests.factories.grading import fill, opened_round
from tests.factories.ledger_world import ledger_world
from tests.factories.promotion import two_rounds
from tests.factories.publicity import ObjectionFactory, PublicityNoticeFactory
from tests.factories.rectification import PlanFactory
from tests.factories.spot_checks import SpotCheckDrawFactory, SpotCheckFactory, SpotCheckInspectorFactory
from tests.guards import without
from tests.rectification.supervision_world import noticed_world
from tests.tables import plan_lists, supervision_lists, talk_lists
from tests.tables.parity import assert_parity
from tests.worlds import shared

pytestmark = pytest.mark.once

EVERYTHING = Scope(frozenset(), dt.date(2012, 4, 1), everything=True)


def signed_paper(world):
    """Two 党总支: one returned paper that no longer agrees with the data, the other nothing."""
    ScanPageFactory(scan__form__round=world.round, scan__form__unit=world.school.maths, scan__attached_by=None)
    rule = world.round.returns.get()
    return return_rows(rule, returned(rule, units_asked(rule, EVERYTHING)))


def one_of_each_outcome(world):
    """Two objections, one still open, one answered."""
    notice = PublicityNoticeFactory(round=world.round)
    ObjectionFactory(notice=notice, unit=world.unit("algebra"))
    ObjectionFactory(
        notice=notice, unit=world.unit("software"), state="answered", outcome="upheld", answer="属实", body="组织部",
        answered_at=clock.now(),
    )  # fmt: skip
    return Objection.objects.select_related("unit").order_by("pk")


def drawn(world):
    """Two branches drawn for a spot check: one scored by everybody and assigned, one bare."""
    draw = SpotCheckDrawFactory(round=world.round, source__ordinal=90)
    named = SpotCheckFactory(draw=draw, unit=world.unit("software"))
    SpotCheckInspectorFactory(spot_check=named)
    SpotCheckFactory(draw=draw, unit=world.unit("history"))
    fill(world.unit("software"), "spot_check", lose=11)
    return check_rows(SpotCheck.objects.active().order_by("pk"))


def planned(world):
    """Two branches with plans, one handed in late, one begun."""
    late = {"state": "submitted", "submitted_at": clock.now(), "late": True}
    for name, given in (("software", late), ("algebra", {})):
        unit = world.unit(name)
        PlanFactory(round=world.round, branch=unit.branch, unit=unit, **given)
    return plan_rows(RoundUnit.objects.filter(round=world.round).order_by("code"))


# One entry per registered list: its rows. A list without an entry fails below.
ROWS = {
    **talk_lists.ROWS,
    **plan_lists.ROWS,
    **supervision_lists.ROWS,
    "branches": lambda _world: directory.register(clock.today(), EVERYTHING).order_by("code"),
    "audit": lambda _world: AuditEntry.objects.order_by("pk"),
    "objections": one_of_each_outcome,
    "rectification-plans": planned,
    "review": lambda world: unit_rows(review_rows(RoundUnit.objects.filter(round=world.round).order_by("code"))),
    "people": lambda _world: Person.objects.order_by("pk"),
    "returns": signed_paper,
    "spot-checks": drawn,
    "inspections": drawn,
    "rectification-items": lambda made: item_rows(Place(made.round, EVERYTHING)).order_by("pk"),
    "round-units": lambda world: unit_rows(RoundUnit.objects.filter(round=world.round).order_by("code")),
}


@shared
def world():
    """A round with a filled sheet, a secretary, and a branch whose basics are known; the others are blank."""
    made = opened_round()
    BranchProfileFactory(branch=made.school.software)
    AppointmentFactory(branch=made.school.software, person__name="欧阳㛃")
    fill(made.unit("software"), lose=7)
    fill(made.unit("software"), "superior", lose=9)
    return made


second = shared(two_rounds)
ledger = shared(lambda: ledger_world().grading)
noticed = shared(noticed_world)
# Lists and annexes that need more than `world` has.
LISTS = {"rectification-items": "ledger", **dict.fromkeys(supervision_lists.ROWS, "noticed")}
WORLDS = {"promotion": "second", "annex6": "ledger", "plan": "ledger", "notice": "noticed"}


@pytest.mark.unit
def test_every_registered_list_has_rows_here():
    assert without(lists(), ROWS) == []
    assert without([*lists(), "a-new-list"], ROWS) == ["a-new-list"]


@pytest.mark.parametrize("slug", sorted(ROWS))
def test_a_list_is_the_same_everywhere(slug, request):
    world = request.getfixturevalue(LISTS.get(slug, "world"))
    page = lists()[slug]
    found = ROWS[slug](world)
    rows = page.prepare(list(found))
    assert len(rows) > 0
    assert_parity(lay_out(page.table, rows))
    for key, (column, *_) in page.sorts.items():
        for sort in (key, f"-{key}"):
            values = list(ordered(found, page, sort).values_list(column.removeprefix("-"), flat=True))
            assert values == sorted(values, key=lambda value: value is None)  # what is lacking stands last


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.slug)
def test_an_annex_is_the_same_everywhere(kind, request):
    world = request.getfixturevalue(WORLDS.get(kind.slug, "world"))
    place = world.school.software if kind.single[0] == "branch" else world.school.maths
    documents = list(kind.gather(world.round, place))
    assert len(documents) == 1
    sheets = kind.lay(documents[0], Stamp(on="2012年4月10日", by="林志远"))
    assert len(sheets) > 0
    for sheet in sheets:
        assert_parity(sheet)
