"""What the office does with accounts in bulk: open them for the secretaries of a unit, with codes to print."""

import datetime as dt
from dataclasses import dataclass, field

from django.db import transaction

from branches import audit, clock, seats
from branches.models import Account, ActivationCode, Branch, Person, Role
from branches.permissions import Action, may_hand_out, may_manage, scope
from branches.seats import Seat, State
from branches.services import accounts, tree


@dataclass(frozen=True, slots=True)
class Slip:
    """One slip of the printed sheet; its code is kept nowhere else."""

    unit: str
    name: str
    post: str
    username: str
    code: str
    expires_at: dt.datetime


@dataclass(slots=True)
class Opened:
    """What opening a unit did: slips to print, and how many accounts and roles were new, taken back or left out."""

    slips: list[Slip] = field(default_factory=list)
    new: int = 0
    taken_back: int = 0
    left_out: list[str] = field(default_factory=list)


def wants_code(seat: Seat) -> bool:
    """Return whether opening the unit gives this seat a code: somebody holds it who has not set a password yet."""
    return seat.state in (State.MISSING, State.WAITING)


@transaction.atomic
def open_unit(*, by: Account, unit: Branch) -> Opened:
    """Open accounts for the secretaries of a unit, give them their role, and issue codes to all not activated yet.

    Roles of secretaries who left the post are taken back. Seats `by` may not manage are left out, with the reason.
    """
    done = Opened()
    for seat in seats.seats(scope(by, Action.ISSUE_CODES), unit):
        if seat.person is None or seat.state is State.DISABLED:
            continue
        answer = may_hand_out(by, seat.role, seat.node)
        if not answer:
            done.left_out.append(f"{_name(seat)}　{seat.person.name}：{answer.reason}")
            continue
        _settle(done, by, seat)
    audit.record(
        by=by, action="accounts.open_unit", thing=unit, branch=unit, summary="为书记开户并签发激活码",
        after={"codes": len(done.slips), "new": done.new, "taken_back": done.taken_back},
    )  # fmt: skip
    return done


def _settle(done: Opened, by: Account, seat: Seat) -> None:
    """Give one seat its account, role and code."""
    assert seat.person is not None  # noqa: S101  the caller skips empty seats
    for grant in seat.former:
        if may_hand_out(by, Role(grant.role), grant.node, to=grant.account):
            accounts.revoke(by=by, grant=grant, on=clock.today())
            done.taken_back += 1
    account = seat.account
    if account is None:
        account = accounts.open_account(by=by, person=seat.person)
        done.new += 1
    if not seat.granted and account.pk != by.pk:
        try:
            accounts.grant(by=by, account=account, role=seat.role, node=seat.node, starts_on=clock.today())
        except accounts.AccountError as error:
            done.left_out.append(f"{_name(seat)}　{seat.person.name}：{error}")
            return
    if account.activated:
        return
    if not (answer := may_manage(by, account)):
        done.left_out.append(f"{_name(seat)}　{seat.person.name}：{answer.reason}")
        return
    issued = accounts.issue_code(by=by, account=account, purpose=ActivationCode.Purpose.ACTIVATE)
    done.slips.append(slip(issued, unit=_name(seat), post=seat.role.label))


def _name(seat: Seat) -> str:
    return str(seat.node.name)  # type: ignore[attr-defined]


def slip(issued: accounts.IssuedCode, *, unit: str, post: str) -> Slip:
    """Return the slip of a code just issued."""
    account = issued.account
    return Slip(unit, account.get_full_name(), post, account.username, issued.code, issued.expires_at)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Whom a new account is for: a person of the register, or one to enter into it."""

    name: str
    number: str = ""
    person: Person | None = None
    username: str = ""


@transaction.atomic
def add_account(
    *, by: Account, newcomer: Newcomer, role: Role, node: Branch, starts_on: dt.date, ends_on: dt.date | None = None
) -> accounts.IssuedCode:
    """Open an account with one role and issue its code. Raises AccountError for what `by` may not hand out."""
    if not (answer := may_hand_out(by, role, node)):
        raise accounts.AccountError(answer.reason)
    person = newcomer.person or tree.add_person(
        by=by, name=newcomer.name, number=newcomer.number or None, unit=None if node.level == "committee" else node
    )
    account = accounts.open_account(by=by, person=person, username=newcomer.username)
    accounts.grant(by=by, account=account, role=role, node=node, starts_on=starts_on, ends_on=ends_on)
    return accounts.issue_code(by=by, account=account, purpose=ActivationCode.Purpose.ACTIVATE)
