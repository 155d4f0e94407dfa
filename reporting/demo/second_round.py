"""More of grading in the demo: what last year left open, so that every role's landing page has something real.

The pilot of last year gets its second round: spot checks are under way, two 党总支 differ widely from their branches. A
correction of a frozen grade waits for approval; a review is being made public, and an objection waits for its answer.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal

from branches.models import Account, Branch, Campaign, Role, Stage
from branches.transitions import Decision
from grading import draws
from grading.models import (
    Assessment,
    Objection,
    Preset,
    PublicityNotice,
    Result,
    Round,
    RoundStep,
    RoundUnit,
    Score,
    Source,
    SpotCheckDraw,
)
from grading.services import corrections, objections, presets, results, rounds, sheets, spot_checks
from reporting.demo.rectification import NAME as PILOT
from reporting.demo.round_one import Filler

REVIEW, REVIEW_SHORT = "2011年度示范党支部复核", "示范党支部复核"
REVIEWED, WIDE, DRAWN = 8, 2, 3
BEGUN, SHOWN, LEFT = dt.timedelta(days=25), dt.timedelta(days=1), dt.timedelta(days=14)
C = RoundStep.Code
DUE = {C.SELF: -12, C.APPRAISAL: -8, C.SUPERIOR: -5, C.SPOT_CHECK: 4, C.DECIDE: 9}  # days from the demo's own
NOT_IN = "不参加本次复核"


def build(root: Branch, now: dt.datetime) -> Iterator[str]:
    """Continue the pilot and open the review; each part yields a line."""
    office = list(Account.objects.filter(grants__role=Role.OFFICE, grants__node=root).order_by("pk").distinct())
    pilot = Round.objects.filter(campaign__name=PILOT, ordinal=1).first()
    if pilot is None or not office:
        return
    again = _again(pilot, now)
    yield f"{pilot.campaign.name} {again.name}: {_spot_checks(again, office[0], now)} spot checks"
    yield f"corrections: {_correction(pilot, office[-1], now)}"
    yield f"{REVIEW}: {_review(root, office[0], now)} objections"


def _filled(round_: Round, now: dt.datetime) -> None:
    """Enter everything branches and 党总支 hand in."""
    filler = Filler(round_, now)
    for unit in round_.units.filter(graded=True).select_related("rubric", "branch"):
        filler.fill(unit, "decided")
    filler.rows.write()
    Assessment.objects.filter(unit__round=round_, source__code=Source.SUPERIOR).update(reason_checked_at=now)


def _grade_only(round_: Round, units: Sequence[int], why: str) -> None:
    """Leave all other branches out of a round."""
    RoundUnit.objects.filter(round=round_).exclude(branch__in=units).update(graded=False, not_graded_reason=why)


# --- the pilot's second round --------------------------------------------------------------------------------------


def _again(pilot: Round, now: dt.datetime) -> Round:
    """Open the second round for the branches of the first, fill it, and let two 党总支 differ from their branches."""
    round_ = presets.create_round_from_preset(by=None, campaign=pilot.campaign, ordinal=2)
    for step in round_.steps.all():
        days = DUE.get(RoundStep.Code(step.code))
        step.due_on = None if days is None else (now + dt.timedelta(days=days)).date()
        step.save(update_fields=["due_on"])
    round_.refresh_from_db()
    round_ = rounds.open_round(by=None, round_=round_, now=now - BEGUN)
    _grade_only(round_, list(pilot.units.filter(graded=True).values_list("branch_id", flat=True)), "不参加试点")
    _filled(round_, now)
    rows = Assessment.objects.filter(unit__round=round_, source__code=Source.SUPERIOR).select_related("unit")
    for number, sheet in enumerate(rows.order_by("unit__parent_position", "unit__position")[:WIDE]):
        _lower(sheet, "" if number else "未见会议记录原件，逐条核减。")
    round_ = rounds.move_round(by=None, round_=round_, to=Round.State.SCORING, now=now)
    results.compute_round(by=None, round_=round_, now=now)
    return round_


def _lower(sheet: Assessment, reason: str) -> None:
    """Take a point off nearly every item of a 党总支's sheet."""
    scores = list(Score.objects.filter(assessment=sheet))
    for score in scores:
        score.points = max(Decimal(0), (score.points or Decimal(0)) - 1)
    Score.objects.bulk_update(scores, ["points"])
    total = sum((score.points or Decimal(0) for score in scores), Decimal(0))
    Assessment.objects.filter(pk=sheet.pk).update(
        partial=total, earned=total, reason=reason, reason_checked_at=None, reason_checked_by=None
    )


def _spot_checks(round_: Round, office: Account, now: dt.datetime) -> int:
    """Draw a few branches, share them out; one is scored and handed in, the others wait. Return how many."""
    picked = list(round_.units.filter(graded=True).order_by("parent_position", "position")[1 : 1 + DRAWN])
    inspectors = list(Account.objects.filter(grants__role=Role.INSPECTOR, is_active=True).distinct())
    if not picked or not inspectors:
        return 0
    plan = spot_checks.DrawPlan(
        SpotCheckDraw.Method.HAND, draws.Quota(Decimal(DRAWN)), reason="自评与党总支考评相差较大，学校派人复核",
        picked=tuple(unit.pk for unit in picked),
    )  # fmt: skip
    record = spot_checks.draw(by=office, round_=round_, plan=plan, now=now)
    checks = list(record.checks.order_by("place"))
    spot_checks.share_out(by=office, checks=checks, accounts=inspectors, now=now)
    source = Source.objects.get(round=round_, code=Source.SPOT_CHECK)
    unit = checks[0].unit
    inspector = checks[0].assignments.get().account
    entries = {
        score.criterion.code: sheets.ScoreInput(score.points)
        for score in Score.objects.filter(
            assessment__unit=unit, assessment__source__code=Source.SUPERIOR, criterion__isnull=False
        ).select_related("criterion")
        if score.criterion is not None
    }
    sheet = sheets.sheet_for(by=inspector, unit=unit, source=source)
    sheet = sheets.save_scores(by=inspector, assessment=sheet, version=sheet.version, entries=entries, now=now)
    sheets.submit(by=inspector, assessment=sheet, now=now)
    return len(checks)


# --- a correction that waits ---------------------------------------------------------------------------------------


def _correction(pilot: Round, office: Account, now: dt.datetime) -> int:
    """Propose to correct one frozen grade of the pilot; return how many wait."""
    grades = list(pilot.scale.grades.order_by("rank"))
    frozen = Result.objects.filter(unit__round=pilot, frozen_at__isnull=False, decided_grade=grades[1])
    result = frozen.select_related("unit").order_by("unit__parent_position", "unit__position").last()
    if result is None:
        return 0
    corrections.propose(
        by=office, result=result, grade=grades[2].code, body="校党委会", document_number="清师党〔2012〕21号",
        reason="复查发现该支部民主评议少计2张不满意票，满意率低于门槛。", met_on=(now - SHOWN).date(), now=now,
    )  # fmt: skip
    return 1


# --- a review that is being made public ----------------------------------------------------------------------------


def _review(root: Branch, office: Account, now: dt.datetime) -> int:
    """Grade the branches of one 党总支 and put them up; record an objection. Return how many objections wait."""
    begun = now - BEGUN
    preset = Preset.objects.filter(code="2012").latest("pk")
    plan = presets.CampaignPlan(name=REVIEW, year=begun.year - 1, starts_on=begun.date())
    campaign = presets.open_campaign(by=None, preset=preset, root=root, plan=plan)
    Campaign.objects.filter(pk=campaign.pk).update(short_name=REVIEW_SHORT)
    campaign.rounds.exclude(ordinal=1).delete()
    campaign.stages.all().delete()  # those of the notice; a review has two of its own
    shown_on = (now - SHOWN).date()
    before = shown_on - dt.timedelta(days=1)
    for ordinal, (name, first, last) in enumerate(
        (("复核评定", begun.date(), before), ("公示，答复异议", shown_on, now.date() + LEFT)),
        1,
    ):
        Stage.objects.create(campaign=campaign, ordinal=ordinal, name=name, starts_on=first, ends_on=last)
    round_ = campaign.rounds.get()
    latest = round_.steps.order_by("-ordinal").values_list("ordinal", flat=True)[0]
    RoundStep.objects.create(round=round_, ordinal=latest + 1, code=RoundStep.Code.PUBLICITY, name="公示")
    Round.objects.filter(pk=round_.pk).update(name="示范复核", publicity_days=5)
    round_.refresh_from_db()
    round_ = rounds.open_round(by=None, round_=round_, now=begun)
    parent = round_.units.filter(direct=False).order_by("-parent_position").values_list("parent", flat=True)[0]
    chosen = list(round_.units.filter(parent=parent).order_by("position").values_list("branch", flat=True))[:REVIEWED]
    _grade_only(round_, chosen, NOT_IN)
    _filled(round_, begun)
    round_ = rounds.move_round(by=None, round_=round_, to=Round.State.SCORING, now=begun)
    computed = results.compute_round(by=None, round_=round_, now=begun)
    choices = {row.unit_id: results.Choice(row.computed_grade.code) for row in computed.results if row.computed_grade}
    decision = Decision("总支委员会", begun.date())
    results.decide_grades(by=None, round_=round_, choices=choices, decision=decision, now=begun)
    round_ = rounds.move_round(by=None, round_=round_, to=Round.State.DECIDING, now=begun)
    rounds.move_round(by=office, round_=round_, to=Round.State.PUBLICITY, now=now - SHOWN)
    return _objection(round_, office, now)


def _objection(round_: Round, office: Account, now: dt.datetime) -> int:
    notice = PublicityNotice.objects.shown().filter(round=round_).first()
    line = notice.lines.order_by("ordinal").first() if notice else None
    if notice is None or line is None:
        return 0
    objections.record(
        by=office, notice=notice, unit=line.unit, channel=Objection.Channel.PHONE, name="王老师", contact="内线 8316",
        text="该支部去年第四季度有两次组织生活没有记录，请核实。", received_at=now - dt.timedelta(hours=2), now=now,
    )  # fmt: skip
    return 1
