"""Rows that many tests stand on, made once for all tests in a row that ask for them.

`@shared` takes the place of `@pytest.fixture` above a function that makes rows:

    @shared
    def grading():
        return opened_round()

    grading = shared(opened_round)      # the same; modules that share a function share its rows

The rows are made in a transaction beneath that of the test, whose end takes back only what the test itself wrote, and
every test gets copies of the objects: it may change both as it likes. A shared fixture may ask for other shared ones of
its module, and for nothing else. Tests that do not ask see none of the rows; a test that commits (`transaction=True`)
gets rows of its own.
"""

import inspect
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction

Make = Callable[..., Any]
_makers: dict[int, Make] = {}  # by the identity of the fixture that stands in a module


@dataclass(frozen=True, slots=True)
class Layer:
    """What one function made: its rows' transaction, and the objects of all layers up to it, pickled."""

    make: Make
    rows: transaction.Atomic
    objects: bytes


class Ground:
    """The layers that lie beneath the tests at this moment."""

    def __init__(self) -> None:
        self.layers: list[Layer] = []

    def lay(self, wanted: dict[Make, list[Make]]) -> None:
        """Keep the layers that `wanted` (each with those it asks for) begins with, undo the others, add the missing."""
        makes = list(wanted)
        kept = 0
        while kept < min(len(makes), len(self.layers)) and self.layers[kept].make is makes[kept]:
            kept += 1
        self.undo(kept)
        for make in makes[kept:]:
            objects, rows = self.copies(), transaction.atomic()
            rows.__enter__()
            try:
                objects[make] = make(*(objects[other] for other in wanted[make]))
            except BaseException as fault:
                rows.__exit__(type(fault), fault, fault.__traceback__)
                raise
            self.layers.append(Layer(make, rows, pickle.dumps(list(objects.values()))))

    def undo(self, keep: int = 0) -> None:
        """Take back the rows of all layers above the first `keep`."""
        while len(self.layers) > keep:
            transaction.set_rollback(True)
            self.layers.pop().rows.__exit__(None, None, None)

    def copies(self) -> dict[Make, Any]:
        """Return the objects of all layers anew; those that were one object still are."""
        makes = [layer.make for layer in self.layers]
        return dict(zip(makes, pickle.loads(self.layers[-1].objects), strict=True)) if makes else {}


@pytest.fixture(scope="session")
def ground(django_db_setup: None, django_db_blocker: Any) -> Iterator[Ground]:
    """The rows shared in this process."""
    made = Ground()
    yield made
    with django_db_blocker.unblock():
        made.undo()


@pytest.fixture
def world_copies() -> dict[Make, Any]:
    """This test's copies of shared objects, by the function that made them."""
    return {}


def shared(make: Make) -> Any:
    """Turn `make` into a fixture whose rows are made once for tests in a row; see the head of this module."""
    asked = _required(make)

    @pytest.fixture
    def world(request: pytest.FixtureRequest, db: None, world_copies: dict[Make, Any]) -> Any:
        if make not in world_copies:
            world_copies[make] = make(*(request.getfixturevalue(name) for name in asked))
        return world_copies[make]

    _makers[id(world)] = make
    return world


def _required(make: Make) -> list[str]:
    """Return the names of a function's arguments that must be given."""
    given = inspect.signature(make).parameters.values()
    return [one.name for one in given if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD]


def _wanted(item: Any) -> dict[Make, list[Make]]:
    """Return the functions behind the shared fixtures of a test, each after those it asks for."""
    found: dict[Make, list[Make]] = {}

    def visit(name: str) -> Make | None:
        make = _makers.get(id(getattr(item.module, name, None)))
        if make and make not in found:
            below = [visit(other) for other in _required(make)]
            assert all(below), f"the shared fixture {name} asks for something that is not shared in its module"
            found[make] = [other for other in below if other]
        return make

    for name in item.fixturenames:
        visit(name)
    return found


def _commits(item: Any) -> bool:
    mark = item.get_closest_marker("django_db")
    asked = {"transactional_db", "live_server"} & set(item.fixturenames)
    return bool(asked) or bool(mark and mark.kwargs.get("transaction"))


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef: Any, request: Any) -> None:
    """Lay a test's ground before pytest-django's helper begins the transaction of the test itself."""
    if fixturedef.argname == "_django_db_helper":
        beneath: Ground = request.getfixturevalue("ground")
        with request.getfixturevalue("django_db_blocker").unblock():
            beneath.lay({} if _commits(request.node) else _wanted(request.node))
        request.getfixturevalue("world_copies").update(beneath.copies())
