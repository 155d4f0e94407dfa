"""Values of system-filled criteria and gates that grading itself knows."""

import datetime as dt
from collections.abc import Mapping, Sequence
from fractions import Fraction

from django.db.models import Sum

from branches.registries import figure
from grading import rules, scoring
from grading.models import Round, RoundUnit, Source, Training
from grading.models.sources import AppraisalCount

TRAINING = "training"


@figure(
    scoring.SATISFACTION,
    name="满意率",
    definition="群众评议中选“满意”“基本满意”等满意选项的票 ÷ 有效票，按准确比值比较，不先四舍五入。",
)
def satisfaction(round_: Round, units: Sequence[RoundUnit]) -> Mapping[int, Fraction | None]:
    """Return the exact 满意率 per unit; below the smallest number of ballots, or without a count, None."""
    sources = {source.pk: source for source in round_.sources.all() if source.kind == Source.Kind.APPRAISAL}
    names = {group.pk: group.code for source in sources.values() for group in source.groups.all()}
    rows = AppraisalCount.objects.filter(unit__in=units, source__in=sources).order_by(
        "source__ordinal", "group__ordinal"
    )
    found: dict[int, Fraction | None] = {}
    for (unit, source), counted in rules.counts_by_unit(rows).items():
        given = rules.counts_input(counted, names)
        if given is not None and found.get(unit) is None:
            rule = rules.source_rule(sources[source])
            found[unit] = scoring.score_counts(rule, given.counts, given.groups).satisfaction
    return found


def training_period(round_: Round) -> tuple[dt.date, dt.date]:
    """Return the year whose 学习培训 count: it ends with the round, or with its campaign."""
    last = round_.ends_on or round_.campaign.ends_on
    try:
        before = last.replace(year=last.year - 1)
    except ValueError:  # 29 February
        before = last.replace(year=last.year - 1, day=28)
    return before + dt.timedelta(days=1), last


@figure(
    TRAINING,
    name="培训率",
    definition="到本轮结束日为止一年内，各次学习培训的实到人次 ÷ 应到人次，数字取自支部的学习培训登记。",
)
def training(round_: Round, units: Sequence[RoundUnit]) -> Mapping[int, Fraction | None]:
    """Return the exact 培训率 per unit; without any record, None."""
    first, last = training_period(round_)
    branches = {unit.branch_id: unit.pk for unit in units}
    rows = Training.objects.filter(branch__in=branches, held_on__gte=first, held_on__lte=last)
    sums = rows.order_by().values_list("branch_id").annotate(Sum("present"), Sum("due"))
    return {branches[branch]: Fraction(present, due) for branch, present, due in sums if due}
