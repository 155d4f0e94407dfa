"""A tree that only has a root, where `opened_round` wants one."""

from dataclasses import dataclass

from branches.models import Branch


@dataclass(frozen=True, slots=True)
class Tree:
    """The root below which a roster was imported."""

    root: Branch
