"""What sheets in a workbook still want before they can be handed in: items without points, items without evidence.

Asked before anything is written, so that a person reads it in the preview; the gates of the sheet have the last word.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from grading import rules, scoring
from grading.models import Assessment, Criterion, EvidenceUse, RoundUnit, Rubric, Score, Source

Entries = Mapping[str, scoring.Entry]
MOST, TEXT = 10, 16


@dataclass(frozen=True, slots=True)
class Lack:
    """What one sheet still wants: each item by code and text."""

    unscored: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether anything is missing."""
        return bool(self.unscored or self.bare)

    def zh(self) -> str:
        """Say it in one line."""
        said = [("没有打分", self.unscored), ("须附佐证材料", self.bare)]
        return "；".join(f"{what}：{_listed(names)}" for what, names in said if names)


NOTHING = Lack()


def _listed(names: Sequence[str]) -> str:
    text = "、".join(names[:MOST])
    return f"{text}等 {len(names)} 项" if len(names) > MOST else text


@dataclass(frozen=True, slots=True)
class _Standard:
    """One 评分标准 as values, with what its items are called and which of them must carry evidence."""

    rule: scoring.RubricRule
    names: Mapping[str, str]
    evidence: frozenset[str]
    system: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sheets:
    """The sheets of some branches for one source as they stand now, and the 评分标准 they are filled by."""

    by_section: bool
    standards: Mapping[int, _Standard]
    stored: Mapping[int, Entries]
    closed: Mapping[int, str]
    cited: Mapping[int, frozenset[str]]

    def changed(self, unit: RoundUnit, given: Entries) -> dict[str, scoring.Entry]:
        """Return what of `given` is not stored like that."""
        old = self.stored.get(unit.pk, {})
        return {code: entry for code, entry in given.items() if old.get(code) != entry}

    def lack(self, unit: RoundUnit, given: Entries) -> Lack:
        """Return what the sheet of a branch would want with `given` on top of what is stored."""
        standard = self.standards[unit.rubric_id]
        entries = {**self.stored.get(unit.pk, {}), **given}
        if self.by_section:
            points = {code: entry.points for code, entry in entries.items()}
            missing = scoring.score_sections(standard.rule, points).missing
        else:
            missing = scoring.score_sheet(standard.rule, entries).missing
        earned = {code for code, entry in entries.items() if entry.points and not entry.not_applicable}
        bare = (earned & standard.evidence) - self.cited.get(unit.pk, frozenset()) if unit.pk in self.cited else ()
        return Lack(
            tuple(standard.names[code] for code in missing if code not in standard.system),
            tuple(name for code, name in standard.names.items() if code in bare),
        )


def read(source: Source, units: Sequence[RoundUnit], *, closing: bool) -> Sheets:
    """Read the sheets of `units` for a source in a few queries, however many they are.

    `closing`: a sheet that is handed in takes nothing any more.
    """
    rows = Rubric.objects.with_items().filter(pk__in={unit.rubric_id for unit in units})
    by_section = source.entry == Source.Entry.SECTIONS
    return Sheets(
        by_section, {row.pk: _standard(row, by_section=by_section) for row in rows}, stored(source, units),
        _closed(source, units) if closing else {}, _cited(units) if source.code == Source.SELF else {},
    )  # fmt: skip


def _standard(rubric: Rubric, *, by_section: bool) -> _Standard:
    sections = rubric.sections.all()
    if by_section:
        names = {section.code: section.name for section in sections}
        return _Standard(rules.rubric_rule(rubric), names, frozenset(), frozenset())
    items = [item for section in sections for item in section.criteria.all()]
    return _Standard(
        rules.rubric_rule(rubric),
        {item.code: f"{item.code} {_short(item.text)}" for item in items},
        frozenset(item.code for item in items if item.evidence_required),
        frozenset(item.code for item in items if item.kind == Criterion.Kind.SYSTEM),
    )


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TEXT else f"{line[:TEXT]}…"


def stored(source: Source, units: Iterable[RoundUnit]) -> dict[int, dict[str, scoring.Entry]]:
    """Return what is entered for the source, by unit and code; what is open is left out."""
    rows = Score.objects.filter(assessment__source=source, assessment__unit__in=units)
    fields = ("assessment__unit_id", "criterion__code", "section__code", "points", "not_applicable")
    found: dict[int, dict[str, scoring.Entry]] = {}
    for unit, item, section, points, not_applicable in rows.values_list(*fields):
        if points is not None or not_applicable:
            found.setdefault(unit, {})[item or section or ""] = scoring.Entry(points, not_applicable)
    return found


def _closed(source: Source, units: Iterable[RoundUnit]) -> dict[int, str]:
    """Return in which state the sheets are that their branch has handed in."""
    rows = Assessment.objects.filter(source=source, unit__in=units)
    return {row.unit_id: row.get_state_display() for row in rows if not row.editable}


def _cited(units: Sequence[RoundUnit]) -> dict[int, frozenset[str]]:
    """Return for every unit the items that carry evidence."""
    found: dict[int, set[str]] = {unit.pk: set() for unit in units}
    uses = EvidenceUse.objects.filter(evidence__unit__in=units, evidence__removed_at__isnull=True)
    for unit, code in uses.values_list("evidence__unit_id", "criterion__code"):
        found[unit].add(code)
    return {unit: frozenset(codes) for unit, codes in found.items()}
