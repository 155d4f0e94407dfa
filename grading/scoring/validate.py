"""Refuses impossible rules with a sentence that says why; warns where a rule is legal but doubtful."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from grading.scoring.numbers import HUNDRED, ZERO, plain
from grading.scoring.rules import (
    RATE_FIGURE,
    SATISFACTION_FIGURE,
    SOURCE_FIGURE,
    CapMeasure,
    CapMode,
    CapRule,
    CapSide,
    CriterionKind,
    CriterionRule,
    GateRule,
    RoundRules,
    RubricRule,
    SectionRule,
    SourceKind,
    SourceRule,
    VetoRule,
    line_text,
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about rules; ``fatal`` ones must be put right before the rules are used."""

    text: str
    fatal: bool = True


def _repeated(values: Iterable[object]) -> list[str]:
    return [str(value) for value, times in Counter(values).items() if times > 1]


def check_rubric(rubric: RubricRule) -> tuple[Finding, ...]:
    """Return what is wrong with a rubric, totals first."""
    found: list[Finding] = []
    if not rubric.sections:
        return (Finding("评分标准还没有任何部分。"),)
    for section in rubric.sections:
        found += _check_section(section)
    for code in _repeated(criterion.code for criterion in rubric.criteria):
        found.append(Finding(f"条目编号 {code} 重复。"))
    for code in _repeated(section.code for section in rubric.sections):
        found.append(Finding(f"部分编号 {code} 重复。"))
    if rubric.points <= 0:
        found.append(Finding("评分标准的满分必须大于 0。"))
    elif rubric.points != HUNDRED:
        found.append(Finding(f"各部分合计 {plain(rubric.points)} 分，不是 100 分；得分会折算为百分制。", fatal=False))
    return tuple(found)


def _check_section(section: SectionRule) -> list[Finding]:
    """Check one section: its items and their sum."""
    found: list[Finding] = []
    if not section.criteria:
        found.append(Finding(f"“{section.name}”下没有条目。"))
    total = sum((criterion.counted for criterion in section.criteria), ZERO)
    if section.criteria and total != section.points:
        found.append(
            Finding(f"“{section.name}”各条目合计 {plain(total)} 分，与本部分 {plain(section.points)} 分不符。")
        )
    for criterion in section.criteria:
        found += [Finding(f"{criterion.code} {text}") for text in _check_criterion(criterion)]
    return found


def _check_criterion(criterion: CriterionRule) -> list[str]:
    """Check one item by its kind."""
    found = []
    if criterion.points < 0:
        found.append("分值不能小于 0。")
    if criterion.kind is CriterionKind.POINTS and criterion.points == 0:
        found.append("分值不能为 0。")
    counted = criterion.kind in (CriterionKind.DEDUCTION, CriterionKind.BONUS) and criterion.levels
    if counted:
        found += _check_events(criterion)
    elif criterion.kind in (CriterionKind.POINTS, CriterionKind.BONUS):
        if criterion.step <= 0:
            found.append("打分的最小一档必须大于 0。")
        elif criterion.points % criterion.step != 0:
            found.append(f"分值 {plain(criterion.points)} 不能按 {plain(criterion.step)} 分一档打满。")
    if criterion.kind in (CriterionKind.LEVELS, CriterionKind.SYSTEM):
        found += _check_levels(criterion)
    if criterion.kind is CriterionKind.SYSTEM and not criterion.figure:
        found.append("由系统填写，须指明取哪个数。")
    return found


def _check_events(criterion: CriterionRule) -> list[str]:
    """Check what is counted on an item: each event worth something, none named twice, a bonus with a cap."""
    found = [f"“{event.label}”每次的分数必须大于 0。" for event in criterion.levels if event.points <= 0]
    found += [f"“{label}”写了两次。" for label in _repeated(event.label for event in criterion.levels)]
    if criterion.kind is CriterionKind.BONUS and criterion.points <= 0:
        found.append("逐项加分须有最高分。")
    return found


def _check_levels(criterion: CriterionRule) -> list[str]:
    """Check options: some, none twice, the best worth the full points."""
    points = [level.points for level in criterion.levels]
    if not points:
        return ["没有档次。"]
    found = []
    if max(points) != criterion.points:
        found.append(f"最高一档 {plain(max(points))} 分，与分值 {plain(criterion.points)} 分不符。")
    if min(points) < 0:
        found.append("档次的分数不能小于 0。")
    if _repeated(points):
        found.append("有两个档次分数相同。")
    if criterion.kind is CriterionKind.SYSTEM:
        bands = sorted((level for level in criterion.levels if level.minimum is not None), key=_minimum)
        if any(low.points >= high.points for low, high in pairwise(bands)):
            found.append("各档的分数应随指标升高而升高。")
    return found


def _minimum(level: object) -> Decimal:
    minimum: Decimal | None = getattr(level, "minimum", None)
    return minimum if minimum is not None else ZERO


def check_round(
    rules: RoundRules, rubrics: Mapping[str, RubricRule], figures: Iterable[str] | None = None
) -> tuple[Finding, ...]:
    """Return what is wrong with a round.

    ``rubrics`` maps categories (by name) to rubrics; ``figures`` are the codes of the figures that something
    computes (None: not known here, so that no gate is refused for its figure).
    """
    found = [*_check_scale(rules), *_check_sources(rules), *_check_cut_offs(rules)]
    known = {grade.code for grade in rules.grades}
    if known:
        for gate in rules.gates:
            found += _check_gate(gate, rules, known)
        if figures is not None:
            found += _check_figures(rules, figures)
        for veto in rules.vetoes:
            found += _check_veto(veto, rules, known)
        found += _check_caps(rules, known)
    found += _check_divergence(rules)
    found += _check_twice(rules, rubrics)
    if not 0 <= rules.places <= 6:
        found.append(Finding("综合得分的小数位数应在 0 至 6 之间。"))
    found += _unlisted_vetoes(rules, rubrics)
    return tuple(found)


def _unlisted_vetoes(rules: RoundRules, rubrics: Mapping[str, RubricRule]) -> list[Finding]:
    """Point out veto items of a rubric that the round does not list: stated on the form, they change no grade."""
    listed = {veto.text for veto in rules.vetoes}
    items = {
        item.text: item.code
        for rubric in rubrics.values()
        for item in rubric.criteria
        if item.kind is CriterionKind.VETO and item.text not in listed
    }
    return [
        Finding(f"评分标准的否决项 {code}“{text}”没有列入本轮的否决情形，不会影响等级。", fatal=False)
        for text, code in items.items()
    ]


def _check_scale(rules: RoundRules) -> list[Finding]:
    found = []
    if len(rules.grades) < 2:
        found.append(Finding("等级至少要有两个。"))
    found += [Finding(f"等级“{label}”重复。") for label in _repeated(grade.label for grade in rules.grades)]
    if _repeated(grade.rank for grade in rules.grades):
        found.append(Finding("有两个等级排在同一位次。"))
    return found


def _check_sources(rules: RoundRules) -> list[Finding]:
    """Check weights and what each source is computed from."""
    if not rules.sources:
        return [Finding("本轮还没有评分来源。")]
    found = []
    total = sum((source.weight for source in rules.sources), ZERO)
    if total != HUNDRED:
        parts = " + ".join(f"{source.name} {plain(source.weight)}" for source in rules.sources)
        found.append(Finding(f"各来源权重合计 {plain(total)}%，应为 100%（{parts}）。"))
    found += [Finding(f"来源“{name}”重复。") for name in _repeated(source.name for source in rules.sources)]
    for source in rules.sources:
        found += _check_source(source)
    return found


def _check_source(source: SourceRule) -> list[Finding]:
    found = []
    if not 0 <= source.weight <= HUNDRED:
        found.append(Finding(f"{source.name}的权重应在 0 至 100 之间。"))
    if source.kind is SourceKind.APPRAISAL:
        if not any(option.points is not None for option in source.options):
            found.append(Finding(f"{source.name}没有可计分的选项。"))
        if not any(option.satisfied for option in source.options):
            found.append(Finding(f"{source.name}没有指明哪些选项计入满意率。"))
        wrong = [o for o in source.options if o.points is not None and not 0 <= o.points <= HUNDRED]
        found += [Finding(f"{source.name}“{option.label}”的分数应在 0 至 100 之间。") for option in wrong]
        found += _check_groups(source)
    if source.kind is SourceKind.ANNUAL:
        if source.full <= 0:
            found.append(Finding(f"{source.name}的满分应大于 0。"))
        if not source.annual_points:
            found.append(Finding(f"{source.name}没有等次折算分数，只能按分数录入。", fatal=False))
        wrong_rows = [label for label, points in source.annual_points if not 0 <= points <= HUNDRED]
        found += [Finding(f"{source.name}“{label}”折算的分数应在 0 至 100 之间。") for label in wrong_rows]
    return found


def _check_groups(source: SourceRule) -> list[Finding]:
    """Options and voter groups of an appraisal: no name twice, weights of the groups that make 100."""
    found = [
        Finding(f"{source.name}的选项“{label}”重复。") for label in _repeated(option.label for option in source.options)
    ]
    if not source.groups:
        return found
    found += [
        Finding(f"{source.name}的评议人员“{name}”重复。") for name in _repeated(group.name for group in source.groups)
    ]
    wrong = [group.name for group in source.groups if not 0 < group.weight <= HUNDRED]
    found += [Finding(f"{source.name}中“{name}”的权重应大于 0、不超过 100。") for name in wrong]
    total = sum((group.weight for group in source.groups), ZERO)
    if total != HUNDRED:
        parts = " + ".join(f"{group.name} {plain(group.weight)}" for group in source.groups)
        found.append(Finding(f"{source.name}各类评议人员的权重合计 {plain(total)}%，应为 100%（{parts}）。"))
    return found


def _check_cut_offs(rules: RoundRules) -> list[Finding]:
    """Every grade but the last has a line, and better grades have higher lines."""
    minimums = {cut.grade: cut.minimum for cut in rules.cut_offs}
    ranked = rules.ranked
    found = [Finding(f"“{grade.label}”没有分数线。") for grade in ranked[:-1] if grade.code not in minimums]
    if ranked and ranked[-1].code in minimums:
        found.append(Finding(f"“{ranked[-1].label}”是最后一个等级，不设分数线。"))
    lines = [(grade.label, minimums[grade.code]) for grade in ranked[:-1] if grade.code in minimums]
    for (better, high), (worse, low) in pairwise(lines):
        if high <= low:
            found.append(Finding(f"“{better}”的分数线 {plain(high)} 不高于“{worse}”的 {plain(low)}，两个等级重叠。"))
    for label, minimum in lines:
        if not 0 <= minimum <= HUNDRED:
            found.append(Finding(f"“{label}”的分数线 {plain(minimum)} 不在 0 至 100 之间。"))
    return found


def _check_figures(rules: RoundRules, figures: Iterable[str]) -> list[Finding]:
    """Every gate asks for a figure that something computes."""
    available = set(figures) - {SATISFACTION_FIGURE}
    available |= {f"{SOURCE_FIGURE}{source.code}" for source in rules.sources}
    ballots = [source.code for source in rules.sources if source.kind is SourceKind.APPRAISAL]
    available |= {f"{RATE_FIGURE}{code}" for code in ballots} | ({SATISFACTION_FIGURE} if ballots else set())
    found = []
    for gate in rules.gates:
        if gate.figure == SATISFACTION_FIGURE and not ballots:
            found.append(Finding(f"{gate.name}门槛要用满意率，但本轮没有评议票数这一来源。"))
        elif gate.figure not in available:
            found.append(Finding(f"{gate.name}门槛所用的指标“{gate.figure}”没有来处，系统算不出来。"))
    return found


def _check_gate(gate: GateRule, rules: RoundRules, known: set[str]) -> list[Finding]:
    found = []
    if not 0 < gate.minimum <= HUNDRED:
        found.append(Finding(f"{gate.name}门槛 {line_text(gate.figure, gate.minimum)}应大于 0、不超过 100。"))
    if gate.best is not None and gate.best not in known:
        found.append(Finding(f"{gate.name}门槛指向的等级不在本轮等级表里。"))
    if gate.best in known and gate.best == rules.ranked[0].code and not gate.bars_promotion:
        found.append(Finding(f"{gate.name}达不到时最高评为“{rules.ranked[0].label}”，已是最好的等级，等于没有门槛。"))
    if gate.best is None and not gate.bars_promotion:
        found.append(Finding(f"{gate.name}门槛没有写明达不到时怎么办。"))
    return found


def _check_veto(veto: VetoRule, rules: RoundRules, known: set[str]) -> list[Finding]:
    if veto.grade not in known:
        return [Finding(f"否决项“{veto.text}”指向的等级不在本轮等级表里。")]
    if rules.grade(veto.grade).rank == rules.ranked[0].rank:
        return [Finding(f"否决项“{veto.text}”的后果是最好的等级，等于没有否决。")]
    return []


def _check_caps(rules: RoundRules, known: set[str]) -> list[Finding]:
    """Check single caps, then pairs that cannot both mean something."""
    found = []
    usable = []
    for cap in rules.caps:
        problems = _check_cap(cap, rules, known)
        found += problems
        if not problems:
            usable.append(cap)
    for number, first in enumerate(usable):
        for second in usable[number + 1 :]:
            found += _check_pair(first, second, rules)
    return found


def _check_cap(cap: CapRule, rules: RoundRules, known: set[str]) -> list[Finding]:
    if cap.grade not in known:
        return [Finding("名额限制指向的等级不在本轮等级表里。")]
    label = rules.grade(cap.grade).label
    sources = {source.code for source in rules.sources}
    if set(cap.tie_breaks) - sources:
        return [Finding(f"“{label}”名额同分时要比较的来源不在本轮。")]
    if cap.measure is CapMeasure.NUMBER and cap.side is CapSide.AT_LEAST and cap.value == 0:
        return [Finding(f"“{label}”至少 0 个，等于没有下限。")]
    if cap.value < 0 or (cap.measure is CapMeasure.SHARE and cap.value > HUNDRED):
        return [Finding(f"“{label}”的比例 {plain(cap.value)}% 应在 0 至 100 之间。")]
    if cap.measure is CapMeasure.NUMBER and cap.value % 1 != 0:
        return [Finding(f"“{label}”的名额 {plain(cap.value)} 应是整数。")]
    worst, best = rules.ranked[-1].code, rules.ranked[0].code
    if cap.side is CapSide.AT_MOST and cap.grade == worst:
        return [Finding(f"“{label}”是最后一个等级，它和更好的等级合起来就是全部支部，不能限制名额。")]
    if cap.side is CapSide.AT_LEAST and cap.grade == best:
        return [Finding(f"“{label}”是最好的等级，它和更差的等级合起来就是全部支部，下限没有意义。")]
    return []


def _check_pair(first: CapRule, second: CapRule, rules: RoundRules) -> list[Finding]:
    """Two limits of one kind: a wider grade cannot be limited more tightly than a narrower one inside it."""
    if first.side is not second.side:
        return _check_opposite(first, second, rules)
    if (first.side, first.scope, first.measure) != (second.side, second.scope, second.measure):
        return []
    one, two = rules.grade(first.grade), rules.grade(second.grade)
    if one.code == two.code:
        return [Finding(f"“{one.label}”有两条同样范围的名额规则。")]
    better, worse = (first, second) if one.rank < two.rank else (second, first)
    narrow, wide = (better, worse) if first.side is CapSide.AT_MOST else (worse, better)
    unit = "%" if first.measure is CapMeasure.SHARE else " 个"
    names = rules.grade(narrow.grade).label, rules.grade(wide.grade).label
    if first.side is CapSide.AT_MOST and narrow.value > wide.value:
        return [
            Finding(
                f"“{names[0]}”最多 {plain(narrow.value)}{unit}，而“{names[1]}”及以上合计最多"
                f" {plain(wide.value)}{unit}，两条互相矛盾。"
            )
        ]
    if first.side is CapSide.AT_LEAST and narrow.value > wide.value:
        text = (
            f"“{names[0]}”至少 {plain(narrow.value)}{unit}，"
            f"“{names[1]}”及以下的下限 {plain(wide.value)}{unit} 不起作用。"
        )
        return [Finding(text, fatal=False)]
    return []


def _check_opposite(first: CapRule, second: CapRule, rules: RoundRules) -> list[Finding]:
    """A ceiling on many grades beside a floor under many: together they may force more branches down than meant."""
    ceiling, floor = (first, second) if first.side is CapSide.AT_MOST else (second, first)
    better, worse = rules.grade(ceiling.grade), rules.grade(floor.grade)
    shares = ceiling.measure is floor.measure is CapMeasure.SHARE
    if not shares or ceiling.scope is not floor.scope or worse.rank != better.rank + 1:
        return []
    left = HUNDRED - floor.value
    if left >= ceiling.value:
        return []
    enforced = CapMode.ENFORCED in (ceiling.mode, floor.mode)
    text = (
        f"“{worse.label}”及以下至少 {plain(floor.value)}%，上面最多只剩 {plain(left)}%，"
        f"而“{better.label}”及以上最多可到 {plain(ceiling.value)}%，两条互相矛盾。"
    )
    return [Finding(text, fatal=enforced)]


def _check_divergence(rules: RoundRules) -> list[Finding]:
    rule = rules.divergence
    if rule is None:
        return []
    sheets = {source.code for source in rules.sources if source.kind is SourceKind.SHEET}
    missing = [code for code in (rule.first, rule.second) if code not in sheets]
    return [Finding("差异比较要用两个按评分标准打分的来源，现在有来源不在本轮。")] if missing else []


def _check_twice(rules: RoundRules, rubrics: Mapping[str, RubricRule]) -> list[Finding]:
    """Tell when a figure enters the grade more than once: scored twice, or, as is usual, scored and a gate's."""
    scored: dict[str, list[str]] = {}
    for source in rules.sources:
        if source.kind is SourceKind.APPRAISAL and source.weight > 0:
            scored.setdefault(SATISFACTION_FIGURE, []).append(f"来源“{source.name}”")
    seen: set[str] = set()
    for rubric in rubrics.values():
        for criterion in rubric.criteria:
            if criterion.figure and f"{rubric.code} {criterion.code}" not in seen:
                seen.add(f"{rubric.code} {criterion.code}")
                scored.setdefault(criterion.figure, []).append(f"条目 {criterion.code}")
    gates = {gate.figure: gate.name for gate in rules.gates}
    found = [
        f"同一个数计了不止一次分：{'、'.join(places)}，请确认这是本意。"
        for places in scored.values()
        if len(places) > 1
    ]
    found += [
        f"{'、'.join(places)}计入得分，门槛“{gates[figure]}”又看同一批数：通知是这样写的就不用改。"
        for figure, places in scored.items()
        if figure in gates
    ]
    return [Finding(text, fatal=False) for text in found]
