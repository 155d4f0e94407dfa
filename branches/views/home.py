"""The landing page: what waits for me first, then where the campaign stands and the figures behind it."""

import datetime as dt
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from branches import clock, stages, wording
from branches.models import AuditEntry, Branch, Campaign, Role
from branches.permissions import Action, account_of, requires, roles, scope
from branches.registries import HomeItem, confided, home_items, panels_for, stats_for

TODO_SHOWN = 12
LOG_SHOWN = 6


def _own_branch(request: HttpRequest) -> Branch | None:
    """Return the one 党支部 an account acts for, when it acts for nothing above."""
    nodes = {grant.node_id: grant.node for grant in roles(account_of(request)) if grant.role != Role.INSPECTOR}
    node = next(iter(nodes.values()), None)
    return node if len(nodes) == 1 and node is not None and node.level == Branch.Level.BRANCH else None


def _campaigns(request: HttpRequest) -> list[dict[str, Any]]:
    reach = scope(request.user, Action.VIEW_CAMPAIGN)
    today = clock.today()
    found = Campaign.objects.within(reach).prefetch_related("stages") if reach else Campaign.objects.none()
    shown = []
    for campaign in stages.shown_on_home(list(found[:20]), today):
        rows = list(campaign.stages.all())
        shown.append(
            {
                "campaign": campaign,
                "timeline": stages.timeline(rows, today),
                "present": stages.present(rows, today),
                "aside": "历史补录" if campaign.backfill else stages.remaining(rows, today),
            }
        )
    return shown


def _about(branch: Branch) -> dict[str, Any]:
    """Return what the page of one branch says about it: its place and what happened lately."""
    place = branch.placements.on(clock.today()).select_related("parent", "category").first()
    entries = AuditEntry.objects.filter(branch=branch).without(confided()).order_by("-pk")[:LOG_SHOWN]
    now = clock.now()
    log = [
        {"moment": wording.zh_moment(entry.at.astimezone(now.tzinfo), now), "text": entry.summary} for entry in entries
    ]
    return {
        "branch": branch,
        "name": place.name if place else branch.code,
        "parent_name": place.parent.name_on(clock.today()) if place and place.parent else "",
        "category": place.category.name if place and place.category else "",
        "log": log,
    }


def _is_urgent(item: HomeItem, today: dt.date) -> bool:
    return item.due is not None and (item.due - today).days <= wording.SOON_DAYS


@require_safe
@requires(Action.VIEW_HOME)
def home(request: HttpRequest) -> HttpResponse:
    """等我办理, sorted by deadline; the six stages; figures and panels of every app."""
    account, now = account_of(request), clock.now()
    own = _own_branch(request)
    items, panels = home_items(account, now), panels_for(account, now)
    context = {
        "own": _about(own) if own else None,
        "items": items[:TODO_SHOWN],
        "more": items[TODO_SHOWN:],
        "count": len(items),
        "urgent": next(
            (item for item in items if item.due and (item.due - now.date()).days <= wording.SOON_DAYS), None
        ),
        "campaigns": _campaigns(request),
        "stats": stats_for(account, now),
        "main_panels": [panel for panel in panels if not panel.side],
        "side_panels": [panel for panel in panels if panel.side],
    }
    return render(request, "branches/home.html", context)
