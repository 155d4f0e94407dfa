"""The suite makes its tables straight from the models; here the migrations themselves are run, on both databases."""

import os
import subprocess
import sys
import uuid

import psycopg2
import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.utils import ConnectionHandler

from tests.conftest import ROOT

OURS = {"branches", "grading", "rectification", "interviews", "reporting"}
pytestmark = [pytest.mark.db, pytest.mark.long, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def empty_database(tmp_path):
    """Yield the settings of an empty database of the kind the session runs on, and its DATABASE_URL."""
    facts = connection.settings_dict
    if connection.vendor == "sqlite":
        path = tmp_path / "empty.sqlite3"
        yield {**facts, "NAME": str(path)}, f"sqlite:///{path}"
        return
    name, server = f"empty_{uuid.uuid4().hex}", f"postgres://{facts['USER']}@{facts['HOST']}:{facts['PORT']}"
    owner = psycopg2.connect(f"{server}/postgres")
    owner.autocommit = True
    cursor = owner.cursor()
    cursor.execute(f"CREATE DATABASE {name}")
    yield {**facts, "NAME": name}, f"{server}/{name}"
    cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    owner.close()


def shape(database):
    """Return table → column names, and table → names of its constraints that are not made up by the database."""
    with database.cursor() as cursor:
        tables = set(database.introspection.table_names(cursor)) - {"django_migrations"}
        columns = {
            table: sorted(column.name for column in database.introspection.get_table_description(cursor, table))
            for table in tables
        }
        named = {
            table: sorted(
                name
                for name, facts in database.introspection.get_constraints(cursor, table).items()
                if (facts["unique"] or facts["check"]) and "__" not in name and not facts["primary_key"]
            )
            for table in tables
        }
    return columns, named


@pytest.fixture
def written(settings):
    """Return every migration there is; the suite hides them from itself."""
    settings.MIGRATION_MODULES = {}
    return set(MigrationLoader(None).graph.nodes)


def migrated(database, tmp_path, *options):
    """Run `manage.py migrate` on an empty database; return its shape and the steps noted as done."""
    facts, url = database
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": url,
        "ZHIBU_VAR": str(tmp_path),
    }
    command = [sys.executable, str(ROOT / "manage.py"), "migrate", *options, "-v", "0"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    made = ConnectionHandler({"default": facts})["default"]
    with made.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        steps = set(cursor.fetchall())
    found = shape(made)
    made.close()
    return found, steps


def test_migrations_make_the_tables_of_the_models(empty_database, tmp_path, written):
    (columns, named), steps = migrated(empty_database, tmp_path, "--one-by-one")
    expected_columns, expected_named = shape(connection)
    assert columns == expected_columns
    ours = {table for table in columns if table.split("_")[0] in OURS}
    assert {table: named[table] for table in ours} == {table: expected_named[table] for table in ours}
    assert len(ours) > 40
    assert steps == written


def test_an_empty_database_gets_all_tables_at_once_and_knows_every_step(empty_database, tmp_path, written):
    found, steps = migrated(empty_database, tmp_path)
    assert found == shape(connection)
    assert steps == written
