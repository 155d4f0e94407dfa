"""What a returned 附件6 would change, as values: by item and field, with what was found against it."""

import datetime as dt
import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from branches.intake.ledger import LedgerRow
from branches.intake.shapes import Problem, Severity
from branches.wording import zh_date
from grading.models import Round
from rectification.ledger import Line
from rectification.pairing import LABELS


class Way(StrEnum):
    """How a change takes effect."""

    SAVED = "saved"
    PROGRESS = "progress"
    RECORDED = "recorded"
    REQUESTED = "requested"

    @property
    def zh(self) -> str:
        """Say it to a person."""
        return WAYS[self]


WAYS = {
    Way.SAVED: "直接修改",
    Way.PROGRESS: "登记进展",
    Way.RECORDED: "修改并留痕",
    Way.REQUESTED: "提出变更申请",
}


class Fate(StrEnum):
    """What becomes of a row."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"

    @property
    def zh(self) -> str:
        """Say it to a person."""
        return {"new": "新增", "changed": "修改", "same": "没有变化"}[self]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that would change: as stored, as in the file, and how. A conflict is done only where it is ticked."""

    name: str
    before: Any
    after: Any
    way: Way
    cell: str
    key: str = ""
    conflict: bool = False

    @property
    def label(self) -> str:
        """The heading of its column."""
        return LABELS[self.name]

    @property
    def shown(self) -> tuple[str, str]:
        """Both values as a person reads them."""
        return _said(self.before), _said(self.after)


def _said(value: Any) -> str:
    if isinstance(value, dt.date):
        return zh_date(value)
    if isinstance(value, bool):
        return "√" if value else "—"
    return str(value or "—")


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the file with the item it means; `line` is None for a new one."""

    row: LedgerRow
    name: str
    fate: Fate
    node: int
    line: Line | None = None
    changes: tuple[FieldChange, ...] = ()

    def chosen(self, taken: Collection[str]) -> "Entry":
        """Return the entry without the conflicts that are not taken."""
        if not any(change.conflict for change in self.changes):
            return self
        left = tuple(change for change in self.changes if not change.conflict or change.key in taken)
        return replace(self, changes=left, fate=Fate.CHANGED if left else Fate.SAME)


@dataclass(frozen=True)
class LedgerPlan:
    """What a file would do. `ready` when nothing stands against it; `missing` items stay as they are.

    `known` says whether every row is one of which the file says how it was given out.
    """

    round: Round
    file_name: str
    entries: tuple[Entry, ...]
    missing: tuple[Line, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()
    known: bool = True

    def of(self, fate: Fate) -> list[Entry]:
        """Return the entries of one fate."""
        return [entry for entry in self.entries if entry.fate is fate]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Problems that stop the import."""
        return tuple(problem for problem in self.problems if problem.level is Severity.ERROR)

    @property
    def touched(self) -> list[Entry]:
        """Entries that would change something."""
        return [entry for entry in self.entries if entry.fate is not Fate.SAME]

    @property
    def conflicts(self) -> int:
        """How many cells were changed in the file and in the system too."""
        return sum(change.conflict for entry in self.entries for change in entry.changes)

    def chosen(self, taken: Collection[str]) -> "LedgerPlan":
        """Return the plan without the conflicts that are not taken."""
        return replace(self, entries=tuple(entry.chosen(taken) for entry in self.entries))

    @property
    def ready(self) -> bool:
        """Tell whether the plan may be applied."""
        return not self.errors and bool(self.touched)

    @property
    def fingerprint(self) -> str:
        """Return a digest that changes with anything the plan would do."""
        told = [(e.fate, e.line.item if e.line else e.row, e.changes) for e in self.entries]
        return hashlib.sha256(repr(told).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import did, in numbers of items and of requests to the level above."""

    new: int
    changed: int
    same: int
    requests: int

    @property
    def summary(self) -> str:
        """Say it to a person."""
        asked = f"，其中 {self.requests} 处须上级同意，已提出变更申请" if self.requests else ""
        return f"整改汇总表已导入：新增 {self.new} 项，修改 {self.changed} 项{asked}，没有变化 {self.same} 项。"
