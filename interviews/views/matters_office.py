"""The year's problems for those who plan: a ledger without texts, and figures by unit and category."""

from dataclasses import replace
from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from branches import clock
from branches.listing import render_list
from branches.models import Campaign
from branches.permissions import Action, can, requires
from interviews.coverage_tables import HIDDEN
from interviews.lists_record import ALL_MATTERS, SUMMARY, summary_rows
from interviews.matter_figures import (
    Kept,
    by_unit_and_category,
    kept,
    listed,
    total,
    with_units,
    without_hidden,
    year_shown,
)
from interviews.models import Matter, MatterCategory


def _reached(request: HttpRequest) -> tuple[Any, Kept, dict[str, Any]]:
    """Return the problems of the chosen campaign in reach, what may be shown of them, and what the page says."""
    reach = request.scope  # type: ignore[attr-defined]
    campaigns = list(Campaign.objects.within(reach).filter(matters__isnull=False).distinct())
    wanted = request.GET.get("campaign", "")
    chosen = next((one for one in campaigns if str(one.pk) == wanted), campaigns[0] if campaigns else None)
    rows = Matter.objects.within(reach).filter(campaign=chosen)
    keep = kept(chosen, clock.today())
    counted = rows.exclude(state=Matter.State.WITHDRAWN).order_by().values_list("unit", flat=True)
    units = None if reach.everything else set(counted.distinct())
    year = year_shown(total(rows, clock.today()), units, keep)
    sensitive = MatterCategory.objects.filter(campaign=chosen, sensitive=True).values_list("name", flat=True)
    return rows, keep, {
        "campaign": chosen, "campaigns": campaigns, "year": year, "hidden": HIDDEN, "least": keep.least,
        "sensitive": list(sensitive),
    }  # fmt: skip


@requires(Action.VIEW_COVERAGE)
@require_http_methods(["GET", "POST"])
def matter_summary(request: HttpRequest) -> HttpResponse:
    """Raised, solved and pending by unit and category, with Excel; small counts are hidden in both."""
    rows, keep, context = _reached(request)
    page = replace(SUMMARY, prepare=partial(summary_rows, keep=keep))
    context["ledger"] = can(request.user, Action.MANAGE_INTERVIEWS)
    shown = without_hidden(by_unit_and_category(rows, clock.today()), keep)
    return render_list(request, page, shown, template="interviews/matter_summary.html", context=context)


@requires(Action.MANAGE_INTERVIEWS)
@require_http_methods(["GET", "POST"])
def matter_list(request: HttpRequest) -> HttpResponse:
    """The ledger of those who see that problems are dealt with: owner, days, state, result; nothing sensitive."""
    rows, _, context = _reached(request)
    shown = with_units(listed(rows), clock.today())
    del context["year"]
    context["ledger"] = True
    return render_list(request, ALL_MATTERS, shown, template="interviews/matter_summary.html", context=context)
