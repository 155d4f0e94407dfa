"""更正 of frozen results: proposing one, and a second person's approval; the check whether results still come out."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from branches import clock
from branches.permissions import Action, account_of, can, enforce, get_or_404, requires
from branches.transitions import IllegalMoveError
from grading.forms.corrections import CorrectionForm
from grading.models import Correction, Result, Round
from grading.permissions import may_approve
from grading.services import corrections, freezing
from grading.services.errors import RefusedError
from grading.views.shared import round_or_404, unit_or_404


@requires(Action.CORRECT_RESULT)
@require_http_methods(["GET", "POST"])
def correct(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose to correct the frozen grade of a branch."""
    unit = unit_or_404(request, pk)
    enforce(request, Action.CORRECT_RESULT, unit)
    result = Result.objects.filter(unit=unit, frozen_at__isnull=False).current().select_related(
        "unit__round__scale", "decided_grade", "computed_grade"
    ).first()  # fmt: skip
    if result is None:
        raise Http404
    form = CorrectionForm(request.POST or None, result=result)
    if request.method == "POST" and form.is_valid():
        try:
            row = corrections.propose(by=account_of(request), result=result, now=clock.now(), **form.cleaned_data)
        except RefusedError as error:
            form.add_error(None, "".join(error.sentences))
        else:
            messages.success(request, "更正已提出，等另一位同志复核后生效。")
            return redirect("correction", row.pk)
    context = {
        "unit": unit,
        "round": unit.round,
        "result": result,
        "form": form,
        "waiting": Correction.objects.filter(result=result).open().first(),
        "grade_count": unit.round.scale.grades.count(),
    }
    return render(request, "grading/correct.html", context, status=422 if form.is_bound else 200)


def _correction(request: HttpRequest, pk: int) -> Correction:
    rows = Correction.objects.select_related(
        "result__unit__round__campaign", "result__unit__branch", "result__decided_grade", "result__computed_grade",
        "grade", "proposed_by__person", "decided_by__person",
    )  # fmt: skip
    return get_or_404(rows, request.scope, pk=pk)  # type: ignore[attr-defined]


@requires(Action.VIEW_GRADING)
@require_GET
def correction(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one correction: what was, what is to be, why, who."""
    row = _correction(request, pk)
    waiting = row.state == Correction.State.PROPOSED
    answer = may_approve(request.user, row)
    context: dict[str, Any] = {
        "correction": row,
        "unit": row.result.unit,
        "round": row.result.unit.round,
        "new": Result.objects.filter(unit=row.result.unit_id, version=row.result.version + 1).first(),
        "may_approve": waiting and bool(answer),
        "why_not": "" if answer or not waiting else answer.reason,
        "may_withdraw": waiting and row.proposed_by_id == account_of(request).pk,
        "grade_count": row.result.unit.round.scale.grades.count(),
    }
    return render(request, "grading/correction.html", context)


@requires(Action.VIEW_GRADING)
@require_POST
def decide_correction(request: HttpRequest, pk: int) -> HttpResponse:
    """Approve a correction, turn it down with a reason, or take one's own back."""
    row = _correction(request, pk)
    account, now, do = account_of(request), clock.now(), request.POST.get("do", "")
    if do != "withdraw" and not (answer := may_approve(account, row)):
        raise PermissionDenied(answer.reason)
    if do == "withdraw" and row.proposed_by_id != account.pk:
        raise PermissionDenied("只有提出人可以撤回。")
    try:
        if do == "approve":
            corrections.approve(by=account, correction=row, now=now)
            messages.success(request, f"已更正：{row.result.unit.name}现为“{row.grade}”。")
        elif do == "refuse":
            corrections.refuse_correction(by=account, correction=row, answer=request.POST.get("reason", ""), now=now)
            messages.success(request, "已不予更正，等级不变。")
        elif do == "withdraw":
            corrections.withdraw(by=account, correction=row, now=now)
            messages.success(request, "更正已撤回，等级不变。")
    except (RefusedError, IllegalMoveError) as error:
        messages.error(request, str(error))
    return redirect("correction", row.pk)


@requires(Action.VIEW_GRADING)
@require_GET
def correction_list(request: HttpRequest, pk: int) -> HttpResponse:
    """List the corrections of a round in reach, those waiting first."""
    round_ = round_or_404(request, pk)
    rows = Correction.objects.filter(result__unit__round=round_).within(request.scope).select_related(  # type: ignore[attr-defined]
        "result__unit", "result__decided_grade", "grade", "proposed_by__person", "decided_by__person"
    )  # fmt: skip
    ordered = sorted(rows, key=lambda row: row.state != Correction.State.PROPOSED)
    return render(request, "grading/corrections.html", {"round": round_, "rows": ordered})


@requires(Action.MANAGE_ROUND)
@require_GET
def drift_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Compute a final round again and show which frozen results would differ; nothing is written."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    if round_.state != Round.State.FINAL:
        raise Http404
    found = freezing.drift(round_)
    context = {
        "round": round_,
        "found": found,
        "checked": Result.objects.filter(unit__round=round_, frozen_at__isnull=False).current().count(),
        "snapshot": freezing.snapshot_of(round_),
        "may_correct": bool(can(request.user, Action.CORRECT_RESULT)),
        "now": clock.now(),
    }
    return render(request, "grading/drift.html", context)


def card(request: HttpRequest, round_: Round) -> dict[str, Any]:
    """Return what the round page says about frozen results; empty before the round is final."""
    if round_.state != Round.State.FINAL:
        return {}
    rows = Correction.objects.filter(result__unit__round=round_).within(request.scope)  # type: ignore[attr-defined]
    states = list(rows.values_list("state", flat=True))
    return {
        "final": True,
        "corrected": states.count(Correction.State.APPROVED),
        "waiting": states.count(Correction.State.PROPOSED),
        "any": bool(states),
        "may_check": bool(can(request.user, Action.MANAGE_ROUND, round_)),
    }
