"""调查摸底: the seven checks, problems, goal and measures, by the branch or by the 党总支 after its visit."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from branches import clock, drafts
from branches.permissions import Action, account_of, can, enforce, requires
from branches.versions import ConflictError
from grading.models import Grade, RoundUnit, Survey, SurveyFinding
from grading.services import survey as service
from grading.services.errors import RefusedError
from grading.views.shared import Fault, conflict, posted_version, unit_or_404

TEXTS = ("problems", "goal", "measures", "method")
ACTIONS = {Survey.By.BRANCH: Action.FILL_ASSESSMENT, Survey.By.SUPERIOR: Action.SCORE}


def _rows(unit: RoundUnit, survey: Survey | None, other: Survey | None) -> list[dict[str, Any]]:
    """Return a row per check: its finding and note, and what the other side found."""

    def found(side: Survey | None) -> dict[int, SurveyFinding]:
        return {f.check_item_id: f for f in side.findings.all()} if side else {}

    mine, theirs = found(survey), found(other)
    return [
        {
            "check": check,
            "finding": mine[check.pk].finding if check.pk in mine else "",
            "note": mine[check.pk].note if check.pk in mine else "",
            "other": theirs.get(check.pk),
            "error": "",
        }
        for check in unit.round.survey_checks.all()
    ]


def _surveys(unit: RoundUnit) -> dict[str, Survey]:
    return {row.by: row for row in unit.surveys.prefetch_related("findings")}


def _page(
    request: HttpRequest, unit: RoundUnit, side: str, rows: list[dict[str, Any]], texts: dict[str, Any], *,
    version: int, errors: list[Fault],
) -> HttpResponse:  # fmt: skip
    answer = can(request.user, ACTIONS[Survey.By(side)], unit)
    why_not = "" if answer else answer.reason
    if not unit.round.is_open:
        why_not = f"本轮现在是“{unit.round.get_state_display()}”，摸底情况只能查看。"
    account = account_of(request)
    context = {
        "unit": unit, "side": side, "by_superior": side == Survey.By.SUPERIOR, "rows": rows, "texts": texts,
        "version": version, "errors": errors, "why_not": why_not, "editable": not why_not,
        "findings": SurveyFinding.Finding.choices, "grades": unit.round.scale.grades.all(),
        "draft": None if errors or why_not else drafts.load(account=account, form=f"survey-{side}", key=str(unit.pk)),
    }  # fmt: skip
    return render(request, "grading/survey.html", context, status=422 if errors else 200)


def _stored_texts(survey: Survey | None, fallback: Survey | None) -> dict[str, Any]:
    """Return the texts to show; the 党总支 starts from what the branch wrote."""
    texts: dict[str, Any] = {name: getattr(survey or fallback, name, "") or "" for name in TEXTS}
    texts["target"] = survey.target_id if survey else (fallback.target_id if fallback else None)
    texts["visited_on"] = survey.visited_on if survey else None
    return texts


@requires(Action.VIEW_GRADING)
@require_http_methods(["GET", "POST"])
def survey(request: HttpRequest, pk: int, side: str = Survey.By.BRANCH) -> HttpResponse:
    """Show or save one side's survey of a branch."""
    if side not in Survey.By.values:
        raise Http404
    unit = unit_or_404(request, pk)
    surveys = _surveys(unit)
    stored = surveys.get(side)
    other = surveys.get(Survey.By.SUPERIOR if side == Survey.By.BRANCH else Survey.By.BRANCH)
    rows = _rows(unit, stored, other)
    if request.method == "POST":
        enforce(request, ACTIONS[Survey.By(side)], unit)
        return _save(request, unit, side, rows)
    fallback = other if side == Survey.By.SUPERIOR else None
    texts = _stored_texts(stored, fallback)
    return _page(request, unit, side, rows, texts, version=stored.version if stored else 0, errors=[])


def _typed(request: HttpRequest, rows: list[dict[str, Any]]) -> dict[str, Any]:
    for row in rows:
        key = row["check"].pk
        row["finding"], row["note"] = request.POST.get(f"finding-{key}", ""), request.POST.get(f"note-{key}", "")
    texts: dict[str, Any] = {name: request.POST.get(name, "") for name in TEXTS}
    target = request.POST.get("target", "")
    texts["target"] = int(target) if target.isdigit() else None
    texts["visited_on"] = request.POST.get("visited_on", "")
    return texts


def _save(request: HttpRequest, unit: RoundUnit, side: str, rows: list[dict[str, Any]]) -> HttpResponse:
    texts = _typed(request, rows)
    version = posted_version(request)
    findings = {row["check"].code: service.FindingInput(row["finding"], row["note"]) for row in rows}
    try:
        visited = dt.date.fromisoformat(texts["visited_on"]) if texts["visited_on"] else None
    except ValueError:
        fault = Fault("走访日期请写成 2012-03-28 的样子。", "id_visited_on")
        return _page(request, unit, side, rows, texts, version=version, errors=[fault])
    try:
        service.save_survey(
            by=account_of(request), unit=unit, side=side, version=version, findings=findings, now=clock.now(),
            texts={name: texts[name] for name in TEXTS}, visited_on=visited,
            target=Grade.objects.filter(scale=unit.round.scale_id, pk=texts["target"]).first(),
        )  # fmt: skip
    except RefusedError as error:
        faults = [Fault(text) for text in error.sentences]
        for row in rows:
            if text := error.fields.get(row["check"].code):
                row["error"] = text
        return _page(request, unit, side, rows, texts, version=version, errors=faults)
    except ConflictError as error:
        return _conflict(request, unit, rows, texts, error)
    drafts.drop(account=account_of(request), form=f"survey-{side}", key=str(unit.pk))
    messages.success(request, "调查摸底情况已保存。")
    return redirect("unit", unit.pk)


def _conflict(
    request: HttpRequest, unit: RoundUnit, rows: list[dict[str, Any]], texts: dict[str, Any], error: ConflictError
) -> HttpResponse:
    current = Survey.objects.prefetch_related("findings").get(pk=error.current.pk)
    labels = dict(SurveyFinding.Finding.choices)
    theirs = {f.check_item_id: f for f in current.findings.all()}
    both = []
    for row in rows:
        saved = theirs.get(row["check"].pk)
        mine = f"{labels.get(row['finding'], '未填')}　{row['note']}".strip()
        both.append(
            (row["check"].text, mine, f"{labels.get(saved.finding, '未填')}　{saved.note}".strip() if saved else "")
        )
    names = {"problems": "存在的主要问题", "goal": "晋位升级目标", "measures": "主要措施", "method": "摸底方式"}
    both += [(label, texts[name], getattr(current, name)) for name, label in names.items()]
    return conflict(request, thing=current, rows=both, version=current.version, title=f"{unit.name}调查摸底")
