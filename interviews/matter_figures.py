"""The year's problems: rows for the ledger, and raised, solved and pending by unit and category. No text of any."""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields

from django.db.models import Count, IntegerField, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from branches.models import Campaign, Placement
from interviews.counting import LEAST
from interviews.coverage import bits, shown
from interviews.models import Matter, VisitSettings

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


def listed(rows: QuerySet[Matter]) -> QuerySet[Matter]:
    """Keep the problems of the ledger: none of a sensitive category."""
    return rows.filter(category__sensitive=False)


def without_hidden(rows: QuerySet[Matter], keep: "Kept") -> QuerySet[Matter]:
    """Leave out lines of sensitive categories that may not be counted: even that there is one would be told."""
    said = Q(category__sensitive=False)
    for group in keep.raised:
        if len(group) == 2:  # a unit and a category
            said |= Q(unit=group[0], category=group[1])
    return rows.filter(said)


Group = tuple[int, ...]  # () the whole campaign, (unit,), (unit, category)


@dataclass(frozen=True, slots=True)
class Kept:
    """Which groups of a campaign's problems may be counted on a page, and which by state and result too."""

    raised: frozenset[Group] = frozenset()
    states: frozenset[Group] = frozenset()
    least: int = LEAST

    def shows(self, group: Group, name: str) -> bool:
        """Whether a figure of a group may be shown."""
        return group in (self.raised if name == "raised" else self.states)


def kept(campaign: Campaign | None, day: dt.date) -> Kept:
    """Find what may be shown: no count under the set size, and none from which one can be worked out."""
    settings = VisitSettings.objects.filter(campaign=campaign).first()
    least = settings.least_count if settings else LEAST
    counted = Matter.objects.filter(campaign=campaign).exclude(state=State.WITHDRAWN)
    rows = list(counted.values_list("unit", "category", "state", "outcome", "due_on", "category__sensitive"))
    places: dict[Group, list[int]] = {(): list(range(len(rows)))}
    listed: dict[Group, list[int]] = {(): []}
    for place, (unit, category, *_, sensitive) in enumerate(rows):
        places.setdefault((unit,), []).append(place)
        places.setdefault((unit, category), []).append(place)
        for group in () if sensitive else ((), (unit,)):
            listed.setdefault(group, []).append(place)
    ledger = [bits(found) for found in listed.values()]  # whoever counts the rows of the ledger knows these
    ordered = sorted(places, key=lambda group: (len(group), -len(places[group]), group))
    groups = {group: bits(places[group]) for group in ordered}
    raised = shown(groups, [groups[()]], least, ledger)
    parts = [_part(rows, holds) for holds in _holding(day)]
    states = shown({group: one for group, one in groups.items() if group in raised}, parts, least, ledger)
    return Kept(frozenset(raised), frozenset(states), least)


def _part(rows: Collection[tuple[object, ...]], holds: Callable[..., bool]) -> int:
    return bits(place for place, (_, _, *facts, _) in enumerate(rows) if holds(*facts))


def _holding(day: dt.date) -> list[Callable[..., bool]]:
    """Return what the figures of a problem divide: result, lateness, whether the person has been told."""
    pending, done = set(Matter.PENDING), {State.ANSWERED, State.TOLD}
    return [
        lambda state, outcome, _due: state in done and outcome == Outcome.SOLVED,
        lambda state, outcome, _due: state in done and outcome == Outcome.UNSOLVED,
        lambda state, _outcome, _due: state in pending,
        lambda state, _outcome, due: state in pending and due < day,
        lambda state, _outcome, due: state in pending and due >= day,
        lambda state, _outcome, _due: state == State.TOLD,
        lambda state, _outcome, _due: state == State.ANSWERED,
    ]


def year_shown(year: "Year", units: Collection[int] | None, keep: Kept) -> Mapping[str, int | None]:
    """Return the figures over `units` (None: all) that may be shown, None for the others."""
    groups: list[Group] = [()] if units is None else [(unit,) for unit in units]
    return {
        one.name: getattr(year, one.name)
        if not year.raised or all(keep.shows(group, one.name) for group in groups)
        else None
        for one in fields(year)
    }


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
