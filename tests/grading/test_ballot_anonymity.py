"""Nobody links a ballot to a voter or a code: the small version of tests/soak/test_ballots.py, and canary codes."""

import hashlib
import json
import logging
import zipfile
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.urls import reverse

from branches import clock
from grading.ballots import sealing
from grading.models import BallotCode, SealedBallot
from grading.services import ballot_keys, ballots, voting
from reporting import backup
from tests.grading import ballot_adversary as adversary
from tests.grading.ballot_boxes import fresh, open_of, vote, worked, world

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]
POLLS = 3


def test_nothing_of_a_counted_box_is_left_to_look_at():
    grading = world()
    source = adversary.thirty_choices(grading)
    polls = [adversary.vote_all(adversary.open_poll(grading, source), adversary.dice(n)) for n in range(POLLS)]
    for poll in polls:
        keys = ballot_keys.store().keys(poll.box.key_id)
        poll.secrets |= {"seal": keys.seal, "code": keys.code}
    open_files = adversary.files_of_database()
    # The look itself works: while the box is open, ciphertexts and digests are there to be found, keys are not.
    seen = {what.split()[0] for _, what in adversary.leaks(polls, open_files)}
    assert seen == {"ballot", "digest"}
    for poll in polls:
        ballots.close_box(by=grading.office, box=poll.box, now=clock.now())
    assert worked() == POLLS
    artefacts = adversary.files_of_database() | {"dump": adversary.dump()} | adversary.directory_of_keys()
    assert adversary.leaks(polls, artefacts) == []
    matched = [
        {way: adversary.matches(guess, poll.order) for way, guess in adversary.guesses(poll, artefacts).items()}
        for poll in polls
    ]
    # 90 votes, chance is 3; five standard deviations above it are 12. The run of 6,000 is in tests/soak.
    assert all(sum(poll[way] for poll in matched) <= 12 for way in matched[0])
    assert {fresh(poll.box).valid for poll in polls} == {30}


def test_the_control_gives_every_voter_away():
    assert sum(adversary.naive_poll(adversary.dice(n)) for n in range(3)) == 90


def test_rows_of_ballots_lie_in_no_order_on_sqlite_and_only_as_ciphertext_on_postgresql():
    """PostgreSQL's ctid is the casting order, which is why a ballot must be ciphertext under a key that goes."""
    grading = world()
    poll = adversary.vote_all(adversary.open_poll(grading, adversary.thirty_choices(grading)), adversary.dice(0))
    places = adversary.physical_order("grading_sealedballot", "id", f"box_id = {poll.box.pk}")
    kept = sum(a == b for a, b in zip(places, poll.keys, strict=True))
    assert kept == 30 if connection.vendor == "postgresql" else kept <= 8


def test_a_vote_changes_one_code_and_adds_one_ciphertext_and_nothing_else():
    box, codes = open_of(world())
    before = whole_database()
    assert isinstance(vote(codes[3], "unsatisfied", ["study"]), voting.Cast)
    after = whole_database()
    changed = {table for table in after if after[table] != before[table]}
    assert changed - {"sqlite_sequence"} == {"grading_ballotcode", "grading_sealedballot"}
    assert len(after["grading_sealedballot"]) == len(before["grading_sealedballot"]) + 1 == 1
    assert len(set(after["grading_ballotcode"]) - set(before["grading_ballotcode"])) == 1
    assert {field.name for field in SealedBallot._meta.get_fields()} == {"id", "box", "ciphertext"}
    assert {field.name for field in BallotCode._meta.get_fields()} == {"id", "box", "group", "digest", "state"}
    assert box.ballots.count() == 1


def whole_database():
    """Every row of every table."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found[table] = sorted(repr(tuple(map(plain, row))) for row in cursor.fetchall())
    return found


def plain(value):
    return bytes(value) if isinstance(value, memoryview) else value


def test_no_log_file_or_row_holds_a_code_that_was_used(caplog):
    box, codes = open_of(world())
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="django.db.backends")
    connection.force_debug_cursor = True
    try:
        for code in codes[:6]:
            vote(code, "unsatisfied", ["study"])
        vote(codes[0])
        vote(ballots.codes.new_code(box.locator))
        voting.look_up(code=codes[7], now=clock.now())
    finally:
        connection.force_debug_cursor = False
    logged = "\n".join(f"{record.getMessage()} {record.args}" for record in caplog.records)
    assert "grading_sealedballot" in logged  # the look itself works: statements are in this log
    assert "unsatisfied" not in logged
    lying_about = (
        {"log": logged.encode(), "dump": adversary.dump()} | adversary.files_of_database() | files_of_product()
    )
    written = {
        form for code in codes for form in (code, code.lower(), code.replace("-", ""), code.replace("-", "")[3:19])
    }
    assert [(name, code) for name, content in lying_about.items() for code in written if code.encode() in content] == []


def test_a_fault_in_the_middle_of_a_vote_logs_no_code_and_no_name(client, caplog, monkeypatch):
    grading = world()
    box, codes = open_of(grading)
    person = grading.office.person
    person.name = "金丝雀"
    person.save()
    client.force_login(grading.office, backend=settings.AUTHENTICATION_BACKENDS[-1])
    before = whole_database()
    caplog.set_level(logging.DEBUG)
    client.raise_request_exception = False
    body = {"code": codes[0], "choice": "unsatisfied", "step": "cast"}

    def fault(*_):
        raise RuntimeError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(sealing, "seal", fault)
        assert client.post(reverse("ballot"), body).status_code == 500
    assert whole_database() == before  # the code is not used up
    assert client.post(reverse("ballot"), body).status_code == 200
    after = whole_database()
    changed = {table for table in after if after[table] != before[table]}
    assert changed - {"sqlite_sequence"} == {"grading_ballotcode", "grading_sealedballot"}
    logged = caplog.text + "".join(
        repr(record.args) + repr(getattr(record, "request", "")) for record in caplog.records
    )
    assert "the disk is full" in logged
    plain_ = codes[0].replace("-", "")
    assert not any(word in logged for word in (codes[0], plain_, plain_[3:19], "unsatisfied", "金丝雀", person.name))
    assert box.ballots.count() == 1


def files_of_product():
    """Every file below the product's directory."""
    root = Path(settings.VAR_DIR)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_backup_holds_no_key_and_keys_lie_apart(tmp_path):
    grading = world()
    box, _ = open_of(grading)
    keys = ballot_keys.store()
    lying = adversary.directory_of_keys()
    assert {f"{box.key_id}.seal", f"{box.key_id}.code"} <= lying.keys()
    summary = backup.backup(tmp_path)
    with zipfile.ZipFile(summary.path) as archive:
        names = archive.namelist()
        parts = [archive.read(name) for name in names]
    found = keys.keys(box.key_id)
    assert not any(box.key_id in name for name in names)
    for secret in (found.seal, found.code, *lying.values()):
        assert not any(secret in part for part in parts)
    assert json.loads(dict(zip(names, parts, strict=True))["manifest.json"])["rows"]["grading_ballotcode"] == 8


def test_a_restored_backup_cannot_be_opened_once_the_box_is_counted():
    """What was copied while the box was open stays ciphertext: the digests of used codes tell nothing either."""
    grading = world()
    box, codes = open_of(grading)
    for code in codes:
        vote(code)
    copied = [bytes(row) for row in SealedBallot.objects.filter(box=box).values_list("ciphertext", flat=True)]
    digests = {bytes(row) for row in BallotCode.objects.filter(box=box).values_list("digest", flat=True)}
    ballots.close_box(by=grading.office, box=box, now=clock.now())
    assert worked() == 1
    assert not ballot_keys.keys_present(fresh(box))
    assert len(set(copied)) == 8
    guessed = {hashlib.sha256(code.encode()).digest() for code in codes}
    guessed |= {ballots.codes.digest(settings.SECRET_KEY.encode(), code) for code in codes}
    assert digests & guessed == set()


def test_no_model_points_at_ballots_or_codes():
    pointing = [
        f"{model.__name__}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model in (SealedBallot, BallotCode)
    ]
    assert pointing == []
