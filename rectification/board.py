"""Boards of a round's rectification: how many items stand where, by unit, category and dimension. Reads, never writes.

Every figure comes with the address of the list behind it (`rectification.lists`). The number of queries is fixed.
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from django.db.models import Case, Count, F, Q, When
from django.urls import reverse

from branches import charts, clock
from branches.models import Branch
from branches.scopes import Scope
from grading.models import Result, Round, RoundUnit
from rectification.lists_plans import plan_rows
from rectification.models import (
    DIRECT,
    Category,
    Contact,
    Dimension,
    Item,
    ItemQuerySet,
    Plan,
    PlanQuerySet,
    Status,
    group_fields,
    of_group,
)  # fmt: skip

#: What a board counts, in its order; together they are all items.
SHOWN = (
    Status.PLANNED, Status.IN_HAND, Status.AT_RISK, Status.OVERDUE, Status.AWAITING, Status.VERIFIED,
    Status.LONG_TERM, Status.PAUSED,
)  # fmt: skip
#: Ends of a sentence that do not make it another problem.
TAILS = ("", "。", "；", "，", "、", ".", ";", "！")
COMMONEST = 8
NO_PLAN = "none"
READ = 400
WEAK_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Place:
    """The part of a round a board or list is about: all that is reached, one 党总支 (or 直属), or one branch."""

    round: Round
    reach: Scope
    group: str = ""
    branch: int | None = None

    def params(self) -> dict[str, str]:
        """Return the filters of a list that shows the same part."""
        if self.branch is not None:
            return {"branch": str(self.branch)}
        return {"group": self.group} if self.group else {}

    def items(self) -> ItemQuerySet:
        """Return the items that count: those still being drafted are the branch's own business."""
        rows = Item.objects.filter(plan__round=self.round).alive().exclude(state=Item.State.DRAFT).within(self.reach)
        return rows.filter(self._part("plan__"))

    def units(self) -> "Any":
        """Return the branches of the round."""
        rows = RoundUnit.objects.filter(round=self.round).within(self.reach.held)
        if self.branch is not None:
            return rows.filter(branch=self.branch)
        if not self.group:
            return rows
        return rows.filter(direct=True) if self.group == DIRECT else rows.filter(direct=False, parent=self.group)

    def later(self) -> PlanQuerySet:
        """Return the plans of branches set up after the round was frozen: they are none of its units."""
        return Plan.objects.filter(round=self.round).within(self.reach).set_up_later().filter(self._part())

    def _part(self, prefix: str = "") -> Q:
        if self.branch is not None:
            return Q(**{f"{prefix}branch": self.branch})
        return of_group(self.group, prefix) if self.group else Q()


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with the address of its list; `shape` is the class of its state."""

    label: str
    value: int
    url: str
    shape: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a board: a 党总支, a branch, a category or a dimension."""

    name: str
    key: str
    counts: Mapping[str, int]
    address: Callable[..., str]
    url: str = ""
    plans: Mapping[str, int] = field(default_factory=dict)
    plans_url: str = ""

    @property
    def units(self) -> int:
        """Branches that have a grade or a plan."""
        return sum(self.plans.values())

    @property
    def approved(self) -> int:
        """Branches whose plan is approved, or done."""
        return self.plans.get(Plan.State.APPROVED, 0) + self.plans.get(Plan.State.CLOSED, 0)

    @property
    def plan_word(self) -> str:
        """The state of the one plan a line is about."""
        return next((figure.label for figure in self.plan_figures), "")

    @property
    def plan_figures(self) -> list[Figure]:
        """One figure for each state of a plan that occurs, those without one first."""
        words = {NO_PLAN: "未制定", **dict(Plan.State.choices)}
        return [
            Figure(str(word), self.plans[state], f"{self.plans_url}&state={state}")
            for state, word in words.items()
            if self.plans.get(state)
        ]

    @property
    def total(self) -> int:
        """All items."""
        return sum(self.counts.values())

    @property
    def verified(self) -> int:
        """Items put right."""
        return self.counts.get(Status.VERIFIED, 0)

    @property
    def all(self) -> Figure:
        """All items, with their list."""
        return Figure("问题", self.total, self.address())

    @property
    def figures(self) -> list[Figure]:
        """One figure for each status."""
        return [
            Figure(str(one.label), self.counts.get(one, 0), self.address(status=str(one)), SHAPES[one]) for one in SHOWN
        ]

    def _of(self, status: Status) -> Figure:
        return Figure(str(status.label), self.counts.get(status, 0), self.address(status=str(status)), SHAPES[status])

    @property
    def put_right(self) -> Figure:
        """Items that are verified, with their list."""
        return self._of(Status.VERIFIED)

    @property
    def limited(self) -> str:
        """The address of what has a day within the campaign: what the burn-down counts."""
        return self.address(term=str(Item.Term.NORMAL))

    @property
    def limited_left(self) -> str:
        """The address of what of it is not put right."""
        return self.address(term=str(Item.Term.NORMAL), status="open")

    @property
    def limited_ahead(self) -> str:
        """The address of what of it need not be done yet: what should be left."""
        return self.address(term=str(Item.Term.NORMAL), day="ahead")

    @property
    def overdue(self) -> Figure:
        """Items whose day is over."""
        return self._of(Status.OVERDUE)

    @property
    def at_risk(self) -> Figure:
        """Items whose day is near."""
        return self._of(Status.AT_RISK)

    @property
    def awaiting(self) -> Figure:
        """Items to be verified."""
        return self._of(Status.AWAITING)

    @property
    def long_term(self) -> Figure:
        """Items that last longer than the campaign."""
        return self._of(Status.LONG_TERM)


SHAPES: dict[str, str] = {
    Status.PLANNED: "state-todo",
    Status.IN_HAND: "state-info",
    Status.AT_RISK: "state-warn",
    Status.OVERDUE: "state-bad",
    Status.AWAITING: "state-warn",
    Status.VERIFIED: "state-ok",
    Status.LONG_TERM: "state-info",
    Status.PAUSED: "state-todo",
    Status.TRANSFERRED: "state-todo",
    Status.CLOSED: "state-todo",
}


@dataclass(frozen=True, slots=True)
class Common:
    """A problem that several branches have."""

    text: str
    branches: int
    items: int
    url: str


@dataclass(frozen=True, slots=True)
class Weak:
    """A branch of the lowest grade with the leader who looks after it; "" while there is none."""

    name: str
    grade: str
    leader: str
    url: str


@dataclass(frozen=True, slots=True)
class Board:
    """Everything one board shows."""

    total: Line
    groups: Sequence[Line]
    categories: Sequence[Line]
    dimensions: Sequence[Line]
    burn_down: charts.BurnDown | None
    commonest: Sequence[Common]
    weak: Sequence[Weak]
    weak_count: int
    by_branch: bool


def address_of(place: Place, **fixed: str) -> Callable[..., str]:
    """Return a function that makes the address of the list of items of a place, with more filters on request."""
    base, known = reverse("rectification-items", args=[place.round.pk]), {**place.params(), **fixed}

    def make(**more: str) -> str:
        params = {**known, **more}
        return f"{base}?{urlencode(sorted(params.items()))}" if params else base

    return make


def read(place: Place, now: dt.datetime) -> Board:
    """Read a board: of everything reached by 党总支, of a 党总支 by branch, of a branch for itself."""
    by_branch = bool(place.group) or place.branch is not None
    kinds = _counted(place, now, "category_id", "dimension_id")
    total: Counter[str] = Counter()
    for row in kinds:
        total[row["status"]] += row["number"]
    units, weak = _units(place), _weak(place)
    rows = _counted(place, now, *(("plan__branch_id", "own", "own_name") if by_branch else GROUPED))
    return Board(
        total=_total(place, total, units),
        groups=_branches(place, rows, units) if by_branch else _groups(place, rows, units),
        categories=_kinds(place, kinds, "category", Category),
        dimensions=_kinds(place, kinds, "dimension", Dimension),
        burn_down=_burn_down(place, now),
        commonest=_commonest(place),
        weak=weak[:WEAK_SHOWN],
        weak_count=len(weak),
        by_branch=by_branch,
    )


#: What tells a 党总支: that of the branch, or the node whose own plan it is (`own`).
GROUPED = ("direct", "parent", "own", "own_name")


def _counted(place: Place, now: dt.datetime, *keys: str) -> list[dict[str, Any]]:
    """Return how many items there are for each status and each of some keys, in one query that returns few rows."""
    own = Q(plan__unit__isnull=True, plan__under__isnull=True)
    rows = place.items().status(now).order_by().annotate(
        **group_fields("plan__"),
        own=Case(When(own, then=F("plan__branch_id"))), own_name=Case(When(own, then=F("plan__name"))),
    )  # fmt: skip
    return list(rows.values(*keys, "status").annotate(number=Count("pk")))


def _units(place: Place) -> list[dict[str, Any]]:
    """Return the branches of the place with the state of their plans, in the order of the annexes.

    Those set up after the round was frozen stand last in their 党总支.
    """
    rows = plan_rows(place.units()).order_by("direct", "parent_position", "parent_code", "position", "code")
    fields = ("branch_id", "name", "parent_id", "parent_name", "direct", "plan_state")
    found = list(rows.values(*fields))
    first = {row["parent_id"]: at for at, row in reversed(list(enumerate(found)))}
    later = place.later().annotate(**group_fields(), parent_id=F("under_id"), plan_state=F("state"))
    found += later.order_by("under__position", "under__code", "branch__position", "branch__code").values(*fields)
    return sorted(found, key=lambda row: (row["direct"], first.get(row["parent_id"], len(found))))


def _plans(units: Iterable[Mapping[str, Any]]) -> Counter[str]:
    return Counter(unit["plan_state"] or NO_PLAN for unit in units)


def _plans_url(place: Place, group: str) -> str:
    params = {"round": str(place.round.pk), **({"unit": group} if group else {})}
    return f"{reverse('plans')}?{urlencode(params)}"


def _total(place: Place, counts: Mapping[str, int], units: Sequence[Mapping[str, Any]]) -> Line:
    return Line(
        "合计", "", counts, address_of(place), plans=_plans(units), plans_url=_plans_url(place, place.group)
    )  # fmt: skip


def _summed(rows: Iterable[Mapping[str, Any]], key: Callable[[Mapping[str, Any]], Any]) -> dict[Any, Counter[str]]:
    found: dict[Any, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[key(row)][row["status"]] += row["number"]
    return found


def _groups(
    place: Place, rows: Sequence[Mapping[str, Any]], units: Sequence[Mapping[str, Any]]
) -> list[Line]:  # fmt: skip
    """Return a line for each 党总支, the 直属党支部 together last; a 党总支's own plan counts with its branches."""
    members: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    names: dict[str, str] = {}
    for unit in units:
        key = DIRECT if unit["direct"] else str(unit["parent_id"])
        members[key].append(unit)
        names[key] = "直属党支部" if key == DIRECT else unit["parent_name"]
    for row in rows:
        if row["own"] is not None:
            names.setdefault(str(row["own"]), row["own_name"])
    counts = _summed(rows, lambda row: DIRECT if row["direct"] else str(row["own"] or row["parent"]))
    board = reverse("rectification-board", args=[place.round.pk])
    return [
        Line(
            name, key, counts.get(key, {}), address_of(place, group=key), f"{board}?group={key}",
            _plans(members[key]), _plans_url(place, key),
        )
        for key, name in names.items()
    ]  # fmt: skip


def _branches(
    place: Place, rows: Sequence[Mapping[str, Any]], units: Sequence[Mapping[str, Any]]
) -> list[Line]:  # fmt: skip
    """Return a line for each branch; the 党总支's own plan stands first."""
    counts = _summed(rows, lambda row: row["plan__branch_id"])
    own = {row["own"]: row["own_name"] for row in rows if row["own"] is not None}
    board = reverse("rectification-board", args=[place.round.pk])
    lines = [
        Line(f"{name}（本级）", str(pk), counts[pk], address_of(place, branch=str(pk)), f"{board}?branch={pk}")
        for pk, name in own.items()
    ]
    for unit in units:
        pk = unit["branch_id"]
        lines.append(
            Line(
                unit["name"], str(pk), counts.get(pk, {}), address_of(place, branch=str(pk)), f"{board}?branch={pk}",
                _plans([unit]),
            )
        )  # fmt: skip
    return lines


def _kinds(place: Place, rows: Sequence[Mapping[str, Any]], field: str, model: Any) -> list[Line]:
    """Return a line for each category or dimension of the campaign, and one for items that have none."""
    counts = _summed(rows, lambda row: row[f"{field}_id"])
    known = list(model.objects.filter(campaign=place.round.campaign_id).values_list("pk", "name"))
    lines = [Line(name, str(pk), counts.get(pk, {}), address_of(place, **{field: str(pk)})) for pk, name in known]
    if counts.get(None):
        lines.append(Line("未分类", "none", counts[None], address_of(place, **{field: "none"})))
    return lines


def _burn_down(place: Place, now: dt.datetime) -> charts.BurnDown | None:
    """Return the items that are due within the campaign: what should be left and what is, day by day."""
    rows = place.items().filter(term=Item.Term.NORMAL, due_on__isnull=False).order_by()
    due: Counter[dt.date] = Counter()
    done: Counter[dt.date] = Counter()
    due.update(dict(rows.values_list("due_on").annotate(number=Count("pk"))))
    verified = rows.filter(state=Item.State.VERIFIED).values_list("verified_on")
    done.update(dict(verified.annotate(number=Count("pk"))))
    return charts.burn_down(due, done, first=place.round.campaign.starts_on, today=clock.day_of(now))


def plain(problem: str) -> str:
    """Return a problem as it is compared: without white space around it and the mark that ends it."""
    text = " ".join(problem.split())
    return next((text.removesuffix(tail) for tail in TAILS[1:] if text.endswith(tail)), text)


def _commonest(place: Place) -> list[Common]:
    """Return the problems that most branches have; those of one branch only are nobody else's."""
    rows = place.items().order_by().values("problem").annotate(number=Count("pk"), plans=Count("plan", distinct=True))
    found: dict[str, list[int]] = {}
    for row in rows.order_by("-plans", "-number", "problem")[:READ]:
        entry = found.setdefault(plain(row["problem"]), [0, 0])
        entry[0] += row["plans"]
        entry[1] += row["number"]
    address = address_of(place)
    ordered = sorted(found.items(), key=lambda one: (-one[1][0], -one[1][1], one[0]))
    return [
        Common(text, plans, number, address(problem=text)) for text, (plans, number) in ordered if plans > 1
    ][:COMMONEST]  # fmt: skip


def _weak(place: Place) -> list[Weak]:
    """Return the branches of the lowest grade with their 定点联系人, those without one first."""
    last = place.round.scale.grades.order_by("rank").last()
    if last is None:
        return []
    held = Result.objects.filter(unit__in=place.units()).current()
    held = held.filter(Q(decided_grade=last) | Q(decided_grade__isnull=True, proposed_grade=last))
    fields = ("unit__branch_id", "unit__name")
    order = ("unit__parent_position", "unit__parent_code", "unit__position", "unit__code")
    leaders = dict(
        Contact.objects.present().filter(campaign=place.round.campaign_id).values_list("branch_id", "leader_name")
    )
    address = reverse("rectification-board", args=[place.round.pk])
    found = [
        Weak(name, last.label, leaders.get(pk, ""), f"{address}?branch={pk}")
        for pk, name in held.order_by(*order).values_list(*fields)
    ]
    return sorted(found, key=lambda one: bool(one.leader))


def branch_name(place: Place) -> str:
    """Return the name of the 党总支 or branch a board is about; "" for everything reached. Raises Branch.DoesNotExist.

    A node outside the reach, or one that has nothing in the round, does not exist either.
    """
    if not place.params():
        return ""
    unit = place.units().first()
    if unit is not None:
        return unit.general_branch_name if place.group else unit.name
    later = place.later().select_related("under").first()
    if later is not None:
        return later.group_name if place.group else later.name
    plan = Plan.objects.filter(round=place.round).within(place.reach)
    plan = plan.filter(branch=place.branch if place.branch is not None else place.group)
    found = plan.first() if place.group != DIRECT else None
    if found is None:
        raise Branch.DoesNotExist
    return found.name


def annex_unit(place: Place) -> int | None:
    """Return the node whose 附件6 shows the same part; None where there is none such."""
    if place.branch is not None:
        return place.branch
    if place.group:
        return None if place.group == DIRECT else int(place.group)
    if place.reach.everything:
        return place.round.campaign.root_id
    held = place.reach.held.roots
    return next(iter(held)) if len(held) == 1 else None
