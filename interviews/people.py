"""Accounts that may be chosen for a task of talks: who holds a role with an action, near a unit first."""

from django.db.models import QuerySet

from branches import clock
from branches.models import Account, Branch, Role, RoleGrant
from branches.permissions import GRANTS, Action


def accounts_with(action: Action, unit: Branch | None = None) -> QuerySet[Account]:
    """Return active accounts whose role carries `action`: those of 党总支 and above, and those of `unit` itself."""
    held = [role for role in Role if action in GRANTS[role]]
    grants = RoleGrant.objects.on(clock.today()).filter(role__in=held)
    above = grants.exclude(node__level=Branch.Level.BRANCH)
    near = grants.filter(node=unit) if unit is not None else grants.none()
    chosen = above.values("account").union(near.values("account"))
    rows = Account.objects.filter(pk__in=chosen, is_active=True).select_related("person")
    return rows.order_by("person__initials", "person__name", "pk")
