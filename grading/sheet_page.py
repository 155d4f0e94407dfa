"""A filled sheet as a page shows it: sections and items with points, remarks, files, and the figure to compare with.

Built in a constant number of queries, for the form of the branch, the printed preview and the dock of the scoring grid.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from grading.models import Assessment, Criterion, Evidence, EvidenceUse, Level, RoundUnit, Score, Section


def points_text(value: Decimal | None) -> str:
    """Return points as a field shows them: one place, two where the step of an item needs them, empty when missing."""
    if value is None:
        return ""
    return f"{value:.1f}" if value * 10 % 1 == 0 else f"{value:.2f}"


@dataclass(slots=True)
class Item:
    """One item of a rubric with what was entered for it."""

    criterion: Criterion
    levels: tuple[Level, ...]
    points: Decimal | None = None
    not_applicable: bool = False
    remark: str = ""
    typed: str | None = None
    error: str = ""
    other: Decimal | None = None
    files: list[Evidence] = field(default_factory=list)
    citable: list[Evidence] = field(default_factory=list)

    @property
    def system(self) -> bool:
        """Whether the system fills the item and nobody types it."""
        return self.criterion.kind == Criterion.Kind.SYSTEM

    @property
    def shown(self) -> str:
        """The text of the points field: what was typed, else the stored points."""
        return points_text(self.points) if self.typed is None else self.typed

    @property
    def other_shown(self) -> str:
        """The figure to compare with, as text."""
        return points_text(self.other)


@dataclass(slots=True)
class SheetSection:
    """One section with its items and sub-total."""

    section: Section
    items: list[Item]

    @property
    def earned(self) -> Decimal:
        """Points entered so far."""
        return sum((i.points for i in self.items if i.points is not None), Decimal(0))

    @property
    def answered(self) -> int:
        """How many items are done: points given, or 不适用."""
        return sum(i.points is not None or i.not_applicable for i in self.items)

    @property
    def to_answer(self) -> int:
        """How many items a person has to fill in."""
        return sum(not i.system for i in self.items)


@dataclass(slots=True)
class Sheet:
    """A whole sheet."""

    unit: RoundUnit
    assessment: Assessment | None
    sections: list[SheetSection]

    def offer(self, files: Sequence[Evidence]) -> None:
        """Offer each item the files of the branch that it does not cite yet."""
        for item in self.items:
            cited = {file.pk for file in item.files}
            item.citable = [file for file in files if file.pk not in cited]

    @property
    def items(self) -> list[Item]:
        """All items in order."""
        return [item for section in self.sections for item in section.items]

    @property
    def earned(self) -> Decimal:
        """Sum of what is entered."""
        return sum((s.earned for s in self.sections), Decimal(0))

    @property
    def answered(self) -> int:
        """How many items are done."""
        return sum(s.answered for s in self.sections)

    @property
    def to_answer(self) -> int:
        """How many items a person has to fill in."""
        return sum(s.to_answer for s in self.sections)

    @property
    def full_of_answered(self) -> Decimal:
        """Full marks of the items that carry points."""
        return sum((i.criterion.points for i in self.items if i.points is not None), Decimal(0))

    @property
    def full(self) -> Decimal:
        """Full marks."""
        return sum((s.section.points for s in self.sections), Decimal(0))


def files_by_criterion(unit: RoundUnit) -> Mapping[int, list[Evidence]]:
    """Return the files each item of a unit cites."""
    uses = EvidenceUse.objects.filter(evidence__unit=unit, evidence__removed_at__isnull=True).select_related("evidence")
    found: defaultdict[int, list[Evidence]] = defaultdict(list)
    for use in uses.order_by("evidence_id"):
        found[use.criterion_id].append(use.evidence)
    return found


def _points(assessment: Assessment | None) -> dict[int, Score]:
    if assessment is None:
        return {}
    return {s.criterion_id: s for s in assessment.scores.all() if s.criterion_id is not None}


def build(unit: RoundUnit, assessment: Assessment | None, other: Assessment | None = None) -> Sheet:
    """Return the sheet of `unit` as `assessment` fills it; `other` gives the figures to compare with."""
    scores, others, files = _points(assessment), _points(other), files_by_criterion(unit)
    sections = []
    for section in unit.rubric.sections.prefetch_related("criteria__levels").order_by("ordinal"):
        items = []
        for criterion in section.criteria.all():
            if criterion.kind == Criterion.Kind.VETO:
                continue
            item = Item(criterion, tuple(criterion.levels.all()), files=files.get(criterion.pk, []))
            if score := scores.get(criterion.pk):
                item.points, item.not_applicable, item.remark = score.points, score.not_applicable, score.remark
            if score := others.get(criterion.pk):
                item.other = score.points
            items.append(item)
        sections.append(SheetSection(section, items))
    return Sheet(unit, assessment, sections)
