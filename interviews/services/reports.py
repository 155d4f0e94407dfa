"""The report sheets units hand in: written section by section, handed in with the figures as they stand, sent back."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from branches import audit
from branches.models import Account, Branch, Campaign
from branches.transitions import advance
from branches.versions import ConflictError, save_versioned
from interviews.counting import Coverage
from interviews.figures_kept import coverage
from interviews.models import ProgressReport, ReportPeriod, ReportSection, ReportText
from interviews.services.errors import refuse

LONGEST = 3000
State = ProgressReport.State


def sections_of(campaign: Campaign, report: ProgressReport | None) -> list[ReportSection]:
    """Return the sections of a sheet: those in use and retired ones with a text; what was handed in stays as it was."""
    if report is not None and report.state == State.SUBMITTED and "sections" in report.figures:
        return [ReportSection(campaign=campaign, **one) for one in report.figures["sections"]]
    written = report.texts.exclude(text="").values("section") if report is not None else ()
    return list(ReportSection.objects.filter(Q(active=True) | Q(pk__in=written), campaign=campaign))


@transaction.atomic
def save_report(
    *, by: Account, period: ReportPeriod, unit: Branch, version: int, texts: Mapping[int, str], written_by: str
) -> ProgressReport:
    """Keep what a unit wrote; the first time makes the report. Raises RefusedError, ConflictError."""
    sections = {one.pk: one for one in ReportSection.objects.filter(campaign=period.campaign_id)}
    too_long = [sections[pk].name for pk, text in texts.items() if pk in sections and len(text) > LONGEST]
    if too_long:
        refuse(f"“{'”“'.join(too_long)}”超过 {LONGEST} 字，请精简。")
    report = ProgressReport.objects.filter(period=period, unit=unit).first()
    if report is None:
        try:
            with transaction.atomic():
                report = ProgressReport.objects.create(period=period, unit=unit, written_by=written_by)
        except IntegrityError:
            found = ProgressReport.objects.get(period=period, unit=unit)
            raise ConflictError(found, {"written_by": written_by}) from None
    elif report.state == State.SUBMITTED:
        refuse("这张表已经报送，要改请先由办公室退回。")
    else:
        report = save_versioned(report, version=version, values={"written_by": written_by})
    for pk in texts.keys() & sections.keys():
        ReportText.objects.update_or_create(report=report, section_id=pk, defaults={"text": texts[pk].strip()})
    audit.record(
        by=by, action="interviews.report.save", thing=report, branch=unit, summary=f"填写进展情况报告表：{period.name}"
    )  # fmt: skip
    return report


def figures_of(shown: Coverage | None) -> dict[str, Any]:
    """Return the figures a report prints: the total of each category, without what may not be shown."""
    if shown is None:
        return {"categories": []}
    totals = []
    for code, name in shown.categories:
        total = next(iter(shown.tables[code].values())).total
        totals.append({**asdict(total), "name": name})
    return {"categories": totals, "least": shown.least, "counted_at": shown.counted_at.isoformat()}


def submit_report(*, by: Account, report: ProgressReport, version: int, now: dt.datetime) -> ProgressReport:
    """Hand a report in with what stands now. Raises ConflictError, BlockedError, IllegalMoveError."""
    campaign = report.period.campaign
    figures = figures_of(coverage(campaign, report.unit_id, now))  # before anything is locked
    figures["sections"] = [
        {"id": one.pk, "code": one.code, "name": one.name, "hint": one.hint, "required": one.required}
        for one in sections_of(campaign, report)
    ]
    values = {"figures": figures, "submitted_at": now, "submitted_by": by}
    with transaction.atomic():
        handed = advance(save_versioned(report, version=version, values=values), State.SUBMITTED, by=by, now=now)
        handed.return_reason = ""
        handed.save(update_fields=["return_reason"])
    return handed


@transaction.atomic
def return_report(
    *, by: Account, report: ProgressReport, version: int, reason: str, now: dt.datetime
) -> ProgressReport:
    """Send a report back with the reason. Raises RefusedError, ConflictError, IllegalMoveError."""
    if not reason.strip():
        refuse(reason="请写明退回原因。")
    fresh = save_versioned(report, version=version, values={"return_reason": reason.strip()[:200]})
    return advance(fresh, State.RETURNED, by=by, now=now, reason=reason)
