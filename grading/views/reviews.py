"""What is gone through beside the scores: 一票否决核对, and ticking off the reasons of large differences."""

from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from branches import clock
from branches.permissions import Action, account_of, requires
from grading.models import Assessment, RoundUnit, Source, VetoItem, VetoReview
from grading.permissions import may_check_reason, may_propose
from grading.services import sheets, sources
from grading.services.errors import RefusedError
from grading.views.shared import Fault, decide_address, unit_or_404


@dataclass(slots=True)
class VetoLine:
    """One item of the list: whether it is established for the branch, and on what grounds."""

    item: VetoItem
    found: bool = False
    note: str = ""
    error: str = ""


def _lines(unit: RoundUnit) -> list[VetoLine]:
    established = {row.item_id: row.note for row in unit.vetoes.all()}
    items = unit.round.veto_items.select_related("grade")
    return [VetoLine(item, item.pk in established, established.get(item.pk, "")) for item in items]


def _why_closed(request: HttpRequest, unit: RoundUnit) -> str:
    if not unit.round.is_open:
        return f"本轮现在是“{unit.round.get_state_display()}”，只能查看。"
    answer = may_propose(request.user, unit)
    return "" if answer else answer.reason


@requires(Action.PROPOSE_GRADE)
@require_http_methods(["GET", "POST"])
def veto_review(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the veto list of a branch; POST records that it was gone through and what was found."""
    unit = unit_or_404(request, pk)
    lines = _lines(unit)
    faults: list[Fault] = []
    if request.method == "POST":
        answer = may_propose(request.user, unit)
        if not answer:
            raise PermissionDenied(answer.reason)
        faults = _save(request, unit, lines)
        if not faults:
            came_from_deciding = "parent" in request.GET
            return redirect(decide_address(request, unit) if came_from_deciding else reverse("unit", args=[unit.pk]))
    why_not = _why_closed(request, unit)
    context = {
        "unit": unit,
        "round": unit.round,
        "lines": lines,
        "review": VetoReview.objects.filter(unit=unit).select_related("reviewed_by__person").first(),
        "why_not": why_not,
        "editable": not why_not,
        "errors": faults,
    }
    return render(request, "grading/veto_review.html", context, status=422 if faults else 200)


def _save(request: HttpRequest, unit: RoundUnit, lines: list[VetoLine]) -> list[Fault]:
    """Record the posted review; return what is missing, with everything typed kept in `lines`."""
    faults = []
    for line in lines:
        key = line.item.pk
        line.found, line.note = f"found-{key}" in request.POST, request.POST.get(f"note-{key}", "").strip()
        if line.found and not line.note:
            line.error = "请写明依据。"
            faults.append(Fault(f"“{line.item.text}”请写明依据。", f"id_note-{key}"))
        elif line.note and not line.found:
            line.error = "写了依据，请勾选“发生”；没有发生的请清空依据。"
            faults.append(Fault(f"“{line.item.text}”{line.error}", f"id_found-{key}"))
    if faults:
        return faults
    found = {line.item.code: line.note for line in lines if line.found}
    try:
        sources.review_vetoes(by=account_of(request), unit=unit, found=found, now=clock.now())
    except RefusedError as error:
        return [Fault(text) for text in error.sentences]
    messages.success(request, f"已核对一票否决情形，{f'认定 {len(found)} 项' if found else '均未发生'}。")
    return []


@requires(Action.DECIDE_GRADE)
@require_POST
def check_reason(request: HttpRequest, pk: int) -> HttpResponse:
    """Tick off the written reason of a large difference, at the committee."""
    unit = unit_or_404(request, pk)
    answer = may_check_reason(request.user, unit)
    if not answer:
        raise PermissionDenied(answer.reason)
    sheet = get_object_or_404(
        Assessment.objects.select_related("unit__branch"), unit=unit, source__code=Source.SUPERIOR
    )
    try:
        sheets.check_reason(by=account_of(request), assessment=sheet, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"已核对{unit.name}的评分理由。")
    return redirect(decide_address(request, unit))
