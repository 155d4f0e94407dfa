"""Database triggers that refuse to change what must never change, for everyone but the schema's owner.

A guard is declared once, next to the app that owns the table (`protect`, while apps load), and becomes triggers on
SQLite and PostgreSQL alike. They are taken off before a migrate that changes tables and put back after it (SQLite drops
them when it rebuilds a table); `faults` tells doctor which are missing, switched off or not as declared.
docs/freezing.md.
"""

from dataclasses import dataclass

from django.db.backends.base.base import BaseDatabaseWrapper

INSERT, UPDATE, DELETE, TRUNCATE = "INSERT", "UPDATE", "DELETE", "TRUNCATE"
PREFIX = "zhibu_"


@dataclass(frozen=True, slots=True)
class Guard:
    """A table whose rows must not change.

    Conditions are SQL both databases know, about a row written `{row}`: {row}.frozen_at IS NOT NULL.

    Attributes:
        table: the table.
        when: rows of which this holds are neither updated nor deleted; every row where it is empty.
        arriving: no row of which this holds is inserted, or made so by an update.
        inserting: no row of which this holds is inserted; an update may make it so.
        locked: rows are locked for update by the web process, so PostgreSQL must leave it the right to update.
    """

    table: str
    when: str = ""
    arriving: str = ""
    inserting: str = ""
    locked: bool = False

    @property
    def insert_only(self) -> bool:
        """Tell whether rows are only ever added."""
        return not self.when

    @property
    def operations(self) -> tuple[str, ...]:
        """What the triggers look at, row by row."""
        return (INSERT, UPDATE, DELETE) if self.arriving or self.inserting else (UPDATE, DELETE)

    def condition(self, operation: str) -> str:
        """Return the SQL under which an operation on a row is refused."""
        old = f"({self.when.format(row='OLD')})" if self.when else "(1 = 1)"
        arriving = [f"({text.format(row='NEW')})" for text in (self.arriving,) if text]
        inserting = [f"({text.format(row='NEW')})" for text in (self.inserting,) if text]
        parts = {INSERT: arriving + inserting, UPDATE: [old, *arriving], DELETE: [old]}[operation]
        return " OR ".join(parts)


_guards: list[Guard] = [
    Guard("branches_auditentry"),
    Guard("branches_auditseal", locked=True),
    Guard("branches_transitionlog"),
]


def protect(*guards: Guard) -> None:
    """Add tables to guard (called while apps load)."""
    for guard in guards:
        if any(other.table == guard.table and other != guard for other in _guards):
            raise ValueError(f"{guard.table} has a guard already")
        if guard not in _guards:
            _guards.append(guard)


def guards() -> tuple[Guard, ...]:
    """Return all guards."""
    return tuple(_guards)


def name(guard: Guard, operation: str) -> str:
    """Return the name of a trigger, and on PostgreSQL of its function."""
    return f"{PREFIX}{guard.table}_{operation.lower()}"


def _sqlite(guard: Guard, operation: str) -> str:
    return (
        f"CREATE TRIGGER {name(guard, operation)} BEFORE {operation} ON {guard.table} "
        f"WHEN {guard.condition(operation)} "
        f"BEGIN SELECT RAISE(ABORT, 'zhibu: {guard.table} is frozen'); END"
    )


def _body(guard: Guard, operation: str) -> str:
    """Return the body of a PostgreSQL trigger's function; its condition may ask other tables."""
    refuse = f"RAISE EXCEPTION 'zhibu: {guard.table} is frozen'"
    if operation == TRUNCATE:
        return f"BEGIN {refuse}; END"
    row = "OLD" if operation == DELETE else "NEW"
    return f"BEGIN IF {guard.condition(operation)} THEN {refuse}; END IF; RETURN {row}; END"


def _postgres(guard: Guard, operation: str) -> tuple[str, ...]:
    trigger, extent = name(guard, operation), "STATEMENT" if operation == TRUNCATE else "ROW"
    language = "LANGUAGE plpgsql SET search_path = public, pg_temp"
    return (
        f"CREATE OR REPLACE FUNCTION {trigger}() RETURNS trigger AS $zhibu${_body(guard, operation)}$zhibu$ {language}",
        f"CREATE TRIGGER {trigger} BEFORE {operation} ON {guard.table} FOR EACH {extent} EXECUTE FUNCTION {trigger}()",
        f"ALTER TABLE {guard.table} ENABLE ALWAYS TRIGGER {trigger}",
    )


def _wanted(connection: BaseDatabaseWrapper) -> list[tuple[Guard, str]]:
    """Return every trigger there should be; tables that do not exist (yet) are left out."""
    present = set(connection.introspection.table_names())
    last = (TRUNCATE,) if connection.vendor == "postgresql" else ()
    return [(guard, one) for guard in _guards if guard.table in present for one in (*guard.operations, *last)]


def install(connection: BaseDatabaseWrapper) -> None:
    """Create or replace all triggers; safe to run again. Needs the schema's owner."""
    remove(connection)
    with connection.cursor() as cursor:
        for guard, operation in _wanted(connection):
            if connection.vendor == "sqlite":
                cursor.execute(_sqlite(guard, operation))
                continue
            for statement in _postgres(guard, operation):
                cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop all our triggers, those of former versions too (tests that flush, tables about to change)."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            for trigger in _stored_sqlite(connection):
                cursor.execute(f"DROP TRIGGER {trigger}")
            return
        for trigger, table, *_ in _stored_postgres(connection):
            cursor.execute(f"DROP TRIGGER {trigger} ON {table}")


def _stored_sqlite(connection: BaseDatabaseWrapper) -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, 6) = 'zhibu_'")
        return dict(cursor.fetchall())


def _stored_postgres(connection: BaseDatabaseWrapper) -> list[tuple[str, str, str, str]]:
    """Return trigger, table, the body of its function and whether it is enabled ('A': always)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.tgname, t.tgrelid::regclass::text, p.prosrc, t.tgenabled "
            "FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
            "WHERE NOT t.tgisinternal AND left(t.tgname, 6) = 'zhibu_'"
        )
        return cursor.fetchall()


def faults(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of triggers that are missing, switched off, or not as declared."""
    wanted = _wanted(connection)
    if connection.vendor == "sqlite":
        stored = _stored_sqlite(connection)
        return [name(*one) for one in wanted if stored.get(name(*one)) != _sqlite(*one)]
    found = {trigger: (body, enabled) for trigger, _, body, enabled in _stored_postgres(connection)}
    return [name(*one) for one in wanted if found.get(name(*one)) != (_body(*one), "A")]
