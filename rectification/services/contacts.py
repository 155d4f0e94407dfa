"""定点联系人: a leader is assigned to a weak branch; a new one ends the time of the one before."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from branches import audit
from branches.models import Account, Branch, Campaign
from branches.permissions import Action, can
from grading.services.errors import RefusedError
from rectification.models import Contact

REPLACED = "调整为"


@dataclass(frozen=True, slots=True)
class Leader:
    """Who is to look after a branch; the account is for reminders and may be missing."""

    name: str
    duty: str = ""
    phone: str = ""
    task: str = ""
    account: Account | None = None


def _ask(by: Account, branch: Branch) -> None:
    answer = can(by, Action.SUPERVISE, branch)
    if not answer:
        raise RefusedError([answer.reason])


@transaction.atomic
def appoint(
    *, by: Account, campaign: Campaign, branch: Branch, leader: Leader, starts_on: dt.date, now: dt.datetime
) -> Contact:
    """Assign a leader to a branch from a day on; who was assigned before ends that day.

    Raises RefusedError without a name, for a day before the present one began, and when nothing would change.
    """
    _ask(by, branch)
    if not leader.name.strip():
        raise RefusedError(["请填写联系领导的姓名。"], {"name": "请填写联系领导的姓名。"})
    Branch.objects.select_for_update().get(pk=branch.pk)
    present = Contact.objects.present().filter(campaign=campaign, branch=branch).first()
    values = {
        "leader_name": leader.name.strip(), "leader_duty": leader.duty.strip(), "phone": leader.phone.strip(),
        "task": leader.task.strip(), "account": leader.account,
    }  # fmt: skip
    if present is not None:
        _replace(present, values, starts_on)
    made = Contact.objects.create(
        campaign=campaign, branch=branch, starts_on=starts_on, appointed_by=by, appointed_at=now, **values
    )
    audit.record(
        by=by, action="contact.appointed", thing=made, branch=branch, summary="指定定点联系人",
        after={"name": made.leader_name, "duty": made.leader_duty, "starts_on": starts_on},
    )  # fmt: skip
    return made


def _replace(present: Contact, values: Mapping[str, object], day: dt.date) -> None:
    if all(getattr(present, name) == value for name, value in values.items()):
        raise RefusedError(["联系人没有变化。"])
    if day < present.starts_on:
        said = "日期不能早于现任联系人开始联系的日期。"
        raise RefusedError([said], {"starts_on": said})
    present.ends_on, present.end_reason = day, f"{REPLACED}{values['leader_name']}"
    present.save(update_fields=["ends_on", "end_reason"])


@transaction.atomic
def end(*, by: Account, contact: Contact, reason: str, now: dt.datetime) -> Contact:
    """End an assignment with a reason: the branch has caught up, for one."""
    _ask(by, contact.branch)
    if not reason.strip():
        raise RefusedError(["请写明结束联系的原因。"])
    row = Contact.objects.select_for_update(of=("self",)).select_related("branch").get(pk=contact.pk)
    if row.ends_on is not None:
        raise RefusedError(["这次联系已经结束。"])
    row.ends_on, row.end_reason = max(now.date(), row.starts_on), reason.strip()[:200]
    row.save(update_fields=["ends_on", "end_reason"])
    audit.record(
        by=by,
        action="contact.ended",
        thing=row,
        branch=row.branch,
        summary="结束定点联系",
        after={"reason": row.end_reason},
    )
    return row
