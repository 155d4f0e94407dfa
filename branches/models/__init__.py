"""Models of the organisation and its campaigns."""

from branches.models.calendar import CalendarDay, CalendarYear
from branches.models.campaign import Campaign, CampaignMember, Deliverable, Stage, Target
from branches.models.people import (
    Account,
    ActivationCode,
    Appointment,
    ExternalIdentity,
    Person,
    Role,
    RoleGrant,
)
from branches.models.records import (
    AuditDetail,
    AuditEntry,
    AuditSeal,
    Draft,
    HeaderWord,
    TransitionLog,
    Upload,
)
from branches.models.tree import Branch, BranchProfile, Category, Placement, Succession

__all__ = [
    "Account", "ActivationCode", "Appointment", "AuditDetail", "AuditEntry", "AuditSeal", "Branch", "BranchProfile",
    "CalendarDay", "CalendarYear", "Campaign", "CampaignMember", "Category", "Deliverable", "Draft",
    "ExternalIdentity", "HeaderWord", "Person",
    "Placement", "Role", "RoleGrant", "Stage", "Succession", "Target", "TransitionLog", "Upload",
]  # fmt: skip
