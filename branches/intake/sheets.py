"""Choosing the sheets of a workbook that hold a table, and reading what stands around the table."""

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from branches.intake.headers import apply_mapping, cell_text, find_table, looks_like, missing_columns
from branches.intake.shapes import (
    Grid,
    MappingChoice,
    Problem,
    Severity,
    SkippedSheet,
    TableMapping,
    Workbook,
    cell_ref,
)
from branches.intake.vocabulary import Vocabulary

_DAY = re.compile(r"(\d{4})\s*[-./年]\s*(\d{1,2})\s*[-./月]\s*(\d{1,2})")


@dataclass(frozen=True)
class Selection:
    """The tables to read, the sheets left out, and what to say about both."""

    tables: tuple[tuple[Grid, TableMapping], ...]
    skipped: tuple[SkippedSheet, ...]
    problems: tuple[Problem, ...]


def select_sheets(
    workbook: Workbook, vocabulary: Vocabulary, table: str, choices: Mapping[str, MappingChoice] | None
) -> Selection:
    """Find every sheet that holds the table.

    With `choices` exactly those sheets are read, by the mapping a person gave. Raises ValueError for an impossible
    choice and KeyError for a sheet that is not there.
    """
    if choices is not None:
        return _chosen(workbook, vocabulary, table, choices)
    label = vocabulary.tables[table].label
    tables: list[tuple[Grid, TableMapping]] = []
    skipped: list[SkippedSheet] = []
    problems: list[Problem] = []
    recognised = 0
    for grid in workbook.sheets:
        if grid.empty:
            skipped.append(SkippedSheet(grid.name, "空白工作表", silent=True))
            continue
        mapping = find_table(grid, vocabulary, table)
        if mapping is None or not looks_like(mapping.columns, vocabulary.tables[table]):
            reason = f"不是{label}，已跳过；如果是，请手工指定表头和各列"
            skipped.append(SkippedSheet(grid.name, reason, silent=grid.hidden))
            if not grid.hidden:
                problems.append(Problem(grid.name, _first_cell(grid), Severity.WARNING, reason, "not_this_table"))
            continue
        recognised += 1
        fault = _table_fault(mapping, vocabulary, table)
        if fault is None:
            tables.append((grid, mapping))
        else:
            problems.append(fault)
    if not recognised:
        problems = [_nothing(workbook, label)]
    return Selection(tuple(tables), tuple(skipped), tuple(problems))


def _chosen(workbook: Workbook, vocabulary: Vocabulary, table: str, choices: Mapping[str, MappingChoice]) -> Selection:
    tables, problems = [], []
    for name, choice in choices.items():
        grid = workbook.sheet(name)
        mapping = apply_mapping(grid, vocabulary, table, choice)
        fault = _table_fault(mapping, vocabulary, table)
        if fault is None:
            tables.append((grid, mapping))
        else:
            problems.append(fault)
    skipped = tuple(
        SkippedSheet(grid.name, "空白工作表" if grid.empty else "未选取", silent=grid.empty)
        for grid in workbook.sheets
        if grid.name not in choices
    )
    return Selection(tuple(tables), skipped, tuple(problems))


def _table_fault(mapping: TableMapping, vocabulary: Vocabulary, table: str) -> Problem | None:
    missing = missing_columns(mapping.columns, vocabulary.tables[table])
    if missing:
        named = "、".join(f"“{label}”" for label in missing)
        reason = f"表头缺{named}{len(missing)}列，整张表无法导入"
        return Problem(mapping.sheet, mapping.header_ref, Severity.ERROR, reason, "missing_columns")
    if mapping.last_row < mapping.first_row:
        return Problem(mapping.sheet, mapping.header_ref, Severity.ERROR, "表头下面没有数据行", "no_rows")
    return None


def _nothing(workbook: Workbook, label: str) -> Problem:
    grid = next((sheet for sheet in workbook.sheets if not sheet.empty), workbook.sheets[0])
    reason = f"没有认出{label}的表头：请照本页的模板改好表头再上传，或手工指定工作表、表头和各列"
    return Problem(grid.name, _first_cell(grid), Severity.ERROR, reason, "no_table")


def _first_cell(grid: Grid) -> str:
    filled = [place for place, cell in grid.cells.items() if not cell.blank]
    return cell_ref(*min(filled)) if filled else "A1"


def labelled_text(grid: Grid, mapping: TableMapping, labels: tuple[str, ...]) -> str:
    """Return what stands behind a label such as 填报单位： in the lines above or below the table, or ""."""
    for (row, column), cell in sorted(grid.cells.items()):
        if mapping.header_rows[0] <= row <= mapping.last_row or not isinstance(cell.value, str):
            continue
        text = unicodedata.normalize("NFKC", cell.value)
        for label in labels:
            match = re.search(rf"{re.escape(label)}\s*(?:\([^)]*\))?\s*[::]\s*(.*)", text)
            if match:
                rest = re.split(r"\s{3,}", match.group(1).strip())[0].strip()
                return rest or _text_beside(grid, row, column)
    return ""


def _text_beside(grid: Grid, row: int, column: int) -> str:
    merge = grid.merge_at(row, column)
    after = (merge.right if merge else column) + 1
    for other in range(after, min(after + 3, grid.last_column) + 1):
        text = cell_text(grid.cell(row, other))
        if text:
            return text
    return ""


def labelled_day(grid: Grid, mapping: TableMapping, labels: tuple[str, ...]) -> dt.date | None:
    """Return the day behind a label such as 填报时间：, or None."""
    match = _DAY.search(labelled_text(grid, mapping, labels))
    if match is None:
        return None
    try:
        return dt.date(*(int(part) for part in match.groups()))
    except ValueError:
        return None
