"""The notice families that come with the product beside 2012's: each with a sheet of branches worked out by hand."""

from decimal import Decimal as D  # noqa: N817
from fractions import Fraction
from pathlib import Path

import pytest
from django.conf import settings

from grading import presets
from grading import scoring as s
from grading.models import Round, RoundStep
from grading.services import presets as service
from grading.views.campaigns import shipped
from tests.factories.branches import school

SHAPES = Path(settings.BASE_DIR) / "presets"


class Shape:
    """The rules of one preset's first round, and branches filled in by hand."""

    def __init__(self, name: str) -> None:
        files = presets.read_path(SHAPES / name)
        content = next(file.content for file in files if file.kind == "campaign")
        self.rules = presets.round_value(content, 1)
        self.rubric = presets.rubric_value(next(file.content for file in files if file.kind == "rubric"))
        self.units: list[s.UnitInput] = []

    def add(self, name, /, *, group="甲总支", vetoes=(), figures=None, **sources):
        found = tuple(s.VetoFound(code) for code in vetoes)
        self.units.append(s.UnitInput(name, group, self.rubric, sources, figures or {}, found))

    def grades(self):
        """Composite and grade of each branch."""
        outcome = s.grade_round(self.rules, self.units)
        shown = [(d.composite.rounded, d.grade.label if d.grade else None) for d in outcome.derivations]
        return dict(zip([unit.unit for unit in self.units], shown, strict=True))

    def warnings(self):
        return [report.warning for report in s.grade_round(self.rules, self.units).caps if report.warning]


def sections(*points):
    """A sheet given by sections A, B, C …"""
    return s.SheetInput({}, {code: D(str(value)) for code, value in zip("ABCDE", points, strict=False)})


def items(rubric, **other):
    """A sheet by items: full points unless said otherwise ("na" for 不适用); deductions 0, no bonus."""
    given = {}
    for item in rubric.criteria:
        if item.kind in (s.CriterionKind.SYSTEM, s.CriterionKind.VETO):
            continue
        free = item.kind in (s.CriterionKind.DEDUCTION, s.CriterionKind.BONUS)
        value = other.get(item.code, D(0) if free else item.points)
        given[item.code] = s.Entry(None, not_applicable=True) if value == "na" else s.Entry(D(value))
    return s.SheetInput(given)


def ballots(**options):
    number = sum(options.values())
    return s.CountsInput(s.Counts(number, number, number, tuple(options.items())))


@pytest.mark.unit
def test_two_parts_at_forty_and_sixty_rounded_to_one_place():
    shape = Shape("two-parts")
    shape.add("甲", self=sections(20, 20, 20, 20, 12), superior=sections(20, 20, 20, 20, 8))
    shape.add("乙", self=sections(20, 20, 20, 20, 15), superior=sections(20, 20, 20, 20, 6.75))
    shape.add("丙", self=sections(20, 20, 20, 20, 14.9), superior=sections(20, 20, 20, 20, 6.7))
    shape.add("丁", self=sections(10, 12, 12, 12, 12), superior=sections(12, 12, 12, 12, 12))
    shape.add("戊", self=sections(20, 20, 20, 20, 20), superior=None)
    assert shape.grades() == {
        "甲": (D("89.6"), "较好"),  # 92 × 0.4 + 88 × 0.6 = 36.8 + 52.8
        "乙": (D("90.1"), "先进"),  # 95 × 0.4 + 86.75 × 0.6 = 38 + 52.05 = 90.05
        "丙": (D("90.0"), "先进"),  # 94.9 × 0.4 + 86.7 × 0.6 = 37.96 + 52.02 = 89.98
        "丁": (D("59.2"), "后进"),  # 58 × 0.4 + 60 × 0.6 = 23.2 + 36
        "戊": (None, None),  # a missing source blocks
    }


@pytest.mark.unit
def test_good_to_poor_with_a_gate_on_satisfaction():
    shape = Shape("national-grades")
    own, superior = items(shape.rubric), items(shape.rubric, A2="8", B2="8")
    # 24 好, 3 一般, 1 差 and 2 不了解: (2400 + 210 + 30) ÷ 28 = 660/7; 24 of 30 are 80 %, so at most 一般
    shape.add("甲", self=own, appraisal=ballots(good=24, fair=3, poor=1, unknown=2), superior=superior)
    # 27 好, 1 一般, 2 不了解: 2770/28; 27 of 30 are 90 % exactly
    shape.add("乙", self=own, appraisal=ballots(good=27, fair=1, unknown=2), superior=superior)
    # all 一般 (6 of 10): 60 × 0.3 + 70 × 0.3 + 60 × 0.4 = 18 + 21 + 24, and nobody says 好
    plain = {item.code: "6" for item in shape.rubric.criteria}
    shape.add(
        "丙", self=items(shape.rubric, **plain), appraisal=ballots(fair=10), superior=items(shape.rubric, **plain)
    )
    assert shape.grades() == {
        "甲": (D("96.69"), "一般"),  # 100 × 0.3 + 660/7 × 0.3 + 96 × 0.4 = 30 + 28.2857… + 38.4
        "乙": (D("98.08"), "好"),  # 30 + 98.92857… × 0.3 + 38.4 = 98.0785…
        "丙": (D("63.00"), "一般"),
    }


@pytest.mark.unit
def test_three_grades_within_places_and_a_tie_broken_by_the_superior():
    shape = Shape("three-grades")
    pleased = ballots(satisfied=20)
    shape.add("甲", self=sections(30, 40, 20), appraisal=pleased, superior=sections(30, 40, 20))
    shape.add("乙", group="乙总支", self=sections(30, 40, 30), appraisal=pleased, superior=sections(30, 40, 16))
    shape.add("丙", self=sections(30, 40, 30), appraisal=None, superior=sections(25, 30, 10))
    shape.add(
        "丁", self=sections(30, 40, 30), appraisal=pleased, superior=sections(30, 40, 30), vetoes=("no_meetings",)
    )
    mixed = ballots(satisfied=10, unsatisfied=10)
    shape.add("戊", self=sections(20, 20, 20), appraisal=mixed, superior=sections(20, 20, 20))
    assert shape.grades() == {
        "甲": (
            D("93.00"),
            "先进",
        ),  # 90 × 0.2 + 100 × 0.3 + 90 × 0.5; one place for five, the better 考评 gets it
        "乙": (D("93.00"), "一般"),  # 100 × 0.2 + 100 × 0.3 + 86 × 0.5 = 93 too
        "丙": (D("75.00"), "一般"),  # without ballots: (100 × 20 + 65 × 50) ÷ 70
        "丁": (D("100.00"), "后进"),  # 一票否决
        "戊": (D("57.00"), "后进"),  # 60 × 0.2 + 50 × 0.3 + 60 × 0.5
    }


@pytest.mark.unit
def test_points_taken_off_never_below_zero_and_honours_only_up_to_the_maximum():
    rubric = Shape("three-grades").rubric
    # A: 30 − 2 − 3 = 25; B: 40 − 4 = 36; C: (15 − 15) + 15 + 3 = 18
    sheet = s.score_sheet(rubric, items(rubric, A1="2", A2="3", B1="4", C1="15", C3="3").entries)
    assert [section.earned for section in sheet.sections] == [25, 36, 18]
    assert sheet.score == 79
    # C: 15 + 15 + 5 would be 35, its maximum is 30
    assert s.score_sheet(rubric, items(rubric, C3="5").entries).score == 100


@pytest.mark.unit
def test_stars_with_honours_above_a_hundred_an_item_left_out_and_a_veto():
    shape = Shape("five-stars")
    full = items(shape.rubric, C3="4")
    liked = ballots(very=20, satisfied=18, fair=2)  # (2000 + 1620 + 120) ÷ 40 = 93.5; 38 of 40 are 95 %: C2 = 10
    share = {"satisfaction": Fraction(38, 40)}
    shape.add("甲", self=items(shape.rubric), appraisal=liked, superior=full, figures=share)
    # 32 of 40 are 80 %: C2 = 5; ballots (2880 + 480) ÷ 40 = 84
    so_so = ballots(satisfied=32, fair=8)
    checked = items(shape.rubric, A1="12", A2="8", A3="8", B1="12", B2="8", B3="na", C1="14")
    lower = {"satisfaction": Fraction(32, 40)}
    shape.add("乙", self=items(shape.rubric, B3="na"), appraisal=so_so, superior=checked, figures=lower)
    shape.add("丙", self=items(shape.rubric), appraisal=liked, superior=full, figures=share, vetoes=("irregular",))
    assert shape.grades() == {
        "甲": (D("101.50"), "五星"),  # 100 × 0.1 + 93.5 × 0.2 + 104 × 0.7 = 10 + 18.7 + 72.8
        "乙": (D("78.80"), "三星"),  # 自评 95; 考核 28 + 20 × 35/25 + 14 + 5 = 75: 9.5 + 16.8 + 52.5
        "丙": (D("101.50"), "二星"),
    }
    assert shape.warnings() == []  # one of three: a tenth, rounded up


@pytest.mark.unit
def test_five_stars_are_one_in_ten_of_the_school_and_three_in_ten_of_a_general_branch():
    shape = Shape("five-stars")
    full = items(shape.rubric)
    for number in range(12):  # eight of 甲, four of 乙; everybody at 100 × 0.1 + 100 × 0.2 + 100 × 0.7
        shape.add(
            f"支部{number + 1}", group="甲总支" if number < 8 else "乙总支", self=full, appraisal=ballots(very=20),
            superior=full, figures={"satisfaction": Fraction(1)},
        )  # fmt: skip
    assert set(shape.grades().values()) == {(D("100.00"), "五星")}  # warnings lower nobody
    assert shape.warnings() == [
        "“五星”12 个，超过 12 个支部的 10%（2 个）。",  # 1.2, rounded up
        "“五星”8 个，超过 8 个支部的 30%（3 个）。",  # 2.4
        "“五星”4 个，超过 4 个支部的 30%（2 个）。",  # 1.2
    ]


@pytest.mark.unit
def test_standard_and_model_by_a_list_in_whole_points():
    shape = Shape("standard-and-model")
    own = items(shape.rubric)
    shape.add("甲", self=own, superior=items(shape.rubric, A1="5"))
    shape.add("乙", self=own, superior=items(shape.rubric, A1="5", B1="0"))
    # C3 does not apply: (60 + 5) of 90 = 72.2…; and 75 of 90 = 83.3…
    shape.add("丙", self=own, superior=items(shape.rubric, A1="5", B1="0", B2="0", C3="na"))
    shape.add("丁", self=own, superior=items(shape.rubric, A1="5", B1="0", C3="na"))
    shape.add("戊", self=own, superior=own, vetoes=("accident",))
    assert shape.grades() == {
        "甲": (D(95), "示范型"),
        "乙": (D(85), "标准型"),
        "丙": (D(72), "整顿型"),
        "丁": (D(83), "标准型"),
        "戊": (D(100), "整顿型"),
    }


@pytest.mark.unit
def test_five_blocks_of_a_hundred_and_two_places_for_a_in_each_general_branch():
    shape = Shape("five-blocks")
    best = s.AnnualInput("优秀", None)
    for name, fifth in (("甲", 80), ("乙", 75), ("丙", 70)):
        shape.add(name, self=sections(90, 90, 90, 90, 90), annual=best, superior=sections(95, 90, 85, 90, fifth))
    shape.add("丁", self=sections(70, 70, 70, 70, 70), annual=s.AnnualInput("不称职", None),
              superior=sections(60, 60, 60, 60, 50))  # fmt: skip
    assert shape.grades() == {
        "甲": (D("89.60"), "A"),  # 90 × 0.2 + 100 × 0.1 + 440/5 × 0.7 = 18 + 10 + 61.6
        "乙": (D("88.90"), "A"),  # 435/5 = 87: 18 + 10 + 60.9
        "丙": (D("88.20"), "B"),  # 430/5 = 86: 18 + 10 + 60.2 reaches A, but two have it
        "丁": (D("58.60"), "D"),  # 14 + 4 + 58 × 0.7 = 40.6
    }


def votes(members, staff, students):
    """Ballots by group, each given as numbers of 优秀, 良好, 一般, 较差, 不了解."""
    codes = ("excellent", "good", "fair", "poor", "unknown")
    groups = tuple(
        s.GroupCounts(code, s.Counts(sum(given), sum(given), sum(given), tuple(zip(codes, given, strict=False))))
        for code, given in (("members", members), ("staff", staff), ("students", students))
    )
    return s.CountsInput(s.add_counts(group.counts for group in groups), groups)


LIKED = votes([10], [10], [10])  # 100 in every group
MIXED = votes([5, 5], [5, 0, 5], [0, 10])  # 90, 80, 80: 45 + 24 + 16 = 85
SMALL = votes([10], [0, 3], [1, 2])  # 教职工 3 and 学生 3 together: 500/6 at weight 50, 党员 100 at 50
COOL = votes([5, 2, 3], [5, 2, 3], [5, 2, 3])  # 500 + 160 + 180 over ten: 84; 21 of 30 are 70 %


@pytest.mark.unit
def test_twelve_branches_with_voters_of_three_kinds_and_enforced_places():
    shape = Shape("weighted-voters")
    best, fine, bad = (s.AnnualInput(word, None) for word in ("优秀", "合格", "不合格"))

    def add(name, own, votes_, annual, superior, **more):
        shape.add(name, self=sections(*own), appraisal=votes_, annual=annual, superior=sections(*superior), **more)

    top, high, middle, low = (25, 25, 25, 25), (25, 25, 25, 20), (20, 20, 20, 20), (15, 15, 15, 10)
    for name in ("一", "二"):
        add(name, top, LIKED, best, high)
    add("三", top, LIKED, best, (25, 25, 20, 20))
    add("四", high, MIXED, fine, (25, 25, 25, 24))
    add("五", high, SMALL, best, middle)
    add("六", top, COOL, best, top)
    add("七", middle, MIXED, bad, low)
    add("八", top, LIKED, best, top, vetoes=("fraud",))
    for name, superior in (("九", high), ("十", high), ("十一", (24, 24, 24, 23)), ("十二", top)):
        add(name, top, LIKED, best, superior, group="乙总支", vetoes=("discipline",) if name == "十二" else ())
    # 甲: eight branches, a quarter is two; 乙: four, one place; three tie for it at 97 and in 考评, so a person decides
    assert shape.grades() == {
        "一": (D("97.0"), "优秀"),  # 10 + 30 + 9.5 + 47.5
        "二": (D("97.0"), "优秀"),
        "三": (D("94.5"), "良好"),  # 10 + 30 + 9.5 + 45 reaches 优秀, but two have the places
        "四": (D("92.5"), "良好"),  # 9.5 + 25.5 + 8 + 49.5 likewise
        "五": (D("86.5"), "良好"),  # 9.5 + 27.5 + 9.5 + 40
        "六": (D("94.7"), "良好"),  # 10 + 25.2 + 9.5 + 50, but 70 % satisfied
        "七": (D("65.0"), "一般"),  # 8 + 25.5 + 4 + 27.5; 考评 55 is below 60, at most 一般 anyway
        "八": (D("99.5"), "较差"),  # 一票否决
        "九": (D("97.0"), "优秀"),
        "十": (D("97.0"), "优秀"),
        "十一": (D("97.0"), "优秀"),
        "十二": (D("99.5"), "一般"),
    }
    outcome = s.grade_round(shape.rules, shape.units)
    assert [d.unit for d in outcome.derivations if d.needs_person] == ["九", "十", "十一"]
    assert [d.unit for d in outcome.derivations if d.bars_promotion] == ["六"]
    assert shape.warnings()[:2] == [
        "“优秀”4 个，超过 8 个支部的 25%（2 个）。",
        "“优秀”3 个，超过 4 个支部的 25%（1 个）。",
    ]


@pytest.mark.unit
def test_the_rules_of_every_shipped_notice_are_possible():
    assert len(shipped()) >= 8
    for folder in shipped().values():
        assert presets.check(presets.read_path(folder)) is not None


@pytest.mark.once
def test_every_shipped_notice_opens_a_campaign_with_its_round():
    root = school().root
    for name, folder in shipped().items():
        service.load_preset(by=None, path=folder)
        preset = service.Preset.objects.newest().get(code=name)
        opened = service.open_campaign(by=None, preset=preset, root=root)
        first = opened.rounds.get(ordinal=1)
        assert first.state == Round.State.PREPARING
        assert sum((source.weight for source in first.sources.all()), D(0)) == 100
        assert first.rubrics.count() == 5
        assert RoundStep.objects.filter(round=first, code="decide").exists()
        opened.name = f"{opened.name}（{name}）"  # several of one year
        opened.save(update_fields=["name"])
