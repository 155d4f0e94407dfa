"""What importing a roster would change, and what it did change."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from branches.intake.shapes import Problem, RosterReading, RosterRow, has_errors


class Step(StrEnum):
    """What happens to one node."""

    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"

    @property
    def zh(self) -> str:
        """新增, 变更 or 无变化."""
        return {"new": "新增", "changed": "变更", "unchanged": "无变化"}[self.value]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One fact before and after, as a person reads them; "" stands for nothing yet."""

    field: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class UnitEntry:
    """A general branch the roster names: already in the tree, or to be set up."""

    step: Step
    name: str
    branch_id: int | None
    branches: int  # rows under it


@dataclass(frozen=True)
class BranchEntry:
    """A 党支部 of the roster against the tree. `changes` is empty for a new or unchanged one."""

    step: Step
    row: RosterRow
    branch_id: int | None
    code: str  # "" while the system is to give one
    unit: str  # "" directly under the root
    changes: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class AbsentEntry:
    """A 党支部 of the tree that the roster does not name. Importing leaves it alone; closing one is a decision."""

    branch_id: int
    code: str
    name: str
    unit: str


@dataclass(frozen=True)
class RosterPlan:
    """What `apply_roster` would do. `day` is the day from which new placements hold."""

    root_id: int
    day: dt.date
    today: dt.date
    reading: RosterReading
    decisions: Mapping[str, str]
    units: tuple[UnitEntry, ...]
    entries: tuple[BranchEntry, ...]
    absent: tuple[AbsentEntry, ...]
    problems: tuple[Problem, ...]  # those of the reading and those against the tree
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True when nothing stops the import."""
        return not has_errors(self.problems)

    @property
    def new(self) -> tuple[BranchEntry, ...]:
        """The branches to be set up."""
        return tuple(entry for entry in self.entries if entry.step is Step.NEW)

    @property
    def changed(self) -> tuple[BranchEntry, ...]:
        """The branches some fact of which changes."""
        return tuple(entry for entry in self.entries if entry.step is Step.CHANGED)

    @property
    def unchanged(self) -> tuple[BranchEntry, ...]:
        """The branches that stay as they are."""
        return tuple(entry for entry in self.entries if entry.step is Step.UNCHANGED)

    @property
    def new_units(self) -> tuple[UnitEntry, ...]:
        """The general branches to be set up."""
        return tuple(unit for unit in self.units if unit.step is Step.NEW)

    @property
    def changes_nothing(self) -> bool:
        """True when the tree already says what the roster says."""
        return not (self.new or self.changed or self.new_units)

    def summary(self) -> str:
        """Return one Chinese sentence for a person."""
        if self.changes_nothing:
            return f"没有变化：{len(self.entries)}个党支部都与系统一致。"
        parts = []
        if self.new_units:
            parts.append(f"新增{len(self.new_units)}个党总支")
        if self.new:
            parts.append(f"新增{len(self.new)}个党支部")
        if self.changed:
            parts.append(f"变更{len(self.changed)}个党支部")
        parts.append(f"{len(self.unchanged)}个党支部无变化")
        return "，".join(parts) + "。"


@dataclass(frozen=True, slots=True)
class RosterOutcome:
    """What an import did."""

    new_units: int
    new: int
    changed: int
    unchanged: int
    summary: str


class ImportRefused(ValueError):
    """Nothing was written; the message is a Chinese sentence."""
