"""All factories by the model they make."""

import importlib
import pkgutil
from typing import Any

import factory

import tests.factories


def model_factories() -> dict[Any, type[factory.Factory]]:
    """Return the factory of every model; of several for one model, the first in its module."""
    found: dict[Any, type[factory.Factory]] = {}
    for info in pkgutil.iter_modules(tests.factories.__path__):
        module = importlib.import_module(f"tests.factories.{info.name}")
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, factory.Factory) and thing._meta.model:
                found.setdefault(thing._meta.model, thing)
    return found
