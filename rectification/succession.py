"""What happens to open items when the tree changes: discovered at start, called by the services of the tree."""

from branches import clock
from branches.registries import TreeChange, tree_change
from rectification.services import closing, supervision_closing


@tree_change
def hand_items_on(change: TreeChange) -> None:
    """Hand on or end the open items of a branch that ended, and follow one that moved to its new superior."""
    closing.follow_tree(change, now=clock.now())


@tree_change
def end_supervision(change: TreeChange) -> None:
    """Leave no 督办单 and no 定点联系人 with a branch that ended."""
    if change.kind == TreeChange.ENDED:
        supervision_closing.end_of_branch(by=change.by, branch=change.branch, now=clock.now())
