"""Many hands on one code, a box closed while somebody votes, and the plug pulled between any two statements."""

import threading
from collections import Counter
from contextlib import contextmanager

import pytest
from django.db import DatabaseError, connection, models
from django.db.utils import InterfaceError

from branches import clock
from grading.ballots import sealing
from grading.models import AppraisalCount, BallotBox, SealedBallot
from grading.services import ballot_closing, ballot_keys, ballot_traces, ballots, voting
from tests.grading.ballot_boxes import fresh, open_of, stock, vote, worked, world

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]
VOTERS = 100


def at_once(number, act):
    """Let `number` threads do `act(n)` at the same moment; return what came of it."""
    gate, answers = threading.Barrier(number), [None] * number

    def run(n):
        gate.wait()
        try:
            answers[n] = act(n)
        except Exception as fault:  # noqa: BLE001 - the test looks at it
            answers[n] = fault
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


# --- One code, a hundred hands ----------------------------------------------------------------------------------------


def test_a_hundred_uses_of_one_code_at_once_give_one_ballot():
    box, codes = open_of(world())
    answers = Counter(map(type, said := at_once(VOTERS, lambda _: vote(codes[0]))))
    assert answers == {voting.Cast: 1, voting.Refused: 99}
    assert {one.reason for one in said if isinstance(one, voting.Refused)} == {voting.USED}
    assert (SealedBallot.objects.count(), stock(box)) == (1, {"used": 1, "unused": 7})


def test_the_control_without_the_condition_takes_them_all(monkeypatch):
    box, codes = open_of(world())
    monkeypatch.setattr(voting, "use", lambda mine: mine.update(state="used"))
    at_once(VOTERS, lambda _: vote(codes[0]))
    assert SealedBallot.objects.filter(box=box).count() == VOTERS


# --- Closing while somebody votes -------------------------------------------------------------------------------------


@contextmanager
def held_up(monkeypatch):
    """Hold a voter up between using the code and dropping the ballot; yields (reached, go on)."""
    reached, on = threading.Event(), threading.Event()
    seal = sealing.seal

    def slow(*given):
        reached.set()
        on.wait(20)
        return seal(*given)

    monkeypatch.setattr(sealing, "seal", slow)
    yield reached, on


def close_meanwhile(monkeypatch, grading, box, code):
    """Close a box while a voter is between the two writes; return whether the closing waited, and what was counted."""
    said = []
    with held_up(monkeypatch) as (reached, on):
        voter = threading.Thread(target=lambda: (said.append(vote(code)), connection.close()))
        voter.start()
        assert reached.wait(20)

        def close():
            ballots.close_box(by=grading.office, box=box, now=clock.now())
            worked()
            connection.close()

        closer = threading.Thread(target=close)
        closer.start()
        closer.join(0.5)
        waited = closer.is_alive()
        on.set()
        voter.join(30)
        closer.join(60)
    return waited, said[0]


def test_a_vote_under_way_is_in_the_box_before_it_is_opened(monkeypatch):
    grading = world()
    box, codes = open_of(grading)
    for code in codes[1:]:
        vote(code)
    waited, said = close_meanwhile(monkeypatch, grading, box, codes[0])
    assert waited
    assert isinstance(said, voting.Cast)
    assert (fresh(box).state, fresh(box).used, fresh(box).valid) == ("closed", 8, 8)


def test_the_control_without_the_lock_opens_the_box_too_early(monkeypatch):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    grading = world()
    box, codes = open_of(grading)
    for code in codes[1:]:
        vote(code)
    monkeypatch.setattr(models.QuerySet, "select_for_update", lambda rows, **_: rows)
    monkeypatch.setattr(ballot_traces, "clear", lambda: None)  # it would wait for the voter's transaction
    monkeypatch.setattr(ballots, "empty", lambda _: None)  # and so would this
    waited, said = close_meanwhile(monkeypatch, grading, box, codes[0])
    assert not waited
    assert isinstance(said, voting.Cast)
    assert fresh(box).valid == 7  # the voter was told it was taken


# --- The plug is pulled -----------------------------------------------------------------------------------------------


class Pulled(Exception):
    """The process is gone."""


@contextmanager
def pulled_at(number):
    """Stop right after statement `number`; on PostgreSQL the connection ends there, as when a process is killed."""
    left = [number]

    def wrapper(execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        left[0] -= 1
        if left[0] == 0:
            if connection.vendor == "postgresql":
                context["connection"].connection.close()
            raise Pulled
        return answer

    try:
        with connection.execute_wrapper(wrapper):
            yield left
    except (Pulled, DatabaseError, InterfaceError):
        pass
    finally:
        connection.close()


def statements(act):
    """How many statements `act` takes."""
    with pulled_at(10**6) as left:
        act()
    return 10**6 - left[0]


def agrees(box):
    """Whether as many codes are used as ballots lie in the box."""
    return stock(box).get("used", 0) == box.ballots.count()


def test_no_statement_of_a_vote_may_be_the_last_but_one():
    grading = world()
    box, codes = open_of(grading, numbers={"": 40})
    number = statements(lambda: vote(codes[0]))
    assert number >= 5
    for n in range(1, number + 1):
        with pulled_at(n):
            vote(codes[n])
        assert agrees(box), n
        assert isinstance(vote(codes[n]), voting.Cast | voting.Refused)
        assert (agrees(box), box.ballots.count()) == (True, n + 1)


def test_the_control_without_a_transaction_uses_codes_up(monkeypatch):
    grading = world()
    box, codes = open_of(grading, numbers={"": 40})
    monkeypatch.setattr(models.QuerySet, "select_for_update", lambda rows, **_: rows)
    monkeypatch.setattr(voting, "_drop", voting._drop.__wrapped__.__wrapped__)
    lost = 0
    for n in range(1, 10):
        before = stock(box).get("used", 0), box.ballots.count()
        with pulled_at(n):
            vote(codes[n])
        lost += (stock(box).get("used", 0) - before[0]) != (box.ballots.count() - before[1])
    assert lost >= 1


def filled(grading, name="software"):
    box, codes = open_of(grading, name)
    for code in codes:
        vote(code)
    ballots.close_box(by=grading.office, box=box, now=clock.now())
    return box


def test_no_statement_of_a_closing_may_be_the_last_but_one():
    grading = world()
    number = statements(lambda: ballot_closing.count(box=filled(grading, "algebra"), now=clock.now()))
    box = filled(grading)
    assert number > 15
    for n in range(1, number + 1, 3):
        with pulled_at(n):
            ballot_closing.count(box=box, now=clock.now())
        if fresh(box).state == "counted":
            break
        assert (box.ballots.count(), stock(box)) == (8, {"used": 8})
        assert not AppraisalCount.objects.filter(unit=box.unit).exists()
    assert worked() == 2
    assert AppraisalCount.objects.get(unit=box.unit).counts["satisfied"] == 8


@pytest.mark.parametrize(
    ("where", "what"),
    [
        (ballot_closing, "destroy_keys"),
        (ballot_keys, "store"),
        (ballot_traces, "clear"),
        (ballot_closing, "_clear"),
        (ballot_closing, "_end"),
    ],
)
def test_whoever_comes_next_goes_on_where_a_killed_worker_stopped(monkeypatch, where, what):
    box = filled(world())
    if what != "store":
        do = getattr(where, what)

        def pulled(*given, **more):
            if what in ("destroy_keys", "clear"):
                do(*given, **more)
            raise Pulled

        with monkeypatch.context() as patch:
            patch.setattr(where, what, pulled)
            with pytest.raises(Pulled):
                worked()
    else:
        ballot_closing.count(box=box, now=clock.now())
        ballot_keys.store().destroy(box.key_id)  # the files are gone, the row does not say so yet
    BallotBox.objects.update(lease_until=None)
    assert worked() == 1
    end = fresh(box)
    assert (end.state, end.valid, end.error) == ("closed", 8, "")
    assert end.keys_destroyed_at <= end.scrubbed_at
    assert box.key_id not in ballot_keys.store().ids()
    assert AppraisalCount.objects.get(unit=box.unit).version == 1
