"""The values that travel through the intake: cells, mappings, rows, problems. All frozen, none knows Django."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import TypeVar

from branches.partial_dates import PartialDate

CellValue = str | int | float | bool | dt.datetime | dt.date | dt.time | dt.timedelta | None
Position = tuple[int, int]


def column_letter(column: int) -> str:
    """Return the letters of a column counted from 1: 1 -> A, 27 -> AA."""
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cell_ref(row: int, column: int) -> str:
    """Return the reference of a cell counted from 1: (3, 2) -> B3."""
    return f"{column_letter(column)}{row}"


@dataclass(frozen=True, slots=True)
class RawCell:
    """One stored cell. `formula` is the text of a formula; its stored value may be None (never calculated)."""

    value: CellValue
    number_format: str
    data_type: str  # s text, n number, d date, b boolean, e error value
    ref: str
    formula: str | None = None

    @property
    def blank(self) -> bool:
        """True when nothing, or only white space, is stored."""
        return self.formula is None and (self.value is None or (isinstance(self.value, str) and not self.value.strip()))


@dataclass(frozen=True, slots=True)
class Merge:
    """A merged range, counted from 1, ends included."""

    top: int
    left: int
    bottom: int
    right: int

    def covers(self, row: int, column: int) -> bool:
        """True when the cell lies inside."""
        return self.top <= row <= self.bottom and self.left <= column <= self.right

    @property
    def ref(self) -> str:
        """A1:O1."""
        return f"{cell_ref(self.top, self.left)}:{cell_ref(self.bottom, self.right)}"


@dataclass(frozen=True)
class Grid:
    """One sheet: stored cells by (row, column) counted from 1, with what a person sees around them."""

    name: str
    cells: Mapping[Position, RawCell]
    merges: tuple[Merge, ...] = ()
    hidden_columns: frozenset[int] = frozenset()
    hidden_rows: frozenset[int] = frozenset()
    comments: Mapping[Position, str] = field(default_factory=dict)
    hidden: bool = False
    _covering: dict[Position, Merge] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Index the merged ranges by cell."""
        for merge in self.merges:
            for row in range(merge.top, merge.bottom + 1):
                for column in range(merge.left, merge.right + 1):
                    self._covering[row, column] = merge

    def cell(self, row: int, column: int) -> RawCell:
        """Return the stored cell, or an empty one."""
        found = self.cells.get((row, column))
        return found if found is not None else RawCell(None, "General", "n", cell_ref(row, column))

    def merge_at(self, row: int, column: int) -> Merge | None:
        """Return the merged range over the cell, if any."""
        return self._covering.get((row, column))

    def shown(self, row: int, column: int) -> RawCell:
        """Return the cell a reader sees here: inside a merged range its top left one."""
        merge = self.merge_at(row, column)
        return self.cell(merge.top, merge.left) if merge else self.cell(row, column)

    @cached_property
    def last_row(self) -> int:
        """The last row that holds anything but white space; 0 when none does."""
        return max((row for (row, _), cell in self.cells.items() if not cell.blank), default=0)

    @cached_property
    def last_column(self) -> int:
        """The last column that holds anything but white space; 0 when none does."""
        return max((column for (_, column), cell in self.cells.items() if not cell.blank), default=0)

    @property
    def empty(self) -> bool:
        """True when no cell holds anything."""
        return self.last_row == 0


@dataclass(frozen=True)
class Workbook:
    """A workbook as neutral grids, in the order of its tabs."""

    name: str
    sheets: tuple[Grid, ...]

    def sheet(self, name: str) -> Grid:
        """Return the sheet of that name; raises KeyError when there is none."""
        for grid in self.sheets:
            if grid.name == name:
                return grid
        raise KeyError(name)


class Severity(StrEnum):
    """How much a problem weighs: an error stops the import of the whole file."""

    ERROR = "error"
    WARNING = "warning"

    @property
    def zh(self) -> str:
        """错误 or 提示."""
        return "错误" if self is Severity.ERROR else "提示"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to tell a person: where (sheet and cell or range), how grave, and why in a Chinese sentence."""

    sheet: str
    cell: str
    level: Severity
    reason: str
    code: str = ""  # a stable word for tests and for grouping; never shown
    suggestions: tuple[str, ...] = ()

    def zh(self) -> str:
        """Return the sentence with its sheet and cell in front."""
        return f"工作表“{self.sheet}” {self.cell}：{self.reason}"


def has_errors(problems: tuple[Problem, ...]) -> bool:
    """True when one of them stops the import."""
    return any(problem.level is Severity.ERROR for problem in problems)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a site may set about accepted values."""

    name_length: int = 80
    person_length: int = 40
    text_length: int = 500
    count_maximum: int = 99999
    short_phone_lengths: tuple[int, ...] = (3, 4, 5, 6)
    local_phone_length: int = 8
    vacant_secretary: Severity = Severity.ERROR  # a site may make it a warning; it is listed either way
    field_lengths: Mapping[str, int] = field(
        default_factory=lambda: {
            "secretary_post": 80,
            "secretary_education": 40,
            "phones": 60,
            "remark": 300,
            "short_name": 60,
            "venue": 120,
        }
    )
    shown_length: int = 24  # long texts are cut to this in messages


@dataclass(frozen=True, slots=True)
class Heading:
    """One column's heading: its path from the outer to the inner level, and what it was taken for."""

    column: int
    path: tuple[str, ...]
    field: str | None = None
    hidden: bool = False

    @property
    def text(self) -> str:
        """党员数/正式."""
        return "/".join(self.path)


@dataclass(frozen=True)
class MappingChoice:
    """A mapping a person chose or corrected: which rows are the header, which column is which field."""

    header_rows: tuple[int, ...]
    columns: Mapping[str, int]


@dataclass(frozen=True)
class TableMapping:
    """How a sheet was understood. Rows and columns count from 1; an empty table has last_row < first_row."""

    sheet: str
    header_rows: tuple[int, ...]
    columns: Mapping[str, int]
    headings: tuple[Heading, ...]
    first_row: int
    last_row: int
    total_row: int | None
    skipped_rows: frozenset[int] = frozenset()  # subtotals, repeated headers and blank rows inside the table
    notes: tuple[str, ...] = ()

    @property
    def unused(self) -> tuple[Heading, ...]:
        """The headings that no field uses."""
        return tuple(heading for heading in self.headings if heading.field is None)

    @property
    def header_ref(self) -> str:
        """The range of the header, e.g. A3:O4."""
        columns = [heading.column for heading in self.headings] or [1]
        return f"{cell_ref(self.header_rows[0], min(columns))}:{cell_ref(self.header_rows[-1], max(columns))}"

    def data_rows(self) -> tuple[int, ...]:
        """The rows that hold data."""
        return tuple(row for row in range(self.first_row, self.last_row + 1) if row not in self.skipped_rows)

    def choice(self) -> MappingChoice:
        """Return the part a person may change."""
        return MappingChoice(self.header_rows, dict(self.columns))

    def at(self, row: int, name: str) -> str:
        """Return the reference of a field's cell in a row; the row's first cell when the field has no column."""
        return cell_ref(row, self.columns.get(name, 1))


@dataclass(frozen=True, slots=True)
class SkippedSheet:
    """A sheet that was not read, and why."""

    name: str
    reason: str
    silent: bool = False  # an empty sheet is nobody's concern


@dataclass(frozen=True)
class RosterRow:
    """One branch as a roster states it. What could not be read is None and has a problem of its own."""

    sheet: str
    row: int
    name: str
    general_branch: str | None  # None for a direct branch
    direct: bool  # directly under the 党委
    category: str | None  # a category code of the vocabulary
    category_text: str
    code: str
    secretary_name: str
    secretary_gender: str  # 男, 女 or ""
    secretary_post: str
    secretary_since: PartialDate | None
    members: int | None  # 合计
    formal: int | None
    probationary: int | None
    mobile: int | None
    phones: tuple[str, ...]
    remark: str
    cell_comment: str
    extra: Mapping[str, str] = field(default_factory=dict)  # other recognised text fields
    cells: Mapping[str, str] = field(default_factory=dict)  # field -> reference of its source cell


@dataclass(frozen=True, slots=True)
class RosterTotals:
    """Sums over the rows read."""

    branches: int = 0
    members: int = 0
    formal: int = 0
    probationary: int = 0
    mobile: int = 0


@dataclass(frozen=True)
class RosterReading:
    """What a roster workbook says. Import only when `ok`."""

    workbook: str
    mappings: Mapping[str, TableMapping]  # per sheet that was read
    rows: tuple[RosterRow, ...]
    problems: tuple[Problem, ...]
    skipped_sheets: tuple[SkippedSheet, ...]
    filled_in_on: dt.date | None
    unit_name: str
    totals: RosterTotals
    notes: tuple[str, ...] = ()  # what a person should know and need not act on: a hidden column was used ...

    @property
    def ok(self) -> bool:
        """True when nothing stops the import."""
        return not has_errors(self.problems)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that stop the import."""
        return tuple(problem for problem in self.problems if problem.level is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that do not."""
        return tuple(problem for problem in self.problems if problem.level is Severity.WARNING)

    @property
    def sheet(self) -> str:
        """The first sheet read, or ""."""
        return next(iter(self.mappings), "")

    @property
    def mapping(self) -> TableMapping | None:
        """The mapping of the first sheet read."""
        return next(iter(self.mappings.values()), None)


@dataclass(frozen=True, slots=True)
class GradeBand:
    """What a round says about a grade of the yearly assessment: its points, and the scores that agree with it."""

    points: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class AnnualRow:
    """One branch's yearly result: a grade, a score, both, or an exemption. `how` tells a person how it was read."""

    sheet: str
    row: int
    general_branch: str | None
    direct: bool
    name: str
    grade: str | None  # a grade word of the vocabulary: 优秀 良好 合格 基本合格 不合格
    score: Decimal | None  # exactly as written
    points: Decimal | None  # what counts: the score, or the grade by the round's own table
    exempt: bool
    reason: str  # why exempt
    raw: str
    how: str
    remark: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AnnualReading:
    """What a workbook of yearly results says."""

    workbook: str
    mappings: Mapping[str, TableMapping]
    rows: tuple[AnnualRow, ...]
    problems: tuple[Problem, ...]
    skipped_sheets: tuple[SkippedSheet, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True when nothing stops the import."""
        return not has_errors(self.problems)


class AppraisalState(StrEnum):
    """What may be done with one branch's ballots."""

    VALID = "valid"
    MISSING = "missing"  # 未组织: no figures at all; a missing source, never 0
    BELOW_FLOOR = "below_floor"  # too few valid ballots: not shown, not counted
    VOID = "void"  # the figures contradict each other: hold it again or correct


@dataclass(frozen=True)
class AppraisalRow:
    """One branch's paper ballots. The rate is an exact fraction; compare it, never its rounded form."""

    sheet: str
    row: int
    general_branch: str | None
    direct: bool
    name: str
    state: AppraisalState
    issued: int | None
    returned: int | None
    valid: int | None
    counts: Mapping[str, int | None]  # by option; satisfied, fairly, unsatisfied, unknown unless said otherwise
    rate: Fraction | None
    reason: str = ""
    remark: str = ""
    cells: Mapping[str, str] = field(default_factory=dict)
    group: str = ""  # the voters, as written

    def rate_percent(self) -> Decimal | None:
        """Return 90.00 for display, rounded half up from the exact fraction."""
        if self.rate is None:
            return None
        hundredths = self.rate * 10000
        whole = (2 * hundredths.numerator + hundredths.denominator) // (2 * hundredths.denominator)
        return Decimal(whole).scaleb(-2)


@dataclass(frozen=True)
class AppraisalReading:
    """What a workbook of paper ballot counts says."""

    workbook: str
    mappings: Mapping[str, TableMapping]
    rows: tuple[AppraisalRow, ...]
    problems: tuple[Problem, ...]
    skipped_sheets: tuple[SkippedSheet, ...] = ()
    notes: tuple[str, ...] = ()
    held_on: str = ""  # 评议时间 as written

    @property
    def ok(self) -> bool:
        """True when nothing stops the import."""
        return not has_errors(self.problems)


Row = TypeVar("Row", RosterRow, AnnualRow, AppraisalRow)


def renamed(row: Row, name: str) -> Row:
    """Return the row under the name a person confirmed for it."""
    return replace(row, name=name)
