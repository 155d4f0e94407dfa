"""Database triggers that refuse to change what must never change, for everyone but the schema's owner.

SQLite drops triggers when a table is rebuilt, so they are put back after every migrate. On PostgreSQL a TRUNCATE guard
goes with them. Upper apps add their tables with `protect`.
"""

from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper


@dataclass(frozen=True, slots=True)
class Guard:
    """A table whose rows may not be updated or deleted; `when` narrows it (SQL on OLD), e.g. OLD.frozen."""

    table: str
    when: str = ""
    operations: tuple[str, ...] = ("UPDATE", "DELETE")


_guards: list[Guard] = [
    Guard("branches_auditentry"),
    Guard("branches_auditseal"),
    Guard("branches_transitionlog"),
]


def protect(guard: Guard) -> None:
    """Add a table to guard (called while apps load)."""
    if guard not in _guards:
        _guards.append(guard)


def guards() -> tuple[Guard, ...]:
    """Return all guards."""
    return tuple(_guards)


def _name(guard: Guard, operation: str) -> str:
    return f"zhibu_{guard.table}_{operation.lower()}"


def _sqlite(guard: Guard, operation: str) -> str:
    when = f"WHEN {guard.when}" if guard.when else ""
    return (
        f"CREATE TRIGGER {_name(guard, operation)} BEFORE {operation} ON {guard.table} {when} "
        f"BEGIN SELECT RAISE(ABORT, 'zhibu: {guard.table} is frozen'); END"
    )


def _postgres(guard: Guard, operation: str) -> str:
    when = f"WHEN ({guard.when})" if guard.when else ""
    return (
        f"CREATE TRIGGER {_name(guard, operation)} BEFORE {operation} ON {guard.table} "
        f"FOR EACH ROW {when} EXECUTE FUNCTION zhibu_refuse()"
    )


_FUNCTION = """
CREATE OR REPLACE FUNCTION zhibu_refuse() RETURNS trigger AS $$
BEGIN RAISE EXCEPTION 'zhibu: % is frozen', TG_TABLE_NAME; END $$ LANGUAGE plpgsql
"""


def install(connection: BaseDatabaseWrapper) -> None:
    """Create or replace all triggers; safe to run again. Tables that do not exist yet are left out."""
    remove(connection)
    present = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_FUNCTION)
        for guard in _guards:
            if guard.table not in present:
                continue
            for operation in guard.operations:
                if connection.vendor == "postgresql":
                    cursor.execute(_postgres(guard, operation))
                else:
                    cursor.execute(_sqlite(guard, operation))
            if connection.vendor == "postgresql" and not guard.when:
                cursor.execute(
                    f"CREATE TRIGGER {_name(guard, 'truncate')} BEFORE TRUNCATE ON {guard.table} "
                    "FOR EACH STATEMENT EXECUTE FUNCTION zhibu_refuse()"
                )


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop all triggers (tests that flush, and restore)."""
    present = set(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for guard in _guards:
            if guard.table not in present:
                continue
            for operation in (*guard.operations, "TRUNCATE"):
                if connection.vendor == "postgresql":
                    cursor.execute(f"DROP TRIGGER IF EXISTS {_name(guard, operation)} ON {guard.table}")
                else:
                    cursor.execute(f"DROP TRIGGER IF EXISTS {_name(guard, operation)}")
