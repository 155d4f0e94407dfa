"""Models of rectification."""

from rectification.models.item import Checkpoint, Item, ItemQuerySet, Status
from rectification.models.meeting import Absence, MeetingRecord
from rectification.models.plan import Plan
from rectification.models.progress import Change, ItemFile, ItemOwnedQuerySet, Progress, Recheck, Verification
from rectification.models.settings import Category, Dimension, RectificationRules, YearClosing

__all__ = [
    "Absence",
    "Category",
    "Change",
    "Checkpoint",
    "Dimension",
    "Item",
    "ItemFile",
    "ItemOwnedQuerySet",
    "ItemQuerySet",
    "MeetingRecord",
    "Plan",
    "Progress",
    "Recheck",
    "RectificationRules",
    "Status",
    "Verification",
    "YearClosing",
]
