"""Clearing the traces fails on any notice of the database, and is tried again."""

import pytest
from django.db import connection
from django.db.utils import ConnectionHandler

from branches import clock
from grading.models import BallotBox
from grading.services import ballot_closing, ballot_traces, ballots
from tests.grading.ballot_boxes import fresh, open_of, vote, worked, world

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def elsewhere():
    """A second connection to the test's database."""
    facts = {**connection.settings_dict, "OPTIONS": {}}
    other = ConnectionHandler({"default": facts})["default"]
    yield other
    other.close()


@pytest.fixture
def impatient():
    """SQLite waits for readers twenty seconds otherwise."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA busy_timeout = 200")
    yield
    connection.close()


def closing(grading):
    box, codes = open_of(grading)
    for code in codes:
        vote(code)
    ballots.close_box(by=grading.office, box=box, now=clock.now())
    return box


def reading(other):
    """Let another connection see the database as it is now, until it is closed."""
    cursor = other.cursor()
    if other.vendor == "sqlite":
        cursor.execute("BEGIN DEFERRED")
    else:
        other.set_autocommit(False)
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    cursor.execute("SELECT COUNT(*) FROM branches_account")
    cursor.fetchone()


def test_a_clearing_waits_for_whoever_still_sees_the_ballots(elsewhere, impatient):
    box = closing(world())
    reading(elsewhere)
    assert ballot_closing.work() == 0
    half = fresh(box)
    said = {"sqlite": "数据库还有别的读取没有结束", "postgresql": "数据库里还有较早的事务"}[connection.vendor]
    assert (half.state, half.valid, half.keys_destroyed_at is None) == ("counted", 8, False)
    assert said in half.error
    elsewhere.close()
    BallotBox.objects.update(lease_until=None)
    assert worked() == 1
    assert fresh(box).state == "closed"


def test_a_clearing_that_was_skipped_does_not_pass_for_one_that_was_done():
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has no roles")
    role = "nobody_in_particular"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE ROLE {role}")
        cursor.execute(f"SET ROLE {role}")
        try:
            with pytest.raises(ballot_traces.TracesRemain, match=r"skipping|permission denied"):
                ballot_traces.clear()
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute(f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (['INFO:  vacuuming "public.t"\n', 'INFO:  "t": found 3 removable\nDETAIL:  0 dead rows\nCPU: 0 s\n'], ""),
        (['信息:  正在清理 "public.t"\n', '信息:  "t": 找到\n详细信息:  0 个死行版本\n'], ""),
        (['INFO:  "t": found 3 removable\nDETAIL:  2 dead row versions cannot be removed yet.\n'], "较早的事务"),
        (['WARNING:  skipping "t"\n', 'INFO:  "t": found\nDETAIL:  0 dead\n'], 'WARNING:  skipping "t"'),
        (['INFO:  vacuuming "public.t"\n'], "没有说明清除的结果"),
        ([], "没有说明清除的结果"),
    ],
)  # fmt: skip
def test_what_the_database_says_is_read_closely(said, problem):
    if not problem:
        ballot_traces._check(said)
        return
    with pytest.raises(ballot_traces.TracesRemain, match=problem):
        ballot_traces._check(said)


def test_one_box_that_cannot_be_counted_keeps_no_other_waiting(monkeypatch):
    grading = world()
    bad, good = closing(grading), None
    good, codes = open_of(grading, "algebra")
    for code in codes:
        vote(code)
    ballots.close_box(by=grading.office, box=good, now=clock.now())
    count = ballot_closing.count

    def poisoned(*, box, now):
        if box.pk == bad.pk:
            raise ZeroDivisionError
        count(box=box, now=now)

    monkeypatch.setattr(ballot_closing, "count", poisoned)
    assert worked() == 1
    assert (fresh(bad).state, fresh(good).state) == ("closing", "closed")
    assert fresh(bad).error == "开箱时出错（ZeroDivisionError），选票仍在箱内，请联系系统管理员。"
    assert bad.ballots.count() == 8
