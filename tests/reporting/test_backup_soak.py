"""Backups taken while people keep writing are whole, and each holds one moment: never half of somebody's save."""

import sqlite3
import threading
import time
import zipfile

import pytest
from django.db import connection, transaction

from branches import audit
from reporting import backup
from tests.factories.branches import AccountFactory

pytestmark = [pytest.mark.soak, pytest.mark.django_db(transaction=True)]
SECONDS = 120
WRITERS = 4


def write(account, until, faults):
    """Write an entry with its detail in one transaction, again and again."""
    try:
        while time.monotonic() < until:
            with transaction.atomic():
                audit.record(by=account, action="soak.write", thing=account, summary="保存", after={"text": "记" * 500})
            time.sleep(0.01)
    except Exception as error:  # noqa: BLE001 - a thread must hand its failure to the test
        faults.append(repr(error))
    finally:
        connection.close()


def test_backups_under_load_are_whole(tmp_path):
    account, faults, held = AccountFactory(), [], []
    until = time.monotonic() + SECONDS
    threads = [threading.Thread(target=write, args=(account, until, faults)) for _ in range(WRITERS)]
    for thread in threads:
        thread.start()
    while time.monotonic() < until:
        made = backup.backup(tmp_path)
        backup.verify(made.path)
        held.append(counts(made.path, tmp_path) if connection.vendor == "sqlite" else (made.rows, made.rows))
        made.path.unlink()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(held) > 5
    assert all(entries == details for entries, details in held)
    assert [entries for entries, _ in held] == sorted(entries for entries, _ in held)
    assert held[-1][0] > held[0][0]


def counts(path, scratch):
    """Return how many entries and how many details a backup's database holds."""
    with zipfile.ZipFile(path) as archive:
        archive.extract("database.sqlite3", scratch)
    database = sqlite3.connect(scratch / "database.sqlite3")
    found = tuple(
        database.execute(f"SELECT COUNT(*) FROM branches_{table}").fetchone()[0]
        for table in ("auditentry", "auditdetail")
    )
    database.close()
    return found
