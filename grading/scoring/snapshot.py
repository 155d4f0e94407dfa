"""What a frozen grade was computed from, as plain values: the round's rules, its rubrics, what one branch handed in.

Kept with a final round, so that its grades can be computed again from nothing but what was frozen.
"""

from __future__ import annotations

import hashlib
import json
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from grading.scoring import codec
from grading.scoring.composite import (
    AnnualInput,
    CountsInput,
    ExemptInput,
    MissingInput,
    SheetInput,
    SourceInput,
)
from grading.scoring.derivation import Derivation, differences
from grading.scoring.grade import UnitInput, grade_round
from grading.scoring.rules import RoundRules, RubricRule

_KINDS: dict[str, type[Any]] = {
    "sheet": SheetInput,
    "counts": CountsInput,
    "annual": AnnualInput,
    "exempt": ExemptInput,
    "missing": MissingInput,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


@dataclass(frozen=True, slots=True)
class Frozen:
    """The rules and rubrics of a round as plain values, with the digest over both."""

    rules: dict[str, Any]
    rubrics: dict[str, Any]

    @property
    def digest(self) -> str:
        """Return the SHA-256 over rules and rubrics."""
        return digest_of({"rules": self.rules, "rubrics": self.rubrics})


def digest_of(data: object) -> str:
    """Return the SHA-256 of plain values, the same whatever the order of their names."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def rubric_key(rubric: RubricRule) -> str:
    """Return how a rubric is named among those of a round."""
    return f"{rubric.code}/{rubric.version}"


def freeze(rules: RoundRules, rubrics: Iterable[RubricRule]) -> Frozen:
    """Return the rules of a round, and every rubric it uses once."""
    return Frozen(codec.encode(rules), {rubric_key(rubric): codec.encode(rubric) for rubric in rubrics})


def freeze_unit(given: UnitInput) -> dict[str, Any]:
    """Return what one branch brought in, without its rubric's text."""
    return {
        "unit": given.unit,
        "group": given.group,
        "rubric": rubric_key(given.rubric),
        "sources": {code: _source_data(source) for code, source in given.sources.items()},
        "figures": {code: codec.encode(value) for code, value in given.figures.items()},
        "vetoes": codec.encode(given.vetoes),
    }


def thaw(frozen: Frozen, units: Iterable[Mapping[str, Any]]) -> tuple[RoundRules, list[UnitInput]]:
    """Return the values arithmetic works with from what was frozen. Raises ValueError when they are not that."""
    rules = codec.decode(RoundRules, frozen.rules)
    rubrics = {key: codec.decode(RubricRule, data) for key, data in frozen.rubrics.items()}
    hints = typing.get_type_hints(UnitInput)
    return rules, [
        UnitInput(
            unit=data["unit"],
            group=data["group"],
            rubric=rubrics[data["rubric"]],
            sources={code: _source_of(source) for code, source in data["sources"].items()},
            figures=_field(hints["figures"], data["figures"]),
            vetoes=_field(hints["vetoes"], data["vetoes"]),
        )
        for data in units
    ]


def drift_of(stored: Derivation, fresh: Derivation) -> tuple[str, ...]:
    """Return how a branch differs by itself: caps count the others, which answer for themselves."""
    return differences(stored.with_caps((), stored.grade), fresh.with_caps((), fresh.grade))


def recheck(frozen: Frozen, units: Iterable[Mapping[str, Any]], stored: Iterable[Derivation]) -> list[tuple[str, ...]]:
    """Compute a round again from what was frozen; return per branch how the frozen derivation differs from that."""
    rules, given = thaw(frozen, units)
    fresh = grade_round(rules, given).derivations
    return [drift_of(old, new) for old, new in zip(stored, fresh, strict=True)]


def _source_data(source: SourceInput | None) -> dict[str, Any] | None:
    if source is None:
        return None
    data: dict[str, Any] = {"kind": _NAMES[type(source)]}
    for field in fields(source):
        value = getattr(source, field.name)
        data[field.name] = (
            {key: codec.encode(one) for key, one in value.items()}
            if isinstance(value, Mapping)
            else codec.encode(value)
        )
    return data


def _source_of(data: Mapping[str, Any] | None) -> SourceInput | None:
    if data is None:
        return None
    kind = _KINDS[data["kind"]]
    hints = typing.get_type_hints(kind)
    source: SourceInput = kind(**{name: _field(hint, data[name]) for name, hint in hints.items() if name in data})
    return source


def _field(hint: Any, data: Any) -> Any:
    """Rebuild one field; mappings are kept by name, everything else as the codec keeps it."""
    members = typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        if data is None:
            return None
        inner = [member for member in members if member is not types.NoneType]
        if len(inner) == 1:
            return _field(inner[0], data)
    if typing.get_origin(hint) is Mapping:
        return {key: _field(members[1], value) for key, value in data.items()}
    return codec.restore(hint, data)
