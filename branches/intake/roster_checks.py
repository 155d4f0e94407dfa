"""What the rows of a roster must satisfy together: sums, days, units, names and codes that are there once."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Protocol

from branches.intake.headers import cell_text
from branches.intake.matching import name_key
from branches.intake.shapes import Grid, Limits, Problem, RosterRow, Severity, TableMapping
from branches.intake.units import UnitMention, judge_units
from branches.intake.values import parse_count, shortened
from branches.intake.vocabulary import Vocabulary
from branches.partial_dates import PartialDate

_NAMED_ROWS = 12


class Draft(Protocol):
    """A row while it is being checked."""

    row: RosterRow
    unit_text: str | None
    failed: set[str]


def _problem(draft: Draft, name: str, reason: str, code: str, suggestions: tuple[str, ...] = ()) -> Problem:
    cell = draft.row.cells.get(name, f"A{draft.row.row}")
    return Problem(draft.row.sheet, cell, Severity.ERROR, reason, code, suggestions)


def check_counts(drafts: Sequence[Draft]) -> list[Problem]:
    """合计 = 正式 + 预备, and 流动 is contained in it. A row with an unreadable part was reported already."""
    problems = []
    for draft in drafts:
        row = draft.row
        if row.formal is not None and row.members is not None and not draft.failed & {"formal", "probationary"}:
            parts = row.formal + (row.probationary or 0)
            if row.members != parts:
                reason = f"合计 {row.members} ≠ 正式 {row.formal} + 预备 {row.probationary or 0}"
                problems.append(_problem(draft, "members", reason, "sum"))
        if row.mobile is not None and row.members is not None and row.mobile > row.members:
            reason = f"流动党员数 {row.mobile} 大于党员合计 {row.members}"
            problems.append(_problem(draft, "mobile", reason, "mobile"))
    return problems


def check_against_day(drafts: Sequence[Draft], day: dt.date | None) -> list[Problem]:
    """Nobody took office after the roster was filled in."""
    if day is None:
        return []
    latest = PartialDate.from_date(day)
    problems = []
    for draft in drafts:
        since = draft.row.secretary_since
        if since is not None and _later(since, latest):
            reason = f"任职时间 {since.dotted()} 晚于填报时间 {day.isoformat()}"
            problems.append(_problem(draft, "secretary_since", reason, "after_report"))
    return problems


def _later(since: PartialDate, day: PartialDate) -> bool:
    if since.day is None:
        return (since.year, since.month) > (day.year, day.month)
    return since > day


def check_units(
    drafts: Sequence[Draft], known: Sequence[str], decided: Mapping[str, str], vocabulary: Vocabulary
) -> list[Problem]:
    """Ask about unit names that are no unit, or that may mean another; names a person decided on are believed."""
    placed = [draft for draft in drafts if draft.row.general_branch is not None]
    mentions = [UnitMention(draft.row.general_branch or "", draft.row.name) for draft in placed]
    doubts = judge_units(mentions, known, vocabulary)
    believed = {name_key(meant) for meant in decided.values()}
    problems = []
    for draft in placed:
        unit = draft.row.general_branch or ""
        doubt = doubts.get(unit)
        if doubt is not None and name_key(unit) not in believed:
            problems.append(_problem(draft, "general_branch", doubt.reason, doubt.code, doubt.suggestions))
    return problems


def check_names(drafts: Sequence[Draft], limits: Limits) -> list[Problem]:
    """No two branches of one unit bear the same name."""
    first: dict[tuple[str, str], RosterRow] = {}
    problems = []
    for draft in drafts:
        row = draft.row
        if not row.name or draft.unit_text is None:
            continue
        key = (name_key(row.general_branch or ""), name_key(row.name))
        if key in first:
            before = first[key]
            place = f"第{before.row}行" if before.sheet == row.sheet else f"工作表“{before.sheet}”第{before.row}行"
            shown = shortened(row.name, limits.shown_length)
            reason = f"与{place}重复：同一党总支内“{shown}”出现两次"
            problems.append(_problem(draft, "name", reason, "duplicate_name"))
        else:
            first[key] = row
    return problems


def check_codes(drafts: Sequence[Draft]) -> list[Problem]:
    """No two branches bear the same code."""
    first: dict[str, RosterRow] = {}
    problems = []
    for draft in drafts:
        row = draft.row
        key = row.code.casefold()
        if not key:
            continue
        if key in first:
            before = first[key]
            place = f"第{before.row}行" if before.sheet == row.sheet else f"工作表“{before.sheet}”第{before.row}行"
            problems.append(_problem(draft, "code", f"编号 {row.code} 与{place}重复", "duplicate_code"))
        else:
            first[key] = row
    return problems


def check_total_row(
    grid: Grid, table: TableMapping, drafts: Sequence[Draft], vocabulary: Vocabulary, limits: Limits
) -> list[Problem]:
    """Compare the stored totals with the rows; the rows count. One warning for the row, naming what SUM left out."""
    if table.total_row is None:
        return []
    wrong: list[tuple[str, str]] = []
    doubtful: list[tuple[str, str]] = []
    for name in ("members", "formal", "probationary", "mobile"):
        if name not in table.columns:
            continue
        stored = parse_count(grid.shown(table.total_row, table.columns[name]), vocabulary, limits)
        values = [getattr(draft.row, name) for draft in drafts]
        true = sum(value for value in values if value is not None)
        if stored.value is None or stored.value == true:
            continue
        label = vocabulary.label("roster", name).rpartition("/")[2]
        entry = (table.at(table.total_row, name), f"{label} {stored.value}（各行之和 {true}）")
        (wrong if None not in values else doubtful).append(entry)
    if not wrong:
        return []  # what cannot be read explains the rest
    entries = sorted((*wrong, *doubtful), key=lambda entry: (len(entry[0]), entry[0]))
    reason = f"合计行的存储值与各行之和不符，以各行为准：{'，'.join(text for _, text in entries)}"
    texts = _text_count_rows(grid, table)
    if texts:
        shown = "、".join(str(row) for row in texts[:_NAMED_ROWS])
        more = f"等{len(texts)}行" if len(texts) > _NAMED_ROWS else "行"
        reason += f"；第{shown}{more}的数字存成了文本，SUM 不计入"
    return [Problem(grid.name, entries[0][0], Severity.WARNING, reason, "total")]


def _text_count_rows(grid: Grid, table: TableMapping) -> list[int]:
    """Return the rows with a count stored as text; 无 and — are no numbers and left out of nothing."""
    columns = [table.columns[name] for name in ("members", "formal", "probationary", "mobile") if name in table.columns]
    return [
        row
        for row in table.data_rows()
        if any(
            isinstance(grid.cell(row, column).value, str)
            and any(char.isdigit() for char in cell_text(grid.cell(row, column)))
            for column in columns
        )
    ]
