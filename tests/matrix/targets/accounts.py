"""Targets about accounts: somebody's account, its roles, the seats of a unit."""

from branches.models import Role
from tests.factories.branches import holder
from tests.matrix.targets import Call, target
from tests.matrix.world import World


def _holder(world: World, relation: str):
    if relation == "above":
        return holder(Role.OFFICE, world.school.root)
    return holder(Role.SECRETARY, world.branch("own" if relation == "foreign_key" else relation))


@target("account", "own", "sibling", "other", "above")
def account(world: World, relation: str, _name: str) -> Call:
    """The account of the secretary of a branch; `above`: that of an officer of the whole school."""
    return Call({"pk": _holder(world, relation).pk}, {"active": "0", "reason": "本人持工作证来办"})


@target("account_grant", "own", "sibling", "other", "above", "foreign_key")
def account_grant(world: World, relation: str, _name: str) -> Call:
    """A role for such an account; `foreign_key`: the account is of my unit, the node in the form is of another."""
    node = world.branch("other") if relation == "foreign_key" else world.school.software
    data = {"role": Role.CLERK, "node": node.pk, "starts_on": "2026-01-01"}
    return Call({"pk": _holder(world, relation).pk}, data)


@target("account_role", "own", "sibling", "other", "above", "foreign_child")
def account_role(world: World, relation: str, _name: str) -> Call:
    """A role of such an account, to be taken back; `foreign_child`: my account in the address, another's role."""
    mine = _holder(world, "own" if relation == "foreign_child" else relation)
    row = (_holder(world, "other") if relation == "foreign_child" else mine).grants.get()
    return Call({"pk": mine.pk, "grant_pk": row.pk})


@target("unit_seats", "own", "other")
def unit_seats(world: World, relation: str, _name: str) -> Call:
    """The secretaries of a 党总支, who get codes."""
    unit = world.unit(relation)
    return Call({}, {"unit": unit.pk}, query=f"?unit={unit.pk}")
