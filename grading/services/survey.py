"""调查摸底: findings by the branch and by the 党总支, problems, goal and measures of 附件4."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from branches import audit
from branches.models import Account
from branches.versions import ConflictError
from grading.models import Grade, Round, RoundUnit, Survey, SurveyCheck, SurveyFinding
from grading.services.errors import RefusedError, refuse

TEXTS = ("problems", "goal", "measures", "method")
KEEP: Any = object()
"""Leaves what is stored; None empties it."""


@dataclass(frozen=True, slots=True)
class FindingInput:
    """One finding: good, fair, poor, or "" while open; with a note."""

    finding: str
    note: str = ""


def _refuse_final(round_: Round) -> None:
    if not round_.is_open:
        refuse(f"本轮现在是“{round_.get_state_display()}”，摸底情况不能再改。")


def _check_findings(findings: Mapping[str, FindingInput], checks: Mapping[str, SurveyCheck]) -> None:
    """Refuse unknown checks and findings; a finding below 好 wants its note."""
    problems = {}
    for code, given in findings.items():
        if code not in checks:
            problems[code] = f"本轮没有这项摸底内容：{code}。"
        elif given.finding not in ("", *SurveyFinding.Finding.values):
            problems[code] = f"“{checks[code].text}”只能填好、一般、差。"
        elif given.finding == SurveyFinding.Finding.POOR and not given.note.strip():
            problems[code] = f"“{checks[code].text}”填了“差”，请写明情况。"
    if problems:
        raise RefusedError(problems.values(), problems)


@transaction.atomic
def save_survey(
    *,
    by: Account | None,
    unit: RoundUnit,
    side: str,
    version: int,
    findings: Mapping[str, FindingInput],
    now: dt.datetime,
    texts: Mapping[str, str] | None = None,
    target: Grade | None = KEEP,
    visited_on: dt.date | None = KEEP,
) -> Survey:
    """Save one side's survey (`side`: branch or superior). `version` 0 means that nothing was saved before.

    `findings` is keyed by check code; `texts` may hold problems, goal, measures, method. What is not given stays.

    Raises:
        RefusedError: wrong finding, 差 without a note, or the round is closed.
        ConflictError: somebody saved since `version`.
    """
    _refuse_final(unit.round)
    checks = {check.code: check for check in unit.round.survey_checks.all()}
    _check_findings(findings, checks)
    values: dict[str, Any] = {name: text.strip() for name, text in (texts or {}).items() if name in TEXTS}
    values |= {"saved_at": now, "saved_by": by}
    if target is not KEEP:
        values["target"] = target
    if visited_on is not KEEP:
        values["visited_on"] = visited_on
    survey = _save_row(unit, side, version, values)
    before = {row.check_item.code: row.finding for row in survey.findings.select_related("check_item")}
    for code, given in findings.items():
        SurveyFinding.objects.update_or_create(
            survey=survey,
            check_item=checks[code],
            defaults={"finding": given.finding, "note": given.note.strip()},
        )
    audit.record(
        by=by,
        action="survey.save",
        thing=survey,
        branch=unit.branch,
        summary=f"保存调查摸底（{survey.get_by_display()}）",
        before=before,
        after={code: given.finding for code, given in findings.items()},
    )
    return survey


def _save_row(unit: RoundUnit, side: str, version: int, values: dict[str, Any]) -> Survey:
    """Insert or update the survey row under its version."""
    survey, created = Survey.objects.get_or_create(unit=unit, by=side, defaults=values)
    if created:
        return survey
    changed = Survey.objects.filter(pk=survey.pk, version=version).update(version=version + 1, **values)
    fresh = Survey.objects.get(pk=survey.pk)
    if not changed:
        raise ConflictError(fresh, values)
    return fresh


@transaction.atomic
def record_visit(
    *,
    by: Account | None,
    units: Iterable[RoundUnit],
    findings: Mapping[str, FindingInput],
    now: dt.datetime,
    method: str = "",
    visited_on: dt.date | None = None,
) -> list[Survey]:
    """Record one 走访/座谈 of the 党总支 for many branches at once; what is given is replaced, the rest stays."""
    saved = []
    for unit in units:
        stored = Survey.objects.filter(unit=unit, by=Survey.By.SUPERIOR).first()
        saved.append(
            save_survey(
                by=by, unit=unit, side=Survey.By.SUPERIOR, version=stored.version if stored else 0,
                findings=findings, now=now, texts={"method": method} if method.strip() else {},
                visited_on=visited_on or KEEP,
            )
        )  # fmt: skip
    return saved


def blanks(unit: RoundUnit, side: str) -> list[str]:
    """Return what one side has not filled in yet: open checks by their text."""
    done = SurveyFinding.objects.filter(survey__unit=unit, survey__by=side).exclude(finding="")
    return list(unit.round.survey_checks.exclude(pk__in=done.values("check_item_id")).values_list("text", flat=True))
