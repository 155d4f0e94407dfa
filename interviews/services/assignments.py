"""Assigning people to interviewers: by rule, again and again, or by hand."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from django.db import transaction

from branches import audit
from branches.models import Account, Campaign, Person
from branches.scopes import Scope
from interviews.assigning import spread
from interviews.models import Assignment, RosterEntry, VisitRule
from interviews.run_plan import RunPlan, plan_run
from interviews.services.errors import refuse

BATCH = 500
LIMIT = 2000


@transaction.atomic
def run_rules(*, by: Account, campaign: Campaign, reach: Scope, now: dt.datetime) -> RunPlan:
    """Assign everybody `reach` covers by the campaign's rules; what is done or given by hand stays as it is."""
    Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    plan = plan_run(campaign, reach, now)
    for start in range(0, len(plan.gone), BATCH):
        Assignment.objects.filter(pk__in=plan.gone[start : start + BATCH]).delete()
    for row in plan.changed:
        row.version += 1
    fields = ["interviewer", "required", "due_on", "assigned_at", "version"]
    Assignment.objects.bulk_update(plan.changed, fields, batch_size=200)
    Assignment.objects.bulk_create(plan.fresh, batch_size=BATCH)
    audit.record(
        by=by, action="interviews.assign", thing=campaign, branch=campaign.root,
        summary=f"按规则分配访谈任务：{plan.summary}",
    )  # fmt: skip
    return plan


@transaction.atomic
def hand_over(
    *, by: Account, campaign: Campaign, picked: Sequence[Assignment], takers: Sequence[RosterEntry], now: dt.datetime
) -> int:
    """Share the picked assignments out evenly among some interviewers; a new run of the rules leaves them there.

    Raises RefusedError.
    """
    _check_takers(campaign, takers)
    _check_picked(len(picked))
    people = {row.entry.person_id: row for row in picked}
    if len(people) < len(picked):
        refuse("选中的任务里有同一个人的两项，请分开调整。")
    outcome = spread(sorted(people), [one.person_id for one in takers], _loads(campaign, takers, picked))
    if len(outcome) < len(people):
        refuse("访谈人不能访谈自己，请另选访谈人。")
    for person, taker in outcome.items():
        row = people[person]
        row.interviewer_id, row.origin = taker, Assignment.Origin.HAND
        row.assigned_at, row.version = now, row.version + 1
    fields = ["interviewer", "origin", "assigned_at", "version"]
    Assignment.objects.bulk_update(list(people.values()), fields, batch_size=200)
    _note(by, campaign, f"手工调整 {len(picked)} 项访谈任务，由 {len(takers)} 人承担")
    return len(picked)


@transaction.atomic
def give(
    *,
    by: Account,
    campaign: Campaign,
    rule: VisitRule,
    entries: Sequence[RosterEntry],
    takers: Sequence[RosterEntry],
    now: dt.datetime,
) -> int:
    """Give people nobody visits to some interviewers, evenly. Raises RefusedError."""
    _check_takers(campaign, takers)
    _check_picked(len(entries))
    if any(one.category_id != rule.visited_id for one in entries):
        refuse(f"“{rule.name}”只管{rule.visited.name}，选中的人里有别的类别。")
    taken = set(Assignment.objects.filter(rule=rule, entry__in=entries).values_list("entry_id", flat=True))
    people = {one.person_id: one for one in entries if one.pk not in taken}
    outcome = spread(sorted(people), [one.person_id for one in takers], _loads(campaign, takers, ()))
    if len(outcome) < len(people):
        refuse("访谈人不能访谈自己，请另选访谈人。")
    Assignment.objects.bulk_create(
        Assignment(
            campaign=campaign, rule=rule, entry=people[person], interviewer_id=taker, required=rule.times,
            due_on=rule.due_on, origin=Assignment.Origin.HAND, assigned_at=now,
        )
        for person, taker in outcome.items()
    )  # fmt: skip
    _note(by, campaign, f"手工分配 {len(outcome)} 项访谈任务，由 {len(takers)} 人承担")
    return len(outcome)


@transaction.atomic
def back_to_rules(*, by: Account, campaign: Campaign, picked: Sequence[Assignment]) -> int:
    """Let the next run of the rules decide about the picked assignments again."""
    _check_picked(len(picked))
    for row in picked:
        row.origin, row.version = Assignment.Origin.RULE, row.version + 1
    Assignment.objects.bulk_update(list(picked), ["origin", "version"], batch_size=200)
    _note(by, campaign, f"{len(picked)} 项手工调整的访谈任务交回规则分配")
    return len(picked)


def _loads(campaign: Campaign, takers: Sequence[RosterEntry], without: Sequence[Assignment]) -> dict[int, int]:
    """Return what the takers have to do already, apart from some assignments."""
    leaving = {row.pk for row in without}
    people: list[Person] = [one.person for one in takers]
    rows = Assignment.objects.filter(campaign=campaign, interviewer__in=people).values_list("pk", "interviewer_id")
    return dict(Counter(person for pk, person in rows if pk not in leaving))


def _check_takers(campaign: Campaign, takers: Sequence[RosterEntry]) -> None:
    if not takers:
        refuse(takers="请至少选一位访谈人。")
    if any(one.campaign_id != campaign.pk or one.kind != Person.Kind.STAFF or not one.active for one in takers):
        refuse(takers="访谈人必须是名册里在册的教职工。")


def _check_picked(count: int) -> None:
    if not count:
        refuse("没有选中任何一项。")
    if count > LIMIT:
        refuse(f"一次最多调整 {LIMIT} 项。")


def _note(by: Account, campaign: Campaign, summary: str) -> None:
    audit.record(by=by, action="interviews.assign.hand", thing=campaign, branch=campaign.root, summary=summary)
