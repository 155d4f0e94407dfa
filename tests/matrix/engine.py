"""Reads the rows of expected answers, asks every view, and compares.

A row's cell says who gets which answer: "ok: office officer; 404: secretary; 403: *". Answers:

ok       the view did its work, or told a form's mistakes (status below 400, or 400, 409, 413, 422)
refused  as ok, but nothing at all may have been written: a foreign key in the data must not be taken
403      seen, but not allowed      404  must not even seem to exist      405  the method is not offered
login    sent to the sign-in page, or 401

`*` means everybody not named; an anonymous visitor gets `login` unless named. A method without a row is not offered:
nobody may get `ok` from it.
"""

import fnmatch
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.urls import get_resolver, reverse

from tests.guards import url_patterns
from tests.matrix.targets import TARGETS, Call, discover
from tests.matrix.world import ACCOUNTS, ANONYMOUS, World

ROWS = Path(__file__).parent / "rows"
METHODS = ("GET", "POST")
NOT_OFFERED = {"403", "404", "405", "login"}
ANSWERS = {"ok", "refused", "403", "404", "405", "login"}
# Everybody asks through the same client, as a new one would load the middleware anew; cookies say who it is.
BROWSER = Client(raise_request_exception=False)
# Own bookkeeping of a visit, and what somebody types: written by any request, belongs to nobody else.
BOOKKEEPING = re.compile(r'^(INSERT INTO|UPDATE|DELETE FROM) "(django_session|axes_\w+)"')
WRITES = re.compile(r"^(INSERT|UPDATE|DELETE|REPLACE)")


@dataclass(frozen=True, slots=True)
class Row:
    """The expected answers of one view: method → relation → account → answer."""

    target: str
    cells: dict[str, dict[str, dict[str, str]]]


class RowError(ValueError):
    """A row that says something impossible."""


def parse_cell(text: str) -> dict[str, str]:
    """Turn "ok: office; 403: *" into one answer per account."""
    given: dict[str, str] = {}
    for part in text.split(";"):
        answer, _, names = part.strip().partition(":")
        if answer not in ANSWERS:
            raise RowError(f"unknown answer {answer!r} in {text!r}")
        for name in names.split():
            if name != "*" and name not in ACCOUNTS:
                raise RowError(f"unknown account {name!r} in {text!r}")
            if name in given:
                raise RowError(f"{name} stands twice in {text!r}")
            given[name] = answer
    rest = given.pop("*", None)
    given.setdefault(ANONYMOUS, "login")
    missing = [name for name in ACCOUNTS if name not in given]
    if missing and rest is None:
        raise RowError(f"nothing said about {missing} in {text!r}")
    return {name: given.get(name, str(rest)) for name in ACCOUNTS}


def parse_row(name: str, raw: dict[str, Any]) -> Row:
    """Check and parse one row; every method must answer for every relation of its target."""
    row = Row(raw["target"], {})
    relations = TARGETS[row.target].relations
    for method, cells in raw.items():
        if method == "target":
            continue
        if method not in METHODS or set(cells) != set(relations):
            raise RowError(f"{name} {method}: expected a cell for each of {relations}, found {tuple(cells)}")
        row.cells[method] = {relation: parse_cell(text) for relation, text in cells.items()}
    return row


def load_rows() -> dict[str, Row]:
    """Return all rows by URL name or pattern (admin:*_changelist)."""
    discover()
    rows: dict[str, Row] = {}
    for path in sorted(ROWS.glob("*.toml")):
        for name, raw in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if name in rows:
                raise RowError(f"{name} has two rows")
            rows[name] = parse_row(name, raw)
    return rows


def url_names() -> list[str]:
    """Return the names of every view the resolver knows, the admin site included."""
    return sorted({name for _, name, _ in url_patterns(get_resolver().url_patterns) if name and not name.endswith(":")})


def row_of(name: str, rows: dict[str, Row]) -> Row | None:
    """Return the row of a view: its own, else the longest pattern that fits."""
    if name in rows:
        return rows[name]
    fitting = [pattern for pattern in rows if "*" in pattern and fnmatch.fnmatchcase(name, pattern)]
    return rows[max(fitting, key=len)] if fitting else None


def module_of_target(name: str, rows: dict[str, Row]) -> str:
    """Return which module of tests.matrix.targets makes what a view is asked about; "" without a row."""
    row = row_of(name, rows)
    return TARGETS[row.target].make.__module__.rpartition(".")[2] if row else ""


def without_row(names: Iterable[str], rows: dict[str, Row]) -> list[str]:
    """Return the views that have no row."""
    return [name for name in names if row_of(name, rows) is None]


def answer_of(response: Any) -> str:
    """Name the answer of a response."""
    status = response.status_code
    if status == 401 or (status in {301, 302} and "/login/" in response["Location"].partition("?")[0]):
        return "login"
    if status in {403, 404, 405}:
        return str(status)
    return "ok" if status < 400 or status in {400, 409, 410, 413, 422} else str(status)


def noting(writes: list[str]) -> Any:
    """Return a wrapper of queries that notes those which write; a full record would quote every value of each."""

    def note(execute: Any, sql: str, *more: Any) -> Any:
        statement = sql.strip()
        if WRITES.match(statement) and not BOOKKEEPING.match(statement):
            writes.append(statement)
        return execute(sql, *more)

    return note


class Visitors:
    """The cookies of one signed-in browser per account; every request begins with them."""

    def __init__(self, world: World) -> None:
        self.cookies: dict[str, str] = {}
        for name in ACCOUNTS:
            client = Client()
            if name != ANONYMOUS:
                client.force_login(world.accounts[name], backend=settings.AUTHENTICATION_BACKENDS[-1])
            self.cookies[name] = client.cookies.output(header="", sep=";")

    def ask(self, account: str, method: str, url: str, call: Call) -> tuple[Any, list[str]]:
        """Send a request, undo what it wrote, and return the response with the writing statements."""
        client = BROWSER
        client.cookies.clear()
        client.cookies.load(self.cookies[account])
        options = {"content_type": call.content_type} if call.content_type else {}
        writes: list[str] = []
        with transaction.atomic(), connection.execute_wrapper(noting(writes)):
            if method == "GET":
                response = client.get(url + call.query)
            else:
                response = client.post(url + call.query, call.data, **options)
            transaction.set_rollback(True)
        return response, writes


def fault(expected: str | None, answer: str, method: str, writes: list[str]) -> str | None:
    """Return what is wrong with an answer, else None; `expected` is None for a method that is not offered."""
    if expected is None:
        return None if answer in NOT_OFFERED else f"has no row for {method}, yet answers {answer}"
    if expected == "refused":
        return f"took foreign data: {writes[0][:120]}" if answer == "ok" and writes else None
    if answer != expected:
        return f"expected {expected}, got {answer}"
    if method == "GET" and writes:
        return f"a GET wrote: {writes[0][:120]}"
    return None


def check_view(name: str, row: Row, world: World, visitors: Visitors) -> Iterator[str]:
    """Ask one view in every way and yield each surprise as a line."""
    found = TARGETS[row.target]
    for relation in found.relations:
        call = found.make(world, relation, name)
        url = reverse(name, kwargs=call.kwargs)
        for method in METHODS:
            cells = row.cells.get(method)
            if cells is None and relation != found.relations[0]:
                continue  # a method that is not offered is so for every object
            for account in ACCOUNTS:
                response, writes = visitors.ask(account, method, url, call)
                expected = cells[relation][account] if cells else None
                if problem := fault(expected, answer_of(response), method, writes):
                    yield f"{method} {name} [{relation}] as {account}: {problem}"
