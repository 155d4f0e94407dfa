"""Scans of signed paper: attach, withdraw, hand out."""

from pathlib import PurePosixPath

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_GET, require_POST

from branches import clock
from branches.permissions import Action, account_of, enforce, get_or_404, requires
from branches.scopes import Scope
from branches.views.stored_file import hand_out
from grading.services.errors import RefusedError
from reporting.making.documents import known_kind
from reporting.making.kinds import named
from reporting.making.orders import Order, file_name
from reporting.models import Scan, ScanPage
from reporting.services import scans
from reporting.views import codes


@require_POST
@requires(Action.RETURN_SCAN)
def attach(request: HttpRequest, code: str) -> HttpResponse:
    """Attach a signed copy to the form of a code, in place of one that is there."""
    reach: Scope = request.scope  # type: ignore[attr-defined]
    form = codes.form_or_404(code, reach)
    enforce(request, Action.RETURN_SCAN, form)
    sent = request.FILES.getlist("files")
    try:
        scans.refuse_too_much(sum(one.size or 0 for one in sent))
        pages = scans.checked([(one.name or "", one.read()) for one in sent])
        scans.attach(by=account_of(request), form=form, pages=pages, reason=request.POST.get("reason", ""))
    except RefusedError as error:
        return codes.page(request, form, error.sentences, status=422)
    messages.success(request, f"盖章件已交回，共 {len(pages)} 个文件。")
    return redirect("code", form.code)


@require_POST
@requires(Action.RETURN_SCAN)
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw a signed copy with a reason."""
    reach: Scope = request.scope  # type: ignore[attr-defined]
    scan = get_or_404(Scan.objects.select_related("form__unit", "form__round__campaign__root"), reach, pk=pk)
    enforce(request, Action.RETURN_SCAN, scan)
    try:
        scans.withdraw(by=account_of(request), scan=scan, reason=request.POST.get("reason", ""))
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "盖章件已撤回，文件留存备查。")
    return redirect("code", scan.form.code)


@require_GET
@requires(Action.EXPORT)
def file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hand out one file of a scan as an attachment that no browser runs, named after its form."""
    rows = ScanPage.objects.select_related("scan__form__unit", "scan__form__round")
    row = get_or_404(rows, request.scope, pk=pk)  # type: ignore[attr-defined]
    form = row.scan.form
    kind = named(form.round)[form.kind] if known_kind(form.kind) else None
    name = form.unit.name_on(form.round.frozen_on or clock.today())
    suffix = PurePosixPath(row.name).suffix.lower().lstrip(".")
    about = f"{name}，盖章件 {form.code} 第{row.ordinal}份"
    title = file_name(Order(kind, form.round, form.unit, suffix), about, suffix) if kind else f"{form.code}.{suffix}"
    return hand_out(request, row.file, name=title)
