"""走访摸底: one visit of a 党总支 recorded for several of its branches at once."""

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from branches import clock
from branches.permissions import Action, account_of, recused_branch_ids, requires
from grading.models import Round, RoundUnit, Survey, SurveyFinding
from grading.services import survey as service
from grading.services.errors import RefusedError
from grading.views.grid import parents_of, units_of
from grading.views.shared import Fault, round_or_404


@dataclass(slots=True)
class Visit:
    """The form as shown: branches to choose from, findings, and how and when."""

    units: list[RoundUnit]
    rows: list[dict[str, Any]]
    done: set[int]
    chosen: set[int] = field(default_factory=set)
    method: str = ""
    visited_on: str = ""


def _visit(request: HttpRequest, round_: Round, group: str) -> Visit:
    """Return an empty form over the branches the account may score; those without findings are chosen."""
    recused = recused_branch_ids(account_of(request))
    units = [unit for unit in units_of(request, round_, group) if unit.branch_id not in recused]
    surveys = Survey.objects.filter(unit__in=units, by=Survey.By.SUPERIOR)
    done = set(surveys.values_list("unit_id", flat=True))
    rows = [{"check": check, "finding": "", "note": "", "error": ""} for check in round_.survey_checks.all()]
    return Visit(units, rows, done, {unit.pk for unit in units} - done)


@requires(Action.SCORE)
@require_http_methods(["GET", "POST"])
def visit(request: HttpRequest, pk: int) -> HttpResponse:
    """Record one visit for the chosen branches of a 党总支."""
    round_ = round_or_404(request, pk)
    parents = parents_of(request, round_)
    chosen = request.GET.get("parent") or (parents[0]["key"] if parents else "")
    form = _visit(request, round_, chosen)
    faults: list[Fault] = []
    if request.method == "POST":
        faults = _save(request, form)
        if not faults:
            return redirect(f"{reverse('scoring-grid', args=[round_.pk])}?parent={chosen}")
    context = {
        "round": round_,
        "parents": parents,
        "chosen": chosen,
        "here": next((p["name"] for p in parents if p["key"] == chosen), ""),
        "form": form,
        "findings": SurveyFinding.Finding.choices,
        "errors": faults,
    }
    return render(request, "grading/visit.html", context, status=422 if faults else 200)


def _read(request: HttpRequest, form: Visit) -> None:
    """Put what was posted into the form."""
    picked = set(request.POST.getlist("unit"))
    form.chosen = {unit.pk for unit in form.units if str(unit.pk) in picked}
    form.method, form.visited_on = request.POST.get("method", ""), request.POST.get("visited_on", "")
    for row in form.rows:
        key = row["check"].pk
        row["finding"], row["note"] = request.POST.get(f"finding-{key}", ""), request.POST.get(f"note-{key}", "")


def _save(request: HttpRequest, form: Visit) -> list[Fault]:
    """Record the visit; return what stands in the way."""
    _read(request, form)
    findings = {
        row["check"].code: service.FindingInput(row["finding"], row["note"]) for row in form.rows if row["finding"]
    }
    if not form.chosen:
        return [Fault("请勾选这次走访的党支部。", "h-units")]
    if not findings:
        return [Fault("请至少填写一项检查内容。", "h-checks")]
    try:
        visited = dt.date.fromisoformat(form.visited_on) if form.visited_on else None
    except ValueError:
        return [Fault("走访日期请写成 2012-03-28 的样子。", "id_visited_on")]
    units = [unit for unit in form.units if unit.pk in form.chosen]
    try:
        service.record_visit(
            by=account_of(request), units=units, findings=findings, now=clock.now(), method=form.method,
            visited_on=visited,
        )  # fmt: skip
    except RefusedError as error:
        for row in form.rows:
            row["error"] = error.fields.get(row["check"].code, "")
        return [Fault(text) for text in error.sentences]
    messages.success(request, f"已为 {len(units)} 个党支部录入走访摸底。")
    return []
