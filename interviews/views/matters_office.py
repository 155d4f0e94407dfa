"""The year's problems for those who plan: a ledger without texts, and figures by unit and category."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from branches import clock
from branches.listing import render_list
from branches.models import Campaign
from branches.permissions import Action, requires
from interviews.lists_record import ALL_MATTERS, SUMMARY
from interviews.matter_figures import by_unit_and_category, total, with_units
from interviews.models import Matter


def _reached(request: HttpRequest) -> tuple[Any, dict[str, Any]]:
    """Return the problems of the chosen campaign in reach, and what the page says of the choice."""
    campaigns = list(Campaign.objects.within(request.scope).filter(matters__isnull=False).distinct())  # type: ignore[attr-defined]
    wanted = request.GET.get("campaign", "")
    chosen = next((one for one in campaigns if str(one.pk) == wanted), campaigns[0] if campaigns else None)
    rows = Matter.objects.within(request.scope).filter(campaign=chosen)  # type: ignore[attr-defined]
    return rows, {"campaign": chosen, "campaigns": campaigns, "year": total(rows, clock.today())}


@requires(Action.VIEW_COVERAGE)
@require_http_methods(["GET", "POST"])
def matter_summary(request: HttpRequest) -> HttpResponse:
    """Raised, solved and pending by unit and category, with Excel."""
    rows, context = _reached(request)
    shown = by_unit_and_category(rows, clock.today())
    return render_list(request, SUMMARY, shown, template="interviews/matter_summary.html", context=context)


@requires(Action.VIEW_COVERAGE)
@require_http_methods(["GET", "POST"])
def matter_list(request: HttpRequest) -> HttpResponse:
    """The ledger: category, unit, owner, deadline, state and result of each problem, never what it says."""
    rows, context = _reached(request)
    shown = with_units(rows, clock.today())
    return render_list(request, ALL_MATTERS, shown, template="interviews/matter_summary.html", context=context)
