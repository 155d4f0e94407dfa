"""From items to the score of one sheet, every figure worked by hand."""

from decimal import Decimal as D  # noqa: N817
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading import scoring as s
from tests.grading.rules import entries, rubric

pytestmark = pytest.mark.unit
K = s.CriterionKind


@pytest.mark.parametrize(
    ("value", "places", "expected"),
    [
        ("89.995", 2, "90.00"),
        ("89.994999", 2, "89.99"),
        ("0.5", 0, "1"),
        ("-0.5", 0, "-1"),
        ("2.345", 2, "2.35"),
        ("100", 2, "100.00"),
    ],
)
def test_rounds_half_up(value, places, expected):
    assert str(s.round_half_up(D(value), places)) == expected


def test_rounding_an_exact_fraction_sees_the_tie_that_decimals_would_lose():
    assert s.round_half_up(Fraction(1, 3) + Fraction(2, 3) - Fraction(1, 200), 2) == D("1.00")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(Fraction(620, 7), "88.5714…"), (Fraction(37, 2), "18.5"), (Fraction(95), "95"), (Fraction(-1, 3), "−0.3333…")],
)
def test_shows_exact_values_and_marks_those_it_cuts(value, shown):
    assert s.show(value) == shown


def test_full_sheet_adds_items_to_sections_and_sections_to_the_total():
    sheet = s.score_sheet(rubric(), entries(A1=14.5, A2=20, B1=51.5))
    assert [(x.code, x.earned) for x in sheet.sections] == [("A", D("34.5")), ("B", D("51.5"))]
    assert (sheet.earned, sheet.score, sheet.missing) == (D("86.0"), Fraction(86), ())


def test_an_open_item_leaves_the_score_unknown_and_keeps_the_running_sum():
    sheet = s.score_sheet(rubric(), entries(A1=14.5, A2=None))
    assert (sheet.score, sheet.earned, sheet.partial, sheet.missing) == (None, None, D("14.5"), ("A2", "B1"))


def test_a_zero_is_a_score():
    sheet = s.score_sheet(rubric(), entries(A1=0, A2=0, B1=0))
    assert (sheet.score, sheet.missing) == (Fraction(0), ())


def test_not_applicable_rescaled_over_the_total():
    # (12 + 48) of (15 + 60) applicable = 60 / 75 = 80
    sheet = s.score_sheet(rubric(), entries(A1=12, A2="na", B1=48))
    assert (sheet.score, sheet.applicable, sheet.earned) == (Fraction(80), D(75), D(60))


def test_not_applicable_rescaled_inside_its_section():
    # A: 12/15 of 40 = 32; 32 + 48 = 80
    sheet = s.score_sheet(rubric(not_applicable=s.NotApplicable.SECTION), entries(A1=12, A2="na", B1=48))
    assert sheet.score == Fraction(80)
    # with B full the two rules part: total (12+60)/75 = 96, section 32 + 60 = 92
    full = entries(A1=12, A2="na", B1=60)
    assert s.score_sheet(rubric(), full).score == Fraction(96)
    assert s.score_sheet(rubric(not_applicable=s.NotApplicable.SECTION), full).score == Fraction(92)


@pytest.mark.parametrize("rule", [s.NotApplicable.TOTAL, s.NotApplicable.SECTION])
def test_a_section_without_any_applicable_item_is_left_out(rule):
    sheet = s.score_sheet(rubric(not_applicable=rule), entries(A1="na", A2="na", B1=45))
    assert (sheet.score, sheet.missing) == (Fraction(75), ())


def test_everything_not_applicable_is_no_score():
    sheet = s.score_sheet(rubric(), entries(A1="na", A2="na", B1="na"))
    assert (sheet.score, sheet.earned) == (None, None)


def test_a_rubric_of_other_full_marks_is_brought_to_a_hundred():
    small = s.RubricRule("x", 1, (s.SectionRule("A", "甲", D(30), (s.CriterionRule("A1", "甲", D(30)),)),))
    assert s.score_sheet(small, entries(A1=10)).score == Fraction(100, 3)


def special(*criteria, points=D(10), **changes):
    return s.RubricRule("x", 1, (s.SectionRule("A", "甲", points, criteria),), **changes)


def test_deduction_is_taken_off_and_never_below_zero():
    item = s.CriterionRule("A1", "扣", D(10), K.DEDUCTION)
    assert s.score_sheet(special(item), entries(A1=3)).earned == D(7)
    assert s.score_sheet(special(item), entries(A1=0)).earned == D(10)
    free = s.CriterionRule("A2", "另扣", D(0), K.DEDUCTION)
    base = s.CriterionRule("A1", "分", D(10))
    assert s.score_sheet(special(base, free), entries(A1=8, A2=3)).earned == D(5)
    assert s.score_sheet(special(base, free), entries(A1=8, A2=30)).earned == D(0)
    assert s.score_sheet(special(base, free), entries(A1=8)).earned == D(8)


@pytest.mark.parametrize(("exceed", "score"), [(s.Exceed.NONE, 100), (s.Exceed.SECTION, 100), (s.Exceed.TOTAL, 120)])
def test_bonus_above_the_maximum_by_rule(exceed, score):
    base, bonus = s.CriterionRule("A1", "分", D(10)), s.CriterionRule("A2", "加", D(2), K.BONUS)
    assert s.score_sheet(special(base, bonus, exceed=exceed), entries(A1=10, A2=2)).score == score
    assert s.score_sheet(special(base, bonus, exceed=exceed), entries(A1=7, A2=2)).score == 90
    assert s.score_sheet(special(base, bonus, exceed=exceed), entries(A1=7)).score == 70


BANDS = tuple(
    s.LevelRule(f"{points} 分", D(points), None if low is None else D(low))
    for points, low in ((8, 95), (7, 90), (5, 80), (3, 60), (0, None))
)


@pytest.mark.parametrize(
    ("rate", "points"),
    [
        (Fraction(95, 100), 8),
        (Fraction(18, 20), 7),
        (Fraction(1808, 2009), 5),
        (Fraction(3, 5), 3),
        (Fraction(1, 9), 0),
    ],
)
def test_a_system_item_takes_its_band_from_the_exact_share(rate, points):
    item = s.CriterionRule("A1", "满意率", D(8), K.SYSTEM, levels=BANDS, figure="satisfaction")
    sheet = s.score_sheet(special(item, points=D(8)), {}, {"satisfaction": rate})
    assert sheet.earned == D(points)


def test_a_system_item_without_its_figure_is_open_and_typing_does_not_fill_it():
    item = s.CriterionRule("A1", "满意率", D(8), K.SYSTEM, levels=BANDS, figure="satisfaction")
    assert s.score_sheet(special(item, points=D(8)), entries(A1=8)).missing == ("A1",)


def test_sheet_by_sections():
    sheet = s.score_sections(rubric(), {"A": D("30.5"), "B": D(50)})
    assert (sheet.score, sheet.missing) == (Fraction(161, 2), ())
    assert s.score_sections(rubric(), {"A": D(30)}).missing == ("B",)


LEVELLED = s.CriterionRule("A1", "档", D(4), K.LEVELS, levels=(s.LevelRule("全", D(4)), s.LevelRule("半", D(2))))


@pytest.mark.parametrize(
    ("criterion", "entry", "sentence"),
    [
        (s.CriterionRule("A1", "", D(3)), s.Entry(D("3.5")), "A1 分数不能超过 3 分。"),
        (s.CriterionRule("A1", "", D(3)), s.Entry(D(-1)), "A1 分数不能小于 0。"),
        (s.CriterionRule("A1", "", D(3)), s.Entry(D("1.2")), "A1 分数要按 0.5 分一档填写。"),
        (s.CriterionRule("A1", "", D(3)), s.Entry(D("1.5")), None),
        (s.CriterionRule("A1", "", D(3)), s.Entry(None), None),
        (LEVELLED, s.Entry(D(3)), "A1 只能选 4、2 分。"),
        (LEVELLED, s.Entry(D(2)), None),
        (s.CriterionRule("A1", "", D(3), K.DEDUCTION), s.Entry(D(4)), "A1 扣分不能超过 3 分。"),
        (s.CriterionRule("A1", "", D(3), K.SYSTEM), s.Entry(D(3)), "A1 由系统填写，不能手工打分。"),
        (s.CriterionRule("A1", "", D(0), K.VETO), s.Entry(D(0)), "A1 是否决项，不打分。"),
        (s.CriterionRule("A1", "", D(3)), s.Entry(D(1), not_applicable=True), "A1 填了“不适用”就不能再填分数。"),
    ],
)
def test_wrong_entries_are_named(criterion, entry, sentence):
    assert s.entry_problem(criterion, entry, s.NotApplicable.TOTAL) == sentence


def test_not_applicable_may_be_refused_by_the_rubric():
    item = s.CriterionRule("A1", "", D(3))
    problem = s.entry_problem(item, s.Entry(None, not_applicable=True), s.NotApplicable.REFUSED)
    assert problem == "A1 本标准不允许填“不适用”。"


half = st.integers(0, 30).map(lambda n: D(n) / 2)
quarter = st.integers(0, 50).map(lambda n: D(n) / 2)
sixty = st.integers(0, 120).map(lambda n: D(n) / 2)
maybe = st.booleans()


@given(half, quarter, sixty, maybe, maybe, st.sampled_from(list(s.NotApplicable)[:2]))
def test_score_lies_between_zero_and_a_hundred(a1, a2, b1, skip_a1, skip_b1, rule):
    filled = entries(A1="na" if skip_a1 else a1, A2=a2, B1="na" if skip_b1 else b1)
    score = s.score_sheet(rubric(not_applicable=rule), filled).score
    assert score is not None
    assert 0 <= score <= 100


@given(half, quarter, sixty, half, maybe, st.sampled_from(list(s.NotApplicable)[:2]))
def test_more_points_never_lower_the_score(a1, a2, b1, other, skip, rule):
    low, high = sorted((a1, other))
    rest = {"A2": "na" if skip else a2, "B1": b1}
    marks = rubric(not_applicable=rule)
    before, after = (s.score_sheet(marks, entries(A1=points, **rest)).score for points in (low, high))
    assert before is not None
    assert after is not None
    assert before <= after
