"""My exports: ask, watch, cancel, try again, download."""

import datetime as dt
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from branches import clock
from branches.models import Branch
from branches.permissions import Action, account_of, can, requires
from branches.scopes import Scope
from grading.models import Round
from reporting import desk
from reporting.forms import ExportForm, wish_for
from reporting.making.orders import Order, order_of
from reporting.models import Export
from reporting.services import requests

KEPT = dt.timedelta(days=30)
SHOWN = 50
CHOICES = ("kind", "round", "unit", "branch", "each", "format")


def rounds_for(reach: Scope) -> list[Round]:
    """Return the rounds with something to export, newest first."""
    rows = Round.objects.within(reach).exclude(state=Round.State.PREPARING)
    return list(rows.select_related("campaign__root", "scale").order_by("-campaign__year", "-campaign_id", "-ordinal"))


def _mine(request: HttpRequest, pk: int) -> Export:
    export = Export.objects.of(account_of(request)).select_related("unit", "owner__person").filter(pk=pk).first()
    if export is None:
        raise Http404
    return export


def _rows(request: HttpRequest) -> dict[str, Any]:
    found = Export.objects.of(account_of(request)).recent(clock.now() - KEPT).select_related("unit")
    lines = desk.lines(found[:SHOWN])
    return {"lines": lines, "live": any(line.live for line in lines), "total": found.count()}


def _form(request: HttpRequest, data: Any = None) -> ExportForm:
    reach: Scope = request.scope  # type: ignore[attr-defined]
    initial = {key: request.GET[key] for key in CHOICES if key in request.GET}
    return ExportForm(data, reach=reach, rounds=rounds_for(reach), initial=initial)


@require_GET
@requires(Action.EXPORT)
def index(request: HttpRequest) -> HttpResponse:
    """Show my exports and the form for a new one."""
    return _page(request, _form(request))


def _page(request: HttpRequest, form: ExportForm, status: int = 200) -> HttpResponse:
    context = {
        "form": form,
        "hours": settings.EXPORT_TTL_HOURS,
        "may_manage": bool(can(request.user, Action.MANAGE_QUEUE)),
    }
    return render(request, "reporting/exports.html", context | _rows(request), status=status)


@require_GET
@requires(Action.EXPORT)
def rows(request: HttpRequest) -> HttpResponse:
    """Return the rows of my exports, for the page that polls."""
    return render(request, "reporting/_export_rows.html", _rows(request))


@require_GET
@requires(Action.EXPORT)
def form(request: HttpRequest) -> HttpResponse:
    """Return the form again with the choices that fit what was chosen."""
    return render(request, "reporting/_export_form.html", {"form": _form(request)})


@require_POST
@requires(Action.EXPORT)
def ask(request: HttpRequest) -> HttpResponse:
    """Take a request for an export."""
    filled = _form(request, request.POST)
    if not filled.is_valid():
        return _page(request, filled, status=422)
    try:
        order = filled.order()
        return take(request, order, {key: request.POST[key] for key in CHOICES if key in request.POST})
    except Branch.DoesNotExist:
        filled.add_error("unit", "所选范围已不存在，请重新选择。")
        return _page(request, filled, status=422)


def take(request: HttpRequest, order: Order, chosen: Mapping[str, str] | None = None) -> HttpResponse:
    """Take a request for an order, say what became of it, and go to my exports; the form keeps what was `chosen`."""
    exports = reverse("exports") + (f"?{urlencode(chosen)}" if chosen else "")
    name = order.unit.name_on(order.round.frozen_on or clock.today())
    try:
        taken = requests.request_export(by=request.user, wish=wish_for(order, name))  # type: ignore[arg-type]
    except requests.ExportRefusedError as refusal:
        messages.error(request, str(refusal))
        return redirect(exports)
    if taken.new:
        messages.success(request, f"已开始生成：{taken.export.title}。")
    elif taken.export.state == Export.State.DONE:
        messages.info(request, "数据没有变化，已有同样的文件，可直接下载。")
    else:
        messages.info(request, "同样的报表已在生成，不再重复。")
    return redirect(exports)


def _answer(request: HttpRequest) -> HttpResponse:
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "reporting/_export_rows.html", _rows(request))
    return redirect("exports")


@require_POST
@requires(Action.EXPORT)
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel one of my exports."""
    try:
        requests.cancel(by=request.user, export=_mine(request, pk))  # type: ignore[arg-type]
    except requests.ExportRefusedError as refusal:
        messages.info(request, str(refusal))
    return _answer(request)


@require_POST
@requires(Action.EXPORT)
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Try one of my failed exports again."""
    try:
        requests.retry(by=request.user, export=_mine(request, pk))  # type: ignore[arg-type]
    except requests.ExportRefusedError as refusal:
        messages.info(request, str(refusal))
    return _answer(request)


@require_POST
@requires(Action.EXPORT)
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask again for what one of my exports showed, from the data as it is now."""
    try:
        export = _mine(request, pk)
        order = order_of(export)
    except (KeyError, Round.DoesNotExist):
        messages.error(request, "所申请的报表或轮次已不存在。")
        return redirect("exports")
    requests.drop_damaged(export)
    return take(request, order)


@require_GET
@requires(Action.EXPORT)
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hand out the file of one of my exports; permission is asked again."""
    export = _mine(request, pk)
    try:
        content = requests.open_file(by=request.user, export=export)  # type: ignore[arg-type]
    except requests.ExportDamagedError:
        return render(request, "410.html", {"name": export.file_name, "again": export.pk}, status=410)
    except requests.ExportRefusedError as refusal:
        messages.error(request, str(refusal))
        return redirect("exports")
    response = FileResponse(content, as_attachment=True, filename=export.file_name)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "no-store"
    return response
