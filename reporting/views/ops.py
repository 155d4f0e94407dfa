"""Pages for whoever keeps the installation running."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from branches.permissions import Action, requires
from reporting import doctor


@require_safe
@requires(Action.RUN_OPS)
def doctor_page(request: HttpRequest) -> HttpResponse:
    """Show what `manage.py doctor` prints."""
    findings = doctor.examine()
    worst_first = sorted(findings, key=lambda finding: ("bad", "warn", "ok").index(finding.state))
    context = {"findings": worst_first, "well": doctor.is_well(findings)}
    return render(request, "reporting/doctor.html", context)
