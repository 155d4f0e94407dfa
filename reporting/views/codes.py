"""Forms by the code at their foot: look one up, see one form's versions, and what came back signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from branches import clock
from branches.models import Branch
from branches.permissions import Action, can, enforce, requires
from branches.scopes import Scope
from grading.models import Round
from rectification.permissions import rounds_within
from reporting.making.documents import known_kind
from reporting.making.kinds import named
from reporting.models import FormVersion, Scan
from reporting.paper.form_codes import problem
from reporting.paper.returns import Standing, standing_of
from reporting.services import form_versions

NOT_THERE = "没有这份表，或者不在您的查看范围内。请对照纸面核对编码。"


@dataclass(frozen=True, slots=True)
class Line:
    """One version of a form as pages show it: whether the data agrees, its codes now, and the scan that is there."""

    form: FormVersion
    current: bool | None
    codes: tuple[str, ...]
    scan: Scan | None

    @property
    def standing(self) -> Standing:
        """How the scan stands."""
        return Standing.MISSING if self.scan is None else standing_of(self.current)


def describe(form: FormVersion) -> dict[str, Any]:
    """Return what a page says about a form: which, of which round, for whom."""
    kind = known_kind(form.kind)
    name = form.unit.name_on(form.round.frozen_on or clock.today())
    preview = kind is not None and form.unit.level in kind.levels and not kind.bundled(form.unit, each=False)
    label = named(form.round)[form.kind].label if kind else form.kind
    return {"label": label, "unit": name, "round": form.round, "preview": preview}


def lines_of(forms: list[FormVersion]) -> list[Line]:
    """Return versions with whether the data agrees and what came back, in a number of queries that does not grow."""
    compared = form_versions.compared(forms)
    scans = Scan.objects.present().filter(form__in=forms).select_related("attached_by__person")
    there = {scan.form_id: scan for scan in scans.prefetch_related("pages")}
    return [Line(form, compared[form.pk].current, compared[form.pk].codes, there.get(form.pk)) for form in forms]


@require_GET
@requires(Action.EXPORT)
def look_up(request: HttpRequest) -> HttpResponse:
    """Ask for a code and go to its form; say in a sentence why there is none."""
    typed = request.GET.get("code", "")[:60]
    if not typed.strip():
        return render(request, "reporting/codes.html", {})
    if said := problem(typed):
        return render(request, "reporting/codes.html", {"typed": typed, "problem": said}, status=422)
    form = form_versions.find(typed, request.scope)  # type: ignore[attr-defined]
    if form is None:
        return render(request, "reporting/codes.html", {"typed": typed, "problem": NOT_THERE}, status=404)
    return redirect("code", form.code)


def form_or_404(code: str, reach: Scope) -> FormVersion:
    """Return the form version of a code within `reach`; 404 for a foreign one and for none."""
    form = form_versions.find(code, reach)
    if form is None:
        raise Http404
    return form


@require_GET
@requires(Action.EXPORT)
def show(request: HttpRequest, code: str) -> HttpResponse:
    """Show which form a code names, whether its data has changed since, and the signed copy that came back."""
    form = form_versions.find(code, request.scope)  # type: ignore[attr-defined]
    if form is None:
        return render(request, "reporting/codes.html", {"typed": code[:60], "problem": NOT_THERE}, status=404)
    return page(request, form)


def page(request: HttpRequest, form: FormVersion, errors: Sequence[str] = (), status: int = 200) -> HttpResponse:
    """Draw the page of a form version; `errors` say why a scan was not taken."""
    (line,) = lines_of([form])
    gone = form.scans.exclude(withdrawn_at=None).select_related("attached_by__person", "withdrawn_by__person")
    context = {
        "form": form, "line": line, "about": describe(form), "errors": errors,
        "gone": gone.prefetch_related("pages"), "may_return": bool(can(request.user, Action.RETURN_SCAN, form)),
    }  # fmt: skip
    return render(request, "reporting/code.html", context, status=status)


@require_GET
@requires(Action.EXPORT)
def form_page(request: HttpRequest, kind: str, round_pk: int, unit_pk: int) -> HttpResponse:
    """Show the versions of one form that were printed, so that a photograph finds the one it shows."""
    reach: Scope = request.scope  # type: ignore[attr-defined]
    chosen, node = known_kind(kind), Branch.objects.filter(pk=unit_pk).first()
    round_ = rounds_within(reach).select_related("campaign__root", "scale").filter(pk=round_pk).first()
    if chosen is None or node is None or round_ is None or round_.state == Round.State.PREPARING:
        raise Http404
    enforce(request, Action.EXPORT, node)
    if node.level not in chosen.levels:
        raise Http404
    rows = FormVersion.objects.of(kind, round_, node).select_related("round__campaign__root", "round__scale", "unit")
    lines = lines_of(list(rows.select_related("made_by__person")))
    context = {
        "kind": named(round_)[kind], "round": round_, "unit": node,
        "name": node.name_on(round_.frozen_on or clock.today()),
        "lines": lines, "preview": not chosen.bundled(node, each=False),
    }  # fmt: skip
    return render(request, "reporting/form.html", context)
