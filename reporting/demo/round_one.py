"""The demo's first round: some 党总支 have decided, some are scoring, some are still collecting self-assessments."""

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from django.conf import settings

from branches.models import Account, Branch, Campaign, Role, RoleGrant
from branches.transitions import BlockedError, Decision
from grading.models import (
    AnnualResult,
    AppraisalCount,
    Assessment,
    Criterion,
    Preset,
    Result,
    Round,
    RoundUnit,
    Score,
    Source,
    Survey,
    SurveyCheck,
    SurveyFinding,
    VetoReview,
)
from grading.services import presets, results, rounds
from reporting.demo import appraisal

SEED = 328
BATCH = 2000
DECIDED_SHARE, SCORED_SHARE, FILED_SHARE = 3, 6, 9  # of every twelve 党总支
MOST_DECIDED = 6
# The first 党总支, where the demo's roles land, is in the middle of its work.
IN_THE_MIDDLE = ("filing", "filed", "scored", "scored", "filed", "scored", "filed", "scored")
STEP = Decimal("0.5")

PROBLEMS = (
    "支委会分工不够明确，个别委员职责落实不到位。",
    "组织生活以念文件为主，形式较为单一。",
    "会议记录漏记请假人员，台账不够完整。",
    "在青年教师中发展党员力度不够。",
    "党建工作与教学科研结合不紧。",
    "毕业生党员去向掌握不全。",
    "没有相对固定的活动场所。",
    "群众意见有登记，反馈不够及时。",
)
NOTES = (
    "按专业设置，便于开展活动",
    "支委 3 人，分工明确",
    "三会一课等制度齐全",
    "有年度计划，围绕中心工作",
    "每月一次组织生活",
    "党员联系宿舍和班级",
    "经费按人均标准落实",
)


@dataclass(slots=True)
class _Rows:
    """Rows collected for a few bulk statements."""

    assessments: list[Assessment] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    surveys: list[Survey] = field(default_factory=list)
    findings: list[SurveyFinding] = field(default_factory=list)
    annual: list[AnnualResult] = field(default_factory=list)
    counts: list[AppraisalCount] = field(default_factory=list)
    vetoes: list[VetoReview] = field(default_factory=list)

    def write(self) -> None:
        """Write everything, parents first."""
        for model, rows in (
            (Assessment, self.assessments), (Score, self.scores), (Survey, self.surveys),
            (SurveyFinding, self.findings), (AnnualResult, self.annual), (AppraisalCount, self.counts),
            (VetoReview, self.vetoes),
        ):  # fmt: skip
            model.objects.bulk_create(rows, batch_size=BATCH)  # type: ignore[arg-type]


class Filler:
    """Makes up what branches and 党总支 entered; the same round is always filled the same way."""

    def __init__(self, round_: Round, now: dt.datetime) -> None:
        """Read the rules once."""
        self.rng = random.Random(SEED)  # noqa: S311  a made-up world, not a secret
        self.now = now
        self.sources = {source.code: source for source in round_.sources.all()}
        self.checks = list(SurveyCheck.objects.filter(round=round_).order_by("ordinal"))
        self.grades = list(round_.scale.grades.order_by("rank"))
        self.items: dict[int, list[Criterion]] = {}
        for item in Criterion.objects.filter(section__rubric__uses__round=round_).distinct().select_related("section"):
            self.items.setdefault(item.section.rubric_id, []).append(item)
        holders = RoleGrant.objects.filter(role=Role.SECRETARY).select_related("account")
        self.accounts: dict[int, Account] = {grant.node_id: grant.account for grant in holders}
        self.rows = _Rows()

    def fill(self, unit: RoundUnit, stage: str) -> None:
        """Enter what a unit at `stage` (decided, scored, filed, filing) has."""
        quality = self.rng.choice((0.99, 0.97, 0.95, 0.9, 0.86, 0.82, 0.78, 0.7))
        if stage == "filing" and self.rng.random() < 0.6:
            return
        self._survey(unit, Survey.By.BRANCH)
        self._sheet(unit, Source.SELF, min(quality + 0.02, 1), complete=stage != "filing")
        if stage in ("decided", "scored"):
            self._survey(unit, Survey.By.SUPERIOR)
            self._sheet(unit, Source.SUPERIOR, quality, complete=True)
            self._others(unit, quality)
            self.rows.vetoes.append(VetoReview(unit=unit, reviewed_at=self.now))

    def _points(self, item: Criterion, quality: float) -> Decimal:
        wanted = float(item.points) * (quality + self.rng.uniform(-0.06, 0.04))
        steps = round(min(max(wanted, 0), float(item.points)) / float(STEP))
        return min(STEP * steps, item.points)

    def _sheet(self, unit: RoundUnit, code: str, quality: float, *, complete: bool) -> None:
        items = [item for item in self.items[unit.rubric_id] if item.kind == Criterion.Kind.POINTS]
        answered = items if complete else items[: len(items) // 2]
        account = self.accounts.get(unit.branch_id) if code == Source.SELF else None
        sheet = Assessment(
            unit=unit, source=self.sources[code], version=2, answered=len(answered),
            state=Assessment.State.SUBMITTED if complete else Assessment.State.DRAFT,
            saved_at=self.now, saved_by=account,
            submitted_at=self.now if complete else None, submitted_by=account if complete else None,
        )  # fmt: skip
        total = Decimal(0)
        for item in answered:
            points = self._points(item, quality)
            total += points
            self.rows.scores.append(Score(assessment=sheet, criterion=item, points=points))
        sheet.partial, sheet.earned = total, total if complete else None
        if code == Source.SUPERIOR:
            sheet.reason = "按材料核实，个别条目佐证不足，酌情扣分。"
        self.rows.assessments.append(sheet)

    def _survey(self, unit: RoundUnit, side: str) -> None:
        problems = self.rng.sample(PROBLEMS, 3)
        target = self.grades[0 if self.rng.random() < 0.6 else 1]
        survey = Survey(
            unit=unit, by=side, problems="\n".join(f"{n}．{text}" for n, text in enumerate(problems, 1)), target=target,
            goal=f"年内达到“{target.label}”标准。", saved_at=self.now,
            measures="1．5月底前补齐支委分工并上墙公布，责任人：书记。\n2．6月底前建立谈心谈话台账，责任人：组织委员。",
            method="走访、座谈" if side == Survey.By.SUPERIOR else "",
        )  # fmt: skip
        self.rows.surveys.append(survey)
        for check, note in zip(self.checks, NOTES, strict=False):
            finding = self.rng.choices(("good", "fair", "poor"), (8, 3, 1))[0]
            text = note if finding == "good" else "已列入整改"
            self.rows.findings.append(SurveyFinding(survey=survey, check_item=check, finding=finding, note=text))

    def _others(self, unit: RoundUnit, quality: float) -> None:
        word = "优秀" if quality > 0.94 else "良好" if quality > 0.84 else "合格"
        if source := self.sources.get(Source.ANNUAL):
            self.rows.annual.append(AnnualResult(unit=unit, source=source, label=word, raw=word, recorded_at=self.now))
        if source := self.sources.get(Source.APPRAISAL):
            self.rows.counts.append(self._count(unit, source, quality))

    def _count(self, unit: RoundUnit, source: Source, quality: float) -> AppraisalCount:
        valid = self.rng.randint(18, 60)
        satisfied = int(valid * (quality - 0.12))
        basic = min(int(valid * 0.12), valid - satisfied)
        options = [option.code for option in source.options.order_by("ordinal")]
        counts = dict.fromkeys(options, 0)
        counts[options[0]], counts[options[1]] = satisfied, basic
        counts[options[2]] = valid - satisfied - basic
        return AppraisalCount(
            unit=unit, source=source, issued=valid + 3, returned=valid + 1, valid=valid, counts=counts, counted=valid,
            teller="张雅婷", scrutineer="李国栋", recorded_at=self.now, held_on=self.now.date(),
        )  # fmt: skip


def _stage(index: int) -> str:
    place = index % 12
    if place < DECIDED_SHARE:
        return "decided" if index < MOST_DECIDED else "scored"
    if place < SCORED_SHARE:
        return "scored"
    return "filed" if place < FILED_SHARE else "filing"


def build(root: Branch, now: dt.datetime) -> Iterator[str]:
    """Load the 2012 preset, open its campaign and first round, and fill it."""
    presets.load_preset(by=None, path=Path(settings.BASE_DIR) / "presets" / "2012", now=now)
    campaign: Campaign = presets.open_campaign(by=None, preset=Preset.objects.latest("pk"), root=root)
    round_ = Round.objects.get(campaign=campaign, ordinal=1)
    rounds.open_round(by=None, round_=round_, now=now)
    round_.refresh_from_db()
    round_ = rounds.move_round(by=None, round_=round_, to=Round.State.SCORING, now=now)
    filler = Filler(round_, now)
    groups: dict[str, list[RoundUnit]] = {}
    for unit in RoundUnit.objects.filter(round=round_).select_related("rubric", "branch"):
        groups.setdefault(unit.group, []).append(unit)
    for index, units in enumerate(groups.values()):
        for number, unit in enumerate(units):
            stage = IN_THE_MIDDLE[number % len(IN_THE_MIDDLE)] if index == 0 else _stage(index)
            filler.fill(unit, stage)
    filler.rows.write()
    yield f"{campaign.name} {round_.name}: {sum(map(len, groups.values()))} branches, {len(groups)} groups"
    yield f"decided: {_decide(round_, list(groups.values()), now)}"
    yield f"ballot boxes: {appraisal.build(round_, next(iter(groups.values())), now)}"


def _decide(round_: Round, groups: list[list[RoundUnit]], now: dt.datetime) -> int:
    """Let the first 党总支 decide; return how many branches have a grade."""
    decision = Decision("总支委员会", now.date())
    computed = results.compute_round(by=None, round_=round_, now=now)
    found = {result.unit_id: result for result in computed.results}
    for index, units in enumerate(groups):
        if index == 0 or _stage(index) != "decided":
            continue
        choices = {
            unit.pk: results.Choice(found[unit.pk].computed_grade.code)  # type: ignore[union-attr]
            for unit in units
            if found[unit.pk].computed_grade_id
        }
        scored = Assessment.objects.filter(unit__in=choices, source__code=Source.SUPERIOR)
        scored.update(reason_checked_at=now)
        try:
            results.decide_grades(by=None, round_=round_, choices=choices, decision=decision, now=now)
        except BlockedError:
            continue
    return Result.objects.filter(unit__round=round_, state=Result.State.DECIDED).count()
