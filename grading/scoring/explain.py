"""“这个等级怎么来的”: a derivation as sentences. Reads nothing else, so that old results explain themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from grading.scoring.composite import SourceScore, SourceStatus
from grading.scoring.derivation import CapOutcome, Derivation, GateOutcome, GradeName
from grading.scoring.numbers import HUNDRED, ZERO, percent, plain, round_half_up, show
from grading.scoring.rules import RATE_FIGURE, SATISFACTION_FIGURE, SOURCE_FIGURE, line_text

NOTHING: Mapping[int, str] = MappingProxyType({})
POOLED = "全部有效票合计，不按类别加权"
COUNT_WORDS = "零一两三四五六七八九十"  # as before a measure word
CAP_STATES = {"kept": "在名额之内", "over": "超出名额", "lowered": "按名额调整", "tie": "同分，须由人确定"}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the explanation. ``hit`` marks a step that changed the grade, ``grade`` its result if it is one."""

    key: str
    title: str
    text: str
    result: str
    grade: GradeName | None = None
    hit: bool = False


def explain_steps(
    derivation: Derivation, *, vetoes_checked: bool | None = None, ties: Mapping[int, str] = NOTHING
) -> tuple[Step, ...]:
    """Return the steps from sources to the computed grade.

    `vetoes_checked` tells whether somebody went through the veto list (None: not known here); `ties` says by the number
    of a cap with whom a branch was tied there. A derivation holds neither: they stand with other branches and people.
    """
    steps = [_sources(derivation), _weights(derivation), _rounding(derivation), _lines(derivation)]
    current = derivation.by_score
    grouped = any(source.appraisal is not None and source.appraisal.groups for source in derivation.sources)
    for gate in derivation.gates:
        pooled = grouped and gate.figure.startswith(SATISFACTION_FIGURE)
        step = _gate(gate, current, ballots=_ballots_of(gate, derivation), pooled=pooled)
        current = step.grade if gate.lowered else current
        steps.append(step)
    steps.append(_vetoes(derivation, current, vetoes_checked))
    steps += [_cap(cap, derivation, ties.get(number, "")) for number, cap in enumerate(derivation.caps)]
    return tuple(steps)


def explain_ungraded(derivation: Derivation, reason: str) -> tuple[Step, ...]:
    """Return the steps of a branch that is scored and gets no grade: from sources to the composite."""
    last = Step("ungraded", "本轮不定级", reason, "不定级")
    return (_sources(derivation), _weights(derivation), _rounding(derivation), last)


def _count_word(number: int) -> str:
    return COUNT_WORDS[number] if number < len(COUNT_WORDS) else str(number)


def _source_text(source: SourceScore, places: int) -> str:
    """Return “自评 94.50”, “年度考核“好”折 95” or why there is nothing."""
    if source.status is SourceStatus.EXEMPT:
        return f"{source.name}免计（{source.reason.rstrip('。')}）"
    if source.score is None:
        return f"{source.name}缺（{source.reason.rstrip('。')}）"
    if source.annual is not None and source.annual.given is None:
        return f"{source.name}“{source.annual.label}”折 {show(source.score)}"
    text = f"{source.name} {format(round_half_up(source.score, places), 'f')}{converted(source)}"
    if source.appraisal is not None and source.appraisal.groups:
        parts = (f"{part.name} {show(part.score)}×{plain(part.weight)}" for part in source.appraisal.groups)
        weights = sum((part.weight for part in source.appraisal.groups), ZERO)
        text += f"（（{' + '.join(parts)}）÷{plain(weights)}）"
    return f"{text}（{source.reason}）" if source.reason else text


def converted(source: SourceScore) -> str:
    """Say how a score came to be out of 100 where it was given out of something else, or nothing."""
    if source.annual is not None and source.annual.given is not None and source.annual.full != HUNDRED:
        return f"（{plain(source.annual.given)}÷{plain(source.annual.full)}×100）"
    sheet = source.sheet
    if sheet is not None and sheet.earned is not None and sheet.maximum != HUNDRED:
        return f"（{plain(sheet.earned)} 分，满分 {plain(sheet.maximum)}，折成百分制）"
    return ""


def _sources(derivation: Derivation) -> Step:
    counted = [source for source in derivation.sources if source.weight > 0]
    absent = [source for source in counted if source.score is None]
    text = "，".join(_source_text(source, derivation.places) for source in counted)
    text += "；无缺项" if not absent else f"；缺 {len(absent)} 项"
    result = "齐全" if not absent else f"缺 {len(absent)} 项"
    return Step("sources", f"{_count_word(len(counted))}个来源", text, result)


def _weights(derivation: Derivation) -> Step:
    composite = derivation.composite
    title = "免计后按权重合成" if composite.renormalised else "按权重合成"
    if composite.exact is None:
        missing = "；".join(text.rstrip("。") for text in composite.blockers)
        return Step("weights", title, missing or "没有可合成的来源", "—")
    text = " + ".join(f"{show(part.score, 3)}×{show(part.weight)}%" for part in composite.parts)
    text = f"{text} = {show(composite.exact)}"
    if composite.renormalised:
        text = f"缺项免计，其余权重按比例放大到 100%：{text}"
    return Step("weights", title, text, show(composite.exact))


def _rounding(derivation: Derivation) -> Step:
    rounded = derivation.composite.rounded
    text = f"保留{_count_word(derivation.places)}位小数" if derivation.places else "保留整数"
    return Step("rounding", "四舍五入", text, format(rounded, "f") if rounded is not None else "—")


def _lines(derivation: Derivation) -> Step:
    text = "，".join(f"{line.grade.label} ≥ {plain(line.minimum)}" for line in derivation.lines)
    grade = derivation.by_score
    return Step("lines", "对照分数线", text, grade.label if grade is not None else "—", grade)


def rate_text(value: Fraction, minimum: Fraction) -> str:
    """Return a share with as many decimals as it takes not to look like the line it misses."""
    for places in (1, 2, 3, 4, 6, 8):
        shown = round_half_up(value * 100, places)
        if (shown < minimum) == (value * 100 < minimum):
            return f"{format(shown, 'f')}%"
    return percent(value, 10)


def _gate_value(gate: GateOutcome, ballots: int) -> str:
    """Return what a gate looked at: points of a source, or the fraction that is compared with its percentage.

    A share of `ballots` is written over all of them (14/14, not 1/1).
    """
    value = gate.value if gate.value is not None else Fraction(0)
    if gate.figure.startswith(SOURCE_FIGURE):
        return f"{show(value * 100)} 分"
    whole = ballots if ballots % value.denominator == 0 and ballots else value.denominator
    return f"{value * whole}/{whole} = {rate_text(value, Fraction(gate.minimum))}"


def _ballots_of(gate: GateOutcome, derivation: Derivation) -> int:
    """Return the valid ballots a gate's 满意率 is a share of, 0 for any other figure."""
    for source in derivation.sources:
        given = source.appraisal
        if given is None or given.satisfaction is None:
            continue
        if gate.figure in {SATISFACTION_FIGURE, f"{RATE_FIGURE}{source.code}"}:
            return given.counts.valid
    return 0


def _gate(gate: GateOutcome, current: GradeName | None, *, ballots: int = 0, pooled: bool = False) -> Step:
    """Return the step of one gate; the fraction stands beside its percentage, because the fraction is compared.

    `pooled` says that voters were in groups, so that it is worth telling that 满意率 is not weighted by them.
    """
    line = line_text(gate.figure, gate.minimum)
    title = f"{gate.name}门槛（{line}）"
    if gate.value is None:
        return Step("gate", title, f"没有{gate.name}数据，不看这条门槛", "无数据", current)
    name = f"{gate.name}（{POOLED}）" if pooled else gate.name
    text = f"{name} {_gate_value(gate, ballots)}"
    if not gate.failed:
        return Step("gate", title, f"{text}，不低于 {line}", "通过", current)
    text = f"{text}，低于 {line}"
    if gate.best is not None:
        text += f"，最高评为{gate.best.label}"
    if gate.bars_promotion:
        text += "，本轮不得晋位升级"
    grade = gate.best if gate.lowered else current
    result = grade.label if grade is not None else "—"
    return Step("gate", title, text, result, grade, gate.lowered)


def _vetoes(derivation: Derivation, current: GradeName | None, checked: bool | None) -> Step:
    """Return the step of the veto list. That nothing happened is said only where somebody looked."""
    if not derivation.veto_count and not derivation.vetoes:
        return Step("vetoes", "一票否决", "本轮没有否决项", "无", current)
    if not derivation.vetoes:
        text, result = {
            True: (f"{derivation.veto_count} 项均未发生", "无"),
            False: (f"{derivation.veto_count} 项尚未核对，没有登记一票否决事项", "未核对"),
            None: ("没有登记一票否决事项", "无"),
        }[checked]
        return Step("vetoes", "一票否决", text, result, current)
    found = []
    grade = current
    for veto in derivation.vetoes:
        effect = f"直接定为{veto.grade.label}" if veto.effect == "force" else f"最高评为{veto.grade.label}"
        note = f"（{veto.note}）" if veto.note else ""
        found.append(f"{veto.text}{note}，{effect}")
        grade = veto.grade if veto.lowered else grade
    hit = any(veto.lowered for veto in derivation.vetoes)
    return Step("vetoes", "一票否决", "；".join(found), grade.label if grade is not None else "—", grade, hit)


def _cap(cap: CapOutcome, derivation: Derivation, tie: str = "") -> Step:
    """Return the step of one cap; `tie` says with whom the branch was tied there."""
    among = "本党总支内" if cap.group else "全校"
    title = f"{cap.grade.label}{'比例' if cap.side == 'at_most' else '下限'}（{among}）"
    limit = f"名额 {cap.allowed} 个，测算 {cap.counted} 个"
    place = f"，本支部第 {cap.place} 名" if cap.place is not None else ""
    text = f"{limit}{place}，{CAP_STATES[cap.state]}"
    if cap.state == "over" and cap.mode == "warning":
        text += "；只提示，不自动降级"
    text += f"；{tie}" if tie else ""
    grade = derivation.grade if cap.state == "lowered" else None
    result = grade.label if grade is not None else CAP_STATES[cap.state]
    return Step("cap", title, text, result, grade, cap.state == "lowered")
