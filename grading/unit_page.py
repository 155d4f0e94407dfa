"""The overview of one branch in one round: its steps, who is at work on them, and what is still missing."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from branches import clock, wording
from branches.models import BranchProfile
from grading.models import Assessment, Receipt, Result, Round, RoundStep, RoundUnit, Source, Survey
from grading.services.results import standing
from grading.services.rounds import deadline
from grading.services.survey import blanks
from grading.services.ungraded import ungraded_composites


@dataclass(slots=True)
class Line:
    """One step of a branch: its state as a shape and a word, a fact, and where to go."""

    title: str
    kind: str
    state: str
    fact: str = ""
    due_on: dt.date | None = None
    late: bool = False
    links: list[tuple[str, str]] = field(default_factory=list)


FULL = 100
SHAPES = {
    Assessment.State.DRAFT: "info",
    Assessment.State.SUBMITTED: "ok",
    Assessment.State.RETURNED: "warn",
    Assessment.State.ACCEPTED: "ok",
}


@dataclass(slots=True)
class UnitPage:
    """Everything the overview shows."""

    unit: RoundUnit
    assessments: dict[str, Assessment]
    surveys: dict[str, Survey]
    result: Result | None
    profile_blanks: list[str]
    survey_blanks: list[str]
    superior_blanks: list[str]
    full: Decimal = Decimal(100)
    ungraded_composite: Decimal | None = None

    def due(self, code: str) -> dt.date | None:
        """Return the last day of a step for this branch."""
        return deadline(self.unit, code)

    @property
    def decide_due(self) -> dt.date | None:
        """The last day of deciding."""
        return self.due(RoundStep.Code.DECIDE)

    @property
    def own(self) -> Assessment | None:
        """The branch's own sheet."""
        return self.assessments.get(Source.SELF)

    @property
    def receipt(self) -> Receipt | None:
        """The receipt of the branch's last filing."""
        return next(iter(self.own.receipts.all()), None) if self.own is not None else None

    @property
    def superior(self) -> Assessment | None:
        """The 党总支's sheet."""
        return self.assessments.get(Source.SUPERIOR)

    def has_step(self, code: str) -> bool:
        """Tell whether the round has a step."""
        return any(step.code == code for step in self.unit.round.steps.all())

    def sheet_line(self, source: Source) -> Line:
        """Return the step of one sheet."""
        sheet = self.assessments.get(source.code)
        if sheet is None:
            return Line(source.name, "todo", "未开始", due_on=self.due(source.code))
        fact = self.points_said(sheet.earned) if sheet.earned is not None else f"已填 {sheet.answered} 条"
        shape = SHAPES[Assessment.State(sheet.state)]
        due = None if shape == "ok" else self.due(source.code)
        state = sheet.get_state_display()
        if source.code != Source.SELF:
            state = "已评完" if shape == "ok" else "评分中"
        return Line(source.name, shape, state, fact, due, late=sheet.late)

    def points_said(self, earned: Decimal) -> str:
        """Return the points of a sheet, with the full marks where they are not 100."""
        out_of = "" if self.full == FULL else f"（满分 {wording.points(self.full)}，综合时折成百分制）"
        return f"{wording.score1(earned)} 分{out_of}"

    def survey_line(self, side: str) -> Line:
        """Return the step of one side's survey."""
        left = self.survey_blanks if side == Survey.By.BRANCH else self.superior_blanks
        title = "调查摸底（支部）" if side == Survey.By.BRANCH else "调查摸底（党总支走访）"
        if side not in self.surveys:
            return Line(title, "todo", "未开始", due_on=self.due(RoundStep.Code.SURVEY))
        if left:
            return Line(title, "info", "填写中", f"还缺 {len(left)} 项", self.due(RoundStep.Code.SURVEY))
        return Line(
            title, "ok", "已完成", self.surveys[side].saved_by.get_full_name() if self.surveys[side].saved_by else ""
        )


def _appraised(unit: RoundUnit, assessments: Mapping[str, Assessment]) -> bool:
    """Tell whether there is more to reckon with than what the branch says of itself: 200 file in the same minutes."""
    if unit.round.state not in (Round.State.PREPARING, Round.State.SELF) or assessments.keys() - {Source.SELF}:
        return True
    return unit.appraisals.exists() or unit.annual_results.exists()


def build(unit: RoundUnit) -> UnitPage:
    """Return the overview of a unit."""
    sheets = Assessment.objects.filter(unit=unit).select_related("source", "submitted_by__person")
    sheets = sheets.prefetch_related("receipts")
    surveys = Survey.objects.filter(unit=unit).select_related("saved_by__person")
    profile = BranchProfile.objects.filter(branch=unit.branch_id).first()
    assessments = {sheet.source.code: sheet for sheet in sheets}
    found = standing(unit.round, [unit], now=clock.now(), reckon=_appraised(unit, assessments))
    return UnitPage(
        unit=unit,
        assessments=assessments,
        surveys={row.by: row for row in surveys},
        result=found.get(unit.pk),
        profile_blanks=profile.blanks() if profile else ["支部基本情况"],
        survey_blanks=blanks(unit, Survey.By.BRANCH),
        superior_blanks=blanks(unit, Survey.By.SUPERIOR),
        full=sum((section.points for section in unit.rubric.sections.all()), Decimal(0)),
        ungraded_composite=ungraded_composites([unit]).get(unit.pk),
    )
