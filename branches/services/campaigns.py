"""Writes on a campaign that is already open: its dates and the people who lead it."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from django.db import transaction

from branches import audit
from branches.models import Account, Campaign, CampaignMember, Deliverable, Stage
from branches.versions import save_versioned


class DatesRefused(ValueError):
    """The dates do not fit together; the message names the stage."""


@dataclass(frozen=True, slots=True)
class Span:
    """First and last day."""

    first: dt.date
    last: dt.date


@dataclass(frozen=True, slots=True)
class Dates:
    """All dates of a campaign: its own, those of its stages, and the deadlines of its deliverables, by primary key."""

    campaign: Span
    stages: Mapping[int, Span]
    deliverables: Mapping[int, dt.date | None]


def faults(dates: Dates, names: Mapping[int, str]) -> list[str]:
    """Return what is wrong with dates, each sentence naming the stage by `names`."""
    found = []
    if dates.campaign.last < dates.campaign.first:
        found.append("活动的结束日期早于开始日期。")
    for pk, span in dates.stages.items():
        if span.last < span.first:
            found.append(f"“{names[pk]}”的结束日期早于开始日期。")
        elif span.first < dates.campaign.first or span.last > dates.campaign.last:
            found.append(f"“{names[pk]}”超出了活动的起止日期。")
    return found


@transaction.atomic
def reschedule(*, campaign: Campaign, version: int, dates: Dates, by: Account) -> Campaign:
    """Set the dates of a campaign and of everything in it.

    Args:
        campaign: the campaign to change.
        version: the version the form showed.
        dates: new dates; stages and deliverables not named keep theirs.
        by: who does it.

    Raises:
        DatesRefused: when dates do not fit together.
        ConflictError: when somebody saved first.
    """
    stages = {stage.pk: stage for stage in Stage.objects.filter(campaign=campaign)}
    known = {pk: span for pk, span in dates.stages.items() if pk in stages}
    wrong = faults(Dates(dates.campaign, known, {}), {pk: stage.name for pk, stage in stages.items()})
    if wrong:
        raise DatesRefused("".join(wrong))
    named = {stage.name: [stage.starts_on, stage.ends_on] for stage in stages.values()}
    before = {"starts_on": campaign.starts_on, "ends_on": campaign.ends_on, "stages": named}
    values = {"starts_on": dates.campaign.first, "ends_on": dates.campaign.last}
    fresh = save_versioned(campaign, version=version, values=values)
    for pk, span in known.items():
        Stage.objects.filter(pk=pk).update(starts_on=span.first, ends_on=span.last)
    for pk, due in dates.deliverables.items():
        Deliverable.objects.filter(pk=pk, stage__campaign=campaign).update(due_on=due)
    after = {**values, "stages": {stages[pk].name: [span.first, span.last] for pk, span in known.items()}}
    audit.record(
        by=by, action="campaign.dates", thing=fresh, branch=fresh.root, before=before, after=after,
        summary=f"调整“{fresh.name}”的日期",
    )  # fmt: skip
    return fresh


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the leading group or its office."""

    group: str
    name: str
    duty: str


@transaction.atomic
def set_members(*, campaign: Campaign, version: int, members: list[Member], by: Account) -> Campaign:
    """Replace the leading group and its office by `members`, in the order given.

    Raises ConflictError when somebody saved the campaign first.
    """
    fresh = save_versioned(campaign, version=version, values={})
    old = [[one.group, one.name, one.duty] for one in CampaignMember.objects.filter(campaign=campaign)]
    CampaignMember.objects.filter(campaign=campaign).delete()
    counts: dict[str, int] = {}
    rows = []
    for member in members:
        counts[member.group] = counts.get(member.group, 0) + 1
        rows.append(
            CampaignMember(
                campaign=campaign, group=member.group, ordinal=counts[member.group], name=member.name, duty=member.duty
            )
        )
    CampaignMember.objects.bulk_create(rows)
    audit.record(
        by=by, action="campaign.members", thing=fresh, branch=fresh.root, before={"members": old},
        after={"members": [[one.group, one.name, one.duty] for one in members]},
        summary=f"调整“{fresh.name}”的领导小组及办公室成员",
    )  # fmt: skip
    return fresh
