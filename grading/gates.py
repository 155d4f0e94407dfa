"""Legal moves of rounds, sheets and results, and what stands in their way, as sentences a person can act on."""

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q

from branches.models import Branch, Category
from branches.registries import figures, gate
from branches.transitions import Transition, register
from grading import ballot_states, course, gates_spot_checks, rules, scoring
from grading.models import (
    Assessment,
    Correction,
    Criterion,
    EvidenceUse,
    Objection,
    PublicityNotice,
    Result,
    Round,
    RoundStep,
    RoundUnit,
    Rubric,
    Score,
    Source,
    Survey,
    confirmed,
)
from grading.services.promotion import compare_rounds

__all__ = ["gates_spot_checks", "has_step", "listed"]  # the first so that its gates register
NAMES_SHOWN = 5
R, A, G, O = Round.State, Assessment.State, Result.State, Objection.State

register(
    Round,
    {
        R.PREPARING: (Transition(R.SELF, "开始自评"),),
        R.SELF: (Transition(R.SCORING, "转入评分"),),
        R.SCORING: (
            Transition(R.DECIDING, "转入审定"),
            Transition(R.SELF, "退回自评", needs_reason=True),
        ),
        R.DECIDING: (
            Transition(R.PUBLICITY, "开始公示"),
            Transition(R.FINAL, "定级"),
            Transition(R.SCORING, "退回评分", needs_reason=True),
        ),
        R.PUBLICITY: (
            Transition(R.FINAL, "定级"),
            Transition(R.DECIDING, "退回审定", needs_reason=True),
        ),
    },
)
register(
    Assessment,
    {
        A.DRAFT: (Transition(A.SUBMITTED, "提交"),),
        A.SUBMITTED: (
            Transition(A.ACCEPTED, "接收"),
            Transition(A.RETURNED, "退回", needs_reason=True),
            Transition(A.DRAFT, "撤回"),
        ),
        A.RETURNED: (Transition(A.SUBMITTED, "重新提交"),),
        A.ACCEPTED: (Transition(A.RETURNED, "退回", needs_reason=True),),
    },
)
register(
    Result,
    {
        G.COMPUTED: (
            Transition(G.PROPOSED, "拟定"),
            Transition(G.DECIDED, "定级", needs_decision=True),
        ),
        G.PROPOSED: (
            Transition(G.DECIDED, "审定", needs_decision=True),
            Transition(G.COMPUTED, "撤回拟定", needs_reason=True),
        ),
        G.DECIDED: (Transition(G.COMPUTED, "撤回定级", needs_reason=True),),
    },
)
register(
    Objection,
    {
        O.OPEN: (Transition(O.ANSWERED, "答复", needs_decision=True),),
        O.ANSWERED: (Transition(O.OPEN, "重新办理", needs_reason=True),),
    },
)

register(
    Correction,
    {
        Correction.State.PROPOSED: (
            Transition(Correction.State.APPROVED, "更正"),
            Transition(Correction.State.REFUSED, "不予更正", needs_reason=True),
            Transition(Correction.State.WITHDRAWN, "撤回更正"),
        ),
    },
)

ballot_states.declare()


def listed(names: Iterable[str]) -> str:
    """Return the first names and how many there are in all: 甲、乙、丙等 8 个."""
    names = list(names)
    text = "、".join(names[:NAMES_SHOWN])
    return f"{text}等 {len(names)} 个" if len(names) > NAMES_SHOWN else text


def has_step(round_: Round, code: str) -> bool:
    """Tell whether a round has a step."""
    return round_.steps.filter(code=code).exists()


# --- rounds ------------------------------------------------------------------------------------------------------


@gate(Round, R.SELF)
def _rules_are_possible(round_: Round, now: dt.datetime) -> Iterator[str]:
    """Refuse impossible rules, and categories without a published rubric."""
    if round_.state != R.PREPARING:
        return
    chosen = {row.category_id: row.rubric for row in round_.rubrics.select_related("rubric")}
    values = {rubric.code: rules.rubric_rule(rubric) for rubric in chosen.values()}
    yield from (
        found.text for found in scoring.check_round(rules.round_rules(round_), values, figures()) if found.fatal
    )
    yield from course.order_problems(round_.steps.order_by("ordinal").values_list("code", "name"))
    day = round_.frozen_on or now.date()
    rows: Any = Branch.objects.as_of(day).branches_only()
    branches = [(row.name, row.category_id, row.parent_id) for row in rows]
    if not branches:
        yield f"{day:%Y年%-m月%-d日}名册里还没有党支部，请先导入花名册。"
    yield from _categories_covered(branches, chosen)
    if orphans := [name for name, _, parent in branches if parent is None]:
        yield f"{len(orphans)} 个党支部没有上级党组织：{listed(orphans)}。"


def _categories_covered(branches: list[tuple[str, int | None, int | None]], chosen: dict[int, Rubric]) -> Iterator[str]:
    """Yield a sentence per category that has branches and no published rubric."""
    by_category: dict[int | None, list[str]] = {}
    for name, category, _ in branches:
        by_category.setdefault(category, []).append(name)
    if without := by_category.pop(None, []):
        yield f"{len(without)} 个党支部没有类别：{listed(without)}。"
    labels = dict(Category.objects.values_list("pk", "name"))
    for category, names in by_category.items():
        rubric = chosen.get(category) if category is not None else None
        label = labels.get(category or 0, "")
        if rubric is None:
            yield f"“{label}”类有 {len(names)} 个支部，还没有指定评分标准。"
        elif not rubric.published:
            yield f"“{label}”类使用的《{rubric}》还没有发布。"


@gate(Round, R.DECIDING)
def _everything_is_in(round_: Round, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """Name the branches for which something is missing, one sentence per source."""
    if round_.state != R.SCORING:
        return
    units = list(round_.units.filter(graded=True))
    inputs_rules = rules.round_rules(round_)
    inputs = rules.Inputs(round_, units)
    missing: dict[str, list[str]] = {source.name: [] for source in inputs_rules.sources}
    for unit in units:
        given = scoring.score_unit(inputs_rules, inputs.of(unit))
        for source in given:
            if source.weight > 0 and source.status is scoring.SourceStatus.MISSING:
                missing[source.name].append(unit.name)
    if round_.missing != Round.Missing.RENORMALISE:
        for name, names in missing.items():
            if not names:
                continue
            yield f"{len(names)} 个支部缺{name}：{listed(names)}。"
    if has_step(round_, RoundStep.Code.SURVEY):
        surveyed = set(Survey.objects.filter(unit__round=round_).values_list("unit_id", flat=True))
        absent = [unit.name for unit in units if unit.pk not in surveyed]
        if absent:
            yield f"{len(absent)} 个支部没有调查摸底情况：{listed(absent)}。"


@gate(Round, R.PUBLICITY)
def _has_publicity(round_: Round, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """Only a round with that step is made public; everything is decided (and confirmed) by then."""
    if not has_step(round_, RoundStep.Code.PUBLICITY):
        yield "本轮不设公示。"
    elif round_.campaign.backfill:
        yield "历史补录的轮次不再公示，可以直接定级。"
    elif round_.publicity_days < 1:
        yield "还没有填公示几个工作日，请在“公示”页填写。"
    yield from _undecided(round_)
    yield from _caps_are_kept(round_)
    yield from _unconfirmed(round_)
    yield from _not_decided_anew(round_)


@gate(Round, R.FINAL)
def _is_decided(round_: Round, now: dt.datetime) -> Iterator[str]:
    """Everything is decided and confirmed, and made public where the round has that step, to the end of its time."""
    if round_.state == R.DECIDING and has_step(round_, RoundStep.Code.PUBLICITY) and not round_.campaign.backfill:
        yield "本轮要先公示。"
    if round_.state == R.PUBLICITY:
        yield from _publicity_is_over(round_, now)
    yield from _undecided(round_)
    yield from _caps_are_kept(round_)
    yield from _unconfirmed(round_)
    yield from _not_decided_anew(round_)


def _publicity_is_over(round_: Round, now: dt.datetime) -> Iterator[str]:
    """Yield sentences while the notice still counts, or an objection waits for its answer."""
    notice = PublicityNotice.objects.shown().filter(round=round_).first()
    if notice is None:
        yield "没有公示记录，请先退回审定，再开始公示。"
    elif now < notice.ends_at:
        yield f"公示到{notice.last_day:%-m月%-d日}24时为止，还没有结束。"
    waiting = Objection.objects.open().filter(notice__round=round_)
    if names := [f"第 {number} 号" for number in waiting.order_by("number").values_list("number", flat=True)]:
        yield f"还有 {len(names)} 件异议没有答复：{listed(names)}。"


def _not_decided_anew(round_: Round) -> Iterator[str]:
    """Yield a sentence about branches whose objection was upheld and whose grade was not decided again since."""
    upheld = Objection.objects.filter(notice__round=round_, outcome=Objection.Outcome.UPHELD)
    again = Result.objects.current().filter(
        unit=OuterRef("unit"), state=G.DECIDED, decided_at__gte=OuterRef("answered_at")
    )
    names = list(dict.fromkeys(upheld.exclude(Exists(again)).order_by("number").values_list("unit__name", flat=True)))
    if names:
        yield f"{len(names)} 个支部的异议成立，还没有重新定级：{listed(names)}。"


def _unconfirmed(round_: Round) -> Iterator[str]:
    """Yield a sentence about decided grades the committee has not confirmed, where the round has that step."""
    if not has_step(round_, RoundStep.Code.CONFIRM):
        return
    waiting = Result.objects.current().filter(unit__round=round_, unit__graded=True, state=G.DECIDED)
    names = list(waiting.exclude(confirmed()).values_list("unit__name", flat=True))
    if names:
        yield f"{len(names)} 个支部的等级还没有经学校确认：{listed(names)}。"


def _undecided(round_: Round) -> Iterator[str]:
    """Yield a sentence about branches that have no decided grade."""
    decided = Result.objects.filter(unit__round=round_, state=G.DECIDED).values("unit_id")
    units = RoundUnit.objects.filter(round=round_, graded=True)
    left = list(units.exclude(pk__in=decided).values_list("name", flat=True))
    if left:
        yield f"{len(left)} 个支部还没有定级：{listed(left)}。"


def _caps_are_kept(round_: Round) -> Iterator[str]:
    """Yield a sentence for each enforced cap that the decided grades do not keep."""
    decided = Result.objects.current().filter(unit__round=round_, unit__graded=True, state=G.DECIDED)
    rows = list(decided.select_related("decided_grade", "unit"))
    codes = [row.decided_grade.code for row in rows]
    advice = "这项名额须执行：请撤回其中支部的等级重新定级；确要放宽的，由办公室在“试算”里改为只提醒，写明理由。"
    for said in scoring.breaches(rules.round_rules(round_), codes, [row.unit.general_branch_name for row in rows]):
        yield said + advice


# --- sheets ------------------------------------------------------------------------------------------------------


@gate(Assessment, A.SUBMITTED)
def _sheet_is_complete(sheet: Assessment, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """Every item is scored and carries the evidence it must carry."""
    round_ = sheet.unit.round
    if not round_.is_open:
        yield f"本轮现在是“{round_.get_state_display()}”，不能提交。"
    rubric = rules.rubric_rule(sheet.unit.rubric)
    given = rules.sheet_input(sheet, rules.scores_of(sheet))
    if given.sections is not None:
        missing = scoring.score_sections(rubric, given.sections).missing
    else:
        system = {item.code for item in rubric.criteria if item.kind is scoring.CriterionKind.SYSTEM}
        missing = tuple(code for code in scoring.score_sheet(rubric, given.entries).missing if code not in system)
    if missing:
        yield f"还有 {len(missing)} 项没有打分：{listed(missing)}。"
    if sheet.source.code == Source.SELF:
        yield from _evidence_is_there(sheet)


def _evidence_is_there(sheet: Assessment) -> Iterator[str]:
    """Yield a sentence when items that must carry evidence carry none."""
    scored = Score.objects.filter(assessment=sheet, not_applicable=False, points__gt=0).values("criterion_id")
    cited = EvidenceUse.objects.filter(evidence__unit=sheet.unit, evidence__removed_at__isnull=True)
    wanted = Criterion.objects.filter(section__rubric=sheet.unit.rubric, evidence_required=True, pk__in=scored)
    bare = list(wanted.exclude(pk__in=cited.values("criterion_id")).values_list("code", flat=True))
    if bare:
        yield f"{'、'.join(bare)} 须附佐证材料。"


@gate(Assessment, A.RETURNED)
@gate(Assessment, A.DRAFT)
def _not_decided(sheet: Assessment, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """A sheet on which a decision rests is not opened again."""
    if Result.objects.filter(unit=sheet.unit).exclude(state=G.COMPUTED).exists():
        yield "该支部的等级已拟定或已定；确需改评分的，请党总支或活动办公室先撤回。"


# --- results -----------------------------------------------------------------------------------------------------


@gate(Result, G.COMPUTED)
def _is_not_public(result: Result, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """A grade that hangs out in public is not taken back before the round is."""
    if result.unit.round.state == R.PUBLICITY:
        yield "正在公示，等级不能撤回；确需重新定级的，先把本轮退回审定。"


@gate(Result, G.PROPOSED)
@gate(Result, G.DECIDED)
def _can_be_decided(result: Result, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """The composite is there, and large differences are explained."""
    round_ = result.unit.round
    if round_.state not in (R.SCORING, R.DECIDING):
        yield f"本轮现在是“{round_.get_state_display()}”，不能定级。"
    yield from result.blockers
    yield from _divergence_is_explained(result)


def _divergence_is_explained(result: Result) -> Iterator[str]:
    """Yield a sentence while a large difference lacks its reason; the tick is asked for by gates_spot_checks."""
    stored = result.derivation.get("divergence") or {}
    if not stored.get("flags"):
        return
    sheet = Assessment.objects.filter(unit=result.unit, source__code=stored["second"]).first()
    if sheet is None or not sheet.reason.strip():
        yield f"{''.join(stored['flags']).rstrip('。')}，请写明评分理由。"


def filing_counts(round_: Round) -> dict[str, int]:
    """Return how many units of a round have handed in each sheet source, by source code."""
    handed_in = Q(assessments__state__in=[A.SUBMITTED, A.ACCEPTED])
    rows = round_.sources.filter(kind=Source.Kind.SHEET).annotate(filed=Count("assessments", filter=handed_in))
    return {row.code: row.filed for row in rows}


# --- 晋位升级 ---------------------------------------------------------------------------------------------------------


@gate(Round, R.FINAL)
def _falls_are_explained(round_: Round, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """Every branch that fell has its reason, and none rose that a rule bars from rising."""
    found = compare_rounds(round_)
    if found is None:
        return
    if rows := found.unexplained:
        yield f"{len(rows)} 个支部退位，还没有说明原因：{listed(row.name for row in rows)}。请在“晋位升级”里写明。"
    if rows := found.wrongly_risen:
        yield f"{len(rows)} 个支部按门槛规则不得晋位升级：{listed(row.name for row in rows)}。"
