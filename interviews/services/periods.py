"""The periods units report for: what they are called and until when."""

import datetime as dt

from django.db import transaction
from django.db.models import Max

from branches import audit
from branches.models import Account, Campaign
from interviews.models import ReportPeriod
from interviews.services.errors import refuse

CHANGED = "这一期刚被他人修改过，请核对后再保存。"


def seen(period: ReportPeriod) -> str:
    """Return what a form was filled with, to tell whether somebody saved meanwhile."""
    return f"{period.due_on}|{period.name}"


@transaction.atomic
def save_period(
    *, by: Account, campaign: Campaign, period: ReportPeriod | None, name: str, due_on: dt.date, before: str = ""
) -> ReportPeriod:
    """Add a period after the others, or change one that is as it was `before`. Raises RefusedError."""
    Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    rows = ReportPeriod.objects.filter(campaign=campaign)
    others = rows.exclude(pk=period.pk) if period else rows
    faults = {}
    if others.filter(name=name).exists():
        faults["name"] = "已有同名的报送期次。"
    if not campaign.starts_on <= due_on <= campaign.ends_on:
        faults["due_on"] = f"期限应在活动期间（{campaign.starts_on} 至 {campaign.ends_on}）。"
    if faults:
        refuse(**faults)
    if period is None:
        last = rows.aggregate(last=Max("ordinal"))["last"] or 0
        row, was = ReportPeriod(campaign=campaign, ordinal=last + 1), {}
    else:
        row = rows.get(pk=period.pk)
        if seen(row) != before:
            refuse(CHANGED)
        was = {"name": row.name, "due_on": str(row.due_on)}
    row.name, row.due_on = name, due_on
    row.save()
    audit.record(
        by=by, action="interviews.period", thing=row, branch=campaign.root, summary=f"保存报送期次：{name}",
        before=was, after={"name": name, "due_on": str(due_on)},
    )  # fmt: skip
    return row


@transaction.atomic
def remove_period(*, by: Account, campaign: Campaign, period: ReportPeriod) -> None:
    """Delete a period no unit has written a report for. Raises RefusedError."""
    Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    if period.reports.exists():
        refuse(f"“{period.name}”已有单位填写报告表，不能删除。")
    audit.record(
        by=by, action="interviews.period.remove", thing=period, branch=campaign.root,
        summary=f"删除报送期次：{period.name}", before={"name": period.name, "due_on": str(period.due_on)},
    )  # fmt: skip
    period.delete()
