"""What a spot check and a large difference keep from happening."""

import datetime as dt
from collections.abc import Iterator

from branches.registries import gate
from grading.board import HANDED_IN
from grading.models import Assessment, Result, Round, Source, SpotCheck, SpotCheckDraw

NAMES_SHOWN = 5


@gate(Round, Round.State.DECIDING)
def _spot_checks_are_in(round_: Round, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """A round that counts spot checks has drawn, and what was drawn is handed in."""
    source = round_.sources.filter(code=Source.SPOT_CHECK).first()
    if source is None or round_.state != Round.State.SCORING:
        return
    drawn = SpotCheckDraw.objects.filter(source=source, voided_at__isnull=True).exists()
    if source.weight > 0 and not drawn:
        yield f"{source.name}占 {source.weight.normalize():f}%，还没有抽取党支部。"
    done = Assessment.objects.filter(source=source, state__in=HANDED_IN).values("unit_id")
    left = SpotCheck.objects.active().filter(source=source, unit__graded=True).exclude(unit__in=done)
    names = list(left.values_list("unit__name", flat=True))
    if names:
        shown = "、".join(names[:NAMES_SHOWN]) + (f"等 {len(names)} 个" if len(names) > NAMES_SHOWN else "")
        yield f"{len(names)} 个支部的抽查还没有提交：{shown}。"


@gate(Result, Result.State.PROPOSED)
@gate(Result, Result.State.DECIDED)
def _spot_check_is_in(result: Result, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """A grade waits for the spot check of a branch that was drawn: its inspectors cannot hand in afterwards."""
    done = Assessment.objects.filter(source__code=Source.SPOT_CHECK, state__in=HANDED_IN, unit=result.unit_id)
    if SpotCheck.objects.active().filter(unit=result.unit_id).exists() and not done.exists():
        yield "已抽中学校抽查，抽查评分还没有提交。"


@gate(Result, Result.State.DECIDED)
def _difference_is_ticked_off(result: Result, now: dt.datetime) -> Iterator[str]:  # noqa: ARG001
    """The office has ticked off the reason of a large difference, whoever decides."""
    stored = result.derivation.get("divergence") or {}
    if not stored.get("flags"):
        return
    sheet = Assessment.objects.filter(unit=result.unit_id, source__code=stored["second"]).first()
    if sheet is not None and sheet.reason.strip() and sheet.reason_checked_at is None:
        yield "自评与考评差异较大，活动办公室还没有核对评分理由。"
