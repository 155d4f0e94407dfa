"""Models of talks: who there is, who visits whom, what units report."""

from interviews.models.access import Reader, Reading, SealedRecord, SealedText, SealedVersion
from interviews.models.assignments import Assignment
from interviews.models.confidence import ConfidenceRules, Notice
from interviews.models.emergency import EmergencyContact, EmergencyReport, EmergencyStep
from interviews.models.figures import ShownFigures
from interviews.models.follow_ups import FollowUp
from interviews.models.interview import Interview, InterviewSubject
from interviews.models.matters import Matter, MatterCategory
from interviews.models.reports import ProgressReport, ReportPeriod, ReportSection, ReportText
from interviews.models.roster import (
    ClassGroup,
    FocusGroup,
    FocusMembership,
    PersonCategory,
    RosterEntry,
    TutorLink,
    entry_of,
)
from interviews.models.rules import RuleFrequency, VisitRule, VisitSettings
from interviews.models.words import Channel, Topic

__all__ = [
    "Assignment",
    "Channel",
    "ClassGroup",
    "ConfidenceRules",
    "EmergencyContact",
    "EmergencyReport",
    "EmergencyStep",
    "FocusGroup",
    "FocusMembership",
    "FollowUp",
    "Interview",
    "InterviewSubject",
    "Matter",
    "MatterCategory",
    "Notice",
    "PersonCategory",
    "ProgressReport",
    "Reader",
    "Reading",
    "ReportPeriod",
    "ReportSection",
    "ReportText",
    "RosterEntry",
    "RuleFrequency",
    "SealedRecord",
    "SealedText",
    "SealedVersion",
    "ShownFigures",
    "Topic",
    "TutorLink",
    "VisitRule",
    "VisitSettings",
    "entry_of",
]
