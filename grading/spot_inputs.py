"""What spot checks put into the arithmetic: sheets that replace the 党总支's, and branches that were not drawn."""

from collections.abc import Mapping, Sequence

from grading import scoring
from grading.models import Exemption, Round, RoundUnit, Source, SpotCheck, SpotCheckDraw, SpotCheckRule

NOT_DRAWN = "没有抽到"
Given = dict[int, dict[str, scoring.SourceInput]]


def rule_of(round_: Round) -> SpotCheckRule:
    """Return the rule of a round about spot checks; without a row the defaults hold."""
    return SpotCheckRule.objects.filter(round=round_).first() or SpotCheckRule(round=round_)


def take_spot_checks(round_: Round, units: Sequence[RoundUnit], sources: Mapping[int, Source], given: Given) -> None:
    """Put spot checks into what units handed in; a round without the source, or before its first draw, stays as it is.

    An exemption that a person granted for the spot check stands before all of it.
    """
    source = next((source for source in sources.values() if source.code == Source.SPOT_CHECK), None)
    if source is None or not SpotCheckDraw.objects.filter(source=source, voided_at__isnull=True).exists():
        return
    rule = rule_of(round_)
    drawn = set(SpotCheck.objects.active().filter(source=source, unit__in=units).values_list("unit_id", flat=True))
    spared = set(Exemption.objects.filter(source=source, unit__in=units).values_list("unit_id", flat=True))
    superior = next((one for one in sources.values() if one.code == Source.SUPERIOR), None)
    for pk in (unit.pk for unit in units):
        if pk in spared:
            continue
        if pk not in drawn:
            absent: scoring.SourceInput = scoring.MissingInput(NOT_DRAWN)
            if rule.absent == SpotCheckRule.Absent.EXEMPT:
                absent = scoring.ExemptInput(NOT_DRAWN)
            given[pk][source.code] = absent
        elif rule.effect == SpotCheckRule.Effect.REPLACE and superior is not None:
            _replace(given[pk], source, superior)


def _replace(given: dict[str, scoring.SourceInput], source: Source, superior: Source) -> None:
    """Let a spot check that was handed in stand for the 党总支's score, and say so."""
    sheet = given.get(source.code)
    if isinstance(sheet, scoring.SheetInput):
        note = f"以{source.name}得分代替"
        given[superior.code] = scoring.SheetInput(sheet.entries, sheet.sections, note)
