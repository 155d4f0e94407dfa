"""The words of talks and of what units report: channels, topics, categories, sections. What is in use only retires."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from branches import audit
from branches.models import Account, Campaign
from branches.versions import save_versioned
from interviews.models import (
    Channel,
    FocusGroup,
    MatterCategory,
    PersonCategory,
    ReportSection,
    ReportText,
    RuleFrequency,
    Topic,
    VisitRule,
)
from interviews.services.errors import refuse

Word = Channel | Topic | FocusGroup | MatterCategory | PersonCategory | ReportSection


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of words: where its rows are, what they are called, what stands in what field."""

    key: str
    title: str
    model: Any
    order: str = "position"
    marks: tuple[str, ...] = ("sensitive",)
    sealed: bool = False  # a sensitive one is noted in sealed texts only, so one in use cannot become sensitive


KINDS: dict[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind("channels", "访谈方式", Channel, marks=("face_to_face",)),
        Kind("topics", "访谈话题", Topic, sealed=True),
        Kind("focus", "重点类别", FocusGroup, marks=("kind", "sensitive", "words"), sealed=True),
        Kind("matters", "问题类别", MatterCategory, order="ordinal"),
        Kind("people", "人员类别", PersonCategory, marks=("kind", "words")),
        Kind("sections", "报告表栏目", ReportSection, marks=("hint", "required")),
    )
}
SEALED_STAYS = "标为敏感的不能取消：密存的正文里可能已经用了。不再使用时请停用，另设一项。"
OPEN_STAYS = "已经用过的不能再标为敏感：用过的地方看得见。请停用这一项，另设一项敏感的。"
HIDDEN_STAYS = "标为敏感的不能取消：可能已有问题按敏感类别交办。不再使用时请停用，另设一项。"


def rows_of(kind: Kind, campaign: Campaign) -> list[Any]:
    """Return the words of a campaign in their order."""
    return list(kind.model.objects.filter(campaign=campaign).order_by(kind.order, "pk"))


def in_use(kind: Kind, row: Any) -> bool:
    """Tell whether something refers to a word, or may do so out of sight: of a sensitive one nobody is told."""
    if getattr(row, "sensitive", False):
        return True
    return any(rows.exists() for rows in _uses(kind, row))


def _uses(kind: Kind, row: Any) -> list[QuerySet[Any]]:
    """Return what may refer to a word."""
    if kind.model is MatterCategory:
        return [row.matters]
    if kind.model is ReportSection:
        return [ReportText.objects.filter(section=row)]
    if kind.model is PersonCategory:
        return [row.entries, VisitRule.objects.filter(Q(visitors=row) | Q(visited=row))]
    if kind.model is FocusGroup:
        return [row.memberships, RuleFrequency.objects.filter(group=row), row.interviews]
    return [row.interviews]


@transaction.atomic
def save_word(
    *, by: Account, campaign: Campaign, kind: Kind, row: Any | None, version: int, values: Mapping[str, Any]
) -> Any:
    """Add a word at the end, or change one. Raises RefusedError, ConflictError."""
    Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    _check(campaign, kind, row, values)
    if row is None:
        rows = rows_of(kind, campaign)
        last = max((getattr(one, kind.order) for one in rows), default=0)
        fresh = kind.model.objects.create(
            campaign=campaign, code=_code({one.code for one in rows}), **{kind.order: last + 1}, **values
        )
        before: dict[str, Any] = {}
    else:
        before = {name: getattr(row, name) for name in values}
        fresh = save_versioned(row, version=version, values=dict(values))
    audit.record(
        by=by, action="interviews.word", thing=fresh, branch=campaign.root, summary=f"保存{kind.title}：{fresh.name}",
        before=before, after=dict(values),
    )  # fmt: skip
    return fresh


def _code(taken: set[str]) -> str:
    number = 1
    while f"own-{number}" in taken:
        number += 1
    return f"own-{number}"


def _check(campaign: Campaign, kind: Kind, row: Any | None, values: Mapping[str, Any]) -> None:
    faults = {}
    same = kind.model.objects.filter(campaign=campaign, name=values["name"])
    if kind.model is FocusGroup:
        same = same.filter(kind=values.get("kind", getattr(row, "kind", "")))
    if same.exclude(pk=getattr(row, "pk", None)).exists():
        faults["name"] = f"已有同名的{kind.title}。"
    if row is not None and "sensitive" in values and (said := _marked(kind, row, values["sensitive"])):
        faults["sensitive"] = said
    if row is not None and row.active and not values["active"] and (said := _needed(campaign, kind, row)):
        faults["active"] = said
    if faults:
        refuse(**faults)


def _marked(kind: Kind, row: Any, wanted: bool) -> str:
    """Say why the sensitive mark may not change."""
    if row.sensitive == wanted:
        return ""
    if not wanted:
        return SEALED_STAYS if kind.sealed else HIDDEN_STAYS
    return OPEN_STAYS if kind.sealed and in_use(kind, row) else ""


def _needed(campaign: Campaign, kind: Kind, row: Any) -> str:
    """Say why a word cannot be retired."""
    if not kind.model.objects.filter(campaign=campaign, active=True).exclude(pk=row.pk).exists():
        return f"{kind.title}至少要留一项在用。"
    rules = VisitRule.objects.filter(campaign=campaign, active=True)
    if kind.model is FocusGroup and (names := rules.filter(frequencies__group=row).values_list("name", flat=True)):
        return f"规则“{'”“'.join(names)}”还按它规定次数，请先改规则。"
    if kind.model is PersonCategory and (
        names := rules.filter(Q(visitors=row) | Q(visited=row)).values_list("name", flat=True)
    ):
        return f"规则“{'”“'.join(names)}”还用着它，请先改规则。"
    return ""


@transaction.atomic
def move_word(*, by: Account, campaign: Campaign, kind: Kind, row: Any, up: bool) -> None:
    """Change places with the word before or after; the first and the last stay where they are."""
    Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    rows = rows_of(kind, campaign)
    at = [one.pk for one in rows].index(row.pk)
    other = at - 1 if up else at + 1
    if not 0 <= other < len(rows):
        return
    rows[at], rows[other] = rows[other], rows[at]
    for place, one in enumerate(rows, start=1):
        setattr(one, kind.order, place)
    kind.model.objects.bulk_update(rows, [kind.order])
    audit.record(
        by=by, action="interviews.word.move", thing=row, branch=campaign.root,
        summary=f"调整{kind.title}的次序：{row.name}", after={"place": other + 1},
    )  # fmt: skip


@transaction.atomic
def remove_word(*, by: Account, campaign: Campaign, kind: Kind, row: Any) -> None:
    """Delete a word nothing refers to. Raises RefusedError: one in use can only be retired."""
    Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    if in_use(kind, row):
        refuse(f"“{row.name}”已经用过或可能用过，不能删除；不再使用时请停用。")
    if said := _needed(campaign, kind, row):
        refuse(said)
    audit.record(
        by=by, action="interviews.word.remove", thing=row, branch=campaign.root,
        summary=f"删除{kind.title}：{row.name}", before={"name": row.name},
    )  # fmt: skip
    row.delete()
