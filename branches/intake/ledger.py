"""Reading 附件6 as it comes back: a row for each problem, the branch's name merged over its rows or left out below."""

import calendar
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from branches.intake.rows import TableReader, in_order
from branches.intake.shapes import (
    Limits,
    MappingChoice,
    Problem,
    RawCell,
    TableMapping,
    Workbook,
    has_errors,
)
from branches.intake.sheets import select_sheets
from branches.intake.values import (
    Parsed,
    as_text,
    parse_date,
    parse_person,
    parse_text,
    parse_unit_name,
    parse_written_name,
    shortened,
)
from branches.intake.vocabulary import Vocabulary, heading_key

TABLE = "ledger"
CONTINUED = "（续）"
_OWN = ("problem", "goal", "measures", "owner", "due", "long_term", "progress", "verified_on", "verifier", "remark")
_SPOKEN = {
    "name": "党支部名称", "general_branch": "党总支", "category": "问题类别", "problem": "存在的主要问题",
    "goal": "整改目标", "measures": "整改措施", "owner": "责任人", "due": "完成时限", "long_term": "长期性项目",
    "progress": "进展/完成情况", "verified_on": "销号日期", "verifier": "销号确认人", "target": "晋位目标",
    "remark": "备注",
}  # fmt: skip
_TEXTS = ("goal", "measures", "progress", "remark", "grade", "target")
#: A tab beside the table that only adds it up.
SUBTOTALS = "（小计）"


@dataclass(frozen=True)
class LedgerRow:
    """One problem as written. Texts are "" and days None where the cell is empty; `category` is None then too."""

    sheet: str
    row: int
    general_branch: str | None
    direct: bool
    name: str
    category: str | None
    problem: str
    goal: str
    measures: str
    owner: str
    due: dt.date | None
    long_term: bool
    progress: str
    verified_on: dt.date | None
    verifier: str
    grade: str
    target: str
    remark: str
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LedgerReading:
    """What a returned 附件6 says."""

    workbook: str
    mappings: Mapping[str, TableMapping]
    rows: tuple[LedgerRow, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True when nothing stops the import."""
        return not has_errors(self.problems)


class _LedgerRows(TableReader):
    """Reads the rows of one sheet; a branch's name stays in force until the next one."""

    categories: Mapping[str, str]
    named: tuple[str | None, str] = None, ""

    def read_all(self) -> list[LedgerRow]:
        """Read every row that is one: the closing line spans the table and is none."""
        return [self._row(row) for row in self.mapping.data_rows() if not self._spanned(row)]

    def _spanned(self, row: int) -> bool:
        problem, measures = (self.grid.merge_at(row, self.mapping.columns[name]) for name in ("problem", "measures"))
        return problem is not None and problem is measures

    def _row(self, row: int) -> LedgerRow:
        unit, name = self._branch(row)
        problem = self.read(row, "problem", parse_text)
        if problem.ok and not problem.value:
            self.add(row, "problem", "存在的主要问题为空", "problem_empty")
        days = {key: self.read(row, key, self._day).value for key in ("due", "verified_on")}
        people = {key: self.read(row, key, parse_person).value or "" for key in ("owner", "verifier")}
        texts = {key: self.read(row, key, parse_text).value or "" for key in _TEXTS}
        return LedgerRow(
            sheet=self.grid.name, row=row, general_branch=unit, name=name,
            direct=unit is not None and self.vocabulary.is_direct(unit), problem=problem.value or "",
            category=self.read(row, "category", self._category).value, due=days["due"],
            long_term=bool(self.read(row, "long_term", self._mark).value), verified_on=days["verified_on"],
            owner=people["owner"], verifier=people["verifier"], goal=texts["goal"], measures=texts["measures"],
            progress=texts["progress"], grade=texts["grade"], target=texts["target"], remark=texts["remark"],
            cells=self.references(row),
        )  # fmt: skip

    def _branch(self, row: int) -> tuple[str | None, str]:
        """Return 党总支 and branch of a row: as written, else those of the row above."""
        unit = _continued(self.read(row, "general_branch", parse_unit_name).value)
        written = self.read(row, "name", parse_written_name)
        name = _continued(written.value)
        if name:
            before = self.named[0] if "general_branch" in self.mapping.columns else None
            self.named = unit or before, name
        elif written.ok and not self.named[1]:
            self.add(row, "name", "党支部名称为空", "name_empty")
        return self.named

    def _day(self, cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[dt.date]:
        """Read a day; where only the month is written, its last day, with a doubt."""
        parsed = parse_date(cell, vocabulary, limits)
        found = parsed.value
        if found is None:
            return Parsed(reason=parsed.reason, code=parsed.code)
        if found.day is not None:
            return Parsed(dt.date(found.year, found.month or 1, found.day))
        month = found.month or 12
        last = dt.date(found.year, month, calendar.monthrange(found.year, month)[1])
        return Parsed(last, doubt=f"只写到月，按{last.year}年{last.month}月{last.day}日读取", code="month_only")

    def _mark(self, cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[bool]:
        """Read √ and its like."""
        text = "".join(as_text(cell).split())
        if not text or vocabulary.is_none(text):
            return Parsed(False)
        found = vocabulary.marks.get(text.casefold())
        if found is None:
            return Parsed(
                reason=f"“{shortened(text, limits.shown_length)}”看不出是不是长期性项目，请打√或留空", code="mark"
            )
        return Parsed(found)

    def _category(self, cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[str]:
        """Read a category by its name."""
        parsed = parse_text(cell, vocabulary, limits)
        if not parsed.ok or not parsed.value:
            return Parsed(reason=parsed.reason, code=parsed.code)
        code = self.categories.get(heading_key(parsed.value))
        if code is None:
            names = "、".join(dict.fromkeys(self.categories.values()))
            shown = shortened(parsed.value, limits.shown_length)
            return Parsed(reason=f"“{shown}”不在问题类别之内（{names}）", code="category")
        return Parsed(code)


def _continued(name: str | None) -> str | None:
    """Return a name without the mark that a page end put behind it; None for none."""
    return name.removesuffix(CONTINUED).removesuffix("(续)") or None if name else None


def read_ledger(
    workbook: Workbook,
    vocabulary: Vocabulary,
    *,
    categories: Mapping[str, str],
    mapping: Mapping[str, MappingChoice] | None = None,
    limits: Limits | None = None,
) -> LedgerReading:
    """Read a returned 附件6.

    `categories` says which name of a category (and other words for it) is which one. Raises ValueError or KeyError for
    an impossible mapping.
    """
    limits = limits or Limits()
    selection = select_sheets(workbook, vocabulary, TABLE, mapping)
    rows: list[LedgerRow] = []
    problems: list[Problem] = [one for one in selection.problems if not _adds_up(one)]
    notes: list[str] = []
    for grid, table in selection.tables:
        reader = _LedgerRows(grid, table, vocabulary, limits, own=_OWN, spoken=_SPOKEN)
        reader.categories = {heading_key(word): name for word, name in categories.items()}
        rows += reader.read_all()
        problems += reader.problems
        notes += [f"工作表“{grid.name}”{note}" for note in table.notes]
    return LedgerReading(
        workbook=workbook.name,
        mappings={grid.name: table for grid, table in selection.tables},
        rows=tuple(rows),
        problems=in_order(problems, workbook),
        notes=tuple(notes),
    )


def _adds_up(problem: Problem) -> bool:
    return problem.code == "not_this_table" and problem.sheet.endswith(SUBTOTALS)
