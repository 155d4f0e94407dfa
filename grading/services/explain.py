"""“这个等级怎么来的”: the view model of one result page, from what is stored or as the inputs stand."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone

from branches.models import TransitionLog
from branches.transitions import history
from grading import scoring
from grading.models import Assessment, Result, RoundUnit, Score, Source, VetoReview
from grading.scoring.explain import Step
from grading.services.explain_ties import tie_sentences
from grading.services.results import derivation_of, derive
from grading.services.ungraded import score_ungraded


@dataclass(frozen=True, slots=True)
class SourceLine:
    """One row of the sources table: score, weight, contribution, as shown."""

    code: str
    name: str
    score: str
    weight: str
    part: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ItemLine:
    """One item (or section) beside the sheets of branch, 党总支 and inspectors; None is not scored."""

    code: str
    text: str
    maximum: Decimal
    own: Decimal | None
    superior: Decimal | None
    remark: str
    is_section: bool = False
    spot: Decimal | None = None

    @property
    def gap(self) -> Decimal | None:
        """Superior minus own."""
        return None if self.own is None or self.superior is None else self.superior - self.own

    @property
    def lost(self) -> Decimal | None:
        """Points the superior did not give."""
        return None if self.superior is None else self.maximum - self.superior


@dataclass(frozen=True, slots=True)
class BallotLine:
    """The ballots a source was computed from, as they stood: counts, each option's number, 满意率, voter groups."""

    name: str
    counts: scoring.Counts
    options: tuple[tuple[str, int], ...]
    rate: str
    groups: tuple[scoring.GroupScore, ...]
    rate_name: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Something on the scale bar: a source or the composite."""

    label: str
    score: Decimal


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything the result page shows."""

    unit: RoundUnit
    result: Result | None
    derivation: scoring.Derivation
    headline: str
    steps: tuple[Step, ...]
    sources: tuple[SourceLine, ...]
    items: tuple[ItemLine, ...]
    ballots: tuple[BallotLine, ...]
    marks: tuple[Mark, ...]
    history: tuple[TransitionLog, ...]

    @property
    def title(self) -> str:
        """Name the steps: they lead to a grade, or to a score alone."""
        return "这个等级怎么来的" if self.unit.graded else "这个得分怎么来的"

    @property
    def spotted(self) -> bool:
        """Tell whether inspectors scored the branch."""
        return any(line.spot is not None for line in self.items)

    @property
    def by_superior(self) -> bool:
        """Tell whether a sheet of the level above stands beside the branch's own."""
        return self.derivation.source(Source.SUPERIOR) is not None

    @property
    def superior_head(self) -> str:
        """Name the column of the 党总支, saying so where the inspectors' points stand for its own."""
        source = self.derivation.source(Source.SUPERIOR)
        stands = source is not None and source.score is not None and bool(source.reason)
        return "总支（抽查代替）" if stands else "总支"


def explain(unit: RoundUnit, result: Result | None = None, *, reach: QuerySet[RoundUnit] | None = None) -> Explanation:
    """Return the explanation of one branch's grade; of the branches tied with it those within `reach` are named.

    A proposed, decided or frozen result explains itself from its stored derivation; before that the inputs are
    computed as they stand now, over the whole round, because caps and ties concern everybody.
    """
    others = None
    if result is not None and result.derivation and result.state != Result.State.COMPUTED:
        derivation = derivation_of(result)
    else:
        others = derive(unit.round)
        derivation = others[unit.pk]
    checked = VetoReview.objects.filter(unit=unit).exists()
    ties = tie_sentences(unit, derivation, others, reach)
    steps = list(scoring.explain_steps(derivation, vetoes_checked=checked, ties=ties))
    if result is not None:
        steps += _choices(result)
    return _explanation(unit, result, derivation, _headline(derivation, result), steps)


def explain_ungraded(unit: RoundUnit) -> Explanation | None:
    """Return how a branch that gets no grade came to its composite; None where nothing was scored."""
    derivation = score_ungraded(unit.round, [unit]).get(unit.pk)
    if derivation is None:
        return None
    rounded, reason = derivation.composite.rounded, unit.not_graded_reason
    headline = f"综合 {rounded} 分，本轮不定级。" if rounded is not None else "得分还不齐，本轮不定级。"
    return _explanation(unit, None, derivation, headline, scoring.explain_ungraded(derivation, reason))


def _explanation(
    unit: RoundUnit, result: Result | None, derivation: scoring.Derivation, headline: str, steps: Iterable[Step]
) -> Explanation:
    """Gather what the page shows beside the steps."""
    return Explanation(
        unit=unit,
        result=result,
        derivation=derivation,
        headline=headline,
        steps=tuple(steps),
        sources=_source_lines(derivation),
        items=_item_lines(unit, derivation),
        ballots=_ballots(unit, derivation),
        marks=_marks(unit, derivation),
        history=tuple(history(result)) if result is not None and result.pk else (),
    )


def _choices(result: Result) -> list[Step]:
    """Return the steps people took: proposal and decision."""
    steps = []
    computed = result.computed_grade
    if result.proposed_grade is not None and result.proposed_at is not None:
        steps.append(_choice("propose", "党总支拟定", result, result.proposed_grade.label, computed is not None and
                             result.proposed_grade_id == computed.pk))  # fmt: skip
    if result.decided_grade is not None and result.decided_at is not None:
        same = computed is not None and result.decided_grade_id == computed.pk
        title = f"{result.body}{'更正' if result.corrected else '定级'}"
        steps.append(_choice("decide", title, result, result.decided_grade.label, same))
    return steps


def _choice(key: str, title: str, result: Result, label: str, same: bool) -> Step:
    """Return the step of one choice by people."""
    at = result.proposed_at if key == "propose" else result.decided_at
    who = result.proposed_by if key == "propose" else result.decided_by
    settled = same and result.manual  # a tie that nothing breaks is settled by people, to whatever grade
    text = "与测算一致" if same else f"人工调整：{result.manual_reason}"
    if settled:
        text = f"处在同分线上，由人确定：{result.manual_reason}"
    when = f"{timezone.localtime(at):%Y年%-m月%-d日}" if at is not None else ""
    name = who.get_full_name() if who is not None else ""
    number = f"，{result.document_number}" if key == "decide" and result.document_number else ""
    return Step(key, title, f"{text}，{when} {name}{number}".rstrip(), label, None, hit=settled or not same)


def _headline(derivation: scoring.Derivation, result: Result | None) -> str:
    """Return the sentence on top: what the score alone would give and what came of it."""
    rounded = derivation.composite.rounded
    if rounded is None and derivation.grade is None:
        return "；".join(text.rstrip("。") for text in derivation.blockers) + "。"
    label = result.grade.label if result is not None and result.grade is not None else None
    label = label or (derivation.grade.label if derivation.grade is not None else "—")
    computed = derivation.grade is not None and derivation.grade.label == label
    causes = _causes(derivation) if computed else ""
    if derivation.by_score is None or rounded is None:
        return f"{causes}等级为{label}。"
    if derivation.by_score.label == label:
        return f"综合 {rounded} 分，等级为{label}。"
    return f"综合 {rounded} 分，分数够{derivation.by_score.label}，{causes}等级为{label}。"


def _causes(derivation: scoring.Derivation) -> str:
    """Return what lowered the computed grade, ending in a comma: a veto, else gates, else a limit."""
    found = [f"一票否决：{veto.text}" for veto in derivation.vetoes if veto.lowered]
    found = found or [
        f"{gate.name}低于门槛 {scoring.line_text(gate.figure, gate.minimum)}"
        for gate in derivation.gates
        if gate.lowered
    ]
    found = found or [
        f"{cap.grade.label}名额 {cap.allowed} 个、排第 {cap.place}"
        for cap in derivation.caps
        if cap.state == "lowered" and cap.side == "at_most"
    ]
    return "".join(f"{text}，" for text in found)


def _source_lines(derivation: scoring.Derivation) -> tuple[SourceLine, ...]:
    """Return the sources with what they contribute, and the total last."""
    parts = {part.code: part for part in derivation.composite.parts}
    lines = []
    for source in derivation.sources:
        part = parts.get(source.code)
        score = "—" if source.score is None else format(scoring.round_half_up(source.score, derivation.places), "f")
        weight = f"{scoring.show(part.weight, 2) if part else scoring.plain(source.weight)}%"
        contribution = format(scoring.round_half_up(part.part, 3), "f") if part else "—"
        lines.append(SourceLine(source.code, source.name, score, weight, contribution, source.reason))
    exact = derivation.composite.exact
    total = "—" if exact is None else format(scoring.round_half_up(exact, 3), "f")
    lines.append(SourceLine("total", "综合", "", "100%" if parts else "", total))
    return tuple(lines)


def _ballots(unit: RoundUnit, derivation: scoring.Derivation) -> tuple[BallotLine, ...]:
    """Return the ballots behind the sources that have some, options by the names the round gave them."""
    sources = {source.code: source for source in unit.round.sources.prefetch_related("options")}
    lines = []
    for source in derivation.sources:
        given = source.appraisal
        if given is None or source.code not in sources:
            continue
        choices = sources[source.code].options.all() if given.satisfaction is not None else ()  # below the floor none
        options = tuple((option.label, given.counts.of(option.code)) for option in choices)
        rate = "—" if given.satisfaction is None else scoring.percent(given.satisfaction, 2)
        called = sources[source.code].rate_name
        lines.append(BallotLine(source.name, given.counts, options, rate, given.groups, called))
    return tuple(lines)


def _item_lines(unit: RoundUnit, derivation: scoring.Derivation) -> tuple[ItemLine, ...]:
    """Return sections and items with the sheets side by side."""
    own, superior, spot = (_points(derivation, code) for code in (Source.SELF, Source.SUPERIOR, Source.SPOT_CHECK))
    remarks = _remarks(unit)
    lines = []
    for section in unit.rubric.sections.prefetch_related("criteria"):
        key = f"section {section.code}"
        lines.append(
            ItemLine(
                section.code,
                section.name,
                section.points,
                own.get(key),
                superior.get(key),
                "",
                is_section=True,
                spot=spot.get(key),
            )
        )
        lines += [
            ItemLine(
                item.code, item.text, item.points, own.get(item.code), superior.get(item.code),
                remarks.get(item.code, ""), spot=spot.get(item.code),
            )
            for item in section.criteria.all()
        ]  # fmt: skip
    return tuple(lines)


def _points(derivation: scoring.Derivation, code: str) -> dict[str, Decimal | None]:
    """Return what a source's sheet earned, by item code and by section."""
    source = derivation.source(code)
    found: dict[str, Decimal | None] = {}
    for scored in source.sheet.sections if source is not None and source.sheet is not None else ():
        found[f"section {scored.code}"] = scored.earned
        found |= {item.code: item.earned for item in scored.criteria}
    return found


def _remarks(unit: RoundUnit) -> dict[str, str]:
    """Return the superior's remarks by item code."""
    rows = Score.objects.filter(
        assessment__in=Assessment.objects.filter(unit=unit, source__code=Source.SUPERIOR), criterion__isnull=False
    ).exclude(remark="")
    return dict(rows.values_list("criterion__code", "remark"))


def _marks(unit: RoundUnit, derivation: scoring.Derivation) -> tuple[Mark, ...]:
    """Return what stands on the scale bar: sources by their short names, the composite last."""
    labels = {source.code: source.label for source in unit.round.sources.all()}
    marks = [
        Mark(labels.get(source.code, source.name), scoring.round_half_up(source.score, derivation.places))
        for source in derivation.sources
        if source.score is not None
    ]
    if derivation.composite.rounded is not None:
        marks.append(Mark("综合", derivation.composite.rounded))
    return tuple(marks)
