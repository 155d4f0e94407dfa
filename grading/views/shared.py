"""What several views of a round need: finding a unit, its deadline, and pages for two people's texts."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from branches import clock, wording
from branches.models import AuditEntry
from branches.permissions import get_or_404
from grading.models import Round, RoundUnit

WHOLE = "all"
_NUMBER = re.compile(r"[+-]?\d{1,9}(\.\d{1,6})?")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to put right, with the id of its field where there is one."""

    text: str
    target: str = ""


def unit_or_404(request: HttpRequest, pk: int) -> RoundUnit:
    """Return a unit the request's scope reaches, with what its pages need; 404 otherwise."""
    units = RoundUnit.objects.select_related(
        "round__campaign", "round__scale", "rubric", "branch", "category", "parent"
    ).prefetch_related("round__steps", "extensions")
    return get_or_404(units, request.scope, pk=pk)  # type: ignore[attr-defined]


def round_or_404(request: HttpRequest, pk: int) -> Round:
    """Return a round the request's scope reaches; 404 otherwise."""
    return get_or_404(Round.objects.select_related("campaign__root", "scale"), request.scope, pk=pk)  # type: ignore[attr-defined]


def decide_address(request: HttpRequest, unit: RoundUnit) -> str:
    """Return where grades are decided: the whole school if one came from there, else the unit's 党总支."""
    group = WHOLE if request.GET.get("parent") == WHOLE else unit.group
    return f"{reverse('decide', args=[unit.round_id])}?parent={group}"


def parse_number(text: str) -> Decimal | None:
    """Return a typed figure, full-width digits too; None when nothing was typed. Raises ValueError otherwise."""
    typed = unicodedata.normalize("NFKC", text).strip().replace("−", "-")
    if not typed:
        return None
    if not typed.isascii() or not _NUMBER.fullmatch(typed):
        raise ValueError(text)
    return Decimal(typed)


def posted_version(request: HttpRequest) -> int:
    """Return the version the page showed; 0 when it showed none or sent nonsense."""
    typed = request.POST.get("version", "")
    return int(typed) if typed.isascii() and typed.isdigit() else 0


def conflict(
    request: HttpRequest,
    *,
    thing: models.Model,
    rows: Iterable[tuple[str, str, str]],
    version: int,
    title: str,
    back: str = "",
) -> HttpResponse:
    """Answer 409 with both texts, keeping everything that was posted so that the person may insist.

    `back` is where the stored text is read, when the address itself only takes what is sent.
    """
    last = AuditEntry.objects.filter(thing=thing._meta.label_lower, thing_id=str(thing.pk)).order_by("-pk").first()
    keep = [(k, v) for k, values in request.POST.lists() for v in values if k not in {"csrfmiddlewaretoken", "version"}]
    context = {
        "title": title,
        "who": last.actor if last else "另一位同志",
        "when": wording.zh_moment(last.at, clock.now()) if last else "刚才",
        "rows": [row for row in rows if row[1] != row[2]],
        "keep": keep,
        "version": version,
        "form_url": request.path,
        "back": back or request.path,
    }
    return render(request, "branches/conflict.html", context, status=409)
