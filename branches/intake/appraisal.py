"""Reading paper ballot counts of the 群众评议.

A table exported by the system imports back unchanged under the headings 序号 党总支 党支部名称, 票数 over 发出 收回
有效, 评议结果 over 满意 基本满意 不满意 不了解, 满意率 备注. The rate is always computed, never read; so is
有效 where a school's table has no column for it.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from branches.intake.rows import TableReader, in_order
from branches.intake.shapes import (
    AppraisalReading,
    AppraisalRow,
    AppraisalState,
    Grid,
    Limits,
    MappingChoice,
    Problem,
    Severity,
    TableMapping,
    Workbook,
)
from branches.intake.sheets import labelled_text, select_sheets
from branches.intake.values import parse_code, parse_count, parse_text, parse_unit_name, parse_written_name
from branches.intake.vocabulary import Vocabulary

TABLE = "appraisal"
OPINIONS = ("satisfied", "fairly", "unsatisfied", "unknown")
BALLOTS = ("issued", "returned", "valid")
PLEASED = ("satisfied", "fairly")
OPTIONS = tuple(zip(OPINIONS, ("满意", "基本满意", "不满意", "不了解"), strict=True))
_OWN = ("code", *BALLOTS)
_SPOKEN = {
    "name": "党支部名称", "general_branch": "党总支", "remark": "备注", "code": "编号", "issued": "发出票数",
    "returned": "收回票数", "valid": "有效票数", "voters": "评议人员",
}  # fmt: skip
_VOID = "，该次测评作废，须更正或重新组织"


class _AppraisalRows(TableReader):
    """Reads the rows of one sheet."""

    floor: int | None
    contradictions: Severity
    options: tuple[str, ...]
    pleased: tuple[str, ...]

    def row(self, row: int) -> AppraisalRow:
        """Read one row."""
        unit = self.read(row, "general_branch", parse_unit_name).value or None
        name = self.read(row, "name", parse_written_name)
        if name.ok and not name.value:
            self.add(row, "name", "党支部名称为空", "name_empty")
        direct = unit is not None and self.vocabulary.is_direct(unit)
        remark = self.read(row, "remark", parse_text).value or ""
        self.read(row, "code", parse_code)
        before = len(self.problems)
        figures = {field: self.read(row, field, parse_count).value for field in (*BALLOTS, *self.options)}
        unreadable = len(self.problems) > before
        if "valid" not in self.mapping.columns and any(figures[field] is not None for field in self.options):
            figures["valid"] = sum(figures[field] or 0 for field in self.options)
        state, reason = self._state(row, figures, remark, unreadable=unreadable)
        shown = state is AppraisalState.VALID
        return AppraisalRow(
            sheet=self.grid.name,
            row=row,
            general_branch=None if direct else unit,
            direct=direct,
            name=name.value or "",
            state=state,
            issued=figures["issued"],
            returned=figures["returned"],
            valid=figures["valid"],
            counts={field: figures[field] for field in self.options} if shown else {},
            rate=self._rate(figures) if shown else None,
            reason=reason,
            remark=remark,
            cells=self.references(row),
            group=self.read(row, "voters", parse_text).value or "",
        )

    def _rate(self, figures: dict[str, int | None]) -> Fraction | None:
        """Return the share of the options that count as content."""
        return satisfaction(sum(figures[field] or 0 for field in self.pleased), 0, figures["valid"])

    def _state(
        self, row: int, figures: dict[str, int | None], remark: str, *, unreadable: bool
    ) -> tuple[AppraisalState, str]:
        """Say what may be done with the figures, noting the problem when it is not everything."""
        if unreadable:
            return AppraisalState.VOID, "票数读不出"
        if all(value is None for value in figures.values()):
            said = remark if any(word in remark for word in self.vocabulary.not_held) else "没有票数"
            cell = f"{self.mapping.at(row, 'issued')}:{self.mapping.at(row, self.options[-1])}"
            reason = f"整行空白（{said}），按缺项处理，不当作 0"
            self.problems.append(Problem(self.grid.name, cell, Severity.WARNING, reason, "not_held"))
            return AppraisalState.MISSING, said
        fault = self._contradiction(row, figures)
        if fault is not None:
            cell, reason, code = fault
            self.problems.append(Problem(self.grid.name, cell, self.contradictions, reason + _VOID, code))
            return AppraisalState.VOID, reason
        valid = figures["valid"] or 0
        if self.floor is not None and valid < self.floor:
            reason = f"有效票 {valid} 张，低于公布下限 {self.floor} 张：不显示、不计分"
            self.add(row, "valid", reason, "below_floor", Severity.WARNING)
            return AppraisalState.BELOW_FLOOR, reason
        return AppraisalState.VALID, ""

    def _contradiction(self, row: int, figures: dict[str, int | None]) -> tuple[str, str, str] | None:
        """Return (cell, reason, code) of the first rule the figures break: 发出 ≥ 收回 ≥ 有效 = sum of options."""
        issued, returned, valid = (figures[field] for field in BALLOTS)
        if valid is None:
            return self.mapping.at(row, "valid"), "有效票数为空", "count_empty"
        if issued is not None and returned is not None and returned > issued:
            return self.mapping.at(row, "returned"), f"收回 {returned} 大于发出 {issued}", "returned_above_issued"
        if returned is not None and valid > returned:
            return self.mapping.at(row, "valid"), f"有效 {valid} 大于收回 {returned}", "valid_above_returned"
        if issued is not None and valid > issued:
            return self.mapping.at(row, "valid"), f"有效 {valid} 大于发出 {issued}", "valid_above_issued"
        for field in self.options:
            if figures[field] is None:
                figures[field] = 0  # a blank among filled ones; the sum below says whether it is right
        together = sum(figures[field] or 0 for field in self.options)
        if together != valid:
            present = [field for field in self.options if field in self.mapping.columns]
            cell = f"{self.mapping.at(row, present[0])}:{self.mapping.at(row, present[-1])}"
            return cell, f"{_number(len(self.options))}项之和 {together} 不等于有效票 {valid}", "sum"
        return None


def _without_valid(grid: Grid, table: TableMapping, options: Sequence[tuple[str, str]]) -> Problem | None:
    """Return what is said of a sheet without a column of valid ballots: added up, if all choices are there."""
    if "valid" in table.columns:
        return None
    lacking = "、".join(f"“{label}”" for code, label in options if code not in table.columns)
    if lacking:
        reason = f"表头没有“有效”一列，又缺{lacking}，有效票数算不出来：请补上“有效”一列，或补上缺的选项"
        return Problem(grid.name, table.header_ref, Severity.ERROR, reason, "valid_unknown")
    reason = "表头没有“有效”一列，有效票按各选项之和计；有废票的不受影响，废票本来就不在各选项里"
    return Problem(grid.name, table.header_ref, Severity.WARNING, reason, "valid_added_up")


def _number(count: int) -> str:
    return "零一二三四五六七八九十"[count] if count <= 10 else str(count)


def satisfaction(satisfied: int | None, fairly: int | None, valid: int | None) -> Fraction | None:
    """Return 满意率 = (满意 + 基本满意) ÷ 有效票 exactly; None without valid ballots. 不了解 is valid too."""
    if not valid or satisfied is None:
        return None
    return Fraction(satisfied + (fairly or 0), valid)


def read_appraisal(
    workbook: Workbook,
    vocabulary: Vocabulary,
    *,
    floor: int | None,
    void_contradictions: bool = False,
    mapping: Mapping[str, MappingChoice] | None = None,
    limits: Limits | None = None,
    options: Sequence[tuple[str, str]] = OPTIONS,
    pleased: Sequence[str] = PLEASED,
    grouped: bool = False,
) -> AppraisalReading:
    """Read paper ballot counts.

    `floor` is the round's least number of valid ballots (None: no floor). Rows that contradict themselves are errors
    until a person confirms with `void_contradictions` that those ballots are void; then they are warnings, state VOID.
    `options` are the choices of the ballot as (code, label), `pleased` those that count into 满意率.
    `grouped`: a branch has several rows, one for each kind of voters, and its name may be merged over them.
    Raises ValueError or KeyError for an impossible mapping.
    """
    limits = limits or Limits()
    vocabulary = vocabulary.with_ballot(TABLE, options)
    codes = tuple(code for code, _ in options)
    own = (*_OWN, *codes) if grouped else ("name", *_OWN, *codes)
    spoken = {**_SPOKEN, **{code: f"{label}票数" for code, label in options}}
    selection = select_sheets(workbook, vocabulary, TABLE, mapping)
    rows: list[AppraisalRow] = []
    doubts = {grid.name: said for grid, table in selection.tables if (said := _without_valid(grid, table, options))}
    problems: list[Problem] = [*selection.problems, *doubts.values()]
    held_on = ""
    for grid, table in selection.tables:
        if grid.name in doubts and doubts[grid.name].level is Severity.ERROR:
            continue
        held_on = held_on or labelled_text(grid, table, vocabulary.held_labels)
        reader = _AppraisalRows(grid, table, vocabulary, limits, own=own, spoken=spoken)
        reader.floor, reader.options, reader.pleased = floor, codes, tuple(pleased)
        reader.contradictions = Severity.WARNING if void_contradictions else Severity.ERROR
        rows += [reader.row(row) for row in table.data_rows()]
        problems += reader.problems
    return AppraisalReading(
        workbook=workbook.name,
        mappings={grid.name: table for grid, table in selection.tables},
        rows=tuple(rows),
        problems=in_order(problems, workbook),
        skipped_sheets=selection.skipped,
        notes=tuple(f"工作表“{grid.name}”{note}" for grid, table in selection.tables for note in table.notes),
        held_on=held_on,
    )
