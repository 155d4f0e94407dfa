"""How far a round is: one line per 党总支, counted in a handful of queries."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from grading.models import (
    AnnualResult,
    AppraisalCount,
    Assessment,
    Exemption,
    Grade,
    Result,
    Round,
    RoundUnit,
    Source,
    SpotCheck,
)
from grading.services.results import standing

HANDED_IN = (Assessment.State.SUBMITTED, Assessment.State.ACCEPTED)
SPOT = ("drawn", "inspected")


@dataclass(slots=True)
class GroupLine:
    """One 党总支, or all 直属党支部 together."""

    key: str
    name: str
    units: int = 0
    graded: int = 0
    filed: int = 0
    returned: int = 0
    late: int = 0
    scored: int = 0
    drawn: int = 0
    inspected: int = 0
    sources: Counter[str] = field(default_factory=Counter)
    decided: int = 0
    proposed: int = 0
    grades: Counter[int] = field(default_factory=Counter)
    unexplained: int = 0

    @property
    def left_out(self) -> int:
        """Branches this round gives no grade."""
        return self.units - self.graded

    def shares(self, grades: Sequence[Grade]) -> list[tuple[Grade, int]]:
        """Return grades with their numbers, best first."""
        return [(grade, self.grades[grade.pk]) for grade in grades]


@dataclass(slots=True)
class Board:
    """All lines with their sum."""

    lines: list[GroupLine]
    total: GroupLine
    other_sources: list[Source]
    grades: list[Grade]


def build(round_: Round, units: Sequence[RoundUnit], *, now: dt.datetime | None = None) -> Board:
    """Return the board over the given units; with `now`, grades nobody chose are as inputs stand, else as stored."""
    total = GroupLine("", "合计")
    lines: dict[str, GroupLine] = {}
    home: dict[int, GroupLine] = {}
    for unit in units:
        line = lines.setdefault(unit.group, GroupLine(unit.group, unit.general_branch_name))
        line.units += 1
        line.graded += unit.graded
        home[unit.pk] = line
    _count_sheets(home)
    if round_.has_source(Source.SPOT_CHECK):
        _count_drawn(home)
    sources = [s for s in round_.sources.all() if s.kind != Source.Kind.SHEET]
    _count_others(home)
    stored = Result.objects.filter(unit__in=home).current().defer("scores", "derivation")
    _count_results(home, stored if now is None else standing(round_, units, now=now).values())
    for line in lines.values():
        total.units += line.units
        for name in ("graded", "filed", "returned", "late", "scored", *SPOT, "decided", "proposed", "unexplained"):
            setattr(total, name, getattr(total, name) + getattr(line, name))
        total.sources.update(line.sources)
        total.grades.update(line.grades)
    return Board(list(lines.values()), total, sources, list(round_.scale.grades.order_by("rank")))


def _count_sheets(home: dict[int, GroupLine]) -> None:
    rows = Assessment.objects.filter(unit__in=home).values_list("unit_id", "source__code", "state", "late")
    for unit_id, code, state, late in rows:
        line = home[unit_id]
        if code == Source.SELF:
            line.filed += state in HANDED_IN
            line.returned += state == Assessment.State.RETURNED
            line.late += late
        elif code == Source.SUPERIOR:
            line.scored += state in HANDED_IN
        elif code == Source.SPOT_CHECK:
            line.inspected += state in HANDED_IN


def _count_drawn(home: dict[int, GroupLine]) -> None:
    for unit_id in SpotCheck.objects.active().filter(unit__in=home).values_list("unit_id", flat=True):
        home[unit_id].drawn += 1


def _count_others(home: dict[int, GroupLine]) -> None:
    seen: set[tuple[int, str]] = set()
    for model in (AnnualResult, AppraisalCount, Exemption):
        rows = model.objects.filter(unit__in=home).values_list("unit_id", "source__code")  # type: ignore[attr-defined]
        seen.update(rows)
    for unit_id, code in seen:
        home[unit_id].sources[code] += 1


def _count_results(home: dict[int, GroupLine], results: Iterable[Result]) -> None:
    for result in results:
        line = home[result.unit_id]
        line.decided += result.state == Result.State.DECIDED
        line.proposed += result.state == Result.State.PROPOSED
        line.unexplained += bool(result.blockers)
        if grade := result.decided_grade_id or result.proposed_grade_id or result.computed_grade_id:
            line.grades[grade] += 1
