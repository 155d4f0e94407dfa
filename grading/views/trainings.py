"""学习培训登记 of one branch: what the system computes its 培训率 from."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from branches import clock
from branches.forms_base import ZhForm
from branches.permissions import Action, account_of, can, enforce, requires
from grading import figures
from grading.models import RoundUnit, Training
from grading.services import trainings
from grading.services.errors import RefusedError
from grading.views.shared import unit_or_404


class TrainingForm(ZhForm):
    """One 学习培训."""

    held_on = forms.DateField(label="日期", widget=forms.DateInput(attrs={"type": "date"}))
    topic = forms.CharField(label="内容", max_length=120)
    due = forms.IntegerField(label="应到（人）", min_value=1, max_value=9999)
    present = forms.IntegerField(label="实到（人）", min_value=0, max_value=9999)


def _frozen(unit: RoundUnit) -> str:
    """Return why records are no longer changed here: a final round stands still with what it counted."""
    return "本轮已定级，登记不再改动。" if unit.round.state == unit.round.State.FINAL else ""


@requires(Action.VIEW_GRADING)
@require_http_methods(["GET", "POST"])
def training_list(request: HttpRequest, pk: int) -> HttpResponse:
    """List the branch's 学习培训 with the 培训率 of this round; POST records one or removes one (`remove`)."""
    unit = unit_or_404(request, pk)
    form = TrainingForm(request.POST or None)
    if request.method == "POST":
        enforce(request, Action.FILL_ASSESSMENT, unit)
        if answer := _change(request, unit, form):
            return answer
    first, last = figures.training_period(unit.round)
    rate = figures.training(unit.round, [unit]).get(unit.pk)
    context = {
        "unit": unit,
        "rows": [(row, first <= row.held_on <= last) for row in Training.objects.filter(branch=unit.branch_id)[:200]],
        "first": first,
        "last": last,
        "rate": rate,
        "form": form,
        "closed": _frozen(unit),
        "may_fill": bool(can(request.user, Action.FILL_ASSESSMENT, unit)),
    }
    return render(request, "grading/trainings.html", context, status=422 if form.errors else 200)


def _change(request: HttpRequest, unit: RoundUnit, form: TrainingForm) -> HttpResponse | None:
    """Record or remove, then show the list again; None when the form has something to put right."""
    account = account_of(request)
    if closed := _frozen(unit):
        messages.error(request, closed)
        return redirect("trainings", unit.pk)
    if gone := request.POST.get("remove", ""):
        rows = Training.objects.filter(branch=unit.branch_id)
        row = get_object_or_404(rows, pk=int(gone) if gone.isascii() and gone.isdigit() else 0)
        trainings.remove(by=account, training=row)
        messages.success(request, "已删除这条登记。")
        return redirect("trainings", unit.pk)
    if not form.is_valid():
        return None
    data: dict[str, Any] = form.cleaned_data
    try:
        trainings.record(by=account, branch=unit.branch, now=clock.now(), **data)
    except RefusedError as error:
        for name, sentence in error.fields.items():
            form.add_error(name, sentence)
        return None
    messages.success(request, "学习培训已登记。")
    return redirect("trainings", unit.pk)
