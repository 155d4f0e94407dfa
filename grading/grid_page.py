"""The scoring grid of one 党总支: branches down, sections across, self score beside the superior's."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from branches.permissions import Action, recused_branch_ids, scope
from branches.registries import figures
from grading import rules, scoring
from grading.models import Assessment, Result, Round, RoundUnit, Rubric, Score, Section, Source
from grading.models.rubric import GradeScale
from grading.services.results import derive
from grading.sheet_page import points_text


@dataclass(slots=True)
class Cell:
    """One section of one branch."""

    unit_id: int
    section: Section
    own: Decimal | None
    superior: Decimal | None
    blank: bool
    flag: bool

    @property
    def element(self) -> str:
        """The id of the table cell."""
        return f"cell-{self.unit_id}-{self.section.pk}"

    @property
    def shown(self) -> str:
        """The superior's points as text, empty when there are none."""
        return points_text(self.superior)

    @property
    def gap(self) -> Decimal | None:
        """Superior minus own."""
        return None if self.own is None or self.superior is None else self.superior - self.own

    @property
    def own_shown(self) -> str:
        """The branch's points as text, empty when there are none."""
        return points_text(self.own)


@dataclass(slots=True)
class Row:
    """One branch."""

    unit: RoundUnit
    sheet: Assessment | None
    own_sheet: Assessment | None
    cells: list[Cell]
    composite: Decimal | None
    grade: Any
    needs_reason: bool
    editable: bool
    gap_limit: Decimal | None = None

    @property
    def own_total(self) -> Decimal | None:
        """The branch's own total, once handed in or while it fills."""
        return _sum(cell.own for cell in self.cells)

    @property
    def total(self) -> Decimal | None:
        """The superior's total so far."""
        return _sum(cell.superior for cell in self.cells)

    @property
    def complete(self) -> bool:
        """Whether every section is scored in full."""
        return not any(cell.blank for cell in self.cells)

    @property
    def gap(self) -> Decimal | None:
        """Superior minus own, once both are complete."""
        if self.own_total is None or self.total is None or not self.complete:
            return None
        return self.total - self.own_total

    @property
    def large_gap(self) -> bool:
        """Whether the totals differ as much as the round flags."""
        return self.gap is not None and self.gap_limit is not None and abs(self.gap) >= self.gap_limit

    @property
    def flagged(self) -> bool:
        """Whether anything on the row is marked as a large difference."""
        return self.needs_reason or self.large_gap or any(cell.flag for cell in self.cells)

    @property
    def reason(self) -> str:
        """The written reason."""
        return self.sheet.reason if self.sheet else ""


@dataclass(slots=True)
class Group:
    """Rows of one category under one head."""

    name: str
    rows: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Grid:
    """Groups whose rubrics have the same sections share one table."""

    sections: tuple[Section, ...]
    groups: list[Group]

    @property
    def full(self) -> Decimal:
        """Full marks of the sections."""
        return sum((s.points for s in self.sections), Decimal(0))


def token(text: str) -> str:
    """Return a short token of a stored text, by which a later save tells that nobody changed it meanwhile."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _sum(values: Iterable[Decimal | None]) -> Decimal | None:
    known = [value for value in values if value is not None]
    return sum(known, Decimal(0)) if known else None


@dataclass(slots=True)
class _Given:
    """What one sheet of one branch holds so far, by item or by section."""

    entries: dict[str, scoring.Entry] = field(default_factory=dict)
    sums: dict[str, Decimal | None] = field(default_factory=dict)


def _given(units: Sequence[RoundUnit]) -> dict[tuple[int, str], _Given]:
    """Return what stands on the sheets of branch and superior, drafts too, by (unit, source), in one query."""
    found: defaultdict[tuple[int, str], _Given] = defaultdict(_Given)
    sources = (Source.SELF, Source.SUPERIOR)
    rows = Score.objects.filter(assessment__unit__in=units, assessment__source__code__in=sources)
    fields = (
        "assessment__unit_id", "assessment__source__code", "criterion__code", "section__code", "points",
        "not_applicable",
    )  # fmt: skip
    for unit_id, source, item, section, points, not_applicable in rows.values_list(*fields):
        if points is None and not not_applicable:
            continue
        if item is not None:
            found[unit_id, source].entries[item] = scoring.Entry(points, not_applicable)
        else:
            found[unit_id, source].sums[section] = points
    return found


def _figures_of(
    round_: Round, units: Sequence[RoundUnit], rubrics: Iterable[scoring.RubricRule]
) -> dict[int, dict[str, Fraction | None]]:
    """Return the figures system-filled items ask for, by unit; each is computed once for all units."""
    wanted = {item.figure for rubric in rubrics for item in rubric.criteria if item.figure}
    known = figures()
    values = {code: known[code](round_, units) for code in sorted(wanted & known.keys())}
    return {unit.pk: {code: one.get(unit.pk) for code, one in values.items()} for unit in units}


TYPED = (scoring.CriterionKind.POINTS, scoring.CriterionKind.LEVELS, scoring.CriterionKind.DEDUCTION)


def _section_sum(
    rubric: scoring.RubricRule, code: str, given: _Given | None, known: dict[str, Fraction | None]
) -> tuple[Decimal | None, bool]:
    """Return what a section earns so far (None before its first figure), and whether an item is still open."""
    section = next(one for one in rubric.sections if one.code == code)
    needed = [item.code for item in section.criteria if item.kind in TYPED and item.counted > 0]
    if given is None:
        return None, bool(needed)
    if code in given.sums:
        return given.sums[code], False
    typed = [item.code for item in section.criteria if item.code in given.entries]
    if not typed:
        return None, bool(needed)
    part = scoring.RubricRule(rubric.code, rubric.version, (section,), rubric.not_applicable, rubric.exceed)
    earned = scoring.score_sheet(part, given.entries, known).sections[0].partial
    return earned, any(item not in given.entries for item in needed)


def settled_ids(units: Sequence[RoundUnit]) -> set[int]:
    """Return the units whose grade is proposed or decided: their figures stand until that is withdrawn."""
    rows = Result.objects.filter(unit__in=units).exclude(state=Result.State.COMPUTED)
    return set(rows.values_list("unit_id", flat=True))


def _editable_ids(account: Any, round_: Round, units: Sequence[RoundUnit]) -> set[int]:
    """Return the units the account may score now: in its reach, not recused, no grade proposed or decided."""
    if not round_.is_open:
        return set()
    reach = scope(account, Action.SCORE)
    if not reach:
        return set()
    settled = settled_ids(units)
    wanted = RoundUnit.objects.filter(pk__in=[u.pk for u in units if u.pk not in settled]).within(reach)
    recused = recused_branch_ids(account)
    return {pk for pk, branch_id in wanted.values_list("pk", "branch_id") if branch_id not in recused}


def rows_of(round_: Round, units: Sequence[RoundUnit], account: Any) -> list[Row]:
    """Return the grid rows of units in a constant number of queries."""
    given = _given(units)
    rubric_ids = {unit.rubric_id for unit in units}
    rows = {rubric.pk: rubric for rubric in Rubric.objects.with_items().filter(pk__in=rubric_ids)}
    rubrics = {pk: rules.rubric_rule(rubric) for pk, rubric in rows.items()}
    known = _figures_of(round_, units, rubrics.values())
    sheets = {
        (sheet.unit_id, sheet.source.code): sheet
        for sheet in Assessment.objects.filter(unit__in=units).select_related("source")
    }
    derivations = derive(round_, [unit for unit in units if unit.graded])
    editable = _editable_ids(account, round_, units)
    made = []
    for unit in units:
        cells = []
        rubric, figure = rubrics[unit.rubric_id], known[unit.pk]
        for section in rows[unit.rubric_id].sections.all():
            own, _ = _section_sum(rubric, section.code, given.get((unit.pk, Source.SELF)), figure)
            superior, blank = _section_sum(rubric, section.code, given.get((unit.pk, Source.SUPERIOR)), figure)
            cells.append(Cell(unit.pk, section, own, superior, blank, _flag(round_, own, superior, blank=blank)))
        found = derivations.get(unit.pk)
        divergence = found.divergence if found else None
        made.append(
            Row(
                unit=unit,
                sheet=sheets.get((unit.pk, Source.SUPERIOR)),
                own_sheet=sheets.get((unit.pk, Source.SELF)),
                cells=cells,
                composite=found.composite.rounded if found else None,
                grade=found.grade if found else None,
                needs_reason=bool(divergence and divergence.needs_reason),
                editable=unit.pk in editable,
                gap_limit=round_.divergence_points,
            )
        )
    return made


def _flag(round_: Round, own: Decimal | None, superior: Decimal | None, *, blank: bool) -> bool:
    if own is None or superior is None or blank or round_.divergence_section is None:
        return False
    return abs(superior - own) >= round_.divergence_section


def build(round_: Round, units: Sequence[RoundUnit], account: Any) -> list[Grid]:
    """Return the grids of units: one table per set of sections, rows grouped by category."""
    grids: dict[tuple[tuple[str, Decimal], ...], Grid] = {}
    for row in rows_of(round_, units, account):
        sections = tuple(cell.section for cell in row.cells)
        signature = tuple((s.name, s.points) for s in sections)
        grid = grids.setdefault(signature, Grid(sections, []))
        name = row.unit.category_title
        group = next((g for g in grid.groups if g.name == name), None)
        if group is None:
            group = Group(name)
            grid.groups.append(group)
        group.rows.append(row)
    return list(grids.values())


def grade_steps(scale: GradeScale) -> int:
    """Return how many grades a scale has."""
    return scale.grades.count()


def limits_sentence(round_: Round) -> str:
    """Return what the round flags, in words."""
    parts = []
    if round_.divergence_section is not None:
        parts.append(f"与自评相差 {scoring.plain(round_.divergence_section)} 分以上的部分标黄")
    if round_.divergence_points is not None:
        parts.append(f"合计相差 {scoring.plain(round_.divergence_points)} 分以上须写理由")
    return "，".join(parts)
