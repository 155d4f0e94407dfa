"""My list: whom an account is to talk with, how far that is, and whom it means to see again."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import (
    Case,
    Count,
    DateField,
    F,
    IntegerField,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from branches.models import Account, Campaign
from interviews.models import Assignment, FollowUp, InterviewSubject, RosterEntry

REVISIT, LATE, DUE, DONE = "revisit", "late", "due", "done"
LABELS = {REVISIT: ("待回访", "warn"), LATE: ("逾期未访", "bad"), DUE: ("未访", "todo"), DONE: ("已访", "ok")}


def campaigns_of(account: Account) -> list[Campaign]:
    """Return the campaigns in which an account has somebody to talk with or to see again, newest first."""
    own = Assignment.objects.of(account).values("campaign")
    again = FollowUp.objects.of(account).planned().values("entry__campaign")
    return list(Campaign.objects.filter(Q(pk__in=own) | Q(pk__in=again)).order_by("-year", "-pk"))


def _one(rows: QuerySet[Any], figure: Any, field: Any) -> Coalesce | Subquery:
    return Subquery(rows.order_by().values("entry").annotate(found=figure).values("found")[:1], output_field=field)


def my_entries(account: Account, campaign: Campaign, day: dt.date) -> QuerySet[RosterEntry]:
    """Return the people of my list, late ones first, each with how far it is.

    Annotated: required, due_on, spoken, group_talks, last_on, revisit_on, standing, rank. `spoken` counts my own
    one-to-one talks; one with a group stands in `group_talks` and never makes anybody done.
    """
    tasks = Assignment.objects.of(account).filter(entry=OuterRef("pk"))
    talks = InterviewSubject.objects.filter(
        entry=OuterRef("pk"), interview__interviewer=account, interview__state="recorded"
    )
    planned = FollowUp.objects.of(account).planned().filter(entry=OuterRef("pk"))
    number, date = IntegerField(), DateField()
    mine = Assignment.objects.of(account).values("entry")
    again = FollowUp.objects.of(account).planned().values("entry")
    rows = RosterEntry.objects.filter(campaign=campaign).filter(Q(pk__in=mine) | Q(pk__in=again))
    rows = rows.annotate(
        required=Coalesce(_one(tasks, Max("required"), number), Value(0)),
        due_on=_one(tasks, Min("due_on"), date),
        spoken=Coalesce(_one(talks.filter(interview__one_to_one=True), Count("pk"), number), Value(0)),
        group_talks=Coalesce(_one(talks.filter(interview__one_to_one=False), Count("pk"), number), Value(0)),
        last_on=_one(talks, Max("interview__held_on"), date),
        revisit_on=Subquery(planned.values("due_on")[:1]),
    )
    standing = Case(
        When(revisit_on__isnull=False, then=Value(REVISIT)),
        When(spoken__gte=F("required"), then=Value(DONE)),
        When(due_on__lt=day, then=Value(LATE)),
        default=Value(DUE),
    )
    rank = Case(
        When(standing=LATE, then=Value(0)), When(standing=REVISIT, then=Value(1)), When(standing=DUE, then=Value(2)),
        default=Value(3), output_field=IntegerField(),
    )  # fmt: skip
    return (
        rows.annotate(standing=standing)
        .annotate(rank=rank)
        .select_related("person", "class_group", "category")
        .order_by("rank", "due_on", "class_group__name", "person__number", "pk")
    )


@dataclass(frozen=True, slots=True)
class Tally:
    """How far somebody's own list is."""

    people: int = 0
    done: int = 0
    late: int = 0
    revisit: int = 0
    extended: int = 0
    next_due: dt.date | None = None


def tally(account: Account, campaign: Campaign, day: dt.date) -> Tally:
    """Count an account's list in one query."""
    rows = my_entries(account, campaign, day).order_by()
    found = rows.aggregate(
        people=Count("pk", filter=Q(required__gt=0)),
        done=Count("pk", filter=Q(required__gt=0, spoken__gte=F("required"))),
        late=Count("pk", filter=Q(standing=LATE)),
        revisit=Count("pk", filter=Q(standing=REVISIT)),
        extended=Count("pk", filter=Q(group_talks__gt=0)),
        next_due=Min("due_on", filter=Q(spoken__lt=F("required"))),
    )
    return Tally(**found)


def progress(row: Any) -> tuple[str, str]:
    """Say how far it is with somebody of my list: in words, and the kind of mark. One talk of two is not none."""
    label, kind = LABELS[row.standing]
    if row.standing in (LATE, DUE) and row.spoken:
        label = f"{'逾期，' if row.standing == LATE else ''}已谈 {row.spoken} / {row.required} 次"
    return label, kind


def for_page(rows: Iterable[Any]) -> list[dict[str, Any]]:
    """Return what the entry page's own search needs of each person; it is held in that page only."""
    return [
        {
            "id": row.pk,
            "name": row.person.name,
            "initials": row.person.initials.lower(),
            "number": row.person.number or "",
            "group": row.class_group.name if row.class_group else row.category.name,
            "state": progress(row)[1],
            "label": progress(row)[0],
            "spoken": row.spoken,
            "required": row.required,
            "last": row.last_on.isoformat() if row.last_on else "",
        }
        for row in rows
    ]
