"""Accounts that may be chosen for a task of talks: who holds a role with an action, near a unit first."""

from collections.abc import Iterable

from django.db.models import QuerySet

from branches import clock
from branches.directory import names_of
from branches.models import Account, Branch, Role, RoleGrant
from branches.permissions import GRANTS, Action


def accounts_with(action: Action, unit: Branch | None = None, *, everywhere: bool = False) -> QuerySet[Account]:
    """Return active accounts whose role carries `action`: those of 党总支 and above, and those of `unit` itself.

    `everywhere` adds those of all branches.
    """
    held = [role for role in Role if action in GRANTS[role]]
    grants = RoleGrant.objects.on(clock.today()).filter(role__in=held)
    above = grants if everywhere else grants.exclude(node__level=Branch.Level.BRANCH)
    near = grants.filter(node=unit) if unit is not None else grants.none()
    chosen = above.values("account").union(near.values("account"))
    rows = Account.objects.filter(pk__in=chosen, is_active=True).select_related("person")
    return rows.order_by("person__initials", "person__name", "pk")


def told(accounts: Iterable[Account]) -> dict[int, str]:
    """Return how to tell each account from others of the name: post, unit and role."""
    rows = {account.pk: account for account in accounts}
    grants = RoleGrant.objects.on(clock.today()).filter(account__in=rows).order_by("node__level", "pk")
    held: dict[int, tuple[int, str]] = {}
    for holder, node, role in grants.values_list("account", "node", "role"):
        held.setdefault(holder, (node, Role(role).label))
    names = names_of(node for node, _role in held.values())
    found = {}
    for pk, account in rows.items():
        unit, label = held.get(pk, (0, ""))
        facts = [account.person.title if account.person else "", names.get(unit, ""), label]
        said = "，".join(fact for fact in facts if fact)
        found[pk] = f"{account.get_full_name()}（{said}）" if said else account.get_full_name()
    return found


def receivers() -> QuerySet[Account]:
    """Return the accounts that can receive an emergency report today."""
    return accounts_with(Action.RECEIVE_EMERGENCY, everywhere=True).order_by()
