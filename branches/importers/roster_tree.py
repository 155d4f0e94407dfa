"""The present tree as the roster import sees it, read in a few queries whatever its size."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from branches.intake.matching import name_key
from branches.models import Appointment, Branch, BranchProfile


@dataclass
class Node:
    """One 党支部 with every fact a roster may state."""

    branch: Any  # a Branch annotated by as_of
    unit_id: int | None
    unit: str  # the name of its 党总支, "" directly under the root
    profile: BranchProfile | None = None
    secretary: Appointment | None = None

    @property
    def name(self) -> str:
        """The present full name."""
        return str(self.branch.name)


@dataclass
class Tree:
    """The nodes below the root today."""

    root: Branch
    units: dict[str, Any] = field(default_factory=dict)  # annotated branches by name_key
    nodes: dict[int, Node] = field(default_factory=dict)
    codes: dict[str, Branch] = field(default_factory=dict)  # every code in use, closed nodes too, in small letters

    def unit_names(self) -> list[str]:
        """Return the present names of the general branches."""
        return [str(unit.name) for unit in self.units.values()]

    def by_code(self, code: str) -> Node | None:
        """Return the node with a code, letter case ignored."""
        branch = self.codes.get(code.casefold()) if code else None
        return self.nodes.get(branch.pk) if branch else None


def load_tree(root: Branch, day: dt.date) -> Tree:
    """Read the nodes placed below `root` on `day` with profiles and secretaries."""
    tree = Tree(root, codes={branch.code.casefold(): branch for branch in Branch.objects.all()})
    placed: dict[int, Any] = {branch.pk: branch for branch in Branch.objects.as_of(day)}
    for branch in placed.values():
        if branch.pk != root.pk and _below(branch, placed, root):
            if branch.level == Branch.Level.GENERAL_BRANCH:
                tree.units[name_key(branch.name)] = branch
            elif branch.level == Branch.Level.BRANCH:
                parent = placed.get(branch.parent_id)
                inside = parent is not None and parent.level == Branch.Level.GENERAL_BRANCH
                tree.nodes[branch.pk] = Node(
                    branch, parent.pk if parent and inside else None, parent.name if parent and inside else ""
                )
    for profile in BranchProfile.objects.filter(branch__in=list(tree.nodes)):
        tree.nodes[profile.branch_id].profile = profile
    held = Appointment.objects.filter(branch__in=list(tree.nodes), ends_on__isnull=True).secretaries()
    for appointment in held.select_related("person"):
        tree.nodes[appointment.branch_id].secretary = appointment
    return tree


def _below(branch: Any, placed: dict[int, Any], root: Branch) -> bool:
    seen: set[int] = set()
    here = branch
    while here is not None and here.pk not in seen:
        if here.pk == root.pk:
            return True
        seen.add(here.pk)
        here = placed.get(here.parent_id)
    return False
