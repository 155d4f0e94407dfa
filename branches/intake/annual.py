"""Reading the results of the yearly assessment: a grade, a score, or both, in one column or two.

A table exported by the system imports back unchanged under the headings 序号 党总支 党支部 考核结果 考核得分 备注.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from branches.intake.rows import TableReader, in_order
from branches.intake.shapes import (
    AnnualReading,
    AnnualRow,
    GradeBand,
    Limits,
    MappingChoice,
    Problem,
    Severity,
    Workbook,
)
from branches.intake.sheets import select_sheets
from branches.intake.values import (
    as_text,
    parse_code,
    parse_score,
    parse_text,
    parse_unit_name,
    parse_written_name,
    shortened,
)
from branches.intake.vocabulary import Vocabulary, heading_key

TABLE = "annual"
HUNDRED = Decimal(100)
_OWN = ("name", "result", "score", "code")
_SPOKEN = {
    "name": "党支部名称", "general_branch": "党总支", "result": "考核结果", "score": "考核得分", "remark": "备注",
    "code": "编号",
}  # fmt: skip


class Answer(StrEnum):
    """What a person decided about a row that contradicts itself or exceeds the maximum."""

    GRADE = "grade"  # the grade counts, the score is dropped
    SCORE = "score"  # the score counts, the grade is dropped
    LEAVE_OUT = "leave_out"  # neither: the branch has no result


@dataclass(frozen=True)
class AnnualRules:
    """What the round says: points and agreeing scores of each grade, the highest score (None: no limit), full marks."""

    bands: Mapping[str, GradeBand]
    maximum: Decimal | None
    full: Decimal = Decimal(100)


class _AnnualRows(TableReader):
    """Reads the rows of one sheet."""

    rules: AnnualRules
    answers: Mapping[str, Answer]

    def row(self, row: int) -> AnnualRow:
        """Read one row."""
        unit = self.read(row, "general_branch", parse_unit_name).value or None
        name = self.read(row, "name", parse_written_name)
        if name.ok and not name.value:
            self.add(row, "name", "党支部名称为空", "name_empty")
        direct = unit is not None and self.vocabulary.is_direct(unit)
        remark = self.read(row, "remark", parse_text).value or ""
        self.read(row, "code", parse_code)
        found = AnnualRow(
            sheet=self.grid.name,
            row=row,
            general_branch=None if direct else unit,
            direct=direct,
            name=name.value or "",
            grade=None,
            score=None,
            points=None,
            exempt=False,
            reason="",
            raw=" ".join(as_text(self.cell(row, field)).strip() for field in ("result", "score")).strip(),
            how="",
            remark=remark,
            cells=self.references(row),
        )
        return self._judged(row, self._result(row, found))

    def _result(self, row: int, found: AnnualRow) -> AnnualRow:
        """Read the result, which is a grade, a number or an exemption, and the score beside it."""
        score = self.read(row, "score", parse_score).value if "score" in self.mapping.columns else None
        answer = self.answers.get(f"{self.grid.name}!{row}")
        text = as_text(self.cell(row, "result")).strip()
        key = heading_key(text)
        if key in self.vocabulary.exempt:
            if score is not None and answer is Answer.SCORE:
                return replace(found, score=score)
            if score is not None and answer is None:
                self.add(row, "score", f"考核结果是“{text}”，却有得分 {score}，请核对", "contradiction")
            return replace(found, exempt=answer is not Answer.LEAVE_OUT, reason=found.remark or text)
        grade = self.vocabulary.grades.get(key)
        if grade is not None or not text or self.vocabulary.is_none(text):
            return replace(found, grade=grade, score=score)
        number = parse_score(self.cell(row, "result"), self.vocabulary, self.limits)
        if number.value is None:
            shown = shortened(text, self.limits.shown_length)
            self.add(row, "result", f"考核结果“{shown}”既不是等次也不是分数", "result")
        elif score is not None and score != number.value and answer is Answer.GRADE:
            return replace(found, score=number.value)
        elif score is not None and score != number.value and answer is None:
            self.add(row, "result", f"考核结果 {number.value} 与考核得分 {score} 不一致，请核对", "contradiction")
        return replace(found, score=score if score is not None else number.value)

    def _judged(self, row: int, found: AnnualRow) -> AnnualRow:
        """Compare grade, score and the round's rules; apply a person's answer."""
        answer = self.answers.get(f"{self.grid.name}!{row}")
        if answer is Answer.LEAVE_OUT:
            return replace(found, grade=None, score=None, how="经核对不采用")
        if answer is Answer.GRADE and found.grade is not None:
            found = replace(found, score=None)
        elif answer is Answer.SCORE and found.score is not None:
            found = replace(found, grade=None)
        band = self.rules.bands.get(found.grade or "")
        maximum = self.rules.maximum
        column = "score" if "score" in self.mapping.columns and not self.cell(row, "score").blank else "result"
        if found.score is not None and maximum is not None and found.score > maximum:
            self.add(row, column, f"分数 {found.score} 超过上限 {maximum}", "above_maximum")
        elif found.score is not None and band is not None and not band.low <= found.score <= band.high:
            reason = (
                f"等次“{found.grade}”与分数 {found.score} 不一致（{found.grade}为 {band.low}–{band.high} 分），请核对"
            )
            self.add(row, column, reason, "contradiction")
        elif found.score is None and found.grade is None and not found.exempt:
            self.add(row, "result", "没有考核结果，按缺项处理", "missing", Severity.WARNING)
        points = found.score if found.score is not None else band.points if band is not None else None
        return replace(found, points=points, how=_how(found, points, self.rules.full))


def _out_of(score: Decimal, full: Decimal) -> str:
    """Say a score, and what it comes to out of a hundred where it is out of something else."""
    said = format(score, "f")
    return said if full == HUNDRED else f"{said}（满分 {full.normalize():f}，折 {score * HUNDRED / full:.2f}）"


def _how(found: AnnualRow, points: Decimal | None, full: Decimal) -> str:
    """Tell a person how the row was read."""
    if found.exempt:
        return f"不参加考核：{found.reason}"
    if found.grade is not None and found.score is not None:
        return f"等次{found.grade}，分数 {_out_of(found.score, full)}，以分数计"
    if found.grade is not None:
        worth = f"，折合 {points} 分" if points is not None else ""
        return f"等次“{found.raw}”读作{found.grade}{worth}"
    if found.score is not None:
        return f"分数 {_out_of(found.score, full)}"
    return "没有结果"


def read_annual(
    workbook: Workbook,
    vocabulary: Vocabulary,
    *,
    rules: AnnualRules,
    answers: Mapping[str, Answer] | None = None,
    mapping: Mapping[str, MappingChoice] | None = None,
    limits: Limits | None = None,
) -> AnnualReading:
    """Read the yearly results.

    `rules` are the round's; `answers` are a person's decisions by "sheet!row". Match the rows with the tree by
    `wanted_names(reading.rows)` and `match_names`. Raises ValueError or KeyError for an impossible mapping.
    """
    limits = limits or Limits()
    selection = select_sheets(workbook, vocabulary, TABLE, mapping)
    rows: list[AnnualRow] = []
    problems: list[Problem] = list(selection.problems)
    notes: list[str] = []
    for grid, table in selection.tables:
        reader = _AnnualRows(grid, table, vocabulary, limits, own=_OWN, spoken=_SPOKEN)
        reader.rules, reader.answers = rules, answers or {}
        rows += [reader.row(row) for row in table.data_rows()]
        problems += reader.problems
        notes += [f"工作表“{grid.name}”{note}" for note in table.notes]
    return AnnualReading(
        workbook=workbook.name,
        mappings={grid.name: table for grid, table in selection.tables},
        rows=tuple(rows),
        problems=in_order(problems, workbook),
        skipped_sheets=selection.skipped,
        notes=tuple(notes),
    )
