"""The periods units report for: added, renamed, given another day."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from branches.models import Campaign
from branches.permissions import Action, account_of, requires
from interviews.forms.words import PeriodForm
from interviews.models import ReportPeriod
from interviews.services import periods
from interviews.services.errors import RefusedError
from interviews.views.shared import posted, refusal
from interviews.views.visit_rules import managed_or_404


@requires(Action.MANAGE_INTERVIEWS)
@require_http_methods(["GET", "POST"])
def period_new(request: HttpRequest, campaign: int) -> HttpResponse:
    """Add a period."""
    return _edit(request, managed_or_404(request, campaign), None)


@requires(Action.MANAGE_INTERVIEWS)
@require_http_methods(["GET", "POST"])
def period_edit(request: HttpRequest, campaign: int, pk: int) -> HttpResponse:
    """Change a period."""
    chosen = managed_or_404(request, campaign)
    return _edit(request, chosen, get_object_or_404(ReportPeriod, campaign=chosen, pk=pk))


def _edit(request: HttpRequest, campaign: Campaign, row: ReportPeriod | None) -> HttpResponse:
    initial = {"name": row.name, "due_on": row.due_on, "before": periods.seen(row)} if row else {}
    form = PeriodForm(posted(request), initial=initial)
    if form.is_bound and form.is_valid():
        try:
            periods.save_period(by=account_of(request), campaign=campaign, period=row, **form.cleaned_data)
        except RefusedError as error:
            refusal(form, error)
        else:
            messages.success(request, f"报送期次“{form.cleaned_data['name']}”已保存。")
            return redirect(_back(campaign))
    context = {"campaign": campaign, "row": row, "form": form, "used": bool(row) and row.reports.exists()}
    return render(request, "interviews/period.html", context, status=422 if form.is_bound else 200)


def _back(campaign: Campaign) -> str:
    return reverse("visit-words", args=[campaign.pk]) + "#h-periods"


@require_POST
@requires(Action.MANAGE_INTERVIEWS)
def period_remove(request: HttpRequest, campaign: int, pk: int) -> HttpResponse:
    """Delete a period nobody has reported for."""
    chosen = managed_or_404(request, campaign)
    row = get_object_or_404(ReportPeriod, campaign=chosen, pk=pk)
    try:
        periods.remove_period(by=account_of(request), campaign=chosen, period=row)
        messages.success(request, f"已删除报送期次“{row.name}”。")
    except RefusedError as error:
        messages.error(request, str(error))
    return redirect(_back(chosen))
