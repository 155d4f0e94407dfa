"""Reading a table of points: a row for each branch, a column for each item or section of its 评分标准."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from branches.intake.rows import TableReader, in_order
from branches.intake.shapes import Limits, MappingChoice, Problem, RawCell, Workbook
from branches.intake.sheets import select_sheets
from branches.intake.values import Parsed, close_up, narrow, parse_score, parse_unit_name, parse_written_name
from branches.intake.vocabulary import FieldWords, Vocabulary

TABLE = "annual"
NOT_APPLICABLE = "不适用"
_KEPT = ("index", "general_branch", "name", "code", "remark")
_SPOKEN = {"name": "党支部名称", "general_branch": "党总支"}


@dataclass(frozen=True)
class MarksRow:
    """Points of one branch as written, by the label of their column; None where the cell is empty."""

    sheet: str
    row: int
    general_branch: str | None
    direct: bool
    name: str
    marks: Mapping[str, Decimal | None]
    cells: Mapping[str, str] = field(default_factory=dict)
    not_applicable: frozenset[str] = frozenset()  # columns in which 不适用 is written


@dataclass(frozen=True)
class MarksReading:
    """What a workbook of points says."""

    workbook: str
    rows: tuple[MarksRow, ...]
    problems: tuple[Problem, ...]


def _words(vocabulary: Vocabulary, labels: Sequence[str]) -> Vocabulary:
    """Return a vocabulary whose table has the branch's columns and one for each label."""
    table = vocabulary.tables[TABLE]
    fields = {name: words for name, words in table.fields.items() if name in _KEPT}
    fields |= {label: FieldWords(label, label) for label in labels}
    found = replace(table, label="得分表", fields=fields, required=("name",), one_of=tuple(labels), signs=tuple(labels))
    return replace(vocabulary, tables={**vocabulary.tables, TABLE: found})


def read_marks(
    workbook: Workbook,
    vocabulary: Vocabulary,
    *,
    labels: Sequence[str],
    mapping: Mapping[str, MappingChoice] | None = None,
    limits: Limits | None = None,
) -> MarksReading:
    """Read points under headings that are `labels` (names of sections, or codes of items).

    Raises ValueError or KeyError for an impossible mapping.
    """
    limits = limits or Limits()
    words = _words(vocabulary, labels)
    selection = select_sheets(workbook, words, TABLE, mapping)
    rows: list[MarksRow] = []
    problems: list[Problem] = list(selection.problems)
    spoken = {**_SPOKEN, **{label: f"{label}得分" for label in labels}}
    for grid, table in selection.tables:
        reader = TableReader(grid, table, words, limits, own=("name", *labels), spoken=spoken)
        present = [label for label in labels if label in table.columns]
        rows += [_row(reader, row, present) for row in table.data_rows()]
        problems += reader.problems
    return MarksReading(workbook.name, tuple(rows), in_order(problems, workbook))


def parse_mark(cell: RawCell, vocabulary: Vocabulary, limits: Limits) -> Parsed[Decimal | str]:
    """Read points, or 不适用. Blank gives None."""
    points = parse_score(cell, vocabulary, limits)
    if points.code == "not_number" and isinstance(cell.value, str) and close_up(narrow(cell.value)) == NOT_APPLICABLE:
        return Parsed(NOT_APPLICABLE)
    return Parsed(points.value, points.reason, points.code, points.doubt)


def _row(reader: TableReader, row: int, labels: Sequence[str]) -> MarksRow:
    """Read one row."""
    unit = reader.read(row, "general_branch", parse_unit_name).value or None
    name = reader.read(row, "name", parse_written_name)
    if name.ok and not name.value:
        reader.add(row, "name", "党支部名称为空", "name_empty")
    direct = unit is not None and reader.vocabulary.is_direct(unit)
    read = {label: reader.read(row, label, parse_mark).value for label in labels}
    return MarksRow(
        sheet=reader.grid.name,
        row=row,
        general_branch=None if direct else unit,
        direct=direct,
        name=name.value or "",
        marks={label: value if isinstance(value, Decimal) else None for label, value in read.items()},
        cells=reader.references(row),
        not_applicable=frozenset(label for label, value in read.items() if value == NOT_APPLICABLE),
    )
