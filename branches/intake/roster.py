"""Reading a roster of Party branches.

A table exported by the system imports back unchanged when its headings are the labels of `presets/words.toml`
(`Vocabulary.label("roster", field)`): 序号, 所属党总支, 党支部名称, 支部类别, 支部书记 over 姓名 性别 职务/职称
任职时间, 党员数 over 合计 正式 预备 流动, 联系电话, 编号, 备注; a direct branch writes 直属党支部 under 所属党总支.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from branches.intake.matching import name_key
from branches.intake.roster_checks import (
    check_against_day,
    check_codes,
    check_counts,
    check_names,
    check_total_row,
    check_units,
)
from branches.intake.rows import TableReader, in_order
from branches.intake.shapes import (
    Grid,
    Limits,
    MappingChoice,
    Problem,
    RosterReading,
    RosterRow,
    RosterTotals,
    Severity,
    TableMapping,
    Workbook,
)
from branches.intake.sheets import Selection, labelled_day, labelled_text, select_sheets
from branches.intake.values import (
    Parsed,
    T,
    parse_category,
    parse_code,
    parse_count,
    parse_date,
    parse_email,
    parse_gender,
    parse_person,
    parse_phones,
    parse_text,
    parse_unit_name,
)
from branches.intake.vocabulary import Vocabulary

TABLE = "roster"
COUNTS = ("members", "formal", "probationary", "mobile")
EXTRA_FIELDS = (
    "short_name", "secretary_education", "secretary_birth", "founded", "last_election", "term_ends", "committee",
    "venue", "email",
)  # fmt: skip
EXTRA_DATES = ("secretary_birth", "founded", "last_election", "term_ends")
_SPOKEN = {
    "name": "党支部名称", "general_branch": "所属党总支", "category": "支部类别", "members": "党员合计",
    "formal": "正式党员数", "probationary": "预备党员数", "mobile": "流动党员数", "secretary_name": "书记姓名",
    "secretary_gender": "书记性别", "secretary_post": "书记职务", "secretary_since": "任职时间", "code": "编号",
    "phones": "联系电话", "remark": "备注", "short_name": "支部简称", "secretary_education": "书记学历",
    "secretary_birth": "书记出生年月", "founded": "成立时间", "last_election": "最近换届时间", "term_ends": "届满时间",
    "committee": "支委", "venue": "活动场所", "email": "电子邮箱",
}  # fmt: skip
_NOT_SHARED = ("name", "code", *COUNTS)  # a merged range over several rows must not repeat these


@dataclass
class RowDraft:
    """A row while it is being checked: what was read, and which fields could not be."""

    row: RosterRow
    unit_text: str | None  # as written, closed up; None when it could not be read or is blank
    failed: set[str] = field(default_factory=set)


class RosterRows(TableReader):
    """Reads the rows of one roster sheet."""

    def draft(self, row: int) -> RowDraft:
        """Read one row."""
        texts = {name: self.read(row, name, parse_text).value or "" for name in ("secretary_post", "remark")}
        category = self.read(row, "category", parse_category)
        counts = {name: self.read(row, name, parse_count) for name in COUNTS[1:]}
        failed = {name for name, parsed in counts.items() if not parsed.ok}
        counts["members"] = self._members(row, failed)
        name, unit = self._name(row), self._unit(row)
        since = self.read(row, "secretary_since", parse_date)
        comment = self.grid.comments.get((row, self.mapping.columns["name"]), "")
        shown_category = self.cell(row, "category").value
        found = RosterRow(
            sheet=self.grid.name,
            row=row,
            name=name or "",
            general_branch=None if unit is None or self.vocabulary.is_direct(unit) else unit,
            direct=unit is not None and self.vocabulary.is_direct(unit),
            category=category.value or None,
            category_text="" if shown_category is None else "".join(str(shown_category).split()),
            code=self.read(row, "code", parse_code).value or "",
            secretary_name=self._secretary(row),
            secretary_gender=self.read(row, "secretary_gender", parse_gender).value or "",
            secretary_post=texts["secretary_post"],
            secretary_since=since.value,
            phones=self.read(row, "phones", parse_phones).value or (),
            remark=texts["remark"],
            cell_comment=comment,
            extra=self._extra(row),
            cells={field_name: self.mapping.at(row, field_name) for field_name in self.mapping.columns},
            **self._counts(row, counts, failed),
        )
        if category.ok and not category.value:
            self.add(row, "category", "支部类别为空", "category")
        return RowDraft(found, unit, failed)

    def _name(self, row: int) -> str | None:
        parsed = self.read(row, "name", parse_unit_name)
        if parsed.ok and not parsed.value:
            self.add(row, "name", "党支部名称为空", "name_empty")
        return parsed.value or None

    def _unit(self, row: int) -> str | None:
        parsed = self.read(row, "general_branch", parse_unit_name)
        if parsed.ok and not parsed.value:
            reason = "所属党总支为空，且不在合并单元格内，不沿用上一行"
            self.add(row, "general_branch", reason, "unit_empty")
        return parsed.value or None

    def _secretary(self, row: int) -> str:
        if "secretary_name" not in self.mapping.columns:
            return ""
        parsed = self.read(row, "secretary_name", parse_person)
        if parsed.ok and not parsed.value:
            reason = "书记姓名为空；如有人暂代，请在备注写明并填上姓名"
            self.add(row, "secretary_name", reason, "secretary_empty", self.limits.vacant_secretary)
        return parsed.value or ""

    def _members(self, row: int, failed: set[str]) -> Parsed[int]:
        """Read 合计; when a part of the row's sum could not be read, its own fault is the same one and not reported."""
        cell = self.cell(row, "members")
        if cell.value is None and cell.formula is not None:
            return Parsed()  # never calculated: the parts say it
        if failed & {"formal", "probationary"}:
            return Parsed()
        parsed = self.read(row, "members", parse_count)
        if not parsed.ok:
            failed.add("members")
        return parsed

    def _counts(self, row: int, counts: Mapping[str, Parsed[int]], failed: set[str]) -> dict[str, int | None]:
        """Fill what a blank means: 预备 and 流动 are 0; 正式 and 合计 follow from each other."""
        values = {name: parsed.value for name, parsed in counts.items()}
        columns = self.mapping.columns
        for name in ("probationary", "mobile"):
            if name in columns and name not in failed and values[name] is None:
                values[name] = 0
        parts_known = not failed & {"formal", "probationary", "members"}
        if parts_known and values["formal"] is None:
            self._derive_formal(row, values, failed)
        if parts_known and values["members"] is None and values["formal"] is not None:
            values["members"] = values["formal"] + (values["probationary"] or 0)
        return values

    def _derive_formal(self, row: int, values: dict[str, int | None], failed: set[str]) -> None:
        """正式 is 合计 less 预备, and without a column of 预备 all of 合计; never below nothing."""
        columns, members, less = self.mapping.columns, values["members"], values["probationary"] or 0
        if "formal" not in columns and "members" not in columns:
            return  # the file counts no members
        if members is None or ("formal" in columns and "probationary" not in columns):
            name, said = ("formal", "正式党员数为空") if "formal" in columns else ("members", "党员合计为空")
            self.add(row, name, said, "count_empty")
            failed.add(name)
        elif members < less:
            self.add(row, "probationary", f"预备 {less} 大于党员合计 {members}，正式党员数算不出来", "sum")
            failed.add("probationary")
        else:
            if "formal" in columns:
                self.add(row, "formal", "正式党员数为空，按合计减预备计", "count_derived", Severity.WARNING)
            values["formal"], values["probationary"] = members - less, less

    def say_how_counted(self) -> None:
        """Say once for the sheet what its heading leaves to be worked out."""
        columns = self.mapping.columns
        if "members" not in columns or "formal" in columns:
            return
        said = "没有正式党员一列，正式按合计减预备计"
        if "probationary" not in columns:
            said = (
                "只有党员合计，没有分正式和预备：新支部全部按正式计，系统里已有的支部保留原来的预备人数；"
                "要分开请加上“预备”一列再上传"
            )
        self.add(self.mapping.header_rows[-1], "members", said, "count_derived", Severity.WARNING)

    def _extra(self, row: int) -> dict[str, str]:
        """Read the columns that only some offices have; dates become 2011-10 or 2011-10-16."""
        found = {}
        for name in EXTRA_FIELDS:
            if name not in self.mapping.columns:
                continue
            if name in EXTRA_DATES:
                date = self.read(row, name, parse_date).value
                text = "" if date is None else str(date)
            elif name == "email":
                text = self.read(row, name, parse_email).value or ""
            else:
                text = " ".join((self.read(row, name, parse_text).value or "").split())
            if text:
                found[name] = text
        return found


def read_roster(
    workbook: Workbook,
    vocabulary: Vocabulary,
    *,
    reported_on: dt.date | None = None,
    mapping: Mapping[str, MappingChoice] | None = None,
    limits: Limits | None = None,
    known_units: Sequence[str] = (),
    decisions: Mapping[str, str] | None = None,
) -> RosterReading:
    """Read every roster sheet of a workbook.

    `reported_on` replaces the day the file states; `mapping` are a person's choices by sheet name; `known_units` are
    the general branches of the tree; `decisions` say for a doubtful unit name which name is meant (itself: a new one).
    Raises ValueError or KeyError for an impossible mapping.
    """
    limits = limits or Limits()
    selection = select_sheets(workbook, vocabulary, TABLE, mapping)
    decided = {name_key(written): meant for written, meant in (decisions or {}).items()}
    found, problems = _read_sheets(selection, vocabulary, limits)
    drafts = [_decided(draft, decided, vocabulary) for draft in found]
    day = reported_on or _first(selection, lambda grid, table: labelled_day(grid, table, vocabulary.date_labels))
    problems += [*selection.problems, *check_counts(drafts), *check_against_day(drafts, day)]
    problems += check_units(drafts, known_units, decided, vocabulary)
    problems += [*check_names(drafts, limits), *check_codes(drafts)]
    rows = tuple(draft.row for draft in drafts)
    return RosterReading(
        workbook=workbook.name,
        mappings={grid.name: table for grid, table in selection.tables},
        rows=rows,
        problems=in_order(problems, workbook),
        skipped_sheets=selection.skipped,
        filled_in_on=day,
        unit_name=_first(selection, lambda grid, table: labelled_text(grid, table, vocabulary.unit_labels)) or "",
        totals=_totals(rows),
        notes=tuple(f"工作表“{grid.name}”{note}" for grid, table in selection.tables for note in table.notes),
    )


def _read_sheets(selection: Selection, vocabulary: Vocabulary, limits: Limits) -> tuple[list[RowDraft], list[Problem]]:
    """Read the rows of every sheet, with what is wrong with single cells and with the total rows."""
    drafts: list[RowDraft] = []
    problems: list[Problem] = []
    for grid, table in selection.tables:
        reader = RosterRows(grid, table, vocabulary, limits, own=_NOT_SHARED, spoken=_SPOKEN)
        reader.say_how_counted()
        own = [reader.draft(row) for row in table.data_rows()]
        problems += [*reader.problems, *check_total_row(grid, table, own, vocabulary, limits)]
        drafts += own
    return drafts, problems


def _first(selection: Selection, look: Callable[[Grid, TableMapping], T | None]) -> T | None:
    """Return the first thing found on the sheets that were read."""
    return next((found for grid, table in selection.tables if (found := look(grid, table))), None)


def _decided(draft: RowDraft, decided: Mapping[str, str], vocabulary: Vocabulary) -> RowDraft:
    """Put the unit a person decided on in place of the written one."""
    meant = decided.get(name_key(draft.unit_text or ""))
    if meant is None:
        return draft
    direct = vocabulary.is_direct(meant)
    return RowDraft(replace(draft.row, general_branch=None if direct else meant, direct=direct), meant, draft.failed)


def _totals(rows: Sequence[RosterRow]) -> RosterTotals:
    return RosterTotals(
        branches=len(rows),
        members=sum(row.members or 0 for row in rows),
        formal=sum(row.formal or 0 for row in rows),
        probationary=sum(row.probationary or 0 for row in rows),
        mobile=sum(row.mobile or 0 for row in rows),
    )
