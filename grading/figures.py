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
    found: dict[int, Fraction | None] = {}
    for row in AppraisalCount.objects.filter(unit__in=units, source__in=sources):
        counts = rules.counts_of(row)
        if counts is not None:
            found[row.unit_id] = scoring.score_counts(rules.source_rule(sources[row.source_id]), counts).satisfaction
    return found
