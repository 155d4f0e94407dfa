"""One person's flood and one person's heavy exports hold up nobody else: not their exports, not their filing."""

import re
import statistics
import threading
import time
from dataclasses import dataclass, field

import pytest
from django.conf import settings as conf
from django.db import connection
from django.test import Client

from branches.models import Account, Role
from reporting.models import Export
from reporting.services import requests
from tests.factories.branches import holder
from tests.grading.pages import page, points
from tests.soak import verdicts
from tests.soak.arena import PATIENCE, World, ask, ended, fresh, until, working, world

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]
REQUESTS, OTHERS = 1000, 10
WAIT_GOAL = 10.0


def flood(place: World, by: Account) -> tuple[int, int]:
    """Ask a thousand times for different documents; returns how many were taken and how many refused."""
    taken, refused = set(), 0
    wishes = [
        (unit, kind, form)
        for unit in place.branches
        for kind in ("annex4", "scoring_sheet")
        for form in ("xlsx", "pdf")
    ]
    for number in range(REQUESTS):
        try:
            taken.add(ask(place, by, *wishes[number % len(wishes)]).pk)
        except requests.ExportRefusedError:
            refused += 1
    return len(taken), refused


def waits(place: World, deadline: float) -> list[float]:
    """Return how long others, each asking for one document, wait for its start; `deadline` for who never starts."""
    asked = []
    for number in range(OTHERS):
        asked.append(ask(place, place.office(), place.branches[number], form="xlsx"))
        time.sleep(1)
    ends = time.monotonic() + deadline
    while time.monotonic() < ends and not ended(asked):
        time.sleep(0.3)
    rows = fresh(asked)
    return sorted((row.started_at - row.requested_at).total_seconds() if row.started_at else deadline for row in rows)


def p95(values: list[float]) -> float:
    """Return the value that 95 % do not exceed."""
    return sorted(values)[max(0, round(len(values) * 0.95) - 1)]


def test_a_thousand_requests_by_one_person_leave_the_others_wait_short(environment, tmp_path, injected):
    place = world(40)
    with working(environment, tmp_path) as worker:
        assert worker.members()
        taken, refused = flood(place, place.office())
        found = waits(place, 60)
        until(lambda: not Export.objects.alive().exists(), 120)
    assert taken <= 5 + 2 + REQUESTS // 100, "running ones make room"
    assert taken + refused <= REQUESTS
    assert p95(found) < WAIT_GOAL * max(PATIENCE / 2, 1), found
    injected(
        f"{REQUESTS} requests by one person",
        f"{taken} taken, {refused} refused; wait of {OTHERS} others: median {statistics.median(found):.1f} s, "
        f"p95 {p95(found):.1f} s",
    )


def test_control_without_the_quota_the_others_wait(environment, tmp_path, injected, settings):
    settings.EXPORT_QUEUED_PER_ACCOUNT = 10**6
    place = world(40)
    more = {"EXPORT_QUEUED_PER_ACCOUNT": "1000000", "EXPORT_RUNNING_PER_ACCOUNT": "1000000"}
    with working(environment, tmp_path, **more):
        taken, _ = flood(place, place.office())
        found = waits(place, 15)
    assert p95(found) > WAIT_GOAL
    injected("control: the same without the quota", f"noticed: {taken} taken, p95 beyond {WAIT_GOAL:.0f} s")


@dataclass
class Secretary(threading.Thread):
    """Somebody who saves the self-assessment again and again, each time reading the page first."""

    account: Account
    unit: object
    until: float
    took: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        try:
            client = Client()
            client.force_login(self.account, backend=conf.AUTHENTICATION_BACKENDS[-1])
            address, number = page("self-assessment", self.unit.pk), 0
            while time.monotonic() < self.until:
                number += 1
                shown = client.get(address).content.decode()
                version = re.search(r'name="version" value="(\d+)"', shown)
                data = {"version": version.group(1) if version else "0", "do": "save"}
                began = time.monotonic()
                answer = client.post(address, data | points(self.unit, A1=("1.5", "2")[number % 2]))
                self.took.append(time.monotonic() - began)
                if answer.status_code != 302:
                    self.faults.append(f"{self.unit} {number}: {answer.status_code}")
                time.sleep(0.3)
        except Exception as error:  # noqa: BLE001 - a thread hands its failure to the test
            self.faults.append(repr(error))
        finally:
            connection.close()


def filing(place: World, seconds: float) -> list[float]:
    """Let six secretaries save for some seconds; returns how long each save took. None of them may fail."""
    took, faults = saving(place, seconds)
    assert faults == []
    return took


def saving(place: World, seconds: float) -> tuple[list[float], list[str]]:
    """Let six secretaries save for some seconds; returns how long each save took, and what went wrong."""
    ends = time.monotonic() + seconds
    people = [
        Secretary(holder(Role.SECRETARY, branch), place.grading.units[branch.code], ends)
        for branch in place.branches[:6]
    ]
    for person in people:
        person.start()
    for person in people:
        person.join()
    faults = [fault for person in people for fault in person.faults]
    return [took for person in people for took in person.took], faults


def goal() -> float:
    """Return the seconds that 95 of 100 saves must not exceed."""
    return 3.0 if connection.vendor == "sqlite" else 1.0


def heavy(place: World) -> list[Export]:
    """Ask for zips of every branch's documents, in both formats, by several people."""
    school = place.school
    asked = []
    for kind, form in (("annex4", "pdf"), ("scoring_sheet", "pdf"), ("annex4", "xlsx"), ("scoring_sheet", "xlsx")):
        asked.append(ask(place, place.office(), school.maths, kind, form))
    return asked


def test_long_exports_do_not_hold_up_filing(environment, tmp_path, injected):
    place = world(60)
    quiet = filing(place, 10)
    with working(environment, tmp_path):
        asked = heavy(place)
        until(lambda: Export.objects.running().count() == 2, 60)
        busy = filing(place, 30)
        until(lambda: ended(asked), 400)
    assert verdicts.lost(fresh(asked)) + verdicts.unsound(fresh(asked)) == []
    # On a machine that does other things too, saving without any export is the measure.
    assert p95(busy) < max(goal(), 4 * p95(quiet))
    injected(
        "4 zips of 61 forms each while 6 secretaries save",
        f"{len(busy)} saves, p95 {p95(busy) * 1000:.0f} ms (quiet {p95(quiet) * 1000:.0f} ms), 0 refused or failed",
    )


def test_control_an_export_that_draws_inside_a_transaction_is_felt_by_who_files(environment, tmp_path, injected):
    place = world(20)
    with working(environment, tmp_path, faults="long-transactions"):
        heavy(place)
        until(lambda: Export.objects.running().count() >= 1, 60)
        busy, faults = saving(place, 20)
        Export.objects.filter(state="queued").update(state="cancelled")
    felt = p95(busy) if busy else float("inf")
    assert faults or felt > goal(), felt
    told = f"noticed: p95 of a save {felt:.1f} s, {len(faults)} failed"
    injected("control: exports drawn inside a writing transaction", told)
