"""Clearing what deleted ballots leave in the database: free pages, the log ahead, dead rows. The owner's work.

Fails on any notice of the database: a clearing that was skipped must not pass for one that was done.
"""

import re

from django.db import Error as DatabaseFault
from django.db.backends.base.base import BaseDatabaseWrapper

from branches.database_roles import owner_connection
from grading.models import BallotCode, CodeExchange, SealedBallot

TABLES = tuple(model._meta.db_table for model in (SealedBallot, BallotCode, CodeExchange))
# What VACUUM VERBOSE says when all is well, in the languages a server may be set to.
_PLAIN = re.compile(r"^(INFO|信息|資訊)[:：]")
_FIRST_NUMBER = re.compile(r"\d+")


class TracesRemain(Exception):
    """Something of what was deleted may still be there; the message is a Chinese sentence. Try again later."""


def clear() -> None:
    """Rewrite what ballots and codes lay in, so that nothing deleted is left. Raises TracesRemain."""
    try:
        with owner_connection() as connection:
            if connection.vendor == "sqlite":
                _clear_sqlite(connection)
            else:
                _clear_postgres(connection)
    except DatabaseFault as fault:
        raise TracesRemain(f"数据库没有清除成功：{str(fault).strip()[:200]}") from fault


def _clear_sqlite(connection: BaseDatabaseWrapper) -> None:
    """Write the file anew without free pages, then empty the log ahead of it."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy, logged, _ = cursor.fetchone()
        if busy or logged > 0:
            raise TracesRemain("数据库还有别的读取没有结束，日志未能清空，稍后自动再试。")
        cursor.execute("PRAGMA freelist_count")
        if cursor.fetchone()[0]:
            raise TracesRemain("数据库文件里还有空闲页，稍后自动再试。")


def _clear_postgres(connection: BaseDatabaseWrapper) -> None:
    """Write each table anew; rows that an older transaction still sees would be carried over, so that is looked at."""
    connection.ensure_connection()
    notices: list[str] = connection.connection.notices
    with connection.cursor() as cursor:
        # Waiting long for its lock would hold up every voter behind it.
        cursor.execute("SET lock_timeout = '5s'")
        try:
            for table in TABLES:
                notices.clear()
                cursor.execute(f"VACUUM (FULL, VERBOSE) {connection.ops.quote_name(table)}")
                _check(notices)
        finally:
            cursor.execute("RESET lock_timeout")


def _check(notices: list[str]) -> None:
    """Raise TracesRemain unless the database said nothing but that no dead row is left."""
    said = [re.split(r"\n\S+[:：]\s*", notice.strip(), maxsplit=1) for notice in notices]
    if strange := [parts[0] for parts in said if not _PLAIN.match(parts[0])]:
        raise TracesRemain(f"数据库提示：{strange[0][:200]}")
    details = [found[0] for parts in said if len(parts) == 2 and (found := _FIRST_NUMBER.search(parts[1]))]
    if not details:
        raise TracesRemain("数据库没有说明清除的结果。")
    if any(number != "0" for number in details):
        raise TracesRemain("数据库里还有较早的事务，删除的行尚不能清除，稍后自动再试。")
