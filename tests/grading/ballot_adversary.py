"""Somebody who has the database file or heap, the log ahead, a dump, the directory of keys and the true casting order.

Voters of a simulated box choose 30 different things, so that a guess is right or wrong without doubt; who guesses
blindly is right once in 30. `guesses` returns what each way of looking makes of the order in which people voted.
"""

import random
import re
import subprocess
import uuid
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import connection

from branches import clock
from grading.models import AppraisalOption, SealedBallot
from grading.services import ballots, voting
from tests.factories.grading import RoundUnitFactory
from tests.grading.ballot_boxes import create
from tests.servers import postgres_binary

VOTERS = 30
CHOICES = [f"choice{n:02d}" for n in range(VOTERS)]
CHOICE = re.compile(rb"choice(\d\d)")
TABLES = ("grading_sealedballot", "grading_ballotcode", "grading_codeexchange", "grading_ballotbox")


@dataclass
class Poll:
    """One simulated box: who voted for what in which order, and everything secret that may be found nowhere."""

    box: object
    order: list[int]
    codes: list[str]
    secrets: dict[str, bytes] = field(default_factory=dict)
    sealed: list[bytes] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)


def thirty_choices(grading):
    """Let the ballots of the round offer 30 things, and return its source."""
    source = grading.source("appraisal")
    source.options.all().delete()
    AppraisalOption.objects.bulk_create(
        AppraisalOption(source=source, ordinal=n, code=code, label=code, points=50) for n, code in enumerate(CHOICES, 1)
    )
    return source


def open_poll(grading, source):
    """Open a box of a branch of its own for 30 voters."""
    unit = RoundUnitFactory(round=grading.round, rubric=grading.unit("software").rubric)
    made = create(grading, unit=unit, source=source, groups={"": VOTERS})
    codes = [one.code for one in ballots.issue_codes(by=grading.office, box=made.box, now=clock.now())]
    box = ballots.open_box(by=grading.office, box=made.box, now=clock.now())
    return Poll(box, [], codes, {"copy": made.copy.encode()})


def vote_all(poll, dice):
    """Let all voters of a box vote in an order of chance, and note what the adversary is given besides."""
    poll.order = dice.sample(range(VOTERS), VOTERS)
    seen = set()
    for voter, choice in enumerate(poll.order):
        said = voting.cast(code=poll.codes[voter], choice=CHOICES[choice], problems=[], now=clock.now())
        assert isinstance(said, voting.Cast)
        (new,) = set(SealedBallot.objects.filter(box=poll.box).values_list("pk", flat=True)) - seen
        seen.add(new)
        poll.keys.append(new)
    rows = dict(SealedBallot.objects.filter(box=poll.box).values_list("pk", "ciphertext"))
    poll.sealed = [bytes(rows[key]) for key in poll.keys]
    poll.secrets |= {f"digest {n}": bytes(row.digest) for n, row in enumerate(poll.box.codes.all())}
    poll.secrets |= {f"ballot {n}": ciphertext for n, ciphertext in enumerate(poll.sealed)}
    return poll


# --- What there is to look at -----------------------------------------------------------------------------------------


def files_of_database():
    """Return the bytes of everything the database keeps on disk, by name."""
    if connection.vendor == "sqlite":
        connection.close()
        path = Path(connection.settings_dict["NAME"])
        return {one.name: one.read_bytes() for one in sorted(path.parent.glob(path.name + "*")) if one.is_file()}
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")
        found = {}
        for table in (*TABLES, "grading_appraisalcount", "grading_problemcount", "branches_auditentry"):
            cursor.execute("SELECT pg_read_binary_file(pg_relation_filepath(%s))", [table])
            found[table] = bytes(cursor.fetchone()[0])
            cursor.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = %s::regclass", [table])
            for (index,) in cursor.fetchall():
                cursor.execute("SELECT pg_read_binary_file(pg_relation_filepath(%s))", [index])
                found[index] = bytes(cursor.fetchone()[0])
    return found


def logs_ahead():
    """Return the last segments of PostgreSQL's log ahead; SQLite's lies beside its file."""
    if connection.vendor == "sqlite":
        return {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_ls_waldir() ORDER BY modification DESC LIMIT 2")
        names = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT pg_switch_wal()")
        found = {}
        for name in names:
            cursor.execute("SELECT pg_read_binary_file(%s)", [f"pg_wal/{name}"])
            found[name] = bytes(cursor.fetchone()[0])
    return found


def dump():
    """Return a dump of the whole database as text."""
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        return "\n".join(connection.connection.iterdump()).encode()
    facts = connection.settings_dict
    address = ["-h", facts["HOST"], "-p", str(facts["PORT"]), "-U", facts["USER"], facts["NAME"]]
    return subprocess.run([postgres_binary("pg_dump"), *address], check=True, capture_output=True).stdout


def directory_of_keys():
    """Return what lies in the directory of keys."""
    place = settings.BALLOT_KEY_DIR
    return {path.name: path.read_bytes() for path in place.iterdir()} if place.is_dir() else {}


def leaks(polls, artefacts):
    """Return which secrets of which polls are to be found in what lies about."""
    return [
        (name, what)
        for name, content in artefacts.items()
        for poll in polls
        for what, secret in poll.secrets.items()
        if secret in content or secret.hex().encode() in content or secret.replace(b"-", b"") in content
    ]


def physical_order(table, column, where):
    """Return a column in the order in which its rows lie in the table."""
    place = "rowid" if connection.vendor == "sqlite" else "ctid"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM {table} WHERE {where} ORDER BY {place}")
        return [row[0] for row in cursor.fetchall()]


# --- What can be made of it -------------------------------------------------------------------------------------------


def in_order_of_bytes(content):
    """Return choices in the order in which they first stand in some bytes, all 30 of them or nothing."""
    found = list(dict.fromkeys(int(number) for number in CHOICE.findall(content)))
    return found if sorted(found) == list(range(VOTERS)) else []


def matches(guess, order):
    """Return how many voters a guess at their votes, in the order in which they voted, is right about."""
    return sum(a == b for a, b in zip(guess, order, strict=True))


def guesses(poll, artefacts):
    """Return the guesses at a closed poll's votes, by the way of looking; ciphertexts of earlier copies included."""
    found = {"options in the order of the paper": list(range(VOTERS))}
    for name, content in artefacts.items():
        if sequence := in_order_of_bytes(content):
            found[f"bytes of {name}"] = sequence
    by_key = sorted(range(VOTERS), key=lambda voter: poll.keys[voter])
    by_cipher = sorted(range(VOTERS), key=lambda voter: poll.sealed[voter])
    for name, places in (("random keys", by_key), ("ciphertexts", by_cipher)):
        found[name] = [places.index(voter) for voter in range(VOTERS)]
    return found


# --- The control ------------------------------------------------------------------------------------------------------


def naive_poll(dice):
    """Vote the naive way: a table of voters, a table of votes with a UUID for a key. Return the order and the table."""
    table = f"naive_{uuid.uuid4().hex}"
    order = dice.sample(range(VOTERS), VOTERS)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table} (id varchar(36) PRIMARY KEY, choice varchar(20) NOT NULL)")
        for choice in order:
            cursor.execute(f"INSERT INTO {table} VALUES (%s, %s)", [str(uuid.uuid4()), CHOICES[choice]])
        guess = [int(name[6:]) for name in physical_order(table, "choice", "1 = 1")]
        cursor.execute(f"DROP TABLE {table}")
    return matches(guess, order)


def dice(seed):
    """Return a source of chance that gives the same each time."""
    return random.Random(seed)
