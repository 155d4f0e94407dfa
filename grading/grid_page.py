"""The scoring grid of one 党总支: branches down, sections across, self score beside the superior's."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from branches.permissions import Action, recused_branch_ids, scope
from grading import scoring
from grading.models import Assessment, Criterion, Result, Round, RoundUnit, Score, Section, Source
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


def _section_sums(
    units: Sequence[RoundUnit], code: str
) -> tuple[dict[tuple[int, int], Decimal], dict[tuple[int, int], int]]:
    """Return sums and numbers of answered items by (unit, section) of one source; a section score answers all."""
    sums: defaultdict[tuple[int, int], Decimal] = defaultdict(Decimal)
    counts: defaultdict[tuple[int, int], int] = defaultdict(int)
    rows = Score.objects.filter(assessment__unit__in=units, assessment__source__code=code)
    fields = ("assessment__unit_id", "criterion__section_id", "section_id", "points", "not_applicable")
    for unit_id, of_item, of_section, points, not_applicable in rows.values_list(*fields):
        if points is None and not not_applicable:
            continue
        key = (unit_id, of_item or of_section)
        sums[key] += points or Decimal(0)
        counts[key] += 1 if of_item else 1000
    return sums, counts


def _to_answer(rubric_ids: set[int]) -> dict[int, int]:
    """Return how many items of each section a person scores."""
    rows = Criterion.objects.filter(section__rubric__in=rubric_ids).exclude(
        kind__in=[Criterion.Kind.SYSTEM, Criterion.Kind.VETO, Criterion.Kind.BONUS]
    )
    counts: defaultdict[int, int] = defaultdict(int)
    for section_id in rows.values_list("section_id", flat=True):
        counts[section_id] += 1
    return counts


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
    own_sums, own_counts = _section_sums(units, Source.SELF)
    sums, counts = _section_sums(units, Source.SUPERIOR)
    rubric_ids = {unit.rubric_id for unit in units}
    needed = _to_answer(rubric_ids)
    sections: defaultdict[int, list[Section]] = defaultdict(list)
    for section in Section.objects.filter(rubric__in=rubric_ids).order_by("ordinal"):
        sections[section.rubric_id].append(section)
    sheets = {
        (sheet.unit_id, sheet.source.code): sheet
        for sheet in Assessment.objects.filter(unit__in=units).select_related("source")
    }
    derivations = derive(round_, [unit for unit in units if unit.graded])
    editable = _editable_ids(account, round_, units)
    made = []
    for unit in units:
        cells = []
        for section in sections[unit.rubric_id]:
            key = (unit.pk, section.pk)
            own = own_sums.get(key) if own_counts.get(key) else None
            superior = sums.get(key) if counts.get(key) else None
            blank = counts.get(key, 0) < needed.get(section.pk, 0)
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
