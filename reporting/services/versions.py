"""How new the data is, cheaply: the number of the last audit entry about anything an annex shows.

Every service function writes its entry in the transaction of its change, so a change that an annex could show always
raises this number. Who took a file away changed nothing: such entries end in `.downloaded` and do not count.
"""

import datetime as dt

from django.db.models import Max, Q

from branches.models import AuditEntry, Placement

_SHOWN = Q(thing__startswith="grading.") | Q(thing__startswith="rectification.")
_OF_BRANCHES = (
    "appointment", "branch", "branchprofile", "campaign", "category", "deliverable", "person", "placement", "stage",
    "succession", "target",
)  # fmt: skip
_SHOWN |= Q(thing__in=[f"branches.{name}" for name in _OF_BRANCHES])
_SHOWN &= ~Q(action__endswith=".downloaded")


class Changes:
    """What changed after a version of the data, and which nodes of the tree it touches; three queries at most."""

    def __init__(self, since: int) -> None:
        """Read the newest change of each node, and who stands above whom today."""
        rows = AuditEntry.objects.filter(_SHOWN, pk__gt=since).order_by().values_list("branch_id")
        self._newest = list(rows.annotate(Max("pk"), Max("at")))
        self._above: dict[int, int | None] = {}
        if self._newest:
            held = Placement.objects.filter(ends_on__isnull=True)
            self._above = dict(held.values_list("branch_id", "parent_id"))

    def at(self, unit_id: int | None, since: int) -> dt.datetime | None:
        """Return when something last changed that a document about a node could show: at, below or above the node."""
        touching = [at for branch, pk, at in self._newest if pk > since and self._touches(branch, unit_id)]
        return max(touching, default=None)

    def _touches(self, branch: int | None, unit_id: int | None) -> bool:
        if branch is None or unit_id is None:
            return True
        return unit_id in self._line(branch) or branch in self._line(unit_id)

    def _line(self, node: int) -> set[int]:
        """Return a node and all above it."""
        found: set[int] = set()
        step: int | None = node
        while step is not None and step not in found:
            found.add(step)
            step = self._above.get(step)
        return found


def data_version() -> int:
    """Return a number that grows with every change of what exports show; 0 for an empty system."""
    return AuditEntry.objects.filter(_SHOWN).order_by("-pk").values_list("pk", flat=True).first() or 0
