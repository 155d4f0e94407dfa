"""Who ought to have an account in a unit, and how far that is: 书记 of branches and of 党总支."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from branches import clock
from branches.models import Account, ActivationCode, Appointment, Branch, Person, Role, RoleGrant
from branches.scopes import Scope


class State(StrEnum):
    """How far an account is."""

    VACANT = "vacant"
    MISSING = "missing"
    WAITING = "waiting"
    ACTIVE = "active"
    DISABLED = "disabled"


WORDS = {
    State.VACANT: ("warn", "未设书记"),
    State.MISSING: ("todo", "未开户"),
    State.WAITING: ("info", "未激活"),
    State.ACTIVE: ("ok", "已启用"),
    State.DISABLED: ("bad", "已停用"),
}


ORDER = (State.ACTIVE, State.WAITING, State.MISSING, State.DISABLED, State.VACANT)
OPEN = frozenset({State.WAITING, State.MISSING})


def state_of(account: Account | None) -> State:
    """Return how far an account is."""
    if account is None:
        return State.MISSING
    if not account.is_active:
        return State.DISABLED
    return State.ACTIVE if account.activated else State.WAITING


@dataclass(slots=True)
class Seat:
    """The post of 书记 at a node, its holder and the holder's account; `former` are grants of those who left it."""

    node: Branch
    unit_id: int
    role: Role
    person: Person | None = None
    account: Account | None = None
    code_until: dt.datetime | None = None
    granted: bool = False
    former: list[RoleGrant] = field(default_factory=list)

    @property
    def state(self) -> State:
        """How far the account of this seat is."""
        return State.VACANT if self.person is None else state_of(self.account)


@dataclass(slots=True)
class Unit:
    """A 党总支 (or the committee, for its 直属党支部) with the seats counted by state."""

    node: Branch
    direct: bool
    counts: Counter[State] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        """How many seats there are."""
        return self.counts.total()

    @property
    def to_open(self) -> int:
        """How many seats would get a code now."""
        return self.counts[State.MISSING] + self.counts[State.WAITING]

    @property
    def cells(self) -> list[tuple[int, bool]]:
        """The counts in the order the list shows them, with whether a telephone leaves them out."""
        return [(self.counts[state], state not in OPEN) for state in ORDER]


def seats(reach: Scope, unit: Branch | None = None) -> list[Seat]:
    """Return the seats of `reach` in the order of the tree, or only those of one unit; six queries at any size."""
    day = clock.today()
    nodes = Branch.objects.as_of(day).within(reach).order_by("position", "code")
    found = [
        Seat(node, unit_id, Role.SECRETARY if node.level == Branch.Level.BRANCH else Role.GENERAL_BRANCH_OFFICER)
        for node in nodes
        if (unit_id := _unit_of(node)) is not None and (unit is None or unit_id == unit.pk)
    ]
    _fill(found, day)
    found.sort(key=lambda seat: seat.role is Role.SECRETARY)
    return found


def _unit_of(node: Branch) -> int | None:
    """Return the unit a seat is listed under; the root has no seat."""
    parent_id: int | None = node.parent_id  # type: ignore[attr-defined]
    if parent_id is None:
        return None
    return parent_id if node.level == Branch.Level.BRANCH else node.pk


def _fill(found: list[Seat], day: dt.date) -> None:
    by_node = {seat.node.pk: seat for seat in found}
    posts = Appointment.objects.on(day).secretaries().filter(branch__in=list(by_node)).select_related("person__account")
    for post in posts:
        seat = by_node[post.branch_id]
        seat.person = post.person
        seat.account = getattr(post.person, "account", None)
    left = Appointment.objects.secretaries().filter(branch__in=list(by_node), ends_on__lte=day)
    left_by = set(left.values_list("branch_id", "person_id"))
    grants = RoleGrant.objects.on(day).filter(
        node__in=list(by_node), role__in=[Role.SECRETARY, Role.GENERAL_BRANCH_OFFICER]
    )
    for grant in grants.select_related("account__person", "node"):
        seat = by_node[grant.node_id]
        if grant.role != seat.role:
            continue
        if seat.account is not None and grant.account_id == seat.account.pk:
            seat.granted = True
        elif seat.person is not None and (grant.node_id, grant.account.person_id) in left_by:
            seat.former.append(grant)
    until = codes_until([seat.account.pk for seat in found if seat.account])
    for seat in found:
        seat.code_until = until.get(seat.account.pk) if seat.account else None


def codes_until(accounts: list[int]) -> dict[int, dt.datetime]:
    """Return until when the present codes of accounts can be used."""
    rows = ActivationCode.objects.filter(account__in=accounts, used_at__isnull=True, expires_at__gt=clock.now())
    return dict(rows.values_list("account_id", "expires_at"))


def units(reach: Scope) -> list[Unit]:
    """Return the units of `reach` with their seats counted, 党总支 first, then who hangs directly under a committee."""
    day = clock.today()
    counts: dict[int, Counter[State]] = {}
    for seat in seats(reach):
        counts.setdefault(seat.unit_id, Counter())[seat.state] += 1
    nodes = Branch.objects.as_of(day).filter(pk__in=counts).order_by("position", "code")
    found = [
        Unit(node, direct=node.level == Branch.Level.COMMITTEE and node.parent_id is None, counts=counts[node.pk])  # type: ignore[attr-defined]
        for node in nodes
    ]
    return sorted(found, key=lambda unit: unit.direct)
