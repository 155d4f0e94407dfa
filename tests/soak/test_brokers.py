"""The broker stops, restarts, forgets everything or delivers ten times: rows are the truth, messages only hints."""

import random
import time

import pytest

from branches.models import AuditEntry
from reporting import doctor
from reporting.models import Export, WorkerHeartbeat
from reporting.workers.queue import nudge
from tests.soak import verdicts
from tests.soak.arena import World, ask, ended, fresh, until, working, world

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]


def fifty(place: World) -> list[Export]:
    """Ten people ask for five documents each."""
    asked = []
    for number in range(10):
        person = place.office()
        asked += [ask(place, person, branch) for branch in place.branches[number * 5 : number * 5 + 5]]
    return asked


def quickest_answers(place: World) -> tuple[list[Export], float]:
    """As `fifty`, with the longest wait of one request."""
    longest, asked = 0.0, []
    for number in range(10):
        person = place.office()
        for branch in place.branches[number * 5 : number * 5 + 5]:
            began = time.monotonic()
            asked.append(ask(place, person, branch))
            longest = max(longest, time.monotonic() - began)
    return asked, longest


def test_fifty_queued_while_the_broker_is_down_are_done_once_when_it_is_back(environment, broker, tmp_path, injected):
    place = world(50)
    with working(environment, tmp_path):
        broker.stop()
        try:
            asked, longest = quickest_answers(place)
            until(lambda: WorkerHeartbeat.objects.exclude(broker_error="").exists(), 60, "the broker's fault is told")
            assert doctor.check_worker().state == "bad"
            time.sleep(5)
        finally:
            broker.start()
        took = until(lambda: ended(asked), 240)
        until(lambda: doctor.check_worker().state == "ok", 40)
    assert verdicts.everything(fresh(asked)) == []
    assert longest < 3, "people do not wait for a broker that is down"
    injected(
        f"{broker.name} stopped, 50 asked for, started again",
        f"50 done once after {took:.0f} s; longest request {longest * 1000:.0f} ms; doctor red, then green",
    )


def test_a_broker_that_forgets_everything_in_the_middle_loses_nothing(environment, broker, tmp_path, injected):
    place = world(50)
    with working(environment, tmp_path):
        asked = fifty(place)
        for done in (5, 15, 25, 35):
            until(lambda done=done: Export.objects.filter(state="done").count() >= done, 240)
            broker.flush()
        until(lambda: Export.objects.filter(state="done").count() >= 42, 240)
        broker.lose()
        took = until(lambda: ended(asked), 240)
    assert verdicts.everything(fresh(asked)) == []
    injected(
        f"{broker.name}: every message deleted 4 times, then lost with its server or folder",
        f"50 done once, {took:.0f} s after the last",
    )


def test_control_without_the_poller_a_lost_message_is_a_lost_export(environment, broker, tmp_path, injected):
    place = world(5)
    person = place.office()
    asked = [ask(place, person, branch) for branch in place.branches]
    until(lambda: broker.depth() >= 5, 30, "the messages are sent")
    broker.flush()
    with working(environment, tmp_path, faults="no-poller"):
        time.sleep(15)
        assert len(verdicts.unfinished(fresh(asked))) == 5
    injected("control: no poller, messages deleted", "noticed: 5 of 5 unfinished")


def test_the_same_message_ten_times_makes_one_file_each(environment, tmp_path, injected):
    place = world(10)
    people = [place.office(), place.office()]
    with working(environment, tmp_path):
        asked = [ask(place, people[n % 2], branch) for n, branch in enumerate(place.branches)]
        for _ in range(9):
            for export in asked:
                nudge(export.pk)
        until(lambda: ended(asked), 120)
        time.sleep(3)
    rows = fresh(asked)
    assert verdicts.everything(rows) == []
    assert len(verdicts.files()) == 10
    assert {row.attempt for row in rows} == {1}
    injected("each of 10 messages delivered ten times to two workers", "10 files, 10 publications, one attempt each")


def test_control_a_claim_that_does_not_compare_publishes_again(environment, tmp_path, injected):
    place = world(1)
    export = ask(place, place.office(), place.branches[0])
    with working(environment, tmp_path, faults="no-claim"):
        until(lambda: ended([export]), 60)
        for _ in range(3):
            nudge(export.pk)
        until(lambda: verdicts.twice([export]) != [], 60, "published again")
        until(lambda: ended([export]), 60)
    injected("control: claim without compare-and-set, one message 4 times", f"noticed: {verdicts.twice([export])[0]}")


def test_a_worker_frozen_beyond_its_lease_cannot_publish(environment, tmp_path, injected):
    row, outcome = frozen_and_thawed(environment, tmp_path, "")
    assert verdicts.everything([row]) == []
    injected("worker frozen (SIGSTOP) in a document, lease ends, another makes it, thawed", outcome)


def test_control_without_the_fence_the_frozen_worker_publishes_too(environment, tmp_path, injected):
    row, outcome = frozen_and_thawed(environment, tmp_path, "no-fence")
    found = verdicts.twice([row])
    assert found != [], outcome
    assert len(verdicts.files()) == 2, "the other file is left over"
    injected("control: the same without the fencing token", f"noticed: {found[0]}, a file left over")


def frozen_and_thawed(environment, folder, faults: str) -> tuple[Export, str]:
    """Freeze the whole of one worker in the middle of a document until another has made it; then let it go on."""
    place = world(0, "慢")
    export = ask(place, place.office(), place.bad["慢"])
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    quick = {"DATABASE_IDLE_SECONDS": "5"}
    with working(environment, folder / "a", lease=3, faults=faults, **quick) as first:
        until(lambda: Export.objects.running().exists(), 40)
        time.sleep(1)
        with first.frozen(), working(environment, folder / "b", lease=20, faults=faults, **quick):
            until(lambda: ended([export]), 60)
            key = fresh([export])[0].file_key
        time.sleep(8)
        until(lambda: ended([export]), 30)
    (row,) = fresh([export])
    assert AuditEntry.objects.filter(action="reporting.export.done", thing_id=str(row.pk)).exists()
    kept = "first" if row.file_key == key else "second"
    return row, f"the {kept} publication stands, attempt {row.attempt}, token {row.token}"


def test_no_request_is_lost_by_random_breaks_of_broker_and_worker_together(environment, broker, tmp_path, injected):
    """Both at once: whatever hits, in whatever order."""
    place, chance = world(50), random.Random(2013)
    with working(environment, tmp_path, lease=8) as worker:
        asked = fifty(place)
        for done in sorted(chance.sample(range(2, 45), 6)):
            until(lambda done=done: Export.objects.filter(state="done").count() >= done, 240)
            broker.flush()
            worker.kill(chance.choice(["child", "member", "supervisor", "worker"]), chance)
        until(lambda: ended(asked), 240)
    assert verdicts.everything(fresh(asked)) == []
    injected(f"{broker.name} emptied and something killed at the same moment, 6 times over 50", "50 done once")
