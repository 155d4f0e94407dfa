"""督导 visits: the list, recording one, and what it found."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from branches import clock
from branches.listing import render_list
from branches.models import Account, Campaign, CampaignMember
from branches.permissions import Action, account_of, can, enforce, get_or_404, requires
from branches.versions import ConflictError
from grading.services.errors import RefusedError
from rectification.forms.supervision import FindingForm, VisitForm
from rectification.lists_supervision import VISITS, names_of, visit_rows
from rectification.models import Plan, Visit, VisitFinding
from rectification.permissions import may_edit
from rectification.services import visits
from rectification.services.settings import rules_of
from rectification.services.visits import Found
from rectification.supervision_page import by_general_branch, units_within
from rectification.views.shared import refusal

CHANGED = "这条记录刚被他人修改过，请看现在的内容再改。"


def campaigns(request: HttpRequest) -> list[Campaign]:
    """Return the campaigns within reach that supervision is about, the newest first."""
    rows = Campaign.objects.within(request.scope)  # type: ignore[attr-defined]
    return list(rows.select_related("root").order_by("-starts_on", "-pk"))


def visit_or_404(request: HttpRequest, pk: int) -> Visit:
    """Return a visit the request's scope reaches; 404 otherwise."""
    rows = Visit.objects.select_related("campaign", "unit", "recorded_by__person")
    row: Visit = get_or_404(rows, request.scope, pk=pk)  # type: ignore[attr-defined]
    return row


@requires(Action.VIEW_RECTIFICATION)
@require_http_methods(["GET", "POST"])
def visit_list(request: HttpRequest) -> HttpResponse:
    """List visits within reach; POST gives the same rows as a file."""
    rows = visit_rows(Visit.objects.within(request.scope))  # type: ignore[attr-defined]
    may_record = bool(can(request.user, Action.SUPERVISE))
    button = format_html('<a class="btn btn-primary" href="{}">登记督导记录</a>', reverse("supervision-visit-new"))
    context = {"may_record": may_record, "empty_actions": button if may_record else ""}
    return render_list(request, VISITS, rows, template="rectification/visits.html", context=context)


def _form(request: HttpRequest, campaign: Campaign | None, data: Any = None, row: Visit | None = None) -> VisitForm:
    today = clock.today()
    units = by_general_branch(units_within(request.scope, today), today)  # type: ignore[attr-defined]
    aspects = rules_of(campaign).visit_aspects if campaign else []
    if row is not None:
        start: dict[str, Any] = {name: getattr(row, name) for name in visits.FIELDS} | {"version": row.version}
        kept = [name for name in row.looked_at if name not in aspects]
        return VisitForm(data, initial=start, units=units, aspects=[*aspects, *kept], fixed=True)
    office = CampaignMember.objects.filter(campaign=campaign, group=CampaignMember.Group.OFFICE)
    names = "、".join(office.order_by("ordinal").values_list("name", flat=True)[:4])
    start = {"held_on": today, "visitors": names, "unit": request.GET.get("unit", "")}
    return VisitForm(data, initial=start, units=units, aspects=aspects)


@requires(Action.SUPERVISE)
@require_http_methods(["GET", "POST"])
def visit_new(request: HttpRequest) -> HttpResponse:
    """Record a visit; what it found is added on its page."""
    found = campaigns(request)
    wanted = request.POST.get("campaign") or request.GET.get("campaign")
    campaign = next((one for one in found if str(one.pk) == wanted), found[0] if found else None)
    form = _form(request, campaign, request.POST or None)
    if request.method == "POST" and campaign is not None and form.is_valid():
        given = dict(form.cleaned_data)
        unit = given.pop("unit")
        try:
            made = visits.record(
                by=account_of(request), campaign=campaign, unit=unit, values=given, found=(), now=clock.now()
            )
        except RefusedError as error:
            refusal(form, error)
        else:
            messages.success(request, "督导记录已登记。发现的问题请在下面逐条写，支部制定方案时会看到。")
            return redirect("supervision-visit", made.pk)
    context = {"form": form, "campaign": campaign, "campaigns": found, "visit": None}
    return render(request, "rectification/visit_form.html", context, status=422 if form.errors else 200)


@requires(Action.SUPERVISE)
@require_http_methods(["GET", "POST"])
def visit_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Correct a record."""
    row = visit_or_404(request, pk)
    enforce(request, Action.SUPERVISE, row.unit)
    form = _form(request, row.campaign, request.POST or None, row)
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        version = given.pop("version") or 0
        try:
            visits.change(by=account_of(request), visit=row, version=version, values=given, now=clock.now())
        except RefusedError as error:
            refusal(form, error)
        except ConflictError:
            form.add_error(None, CHANGED)
        else:
            messages.success(request, "督导记录已修改。")
            return redirect("supervision-visit", row.pk)
    context = {"form": form, "campaign": row.campaign, "campaigns": [row.campaign], "visit": row}
    return render(request, "rectification/visit_form.html", context, status=422 if form.errors else 200)


@requires(Action.VIEW_RECTIFICATION)
@require_safe
def visit(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a visit with what it found."""
    return _page(request, visit_or_404(request, pk))


def _page(request: HttpRequest, row: Visit, form: FindingForm | None = None) -> HttpResponse:
    reach = request.scope  # type: ignore[attr-defined]
    findings = list(row.findings.within(reach).select_related("branch"))
    names = names_of([row.unit_id, *(one.branch_id for one in findings)])
    items = visits.taken(findings)
    plans = _plans(row, findings)
    may = bool(visits.may_record(account_of(request), row.unit))
    units = units_within(reach, clock.today(), below=row.unit)
    context = {
        "visit": row, "name": names.get(row.unit_id, row.unit.name_on(row.held_on)), "may": may,
        "lines": [(one, names.get(one.branch_id, ""), items.get(one.pk), plans.get(one.branch_id)) for one in findings],
        "open_to_me": {pk for pk, plan in plans.items() if _may_add(account_of(request), plan)},
        "form": (form or FindingForm(units=units)) if may else None,
    }  # fmt: skip
    return render(request, "rectification/visit.html", context, status=422 if form is not None else 200)


def _plans(row: Visit, findings: list[VisitFinding]) -> dict[int, Plan]:
    """Return the newest plan of each branch something was found about: there it can be taken over."""
    rows = Plan.objects.filter(campaign=row.campaign, branch__in=[one.branch_id for one in findings])
    return {plan.branch_id: plan for plan in rows.select_related("round").order_by("round__ordinal")}


def _may_add(account: Account, plan: Plan) -> bool:
    """Tell whether an account may add an item to a plan now."""
    return plan.state != Plan.State.CLOSED and bool(may_edit(account, plan))


@requires(Action.SUPERVISE)
@require_POST
def finding_add(request: HttpRequest, pk: int) -> HttpResponse:
    """Add something a visit found."""
    row = visit_or_404(request, pk)
    enforce(request, Action.SUPERVISE, row.unit)
    units = units_within(request.scope, clock.today(), below=row.unit)  # type: ignore[attr-defined]
    form = FindingForm(request.POST, units=units)
    if form.is_valid():
        given = form.cleaned_data
        try:
            made = Found(given["branch"], given["text"], given["advice"])
            visits.add_finding(by=account_of(request), visit=row, found=made)
        except RefusedError as error:
            refusal(form, error)
        else:
            messages.success(request, "已记下。支部写方案时可以一键列入整改。")
            return redirect("supervision-visit", row.pk)
    return _page(request, row, form)


@requires(Action.SUPERVISE)
@require_POST
def finding_settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Say why a finding needs no item."""
    rows = VisitFinding.objects.select_related("branch", "visit")
    row: VisitFinding = get_or_404(rows, request.scope, pk=pk)  # type: ignore[attr-defined]
    enforce(request, Action.SUPERVISE, row.branch)
    try:
        visits.settle(by=account_of(request), finding=row, note=request.POST.get("reason", ""))
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "已说明。")
    return redirect("supervision-visit", row.visit_id)
