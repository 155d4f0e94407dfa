"""The whole way from points to a grade, as data that is shown, stored and computed again."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from grading.scoring.codec import decode, encode
from grading.scoring.composite import Composite, SourceScore
from grading.scoring.divergence import Divergence


@dataclass(frozen=True, slots=True)
class FigureValue:
    """A figure a gate or a system-filled item asked for; ``value`` is an exact share."""

    code: str
    name: str
    value: Fraction | None


@dataclass(frozen=True, slots=True)
class GradeName:
    """A grade as the round called it."""

    code: str
    label: str
    rank: int


@dataclass(frozen=True, slots=True)
class CutOffLine:
    """One line of the scale as it stood."""

    grade: GradeName
    minimum: Decimal


@dataclass(frozen=True, slots=True)
class GateOutcome:
    """A gate: the figure compared exactly, whether it failed, what it allows at best."""

    figure: str
    name: str
    value: Fraction | None
    minimum: Decimal
    best: GradeName | None
    failed: bool
    lowered: bool
    bars_promotion: bool


@dataclass(frozen=True, slots=True)
class VetoOutcome:
    """An established veto and what it did."""

    code: str
    text: str
    note: str
    effect: str
    grade: GradeName
    lowered: bool


@dataclass(frozen=True, slots=True)
class CapOutcome:
    """What a cap meant for this branch: ``state`` is kept, over (warning), lowered or tie."""

    grade: GradeName
    side: str
    mode: str
    group: str
    allowed: int
    counted: int
    place: int | None
    state: str


@dataclass(frozen=True, slots=True)
class Derivation:
    """Everything about one branch's computed grade. ``blockers`` say why there is none yet."""

    unit: str
    version: str
    algorithm: int
    places: int
    rubric: str
    sources: tuple[SourceScore, ...]
    figures: tuple[FigureValue, ...]
    composite: Composite
    lines: tuple[CutOffLine, ...]
    by_score: GradeName | None
    gates: tuple[GateOutcome, ...]
    vetoes: tuple[VetoOutcome, ...]
    veto_count: int
    caps: tuple[CapOutcome, ...]
    grade: GradeName | None
    bars_promotion: bool
    blockers: tuple[str, ...]
    divergence: Divergence | None

    @property
    def needs_person(self) -> bool:
        """Tell whether a tie at an enforced cap waits for a person."""
        return any(cap.state == "tie" and cap.mode == "enforced" for cap in self.caps)

    @property
    def satisfaction(self) -> Fraction | None:
        """Return the exact 满意率 of the first source that has one."""
        for source in self.sources:
            if source.appraisal is not None and source.appraisal.satisfaction is not None:
                return source.appraisal.satisfaction
        return None

    def source(self, code: str) -> SourceScore | None:
        """Return the source with ``code``, or None."""
        return next((source for source in self.sources if source.code == code), None)

    def to_json(self) -> str:
        """Return the storage form, the same text for the same derivation."""
        return json.dumps(self.to_data(), ensure_ascii=False, separators=(",", ":"), sort_keys=True)

    def to_data(self) -> dict[str, Any]:
        """Return plain values as a JSON column keeps them."""
        data: dict[str, Any] = encode(self)
        return data

    @classmethod
    def from_data(cls, data: object) -> Derivation:
        """Return the derivation of :meth:`to_data`. Raises ValueError when the data are none."""
        return decode(cls, data)

    @classmethod
    def from_json(cls, text: str) -> Derivation:
        """Return the derivation stored by :meth:`to_json`.

        Raises:
            ValueError: the text is not a stored derivation.
        """
        return cls.from_data(json.loads(text))

    def with_caps(self, caps: tuple[CapOutcome, ...], grade: GradeName | None) -> Derivation:
        """Return the derivation after the caps of its round."""
        return replace(self, caps=caps, grade=grade)


def differences(stored: Derivation, fresh: Derivation) -> tuple[str, ...]:
    """Return sentences on how a computation today differs from the stored one (a report, never a repair)."""
    if stored == fresh:
        return ()
    found = []
    if stored.algorithm != fresh.algorithm or stored.version != fresh.version:
        found.append(f"规则版本由 {stored.version} 变为 {fresh.version}。")
    if stored.composite.exact != fresh.composite.exact:
        found.append(f"综合得分由 {_shown(stored)} 变为 {_shown(fresh)}。")
    for before in stored.sources:
        after = fresh.source(before.code)
        if after is None or after.score != before.score or after.status != before.status:
            found.append(f"{before.name}的得分与存档不同。")
    if _label(stored) != _label(fresh):
        found.append(f"测算等级由 {_label(stored)} 变为 {_label(fresh)}。")
    return tuple(found) or ("推导过程的细节与存档不同。",)


def _shown(derivation: Derivation) -> str:
    rounded = derivation.composite.rounded
    return str(rounded) if rounded is not None else "—"


def _label(derivation: Derivation) -> str:
    return derivation.grade.label if derivation.grade is not None else "—"
