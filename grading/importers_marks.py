"""Points of sheets from a workbook: a row for each branch, a column for each item code or section name.

A plan writes nothing; applying it saves every sheet through the service of the pages, all of them or none. A sheet a
branch hands in itself is handed in with it, as on its page; one that lacks points or evidence stays a draft, and what
it lacks is said. One that is handed in already is left alone.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db import transaction

from branches.importers import site_vocabulary
from branches.intake.marks import MarksReading, MarksRow, read_marks
from branches.intake.shapes import Problem, Severity, Workbook
from branches.intake.vocabulary import Vocabulary
from branches.models import Account
from branches.transitions import BlockedError, IllegalMoveError
from branches.versions import ConflictError
from grading import importers_lacks, rules, scoring
from grading.importers import NO_DOUBTS, Doubts, Fate, Outcome, Plan, PlanLine, plan_rows, refuse_unready
from grading.models import Criterion, RoundUnit, Rubric, Section, Source
from grading.scoring.counting import EntryShape, entry_shape, shape_problem
from grading.services import guidance, sheets
from grading.services.errors import RefusedError

Shapes = Mapping[str, EntryShape]
_OPEN = (Fate.NEW, Fate.CHANGED, Fate.SAME)


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
    now = importers_lacks.read(source, known, closing=source.code in sheets.HANDED_IN_BY_HAND)

    def fate(row: MarksRow, unit: RoundUnit) -> tuple[Fate, str]:
        given = _entries(row, unit, columns)
        changed = now.changed(unit, given)
        if not given or (changed and unit.pk in now.closed):  # what is handed in stays as it is
            return Fate.LEFT_OUT, ""
        if unit.pk not in now.stored:
            return Fate.NEW, ""
        if changed:
            return Fate.CHANGED, ""
        by_hand = source.code in sheets.HANDED_IN_BY_HAND and unit.pk not in now.closed
        return (Fate.HANDED_IN if by_hand and not now.lack(unit, given) else Fate.SAME), ""

    plan = plan_rows((source, workbook.name, reading), known, doubts, fate)
    return _with_lacks(_with_wrong_figures(plan, reading, columns), now, columns)


def _with_lacks(plan: Plan[MarksRow], now: importers_lacks.Sheets, columns: _Columns) -> Plan[MarksRow]:
    """Add what each sheet would still want, and a warning for every row left out as its sheet is handed in."""
    lacks, problems = {}, list(plan.problems)
    for line in plan.lines:
        if line.unit is None:
            continue
        given = _entries(line.row, line.unit, columns)
        if line.fate in _OPEN and line.unit.pk not in now.closed and (lack := now.lack(line.unit, given)):
            lacks[line.position] = lack.zh()
        elif line.fate is Fate.LEFT_OUT and given:
            name, state = plan.source.name, now.closed[line.unit.pk]
            said = f"{line.row.name}：{name}{state}，这一行不导入；确要更改的请先退回"
            cell = line.row.cells.get("name", f"A{line.row.row}")
            problems.append(Problem(line.row.sheet, cell, Severity.WARNING, said, "closed"))
    return replace(plan, problems=tuple(problems), lacks=lacks)


def _with_wrong_figures(plan: Plan[MarksRow], reading: MarksReading, columns: _Columns) -> Plan[MarksRow]:
    """Add an error for every figure that its item, or the branch's own 评分标准, cannot take."""
    rubrics, shapes = rubrics_of(plan.lines), _shapes(plan.lines)
    wrong = [
        Problem(line.row.sheet, line.row.cells.get(label, ""), Severity.ERROR, f"{line.row.name}：{said}", "figure")
        for line in plan.lines
        if line.unit is not None
        for label, entry in _written(line.row).items()
        if (
            said := _figure_problem(
                rubrics[line.unit.rubric_id],
                shapes[line.unit.rubric_id, line.unit.parent_id],
                columns.codes[line.unit.rubric_id],
                label,
                entry,
            )
        )
    ]
    return replace(plan, problems=(*reading.problems, *wrong))


def rubrics_of(lines: Iterable[PlanLine[MarksRow]]) -> dict[int, scoring.RubricRule]:
    """Return the rubrics the branches of some lines are scored by, as values."""
    wanted = {line.unit.rubric_id for line in lines if line.unit is not None}
    return {row.pk: rules.rubric_rule(row) for row in Rubric.objects.with_items().filter(pk__in=wanted)}


def _shapes(lines: Iterable[PlanLine[MarksRow]]) -> dict[tuple[int, int], Shapes]:
    """Return how items are entered, with the 细则 in force, by 评分标准 and 党总支."""
    units = [line.unit for line in lines if line.unit is not None]
    local = guidance.in_force(units)
    rubrics = Rubric.objects.with_items().in_bulk({unit.rubric_id for unit in units})
    return {
        (pk, parent): {
            item.code: entry_shape(rules.criterion_rule(item), guidance.refinement_of(local.get((parent, item.pk))))
            for section in rubrics[pk].sections.all()
            for item in section.criteria.all()
        }
        for pk, parent in {(unit.rubric_id, unit.parent_id) for unit in units}
    }


def _figure_problem(
    rubric: scoring.RubricRule, shapes: Shapes, codes: Mapping[str, str], label: str, entry: scoring.Entry
) -> str:
    """Return what is wrong with one figure under a heading, or nothing."""
    if label not in codes:
        return f"评分标准里没有“{label}”"
    if shape := shapes.get(codes[label]):
        if entry.not_applicable and shape.criterion.kind is scoring.CriterionKind.BONUS:
            return f"{codes[label]} 是加分项，没有的填 0，不填“不适用”"
        return (shape_problem(shape, entry, rubric.not_applicable) or "").rstrip("。")
    if entry.points is None:
        return f"{label}按部分打分，不能填“不适用”"
    most = next(section.points for section in rubric.sections if section.code == codes[label])
    return "" if 0 <= entry.points <= most else f"{label}应在 0 至 {scoring.plain(most)} 分之间"


def sums(plan: Plan[MarksRow]) -> dict[int, str]:
    """Say per row, by its position, how much of the sheet is filled and what it comes to."""
    rubrics, columns = rubrics_of(plan.lines), _columns(plan.source, [line.unit for line in plan.lines if line.unit])
    said = {}
    for line in plan.lines:
        if line.unit is None:
            continue
        rubric, given = rubrics[line.unit.rubric_id], _entries(line.row, line.unit, columns)
        if plan.source.entry == Source.Entry.SECTIONS:
            score = scoring.score_sections(rubric, {code: entry.points for code, entry in given.items()})
        else:
            score = scoring.score_sheet(rubric, given)
        number = len(columns.codes[line.unit.rubric_id])
        said[line.position] = f"{scoring.plain(score.partial)} 分（填了 {len(given)}/{number} 项）"
    return said


def _written(row: MarksRow) -> dict[str, scoring.Entry]:
    """Return what a row says by heading: points, or 不适用."""
    found = {label: scoring.Entry(points) for label, points in row.marks.items() if points is not None}
    return found | {label: scoring.Entry(None, not_applicable=True) for label in row.not_applicable}


def _entries(row: MarksRow, unit: RoundUnit, columns: _Columns) -> dict[str, scoring.Entry]:
    """Return what a row says by code, empty cells left out."""
    codes = columns.codes[unit.rubric_id]
    return {codes[label]: entry for label, entry in _written(row).items() if label in codes}


@transaction.atomic
def apply_marks(*, by: Account | None, plan: Plan[MarksRow], now: dt.datetime) -> Outcome:
    """Save a plan of points, all or nothing; sheets that cannot be handed in yet stay drafts, with what they lack.

    Raises RefusedError naming every branch whose sheet cannot take its points.
    """
    refuse_unready(plan)
    lines = plan.of(Fate.NEW, Fate.CHANGED, Fate.HANDED_IN)
    units = [line.unit for line in lines if line.unit is not None]
    columns, stored = _columns(plan.source, units), importers_lacks.stored(plan.source, units)
    problems: list[str] = []
    drafts: list[str] = []
    by_hand = plan.source.code in sheets.HANDED_IN_BY_HAND
    for line in lines:
        if line.unit is None:
            continue
        given, old = _entries(line.row, line.unit, columns), stored.get(line.unit.pk, {})
        entries = {code: entry for code, entry in given.items() if old.get(code) != entry}
        try:
            blocked = _save(by, line.unit, plan.source, entries, now)
        except RefusedError as error:
            problems += [f"{line.unit.name}：{sentence}" for sentence in error.sentences]
        except (IllegalMoveError, ConflictError) as error:
            problems.append(f"{line.unit.name}：{error}")
        else:
            lack = plan.lacks.get(line.position, blocked)
            if lack and (blocked or not by_hand):
                drafts.append(f"{line.unit.name}（{lack}）")
    if problems:
        raise RefusedError(problems)
    return Outcome(len(lines), 0, len(plan.of(Fate.SAME)), len(plan.missing), drafts=tuple(drafts))


def _save(by: Account | None, unit: RoundUnit, source: Source, given: importers_lacks.Entries, now: dt.datetime) -> str:
    """Save what changes on one sheet and hand it in where that is a step of its own; return why it stays a draft."""
    entries = {code: sheets.ScoreInput(entry.points, entry.not_applicable) for code, entry in given.items()}
    sheet = sheets.sheet_for(by=by, unit=unit, source=source)
    sheet = sheets.save_scores(by=by, assessment=sheet, version=sheet.version, entries=entries, now=now)
    if source.code not in sheets.HANDED_IN_BY_HAND:
        return ""
    try:
        sheets.submit(by=by, assessment=sheet, now=now)  # in a savepoint of its own: what was saved above stays
    except BlockedError as error:
        return "".join(error.blockers).rstrip("。")
    return ""
