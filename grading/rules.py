"""From rows to the values the arithmetic works with: rubrics, rounds, sheets, counts."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction

from django.db.models import prefetch_related_objects

from branches.registries import figures
from grading import scoring
from grading.models import (
    Assessment,
    Criterion,
    Exemption,
    GradeScale,
    Round,
    RoundUnit,
    Rubric,
    Score,
    Source,
    VetoFinding,
)
from grading.models.sources import AnnualResult, AppraisalCount
from grading.spot_inputs import take_spot_checks

ROUND_ROWS = (
    "scale__grades",
    "sources__options",
    "sources__annual_points",
    "sources__groups",
    "cut_offs__grade",
    "gates__best",
    "veto_items__grade",
    "caps__grade",
)


def criterion_rule(criterion: Criterion) -> scoring.CriterionRule:
    """Return one item as a value."""
    return scoring.CriterionRule(
        code=criterion.code,
        text=criterion.text,
        points=criterion.points,
        kind=scoring.CriterionKind(criterion.kind),
        step=criterion.step,
        levels=tuple(scoring.LevelRule(level.label, level.points, level.minimum) for level in criterion.levels.all()),
        figure=criterion.figure,
    )


def rubric_rule(rubric: Rubric) -> scoring.RubricRule:
    """Return a rubric with its items as a value (four queries, none when items were fetched before)."""
    prefetch_related_objects([rubric], "sections__criteria__levels")
    sections = tuple(
        scoring.SectionRule(
            section.code,
            section.name,
            section.points,
            tuple(criterion_rule(criterion) for criterion in section.criteria.all()),
        )
        for section in rubric.sections.all()
    )
    return scoring.RubricRule(
        rubric.code,
        rubric.version,
        sections,
        scoring.NotApplicable(rubric.not_applicable),
        scoring.Exceed(rubric.exceed),
    )


def grade_rules(scale: GradeScale) -> tuple[scoring.GradeRule, ...]:
    """Return a scale as values, best first."""
    return tuple(scoring.GradeRule(grade.code, grade.label, grade.rank) for grade in scale.grades.all())


def source_rule(source: Source) -> scoring.SourceRule:
    """Return one source as a value; synonyms of annual grades count as labels of their own."""
    annual = [(label, row.points) for row in source.annual_points.all() for label in (row.label, *row.synonyms)]
    return scoring.SourceRule(
        code=source.code,
        name=source.name,
        kind=scoring.SourceKind(source.kind),
        weight=source.weight,
        options=tuple(
            scoring.OptionRule(option.code, option.label, option.points, option.satisfied)
            for option in source.options.all()
        ),
        minimum_ballots=source.minimum_ballots,
        annual_points=tuple(annual),
        allow_over=source.allow_over,
        groups=tuple(scoring.GroupRule(group.code, group.name, group.weight) for group in source.groups.all()),
        full=source.full_marks,
    )


def round_rules(round_: Round) -> scoring.RoundRules:
    """Return everything a round fixes about arithmetic as a value."""
    prefetch_related_objects([round_], *ROUND_ROWS)
    return scoring.RoundRules(
        version=round_.rule_version,
        grades=grade_rules(round_.scale),
        sources=tuple(source_rule(source) for source in round_.sources.all()),
        cut_offs=tuple(scoring.CutOffRule(cut.grade.code, cut.minimum) for cut in round_.cut_offs.all()),
        gates=tuple(
            scoring.GateRule(
                gate.figure, gate.name, gate.minimum, gate.best.code if gate.best else None, gate.bars_promotion
            )
            for gate in round_.gates.all()
        ),
        vetoes=tuple(
            scoring.VetoRule(item.code, item.text, scoring.VetoEffect(item.effect), item.grade.code)
            for item in round_.veto_items.all()
        ),
        caps=_cap_rules(round_),
        places=round_.places,
        missing=scoring.MissingRule(round_.missing),
        divergence=_divergence_rule(round_),
    )


def _cap_rules(round_: Round) -> tuple[scoring.CapRule, ...]:
    """Return the caps of a round as values."""
    return tuple(
        scoring.CapRule(
            grade=cap.grade.code,
            value=cap.value,
            side=scoring.CapSide(cap.side),
            measure=scoring.CapMeasure(cap.measure),
            scope=scoring.CapScope(cap.extent),
            rounding=scoring.Rounding(cap.rounding),
            mode=scoring.CapMode(cap.mode),
            tie_breaks=tuple(cap.tie_breaks),
        )
        for cap in round_.caps.all()
    )


def _divergence_rule(round_: Round) -> scoring.DivergenceRule | None:
    if not round_.compare_first or not round_.compare_second:
        return None
    return scoring.DivergenceRule(
        round_.compare_first,
        round_.compare_second,
        round_.divergence_points,
        round_.divergence_section,
        round_.divergence_grades,
    )


def entries_of(scores: Iterable[Score]) -> dict[str, scoring.Entry]:
    """Return item entries by code."""
    return {
        score.criterion.code: scoring.Entry(score.points, score.not_applicable)
        for score in scores
        if score.criterion is not None
    }


def sections_of(scores: Iterable[Score]) -> dict[str, Decimal | None]:
    """Return section sums by code."""
    return {score.section.code: score.points for score in scores if score.section is not None}


def scores_of(sheet: Assessment) -> list[Score]:
    """Return the scores of a sheet in one plain query, their items and sections taken from the rubric of its unit."""
    prefetch_related_objects([sheet.unit.rubric], "sections__criteria__levels")
    sections = {section.pk: section for section in sheet.unit.rubric.sections.all()}
    items = {item.pk: item for section in sections.values() for item in section.criteria.all()}
    found = list(sheet.scores.all())
    for score in found:
        if score.criterion_id in items:
            score.criterion = items[score.criterion_id]
        if score.section_id in sections:
            score.section = sections[score.section_id]
    return found


def sheet_input(assessment: Assessment, scores: Iterable[Score]) -> scoring.SheetInput:
    """Return a filled sheet as the source takes it."""
    if assessment.source.entry == Source.Entry.SECTIONS:
        return scoring.SheetInput({}, sections_of(scores))
    return scoring.SheetInput(entries_of(scores))


def counts_of(row: AppraisalCount) -> scoring.Counts | None:
    """Return ballot counts, or None when the appraisal was not held or is void."""
    if row.state != AppraisalCount.State.COUNTED:
        return None
    given = tuple((code, int(number)) for code, number in sorted(row.counts.items()))
    return scoring.Counts(row.issued or 0, row.returned or 0, row.valid or 0, given)


def counts_input(rows: Sequence[AppraisalCount], names: Mapping[int, str]) -> scoring.CountsInput | None:
    """Return all counts of one branch for one source; `names` maps voter groups to their codes.

    A group that was not held or is void brings no ballots; None when nothing was counted at all.
    """
    counted = [(row, counts) for row in rows if (counts := counts_of(row)) is not None]
    if not counted:
        return None
    whole = next((counts for row, counts in counted if row.group_id is None), None)
    if whole is not None:
        return scoring.CountsInput(whole)
    nothing = scoring.Counts(0, 0, 0, ())
    groups = tuple(
        scoring.GroupCounts(names[row.group_id], counts_of(row) or nothing, tuple(row.joined))
        for row in rows
        if row.group_id is not None
    )
    return scoring.CountsInput(scoring.add_counts(counts for _, counts in counted), groups)


def counts_by_unit(rows: Iterable[AppraisalCount]) -> dict[tuple[int, int], list[AppraisalCount]]:
    """Return counts by unit and source, groups in their order."""
    found: dict[tuple[int, int], list[AppraisalCount]] = {}
    for row in rows:
        found.setdefault((row.unit_id, row.source_id), []).append(row)
    return found


class Inputs:
    """Everything units of one round handed in, read in a fixed number of queries."""

    def __init__(self, round_: Round, units: Iterable[RoundUnit]) -> None:
        """Read sheets, counts, results, exemptions, vetoes and figures of `units`."""
        self.round = round_
        self.units = list(units)
        prefetch_related_objects([round_], "sources__groups")
        self.sources = {source.pk: source for source in round_.sources.all()}
        self._rubrics: dict[int, scoring.RubricRule] = {}
        self._given: dict[int, dict[str, scoring.SourceInput]] = {unit.pk: {} for unit in self.units}
        self._vetoes: dict[int, list[scoring.VetoFound]] = {}
        self._read_rubrics()
        self._read_sheets()
        self._read_rows()
        take_spot_checks(round_, self.units, self.sources, self._given)
        self._figures = self._read_figures()

    def _read_rubrics(self) -> None:
        wanted = {unit.rubric_id for unit in self.units}
        for rubric in Rubric.objects.with_items().filter(pk__in=wanted):
            self._rubrics[rubric.pk] = rubric_rule(rubric)

    def _read_sheets(self) -> None:
        """Take submitted and accepted sheets; a draft or returned one has not been handed in.

        Points are read as plain values: a round of 500 branches has some 50,000 of them.
        """
        handed_in = [Assessment.State.SUBMITTED, Assessment.State.ACCEPTED]
        sheets = Assessment.objects.filter(unit__in=self.units, state__in=handed_in)
        owners = {
            pk: (unit, self.sources[source]) for pk, unit, source in sheets.values_list("pk", "unit_id", "source_id")
        }
        items: dict[int, dict[str, scoring.Entry]] = {pk: {} for pk in owners}
        sums: dict[int, dict[str, Decimal | None]] = {pk: {} for pk in owners}
        rows = Score.objects.filter(assessment__in=sheets).values_list(
            "assessment_id", "criterion__code", "section__code", "points", "not_applicable"
        )
        for pk, item, section, points, not_applicable in rows.iterator(chunk_size=5000):
            if item is not None:
                items[pk][item] = scoring.Entry(points, not_applicable)
            else:
                sums[pk][section] = points
        for pk, (unit, source) in owners.items():
            by_section = source.entry == Source.Entry.SECTIONS
            given = scoring.SheetInput({}, sums[pk]) if by_section else scoring.SheetInput(items[pk])
            self._given[unit][source.code] = given

    def _read_rows(self) -> None:
        """Take counts and results; an exemption stands before whatever was handed in."""
        counts = counts_by_unit(AppraisalCount.objects.filter(unit__in=self.units).order_by("group__ordinal"))
        names = {group.pk: group.code for source in self.sources.values() for group in source.groups.all()}
        for (unit, source), rows in counts.items():
            given = counts_input(rows, names) or scoring.MissingInput(rows[0].reason)
            self._given[unit][self.sources[source].code] = given
        for result in AnnualResult.objects.filter(unit__in=self.units):
            code = self.sources[result.source_id].code
            self._given[result.unit_id][code] = scoring.AnnualInput(result.label, result.score)
        for exemption in Exemption.objects.filter(unit__in=self.units):
            code = self.sources[exemption.source_id].code
            self._given[exemption.unit_id][code] = scoring.ExemptInput(exemption.reason)
        for veto in VetoFinding.objects.filter(unit__in=self.units).select_related("item"):
            self._vetoes.setdefault(veto.unit_id, []).append(scoring.VetoFound(veto.item.code, veto.note))

    def _read_figures(self) -> dict[str, Mapping[int, Fraction | None]]:
        """Ask the registered functions for the figures rubrics and gates use, once for all units."""
        wanted = {gate.figure for gate in self.round.gates.all()}
        wanted |= {item.figure for rubric in self._rubrics.values() for item in rubric.criteria if item.figure}
        known = figures()
        return {code: known[code](self.round, self.units) for code in sorted(wanted & known.keys())}

    def rubric(self, unit: RoundUnit) -> scoring.RubricRule:
        """Return the rubric of a unit as a value."""
        return self._rubrics[unit.rubric_id]

    def of(self, unit: RoundUnit) -> scoring.UnitInput:
        """Return one unit's input."""
        return scoring.UnitInput(
            unit=unit.code,
            group=unit.group,
            rubric=self._rubrics[unit.rubric_id],
            sources=self._given[unit.pk],
            figures={code: values.get(unit.pk) for code, values in self._figures.items()},
            vetoes=tuple(self._vetoes.get(unit.pk, ())),
        )

    def all(self) -> list[scoring.UnitInput]:
        """Return every unit's input, in order."""
        return [self.of(unit) for unit in self.units]


def unit_figures(unit: RoundUnit, rubric: scoring.RubricRule) -> dict[str, Fraction | None]:
    """Return the figures the system-filled items of one unit's rubric ask for."""
    wanted = {item.figure for item in rubric.criteria if item.figure}
    known = figures()
    return {code: known[code](unit.round, [unit]).get(unit.pk) for code in sorted(wanted & known.keys())}
