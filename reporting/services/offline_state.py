"""What a branch has filled in so far, as the offline workbook knows it: one text by field name."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Prefetch

from grading import rules, scoring
from grading.models import (
    Assessment,
    Criterion,
    LocalGuidance,
    Result,
    Round,
    RoundUnit,
    Rubric,
    Source,
    Survey,
    SurveyFinding,
)
from grading.scoring.counting import EntryShape, entry_shape
from grading.services import guidance
from reporting.offline.forms import TICK, Check, Item
from reporting.offline.ticket import plain_number, tidy
from reporting.tables.formats import clean_text

FINDINGS = {str(label): value for value, label in SurveyFinding.Finding.choices}
LABELS = {value: label for label, value in FINDINGS.items()}
Rubrics = tuple[scoring.RubricRule, tuple[Item, ...], dict[str, EntryShape]]
TEXTS = {"problems": "存在的主要问题", "goal": "晋位升级目标", "measures": "主要措施"}


@dataclass(frozen=True, slots=True)
class State:
    """One branch in its round: rows as they stand, and every field's text."""

    unit: RoundUnit
    survey: Survey | None
    assessment: Assessment | None
    source: Source | None
    checks: tuple[Check, ...]
    items: tuple[Item, ...]
    rubric: scoring.RubricRule
    grades: tuple[str, ...]
    values: dict[str, str]
    #: Why the scoring sheet takes nothing now; "" when it does.
    sheet_closed: str
    #: How each item is entered, by code.
    shapes: Mapping[str, EntryShape] = field(default_factory=dict)

    @property
    def survey_version(self) -> int:
        """Version of the 调查摸底 row, 0 while there is none."""
        return self.survey.version if self.survey else 0

    @property
    def sheet_version(self) -> int:
        """Version of the self-assessment, 0 while there is none."""
        return self.assessment.version if self.assessment else 0

    @property
    def not_applicable(self) -> bool:
        """Whether items may be marked 不适用."""
        return self.rubric.not_applicable is not scoring.NotApplicable.REFUSED


def shapes_of(rubric: Rubric, local: Mapping[int, LocalGuidance]) -> dict[str, EntryShape]:
    """Return how each item of a rubric is entered by code, with the 细则 of one 党总支."""
    return {
        row.code: entry_shape(rules.criterion_rule(row), guidance.refinement_of(local.get(row.pk)))
        for section in rubric.sections.all()
        for row in section.criteria.all()
    }


def items_of(rubric: Rubric, local: Mapping[int, LocalGuidance] | None = None) -> tuple[Item, ...]:
    """Return the items of a rubric as a form shows them; vetoes are no items."""
    local = local or {}
    shapes = shapes_of(rubric, local)
    return tuple(
        Item(
            row.code, row.text, row.points, row.step,
            tuple((one.label, one.points) for one in shapes[row.code].choices),
            system=row.kind == Criterion.Kind.SYSTEM, guidance=_hint(row, shapes[row.code], local.get(row.pk)),
            unbounded=row.kind == Criterion.Kind.DEDUCTION and row.points == 0,
        )
        for section in rubric.sections.all()
        for row in section.criteria.all()
        if row.kind != Criterion.Kind.VETO
    )  # fmt: skip


def _hint(row: Criterion, shape: EntryShape, local: LocalGuidance | None) -> str:
    """Return what stands beside a cell: what its figure means, what events are worth, guidance and 细则."""
    parts = []
    if row.kind == Criterion.Kind.DEDUCTION:
        parts.append("填扣掉的分数，没有扣分填 0。")
    elif row.kind == Criterion.Kind.BONUS:
        parts.append("填加分，没有的不填。")
    verb = "扣" if shape.takes_off else "加"
    parts += [f"{event.label}{verb} {plain_number(event.points)} 分；" for event in shape.events]
    parts.append(" ".join(row.guidance.split()))
    if local is not None and local.text:
        parts.append(f"党总支细则：{' '.join(local.text.split())}")
    return "".join(parts)


def load(units: Sequence[RoundUnit]) -> dict[int, State]:
    """Return the states of branches by unit id, in a number of queries that does not grow with them."""
    own = Survey.objects.filter(by=Survey.By.BRANCH).select_related("target").prefetch_related("findings__check_item")
    sheets = Assessment.objects.filter(source__code=Source.SELF).select_related("source")
    sheets = sheets.prefetch_related("scores__criterion")
    rows = RoundUnit.objects.filter(pk__in=[unit.pk for unit in units])
    rows = rows.select_related("round__campaign__root", "round__scale", "rubric", "branch", "category", "parent")
    rows = rows.prefetch_related(
        "rubric__sections__criteria__levels",
        Prefetch("surveys", own, to_attr="own_surveys"),
        Prefetch("assessments", sheets, to_attr="own_sheets"),
    )
    settled = set(
        Result.objects.filter(unit__in=rows).exclude(state=Result.State.COMPUTED).values_list("unit", flat=True)
    )
    rounds: dict[int, tuple[Source | None, tuple[Check, ...], tuple[str, ...]]] = {}
    local: defaultdict[int, dict[int, LocalGuidance]] = defaultdict(dict)
    for (parent, item), row in guidance.in_force(units).items():
        local[parent][item] = row
    rubrics: dict[tuple[int, int], Rubrics] = {}
    found = {}
    for unit in rows:
        if unit.round_id not in rounds:
            rounds[unit.round_id] = _round_facts(unit.round)
        key = (unit.rubric_id, unit.parent_id)
        if key not in rubrics:
            mine = local[unit.parent_id]
            rubrics[key] = rules.rubric_rule(unit.rubric), items_of(unit.rubric, mine), shapes_of(unit.rubric, mine)
        found[unit.pk] = _state(unit, rounds[unit.round_id], rubrics[key], settled=unit.pk in settled)
    return found


def _round_facts(round_: Round) -> tuple[Source | None, tuple[Check, ...], tuple[str, ...]]:
    checks = tuple(Check(row.code, row.text) for row in round_.survey_checks.all())
    grades = tuple(grade.label for grade in round_.scale.grades.all())
    return round_.sources.filter(code=Source.SELF).first(), checks, grades


def _state(
    unit: RoundUnit,
    about: tuple[Source | None, tuple[Check, ...], tuple[str, ...]],
    rubric: Rubrics,
    *,
    settled: bool,
) -> State:
    survey = next(iter(unit.own_surveys), None)  # type: ignore[attr-defined]
    assessment = next(iter(unit.own_sheets), None)  # type: ignore[attr-defined]
    source, checks, grades = about
    rule, items, shapes = rubric
    values = _survey_values(survey, checks) | _sheet_values(
        assessment, items, not_applicable=rule.not_applicable is not scoring.NotApplicable.REFUSED
    )
    closed = _sheet_closed(unit, source, assessment, settled=settled)
    return State(unit, survey, assessment, source, checks, items, rule, grades, values, closed, shapes)


def _sheet_closed(unit: RoundUnit, source: Source | None, assessment: Assessment | None, *, settled: bool) -> str:
    if source is None:
        return "本轮没有支部自评。"
    if assessment is not None and not assessment.editable:
        return f"自评{assessment.get_state_display()}，不能再改；需要改时请{unit.general_branch_name}先退回。"
    return "该支部的等级已拟定或已定，自评不能再改。" if settled else ""


def kept(text: str) -> str:
    """Return a stored text as it is given out and compared."""
    return tidy(clean_text(text))


def _survey_values(survey: Survey | None, checks: Iterable[Check]) -> dict[str, str]:
    found = {row.check_item.code: row for row in survey.findings.all()} if survey else {}
    values = {}
    for check in checks:
        row = found.get(check.code)
        values[f"check:{check.code}"] = LABELS.get(row.finding, "") if row else ""
        values[f"note:{check.code}"] = kept(row.note) if row else ""
    values["target"] = survey.target.label if survey and survey.target else ""
    return values | {f"text:{name}": kept(getattr(survey, name)) if survey else "" for name in TEXTS}


def _sheet_values(assessment: Assessment | None, items: Iterable[Item], *, not_applicable: bool) -> dict[str, str]:
    scores = {s.criterion.code: s for s in assessment.scores.all() if s.criterion} if assessment else {}
    values = {}
    for item in items:
        row = scores.get(item.code)
        if item.system:
            continue
        values[f"points:{item.code}"] = "" if row is None or row.points is None else plain_number(row.points)
        if not_applicable:
            values[f"na:{item.code}"] = TICK if row is not None and row.not_applicable else ""
        values[f"remark:{item.code}"] = kept(row.remark) if row else ""
    return values


def label_of(field: str, state: State) -> str:
    """Return what a field is called on the preview."""
    kind, _, code = field.partition(":")
    if kind in {"check", "note"}:
        text = next((check.text for check in state.checks if check.code == code), code)
        return text if kind == "check" else f"{text}　说明"
    if kind == "target":
        return "晋位等级"
    if kind == "text":
        return TEXTS.get(code, code)
    text = next((item.text for item in state.items if item.code == code), "")
    return f"{code} {text}" + {"points": "", "na": "　不适用", "remark": "　自评说明"}.get(kind, "")
