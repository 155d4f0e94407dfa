"""A step's last day ends at 24:00 in Asia/Shanghai: the last second is in time, the next is 逾期."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from grading.models import RoundStep
from grading.services import rounds
from tests.factories.grading import ExtensionFactory, fill, opened_round
from tests.grading.publicity_world import now
from tests.worlds import shared

pytestmark = pytest.mark.once

SHANGHAI = ZoneInfo("Asia/Shanghai")
SECOND = dt.timedelta(seconds=1)


@shared
def grading():
    """A round that reminds, its self-assessment due on the last day of 2012."""
    made = opened_round(backfill=False)
    made.round.steps.filter(code="self").update(due_on=dt.date(2012, 12, 31))
    return made


def fresh(made, name="software"):
    return made.round.units.select_related("round__campaign", "branch").get(branch=getattr(made.school, name))


OVER = dt.datetime(2013, 1, 1, tzinfo=SHANGHAI)


@pytest.mark.parametrize(("step", "late"), [(-1, False), (0, True), (1, True)])
def test_over_the_end_of_the_year_to_the_second(grading, step, late):
    assert rounds.is_late(fresh(grading), "self", OVER + step * SECOND) is late


@pytest.mark.parametrize(("step", "late"), [(-1, False), (0, True), (1, True)])
def test_an_extension_moves_the_same_second(grading, step, late):
    unit = fresh(grading)
    step_row = RoundStep.objects.get(round=grading.round, code="self")
    ExtensionFactory(unit=unit, step=step_row, until=dt.date(2013, 1, 5))
    moment = dt.datetime(2013, 1, 6, tzinfo=SHANGHAI) + step * SECOND
    assert rounds.is_late(fresh(grading), "self", moment) is late


@pytest.mark.parametrize(("step", "late"), [(-1, False), (0, True), (1, True)])
def test_what_is_handed_in_is_marked_by_our_own_clock(grading, time_machine, step, late):
    # 2012-12-31T16:00:00Z is the new year in Shanghai; the day of UTC is still the last of the old one.
    time_machine.move_to(dt.datetime(2012, 12, 31, 16, tzinfo=dt.UTC) + step * SECOND, tick=False)
    sheet = fill(fresh(grading))
    assert (sheet.state, sheet.late) == ("submitted", late)
    assert now().year == (2013 if late else 2012)
