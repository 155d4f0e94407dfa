"""A filled sheet as a page shows it: sections and items with points, remarks, files, and the figure to compare with.

Built in a constant number of queries, for the form of the branch, the printed preview and the dock of the scoring grid.
Sums are those of the arithmetic (`scoring.score_sheet`), so that a deduction, a bonus and a figure of the system count
on the page as they count in the result.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from django.db.models import prefetch_related_objects

from branches.registries import FigureText, figure_texts, figures
from grading import rules, scoring
from grading.models import (
    Assessment,
    Criterion,
    Evidence,
    EvidenceUse,
    LocalGuidance,
    RoundUnit,
    Score,
    Section,
)
from grading.scoring.counting import EntryShape, entry_shape, event_total
from grading.scoring.sheet import CriterionScore, SectionScore
from grading.services import guidance


def points_text(value: Decimal | None) -> str:
    """Return points as a field shows them: one place, two where the step of an item needs them, empty when missing."""
    if value is None:
        return ""
    return f"{value:.1f}" if value * 10 % 1 == 0 else f"{value:.2f}"


@dataclass(slots=True)
class EventLine:
    """One event of an item with how often it happened; `typed` is what stands in its field."""

    index: int
    label: str
    points: Decimal
    typed: str = ""


@dataclass(slots=True)
class Item:
    """One item of a rubric with what was entered for it."""

    criterion: Criterion
    shape: EntryShape
    points: Decimal | None = None
    not_applicable: bool = False
    remark: str = ""
    typed: str | None = None
    error: str = ""
    other: Decimal | None = None
    other_name: str = ""
    events: list[EventLine] = field(default_factory=list)
    guidance: LocalGuidance | None = None
    figure: FigureText | None = None
    value: Fraction | None = None
    files: list[Evidence] = field(default_factory=list)
    citable: list[Evidence] = field(default_factory=list)

    @property
    def system(self) -> bool:
        """Whether the system fills the item and nobody types it."""
        return self.criterion.kind == Criterion.Kind.SYSTEM

    @property
    def deduction(self) -> bool:
        """Whether what is entered is taken off."""
        return self.criterion.kind == Criterion.Kind.DEDUCTION

    @property
    def bonus(self) -> bool:
        """Whether the item comes on top."""
        return self.criterion.kind == Criterion.Kind.BONUS

    @property
    def levels(self) -> tuple[scoring.LevelRule, ...]:
        """The only points allowed, where there are any; for a system-filled item its bands."""
        return self.shape.criterion.levels if self.system else self.shape.choices

    @property
    def shown(self) -> str:
        """The text of the points field: what was typed, else the stored points."""
        return points_text(self.points) if self.typed is None else self.typed

    @property
    def scored(self) -> CriterionScore:
        """What the item earns as it stands."""
        known = {self.criterion.figure: self.value} if self.system else {}
        rule = scoring.RubricRule("", 1, (scoring.SectionRule("", "", Decimal(0), (self.shape.criterion,)),))
        given = {self.criterion.code: scoring.Entry(self.points, self.not_applicable)}
        return scoring.score_sheet(rule, given, known).sections[0].criteria[0]

    @property
    def earned(self) -> Decimal | None:
        """Points the item earns: what is left after a deduction, the band of a figure; None while it is open."""
        open_ = self.points is None and not self.system
        return None if open_ else self.scored.earned

    @property
    def earned_shown(self) -> str:
        """Points the item earns, as text."""
        return points_text(self.earned)

    @property
    def rate(self) -> str:
        """The figure of a system-filled item as a percentage, "" while there is none."""
        return "" if self.value is None else scoring.percent(self.value)

    @property
    def counted(self) -> bool:
        """Whether events are counted instead of points being typed."""
        return bool(self.events)

    @property
    def counted_total(self) -> str:
        """What the counted events come to, where that is more than the item can give or lose."""
        numbers = {line.label: int(line.typed) for line in self.events if line.typed.isdigit()}
        total = event_total(self.shape, numbers)
        return points_text(total) if total > self.criterion.points > 0 else ""

    @property
    def kept_shown(self) -> str:
        """Points of a counted item that were entered without counting (offline), so that saving keeps them."""
        return "" if any(line.typed for line in self.events) else points_text(self.points)

    @property
    def level_options(self) -> list[tuple[str, str]]:
        """The levels as a field that saves itself offers them: the value as it is stored and shown, and the words."""
        return [(points_text(level.points), f"{level.label} {points_text(level.points)}") for level in self.levels]

    @property
    def counts_said(self) -> str:
        """What was counted, in words: 院级报道 3 次；校级报道 1 次."""
        return "；".join(f"{line.label} {line.typed} 次" for line in self.events if line.typed not in ("", "0"))

    @property
    def other_shown(self) -> str:
        """The figure to compare with, as text."""
        return points_text(self.other)


@dataclass(slots=True)
class SheetSection:
    """One section with its items and sub-total."""

    section: Section
    items: list[Item]
    exceed: scoring.Exceed = scoring.Exceed.NONE

    @property
    def scored(self) -> SectionScore:
        """The section by the arithmetic, from what the items hold now."""
        entries = {i.criterion.code: scoring.Entry(i.points, i.not_applicable) for i in self.items}
        known = {i.criterion.figure: i.value for i in self.items if i.system}
        criteria = tuple(i.shape.criterion for i in self.items)
        part = scoring.SectionRule(self.section.code, self.section.name, self.section.points, criteria)
        return scoring.score_sheet(scoring.RubricRule("", 1, (part,), exceed=self.exceed), entries, known).sections[0]

    @property
    def earned(self) -> Decimal:
        """Points so far."""
        return self.scored.partial

    @property
    def fixed(self) -> Decimal:
        """Points of the section that nobody types here."""
        return sum((i.earned or Decimal(0) for i in self.items if i.system), Decimal(0))

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
    """A whole sheet. `vetoes` are items of the rubric that are only stated: they carry no points."""

    unit: RoundUnit
    assessment: Assessment | None
    sections: list[SheetSection]
    vetoes: list[Criterion] = field(default_factory=list)

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
        return sum((i.shape.criterion.counted for i in self.items if i.points is not None or i.system), Decimal(0))

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


def _alike(criterion: Criterion) -> tuple[str, str, Decimal]:
    """Return what makes an item the same in two versions of a rubric."""
    return criterion.code, criterion.kind, criterion.points


def _beside(unit: RoundUnit, other: Assessment | None) -> dict[int, Score]:
    """Return the scores to compare with by the items of `unit`; those of another version only where nothing changed."""
    scores = _points(other)
    if other is None or other.unit_id == unit.pk or other.unit.rubric_id == unit.rubric_id:
        return scores
    rows = Criterion.objects.filter(pk__in=scores)
    before = {_alike(row): scores[row.pk] for row in rows}
    items = (item for section in unit.rubric.sections.all() for item in section.criteria.all())
    return {item.pk: before[_alike(item)] for item in items if _alike(item) in before}


def _called(unit: RoundUnit, other: Assessment | None) -> str:
    """Return what the scores to compare with are called: of which round they are."""
    if other is None or other.unit_id == unit.pk:
        return ""
    earlier = other.unit.round
    return "上一轮" if earlier.campaign_id == unit.round.campaign_id else earlier.dated


def event_lines(shape: EntryShape, score: Score | None) -> list[EventLine]:
    """Return the events of an item; points typed without counting leave the fields empty."""
    numbers = {one["label"]: str(one["number"]) for one in score.counts} if score else {}
    return [
        EventLine(place, event.label, event.points, numbers.get(event.label, ""))
        for place, event in enumerate(shape.events)
    ]


def _item(criterion: Criterion, local: LocalGuidance | None, score: Score | None) -> Item:
    shape = entry_shape(rules.criterion_rule(criterion), guidance.refinement_of(local))
    item = Item(criterion, shape, events=event_lines(shape, score), guidance=local)
    if score:
        item.points, item.not_applicable, item.remark = score.points, score.not_applicable, score.remark
    return item


def _fill_in(items: Iterable[Item], unit: RoundUnit) -> None:
    """Give system-filled items their figure: its name, how it is defined, and its value if there is one."""
    asked = [item for item in items if item.system]
    if not asked:
        return
    texts, known = figure_texts(), figures()
    for item in asked:
        code = item.criterion.figure
        item.figure = texts.get(code)
        item.value = known[code](unit.round, [unit]).get(unit.pk) if code in known else None


def build(unit: RoundUnit, assessment: Assessment | None, other: Assessment | None = None) -> Sheet:
    """Return the sheet of `unit` as `assessment` fills it, to be shown; `other` gives the figures to compare with."""
    sheet = entered(unit, assessment)
    complete(sheet, other)
    return sheet


def complete(sheet: Sheet, other: Assessment | None) -> None:
    """Add what only a page needs: the files each item cites, and the figures to compare with."""
    others, files = _beside(sheet.unit, other), files_by_criterion(sheet.unit)
    name = _called(sheet.unit, other)
    for item in sheet.items:
        item.files = files.get(item.criterion.pk, [])
        if score := others.get(item.criterion.pk):
            item.other, item.other_name = score.points, name


def entered(unit: RoundUnit, assessment: Assessment | None) -> Sheet:
    """Return the items of `unit` with what `assessment` says of each: enough to read a posted form by."""
    scores, local, exceed = _points(assessment), guidance.of_unit(unit), scoring.Exceed(unit.rubric.exceed)
    prefetch_related_objects([unit.rubric], "sections__criteria__levels")
    sections, vetoes = [], []
    for section in unit.rubric.sections.all():
        items = []
        for criterion in section.criteria.all():
            if criterion.kind == Criterion.Kind.VETO:
                vetoes.append(criterion)
                continue
            items.append(_item(criterion, local.get(criterion.pk), scores.get(criterion.pk)))
        sections.append(SheetSection(section, items, exceed))
    sheet = Sheet(unit, assessment, sections, vetoes)
    _fill_in(sheet.items, unit)
    return sheet
