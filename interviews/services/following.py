"""The roster when the tree changes: people of a unit that ended belong to the one that follows it."""

from django.db import transaction

from branches import audit
from branches.models import Account, Branch
from interviews.models import ClassGroup, RosterEntry


@transaction.atomic
def follow_unit(*, by: Account | None, branch: Branch, heir: Branch) -> int:
    """Move the active people and classes of a unit that ended to `heir`; return how many people moved.

    Of several followers it is the first, as with all open business; the next import puts people where they belong.
    """
    taken = set(ClassGroup.objects.filter(unit=heir).values_list("campaign_id", "name"))
    for group in ClassGroup.objects.filter(unit=branch):
        if (group.campaign_id, group.name) in taken:
            group.name = f"{group.name}（{branch.code}）"[:60]
        group.unit = heir
        group.save(update_fields=["unit", "name"])
    moved = RosterEntry.objects.filter(unit=branch, active=True).update(unit=heir)
    if moved:
        summary = f"访谈名册随组织调整转入 {moved} 人"
        audit.record(by=by, action="interviews.roster.follow", thing=heir, branch=heir, summary=summary)
    return moved
