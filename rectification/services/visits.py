"""督导: visits of the office are recorded, and what they found waits to become an item or to be settled."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Max

from branches import audit
from branches.models import Account, Branch, Campaign
from branches.permissions import Action, Allowed, Denied, can
from branches.versions import save_versioned
from grading.services.errors import RefusedError
from rectification.models import Item, Visit, VisitFinding

FIELDS = ("held_on", "place", "visitors", "received_by", "looked_at", "summary")


@dataclass(frozen=True, slots=True)
class Found:
    """Something found about a branch, as it is typed."""

    branch: Branch
    text: str
    advice: str = ""


def may_record(account: Account, unit: Branch) -> Allowed | Denied:
    """Say whether an account may record a visit to a unit: the office, and 党总支 for what hangs below."""
    return can(account, Action.SUPERVISE, unit)


def _ask(by: Account, unit: Branch) -> None:
    answer = may_record(by, unit)
    if not answer:
        raise RefusedError([answer.reason])


def _checked(values: dict[str, Any], now: dt.datetime) -> dict[str, Any]:
    kept = {name: values[name] for name in FIELDS if name in values}
    fields = {}
    if kept["held_on"] > now.date():
        fields["held_on"] = "督导日期不能晚于今天。"
    for name, said in (("visitors", "请写明督导人员。"), ("place", "请写明地点。")):
        kept[name] = kept[name].strip()
        if not kept[name]:
            fields[name] = said
    if not kept.get("looked_at") and not kept.get("summary", "").strip():
        fields["looked_at"] = "请勾选查看了什么，或写明总体情况。"
    if fields:
        raise RefusedError(fields.values(), fields)
    return kept


@transaction.atomic
def record(
    *, by: Account, campaign: Campaign, unit: Branch, values: dict[str, Any], found: Sequence[Found], now: dt.datetime
) -> Visit:
    """Record a visit with what it found. Raises RefusedError with what is missing."""
    _ask(by, unit)
    kept = _checked(values, now)
    visit = Visit.objects.create(campaign=campaign, unit=unit, recorded_by=by, recorded_at=now, **kept)
    for one in found:
        _add(by, visit, one)
    audit.record(
        by=by, action="visit.recorded", thing=visit, branch=unit, summary="登记督导记录",
        after={"held_on": visit.held_on, "visitors": visit.visitors, "findings": len(found)},
    )  # fmt: skip
    return visit


@transaction.atomic
def change(*, by: Account, visit: Visit, version: int, values: dict[str, Any], now: dt.datetime) -> Visit:
    """Correct a record. Raises RefusedError, and ConflictError when somebody saved first."""
    _ask(by, visit.unit)
    kept = _checked(values, now)
    before = {name: getattr(visit, name) for name in FIELDS}
    saved = save_versioned(visit, version=version, values=kept)
    audit.record(
        by=by, action="visit.changed", thing=saved, branch=visit.unit, summary="修改督导记录", before=before, after=kept
    )
    return saved


def _add(by: Account, visit: Visit, found: Found) -> VisitFinding:
    if not found.text.strip():
        raise RefusedError(["请写明发现的问题。"], {"text": "请写明发现的问题。"})
    _ask(by, found.branch)
    last = visit.findings.aggregate(last=Max("ordinal"))["last"] or 0
    return VisitFinding.objects.create(
        visit=visit, branch=found.branch, ordinal=last + 1, text=found.text.strip(), advice=found.advice.strip()
    )


@transaction.atomic
def add_finding(*, by: Account, visit: Visit, found: Found) -> VisitFinding:
    """Add something the visit found."""
    row = Visit.objects.select_for_update().get(pk=visit.pk)
    made = _add(by, row, found)
    audit.record(by=by, action="visit.finding", thing=made, branch=made.branch, summary="登记督导发现的问题")
    return made


def taken(findings: Sequence[VisitFinding]) -> dict[int, Item]:
    """Return the items that came of findings, by the key of the finding, in one query."""
    keys = {one.source_key: one.pk for one in findings}
    rows = Item.objects.filter(source_key__in=keys).select_related("plan").order_by("pk")
    return {keys[item.source_key]: item for item in rows}


@transaction.atomic
def settle(*, by: Account, finding: VisitFinding, note: str) -> VisitFinding:
    """Say why a finding needs no item (put right at once, for one). Raises RefusedError without a word."""
    _ask(by, finding.branch)
    row = VisitFinding.objects.select_for_update(of=("self",)).select_related("branch").get(pk=finding.pk)
    if not note.strip():
        raise RefusedError(["请写明处理情况，例如“当场已改正”。"])
    if row.state != VisitFinding.State.OPEN or taken([row]):
        raise RefusedError(["这个问题已列入整改或已说明，不需要再处理。"])
    row.state, row.note = VisitFinding.State.SETTLED, note.strip()[:300]
    row.save(update_fields=["state", "note"])
    audit.record(
        by=by,
        action="visit.settled",
        thing=row,
        branch=row.branch,
        summary="说明督导发现的问题",
        after={"note": row.note},
    )
    return row
