"""The record of the 党员大会 that discussed a plan."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from branches import basics, clock, drafts
from branches.models import Branch
from branches.permissions import Action, account_of, requires
from branches.versions import ConflictError
from grading.services.errors import RefusedError
from grading.views.shared import Fault, conflict, posted_version
from rectification.forms.meeting import SPARE_ROWS, AbsenceRow, MeetingForm, counted, padded, rows_of
from rectification.models import Absence, MeetingRecord, Plan
from rectification.permissions import may_edit
from rectification.services import checks, meetings
from rectification.services.settings import rules_of
from rectification.views.prefill import leader_of
from rectification.views.shared import allowed, plan_or_404, refusal

FORM = "meeting"


def _record(plan: Plan) -> MeetingRecord | None:
    return MeetingRecord.objects.prefetch_related("absences").filter(plan=plan).first()


def _initial(plan: Plan, record: MeetingRecord | None) -> dict[str, Any]:
    """Return the stored record, or what is known before anything is written: who leads, where they meet, how many."""
    if record is not None:
        return {name: getattr(record, name) for name in MeetingForm.base_fields}
    known: dict[str, Any] = {"version": 0, "chair": leader_of(plan)}
    if plan.branch.level == Branch.Level.BRANCH:
        profile = basics.read(plan.branch).profile
        known |= {"place": profile.venue, "should_attend": profile.full_members}
    return known


def _page(
    request: HttpRequest, plan: Plan, form: MeetingForm, rows: list[AbsenceRow], errors: list[Fault] | None = None
) -> HttpResponse:
    record = _record(plan)
    answer = may_edit(request.user, plan)
    why_not = "" if answer else answer.reason
    if not plan.editable:
        why_not = f"方案{plan.get_state_display()}，会议记录只能查看。"
    rules, account = rules_of(plan.campaign), account_of(request)
    bound = form.is_bound
    context = {
        "plan": plan, "rules": rules, "form": form, "rows": rows, "kinds": Absence.Kind.choices, "why_not": why_not,
        "editable": not why_not, "version": record.version if record else 0, "record": record, "errors": errors or [],
        "draft": None if bound or why_not else drafts.load(account=account, form=FORM, key=str(plan.pk)),
        "lacking": checks.meeting_problems(plan, rules, clock.now()) if record and plan.editable else [],
    }  # fmt: skip
    return render(request, "rectification/meeting.html", context, status=422 if bound else 200)


@requires(Action.VIEW_RECTIFICATION)
@require_http_methods(["GET", "POST"])
def plan_meeting(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the record; POST saves it (`do=save`) or adds empty rows for people who stayed away (`do=more`)."""
    plan = plan_or_404(request, pk)
    if request.method == "POST":
        allowed(may_edit(request.user, plan))
        return _save(request, plan)
    record = _record(plan)
    form = MeetingForm(initial=_initial(plan, record))
    absences = record.absences.all() if record else ()
    rows = [AbsenceRow(n, row.name, row.kind, row.reason) for n, row in enumerate(absences)]
    return _page(request, plan, form, padded(rows, 1 if rows else SPARE_ROWS))


def _save(request: HttpRequest, plan: Plan) -> HttpResponse:
    form, rows = MeetingForm(request.POST), rows_of(request.POST)
    if request.POST.get("do") == "more":
        unbound = MeetingForm(initial=request.POST.dict())
        return _page(request, plan, unbound, padded(rows))
    faults = [Fault(row.error, f"absence-name-{row.index}") for row in rows if row.error]
    if not form.is_valid() or faults:
        return _page(request, plan, form, rows, faults)
    values = {name: value for name, value in form.cleaned_data.items() if name != "version"} | counted(rows)
    absences = [(row.name, row.kind, row.reason) for row in rows if row.filled]
    account = account_of(request)
    try:
        meetings.save_meeting(
            by=account, plan=plan, version=posted_version(request), values=values, absences=absences, now=clock.now()
        )
    except RefusedError as error:
        refusal(form, error)
        return _page(request, plan, form, rows)
    except ConflictError as error:
        return _conflict(request, form, error)
    drafts.drop(account=account, form=FORM, key=str(plan.pk))
    if checks.meeting_problems(plan, rules_of(plan.campaign), clock.now()):
        messages.success(request, "已保存，还没有填全，以后可以接着写。")
        return redirect("plan-meeting", plan.pk)
    messages.success(request, "会议记录已保存。")
    return redirect("plan", plan.pk)


def _conflict(request: HttpRequest, form: MeetingForm, error: ConflictError) -> HttpResponse:
    stored: Any = error.current
    rows = [
        (str(field.label), _text(form.cleaned_data[name]), _text(getattr(stored, name)))
        for name, field in form.fields.items()
        if name != "version"
    ]
    return conflict(request, thing=stored, rows=rows, version=stored.version, title="党员大会记录")


def _text(value: Any) -> str:
    return "" if value is None else str(value)
