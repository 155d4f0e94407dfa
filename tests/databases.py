"""The database as web and owner see it: guards in place, and a connection that may only change rows.

The suite's own connection is the owner's: it makes tables and flushes them. A test that puts guards in place takes them
away before that flush; `guarded` and `web_connection` do so by themselves.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from branches import database_roles, guards

WEB = "web"


@contextmanager
def installed() -> Iterator[None]:
    """Have every guard in place for the block."""
    guards.install(connection)
    try:
        yield
    finally:
        guards.remove(connection)


def web_role() -> str:
    """Return the name of this process's web role: roles belong to the whole server."""
    return f"zhibu_web_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"


def make_role() -> None:
    """Create the web role and grant it its rights, as `manage.py database_roles` does."""
    if not database_roles.role_exists(connection, web_role()):
        database_roles.create_role(connection, web_role(), "web")
    database_roles.grant(connection, web_role())


def drop_role() -> None:
    """Take the role away again."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP OWNED BY {web_role()}")
        cursor.execute(f"DROP ROLE {web_role()}")


@contextmanager
def as_web() -> Iterator[BaseDatabaseWrapper]:
    """Yield a connection to the test database as the web process has it; `using="web"` reaches it."""
    facts = {**connection.settings_dict, "CONN_MAX_AGE": 0}
    postgres = connection.vendor == "postgresql"
    if postgres:
        make_role()
        facts |= {"USER": web_role(), "PASSWORD": "web"}
    connections.settings[WEB] = facts
    web = connections[WEB]
    try:
        web.connect()  # not ensure_connection: Django's test cases allow that to the aliases of the settings only
        if not postgres:
            database_roles.restrict(web)
        yield web
    finally:
        web.close()
        del connections[WEB]
        del connections.settings[WEB]
        if postgres:
            drop_role()


@pytest.fixture
def guarded(transactional_db: None) -> Iterator[None]:
    """Guards in place, for a test that commits."""
    del transactional_db
    with installed():
        yield


@pytest.fixture
def web(guarded: None) -> Iterator[BaseDatabaseWrapper]:
    """The web's connection to a guarded database."""
    del guarded
    with as_web() as one:
        yield one
