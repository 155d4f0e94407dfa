"""Which unit each document of a form is about, and the digests the data gives now. Reads, never writes."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, get_args, get_type_hints

from branches.models import Branch
from grading.models import Round, RoundUnit
from reporting.annexes import facts as f
from reporting.annexes.annex6 import Annex6
from reporting.annexes.notice import NoticeFacts
from reporting.annexes.plan import PlanFacts
from reporting.annexes.promotion import PromotionFacts
from reporting.database_time import snapshot
from reporting.making.kinds import BY_SLUG, Kind

Identified = list[tuple[Branch, str]]
SHOWN: dict[str, type] = {
    "annex5": f.Annex5,
    "annex4": f.Annex4,
    "scoring_sheet": f.Sheet,
    "promotion": PromotionFacts,
    "annex6": Annex6,
    "notice": NoticeFacts,
    "plan": PlanFacts,
}


@cache
def shape_of(slug: str) -> str:
    """Return a short name of what the facts of a kind consist of; it changes when an upgrade changes them."""
    told = json.dumps(_outline(SHOWN[slug]), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _outline(type_: type) -> dict[str, Any]:
    hints = get_type_hints(type_)
    return {field.name: [str(hints[field.name]), *_parts(hints[field.name])] for field in fields(type_)}


def _parts(hint: Any) -> list[Any]:
    """Return the outlines of the dataclasses a type is made of."""
    if is_dataclass(hint):
        return [_outline(hint)]  # type: ignore[arg-type]
    return [outline for argument in get_args(hint) for outline in _parts(argument)]


def identified(*, kind: Kind, round_: Round, unit: Branch, facts: Sequence[Any], bundled: bool) -> Identified:
    """Return the unit and the digest of each document of an order, in order.

    A document for one branch is about that branch, one of several 附件5 about its 党总支; that of the 直属党支部 is
    about the unit it was asked for.
    """
    digests = [f.digest([one]) for one in facts]
    if not bundled:
        return [(unit, digest) for digest in digests]
    if facts and isinstance(facts[0], Annex6 | NoticeFacts | PlanFacts):
        own = [one.branch_code if isinstance(one, NoticeFacts) else one.code for one in facts]
        nodes = Branch.objects.in_bulk(own, field_name="code")
        return [(nodes[code], digest) for code, digest in zip(own, digests, strict=True)]
    codes = [_branch_code(one) for one in facts]
    rows = RoundUnit.objects.filter(round=round_, code__in=codes).select_related("branch", "parent")
    by_code = {row.code: row for row in rows}
    return [(_about(by_code[code], kind, unit), digest) for code, digest in zip(codes, digests, strict=True)]


def _branch_code(facts: Any) -> str:
    """Return the code of the branch, or of the first one, in a document's facts."""
    if isinstance(facts, f.Annex5 | PromotionFacts):
        return facts.rows[0].code
    return facts.result.code if isinstance(facts, f.Annex4) else str(facts.code)


def _about(row: RoundUnit, kind: Kind, unit: Branch) -> Branch:
    if Branch.Level.BRANCH in kind.levels:
        return row.branch
    return unit if row.direct else row.parent


def present_digests(
    *, kind: Kind, round_: Round, units: Iterable[Branch], top: Branch | None = None
) -> dict[int, frozenset[str]]:
    """Return the digests the data gives now, by the primary key of the unit: one gathering for all units together.

    `top` is a node that all units lie below, the root unless it is named. Units with nothing to show are left out. A
    committee may have two digests: that of its own 附件5 and that of its 直属党支部.
    """
    wanted = {unit.pk: unit for unit in units}
    committees = {pk: unit for pk, unit in wanted.items() if unit.level == Branch.Level.COMMITTEE}
    tops = dict(committees)
    if rest := [unit for pk, unit in wanted.items() if pk not in committees]:
        above = top or (rest[0] if len(rest) == 1 else round_.campaign.root)
        tops[above.pk] = above
    found: dict[int, set[str]] = defaultdict(set)
    with snapshot():
        for one in tops.values():
            facts = kind.pieces(round_, one)
            for unit, digest in identified(kind=kind, round_=round_, unit=one, facts=facts, bundled=True):
                found[unit.pk].add(digest)
        for unit in committees.values():
            if not kind.bundled(unit, each=False):
                found[unit.pk] |= {f.digest([one]) for one in kind.gather(round_, unit) if getattr(one, "rows", True)}
    return {pk: frozenset(digests) for pk, digests in found.items() if pk in wanted}


def known_kind(slug: str) -> Kind | None:
    """Return the kind of a form version; None when this version of the product makes it no more."""
    return BY_SLUG.get(slug)
