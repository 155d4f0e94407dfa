"""The landing page of 整改提高: the own plan first, what waits, how far each 党总支 is, and the pages below."""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Count, F, Q, QuerySet, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from branches import clock
from branches.listing import render_list
from branches.models import Account, Branch
from branches.permissions import Action, account_of, can, requires, scope
from grading.models import Grade, Result, Round, RoundUnit
from rectification import home
from rectification.cards import CARDS
from rectification.lists_plans import NONE, PLANS, own_rows, plan_rows
from rectification.models import DIRECT, Item, Plan, PlanQuerySet, group_fields, of_group
from rectification.permissions import rounds_within
from rectification.services.settings import rules_of

OWN_ROUNDS = 4
NUMBERS = ("number", "begun", "submitted", "approved", "all_items", "awaiting", "done")
#: What counts as an item of a branch, as on the boards: handed in, not handed on, not ended without result.
COUNTED = tuple(
    state for state in Item.State if state not in (Item.State.DRAFT, Item.State.TRANSFERRED, Item.State.CLOSED)
)


@dataclass(frozen=True, slots=True)
class Own:
    """A branch somebody acts for in person, in one round."""

    name: str
    round: Round
    unit: RoundUnit | None
    branch: Branch
    plan: Plan | None = None
    items: int = 0
    verified: int = 0
    grade: Grade | None = None
    steps: int = 0
    may_start: bool = False
    why_not: str = ""

    @property
    def html_id(self) -> str:
        """An id for the heading."""
        return f"h-own-{self.round.pk}-{self.branch.pk}"


@dataclass(frozen=True, slots=True)
class Group:
    """One 党总支 with how far its branches are."""

    key: str
    name: str
    units: int
    plans: int
    submitted: int
    approved: int
    items: int
    awaiting: int
    verified: int


def _own(account: Account) -> list[Own]:
    found: list[Own] = []
    for node in home.own_nodes(account):
        units = RoundUnit.objects.filter(branch=node, graded=True).exclude(round__state=Round.State.PREPARING)
        units = units.select_related("round__campaign", "round__scale", "branch").order_by(
            "-round__campaign__starts_on", "-round__ordinal"
        )
        found += [_own_unit(unit) for unit in units[:OWN_ROUNDS]] + _own_later(node)
    shown = [one for one in found if one.plan or one.may_start]
    return shown or found[:1]


def _with_numbers(rows: PlanQuerySet) -> QuerySet[Any]:
    verified = Count("items", filter=Q(items__state=Item.State.VERIFIED))
    return rows.annotate(number=Count("items"), verified=verified)


def _own_later(node: Branch) -> list[Own]:
    """Return the plans a branch has in rounds that were frozen before it was set up: it took over others' items."""
    rows = _with_numbers(Plan.objects.filter(branch=node).set_up_later()).select_related("round__campaign", "branch")
    rows = rows.order_by("-round__campaign__starts_on", "-round__ordinal")[:OWN_ROUNDS]
    return [Own(row.name, row.round, None, node, row, row.number, row.verified) for row in rows]


def _own_unit(unit: RoundUnit) -> Own:
    plan = _with_numbers(Plan.objects.filter(round=unit.round_id, branch=unit.branch_id)).first()
    result = (
        Result.objects.current().filter(unit=unit, state=Result.State.DECIDED).select_related("decided_grade").first()
    )
    grade = result.decided_grade if result else None
    why = "" if grade else f"{unit.round.name}还没有定级，定级后在这里制定整改提高方案。"
    return Own(
        unit.name, unit.round, unit, unit.branch, plan,
        getattr(plan, "number", 0), getattr(plan, "verified", 0), grade, unit.round.scale.grades.count(),
        may_start=plan is None and grade is not None, why_not=why,
    )  # fmt: skip


def _rounds(request: HttpRequest) -> list[Round]:
    """Return the rounds with grades or plans within reach, the newest first."""
    reach = request.scope  # type: ignore[attr-defined]
    begun = Q(units__results__state=Result.State.DECIDED) | Q(plans__isnull=False)
    rows = rounds_within(reach).filter(begun).distinct().select_related("campaign", "scale")
    return list(rows.order_by("-campaign__starts_on", "-ordinal"))


def _groups(request: HttpRequest, round_: Round) -> list[Group]:
    """Return one line for each 党总支 within reach."""
    reach = request.scope  # type: ignore[attr-defined]
    units = RoundUnit.objects.filter(round=round_, graded=True).within(reach)

    def items(*states: str) -> Count:
        return Count("plans__items", filter=Q(plans__items__state__in=states), distinct=True)

    def state(*states: str) -> Count:
        return Count("plans", filter=Q(plans__state__in=states), distinct=True)

    rows = units.order_by().values("direct", "parent_id", "parent_name", "parent_position").annotate(
        number=Count("pk", distinct=True), begun=Count("plans", distinct=True),
        submitted=state(Plan.State.SUBMITTED), approved=state(Plan.State.APPROVED, Plan.State.CLOSED),
        all_items=items(*COUNTED), awaiting=items(Item.State.AWAITING), done=items(Item.State.VERIFIED),
    )  # fmt: skip
    names: dict[str, str] = {}
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    later = _later(Plan.objects.filter(round=round_).within(reach).set_up_later())
    for row in sorted([*rows, *later], key=lambda one: (one["direct"], one["parent_position"], one["parent_id"])):
        key = DIRECT if row["direct"] else str(row["parent_id"])
        names.setdefault(key, "直属党支部" if row["direct"] else row["parent_name"])
        sums[key].update({name: row[name] for name in NUMBERS})
    return [Group(key, name, *(sums[key][number] for number in NUMBERS)) for key, name in names.items()]


def _later(plans: PlanQuerySet) -> QuerySet[Any, Any]:
    """Return one row for each branch set up after the round was frozen, with the same keys as those of its units."""

    def items(*states: str) -> Count:
        return Count("items", filter=Q(items__state__in=states))

    def state(*states: str) -> Case:
        return Case(When(state__in=states, then=Value(1)), default=Value(0))

    rows = plans.annotate(
        **group_fields(), parent_id=F("under_id"), parent_position=F("under__position"), number=Value(1),
        begun=Value(1), submitted=state(Plan.State.SUBMITTED), approved=state(Plan.State.APPROVED, Plan.State.CLOSED),
        all_items=items(*COUNTED), awaiting=items(Item.State.AWAITING), done=items(Item.State.VERIFIED),
    )  # fmt: skip
    return rows.order_by("branch__position", "branch__code").values(
        "direct", "parent_id", "parent_name", "parent_position", *NUMBERS
    )


@requires(Action.VIEW_RECTIFICATION)
@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Show where rectification stands for the visitor."""
    account, now = account_of(request), clock.now()
    own = _own(account)
    rounds = [] if home.own_nodes(account) and not _above(account) else _rounds(request)
    chosen = _chosen(request, rounds)
    shown = chosen or (own[0].round if own else None)
    context: dict[str, Any] = {
        "own": own,
        "own_plans": _plans_of_units_above(account, chosen) if chosen else [],
        "waiting": list(home.waiting(account, now)),
        "rounds": rounds,
        "round": shown,
        "rules": rules_of(shown.campaign) if shown else None,
        "groups": _groups(request, chosen) if chosen else [],
        "cards": [card for card in CARDS if can(account, card.action)],
    }
    return render(request, "rectification/home.html", context)


def _chosen(request: HttpRequest, rounds: list[Round]) -> Round | None:
    """Return the round asked for, else the newest in which somebody within reach has begun a plan."""
    asked = next((row for row in rounds if str(row.pk) == request.GET.get("round")), None)
    begun = set(Plan.objects.within(request.scope).values_list("round_id", flat=True))  # type: ignore[attr-defined]
    return asked or next((row for row in rounds if row.pk in begun), rounds[0] if rounds else None)


def _above(account: Account) -> bool:
    """Tell whether an account looks after more than one branch."""
    reach = scope(account, Action.VIEW_RECTIFICATION).held
    return reach.everything or Branch.objects.filter(pk__in=reach.roots).exclude(level=Branch.Level.BRANCH).exists()


def _plans_of_units_above(account: Account, round_: Round) -> list[Own]:
    """Return the 党总支 an account draws up for, with the plan each filed itself or may file."""
    reach = scope(account, Action.DRAW_UP_PLAN).held
    nodes = Branch.objects.filter(pk__in=reach.roots, level=Branch.Level.GENERAL_BRANCH)
    found = []
    for node in nodes:
        plan = Plan.objects.filter(round=round_, branch=node).annotate(number=Count("items")).first()
        name = node.name_on(clock.today())
        found.append(Own(name, round_, None, node, plan, getattr(plan, "number", 0), may_start=plan is None))
    return found


@requires(Action.VIEW_RECTIFICATION)
@require_http_methods(["GET", "POST"])
def plan_list(request: HttpRequest) -> HttpResponse:
    """List the branches of graded rounds with the state of their plans."""
    rows = plan_rows(RoundUnit.objects.filter(graded=True).within(request.scope))  # type: ignore[attr-defined]
    found = _of_no_unit(request)
    more = own_rows(found) if request.method == "POST" else ()
    context = {
        "own_plans": [plan for plan in found if plan.under_id is None],
        "later_plans": [plan for plan in found if plan.under_id is not None],
    }
    return render_list(request, PLANS, rows, template="rectification/plans.html", context=context, file_rows=more)


def _key(request: HttpRequest, name: str) -> str:
    asked = request.GET.get(name, "")
    return asked if asked == DIRECT or (asked.isascii() and asked.isdigit() and len(asked) < 12) else ""


def _of_no_unit(request: HttpRequest) -> list[Plan]:
    """Return the plans within reach that have no place among the units of a round.

    They are those 党总支 filed for themselves, and those of branches set up after the round was frozen.
    """
    rows = Plan.objects.within(request.scope).filter(unit=None)  # type: ignore[attr-defined]
    if (asked := _key(request, "round")) and asked != DIRECT:
        rows = rows.filter(round=asked)
    if asked := _key(request, "unit"):
        rows = rows.filter(of_group(asked))
    if (state := request.GET.get("state", "")) and state in {"late", NONE, *Plan.State.values}:
        rows = rows.none() if state == NONE else rows.filter(Q(late=True) if state == "late" else Q(state=state))
    if q := request.GET.get("q", "").strip():
        rows = rows.filter(name__icontains=q)

    def number(state: str) -> Count:
        return Count("items", filter=Q(items__state=state))

    rows = rows.annotate(
        number=Count("items"), awaiting=number(Item.State.AWAITING), verified=number(Item.State.VERIFIED)
    ).select_related("round", "campaign", "unit", "under")
    return list(rows.order_by("-campaign__starts_on", "-round__ordinal", "branch__position", "branch__code"))
