"""One uploaded roster on its way in: what was recognised, what a person corrected, what importing it would change."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from branches import clock
from branches.importers import BranchEntry, RosterOutcome, RosterPlan, apply_roster, plan_roster, site_vocabulary
from branches.intake.headers import HeadingMatcher, apply_mapping, cell_text, find_header, find_table, looks_like
from branches.intake.roster import read_roster
from branches.intake.shapes import (
    Grid,
    MappingChoice,
    Problem,
    RosterReading,
    Severity,
    TableMapping,
    Workbook,
    column_letter,
)
from branches.intake.sheets import select_sheets
from branches.intake.vocabulary import TableWords, Vocabulary
from branches.intake.workbook import read_workbook
from branches.models import Account, Branch, Placement, Upload
from branches.services import uploads

KIND = "roster"
TABLE = "roster"
SAMPLES = 3


class NoRootError(Exception):
    """There is no committee yet under which a roster could be imported."""

    def __str__(self) -> str:
        """Say what is missing."""
        return "还没有设立学校党委，请系统管理员先完成首次设置。"


class ChoiceError(ValueError):
    """A mapping that cannot be; the message is a Chinese sentence."""


def root_of_today() -> Branch:
    """Return the top of the tree. Raises NoRootError before the first run."""
    top = Placement.objects.on(clock.today()).filter(parent__isnull=True).select_related("branch").first()
    if top is None:
        raise NoRootError
    return top.branch


@dataclass(frozen=True, slots=True)
class ColumnView:
    """One column of a sheet on the mapping page."""

    number: int
    letter: str
    heading: str
    hidden: bool
    field: str  # what it is read as, "" for nothing
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SheetView:
    """One sheet on the mapping page; `number` counts from 0 in the order of the tabs."""

    number: int
    name: str
    used: bool
    reason: str
    first: int
    last: int
    columns: tuple[ColumnView, ...]
    rows: int
    missing: tuple[str, ...]
    notes: tuple[str, ...] = ()


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


class RosterSteps:
    """Reads one upload again at every step; it holds no state of its own but the upload's `choices`."""

    def __init__(self, upload: Upload) -> None:
        """Keep the row; the workbook is read when first asked for."""
        self.upload = upload

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words of the product with those this site has taught."""
        return site_vocabulary()

    @property
    def words(self) -> TableWords:
        """The words of the roster."""
        return self.vocabulary.tables[TABLE]

    @cached_property
    def workbook(self) -> Workbook:
        """The stored workbook. Raises RefusedUpload, or FileNotFoundError once it was purged."""
        return read_workbook(self.upload.name, uploads.read(upload=self.upload))

    @property
    def decisions(self) -> dict[str, str]:
        """What a person said about doubtful names."""
        return dict(self.upload.choices.get("decisions", {}))

    @property
    def chosen(self) -> dict[str, MappingChoice] | None:
        """The mapping a person corrected, or None while the recognised one stands."""
        sheets = self.upload.choices.get("sheets")
        if not sheets:
            return None
        return {name: MappingChoice(tuple(one["rows"]), dict(one["columns"])) for name, one in sheets.items()}

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

    # --- the mapping page --------------------------------------------------------------------------------------------

    def sheets(self, rows: Mapping[str, tuple[int, ...]] | None = None) -> list[SheetView]:
        """Return the sheets that hold anything; `rows` are header rows by sheet that a person asks to read anew."""
        selection = select_sheets(self.workbook, self.vocabulary, TABLE, self.chosen)
        used = {grid.name: table for grid, table in selection.tables}
        if self.chosen is None:
            used |= self._tables()
        reasons = {sheet.name: sheet.reason for sheet in selection.skipped}
        reasons |= {p.sheet: p.reason for p in selection.problems if p.sheet not in reasons}
        views = []
        for number, grid in enumerate(self.workbook.sheets):
            if grid.empty:
                continue
            asked = (rows or {}).get(grid.name)
            mapping = self._asked(grid, asked) if asked else used.get(grid.name) or self._guess(grid)
            taken = bool(asked) or grid.name in used
            views.append(self._view(number, grid, mapping, used=taken, reason=reasons.get(grid.name, "")))
        return views

    def _asked(self, grid: Grid, rows: tuple[int, ...]) -> TableMapping:
        """Read other header rows and recognise their words."""
        bare = apply_mapping(grid, self.vocabulary, TABLE, MappingChoice(rows, {}))
        matcher = HeadingMatcher(self.words)
        best: dict[str, tuple[int, int]] = {}
        for heading in bare.headings:
            found = matcher.match(heading.path)
            if found and (found[0] not in best or found[1] > best[found[0]][0]):
                best[found[0]] = (found[1], heading.column)
        columns = {name: column for name, (_, column) in best.items()}
        return apply_mapping(grid, self.vocabulary, TABLE, MappingChoice(rows, columns))

    def _guess(self, grid: Grid) -> TableMapping:
        """Propose a header for a sheet that was not recognised: by its words, else its fullest row of the first ten."""
        if find_header(grid, self.words) is not None:
            found = find_table(grid, self.vocabulary, TABLE)
            if found is not None:
                return found
        counts = {row: sum(not grid.cell(row, c).blank for c in range(1, grid.last_column + 1)) for row in range(1, 11)}
        row = max(counts, key=lambda number: (counts[number], -number))
        return apply_mapping(grid, self.vocabulary, TABLE, MappingChoice((row,), {}))

    def _view(self, number: int, grid: Grid, mapping: TableMapping, *, used: bool, reason: str) -> SheetView:
        fields = {column: name for name, column in mapping.columns.items()}
        shown = mapping.data_rows()[:SAMPLES]
        columns = tuple(
            ColumnView(
                number=heading.column,
                letter=column_letter(heading.column),
                heading=heading.text,
                hidden=heading.hidden,
                field=fields.get(heading.column, ""),
                samples=tuple(cell_text(grid.shown(row, heading.column)).removesuffix(" 00:00:00") for row in shown),
            )
            for heading in mapping.headings
        )
        missing = [self.words.fields[name].label for name in self.words.required if name not in mapping.columns]
        first, last = mapping.header_rows[0], mapping.header_rows[-1]
        return SheetView(
            number,
            grid.name,
            used,
            reason,
            first,
            last,
            columns,
            len(mapping.data_rows()),
            tuple(missing),
            mapping.notes,
        )

    def header_rows(self, data: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
        """Return the header rows posted for each sheet that is to be read. Raises ChoiceError."""
        found = {}
        for number, grid in enumerate(self.workbook.sheets):
            if f"use-{number}" not in data:
                continue
            first, last = str(data.get(f"first-{number}", "")), str(data.get(f"last-{number}", ""))
            if not first.isdigit() or not last.isdigit() or not 1 <= int(first) <= int(last) <= grid.last_row:
                raise ChoiceError(f"工作表“{grid.name}”的表头行请写第几行到第几行，例如 3 到 4。")
            if int(last) - int(first) > 5:
                raise ChoiceError(f"工作表“{grid.name}”的表头最多 6 行。")
            found[grid.name] = tuple(range(int(first), int(last) + 1))
        return found

    def posted(self, data: Mapping[str, Any]) -> dict[str, MappingChoice]:
        """Return the mapping posted from the page. Raises ChoiceError."""
        rows, choices = self.header_rows(data), {}
        for number, grid in enumerate(self.workbook.sheets):
            if grid.name in rows:
                choices[grid.name] = MappingChoice(rows[grid.name], self._columns(data, number, grid))
        if not choices:
            raise ChoiceError("请至少选取一张工作表。")
        return choices

    def _columns(self, data: Mapping[str, Any], number: int, grid: Grid) -> dict[str, int]:
        columns: dict[str, int] = {}
        for column in range(1, grid.last_column + 1):
            name = str(data.get(f"col-{number}-{column}", ""))
            if not name or name not in self.words.fields:
                continue
            if name in columns:
                label = self.words.fields[name].label
                both = f"{column_letter(columns[name])}、{column_letter(column)}"
                raise ChoiceError(f"工作表“{grid.name}”的“{label}”对应了 {both} 两列，请只留一列。")
            columns[name] = column
        return columns

    def _tables(self) -> dict[str, TableMapping]:
        """Return the sheets recognised as rosters, complete or not."""
        found = (
            (grid.name, find_table(grid, self.vocabulary, TABLE)) for grid in self.workbook.sheets if not grid.empty
        )
        return {name: table for name, table in found if table and looks_like(table.columns, self.words)}

    def recognised(self) -> dict[str, MappingChoice]:
        """Return the mapping the system finds by itself."""
        return {name: table.choice() for name, table in self._tables().items()}

    def taught(self, choices: Mapping[str, MappingChoice]) -> dict[str, str]:
        """Return heading → field for the columns a person named otherwise than the words did."""
        own, lessons = self.recognised(), {}
        for name, choice in choices.items():
            table = apply_mapping(self.workbook.sheet(name), self.vocabulary, TABLE, choice)
            known = own[name].columns if name in own else {}
            for heading in table.headings:
                if heading.field and heading.path and known.get(heading.field) != heading.column:
                    lessons[heading.text] = heading.field
        return lessons

    def keep(self, choices: Mapping[str, MappingChoice]) -> None:
        """Remember the mapping with the upload; one equal to the recognised one is not a correction."""
        stored, plain = _as_json(choices), _as_json(self.recognised())
        rest = {key: value for key, value in self.upload.choices.items() if key != "sheets"}
        uploads.choose(upload=self.upload, choices=rest if stored == plain else {**rest, "sheets": stored})

    def decide(self, answers: Mapping[str, str]) -> None:
        """Remember what a person said about doubtful names; an empty answer takes an earlier one back."""
        decisions = {**self.decisions, **answers}
        kept = {written: meant for written, meant in decisions.items() if meant}
        uploads.choose(upload=self.upload, choices={**self.upload.choices, "decisions": kept})

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


def _as_json(choices: Mapping[str, MappingChoice]) -> dict[str, Any]:
    return {name: {"rows": list(one.header_rows), "columns": dict(one.columns)} for name, one in choices.items()}


def by_category(line: UnitCount, codes: Iterable[str]) -> list[int]:
    """Return a line's counts in the order of the categories."""
    return [line.categories.get(code, 0) for code in codes]


def first_entries(entries: Iterable[BranchEntry], limit: int) -> tuple[list[BranchEntry], int]:
    """Return the first entries and how many are left out."""
    every = list(entries)
    return every[:limit], max(0, len(every) - limit)
