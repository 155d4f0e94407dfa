"""Two ways into the database: the web's, which changes rows, and the owner's, which changes tables (ADR 0018).

PostgreSQL: the web role owns nothing, so that it can neither drop, disable or truncate anything nor lift a guard;
`grant` gives it what it needs. SQLite has no roles: `restrict` puts an authorizer on the connections of web and worker.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg2 import sql

from branches import guards

OWNER, WEB = "owner", "web"


@contextmanager
def owner_connection() -> Iterator[BaseDatabaseWrapper]:
    """Yield a connection as the schema's owner, for the few things the web may not do; use its `alias` with the ORM.

    In a process of the owner (manage.py migrate, backup …, tests) that is the default connection. In a web or worker
    process it is a connection of its own, closed afterwards: do not open it inside a transaction of the other one.
    """
    if settings.DATABASE_ROLE == OWNER:
        yield connections["default"]
        return
    connection = connections[OWNER]
    try:
        yield connection
    finally:
        connection.close()


# --- SQLite -------------------------------------------------------------------------------------------------------

READ_PRAGMAS = frozenset({
    "compile_options", "data_version", "database_list", "foreign_keys", "journal_mode", "recursive_triggers",
    "synchronous", "user_version",
})  # fmt: skip
TABLE_PRAGMAS = frozenset({
    "foreign_key_check", "foreign_key_list", "index_info", "index_list", "index_xinfo", "integrity_check",
    "quick_check", "table_info", "table_list", "table_xinfo",
})  # fmt: skip
_ALLOWED = frozenset({
    sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT,
    sqlite3.SQLITE_RECURSIVE,
})  # fmt: skip
_WRITES = frozenset({sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})
_CHANGES = frozenset({sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})


def restrict(connection: BaseDatabaseWrapper) -> None:
    """Put the authorizer on an open SQLite connection: rows, no DDL, no ATTACH, no PRAGMA that sets."""
    insert_only = frozenset(guard.table for guard in guards.guards() if guard.insert_only)

    def authorize(action: int, first: str | None, second: str | None, *_: object) -> int:
        if action in _ALLOWED:
            return sqlite3.SQLITE_OK
        if action in _WRITES:
            table = (first or "").lower()
            kept = table.startswith("sqlite_") or (table in insert_only and action in _CHANGES)
            return sqlite3.SQLITE_DENY if kept else sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_DENY if (second or "").lower() == "load_extension" else sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_PRAGMA:
            pragma = (first or "").lower()
            read = pragma in TABLE_PRAGMAS or (second is None and pragma in READ_PRAGMAS)
            return sqlite3.SQLITE_OK if read else sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_DENY

    connection.connection.set_authorizer(authorize)


def on_connect(connection: BaseDatabaseWrapper) -> None:
    """Restrict each connection of a web or worker process as it opens, but not the owner's."""
    if settings.DATABASE_ROLE == WEB and connection.vendor == "sqlite" and connection.alias != OWNER:
        restrict(connection)


# --- PostgreSQL ---------------------------------------------------------------------------------------------------


def role_exists(connection: BaseDatabaseWrapper, role: str) -> bool:
    """Tell whether the server knows a role."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
        return cursor.fetchone() is not None


def create_role(connection: BaseDatabaseWrapper, role: str, password: str) -> None:
    """Create the web role: it may sign in, and nothing else until `grant`."""
    statement = sql.SQL(
        "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement.format(sql.Identifier(role), sql.Literal(password)))


_GRANTS = (
    "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    "REVOKE CREATE, TEMPORARY ON DATABASE {database} FROM PUBLIC",
    "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
    "GRANT USAGE ON SCHEMA public TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
)


def grant(connection: BaseDatabaseWrapper, role: str) -> None:
    """Give the web role rows to read and write, insert-only tables to add to, and nothing more; safe to run again."""
    present = set(connection.introspection.table_names())
    names = {"role": sql.Identifier(role), "database": sql.Identifier(str(connection.settings_dict["NAME"]))}
    with connection.cursor() as cursor:
        for statement in _GRANTS:
            cursor.execute(sql.SQL(statement).format(**names))
        for guard in guards.guards():
            if guard.insert_only and guard.table in present:
                rights = "DELETE" if guard.locked else "UPDATE, DELETE"
                text = f"REVOKE {rights} ON {{table}} FROM {{role}}"
                cursor.execute(sql.SQL(text).format(table=sql.Identifier(guard.table), **names))
        if "django_migrations" in present:
            cursor.execute(sql.SQL("REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {role}").format(**names))


def prepare(connection: BaseDatabaseWrapper) -> bool:
    """After a migrate: grant the web role its rights on new tables. Return whether there is one."""
    role = settings.DATABASE_WEB_ROLE
    if connection.vendor != "postgresql" or not role or not role_exists(connection, role):
        return False
    grant(connection, role)
    return True


_POWERS = """
WITH tables AS (SELECT c.oid, c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p'))
SELECT r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls,
       EXISTS (SELECT 1 FROM tables t WHERE pg_has_role(r.oid, t.relowner, 'MEMBER')),
       EXISTS (SELECT 1 FROM tables t WHERE has_table_privilege(r.oid, t.oid, 'TRUNCATE')),
       has_schema_privilege(r.oid, 'public', 'CREATE')
FROM pg_roles r WHERE r.rolname = %s
"""
_POWER_NAMES = ("超级用户", "可建角色", "可建库", "可复制", "不受行级限制", "是表的所有者", "可清空表", "可建表")


def excess(connection: BaseDatabaseWrapper, role: str) -> list[str]:
    """Return what a role may do beyond reading and writing rows, in words; [] for a proper web role."""
    with connection.cursor() as cursor:
        cursor.execute(_POWERS, [role])
        row: Any = cursor.fetchone()
    return ["没有这个角色"] if row is None else [said for said, has in zip(_POWER_NAMES, row, strict=True) if has]
