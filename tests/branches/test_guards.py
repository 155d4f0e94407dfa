"""Rows that must never change are refused by the database itself; without the triggers the same statements pass."""

import pytest
from django.db import DatabaseError, connection, transaction

from branches import guards
from branches.models import AuditEntry
from tests.factories.branches import AuditEntryFactory, AuditSealFactory, TransitionLogFactory

pytestmark = pytest.mark.db
TABLES = {
    "branches_auditentry": (AuditEntryFactory, "summary"),
    "branches_auditseal": (AuditSealFactory, "digest"),
    "branches_transitionlog": (TransitionLogFactory, "reason"),
}


@pytest.fixture
def guarded():
    """Install the triggers within the test's transaction, which takes them away again."""
    guards.install(connection)
    yield
    guards.remove(connection)


def run(statement):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def refused(statement):
    try:
        run(statement)
    except DatabaseError as error:
        return "frozen" in str(error)
    return False


@pytest.mark.parametrize("table", TABLES)
def test_rows_are_frozen(table, guarded):
    factory, column = TABLES[table]
    factory()
    assert refused(f"UPDATE {table} SET {column} = 'x'")
    assert refused(f"DELETE FROM {table}")
    if connection.vendor == "postgresql":
        run("SET CONSTRAINTS ALL IMMEDIATE")
        assert refused(f"TRUNCATE {table} CASCADE")


@pytest.mark.parametrize("table", TABLES)
def test_negative_control_without_triggers_they_are_not(table):
    factory, column = TABLES[table]
    guards.remove(connection)
    factory()
    run(f"UPDATE {table} SET {column} = 'x'")
    run(f"DELETE FROM {table}")


def test_the_orm_is_refused_too(guarded):
    entry = AuditEntryFactory()
    for attempt in (
        lambda: AuditEntry.objects.update(summary="x"),
        lambda: AuditEntry.objects.all()._raw_delete("default"),
        lambda: AuditEntry.objects.bulk_update([entry], ["summary"]),
        entry.save,
    ):
        with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():
            attempt()


def test_installing_twice_is_fine(guarded):
    guards.install(connection)
    AuditEntryFactory()
    assert refused("DELETE FROM branches_auditentry")


@pytest.mark.parametrize("guard", guards.guards(), ids=lambda guard: guard.table)
def test_every_condition_asks_for_columns_that_exist(guard):
    """Both databases read a trigger's condition only when it fires."""
    conditions = [text for text in (guard.when, guard.arriving, guard.inserting) if text]
    for condition in conditions or ["1 = 1"]:
        run(f"SELECT 1 FROM {guard.table} AS one WHERE {condition.format(row='one')}")


def test_a_condition_narrows_the_guard(monkeypatch):
    guard = guards.Guard("branches_headerword", when="{row}.field = 'frozen'")
    monkeypatch.setattr(guards, "_guards", [guard])
    guards.install(connection)
    run("INSERT INTO branches_headerword (\"table\", field, word) VALUES ('t', 'frozen', 'a'), ('t', 'free', 'b')")
    assert refused("UPDATE branches_headerword SET word = 'c' WHERE field = 'frozen'")
    run("UPDATE branches_headerword SET word = 'c' WHERE field = 'free'")
    guards.remove(connection)
    run("UPDATE branches_headerword SET word = 'd' WHERE field = 'frozen'")
