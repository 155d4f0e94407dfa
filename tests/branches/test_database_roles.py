"""Web and owner: what the web's connection may and may not do, and how an owner's connection is had."""

import subprocess
import sys

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection, connections

from branches import database_roles, guards
from branches.models import AuditEntry, HeaderWord
from reporting import doctor
from tests.conftest import ROOT
from tests.databases import as_web, installed, make_role, web_role
from tests.factories.branches import AuditEntryFactory

pytestmark = [pytest.mark.db, pytest.mark.django_db(transaction=True)]


def test_the_web_reads_writes_and_locks_rows():
    AuditEntryFactory()
    with installed(), as_web() as web:
        HeaderWord.objects.using("web").create(table="t", field="f", word="甲")
        HeaderWord.objects.using("web").filter(word="甲").update(word="乙")
        HeaderWord.objects.using("web").filter(word="乙").delete()
        assert AuditEntry.objects.using("web").count() == 1
        with web.cursor() as cursor:
            assert "branches_auditentry" in web.introspection.table_names(cursor)
            assert web.introspection.get_table_description(cursor, "branches_auditentry")
            if web.vendor == "sqlite":
                assert cursor.execute("PRAGMA journal_mode").fetchone() == ("wal",)
                assert cursor.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)


def test_insert_only_tables_are_closed_to_the_web_even_without_triggers():
    AuditEntryFactory()
    with as_web():
        for act in (lambda rows: rows.update(summary="x"), lambda rows: rows._raw_delete("web")):
            with pytest.raises(DatabaseError):
                act(AuditEntry.objects.using("web"))
    assert AuditEntry.objects.update(summary="x") == 1


def test_in_a_process_of_the_owner_the_usual_connection_is_the_owners():
    with database_roles.owner_connection() as owner:
        assert owner is connections["default"]


def test_missing_changed_and_disabled_triggers_are_named():
    with installed():
        assert guards.faults(connection) == []
        drop = "DROP TRIGGER zhibu_grading_result_update" + (
            " ON grading_result" if connection.vendor == "postgresql" else ""
        )
        with connection.cursor() as cursor:
            cursor.execute(drop)
            if connection.vendor == "postgresql":
                cursor.execute("ALTER TABLE grading_result DISABLE TRIGGER zhibu_grading_result_delete")
                cursor.execute("ALTER TABLE grading_round ENABLE TRIGGER zhibu_grading_round_update")
                expected = {"zhibu_grading_result_update", "zhibu_grading_result_delete", "zhibu_grading_round_update"}
            else:
                cursor.execute("DROP TRIGGER zhibu_grading_round_delete")
                cursor.execute(
                    "CREATE TRIGGER zhibu_grading_round_delete BEFORE DELETE ON grading_round BEGIN SELECT 1; END"
                )
                expected = {"zhibu_grading_result_update", "zhibu_grading_round_delete"}
        assert set(guards.faults(connection)) == expected
        assert doctor.check_guards().state == "bad"
        guards.install(connection)
        assert (guards.faults(connection), doctor.check_guards().state) == ([], "ok")


def test_a_role_with_too_much_power_is_named(settings):
    if connection.vendor == "sqlite":
        assert doctor.check_roles().state == "ok"
        return
    assert doctor.check_roles().state == "warn"
    owner = connection.settings_dict["USER"]
    assert "是表的所有者" in database_roles.excess(connection, owner)
    with as_web():
        assert database_roles.excess(connection, web_role()) == []
        settings.DATABASE_WEB_ROLE = web_role()
        assert doctor.check_roles().state == "ok"
        with connection.cursor() as cursor:
            cursor.execute(f"GRANT TRUNCATE ON grading_result TO {web_role()}")
        assert "可清空表" in doctor.check_roles().said
        database_roles.prepare(connection)
        assert doctor.check_roles().state == "ok"
    assert database_roles.excess(connection, "nobody_at_all") == ["没有这个角色"]


def test_the_command_makes_the_role(settings, capsys):
    if connection.vendor == "sqlite":
        call_command("database_roles")
        assert "不需要" in capsys.readouterr().out
        return
    with pytest.raises(CommandError, match="DATABASE_OWNER_URL"):
        call_command("database_roles")
    settings.DATABASE_WEB_ROLE = connection.settings_dict["USER"]
    with pytest.raises(CommandError, match="同一个用户名"):
        call_command("database_roles")
    with as_web():  # takes the role away again
        settings.DATABASE_WEB_ROLE = web_role()
        call_command("database_roles")
    guards.remove(connection)
    assert "不能改表" in capsys.readouterr().out


WEB_PROCESS = """
import os
os.environ["ZHIBU_DATABASE_ROLE"] = "web"
import django
django.setup()
from django.db import DatabaseError, connection
from branches.database_roles import owner_connection
def tried(one, statement):
    try:
        with one.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError:
        return "refused"
    return "done"
print(tried(connection, "CREATE TABLE mine (id integer)"))
with owner_connection() as owner:
    print(owner.alias, tried(owner, "CREATE TABLE mine (id integer)"), tried(owner, "DROP TABLE mine"))
print(tried(connection, "SELECT 1 FROM branches_account"))
"""


def test_a_web_process_is_restricted_and_has_the_owner_beside_it(process_environment):
    environment = process_environment
    if connection.vendor == "postgresql":
        url = environment["DATABASE_URL"]
        environment = environment | {
            "DATABASE_OWNER_URL": url,
            "DATABASE_URL": url.replace(f"//{connection.settings_dict['USER']}@", f"//{web_role()}@"),
        }
        make_role()
    try:
        done = subprocess.run(
            [sys.executable, "-c", WEB_PROCESS], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
    finally:
        if connection.vendor == "postgresql":
            with as_web():
                pass
    assert (done.stdout.splitlines(), done.stderr) == (["refused", "owner done done", "done"], "")
