"""Rules and sheets the scoring tests share: the 2012 shape, written by hand."""

from decimal import Decimal as D  # noqa: N817
from fractions import Fraction

from grading import scoring as s

GRADES = (
    s.GradeRule("advanced", "先进", 1),
    s.GradeRule("good", "较好", 2),
    s.GradeRule("fair", "一般", 3),
    s.GradeRule("weak", "后进", 4),
)
OPTIONS = (
    s.OptionRule("satisfied", "满意", D(100), satisfied=True),
    s.OptionRule("fairly", "基本满意", D(80), satisfied=True),
    s.OptionRule("unsatisfied", "不满意", D(40)),
    s.OptionRule("unknown", "不了解", D(0)),
)
SELF = s.SourceRule("self", "支部自评", s.SourceKind.SHEET, D(20))
APPRAISAL = s.SourceRule("appraisal", "群众评议", s.SourceKind.APPRAISAL, D(20), options=OPTIONS, minimum_ballots=5)
ANNUAL = s.SourceRule(
    "annual", "年度考核", s.SourceKind.ANNUAL, D(20), annual_points=(("优秀", D(95)), ("良好", D(85)), ("合格", D(70)))
)
SUPERIOR = s.SourceRule("superior", "党总支考评", s.SourceKind.SHEET, D(40))
CUT_OFFS = (s.CutOffRule("advanced", D(90)), s.CutOffRule("good", D(75)), s.CutOffRule("fair", D(60)))
GATES = (
    s.GateRule("satisfaction", "满意率", D(90), best="good"),
    s.GateRule("satisfaction", "满意率", D(80), best="fair", bars_promotion=True),
)
VETOES = (
    s.VetoRule("fraud", "材料造假", s.VetoEffect.FORCE, "weak"),
    s.VetoRule("late_election", "逾期不换届且无批准", s.VetoEffect.AT_MOST, "fair"),
)
RULES = s.RoundRules(
    version="办法 第1版",
    grades=GRADES,
    sources=(SELF, APPRAISAL, ANNUAL, SUPERIOR),
    cut_offs=CUT_OFFS,
    gates=GATES,
    vetoes=VETOES,
    divergence=s.DivergenceRule("self", "superior", points=D(10), section_points=D(3), grades=2),
)


def rubric(**changes):
    """A rubric of two sections: A 40 = A1 15 + A2 25, B 60 = B1 60."""
    sections = (
        s.SectionRule(
            "A", "领导班子好", D(40), (s.CriterionRule("A1", "甲", D(15)), s.CriterionRule("A2", "乙", D(25)))
        ),
        s.SectionRule("B", "党员队伍好", D(60), (s.CriterionRule("B1", "丙", D(60)),)),
    )
    return s.RubricRule("teacher", 1, sections, **changes)


def entries(**points):
    """Entries by item code; "na" means 不适用."""
    return {
        code: s.Entry(None, not_applicable=True) if value == "na" else s.Entry(None if value is None else D(str(value)))
        for code, value in points.items()
    }


def sheet(**points):
    return s.SheetInput(entries(**points))


def counts(satisfied, fairly=0, unsatisfied=0, unknown=0, issued=None, returned=None):
    valid = satisfied + fairly + unsatisfied + unknown
    returned = valid if returned is None else returned
    given = (("satisfied", satisfied), ("fairly", fairly), ("unsatisfied", unsatisfied), ("unknown", unknown))
    return s.Counts(returned if issued is None else issued, returned, valid, given)


def unit(name="甲支部", group="1", *, own=95, ballots=None, annual=("优秀", None), superior=95, **more):
    """A branch whose sheets put `own` and `superior` points on one hundred-point item each."""
    given = {
        "self": s.SheetInput({}, {"A": D(40), "B": D(str(own)) - 40}) if own is not None else None,
        "appraisal": s.CountsInput(ballots if ballots is not None else counts(20)),
        "annual": s.AnnualInput(annual[0], None if annual[1] is None else D(annual[1])) if annual else None,
        "superior": s.SheetInput({}, {"A": D(40), "B": D(str(superior)) - 40}) if superior is not None else None,
    }
    given |= more.pop("sources", {})
    return s.UnitInput(name, group, rubric(), given, more.pop("figures", {}), more.pop("vetoes", ()))


def one(value, group="1", name=None):
    """A branch of the one-source rules below with exactly this composite."""
    given = {"annual": s.AnnualInput("", D(str(value)))}
    return s.UnitInput(name or f"{group}-{value}", group, rubric(), given, {})


def one_source(**changes):
    """Rules with a single source of 100 %, so that a composite can be dictated."""
    only = s.SourceRule("annual", "年度考核", s.SourceKind.ANNUAL, D(100), annual_points=(("优秀", D(95)),))
    return s.RoundRules("试", GRADES, (only,), CUT_OFFS, **changes)


THIRD = Fraction(1, 3)
