"""Models of rectification."""

from rectification.models.contacts import Contact
from rectification.models.dispatch import DigestChoice, DigestRun, Dispatch, DispatchLine
from rectification.models.item import Checkpoint, Item, ItemQuerySet, Status
from rectification.models.meeting import Absence, MeetingRecord
from rectification.models.plan import (
    DIRECT,
    GROUP_ORDER,
    Plan,
    PlanQuerySet,
    below_group,
    group_fields,
    group_order,
    of_group,
)  # fmt: skip
from rectification.models.progress import Change, ItemFile, ItemOwnedQuerySet, Progress, Recheck, Verification
from rectification.models.receipt import PlanReceipt
from rectification.models.settings import Category, Dimension, RectificationRules, YearClosing
from rectification.models.supervision import NoticeItem, NoticeReply, NoticeSeries, SupervisionNotice
from rectification.models.visits import Visit, VisitFinding

__all__ = [
    "DIRECT",
    "GROUP_ORDER",
    "Absence",
    "Category",
    "Change",
    "Checkpoint",
    "Contact",
    "DigestChoice",
    "DigestRun",
    "Dimension",
    "Dispatch",
    "DispatchLine",
    "Item",
    "ItemFile",
    "ItemOwnedQuerySet",
    "ItemQuerySet",
    "MeetingRecord",
    "NoticeItem",
    "NoticeReply",
    "NoticeSeries",
    "Plan",
    "PlanQuerySet",
    "PlanReceipt",
    "Progress",
    "Recheck",
    "RectificationRules",
    "Status",
    "SupervisionNotice",
    "Verification",
    "Visit",
    "VisitFinding",
    "YearClosing",
    "below_group",
    "group_fields",
    "group_order",
    "of_group",
]
