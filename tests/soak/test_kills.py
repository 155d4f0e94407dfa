"""kill -9 of children, workers and supervisors at twenty random points over two hundred exports; with controls."""

import random
import time
from dataclasses import dataclass, field

import pytest

from reporting.database_time import database_now
from reporting.models import Export
from tests.soak import verdicts
from tests.soak.arena import LEASE, PATIENCE, S, Worker, World, ask, claims, ended, fresh, seed, until, working, world

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]
EXPORTS, KILLS = 200, 20
TARGETS = ["child"] * 7 + ["server"] * 3 + ["member"] * 3 + ["supervisor"] * 3 + ["worker"] * 4
PARTS = (("annex4", "xlsx"), ("annex4", "pdf"), ("scoring_sheet", "pdf"))


def two_hundred(place: World) -> list[Export]:
    """Fifty people ask for four documents each: forms, sheets, summaries, and some zips of many documents."""
    asked = []
    for number, branch in enumerate(place.branches):
        person = place.office()
        asked += [ask(place, person, branch, kind, form) for kind, form in PARTS]
        school = place.school
        last = [
            (school.letters, "annex4", "pdf"), (school.root, "annex5", "xlsx"), (school.maths, "annex5", "pdf"),
            (branch, "scoring_sheet", "xlsx"),
        ][number % 4]  # fmt: skip
        asked.append(ask(place, person, *last))
    return asked


@dataclass
class Run:
    """Watches the exports of a run: what is offered is examined at once, and who held a claim at a kill is followed."""

    exports: list[Export]
    examined: set[int] = field(default_factory=set)
    partial: list[str] = field(default_factory=list)
    victims: dict[tuple[str, int, int], float] = field(default_factory=dict)
    released: list[float] = field(default_factory=list)

    def look(self) -> int:
        """Examine what is newly offered; returns how many exports have ended."""
        rows = fresh(self.exports)
        new = [row for row in rows if row.state == S.DONE and row.pk not in self.examined]
        self.partial += verdicts.unsound(new)
        self.examined |= {row.pk for row in new}
        for claim in set(self.victims) - claims():
            self.released.append(time.monotonic() - self.victims.pop(claim))
        return sum(row.state in verdicts.FINAL for row in rows)

    def strike(self, worker: Worker, what: str, chance: random.Random) -> str:
        """Kill, and remember who was at work."""
        held = claims()
        hit = worker.kill(what, chance)
        if what in ("supervisor", "worker"):
            self.victims.update(dict.fromkeys(held, time.monotonic()))
        return hit


def kill_and_watch(run: Run, worker: Worker, chance: random.Random) -> tuple[list[str], float, int]:
    """Kill at twenty random points of the run; returns what was hit, when the last was, and how many were left then."""
    points = sorted(chance.sample(range(2, int(EXPORTS * 0.95)), KILLS))
    targets = chance.sample(TARGETS, KILLS)
    hit, deadline = [], time.monotonic() + 900 * PATIENCE
    last, left = time.monotonic(), EXPORTS
    while (count := run.look()) < EXPORTS:
        assert time.monotonic() < deadline, verdicts.unfinished(fresh(run.exports))
        if points and count >= points[0]:
            points.pop(0)
            time.sleep(chance.random() * 1.5)
            hit.append(run.strike(worker, targets.pop(), chance))
            last, left = time.monotonic(), EXPORTS - count
        time.sleep(0.2)
    return hit, last, left


def test_twenty_kills_over_two_hundred_exports_lose_double_and_spoil_nothing(environment, tmp_path, injected):
    place = world(EXPORTS // 4)
    run, chance, began = Run(two_hundred(place)), random.Random(seed()), time.monotonic()
    with working(environment, tmp_path) as worker:
        hit, last, left = kill_and_watch(run, worker, chance)
        ended_at = time.monotonic()
        run.look()
    rows = fresh(run.exports)
    pace = (ended_at - began) / EXPORTS
    assert len(hit) == KILLS
    assert run.partial == []
    assert verdicts.everything(rows) == []
    assert len({row.file_key for row in rows}) == EXPORTS
    assert run.victims == {}
    assert max(run.released, default=0) < 2 * LEASE
    assert ended_at - last < 2 * LEASE + 2 * left * pace
    struck = ", ".join(f"{hit.count(what)} {what}" for what in sorted(set(hit)))
    injected(
        f"kill -9 at {KILLS} points over {EXPORTS} exports ({struck})",
        f"0 lost, 0 twice, 0 partial, 0 stray; claims free after {max(run.released, default=0):.0f} s at most "
        f"(lease {LEASE}), all ended {ended_at - last:.0f} s after the last kill with {left} left; "
        f"attempts {max(row.attempt for row in rows)}",
    )


def test_control_without_the_reaper_the_killed_exports_are_found_stuck(environment, tmp_path, injected):
    place = world(0, "慢")
    export = ask(place, place.office(), place.bad["慢"])
    with working(environment, tmp_path, lease=4, faults="no-reaper") as worker:
        until(lambda: Export.objects.running().exists(), 30)
        worker.kill("worker", random.Random(1))
        time.sleep(2 * 4 + 3)
        assert verdicts.unfinished(fresh([export])) != []
        assert fresh([export])[0].lease_until < database_now()
    injected("control: no reaper, worker killed", "noticed: the export is stuck in running beyond two leases")


def test_control_the_same_kill_with_the_reaper_comes_right(environment, tmp_path, injected):
    place = world(0, "慢")
    export = ask(place, place.office(), place.bad["慢"])
    with working(environment, tmp_path, lease=4) as worker:
        until(lambda: Export.objects.running().exists(), 30)
        worker.kill("worker", random.Random(1))
        took = until(lambda: ended([export]), 60)
    assert verdicts.everything(fresh([export])) == []
    injected("worker killed in the middle of a document (lease 4 s)", f"done after {took:.0f} s")
