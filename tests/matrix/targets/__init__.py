"""What the arguments of a view may point at. One module per app adds its targets; see docs/contributing.md.

A target is a function (world, relation, name) -> Call, `name` being the URL's. It is called once for each relation it
names, and may make rows.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.matrix.world import World


@dataclass(frozen=True, slots=True)
class Call:
    """Arguments of the URL, and what a POST sends."""

    kwargs: dict[str, Any] = field(default_factory=dict)
    data: Any = field(default_factory=dict)
    query: str = ""
    content_type: str | None = None


Make = Callable[[World, str, str], Call]


@dataclass(frozen=True, slots=True)
class Target:
    """A target and the relations it knows."""

    make: Make
    relations: tuple[str, ...]


TARGETS: dict[str, Target] = {}


def target(name: str, *relations: str) -> Callable[[Make], Make]:
    """Register a target under `name`; without relations there is only one, called `any`."""

    def register(make: Make) -> Make:
        if name in TARGETS:
            raise ValueError(f"two targets are called {name}")
        TARGETS[name] = Target(make, relations or ("any",))
        return make

    return register


@target("none")
def none(_world: World, _relation: str, _name: str) -> Call:
    """A URL without arguments."""
    return Call()


@target("list_file")
def list_file(_world: World, _relation: str, _name: str) -> Call:
    """A list page; a POST asks for its rows as a file."""
    return Call({}, {"format": "csv"})


def discover() -> None:
    """Import the modules of this package, so that their targets register."""
    for found in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{found.name}")
