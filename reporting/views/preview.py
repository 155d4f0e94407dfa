"""The annex on screen, from the same cells as the workbook and the PDF; and its export from there."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from branches.models import Branch
from branches.permissions import Action, account_of, enforce, requires
from grading.models import Round
from rectification.permissions import rounds_within
from reporting.making.documents import Identified, identified
from reporting.making.kinds import BY_SLUG, named
from reporting.making.orders import NothingToShowError, Order, facts_for, stamp_for
from reporting.models import Export, FormVersion
from reporting.paper.form_codes import code_line, form_code
from reporting.services import form_versions
from reporting.tables.html import render_sheet
from reporting.views.exports import take

PAPER = {("A4", "landscape"): "A4 横向", ("A4", "portrait"): "A4 纵向", ("A3", "landscape"): "A3 横向"}


def _order(request: HttpRequest, kind: str, round_: int, unit: int) -> Order:
    """Return what to show.

    Raises Http404 for what is not there or must not seem to be, PermissionDenied with the reason.
    """
    node = Branch.objects.filter(pk=unit).first()
    reach = request.scope  # type: ignore[attr-defined]
    found = rounds_within(reach).select_related("campaign__root", "scale").filter(pk=round_).distinct().first()
    if node is None or kind not in BY_SLUG or found is None or found.state == Round.State.PREPARING:
        raise Http404
    enforce(request, Action.EXPORT, node)
    chosen = named(found)[kind]
    wanted = request.GET.get("one", "")
    order = Order(chosen, found, node, Export.Format.PDF, one=int(wanted) if chosen.one and wanted.isdigit() else 0)
    if node.level not in chosen.levels or order.bundled:
        raise Http404
    return order


def _named(order: Order, facts: Sequence[Any]) -> Identified:
    return identified(kind=order.kind, round_=order.round, unit=order.unit, facts=facts, bundled=False)


@require_GET
@requires(Action.EXPORT)
def show(request: HttpRequest, kind: str, round_pk: int, unit_pk: int) -> HttpResponse:
    """Show an annex of one unit as it will print; its code stands on it once it was given out."""
    order = _order(request, kind, round_pk, unit_pk)
    context: dict[str, Any] = {"order": order}
    try:
        facts = facts_for(order)
    except NothingToShowError as nothing:
        return render(request, "reporting/preview.html", context | {"nothing": str(nothing)}, status=404)
    ((unit, digest),) = _named(order, facts)
    code = form_code(order.kind.slug, order.round.pk, unit.pk, digest)
    form = FormVersion.objects.filter(code=code).first()
    line = code_line(code) if form else ""
    sheets = [replace(sheet, code_line=line) for sheet in order.kind.lay(facts[0], stamp_for(request.user))]
    before = accumulate((len(sheet.pages) for sheet in sheets), initial=1)
    drawn = [render_sheet(sheet, first=first) for sheet, first in zip(sheets, before, strict=False)]
    page = sheets[0].page
    context |= {
        "form": form,
        "body": "".join(one.body for one in drawn),
        "style": "\n".join(one.style for one in drawn),
        "about": order.kind.name(facts[0]),
        "pages": sum(len(sheet.pages) for sheet in sheets),
        "wide": page.orientation == "landscape",
        "paper": PAPER.get((page.size, page.orientation), page.size),
    }
    return render(request, "reporting/preview.html", context)


@require_POST
@requires(Action.EXPORT)
def print_out(request: HttpRequest, kind: str, round_pk: int, unit_pk: int) -> HttpResponse:
    """Give the annex seen its code, and show it ready to print: no paper goes out without one."""
    order = _order(request, kind, round_pk, unit_pk)
    try:
        named = _named(order, facts_for(order))
    except NothingToShowError as nothing:
        raise Http404 from nothing
    form_versions.issue(kind=kind, round_=order.round, documents=named, by=account_of(request))
    chosen = f"?one={order.one}" if order.one else ""
    return redirect(reverse("annex-preview", args=[kind, round_pk, unit_pk]) + f"{chosen}#print")


@require_POST
@requires(Action.EXPORT)
def export(request: HttpRequest, kind: str, round_pk: int, unit_pk: int) -> HttpResponse:
    """Ask for the annex seen, as a file."""
    order = _order(request, kind, round_pk, unit_pk)
    wanted = request.POST.get("format")
    chosen = Export.Format.XLSX if wanted == Export.Format.XLSX else Export.Format.PDF
    return take(request, replace(order, format=chosen))
