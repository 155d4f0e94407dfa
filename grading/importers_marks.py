"""Points of sheets from a workbook: a row for each branch, a column for each item code or section name.

A plan writes nothing; applying it saves every sheet through the service of the pages, all of them or none. A sheet a
branch hands in itself is handed in with it, as on its page.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from branches.importers import site_vocabulary
from branches.intake.marks import MarksReading, MarksRow, read_marks
from branches.intake.shapes import Problem, Severity, Workbook
from branches.intake.vocabulary import Vocabulary
from branches.models import Account
from branches.transitions import BlockedError, IllegalMoveError
from branches.versions import ConflictError
from grading import rules, scoring
from grading.importers import NO_DOUBTS, Doubts, Fate, Outcome, Plan, PlanLine, plan_rows, refuse_unready
from grading.models import Criterion, RoundUnit, Rubric, Score, Section, Source
from grading.services import sheets
from grading.services.errors import RefusedError


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which code each heading means, by rubric."""

    codes: Mapping[int, Mapping[str, str]]

    @property
    def labels(self) -> list[str]:
        """Every heading, once."""
        return list(dict.fromkeys(label for codes in self.codes.values() for label in codes))


def headings(source: Source, units: Sequence[RoundUnit]) -> Mapping[int, Mapping[str, str]]:
    """Return the headings a workbook of points has, by rubric: each with the code it means."""
    return _columns(source, units).codes


def _columns(source: Source, units: Sequence[RoundUnit]) -> _Columns:
    """Return the headings of a source: names of sections where it is scored by section, else codes of items."""
    rubrics = {unit.rubric_id for unit in units}
    found: dict[int, dict[str, str]] = {rubric: {} for rubric in rubrics}
    if source.entry == Source.Entry.SECTIONS:
        for section in Section.objects.filter(rubric__in=rubrics).order_by("rubric", "ordinal"):
            found[section.rubric_id][section.name] = section.code
    else:
        items = Criterion.objects.filter(section__rubric__in=rubrics).select_related("section")
        typed = items.exclude(kind__in=[Criterion.Kind.SYSTEM, Criterion.Kind.VETO])
        for item in typed.order_by("section__rubric", "section__ordinal", "ordinal"):
            found[item.section.rubric_id][item.code] = item.code
    return _Columns(found)


def plan_marks(
    *, source: Source, units: Iterable[RoundUnit], workbook: Workbook, doubts: Doubts = NO_DOUBTS,
    vocabulary: Vocabulary | None = None,
) -> Plan[MarksRow]:  # fmt: skip
    """Say what a workbook of points would save for `units`. Raises ValueError or KeyError for an impossible answer."""
    known = list(units)
    columns = _columns(source, known)
    reading = read_marks(
        workbook, vocabulary or site_vocabulary(), labels=columns.labels, mapping=doubts.mapping
    )  # fmt: skip
    stored = _stored(source, known)

    def fate(row: MarksRow, unit: RoundUnit) -> tuple[Fate, str]:
        old = stored.get(unit.pk, {})
        given = _entries(row, unit, columns)
        if not given:
            return Fate.LEFT_OUT, ""
        if not old:
            return Fate.NEW, ""
        return (Fate.SAME if all(old.get(code) == points for code, points in given.items()) else Fate.CHANGED), ""

    plan = plan_rows((source, workbook.name, reading), known, doubts, fate)
    return _with_wrong_figures(plan, reading, columns)


def _with_wrong_figures(plan: Plan[MarksRow], reading: MarksReading, columns: _Columns) -> Plan[MarksRow]:
    """Add an error for every figure that its item, or the branch's own 评分标准, cannot take."""
    rubrics = rubrics_of(plan.lines)
    wrong = [
        Problem(line.row.sheet, line.row.cells.get(label, ""), Severity.ERROR, f"{line.row.name}：{said}", "figure")
        for line in plan.lines
        if line.unit is not None
        for label, points in line.row.marks.items()
        if points is not None
        and (said := _figure_problem(rubrics[line.unit.rubric_id], columns.codes[line.unit.rubric_id], label, points))
    ]
    problems = (*reading.problems, *wrong)
    return Plan(plan.source, plan.file_name, plan.reading, plan.lines, plan.missing, problems)


def rubrics_of(lines: Iterable[PlanLine[MarksRow]]) -> dict[int, scoring.RubricRule]:
    """Return the rubrics the branches of some lines are scored by, as values."""
    wanted = {line.unit.rubric_id for line in lines if line.unit is not None}
    return {row.pk: rules.rubric_rule(row) for row in Rubric.objects.with_items().filter(pk__in=wanted)}


def _figure_problem(rubric: scoring.RubricRule, codes: Mapping[str, str], label: str, points: Decimal) -> str:
    """Return what is wrong with one figure under a heading, or nothing."""
    if label not in codes:
        return f"评分标准里没有“{label}”"
    items = {item.code: item for item in rubric.criteria}
    if codes[label] in items:
        found = scoring.entry_problem(items[codes[label]], scoring.Entry(points), rubric.not_applicable)
        return (found or "").rstrip("。")
    most = next(section.points for section in rubric.sections if section.code == codes[label])
    return "" if 0 <= points <= most else f"{label}应在 0 至 {scoring.plain(most)} 分之间"


def sums(plan: Plan[MarksRow]) -> dict[int, str]:
    """Say per row, by its position, how much of the sheet is filled and what it comes to."""
    rubrics, columns = rubrics_of(plan.lines), _columns(plan.source, [line.unit for line in plan.lines if line.unit])
    said = {}
    for line in plan.lines:
        if line.unit is None:
            continue
        rubric, given = rubrics[line.unit.rubric_id], _entries(line.row, line.unit, columns)
        if plan.source.entry == Source.Entry.SECTIONS:
            score = scoring.score_sections(rubric, given)
        else:
            score = scoring.score_sheet(rubric, {code: scoring.Entry(points) for code, points in given.items()})
        number = len(columns.codes[line.unit.rubric_id])
        said[line.position] = f"{scoring.plain(score.partial)} 分（填了 {len(given)}/{number} 项）"
    return said


def _entries(row: MarksRow, unit: RoundUnit, columns: _Columns) -> dict[str, Decimal]:
    """Return the points of a row by code, empty cells left out."""
    codes = columns.codes[unit.rubric_id]
    return {codes[label]: points for label, points in row.marks.items() if points is not None and label in codes}


def _stored(source: Source, units: Sequence[RoundUnit]) -> dict[int, dict[str, Decimal]]:
    """Return the points stored for the source by unit and code."""
    rows = Score.objects.filter(assessment__source=source, assessment__unit__in=units, points__isnull=False)
    found: dict[int, dict[str, Decimal]] = {}
    for unit, item, section, points in rows.values_list(
        "assessment__unit_id", "criterion__code", "section__code", "points"
    ):
        if points is not None:
            found.setdefault(unit, {})[item or section or ""] = points
    return found


@transaction.atomic
def apply_marks(*, by: Account | None, plan: Plan[MarksRow], now: dt.datetime) -> Outcome:
    """Save a plan of points, all or nothing. Raises RefusedError naming every branch whose sheet cannot take them."""
    refuse_unready(plan)
    lines = plan.of(Fate.NEW, Fate.CHANGED)
    columns = _columns(plan.source, [line.unit for line in lines if line.unit is not None])
    problems: list[str] = []
    for line in lines:
        if line.unit is not None:
            problems += _save(by, line.unit, plan.source, _entries(line.row, line.unit, columns), now)
    if problems:
        raise RefusedError(problems)
    return Outcome(len(lines), 0, len(plan.of(Fate.SAME)), len(plan.missing))


def _save(
    by: Account | None, unit: RoundUnit, source: Source, points: Mapping[str, Decimal], now: dt.datetime
) -> list[str]:
    """Save one sheet and hand it in where that is a step of its own; return what stands against it."""
    entries = {code: sheets.ScoreInput(value) for code, value in points.items()}
    try:
        sheet = sheets.sheet_for(by=by, unit=unit, source=source)
        sheet = sheets.save_scores(by=by, assessment=sheet, version=sheet.version, entries=entries, now=now)
        if source.code in sheets.HANDED_IN_BY_HAND:
            sheets.submit(by=by, assessment=sheet, now=now)
    except RefusedError as error:
        return [f"{unit.name}：{sentence}" for sentence in error.sentences]
    except BlockedError as error:
        return [f"{unit.name}：{sentence}" for sentence in error.blockers]
    except (IllegalMoveError, ConflictError) as error:
        return [f"{unit.name}：{error}"]
    return []
