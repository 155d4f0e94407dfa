"""The ledger of a round as 附件6 shows it: one line for each item, in the order of the annexes, in a few queries.

What is printed is decided here once: the annex lays these lines out, the importer compares a returned file with them.
"""

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import OuterRef, Q, Subquery

from branches import clock
from branches.models import Branch
from grading.models import Result, Round, RoundUnit
from rectification.models import DIRECT, Item, Plan, Progress, Status

OWN_PLAN, OF_UNIT, SET_UP_LATER = -1, 0, 1


@dataclass(frozen=True, slots=True)
class Line:
    """One item as printed; `standing` is counted below the table.

    `unit` is None for the plan of a 党总支 itself, and of a branch set up after the round was frozen.
    """

    item: int
    plan: int
    unit: RoundUnit | None
    branch: str
    group: str
    name: str
    grade: str
    target: str
    category: str
    problem: str
    goal: str
    measures: str
    owner: str
    due: dt.date | None
    long_term: bool
    standing: str
    progress: str
    verified_on: dt.date | None
    verifier: str
    remark: str


def lines(
    *, round_: Round, units: Sequence[RoundUnit], nodes: Collection[int] = (), now: dt.datetime, drafts: bool = False
) -> list[Line]:
    """Return the lines of some branches of a round, and of the plans of nodes that are none of its units.

    `units` in the order they stand in; the plan of a 党总支 stands before its branches, those set up later after them.
    """
    places = {unit.pk: at for at, unit in enumerate(units)}
    first_of = {unit.parent_id: at for at, unit in reversed(list(enumerate(units)))}
    last_of = {unit.parent_id: at for at, unit in enumerate(units)}
    newest = Progress.objects.filter(item=OuterRef("pk")).order_by("-at", "-pk")
    rows = Item.objects.filter(plan__round=round_).alive().status(now)
    rows = rows if drafts else rows.exclude(state=Item.State.DRAFT)
    rows = rows.filter(Q(plan__unit__in=list(places)) | Q(plan__unit__isnull=True, plan__branch__in=list(nodes)))
    rows = rows.annotate(last_progress=Subquery(newest.values("text")[:1]))
    rows = rows.select_related(
        "plan__target", "plan__branch", "plan__under", "category", "verified_by__person", "plan__campaign"
    )
    grades = _grades(places)
    by_pk = {unit.pk: unit for unit in units}
    today = clock.day_of(now)

    def place(item: Item) -> tuple[int, bool, int, int, int, int]:
        plan = item.plan
        if plan.unit_id is not None:
            return places[plan.unit_id], False, 0, OF_UNIT, plan.pk, item.ordinal
        node = plan.under_id or plan.branch_id
        at, kind = (last_of, SET_UP_LATER) if plan.under_id else (first_of, OWN_PLAN)
        known, direct = node in at, plan.group_key == DIRECT
        return at.get(node, len(places)), not known and direct, 0 if known else node, kind, plan.pk, item.ordinal

    return [_line(item, by_pk.get(item.plan.unit_id or 0), grades, today) for item in sorted(rows, key=place)]


def lines_below(*, round_: Round, units: Sequence[RoundUnit], unit: Branch, now: dt.datetime) -> list[Line]:
    """Return the lines of a node: `units` are the branches of the round at or below it. A branch sees its draft too."""
    nodes = nodes_below(round_=round_, units=units, unit=unit)
    return lines(round_=round_, units=units, nodes=nodes, now=now, drafts=unit.level == Branch.Level.BRANCH)


def nodes_below(*, round_: Round, units: Sequence[RoundUnit], unit: Branch) -> set[int]:
    """Return the nodes that are none of the units but whose plans count at or below a node.

    They are 党总支 with a plan of their own, and branches set up after the round was frozen.
    """
    rows = Plan.objects.filter(round=round_, unit__isnull=True)
    if unit.level == Branch.Level.BRANCH:
        return {unit.pk}
    if unit.pk == round_.campaign.root_id:
        return set(rows.values_list("branch_id", flat=True))
    nodes = {unit.pk, *(row.parent_id for row in units)}
    return nodes | set(rows.filter(under__in=nodes).values_list("branch_id", flat=True))


def _grades(units: Collection[int]) -> dict[int, str]:
    """Return the grade each unit has now: decided, else proposed."""
    rows = Result.objects.filter(unit__in=list(units)).current().select_related("decided_grade", "proposed_grade")
    found = {row.unit_id: row.decided_grade or row.proposed_grade for row in rows}
    return {pk: grade.label for pk, grade in found.items() if grade is not None}


def _line(item: Item, unit: RoundUnit | None, grades: dict[int, str], today: dt.date) -> Line:
    plan = item.plan
    verified = item.state == Item.State.VERIFIED
    return Line(
        item=item.pk,
        plan=plan.pk,
        unit=unit,
        branch=unit.code if unit else plan.branch.code,
        group=unit.general_branch_name if unit else plan.group_name,
        name=unit.name if unit else plan.name,
        grade=grades.get(unit.pk, "") if unit else "",
        target=plan.target.label if plan.target else "",
        category=item.category.name if item.category else "",
        problem=item.problem,
        goal=item.goal,
        measures=item.measures,
        owner=item.owner_name,
        due=item.due_on or item.review_on,
        long_term=item.term == Item.Term.LONG_TERM,
        standing=standing(item, today),
        progress=item.result if verified else item.last_progress or "",  # type: ignore[attr-defined]
        verified_on=item.verified_on if verified else None,
        verifier=item.verified_by.get_full_name() if verified and item.verified_by else "",
        remark="、".join(_marks(item)),
    )


def standing(item: Item, today: dt.date) -> str:
    """Return how an item with its `status` is counted under the table; each is counted once."""
    status = item.status  # type: ignore[attr-defined]
    if status == Status.VERIFIED:
        return "verified"
    if item.term != Item.Term.NORMAL:
        return str(item.term)
    if status == Status.AWAITING:
        return "unverified" if item.due_on is not None and item.due_on < today else "open"
    return {Status.OVERDUE: "overdue", Status.PAUSED: "paused"}.get(status, "open")


def _marks(item: Item) -> Iterable[str]:
    """Yield what the last column says."""
    status = item.status  # type: ignore[attr-defined]
    if status in (Status.OVERDUE, Status.PAUSED, Status.AWAITING):
        yield str(Status(status).label)
    if item.state == Item.State.REOPENED:
        yield "重新整改"
    if item.term == Item.Term.CONDITIONS and status != Status.VERIFIED:
        yield "暂不具备条件"
    if item.escalated_to_id is not None and status != Status.VERIFIED and item.state not in Item.BEFORE_APPROVAL:
        yield "提请上级解决"


def has_items(round_: Round) -> bool:
    """Tell whether anybody drew up a plan for a round."""
    return Plan.objects.filter(round=round_).exists()
