"""What happens to the roster of talks when the tree changes: called by the services of the tree."""

from branches.registries import TreeChange, tree_change
from interviews.services import following


@tree_change
def roster_follows(change: TreeChange) -> None:
    """Let the people of a unit that ended belong to the unit that goes on for it."""
    if change.kind == TreeChange.ENDED and change.followers:
        following.follow_unit(by=change.by, branch=change.branch, heir=change.followers[0])
