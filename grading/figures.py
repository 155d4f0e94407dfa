"""Values of system-filled criteria and gates that grading itself knows."""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from branches.registries import figure
from grading import rules, scoring
from grading.models import Round, RoundUnit, Source
from grading.models.sources import AppraisalCount


@figure(scoring.SATISFACTION)
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
