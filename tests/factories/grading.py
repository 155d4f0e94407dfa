"""Factories of grading; `opened_round()` opens a small round by the 2012 preset on the tree of `school()`."""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import factory
from django.conf import settings
from factory.django import DjangoModelFactory

from branches import clock
from branches import models as branch_models
from grading import models
from grading.services import presets, rounds, sheets
from tests.factories import branches

PRESET_2012 = Path(settings.BASE_DIR) / "presets" / "2012"


class RubricFactory(DjangoModelFactory):
    class Meta:
        model = models.Rubric

    code = factory.Sequence(lambda n: f"rubric-{n + 1}")
    title = "教师党支部分类定级评分参考标准"
    form_code = "附件2"


class SectionFactory(DjangoModelFactory):
    class Meta:
        model = models.Section

    rubric = factory.SubFactory(RubricFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    code = factory.Sequence(lambda n: f"S{n + 1}")
    name = "领导班子好"
    points = Decimal(5)


class CriterionFactory(DjangoModelFactory):
    class Meta:
        model = models.Criterion

    section = factory.SubFactory(SectionFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    code = factory.Sequence(lambda n: f"K{n + 1}")
    text = "支委配备齐全，按期换届"
    points = Decimal(5)


class LevelFactory(DjangoModelFactory):
    class Meta:
        model = models.Level

    criterion = factory.SubFactory(CriterionFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    label = "健全"
    points = Decimal(2)


class GradeScaleFactory(DjangoModelFactory):
    class Meta:
        model = models.GradeScale

    code = factory.Sequence(lambda n: f"scale-{n + 1}")
    name = "四级"


class GradeFactory(DjangoModelFactory):
    class Meta:
        model = models.Grade

    scale = factory.SubFactory(GradeScaleFactory)
    rank = factory.Sequence(lambda n: n + 1)
    code = factory.Sequence(lambda n: f"grade-{n + 1}")
    label = factory.Sequence(lambda n: f"第{n + 1}等")


class PresetFactory(DjangoModelFactory):
    class Meta:
        model = models.Preset

    code = factory.Sequence(lambda n: f"preset-{n + 1}")
    title = "2012年基层组织建设年"
    digest = "00" * 32
    loaded_at = factory.LazyFunction(clock.now)


class RoundFactory(DjangoModelFactory):
    class Meta:
        model = models.Round

    campaign = factory.SubFactory(branches.CampaignFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    name = "第一轮"
    scale = factory.SubFactory(GradeScaleFactory)
    deciding_level = models.Round.DecidingLevel.GENERAL_BRANCH


class RoundStepFactory(DjangoModelFactory):
    class Meta:
        model = models.RoundStep

    round = factory.SubFactory(RoundFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    code = models.RoundStep.Code.SELF
    name = "支部自评"
    due_on = dt.date(2012, 3, 29)


class RoundRubricFactory(DjangoModelFactory):
    class Meta:
        model = models.RoundRubric

    round = factory.SubFactory(RoundFactory)
    category = factory.SubFactory(branches.CategoryFactory)
    rubric = factory.SubFactory(RubricFactory)


class RoundReturnFactory(DjangoModelFactory):
    class Meta:
        model = models.RoundReturn

    round = factory.SubFactory(RoundFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    kind = "annex5"
    level = models.RoundReturn.Level.GENERAL_BRANCH
    name = "附件5 党支部分类定级汇总表"


class RoundFormFactory(DjangoModelFactory):
    class Meta:
        model = models.RoundForm

    round = factory.SubFactory(RoundFactory)
    kind = models.RoundForm.Kind.ANNEX5
    number = "表三"
    title = "党支部星级评定汇总表"


class SourceFactory(DjangoModelFactory):
    class Meta:
        model = models.Source

    round = factory.SubFactory(RoundFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    code = models.Source.SELF
    name = "支部自评"
    kind = models.Source.Kind.SHEET
    weight = Decimal(20)


class AppraisalOptionFactory(DjangoModelFactory):
    class Meta:
        model = models.AppraisalOption

    source = factory.SubFactory(SourceFactory, kind=models.Source.Kind.APPRAISAL, code="appraisal")
    ordinal = factory.Sequence(lambda n: n + 1)
    code = "satisfied"
    label = "满意"
    points = Decimal(100)
    satisfied = True


class AnnualPointsFactory(DjangoModelFactory):
    class Meta:
        model = models.AnnualPoints

    source = factory.SubFactory(SourceFactory, kind=models.Source.Kind.ANNUAL, code="annual")
    ordinal = factory.Sequence(lambda n: n + 1)
    label = "优秀"
    points = Decimal(95)


class CutOffFactory(DjangoModelFactory):
    class Meta:
        model = models.CutOff

    round = factory.SubFactory(RoundFactory)
    grade = factory.SubFactory(GradeFactory)
    minimum = Decimal(90)


class GateFactory(DjangoModelFactory):
    class Meta:
        model = models.Gate

    round = factory.SubFactory(RoundFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    figure = "satisfaction"
    name = "满意率"
    minimum = Decimal(90)
    best = factory.SubFactory(GradeFactory)


class VetoItemFactory(DjangoModelFactory):
    class Meta:
        model = models.VetoItem

    round = factory.SubFactory(RoundFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    code = factory.Sequence(lambda n: f"veto-{n + 1}")
    text = "材料造假"
    grade = factory.SubFactory(GradeFactory)


class CapFactory(DjangoModelFactory):
    class Meta:
        model = models.Cap

    round = factory.SubFactory(RoundFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    grade = factory.SubFactory(GradeFactory)
    value = Decimal(30)


class SurveyCheckFactory(DjangoModelFactory):
    class Meta:
        model = models.SurveyCheck

    round = factory.SubFactory(RoundFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    code = factory.Sequence(lambda n: f"check-{n + 1}")
    text = "组织设置是否合理"


class RoundUnitFactory(DjangoModelFactory):
    class Meta:
        model = models.RoundUnit

    round = factory.SubFactory(RoundFactory)
    branch = factory.SubFactory(branches.BranchFactory)
    code = factory.LazyAttribute(lambda o: o.branch.code)
    name = "软件工程教研室党支部"
    parent = factory.SubFactory(branches.BranchFactory, level=branch_models.Branch.Level.GENERAL_BRANCH)
    parent_code = factory.LazyAttribute(lambda o: o.parent.code)
    parent_name = "数学与计算机科学学院党总支"
    category = factory.SubFactory(branches.CategoryFactory)
    category_name = "教师"
    rubric = factory.SubFactory(RubricFactory)


class ExtensionFactory(DjangoModelFactory):
    class Meta:
        model = models.Extension

    unit = factory.SubFactory(RoundUnitFactory)
    step = factory.SubFactory(RoundStepFactory, round=factory.SelfAttribute("..unit.round"))
    until = dt.date(2012, 4, 5)
    reason = "书记出差"
    granted_at = factory.LazyFunction(clock.now)


class SurveyFactory(DjangoModelFactory):
    class Meta:
        model = models.Survey

    unit = factory.SubFactory(RoundUnitFactory)
    by = models.Survey.By.BRANCH
    saved_at = factory.LazyFunction(clock.now)


class SurveyFindingFactory(DjangoModelFactory):
    class Meta:
        model = models.SurveyFinding

    survey = factory.SubFactory(SurveyFactory)
    check_item = factory.SubFactory(SurveyCheckFactory, round=factory.SelfAttribute("..survey.unit.round"))
    finding = models.SurveyFinding.Finding.GOOD


class VetoReviewFactory(DjangoModelFactory):
    class Meta:
        model = models.VetoReview

    unit = factory.SubFactory(RoundUnitFactory)
    reviewed_at = factory.LazyFunction(clock.now)


class VetoFindingFactory(DjangoModelFactory):
    class Meta:
        model = models.VetoFinding

    unit = factory.SubFactory(RoundUnitFactory)
    item = factory.SubFactory(VetoItemFactory, round=factory.SelfAttribute("..unit.round"))
    note = "督查通报"
    established_at = factory.LazyFunction(clock.now)


class AssessmentFactory(DjangoModelFactory):
    class Meta:
        model = models.Assessment

    unit = factory.SubFactory(RoundUnitFactory)
    source = factory.SubFactory(SourceFactory, round=factory.SelfAttribute("..unit.round"))


class ScoreFactory(DjangoModelFactory):
    class Meta:
        model = models.Score

    assessment = factory.SubFactory(AssessmentFactory)
    criterion = factory.SubFactory(CriterionFactory)
    points = Decimal(4)


class EvidenceFactory(DjangoModelFactory):
    class Meta:
        model = models.Evidence

    unit = factory.SubFactory(RoundUnitFactory)
    file = factory.Sequence(lambda n: f"evidence/00/{n:040d}.pdf")
    name = "学习记录.pdf"
    size = 1200
    sha256 = factory.Sequence(lambda n: f"{n:064d}")
    content_type = "application/pdf"
    uploaded_at = factory.LazyFunction(clock.now)


class EvidenceUseFactory(DjangoModelFactory):
    class Meta:
        model = models.EvidenceUse

    evidence = factory.SubFactory(EvidenceFactory)
    criterion = factory.SubFactory(CriterionFactory)


class AnnualResultFactory(DjangoModelFactory):
    class Meta:
        model = models.AnnualResult

    unit = factory.SubFactory(RoundUnitFactory)
    source = factory.SubFactory(
        SourceFactory, kind=models.Source.Kind.ANNUAL, code="annual", round=factory.SelfAttribute("..unit.round")
    )
    label = "优秀"
    recorded_at = factory.LazyFunction(clock.now)


class AppraisalCountFactory(DjangoModelFactory):
    class Meta:
        model = models.AppraisalCount

    unit = factory.SubFactory(RoundUnitFactory)
    source = factory.SubFactory(
        SourceFactory, kind=models.Source.Kind.APPRAISAL, code="appraisal", round=factory.SelfAttribute("..unit.round")
    )
    issued = 30
    returned = 29
    valid = 28
    counts = factory.LazyFunction(lambda: {"satisfied": 18, "fairly": 7, "unsatisfied": 3})
    counted = 28
    recorded_at = factory.LazyFunction(clock.now)


class ExemptionFactory(DjangoModelFactory):
    class Meta:
        model = models.Exemption

    unit = factory.SubFactory(RoundUnitFactory)
    source = factory.SubFactory(SourceFactory, round=factory.SelfAttribute("..unit.round"))
    reason = "不参加考核"
    granted_at = factory.LazyFunction(clock.now)


class ResultFactory(DjangoModelFactory):
    class Meta:
        model = models.Result

    unit = factory.SubFactory(RoundUnitFactory)
    rule_version = "办法 第1版"
    algorithm = 1
    computed_at = factory.LazyFunction(clock.now)


@dataclass(slots=True)
class Grading:
    """An open first round of 2012 on `school()`: round, units by branch code, and the campaign's tree."""

    school: branches.School
    round: models.Round
    units: dict[str, models.RoundUnit]

    def unit(self, name: str) -> models.RoundUnit:
        """Return the unit of a branch of the school by its attribute: software, algebra, chinese, history, direct."""
        return self.units[getattr(self.school, name).code]

    def source(self, code: str) -> models.Source:
        """Return a source of the round."""
        return self.round.sources.get(code=code)


def campaign(root: branch_models.Branch, **plan) -> branch_models.Campaign:
    """Load the 2012 preset and open its campaign, rounds in preparation."""
    presets.load_preset(by=None, path=PRESET_2012)
    preset = models.Preset.objects.newest().get(code="2012")
    return presets.open_campaign(by=None, preset=preset, root=root, plan=presets.CampaignPlan(**plan))


def opened_round(tree: branches.School | None = None, *, ordinal: int = 1, **plan) -> Grading:
    """Open a round of the 2012 preset; `plan` goes to the campaign (starts_on, backfill …)."""
    tree = tree or branches.school()
    opened = campaign(tree.root, **({"backfill": True} | plan))
    round_ = rounds.open_round(by=None, round_=opened.rounds.get(ordinal=ordinal), now=clock.now())
    units = {unit.code: unit for unit in round_.units.select_related("round__campaign", "rubric", "branch")}
    return Grading(tree, round_, units)


def fill(
    unit: models.RoundUnit, source: str = "self", *, lose: Decimal | int = 0, by: branch_models.Account | None = None
) -> models.Assessment:
    """Fill a sheet completely, `lose` points short of full marks, and hand it in."""
    sheet = sheets.sheet_for(by=by, unit=unit, source=unit.round.sources.get(code=source))
    left, entries = Decimal(lose), {}
    for item in models.Criterion.objects.filter(section__rubric=unit.rubric).order_by("section__ordinal", "ordinal"):
        taken = min(left, item.points)
        left -= taken
        entries[item.code] = sheets.ScoreInput(item.points - taken)
    sheet = sheets.save_scores(by=by, assessment=sheet, version=sheet.version, entries=entries, now=clock.now())
    if source == models.Source.SELF:
        sheet = sheets.submit(by=by, assessment=sheet, now=clock.now())
    return sheet
