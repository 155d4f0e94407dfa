"""紧急上报: numbers to call, the form, the report with its trace, and the list of contacts."""

import uuid
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from branches import clock
from branches.models import Branch, Campaign
from branches.permissions import Action, account_of, can, requires, scope
from branches.transitions import BlockedError, IllegalMoveError
from interviews.forms.matters import CloseForm, ContactForm, ReportForm
from interviews.mine import my_entries
from interviews.models import EmergencyContact, EmergencyReport, Interview, RosterEntry
from interviews.people import accounts_with, receivers
from interviews.services import emergency as service
from interviews.services import sealed
from interviews.services.errors import NotReadableError, RefusedError
from interviews.tasks import announce_emergencies
from interviews.views.shared import my_campaign, posted, refusal

_REPORTS = EmergencyReport.objects.select_related(
    "record", "contact", "duty__person", "reporter__person", "entry__person"
)


def _campaign(request: HttpRequest) -> Campaign | None:
    """Return the campaign of one's list, else the newest one that concerns the account."""
    mine, _ = my_campaign(request)
    if mine is not None:
        return mine
    return Campaign.objects.within(request.scope).order_by("-year", "-pk").first()  # type: ignore[attr-defined]


def _contacts(request: HttpRequest, campaign: Campaign | None) -> QuerySet[EmergencyContact]:
    """Return the contacts that concern the account: for its own units and for everything above them."""
    reach = request.scope  # type: ignore[attr-defined]
    rows = EmergencyContact.objects.filter(campaign=campaign, active=True).select_related("account__person")
    return rows if reach.everything else rows.filter(Q(unit__in=reach.above()) | Q(unit__in=reach.branches()))


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


@requires(Action.RECEIVE_EMERGENCY)
@sensitive_post_parameters("facts", "entry")
@sensitive_variables()
@require_http_methods(["GET", "POST"])
def emergency(request: HttpRequest) -> HttpResponse:
    """Show whom to call, take a report, list what one sent and received."""
    account, campaign = account_of(request), _campaign(request)
    contacts = _contacts(request, campaign)
    people = my_entries(account, campaign, clock.today()) if campaign else RosterEntry.objects.none()
    receiving = contacts.filter(account__in=receivers().values("pk")).exclude(account=account)
    first = receiving.values_list("pk", flat=True).first()
    initial = {"client_id": uuid.uuid4(), "entry": request.GET.get("person"), "contact": first}
    form = ReportForm(posted(request), contacts=receiving, people=people, initial=initial)
    if request.method == "POST":
        answer = _reported(request, form)
        if answer is not None:
            return answer
    reports = EmergencyReport.objects.select_related("contact", "duty__person", "reporter__person")
    context = {
        "contacts": contacts,
        "receiving": set(receiving.values_list("pk", flat=True)),
        "form": form,
        "sent": reports.filter(reporter=account)[:20],
        "received": reports.filter(duty=account)[:20],
        "may_manage": bool(can(account, Action.MANAGE_INTERVIEWS)),
        "may_report": bool(can(account, Action.RECORD_INTERVIEW)),
    }
    return render(request, "interviews/emergency.html", context, status=422 if form.is_bound else 200)


def _reported(request: HttpRequest, form: ReportForm) -> HttpResponse | None:
    """Hand the report over; None when the page is to be shown again with what is wrong."""
    account = account_of(request)
    if request.POST.get("account") not in (None, "", str(account.pk)):
        text = "现在登录的是另一个账号，没有上报。请用原来的账号重新登录。"
        return JsonResponse({"error": text}, status=403)
    if form.is_valid():
        given = form.cleaned_data
        facts = service.Facts(given["facts"], given["entry"], _talk(request))
        try:
            row = service.report(
                by=account, client_id=given["client_id"], contact=given["contact"], facts=facts, now=clock.now()
            )
        except RefusedError as error:
            refusal(form, error)
        else:
            announce_emergencies()
            url = reverse("emergency-report", args=[row.pk])
            name = f"紧急上报，已交给{row.contact}"
            if _wants_json(request):
                return JsonResponse({"who": name, "next": url})
            messages.success(request, name)
            return redirect(url)
    if _wants_json(request):
        errors = [(name, str(text)) for name, found in form.errors.items() for text in found]
        faults = [{"text": text, "target": f"id_{name}"} for name, text in errors]
        return JsonResponse({"errors": faults}, status=422)
    return None


def _talk(request: HttpRequest) -> Interview | None:
    key = request.POST.get("interview", "")
    number = int(key) if key.isascii() and key.isdigit() and len(key) < 19 else 0
    return Interview.objects.filter(interviewer=account_of(request), pk=number).first()


def _report_or_404(request: HttpRequest, pk: int, *, received: bool = False) -> EmergencyReport:
    """Return a report the account sent or received; 404 otherwise."""
    account = account_of(request)
    mine = Q(duty=account) if received else Q(duty=account) | Q(reporter=account)
    return get_object_or_404(_REPORTS.filter(mine), pk=pk)


def _context(request: HttpRequest, row: EmergencyReport) -> dict[str, Any]:
    account = account_of(request)
    steps = [(step.at, step.account, step.get_what_display()) for step in row.steps.select_related("account__person")]
    readings = row.record.readings.select_related("by__person")[:50]
    steps += [(one.at, one.by, f"查看内容（{one.get_outcome_display()}）") for one in readings]
    return {
        "report": row,
        "on_duty": row.duty_id == account.pk,
        "trace": sorted(steps, key=lambda step: step[0]),
        "form": CloseForm() if row.duty_id == account.pk and row.state == EmergencyReport.State.ACKNOWLEDGED else None,
    }


@requires(Action.RECEIVE_EMERGENCY)
@require_safe
def report_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a report without its facts, and its trace."""
    return render(request, "interviews/emergency_report.html", _context(request, _report_or_404(request, pk)))


@requires(Action.RECEIVE_EMERGENCY)
@sensitive_variables()
@require_POST
def report_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the facts, and note who did; who may not is noted too."""
    row = get_object_or_404(_REPORTS, pk=pk)
    found: dict[str, Any] = {}
    try:
        found["opened"] = sealed.open_record(by=account_of(request), record=row.record, now=clock.now())
    except NotReadableError as error:
        raise Http404 from error
    except RefusedError as error:
        found["errors"] = error.sentences
    status = 422 if "errors" in found else 200
    return render(request, "interviews/emergency_report.html", _context(request, row) | found, status=status)


@requires(Action.RECEIVE_EMERGENCY)
@require_POST
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that the report has been received."""
    row = _report_or_404(request, pk, received=True)
    try:
        service.acknowledge(by=account_of(request), row=row, now=clock.now())
    except (RefusedError, IllegalMoveError, BlockedError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "已接报，上报人看得到。")
    return redirect("emergency-report", row.pk)


@requires(Action.RECEIVE_EMERGENCY)
@sensitive_post_parameters("outcome")
@sensitive_variables()
@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what was done."""
    row = _report_or_404(request, pk, received=True)
    form = CloseForm(request.POST)
    if form.is_valid():
        try:
            service.close(by=account_of(request), row=row, outcome=form.cleaned_data["outcome"], now=clock.now())
        except (RefusedError, IllegalMoveError, BlockedError) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "处置情况已记下。")
            return redirect("emergency-report", row.pk)
    context = _context(request, row) | {"form": form}
    return render(request, "interviews/emergency_report.html", context, status=422)


# --- Whom to call ----------------------------------------------------------------------------------------------------


@requires(Action.MANAGE_INTERVIEWS)
@require_safe
def contacts(request: HttpRequest) -> HttpResponse:
    """List the contacts one looks after."""
    rows = _kept(request).select_related("account__person", "campaign")
    today = clock.today()
    able = set(receivers().values_list("pk", flat=True))
    context = {
        "contacts": [
            (row, row.unit.name_on(today), row.account_id is None or row.account_id in able)
            for row in rows.select_related("unit")
        ]
    }
    return render(request, "interviews/emergency_contacts.html", context)


def _kept(request: HttpRequest) -> QuerySet[EmergencyContact]:
    reach = scope(request.user, Action.MANAGE_INTERVIEWS)
    rows = EmergencyContact.objects.all()
    return rows if reach.everything else rows.filter(unit__in=reach.branches())


def _contact_form(request: HttpRequest, contact: EmergencyContact | None) -> ContactForm:
    units = Branch.objects.within(request.scope).as_of(clock.today())  # type: ignore[attr-defined]
    initial = {}
    if contact is not None:
        names = ("duty", "name", "phone", "hours", "ordinal", "active")
        initial = {name: getattr(contact, name) for name in names}
        initial |= {"unit": contact.unit_id, "account": contact.account_id}
    accounts = accounts_with(Action.RECEIVE_EMERGENCY)
    return ContactForm(
        posted(request), units=units.exclude(level=Branch.Level.BRANCH), accounts=accounts, initial=initial
    )


def _edited(request: HttpRequest, campaign: Campaign | None, contact: EmergencyContact | None) -> HttpResponse:
    form = _contact_form(request, contact)
    if request.method == "POST" and form.is_valid():
        try:
            if campaign is None:
                raise RefusedError(["还没有开展活动，先开活动再登记联系人。"])
            service.save_contact(
                by=account_of(request), campaign=campaign, line=service.Line(**form.cleaned_data), contact=contact
            )
        except RefusedError as error:
            refusal(form, error)
        else:
            messages.success(request, "紧急联系人已保存。")
            return redirect("emergency-contacts")
    context = {"form": form, "contact": contact}
    return render(request, "interviews/emergency_contact.html", context, status=422 if form.errors else 200)


@requires(Action.MANAGE_INTERVIEWS)
@require_http_methods(["GET", "POST"])
def contact_new(request: HttpRequest) -> HttpResponse:
    """Add a contact."""
    return _edited(request, _campaign(request), None)


@requires(Action.MANAGE_INTERVIEWS)
@require_http_methods(["GET", "POST"])
def contact_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a contact, or take it out of use."""
    contact = get_object_or_404(_kept(request).select_related("campaign", "unit"), pk=pk)
    return _edited(request, contact.campaign, contact)
