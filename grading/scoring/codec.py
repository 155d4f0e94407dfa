"""Frozen dataclasses to plain JSON values and back, exact numbers as text."""

from __future__ import annotations

import types
import typing
from dataclasses import MISSING, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")
SEQUENCE = (tuple, list)
PLAIN = frozenset({type(None), bool, int, str})
_NAMES: dict[type[Any], tuple[str, ...] | None] = {}


def encode(value: object) -> Any:
    """Return ``value`` as JSON can hold it: Decimal and Fraction become text, tuples lists."""
    kind: type[Any] = type(value)
    if kind in PLAIN:
        return value
    names = _names_of(kind)
    if names is not None:
        return {name: encode(getattr(value, name)) for name in names}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal | Fraction):
        return str(value)
    if isinstance(value, SEQUENCE):
        return [encode(item) for item in value]
    raise TypeError(f"{type(value).__name__} cannot be stored")


def _names_of(kind: type[Any]) -> tuple[str, ...] | None:
    """Return the field names of a dataclass or a named tuple, None for any other type."""
    if kind not in _NAMES:
        named = tuple(field.name for field in fields(kind)) if is_dataclass(kind) else None
        _NAMES[kind] = named or getattr(kind, "_fields", None)
    return _NAMES[kind]


@cache
def _optional(kind: Any) -> frozenset[str]:
    """Return the fields with a default: what was stored before they existed does not name them."""
    if not is_dataclass(kind):
        return frozenset(getattr(kind, "_field_defaults", ()))
    return frozenset(field.name for field in fields(kind) if field.default is not MISSING)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def decode(kind: type[T], data: object) -> T:
    """Return the dataclass ``kind`` from what :func:`encode` made of it.

    Raises:
        ValueError: the data do not have the shape of ``kind``.
    """
    try:
        return typing.cast("T", _decode(kind, data))
    except (KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(f"not a stored {kind.__name__}: {error}") from error


def restore(kind: Any, data: Any) -> Any:
    """Return one value by its type hint, which need not be a dataclass. Raises ValueError when it is none of that."""
    try:
        return _decode(kind, data)
    except (KeyError, TypeError, ArithmeticError) as error:
        raise ValueError(f"not a stored {kind}: {error}") from error


def _decode(kind: Any, data: Any) -> Any:
    """Rebuild one value by its type hint."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        if data is None:
            return None
        inner = [member for member in typing.get_args(kind) if member is not type(None)]
        return _decode(inner[0], data)
    if origin is tuple:
        members = typing.get_args(kind)
        if len(members) == 2 and members[1] is Ellipsis:
            return tuple(_decode(members[0], item) for item in data)
        return tuple(_decode(member, item) for member, item in zip(members, data, strict=True))
    if is_dataclass(kind) or hasattr(kind, "_fields"):
        hints = _hints(typing.cast("type", kind))
        build: Any = kind
        later = _optional(kind)
        return build(
            **{name: _decode(hint, data[name]) for name, hint in hints.items() if name in data or name not in later}
        )
    if kind in (Decimal, Fraction):
        return kind(data)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    if kind in (str, int, bool) and type(data) is kind:
        return data
    raise TypeError(f"{data!r} is no {kind}")
