"""With whom a branch was tied at a limit, and by which figure the order was found, in a sentence for each limit."""

from collections.abc import Mapping
from decimal import Decimal

from django.db.models import QuerySet

from grading import rules, scoring
from grading.models import Result, RoundUnit
from grading.services.results import derivation_of

NAMED = 3
UNNAMED = "另一个支部"


def tie_sentences(
    unit: RoundUnit,
    derivation: scoring.Derivation,
    others: Mapping[int, scoring.Derivation] | None,
    reach: QuerySet[RoundUnit] | None,
) -> dict[int, str]:
    """Return sentences by the number of the limit in the derivation.

    `others` are derivations of the round as inputs stand; None reads those stored with the same composite. Branches
    outside `reach` are neither named nor are their figures told.
    """
    binding = [number for number, cap in enumerate(derivation.caps) if cap.counted != cap.allowed]
    if not binding or derivation.composite.rounded is None:
        return {}
    values = rules.round_rules(unit.round).caps
    equal = _stored(unit, derivation.composite.rounded) if others is None else others
    equal = {pk: one for pk, one in equal.items() if pk != unit.pk}
    found: dict[int, tuple[scoring.Tied, ...]] = {}
    for number in binding:
        cap = derivation.caps[number]
        rule = scoring.rule_of(cap, values)
        if rule is not None and (tied := scoring.tied_with(rule, cap, derivation, _within(cap.group, equal, unit))):
            found[number] = tied
    names = _names({one.key for tied in found.values() for one in tied}, reach)
    return {number: _sentence(tied, names, derivation.composite.rounded) for number, tied in found.items()}


def _within(group: str, equal: Mapping[int, scoring.Derivation], unit: RoundUnit) -> Mapping[int, scoring.Derivation]:
    """Keep the branches a limit counts together."""
    if not group:
        return equal
    rows = RoundUnit.objects.filter(pk__in=equal, round=unit.round_id).select_related(None)
    same = {row.pk for row in rows if row.group == group}
    return {pk: one for pk, one in equal.items() if pk in same}


def _stored(unit: RoundUnit, composite: Decimal) -> dict[int, scoring.Derivation]:
    """Read derivations of the round with an equal composite."""
    rows = Result.objects.filter(unit__round=unit.round_id, unit__graded=True, composite=composite).current()
    return {row.unit_id: derivation_of(row) for row in rows if row.derivation}


def _names(keys: set[int], reach: QuerySet[RoundUnit] | None) -> dict[int, str]:
    return dict(reach.filter(pk__in=keys).values_list("pk", "name")) if keys and reach is not None else {}


def _sentence(tied: tuple[scoring.Tied, ...], names: Mapping[int, str], composite: Decimal) -> str:
    """Return 与甲支部同为 96.68 分，按考核 95.83 低于 97.50 排在其后."""
    parts = [
        f"与{names.get(one.key, UNNAMED)}同为 {composite} 分，{_order(one, named=one.key in names)}" for one in tied
    ]
    more = f"；同分的还有 {len(parts) - NAMED} 个支部" if len(parts) > NAMED else ""
    return "；".join(dict.fromkeys(parts[:NAMED])) + more


def _order(one: scoring.Tied, *, named: bool) -> str:
    """Return by which figure the order was found."""
    if not one.source:
        return "依次比较的得分也分不出先后"
    own, other = one.figures()
    word, place = ("高于", "前") if one.ahead else ("低于", "后")
    return f"按{one.source} {own} {word}{f' {other} ' if named else '对方'}排在其{place}"
