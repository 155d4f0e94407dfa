"""Models of talks: who there is, who visits whom, what units report."""

from interviews.models.assignments import Assignment, CoverageCount
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
    "CoverageCount",
    "FocusGroup",
    "FocusMembership",
    "PersonCategory",
    "ProgressReport",
    "ReportPeriod",
    "ReportSection",
    "ReportText",
    "RosterEntry",
    "RuleFrequency",
    "Topic",
    "TutorLink",
    "VisitRule",
    "VisitSettings",
    "entry_of",
]
