"""The year's problems: rows for the ledger, and raised, solved and pending by unit and category. No text of any."""

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, IntegerField, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from branches.models import Placement
from interviews.models import Matter

State, Outcome = Matter.State, Matter.Outcome
_DONE = Q(state__in=[State.ANSWERED, State.TOLD])


def figures(day: dt.date) -> dict[str, Q]:
    """Return what each figure counts; 撤回 counts nowhere, so raised = solved + unsolved + pending."""
    pending = Q(state__in=Matter.PENDING)
    return {
        "raised": ~Q(state=State.WITHDRAWN),
        "solved": _DONE & Q(outcome=Outcome.SOLVED),
        "unsolved": _DONE & Q(outcome=Outcome.UNSOLVED),
        "pending": pending,
        "late": pending & Q(due_on__lt=day),
        "told": Q(state=State.TOLD),
    }


def with_units(rows: QuerySet[Matter], day: dt.date) -> QuerySet[Matter]:
    """Annotate `unit_name` and `unit_position`, and read what a row of the ledger shows."""
    place = Placement.objects.filter(branch=OuterRef("unit")).on(day)
    return rows.select_related("category", "owner__person", "unit").annotate(
        unit_name=Subquery(place.values("name")[:1]), unit_position=Subquery(place.values("branch__position")[:1])
    )


def by_unit_and_category(rows: QuerySet[Matter], day: dt.date) -> QuerySet[Matter]:
    """Return one row for each unit and category of `rows`, the first problem of each, with the figures."""
    counted = rows.exclude(state=State.WITHDRAWN)
    first = counted.order_by().values("unit", "category").annotate(first=Min("pk")).values("first")
    same = counted.order_by().filter(unit=OuterRef("unit"), category=OuterRef("category"))

    def number(condition: Q) -> Coalesce:
        found = same.filter(condition).values("unit").annotate(found=Count("pk")).values("found")
        return Coalesce(Subquery(found[:1], output_field=IntegerField()), 0)

    chosen = with_units(Matter.objects.filter(pk__in=first), day)
    return chosen.annotate(**{name: number(condition) for name, condition in figures(day).items()})


@dataclass(frozen=True, slots=True)
class Year:
    """All problems of a year in reach."""

    raised: int = 0
    solved: int = 0
    unsolved: int = 0
    pending: int = 0
    late: int = 0
    told: int = 0


def total(rows: QuerySet[Matter], day: dt.date) -> Year:
    """Count all problems of `rows` in one query."""
    counts = {name: Count("pk", filter=condition) for name, condition in figures(day).items()}
    return Year(**rows.order_by().aggregate(**counts))
