"""Models of grading."""

from grading.models.ballots import (
    BallotBox,
    BallotCode,
    CodeExchange,
    KeyCustody,
    ProblemBox,
    ProblemCount,
    SealedBallot,
)
from grading.models.confirmation import Confirmation, confirmed
from grading.models.correction import Correction
from grading.models.forms import PLAIN_TITLES, FormName, RoundForm, form_names
from grading.models.guidance import LocalGuidance
from grading.models.paper_counts import CountEntry
from grading.models.preset import Preset
from grading.models.promotion import Comparison, FallReason, GradeMatch
from grading.models.publicity import Objection, PublicityGrade, PublicityLine, PublicityNotice, PublicityPlan
from grading.models.receipt import Receipt, RoundSnapshot
from grading.models.result import Result
from grading.models.round import (
    AnnualPoints,
    AppraisalOption,
    Cap,
    CutOff,
    Gate,
    Round,
    RoundReturn,
    RoundRubric,
    RoundStep,
    Source,
    SurveyCheck,
    VetoItem,
)
from grading.models.rubric import Criterion, Grade, GradeScale, Level, Rubric, Section, totals_by_section
from grading.models.sheet import Assessment, Evidence, EvidenceUse, Score
from grading.models.sources import AnnualResult, AppraisalCount, Exemption
from grading.models.spot_checks import SpotCheck, SpotCheckDraw, SpotCheckInspector, SpotCheckRule
from grading.models.training import Training
from grading.models.unit import (
    Extension,
    RoundUnit,
    Survey,
    SurveyFinding,
    VetoFinding,
    VetoReview,
    due_on,
    reach,
)
from grading.models.voters import VoterGroup

__all__ = [
    "PLAIN_TITLES",
    "AnnualPoints",
    "AnnualResult",
    "AppraisalCount",
    "AppraisalOption",
    "Assessment",
    "BallotBox",
    "BallotCode",
    "Cap",
    "CodeExchange",
    "Comparison",
    "Confirmation",
    "Correction",
    "CountEntry",
    "Criterion",
    "CutOff",
    "Evidence",
    "EvidenceUse",
    "Exemption",
    "Extension",
    "FallReason",
    "FormName",
    "Gate",
    "Grade",
    "GradeMatch",
    "GradeScale",
    "KeyCustody",
    "Level",
    "LocalGuidance",
    "Objection",
    "Preset",
    "ProblemBox",
    "ProblemCount",
    "PublicityGrade",
    "PublicityLine",
    "PublicityNotice",
    "PublicityPlan",
    "Receipt",
    "Result",
    "Round",
    "RoundForm",
    "RoundReturn",
    "RoundRubric",
    "RoundSnapshot",
    "RoundStep",
    "RoundUnit",
    "Rubric",
    "Score",
    "SealedBallot",
    "Section",
    "Source",
    "SpotCheck",
    "SpotCheckDraw",
    "SpotCheckInspector",
    "SpotCheckRule",
    "Survey",
    "SurveyCheck",
    "SurveyFinding",
    "Training",
    "VetoFinding",
    "VetoItem",
    "VetoReview",
    "VoterGroup",
    "confirmed",
    "due_on",
    "form_names",
    "reach",
    "totals_by_section",
]
