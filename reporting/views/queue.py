"""The office's queue: everything that runs or waits, whoever asked for it."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from branches import clock
from branches.permissions import Action, requires
from reporting import desk
from reporting.database_time import database_now
from reporting.models import Export, Piece, WorkerHeartbeat
from reporting.services import requests, upkeep

PAST = dt.timedelta(days=1)
SHOWN = 100


def _queue(request: HttpRequest) -> dict[str, Any]:
    reach = request.scope  # type: ignore[attr-defined]
    found = Export.objects.within(reach).select_related("unit", "owner__person")
    recent = found.filter(state__in=Export.ALIVE) | found.filter(requested_at__gte=clock.now() - PAST)
    lines = desk.lines(recent.order_by("-requested_at")[:SHOWN])
    now = database_now()
    workers = list(WorkerHeartbeat.objects.filter(seen_at__gte=now - upkeep.LIFELESS_AFTER))
    return {
        "lines": lines,
        "waiting": found.waiting().count(),
        "begun": found.begun().count(),
        "pieces": Piece.objects.open().filter(parts__isnull=False).distinct().count(),
        "alive": upkeep.worker_alive(),
        "workers": [desk.worker_line(worker, now) for worker in workers],
        "broker_error": next((worker.broker_error for worker in workers if worker.broker_error), ""),
        "places": sum(worker.heavy for worker in workers if worker.seen_at >= now - upkeep.ALIVE_WITHIN),
    }


@require_GET
@requires(Action.MANAGE_QUEUE)
def index(request: HttpRequest) -> HttpResponse:
    """Show the queue and the workers."""
    return render(request, "reporting/queue.html", _queue(request))


@require_GET
@requires(Action.MANAGE_QUEUE)
def rows(request: HttpRequest) -> HttpResponse:
    """Return the queue's panel, for the page that polls."""
    return render(request, "reporting/_queue_rows.html", _queue(request))


def _reached(request: HttpRequest, pk: int) -> Export:
    export = Export.objects.within(request.scope).select_related("unit").filter(pk=pk).first()  # type: ignore[attr-defined]
    if export is None:
        raise Http404
    return export


@require_POST
@requires(Action.MANAGE_QUEUE)
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop somebody's export, with the reason its owner will read."""
    reason = request.POST.get("reason", "").strip()
    if not reason:
        messages.error(request, "停止别人的导出须写明理由。")
        return redirect("export-queue")
    try:
        requests.stop(by=request.user, export=_reached(request, pk), reason=reason)  # type: ignore[arg-type]
    except requests.ExportRefusedError as refusal:
        messages.info(request, str(refusal))
    return redirect("export-queue")


@require_POST
@requires(Action.MANAGE_QUEUE)
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Queue somebody's failed export again."""
    try:
        requests.retry(by=request.user, export=_reached(request, pk))  # type: ignore[arg-type]
    except requests.ExportRefusedError as refusal:
        messages.info(request, str(refusal))
    return redirect("export-queue")
