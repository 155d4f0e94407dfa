"""Classes of a campaign and who their tutor (班主任, 辅导员) is."""

from collections.abc import Sequence

from django.db import transaction

from branches import audit
from branches.models import Account, Campaign, Person
from branches.versions import save_versioned
from interviews.models import ClassGroup, RosterEntry
from interviews.services.errors import refuse


def _check_tutor(campaign_id: int, tutor: RosterEntry | None) -> None:
    if tutor is None:
        return
    if tutor.campaign_id != campaign_id or tutor.kind != Person.Kind.STAFF or not tutor.active:
        refuse(tutor="请在名册的教职工里选择。")


def _name(tutor: RosterEntry | None) -> str:
    return tutor.person.name if tutor else ""


@transaction.atomic
def save_class(*, by: Account, group: ClassGroup, version: int, name: str, tutor: RosterEntry | None) -> ClassGroup:
    """Change a class's name and tutor. Raises RefusedError, ConflictError."""
    _check_tutor(group.campaign_id, tutor)
    same = ClassGroup.objects.filter(campaign=group.campaign_id, unit=group.unit_id, name=name).exclude(pk=group.pk)
    if same.exists():
        refuse(name="本单位已有同名的班级。")
    before = {"name": group.name, "tutor": _name(group.tutor)}
    fresh = save_versioned(group, version=version, values={"name": name, "tutor": tutor})
    audit.record(
        by=by, action="interviews.class", thing=fresh, branch=fresh.unit, summary=f"更改班级：{fresh.name}",
        before=before, after={"name": name, "tutor": _name(tutor)},
    )  # fmt: skip
    return fresh


@transaction.atomic
def set_tutor(*, by: Account, campaign: Campaign, groups: Sequence[ClassGroup], tutor: RosterEntry | None) -> int:
    """Give several classes one tutor, or none; returns how many changed. Raises RefusedError."""
    _check_tutor(campaign.pk, tutor)
    Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    rows = ClassGroup.objects.filter(campaign=campaign, pk__in=[group.pk for group in groups])
    changed = [row for row in rows.select_related("tutor__person", "unit") if row.tutor_id != (tutor and tutor.pk)]
    for row in changed:
        before = {"tutor": _name(row.tutor)}
        row.tutor = tutor
        row.version += 1
        audit.record(
            by=by, action="interviews.class", thing=row, branch=row.unit, summary=f"更改班主任（辅导员）：{row.name}",
            before=before, after={"tutor": _name(tutor)},
        )  # fmt: skip
    ClassGroup.objects.bulk_update(changed, ["tutor", "version"])
    return len(changed)


@transaction.atomic
def remove_class(*, by: Account, group: ClassGroup) -> None:
    """Remove a class nobody is or was in. Raises RefusedError."""
    if group.entries.exists():
        refuse(f"“{group.name}”名册里还有人（包括停用的），不能删除。")
    audit.record(
        by=by, action="interviews.class.remove", thing=group, branch=group.unit, summary=f"删除班级：{group.name}",
        before={"name": group.name, "tutor": _name(group.tutor)},
    )  # fmt: skip
    group.delete()
