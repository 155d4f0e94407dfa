"""Figures of grading: the arithmetic of whole rounds with full derivation, and of trying changed rules out."""

import time
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from random import Random

from django.test import Client
from django.urls import reverse

from bench.cases import account, demo, first_round
from bench.figures import Figure, Result, in_turns
from branches.models import Role
from grading import scoring, what_if

ITEMS_PER_SECTION, SECTIONS, PER_GROUP = 5, "ABCDE", 12
CHANGES = what_if.Changes({"self": Decimal(10), "superior": Decimal(50)}, {"first": Decimal(88)})


def _rubric() -> scoring.RubricRule:
    """Return a rubric of 25 items worth 4 points each."""
    sections = tuple(
        scoring.SectionRule(
            code,
            code,
            Decimal(20),
            tuple(
                scoring.CriterionRule(f"{code}{n}", f"{code}{n}", Decimal(4)) for n in range(1, ITEMS_PER_SECTION + 1)
            ),
        )
        for code in SECTIONS
    )
    return scoring.RubricRule("bench", 1, sections)


def _rules() -> scoring.RoundRules:
    """Return rules of the usual shape: four sources, four grades, gates, a ceiling in each group and over all."""
    labels = (("first", "先进"), ("second", "较好"), ("third", "一般"), ("last", "后进"))
    sheet, grades = scoring.SourceKind.SHEET, tuple(
        scoring.GradeRule(code, label, rank) for rank, (code, label) in enumerate(labels, start=1)
    )  # fmt: skip
    options = (
        scoring.OptionRule("yes", "满意", Decimal(100), satisfied=True),
        scoring.OptionRule("fairly", "基本满意", Decimal(80), satisfied=True),
        scoring.OptionRule("no", "不满意", Decimal(40)),
    )
    return scoring.RoundRules(
        version="bench",
        grades=grades,
        sources=(
            scoring.SourceRule("self", "支部自评", sheet, Decimal(20)),
            scoring.SourceRule("ballots", "群众评议", scoring.SourceKind.APPRAISAL, Decimal(20), options, 5),
            scoring.SourceRule(
                "annual", "年度考核", scoring.SourceKind.ANNUAL, Decimal(20), annual_points=(("优秀", Decimal(95)),)
            ),
            scoring.SourceRule("superior", "党总支考评", sheet, Decimal(40)),
        ),
        cut_offs=tuple(
            scoring.CutOffRule(code, Decimal(line)) for code, line in (("first", 90), ("second", 75), ("third", 60))
        ),
        gates=(scoring.GateRule("satisfaction", "满意率", Decimal(80), "second"),),
        caps=(
            scoring.CapRule("first", Decimal(30), mode=scoring.CapMode.ENFORCED, tie_breaks=("superior",)),
            scoring.CapRule("first", Decimal(30), scope=scoring.CapScope.ROUND),
        ),
        divergence=scoring.DivergenceRule("self", "superior", Decimal(10), Decimal(3), 2),
    )


@cache
def _units(number: int) -> tuple[scoring.UnitInput, ...]:
    """Return branches with two full sheets, ballots and a yearly result, the same ones each time."""
    rng, rubric = Random(number), _rubric()
    taken = (Decimal(0), Decimal("0.5"), Decimal(1))

    def sheet() -> scoring.SheetInput:
        return scoring.SheetInput(
            {item.code: scoring.Entry(item.points - rng.choice(taken)) for item in rubric.criteria}
        )

    def ballots() -> scoring.CountsInput:
        yes, fairly, no = rng.randint(10, 30), rng.randint(0, 10), rng.randint(0, 5)
        total = yes + fairly + no
        given = (("yes", yes), ("fairly", fairly), ("no", no))
        return scoring.CountsInput(scoring.Counts(total, total, total, given))

    annual = scoring.AnnualInput("优秀", None)
    return tuple(
        scoring.UnitInput(
            f"B{place:05d}", str(place // PER_GROUP), rubric,
            {"self": sheet(), "ballots": ballots(), "annual": annual, "superior": sheet()}, {},
        )
        for place in range(number)
    )  # fmt: skip


def graded(number: int) -> Callable[[], Result]:
    """Grade a whole round, every derivation kept."""

    def measure() -> Result:
        rules, units = _rules(), _units(number)
        seconds = in_turns({"work": lambda: scoring.grade_round(rules, units)}, runs=3)["work"]
        return Result(seconds, "s", f"{number:,} branches × 25 items × 2 sheets, with ballots and a yearly result")

    return measure


def tried_out() -> Result:
    """Change two weights and a line of a round that was read before."""
    kept = what_if.situation(_rules(), _units(500))
    seconds = in_turns({"work": lambda: what_if.try_out(kept, CHANGES)}, runs=7)["work"]
    return Result(seconds, "s", f"{len(what_if.try_out(kept, CHANGES).moved)} of 500 grades change")


def answered() -> Result:
    """Answer a changed line through the whole stack but the network, on the small demo."""
    demo()
    client, round_ = Client(), first_round()
    client.force_login(account(Role.OFFICE), backend="branches.auth.AccountBackend")
    client.get(reverse("what-if", args=[round_.pk]))
    data = {f"weight-{source.code}": source.weight for source in round_.sources.all()}
    data |= {f"line-{cut.grade.code}": cut.minimum - 1 for cut in round_.cut_offs.select_related("grade")}
    data |= {f"cap-{place}": cap.value for place, cap in enumerate(round_.caps.all())}
    url, times = reverse("what-if-result", args=[round_.pk]), []
    for _ in range(7):
        begun = time.process_time()
        response = client.post(url, data, headers={"HX-Request": "true"})
        times.append(time.process_time() - begun)
        if response.status_code != 200:
            raise RuntimeError(f"{url} answered {response.status_code}")
    return Result(
        sorted(times)[len(times) // 2], "s", f"{round_.units.count()} branches, {len(response.content)} bytes"
    )


FIGURES = (
    Figure("grading 500 branches × 25 items with derivations, s", "≤ 0.2", "", graded(500)),
    Figure("grading 10,000 branches × 25 items with derivations, s", "≤ 3", "", graded(10_000)),
    Figure("what-if: other weights and lines for 500 branches, s", "≤ 0.15", "", tried_out),
    Figure("what-if: the answer of the page on the small demo, s", "≤ 0.15", "", answered),
)
