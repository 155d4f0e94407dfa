"""Two hundred boxes of thirty voters against somebody who has everything; and a worker killed while it counts."""

import random
import time

import pytest
from django.db import connection

from branches import clock
from grading.models import AppraisalCount, BallotBox, SealedBallot
from grading.services import ballot_keys, ballots
from tests.grading import ballot_adversary as adversary
from tests.grading.ballot_boxes import fresh, worked, world
from tests.soak.arena import Worker, seed, until

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]
POLLS, VOTERS = 200, adversary.VOTERS
# 6,000 votes, chance is one in thirty: 200, with a standard deviation of 14.1.
LEAST, MOST = 172, 228
# Ways whose guess is drawn anew in each run: 95 % would fail one run in twenty.
MOST_BY_CHANCE = 260
KILLS = 12


def test_six_thousand_votes_stay_with_their_voters(injected):
    """The adversary knows who voted when and which ciphertext is whose, and has every file before and after."""
    grading = world()
    source = adversary.thirty_choices(grading)
    polls = [adversary.vote_all(adversary.open_poll(grading, source), adversary.dice(n)) for n in range(POLLS)]
    for poll in polls:
        keys = ballot_keys.store().keys(poll.box.key_id)
        poll.secrets |= {"seal": keys.seal, "code": keys.code}
    in_order = sum(
        adversary.physical_order("grading_sealedballot", "id", f"box_id = {poll.box.pk}") == poll.keys for poll in polls
    )
    for poll in polls:
        ballots.close_box(by=grading.office, box=poll.box, now=clock.now())
    assert worked() == POLLS
    after = adversary.files_of_database() | {"dump": adversary.dump()} | adversary.directory_of_keys()
    assert adversary.leaks(polls, after) == []
    artefacts = after | adversary.logs_ahead()
    matched: dict[str, int] = {}
    for poll in polls:
        for way, guess in adversary.guesses(poll, artefacts).items():
            matched[way] = matched.get(way, 0) + adversary.matches(guess, poll.order)
    for way, right in matched.items():
        injected(f"6,000 votes, looking at: {way}", f"{right} matched, {right / 60:.2f} % (chance 3.33 %)")
        drawn = way in ("random keys", "ciphertexts")
        assert right <= MOST_BY_CHANCE if drawn else LEAST <= right <= MOST, way
    injected("boxes whose ciphertexts lay in casting order while open", f"{in_order} of {POLLS}")
    assert in_order == (POLLS if connection.vendor == "postgresql" else 0)


def test_the_naive_way_gives_them_all_away(injected):
    right = sum(adversary.naive_poll(adversary.dice(n)) for n in range(POLLS))
    injected("6,000 votes in the naive tables (UUID keys), rows as they lie", f"{right} matched, {right / 60:.1f} %")
    assert right >= 0.95 * POLLS * VOTERS


def test_a_page_of_postgresql_shows_the_order_and_nothing_after_closing(injected):
    """pageinspect reads dead rows too: casting order while open, an empty table afterwards."""
    if connection.vendor != "postgresql":
        pytest.skip("pageinspect is PostgreSQL's")
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pageinspect'")
        if cursor.fetchone() is None:
            pytest.skip("pageinspect is not installed here")
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pageinspect")
    grading = world()
    poll = adversary.vote_all(adversary.open_poll(grading, adversary.thirty_choices(grading)), adversary.dice(1))
    codes, votes = writers("grading_ballotcode"), writers("grading_sealedballot")
    assert len(set(codes) & set(votes)) == VOTERS  # each transaction wrote one code and one ballot: linked
    ballots.close_box(by=grading.office, box=poll.box, now=clock.now())
    assert worked() == 1
    assert writers("grading_ballotcode") == writers("grading_sealedballot") == []
    with connection.cursor() as cursor:
        cursor.execute("DROP EXTENSION pageinspect")
    injected("pageinspect on the tables of codes and ballots", "30 links to ciphertexts while open, no row after")


def writers(table):
    """Return the transactions that wrote the rows of a table, dead ones included."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size(%s) / 8192", [table])
        pages = cursor.fetchone()[0]
        found = []
        for page in range(pages):
            query = "SELECT t_xmin::text FROM heap_page_items(get_raw_page(%s, %s)) WHERE t_xmin IS NOT NULL"
            cursor.execute(query, [table, page])
            found += [row[0] for row in cursor.fetchall()]
    return found


def test_killed_workers_lose_no_vote_and_leave_no_key(environment, tmp_path, injected):
    """kill -9 of a whole worker again and again while forty boxes are counted."""
    grading = world()
    source = adversary.thirty_choices(grading)
    chance = random.Random(seed())
    polls = [adversary.vote_all(adversary.open_poll(grading, source), adversary.dice(n)) for n in range(40)]
    worker = Worker({**environment, "WORKER_POLL_SECONDS": "0.3"}, tmp_path / "worker.log")
    worker.start()
    kills = 0
    for poll in polls:
        ballots.close_box(by=grading.office, box=poll.box, now=clock.now())
        if kills < KILLS and len(polls) // KILLS * kills <= polls.index(poll):
            time.sleep(chance.random() * 1.5)
            worker.kill("worker", chance)
            kills += 1
            BallotBox.objects.filter(state__in=["closing", "counted"]).update(lease_until=None)
    until(lambda: not BallotBox.objects.unfinished().exists(), 200, "boxes counted")
    worker.stop()
    boxes = [fresh(poll.box) for poll in polls]
    counts = AppraisalCount.objects.filter(unit__in=[box.unit_id for box in boxes])
    assert {box.state for box in boxes} == {"closed"}
    assert [box.valid for box in boxes] == [VOTERS] * 40
    assert {(row.version, row.valid, sum(row.counts.values())) for row in counts} == {(1, VOTERS, VOTERS)}
    assert counts.count() == 40
    assert not SealedBallot.objects.exists()
    assert not {box.key_id for box in boxes} & ballot_keys.store().ids()
    injected(f"kill -9 of the whole worker {kills} times while 40 boxes of 30 are counted", "0 votes lost, 0 keys left")
