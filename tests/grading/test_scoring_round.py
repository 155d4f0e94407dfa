"""From sources to a grade, every figure worked by hand."""

import dataclasses
from decimal import Decimal as D  # noqa: N817
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading import scoring as s
from tests.grading.rules import (
    ANNUAL,
    APPRAISAL,
    GATES,
    GRADES,
    RULES,
    VETOES,
    counts,
    one,
    one_source,
    rubric,
    sheet,
    unit,
)

pytestmark = pytest.mark.unit


# --- single sources ----------------------------------------------------------------------------------------------


def test_appraisal_score_and_satisfaction():
    # 18×100 + 7×80 + 3×40 = 2480; ÷ 28 = 88.571428…; 25/28 satisfied
    found = s.score_counts(APPRAISAL, counts(18, 7, 3))
    assert (found.score, found.satisfaction) == (Fraction(2480, 28), Fraction(25, 28))


def test_unknown_ballots_count_in_the_divisor_and_get_no_points():
    # 16×100 + 2×80 = 1760; ÷ 20 = 88; satisfied 18/20
    found = s.score_counts(APPRAISAL, counts(16, 2, 1, 1))
    assert (found.score, found.satisfaction) == (Fraction(1600 + 160 + 40, 20), Fraction(18, 20))


def test_an_option_without_points_stays_out_of_the_average():
    options = (*APPRAISAL.options[:3], s.OptionRule("unknown", "不了解", None))
    rule = dataclasses.replace(APPRAISAL, options=options)
    found = s.score_counts(rule, counts(10, 0, 0, 10))
    assert (found.score, found.satisfaction) == (Fraction(100), Fraction(1, 2))


@pytest.mark.parametrize(
    ("given_counts", "words"),
    [
        (counts(4), "低于 5 张的公布下限"),
        (counts(20, issued=18), "该次测评作废，重新组织"),
        (s.Counts(30, 20, 25, (("satisfied", 25),)), "多于收回 20 张"),
        (s.Counts(30, 30, 20, (("satisfied", 19),)), "各项之和 19 张，与有效票 20 张不符"),
    ],
)
def test_counts_that_cannot_be_used_give_no_score_but_a_reason(given_counts, words):
    found = s.score_counts(APPRAISAL, given_counts)
    assert (found.score, found.satisfaction) == (None, None)
    assert words in found.reason


@pytest.mark.parametrize(
    ("label", "number", "score"),
    [("优秀", None, 95), ("", "91.5", Fraction(183, 2)), ("优秀", "96", 96), ("", "89.995", Fraction(17999, 200))],
)
def test_annual_result_by_word_or_number(label, number, score):
    assert s.score_annual(ANNUAL, label, None if number is None else D(number)).score == score


@pytest.mark.parametrize(("label", "number"), [("甲等", None), ("", None), ("", "104"), ("", "-1")])
def test_annual_results_that_mean_nothing(label, number):
    found = s.score_annual(ANNUAL, label, None if number is None else D(number))
    assert found.score is None
    assert found.reason


def test_more_than_a_hundred_only_where_the_round_allows_it():
    assert s.score_annual(dataclasses.replace(ANNUAL, allow_over=True), "", D(104)).score == 104


@pytest.mark.parametrize(
    ("full", "given_score", "score"),
    [(120, 108, 90), (50, 48, 96), ("37.5", "37.5", 100), (120, 100, Fraction(250, 3)), (50, 0, 0)],
)
def test_recorded_scores_are_brought_to_a_hundred_from_their_own_full_marks(full, given_score, score):
    rule = dataclasses.replace(ANNUAL, full=D(full))
    assert s.score_annual(rule, "", D(given_score)).score == score
    assert s.score_annual(rule, "优秀", None).score == 95  # words are worth points out of 100 all the same


def test_a_recorded_score_beyond_its_full_marks_means_nothing():
    rule = dataclasses.replace(ANNUAL, full=D(50))
    assert s.score_annual(rule, "", D(51)).reason == "年度考核 51 分，超出 0 至 50 分。"
    assert s.score_annual(dataclasses.replace(rule, allow_over=True), "", D(51)).score == 102


def test_the_explanation_says_what_a_score_was_out_of_and_what_a_gate_on_it_asks_for():
    # 108 of 120 are 90; the gate wants 60 points, the next one 95
    rules = dataclasses.replace(
        RULES,
        sources=(dataclasses.replace(ANNUAL, full=D(120), weight=D(100)),),
        gates=(
            s.GateRule("source_annual", "年度考核得分", D(60), best="fair"),
            s.GateRule("source_annual", "年度考核得分", D(95), best="good"),
        ),
    )
    derivation = s.grade_unit(rules, unit(annual=("", D(108))))
    assert (derivation.composite.rounded, derivation.grade.label) == (D("90.00"), "较好")
    steps = s.explain_steps(derivation)
    assert steps[0].text == "年度考核 90.00（108÷120×100）；无缺项"
    assert [(step.title, step.text) for step in steps if step.key == "gate"] == [
        ("年度考核得分门槛（60 分）", "年度考核得分 90 分，不低于 60 分"),
        ("年度考核得分门槛（95 分）", "年度考核得分 90 分，低于 95 分，最高评为较好"),
    ]


def test_a_share_is_told_over_all_the_ballots():
    derivation = s.grade_unit(RULES, unit(ballots=counts(10, 4)))
    told = next(step.text for step in s.explain_steps(derivation) if step.key == "gate")
    assert told == "满意率 14/14 = 100.0%，不低于 90%"


# --- composite ---------------------------------------------------------------------------------------------------


def test_composite_of_the_four_sources():
    # 94.50×20 % + 620/7×20 % + 95×20 % + 91.50×40 % = 18.9 + 124/7 + 19 + 36.6 = 74.5 + 17.714285… = 92.2142857…
    derivation = s.grade_unit(RULES, unit(own="94.5", ballots=counts(18, 7, 3), superior="91.5"))
    assert derivation.composite.exact == Fraction(149, 2) + Fraction(124, 7)
    assert derivation.composite.rounded == D("92.21")
    assert [part.part for part in derivation.composite.parts] == [
        Fraction("18.9"),
        Fraction(124, 7),
        Fraction(19),
        Fraction("36.6"),
    ]


def test_a_missing_source_blocks_and_is_named():
    derivation = s.grade_unit(RULES, unit(own=None))
    assert derivation.grade is None
    assert derivation.composite.rounded is None
    assert derivation.blockers == ("缺支部自评：还没有数据。",)


def test_an_exempt_source_renormalises_the_others():
    # (90×20 + 100×20 + 80×40) ÷ 80 = (1800 + 2000 + 3200) ÷ 80 = 87.5
    derivation = s.grade_unit(RULES, unit(own=90, superior=80, sources={"annual": s.ExemptInput("不参加考核")}))
    assert derivation.composite.exact == Fraction(175, 2)
    assert derivation.composite.renormalised
    assert [part.weight for part in derivation.composite.parts] == [25, 25, 50]
    assert "年度考核免计（不参加考核）" in s.explain_steps(derivation)[0].text


def test_a_round_may_refuse_exemptions_or_renormalise_by_itself():
    exempt = unit(sources={"annual": s.ExemptInput("不参加考核")})
    strict = dataclasses.replace(RULES, missing=s.MissingRule.BLOCK)
    assert s.grade_unit(strict, exempt).blockers == ("年度考核填了免计，但本轮规则不允许缺项。",)
    loose = dataclasses.replace(RULES, missing=s.MissingRule.RENORMALISE)
    assert s.grade_unit(loose, unit(annual=None)).composite.renormalised


def test_ballots_below_the_floor_are_a_missing_source_not_a_zero():
    derivation = s.grade_unit(RULES, unit(ballots=counts(4)))
    assert derivation.composite.rounded is None
    assert "低于 5 张的公布下限" in derivation.blockers[0]


def test_a_source_without_weight_never_blocks():
    spot = s.SourceRule("spot_check", "学校抽查", s.SourceKind.SHEET, D(0))
    derivation = s.grade_unit(dataclasses.replace(RULES, sources=(*RULES.sources, spot)), unit())
    assert derivation.blockers == ()


def test_nothing_at_all():
    nothing = s.UnitInput("甲", "1", rubric(), {}, {})
    derivation = s.grade_unit(dataclasses.replace(RULES, missing=s.MissingRule.RENORMALISE), nothing)
    assert derivation.composite.blockers == ("没有任何来源有得分。",)


def test_an_input_of_the_wrong_kind_is_a_programming_error():
    with pytest.raises(TypeError):
        s.grade_unit(RULES, unit(sources={"annual": sheet(A1=1)}))


# --- lines, gates, vetoes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "label"),
    [
        ("100", "先进"),
        ("90", "先进"),
        ("89.995", "先进"),
        ("89.994", "较好"),
        ("89.5", "较好"),
        ("75", "较好"),
        ("74.99", "一般"),
        ("60", "一般"),
        ("59.99", "后进"),
        ("0", "后进"),
    ],
)
def test_lines_compare_the_rounded_score(score, label):
    assert s.grade_unit(one_source(), one(score)).grade.label == label


@pytest.mark.parametrize(
    ("ballots", "label", "barred"),
    [
        (counts(18, 0, 2), "先进", False),  # exactly 90 %
        (counts(1808, 0, 201), "较好", False),  # 89.99502… %, shown as 90.00 %
        (counts(16, 0, 4), "较好", False),  # exactly 80 %
        (counts(1598, 0, 402), "一般", True),  # 79.9 %
    ],
)
def test_gates_compare_the_exact_fraction(ballots, label, barred):
    derivation = s.grade_unit(RULES, unit(own=100, superior=100, ballots=ballots))
    assert derivation.by_score.label == "先进"
    assert (derivation.grade.label, derivation.bars_promotion) == (label, barred)


def test_the_explanation_never_shows_a_share_as_if_it_reached_the_line():
    assert s.percent(Fraction(1808, 2009)) == "90.00%"
    derivation = s.grade_unit(RULES, unit(own=100, superior=100, ballots=counts(1808, 0, 201)))
    step = next(step for step in s.explain_steps(derivation) if step.key == "gate")
    assert step.hit
    assert step.text == "满意率 1808/2009 = 89.995%，低于 90%，最高评为较好"


def test_a_gate_without_its_figure_fails_nothing():
    rules = one_source(gates=GATES)
    derivation = s.grade_unit(rules, one(95))
    assert derivation.grade.label == "先进"
    assert [gate.failed for gate in derivation.gates] == [False, False]
    assert "没有满意率数据" in s.explain_steps(derivation)[4].text


@pytest.mark.parametrize(
    ("code", "score", "label"),
    [("fraud", 95, "后进"), ("late_election", 95, "一般"), ("late_election", 50, "后进"), ("fraud", 50, "后进")],
)
def test_vetoes_force_a_grade_or_allow_at_most_one(code, score, label):
    found = dataclasses.replace(one(score), vetoes=(s.VetoFound(code, "督查"),))
    assert s.grade_unit(one_source(vetoes=VETOES), found).grade.label == label


def test_a_forced_grade_needs_no_composite():
    rules = one_source(vetoes=VETOES)
    found = s.UnitInput("甲", "1", rubric(), {}, {}, (s.VetoFound("fraud"),))
    derivation = s.grade_unit(rules, found)
    assert (derivation.grade.label, derivation.blockers, derivation.composite.rounded) == ("后进", (), None)


# --- caps --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "heads", "rounding", "size"),
    [
        (30, 11, s.Rounding.DOWN, 3),
        (30, 11, s.Rounding.UP, 4),
        (30, 11, s.Rounding.HALF_UP, 3),
        (30, 5, s.Rounding.HALF_UP, 2),
        (30, 10, s.Rounding.UP, 3),
        ("33.3", 10, s.Rounding.UP, 4),
        (0, 10, s.Rounding.UP, 0),
    ],
)
def test_the_size_of_a_cap(share, heads, rounding, size):
    assert s.cap_size(s.CapRule("advanced", D(str(share)), rounding=rounding), heads) == size


def labels(outcome):
    return [derivation.grade.label if derivation.grade else None for derivation in outcome.derivations]


def test_a_cap_as_a_warning_changes_nothing():
    rules = one_source(caps=(s.CapRule("advanced", D(30)),))
    outcome = s.grade_round(rules, [one(value) for value in (96, 95, 94, 80)])
    assert labels(outcome) == ["先进", "先进", "先进", "较好"]
    assert outcome.caps[0].warning == "“先进”3 个，超过 4 个支部的 30%（1 个）。"
    assert [d.caps[0].state for d in outcome.derivations[:3]] == ["kept", "over", "over"]
    assert outcome.distribution == (("advanced", 3), ("good", 1), ("fair", 0), ("weak", 0))


def test_an_enforced_cap_lowers_the_last_by_one_grade():
    rules = one_source(caps=(s.CapRule("advanced", D(50), mode=s.CapMode.ENFORCED),))
    outcome = s.grade_round(rules, [one(value) for value in (92, 96, 94, 80)])
    assert labels(outcome) == ["较好", "先进", "先进", "较好"]
    assert s.explain_steps(outcome.derivations[0])[-1].hit


def test_caps_count_by_group_or_whole():
    units = [one(96, "1"), one(95, "1"), one(94, "2"), one(80, "2")]
    by_group = one_source(caps=(s.CapRule("advanced", D(50), mode=s.CapMode.ENFORCED),))
    assert labels(s.grade_round(by_group, units)) == ["先进", "较好", "先进", "较好"]
    whole = one_source(caps=(s.CapRule("advanced", D(2), measure=s.CapMeasure.NUMBER, scope=s.CapScope.ROUND),))
    assert s.grade_round(whole, units).caps[0].warning == "“先进”3 个，超过 4 个支部的 2 个（2 个）。"
    both = dataclasses.replace(whole, caps=(*by_group.caps, *whole.caps))
    titles = [step.title for step in s.explain_steps(s.grade_round(both, units).derivations[0]) if step.key == "cap"]
    assert titles == ["先进比例（本党总支内）", "先进比例（全校）"]


def test_grades_chosen_by_people_are_held_against_enforced_caps():
    half = one_source(caps=(s.CapRule("advanced", D(50), mode=s.CapMode.ENFORCED),))
    chosen = ["advanced", "advanced", None, "good", "advanced", "advanced"]
    groups = ["甲", "甲", "甲", "甲", "乙", "乙"]
    # 甲: two of three graded, half of three dropped to one; 乙: two of two, one allowed.
    assert s.breaches(half, chosen, groups) == (
        "甲“先进”2 个，超过 3 个支部的 50%（1 个）。",
        "乙“先进”2 个，超过 2 个支部的 50%（1 个）。",
    )
    assert s.breaches(half, ["advanced", "good", None, "good", "good", "advanced"], groups) == ()
    warned = one_source(caps=(s.CapRule("advanced", D(50)),))
    assert s.breaches(warned, chosen, groups) == ()


def test_a_tie_across_an_enforced_line_waits_for_a_person():
    rules = one_source(caps=(s.CapRule("advanced", D(50), mode=s.CapMode.ENFORCED),))
    outcome = s.grade_round(rules, [one(96), one(94, name="乙"), one(94, name="丙"), one(80)])
    assert labels(outcome) == ["先进", "先进", "先进", "较好"]
    assert outcome.caps[0].tied == ("乙", "丙")
    assert [d.needs_person for d in outcome.derivations] == [False, True, True, False]


def test_a_tie_is_broken_by_the_sources_the_round_names():
    rules = dataclasses.replace(
        RULES, gates=(), caps=(s.CapRule("advanced", D(1), measure=s.CapMeasure.NUMBER, mode=s.CapMode.ENFORCED,
                                         tie_breaks=("superior",)),)
    )  # fmt: skip
    # 90×20 + 95×40 = 5600 = 96×20 + 92×40
    units = [unit("甲", own=96, superior=92), unit("乙", own=90, superior=95)]
    outcome = s.grade_round(rules, units)
    assert outcome.derivations[0].composite.rounded == outcome.derivations[1].composite.rounded
    assert labels(outcome) == ["较好", "先进"]


def test_a_floor_names_those_nearest_to_it():
    floor = s.CapRule("weak", D(50), side=s.CapSide.AT_LEAST, rounding=s.Rounding.UP)
    outcome = s.grade_round(one_source(caps=(floor,)), [one(95), one(70), one(50), one(61)])
    assert outcome.caps[0].warning == "“后进”及以下 1 个，少于 4 个支部的 50%（2 个）。"
    assert [d.caps[0].state if d.caps else None for d in outcome.derivations] == [None, None, None, "over"]
    enforced = dataclasses.replace(floor, mode=s.CapMode.ENFORCED)
    outcome = s.grade_round(one_source(caps=(enforced,)), [one(95), one(70), one(50), one(61)])
    assert labels(outcome) == ["先进", "一般", "后进", "后进"]


# --- divergence --------------------------------------------------------------------------------------------------


def test_divergence_by_points_by_section_and_by_grades():
    derivation = s.grade_unit(RULES, unit(own=91, superior=74))
    found = derivation.divergence
    assert (found.gap, found.grade_gap) == (Fraction(-17), 2)
    assert [(gap.code, gap.gap, gap.flagged) for gap in found.sections] == [("A", D(0), False), ("B", D(-17), True)]
    assert found.flags == (
        "支部自评与党总支考评相差 17 分，达到 10 分。",
        "支部自评与党总支考评相差 2 个等级。",
    )


def test_small_divergence_needs_no_reason():
    derivation = s.grade_unit(RULES, unit(own=88, superior=85))
    assert not derivation.divergence.needs_reason
    assert derivation.divergence.sections[1].flagged


def test_no_divergence_while_one_side_is_open():
    assert s.grade_unit(RULES, unit(superior=None)).divergence is None


# --- derivation --------------------------------------------------------------------------------------------------


def test_a_stored_derivation_comes_back_the_same():
    rules = dataclasses.replace(RULES, caps=(s.CapRule("advanced", D(30)),))
    units = [
        unit("甲", ballots=counts(18, 7, 3), sources={"self": sheet(A1="14.5", A2="na", B1=50)}),
        unit("乙", vetoes=(s.VetoFound("fraud", "督查"),), annual=("", "89.995")),
        unit("丙", own=None, sources={"annual": s.ExemptInput("不参加考核")}),
    ]
    for derivation in s.grade_round(rules, units).derivations:
        text = derivation.to_json()
        back = s.Derivation.from_json(text)
        assert back == derivation
        assert back.to_json() == text
        assert s.explain_steps(back) == s.explain_steps(derivation)


@pytest.mark.parametrize("text", ["{}", "[]", '{"unit": 3}', '"x"'])
def test_what_is_no_derivation_is_refused(text):
    with pytest.raises(ValueError, match="not a stored"):
        s.Derivation.from_json(text)


def test_drift_is_reported():
    before = s.grade_unit(RULES, unit(own=95, superior=95))
    after = s.grade_unit(RULES, unit(own=80, superior=70))
    assert s.differences(before, before) == ()
    assert s.differences(before, after) == (
        "综合得分由 96.00 变为 83.00。",
        "支部自评的得分与存档不同。",
        "党总支考评的得分与存档不同。",
        "测算等级由 先进 变为 较好。",
    )


def test_the_steps_of_the_reference_page():
    derivation = s.grade_unit(
        dataclasses.replace(RULES, caps=(s.CapRule("advanced", D(30)),)),
        unit(own="94.5", ballots=counts(18, 7, 3), superior="91.5"),
    )
    steps = s.explain_steps(derivation)
    assert [(step.title, step.result, step.hit) for step in steps] == [
        ("四个来源", "齐全", False),
        ("按权重合成", "92.2142…", False),
        ("四舍五入", "92.21", False),
        ("对照分数线", "先进", False),
        ("满意率门槛（90%）", "较好", True),
        ("满意率门槛（80%）", "通过", False),
        ("一票否决", "无", False),
    ]
    assert steps[0].text == "支部自评 94.50，群众评议 88.57，年度考核“优秀”折 95，党总支考评 91.50；无缺项"
    assert steps[1].text == "94.5×20% + 88.571…×20% + 95×20% + 91.5×40% = 92.2142…"
    assert steps[2].text == "保留两位小数"
    assert steps[4].text == "满意率 25/28 = 89.3%，低于 90%，最高评为较好"


# --- properties --------------------------------------------------------------------------------------------------

scores = st.integers(0, 20000).map(lambda n: D(n) / 200)


@given(scores, scores)
def test_a_higher_score_never_gives_a_worse_grade(first, second):
    low, high = sorted((first, second))
    rules = one_source()
    assert s.grade_unit(rules, one(high)).grade.rank <= s.grade_unit(rules, one(low)).grade.rank


@given(
    st.lists(scores, min_size=1, max_size=12),
    st.integers(0, 100),
    st.sampled_from(list(s.Rounding)),
    st.sampled_from(list(s.CapMode)),
)
def test_a_cap_never_raises_a_grade_and_an_enforced_one_holds_up_to_ties(values, share, rounding, mode):
    cap = s.CapRule("advanced", D(share), rounding=rounding, mode=mode)
    units = [one(value, name=str(number)) for number, value in enumerate(values)]
    plain = s.grade_round(one_source(), units)
    capped = s.grade_round(one_source(caps=(cap,)), units)
    for before, after in zip(plain.derivations, capped.derivations, strict=True):
        assert after.grade.rank >= before.grade.rank
    if mode is s.CapMode.ENFORCED:
        held = sum(1 for d in capped.derivations if d.grade.code == "advanced" and not d.needs_person)
        assert held <= s.cap_size(cap, len(units))


weights = st.tuples(*(st.integers(0, 100) for _ in range(4))).filter(lambda four: sum(four) > 0)


@given(weights, scores, scores)
def test_a_composite_lies_between_its_sources(four, first, second):
    kinds = [s.SourceRule(f"s{n}", f"来源{n}", s.SourceKind.ANNUAL, D(weight)) for n, weight in enumerate(four)]
    rules = s.RoundRules("试", GRADES, tuple(kinds), (), missing=s.MissingRule.RENORMALISE)
    given_scores = {f"s{n}": s.AnnualInput("", first if n % 2 else second) for n in range(4)}
    exact = s.grade_unit(rules, s.UnitInput("甲", "1", rubric(), given_scores, {})).composite.exact
    assert min(first, second) <= exact <= max(first, second)


def test_the_worked_example_of_the_documentation():
    first = s.grade_unit(RULES, unit(own="94.5", ballots=counts(18, 7, 3), superior="91.5"))
    assert first.composite.exact == Fraction(1291, 14)
    assert (first.composite.rounded, first.by_score.label, first.grade.label) == (D("92.21"), "先进", "较好")
    assert (first.bars_promotion, first.divergence.needs_reason) == (False, False)
    set_aside = {"annual": s.ExemptInput("不参加考核")}
    second = s.grade_unit(RULES, unit(own="94.5", ballots=counts(18, 7, 3), superior="91.5", sources=set_aside))
    assert (second.composite.exact, second.composite.rounded) == (Fraction(5125, 56), D("91.52"))
