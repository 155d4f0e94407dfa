"""Boards of a round's rectification, and the list behind each of their figures."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from branches import clock
from branches.listing import render_list
from branches.models import Branch
from branches.permissions import Action, account_of, can, requires
from branches.scopes import Scope
from grading.models import Round
from rectification import board
from rectification.board import Place
from rectification.lists import ITEMS, item_rows
from rectification.models import DIRECT, Plan, Status
from rectification.permissions import rounds_within
from rectification.services.settings import rules_of
from rectification.views.shared import round_or_404


def _place(request: HttpRequest, round_: Round) -> Place:
    """Return the part of the round the address asks for. Raises Http404 for nonsense."""
    group, branch = request.GET.get("group", ""), request.GET.get("branch", "")
    for given in (group, branch):
        if given and given != DIRECT and not (given.isascii() and given.isdigit() and len(given) < 12):
            raise Http404
    if branch == DIRECT:
        raise Http404
    reach: Scope = request.scope  # type: ignore[attr-defined]
    if not group and not branch and not reach.everything and len(reach.held.roots) == 1:
        return _own(round_, reach)
    return Place(round_, reach, group, int(branch) if branch else None)


def _own(round_: Round, reach: Scope) -> Place:
    """Return the place of somebody who looks after one node only: that node itself."""
    node = Branch.objects.get(pk=next(iter(reach.held.roots)))
    if node.level == Branch.Level.BRANCH:
        return Place(round_, reach, branch=node.pk)
    group = str(node.pk) if node.level == Branch.Level.GENERAL_BRANCH else ""
    return Place(round_, reach, group)


def _rounds(request: HttpRequest) -> list[Round]:
    """Return the rounds in which somebody the visitor looks after has begun a plan, the newest first."""
    reach: Scope = request.scope  # type: ignore[attr-defined]
    rows = rounds_within(reach).filter(pk__in=Plan.objects.within(reach).values("round"))
    return list(rows.select_related("campaign").order_by("-campaign__starts_on", "-ordinal"))


@requires(Action.VIEW_RECTIFICATION)
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show the board of the newest round with plans, or say that there is none."""
    found = _rounds(request)
    if not found:
        return render(request, "rectification/board_none.html")
    return _board(request, round_or_404(request, found[0].pk), found)


@requires(Action.VIEW_RECTIFICATION)
@require_safe
def round_board(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the board of a round: of everything reached, of a 党总支 (group) or of a branch."""
    return _board(request, round_or_404(request, pk), _rounds(request))


def _board(request: HttpRequest, round_: Round, rounds: list[Round]) -> HttpResponse:
    place = _place(request, round_)
    try:
        name = board.branch_name(place)
    except Branch.DoesNotExist as missing:
        raise Http404 from missing
    found = board.read(place, clock.now())
    may_export = bool(can(account_of(request), Action.EXPORT))
    context: dict[str, Any] = {
        "round": round_,
        "rounds": [one for one in rounds if one.pk != round_.pk],
        "place": place,
        "name": name,
        "board": found,
        "annex": board.annex_unit(place) if may_export else None,
        "may_supervise": bool(can(account_of(request), Action.SUPERVISE)),
        "may_report": bool(can(account_of(request), Action.REPORT_PROGRESS)),
        "rules": rules_of(round_.campaign),
    }
    return render(request, "rectification/board.html", context)


@requires(Action.VIEW_RECTIFICATION)
@require_http_methods(["GET", "POST"])
def items(request: HttpRequest, pk: int) -> HttpResponse:
    """List the items of a round with filters, sorting and export."""
    round_ = round_or_404(request, pk)
    rows = item_rows(Place(round_, request.scope))  # type: ignore[attr-defined]
    late = request.GET.get("status") == Status.OVERDUE and not round_.campaign.backfill
    context = {"round": round_, "may_urge": late and bool(can(account_of(request), Action.SUPERVISE))}
    return render_list(request, ITEMS, rows, template="rectification/items.html", context=context)
