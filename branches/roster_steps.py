"""One uploaded roster on its way in: what was recognised, what a person corrected, what importing it would change."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from branches import clock
from branches.importers import BranchEntry, RosterOutcome, RosterPlan, apply_roster, plan_roster
from branches.intake.roster import read_roster
from branches.intake.shapes import (
    Problem,
    RosterReading,
    Severity,
)
from branches.mapping_steps import ChoiceError, MappingSteps
from branches.models import Account, Branch, Placement

__all__ = ["ChoiceError", "NoRootError", "RosterSteps", "by_category", "first_entries", "root_of_today"]

KIND = "roster"
TABLE = "roster"


class NoRootError(Exception):
    """There is no committee yet under which a roster could be imported."""

    def __str__(self) -> str:
        """Say what is missing."""
        return "还没有设立学校党委，请系统管理员先完成首次设置。"


def root_of_today() -> Branch:
    """Return the top of the tree. Raises NoRootError before the first run."""
    top = Placement.objects.on(clock.today()).filter(parent__isnull=True).select_related("branch").first()
    if top is None:
        raise NoRootError
    return top.branch


@dataclass(frozen=True, slots=True)
class Question:
    """A name that resembles a known one; a person says which is meant."""

    written: str
    problem: Problem

    @property
    def options(self) -> tuple[str, ...]:
        """What may be meant."""
        return self.problem.suggestions


@dataclass
class UnitCount:
    """One line of the preview's counts."""

    name: str
    branches: int = 0
    formal: int = 0
    probationary: int = 0
    mobile: int = 0
    categories: dict[str, int] = field(default_factory=dict)

    @property
    def members(self) -> int:
        """正式 + 预备."""
        return self.formal + self.probationary


class RosterSteps(MappingSteps):
    """The steps of a roster of branches."""

    table = TABLE

    @cached_property
    def reading(self) -> RosterReading:
        """What the workbook says, by the mapping and the decisions."""
        known = Branch.objects.as_of(clock.today()).filter(level=Branch.Level.GENERAL_BRANCH)
        return read_roster(
            self.workbook, self.vocabulary, mapping=self.chosen, known_units=list(known.values_list("name", flat=True)),
            decisions=self.decisions,
        )  # fmt: skip

    @cached_property
    def plan(self) -> RosterPlan:
        """What importing would change. Raises NoRootError."""
        return plan_roster(
            self.reading,
            root=root_of_today(),
            today=clock.today(),
            vocabulary=self.vocabulary,
            decisions=self.decisions,
        )

    @property
    def fingerprint(self) -> str:
        """A digest of what the preview shows, so that importing does exactly that."""
        said = repr((self.plan.units, self.plan.entries, self.plan.problems))
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    def apply(self, by: Account) -> RosterOutcome:
        """Import everything or nothing. Raises ImportRefused."""
        return apply_roster(self.plan, by=by, now=clock.now(), vocabulary=self.vocabulary)

    # --- the preview -------------------------------------------------------------------------------------------------

    def problems(self, level: str = "") -> list[Problem]:
        """Return the problems, errors first, in the order of the file; `level` keeps one kind."""
        ordered = sorted(self.plan.problems, key=lambda problem: problem.level is not Severity.ERROR)
        return [problem for problem in ordered if not level or problem.level.value == level]

    def questions(self) -> list[Question]:
        """Return the doubtful names with what may be meant, each once."""
        found: dict[str, Question] = {}
        for problem in self.plan.problems:
            written = self._written(problem) if problem.suggestions else ""
            if written:
                found.setdefault(written, Question(written, problem))
        return list(found.values())

    def _written(self, problem: Problem) -> str:
        for row in self.reading.rows:
            if row.sheet != problem.sheet:
                continue
            if row.cells.get("general_branch") == problem.cell:
                return row.general_branch or ""
            if row.cells.get("name") == problem.cell:
                return row.name
        return ""

    def comments(self) -> list[tuple[str, str, str]]:
        """Return (cell, branch, text) of the comments on names."""
        rows = (row for row in self.reading.rows if row.cell_comment)
        return [(row.cells.get("name", ""), row.name, row.cell_comment) for row in rows]

    def counts(self) -> tuple[list[UnitCount], UnitCount]:
        """Return the counts per 党总支, the 直属党支部 last, and their total."""
        lines: dict[str, UnitCount] = {}
        total = UnitCount("合计")
        for row in self.reading.rows:
            name = "直属党支部" if row.direct else row.general_branch or "未写明"
            for line in (lines.setdefault(name, UnitCount(name)), total):
                line.branches += 1
                line.formal += row.formal or 0
                line.probationary += row.probationary or 0
                line.mobile += row.mobile or 0
                if row.category:
                    line.categories[row.category] = line.categories.get(row.category, 0) + 1
        direct = lines.pop("直属党支部", None)
        return [*lines.values(), *([direct] if direct else [])], total


def by_category(line: UnitCount, codes: Iterable[str]) -> list[int]:
    """Return a line's counts in the order of the categories."""
    return [line.categories.get(code, 0) for code in codes]


def first_entries(entries: Iterable[BranchEntry], limit: int) -> tuple[list[BranchEntry], int]:
    """Return the first entries and how many are left out."""
    every = list(entries)
    return every[:limit], max(0, len(every) - limit)
