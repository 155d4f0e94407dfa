"""How new the data is, cheaply: the number of the last audit entry about anything an annex shows.

Every service function writes its entry in the transaction of its change, so a change that an annex could show always
raises this number.
"""

from django.db.models import Q

from branches.models import AuditEntry

_SHOWN = Q(thing__startswith="grading.") | Q(thing__startswith="rectification.")
_OF_BRANCHES = (
    "appointment", "branch", "branchprofile", "campaign", "category", "deliverable", "person", "placement", "stage",
    "succession", "target",
)  # fmt: skip
_SHOWN |= Q(thing__in=[f"branches.{name}" for name in _OF_BRANCHES])


def latest_change() -> AuditEntry | None:
    """Return the newest entry about data that exports show."""
    return AuditEntry.objects.filter(_SHOWN).order_by("-pk").first()


def data_version() -> int:
    """Return a number that grows with every change of what exports show; 0 for an empty system."""
    return AuditEntry.objects.filter(_SHOWN).order_by("-pk").values_list("pk", flat=True).first() or 0
