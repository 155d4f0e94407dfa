"""Voter groups of an appraisal: weights, the floor, merging within one branch, and the rows that keep them."""

from decimal import Decimal as D  # noqa: N817
from fractions import Fraction as F  # noqa: N817

import pytest
from django.db import IntegrityError, transaction

from branches import clock
from grading import rules, scoring
from grading import scoring as s
from grading.models import AppraisalCount, Round
from grading.services.errors import RefusedError
from grading.services.results import derive
from grading.services.sources import CountInput, record_counts
from tests.factories.grading import AppraisalCountFactory, SourceFactory, opened_round
from tests.factories.voters import VoterGroupFactory

GROUPS = (
    s.GroupRule("members", "党员", D(50)),
    s.GroupRule("masses", "群众代表", D(30)),
    s.GroupRule("students", "学生代表", D(20)),
)
RULE = s.SourceRule(
    "appraisal",
    "群众评议",
    s.SourceKind.APPRAISAL,
    D(30),
    options=(
        s.OptionRule("yes", "满意", D(100), satisfied=True),
        s.OptionRule("fairly", "基本满意", D(80), satisfied=True),
        s.OptionRule("no", "不满意", D(40)),
        s.OptionRule("unknown", "不了解", None),
    ),
    minimum_ballots=5,
    groups=GROUPS,
)


def group(code, yes=0, fairly=0, no=0, unknown=0, issued=None):
    valid = yes + fairly + no + unknown
    given = (("yes", yes), ("fairly", fairly), ("no", no), ("unknown", unknown))
    return s.GroupCounts(code, s.Counts(valid if issued is None else issued, valid, valid, given))


def score(*groups, rule=RULE):
    return s.score_counts(rule, s.add_counts(one.counts for one in groups), groups)


@pytest.mark.unit
def test_each_group_is_averaged_by_itself_and_weighted():
    # 党员 (15×100 + 5×80) ÷ 20 = 95; 群众 (4×100 + 6×80) ÷ 10 = 88; 学生 (5×100 + 5×40) ÷ 10 = 70
    found = score(group("members", 15, 5), group("masses", 4, 6), group("students", 5, 0, 5))
    assert found.score == F("87.9")  # 47.5 + 26.4 + 14
    assert found.satisfaction == F(35, 40)  # of all ballots, unweighted
    assert [(part.name, part.weight, part.score) for part in found.groups] == [
        ("党员", 50, 95),
        ("群众代表", 30, 88),
        ("学生代表", 20, 70),
    ]


@pytest.mark.unit
def test_small_groups_are_counted_together():
    # 群众 3 and 学生 4 are seven: (5×100 + 2×40) ÷ 7 = 580/7, weight 50
    found = score(group("members", 20), group("masses", 3), group("students", 2, 0, 2))
    assert [(part.name, part.weight, part.valid) for part in found.groups] == [
        ("党员", 50, 20),
        ("群众代表、学生代表", 50, 7),
    ]
    assert found.score == (50 * F(100) + 50 * F(580, 7)) / 100


@pytest.mark.unit
def test_small_groups_that_stay_small_together_join_the_largest():
    found = score(group("members", 9), group("masses", 20), group("students", 0, 0, 4))
    # 群众 with 学生: (20×100 + 4×40) ÷ 24 = 90, weight 50; 党员 100, weight 50
    assert [(part.codes, part.weight, part.valid) for part in found.groups] == [
        (("members",), 50, 9),
        (("masses", "students"), 50, 24),
    ]
    assert found.score == 95


@pytest.mark.unit
def test_below_the_floor_altogether_there_is_no_score():
    found = score(group("members", 2), group("masses", 1), group("students", 1))
    assert (found.score, found.groups) == (None, ())
    assert "低于 5 张" in found.reason


@pytest.mark.unit
def test_a_group_without_valid_ballots_weighs_nothing():
    found = score(group("members", 10), group("masses", 0, 10), group("students", issued=6))
    assert found.score == (50 * F(100) + 30 * F(80)) / 80
    only_unknown = score(group("members", 10), group("masses", 0, 10), group("students", unknown=6))
    assert only_unknown.score == found.score


@pytest.mark.unit
def test_a_group_that_nobody_has_entered_is_asked_for():
    assert score(group("members", 10)).reason == "还没有群众代表、学生代表的票数。"
    whole = s.Counts(9, 9, 9, (("yes", 9),))
    assert s.score_counts(RULE, whole).reason == "还没有党员、群众代表、学生代表的票数。"
    wrong = s.GroupCounts("students", s.Counts(9, 10, 10, (("yes", 10),)))
    assert score(group("members", 10), group("masses", 9), wrong).reason.startswith("学生代表：收回 10 张，多于")


@pytest.mark.unit
def test_merged_counts_hide_the_groups_they_came_from():
    merged = s.merge_groups(RULE, (group("members", 20), group("masses", 3), group("students", 4)))
    assert [(one.code, one.joined, one.counts.valid) for one in merged] == [
        ("members", (), 20),
        ("masses", ("students",), 7),
    ]
    assert s.merge_groups(RULE, merged) == merged  # what is stored scores the same again
    assert score(*merged).score == 100


@pytest.mark.unit
def test_a_derivation_from_before_there_were_groups_still_reads():
    unit = s.UnitInput(
        "甲", "1", s.RubricRule("r", 1, ()), {"appraisal": s.CountsInput(group("members", 8).counts)}, {}
    )
    plain = s.SourceRule("appraisal", "群众评议", s.SourceKind.APPRAISAL, D(100), options=RULE.options)
    grades = (s.GradeRule("a", "好", 1), s.GradeRule("b", "差", 2))
    derivation = s.grade_unit(s.RoundRules("试", grades, (plain,), (s.CutOffRule("a", D(60)),)), unit)
    data = derivation.to_data()
    del data["sources"][0]["appraisal"]["groups"]
    assert s.Derivation.from_data(data) == derivation


# ---- rows


@pytest.fixture
def opened(db):
    made = opened_round()
    source = made.source("appraisal")
    for ordinal, (code, name, weight) in enumerate((("members", "党员", 60), ("masses", "群众代表", 40)), 1):
        VoterGroupFactory(source=source, ordinal=ordinal, code=code, name=name, weight=weight)
    made.round = Round.objects.get(pk=made.round.pk)
    return made


def given(unit, code="", number=10, **more):
    counts = {"satisfied": number - 2, "fairly": 2}
    return CountInput(unit, number, number, number, counts, group=code, **more)


@pytest.mark.once
def test_counts_are_kept_by_group_and_score_together(opened):
    unit, source = opened.unit("software"), opened.source("appraisal")
    record_counts(by=None, source=source, rows=[given(unit, "members"), given(unit, "masses", 20)], now=clock.now())
    derivation = derive(opened.round, [unit])[unit.pk]
    scored = derivation.source("appraisal")
    # 党员 (8×100 + 2×80) ÷ 10 = 96, 群众 (18×100 + 2×80) ÷ 20 = 98
    assert scored.score == F("96.8")
    assert derivation.satisfaction == 1
    steps = " ".join(step.text for step in scoring.explain_steps(derivation))
    assert "群众评议 96.80（（党员 96×60 + 群众代表 98×40）÷100）" in steps


@pytest.mark.once
def test_counts_without_a_group_or_of_another_round_are_refused(opened):
    unit, source = opened.unit("software"), opened.source("appraisal")
    for wrong, sentence in (
        (given(unit), "票数要按评议人员分别录入（党员、群众代表）。"),
        (given(unit, "guests"), "本轮没有这类评议人员，只有党员、群众代表。"),
        (given(unit, "members", joined=["members"]), "不能并入自己"),
    ):
        with pytest.raises(RefusedError, match=sentence):
            record_counts(by=None, source=source, rows=[wrong], now=clock.now())
    assert not AppraisalCount.objects.exists()


@pytest.mark.once
def test_not_held_at_all_takes_the_place_of_the_groups_and_back(opened):
    unit, source = opened.unit("software"), opened.source("appraisal")
    now = clock.now()
    record_counts(by=None, source=source, rows=[given(unit, "members"), given(unit, "masses")], now=now)
    record_counts(by=None, source=source, rows=[CountInput(unit, state="missing", reason="未组织")], now=now)
    assert [row.group for row in unit.appraisals.all()] == [None]
    merged = given(unit, "members", 12, joined=["masses"])
    record_counts(by=None, source=source, rows=[merged], now=now)
    assert [(row.group.code, row.joined) for row in unit.appraisals.all()] == [("members", ["masses"])]
    assert derive(opened.round, [unit])[unit.pk].source("appraisal").score == F(1160, 12)


@pytest.mark.db
def test_the_database_keeps_one_count_a_group():
    count = AppraisalCountFactory()
    group_row = VoterGroupFactory(source=count.source)
    AppraisalCountFactory(unit=count.unit, source=count.source, group=group_row)
    for again in ({}, {"group": group_row}):
        with pytest.raises(IntegrityError), transaction.atomic():
            AppraisalCountFactory(unit=count.unit, source=count.source, **again)


@pytest.mark.db
@pytest.mark.parametrize(
    "wrong", [{"weight": D(0)}, {"weight": D(101)}, {"code": "one"}, {"name": "党员"}, {"ordinal": 1}]
)
def test_the_database_refuses_wrong_groups(wrong):
    source = SourceFactory(kind="appraisal", code="appraisal")
    VoterGroupFactory(source=source, code="one", name="党员", ordinal=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        VoterGroupFactory(source=source, **wrong)


@pytest.mark.once
def test_the_rules_of_a_round_know_its_groups(opened):
    rule = rules.source_rule(opened.source("appraisal"))
    assert [(one.code, one.weight) for one in rule.groups] == [("members", 60), ("masses", 40)]
