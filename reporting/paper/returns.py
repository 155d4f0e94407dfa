"""Signed paper a round asks for: which units owe it, and how what came back stands against the data. Reads only.

Whether a scan still agrees with the data is computed, never stored: one gathering for all units of a form together, and
none while nothing came back.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from django.db.models import Exists, OuterRef

from branches.models import Branch
from branches.scopes import Scope
from grading.models import Result, Round, RoundReturn, RoundUnit
from reporting.models import Scan
from reporting.services import form_versions

Level = RoundReturn.Level


class Standing(StrEnum):
    """How the paper of a unit stands."""

    MISSING = "missing"
    RETURNED = "returned"
    STALE = "stale"
    UNKNOWN = "unknown"

    @property
    def words(self) -> str:
        """The state in words."""
        return _WORDS[self]

    @property
    def shape(self) -> str:
        """The kind of mark it is shown with."""
        return _SHAPES[self]


STALE_WORDS = "数据已变，与扫描件不一致"
_WORDS = {
    Standing.MISSING: "未交回",
    Standing.RETURNED: "已交回",
    Standing.STALE: STALE_WORDS,
    Standing.UNKNOWN: "已交回，系统升级后无法比对",
}
_SHORT = {
    Standing.RETURNED: "已交回",
    Standing.MISSING: "未交回",
    Standing.STALE: "数据已变",
    Standing.UNKNOWN: "无法比对",
}
_SHAPES = {Standing.MISSING: "todo", Standing.RETURNED: "ok", Standing.STALE: "warn", Standing.UNKNOWN: "info"}
_BY_CURRENT = {True: Standing.RETURNED, False: Standing.STALE, None: Standing.UNKNOWN}
_RANK = {Standing.STALE: 0, Standing.UNKNOWN: 1, Standing.RETURNED: 2}


@dataclass(frozen=True, slots=True)
class Returned:
    """What came back from one unit: the best of its scans, one that agrees with the data before one that does not."""

    standing: Standing
    scan: Scan | None = None


def standing_of(current: bool | None) -> Standing:
    """Return how a scan stands whose form agrees with the data, does not, or cannot be compared."""
    return _BY_CURRENT[current]


def units_asked(rule: RoundReturn, reach: Scope) -> list[Branch]:
    """Return the units within `reach` that owe the form of a rule; branches that get no grade owe nothing."""
    rows = RoundUnit.objects.filter(round=rule.round_id, graded=True)
    if rule.level == Level.COMMITTEE:
        wanted = Branch.objects.filter(pk=rule.round.campaign.root_id)
    elif rule.level == Level.GENERAL_BRANCH:
        wanted = Branch.objects.filter(pk__in=rows.filter(direct=False).values("parent"))
    else:
        wanted = Branch.objects.filter(pk__in=rows.values("branch"))
    return list(wanted.within(reach))


def signable(rule: RoundReturn) -> set[int]:
    """Return the units whose form can be signed: every branch it shows has a grade proposed or decided."""
    settled = Result.objects.filter(unit=OuterRef("pk"), state__in=(Result.State.PROPOSED, Result.State.DECIDED))
    units = RoundUnit.objects.filter(round=rule.round_id, graded=True).annotate(settled=Exists(settled.current()))
    found: dict[bool, set[int]] = {True: set(), False: set()}
    for branch, parent, direct, done in units.values_list("branch", "parent", "direct", "settled"):
        if rule.level == Level.COMMITTEE:
            found[done].add(rule.round.campaign.root_id)
        elif rule.level == Level.BRANCH:
            found[done].add(branch)
        elif not direct:  # a 直属党支部 stands in no form of a 党总支
            found[done].add(parent)
    return found[True] - found[False]


def returned(rule: RoundReturn, units: Iterable[Branch]) -> dict[int, Returned]:
    """Return what came back, by the primary key of every unit given."""
    wanted = [unit.pk for unit in units]
    scans = Scan.objects.present().filter(form__kind=rule.kind, form__round=rule.round_id, form__unit__in=wanted)
    rows = list(scans.select_related("form__unit", "form__round__campaign__root", "form__round__scale", "attached_by"))
    compared = form_versions.compared(scan.form for scan in rows)
    standing = {scan.pk: standing_of(compared[scan.form_id].current) for scan in rows}
    found: dict[int, Returned] = {}
    for scan in sorted(rows, key=lambda scan: (_RANK[standing[scan.pk]], scan.attached_at, scan.pk)):
        found[scan.form.unit_id] = Returned(standing[scan.pk], scan)
    return {pk: found.get(pk, Returned(Standing.MISSING)) for pk in wanted}


def counts(rows: Mapping[int, Returned]) -> Counter[Standing]:
    """Return how many units stand how."""
    return Counter(row.standing for row in rows.values())


def in_words(numbers: Counter[Standing]) -> str:
    """Return the counts as a phrase: 已交回 3，未交回 9，数据已变 1."""
    return "，".join(f"{words} {numbers[one]}" for one, words in _SHORT.items() if numbers[one])


def rounds_asking(reach: Scope) -> list[Round]:
    """Return the rounds within `reach` that have come so far that signed paper may come back, newest first."""
    early = (Round.State.PREPARING, Round.State.SELF)
    rows = Round.objects.within(reach).exclude(state__in=early).filter(returns__isnull=False, campaign__backfill=False)
    return list(rows.distinct().select_related("campaign__root", "scale").order_by("-campaign__year", "-ordinal"))
