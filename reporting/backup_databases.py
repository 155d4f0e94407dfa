"""How each database is copied, checked and filled: SQLite by its own backup interface, PostgreSQL by pg_dump."""

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader

SQLITE_FILE, POSTGRES_FILE = "database.sqlite3", "database.dump"
# Bookkeeping that the act of restoring may itself change.
UNCOUNTED = {"django_session"}
NAME = re.compile(r"^[a-z_][a-z0-9_]*$")


class BackupError(RuntimeError):
    """Why a backup, a verification or a restore is not possible; the message is a Chinese sentence."""


@dataclass(frozen=True, slots=True)
class Dump:
    """A consistent copy of the database, with what was in it at that moment."""

    path: Path
    engine: str
    migrations: list[str]
    rows: dict[str, int]


def _tables(names: Iterable[str]) -> list[str]:
    return sorted(
        name for name in names if NAME.match(name) and name not in UNCOUNTED and not name.startswith("sqlite_")
    )


def count_rows() -> dict[str, int]:
    """Return the number of rows of each table of the connected database."""
    rows = {}
    with connection.cursor() as cursor:
        for table in _tables(connection.introspection.table_names(cursor)):
            cursor.execute(f'SELECT COUNT(*) FROM "{table}"')  # noqa: S608 - names come from the database and are checked
            rows[table] = cursor.fetchone()[0]
    return rows


def _applied() -> list[str]:
    loader = MigrationLoader(connection)
    return sorted(f"{app}.{name}" for app, name in loader.applied_migrations)


def known_migrations() -> set[str]:
    """Return the migrations this version of the product has."""
    return {f"{app}.{name}" for app, name in MigrationLoader(None, ignore_no_migrations=True).disk_migrations}


def size() -> int:
    """Return roughly how many bytes the database takes."""
    if connection.vendor == "sqlite":
        path = Path(connection.settings_dict["NAME"])
        return path.stat().st_size if path.exists() else 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def is_empty() -> bool:
    """Return whether nobody uses the connected database yet: it has no account."""
    with connection.cursor() as cursor:
        if "branches_account" not in connection.introspection.table_names(cursor):
            return True
        cursor.execute("SELECT COUNT(*) FROM branches_account")
        return cursor.fetchone()[0] == 0


# --- SQLite -------------------------------------------------------------------------------------------------------


def _count_in(database: sqlite3.Connection) -> dict[str, int]:
    names = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        table: database.execute(f'SELECT COUNT(*) FROM "{table}"').fetchone()[0]  # noqa: S608 - names are checked
        for table in _tables(names)
    }


def _dump_sqlite(directory: Path) -> Dump:
    connection.ensure_connection()
    path = directory / SQLITE_FILE
    with closing(sqlite3.connect(path)) as copy:
        connection.connection.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        rows = _count_in(copy)
    return Dump(path, "sqlite", _applied(), rows)


def _check_sqlite(path: Path, manifest: dict[str, Any]) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        answer = database.execute("PRAGMA integrity_check").fetchone()[0]
        if answer != "ok":
            raise BackupError(f"备份里的数据库不完整：{answer}")
        if _count_in(database) != manifest["rows"]:
            raise BackupError("备份里的数据库行数与清单不符。")


def _load_sqlite(path: Path) -> None:
    target = Path(connection.settings_dict["NAME"])
    connection.close()
    for suffix in ("-wal", "-shm"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    staged = target.with_name(target.name + ".restoring")
    shutil.copyfile(path, staged)
    staged.chmod(0o600)
    staged.replace(target)


# --- PostgreSQL ---------------------------------------------------------------------------------------------------


def _program(name: str) -> str:
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    found = str(installed[-1]) if installed else shutil.which(name)
    if not found:
        raise BackupError(f"找不到 {name}：请安装与数据库同版本的 postgresql-client。")
    return found


def _run(arguments: list[str]) -> None:
    facts = connection.settings_dict
    given = {"PGHOST": facts["HOST"], "PGPORT": facts["PORT"], "PGUSER": facts["USER"], "PGPASSWORD": facts["PASSWORD"]}
    environment = {**os.environ, **{key: str(value) for key, value in given.items() if value}}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if done.returncode:
        raise BackupError(f"{Path(arguments[0]).name} 没有成功：{done.stderr.strip()[-400:]}")


def _dump_postgres(directory: Path) -> Dump:
    path = directory / POSTGRES_FILE
    if connection.in_atomic_block:
        raise BackupError("不能在事务中备份。")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = cursor.fetchone()[0]
        rows, migrations = count_rows(), _applied()
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={path}"]
        _run([_program("pg_dump"), *options, f"--dbname={connection.settings_dict['NAME']}"])
    return Dump(path, "postgresql", migrations, rows)


def _check_postgres(path: Path) -> None:
    _run([_program("pg_restore"), "--file=/dev/null", str(path)])


def _load_postgres(path: Path) -> None:
    name = connection.settings_dict["NAME"]
    connection.close()
    options = ["--no-owner", "--no-privileges", "--clean", "--if-exists", "--single-transaction", "--exit-on-error"]
    _run([_program("pg_restore"), *options, f"--dbname={name}", str(path)])


# --- Either -------------------------------------------------------------------------------------------------------


def dump(directory: Path) -> Dump:
    """Write a consistent copy of the connected database into `directory`. Raises BackupError."""
    return _dump_sqlite(directory) if connection.vendor == "sqlite" else _dump_postgres(directory)


def check(path: Path, manifest: dict[str, Any]) -> None:
    """Open a copy and see that it is whole. Raises BackupError."""
    if manifest["engine"] == "sqlite":
        _check_sqlite(path, manifest)
    else:
        _check_postgres(path)


def load(path: Path) -> None:
    """Fill the connected, empty database from a copy. Raises BackupError."""
    if connection.vendor == "sqlite":
        _load_sqlite(path)
    else:
        _load_postgres(path)
