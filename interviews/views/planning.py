"""Planning talks: where a campaign stands, its roster and one person of it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST, require_safe

from branches import clock
from branches.directory import names_of
from branches.listing import render_list
from branches.models import Campaign, Person
from branches.permissions import Action, account_of, can, enforce, get_or_404, requires
from branches.versions import ConflictError
from interviews.forms.plan import EntryForm
from interviews.lists_plan import ROSTER, without_interviewer
from interviews.models import Assignment, ReportPeriod, RosterEntry, VisitRule
from interviews.services import planning, roster

CHANGED = "这条记录刚被他人修改过，请核对后再保存。"


def campaign_or_404(request: HttpRequest, pk: int) -> Campaign:
    """Return a campaign that concerns the caller's reach."""
    return get_or_404(Campaign.objects.select_related("root"), request.scope, pk=pk)  # type: ignore[attr-defined]


def entries_of(request: HttpRequest, campaign: Campaign) -> Any:
    """Return the people of a campaign the caller's reach covers."""
    rows = RosterEntry.objects.filter(campaign=campaign).within(request.scope)  # type: ignore[attr-defined]
    return rows.select_related("person", "category", "class_group")


def staff_of(request: HttpRequest, campaign: Campaign) -> Any:
    """Return the staff of the campaign's roster within reach, who may take people or a class over."""
    rows = entries_of(request, campaign).filter(kind=Person.Kind.STAFF, active=True)
    return rows.order_by("unit__position", "person__initials", "pk")


@require_safe
@requires(Action.VIEW_COVERAGE)
def plan_start(request: HttpRequest) -> HttpResponse:
    """Lead to the newest campaign, or say that there is none."""
    newest = Campaign.objects.within(request.scope).order_by("-year", "-pk").first()  # type: ignore[attr-defined]
    if newest is None:
        return render(request, "interviews/plan_none.html", {})
    return redirect("visit-plan", newest.pk)


@require_safe
@requires(Action.VIEW_COVERAGE)
def plan(request: HttpRequest, campaign: int) -> HttpResponse:
    """Show how far planning is, and the ways on."""
    chosen = campaign_or_404(request, campaign)
    people = entries_of(request, chosen).filter(active=True)
    assigned = Assignment.objects.filter(campaign=chosen).within(request.scope)  # type: ignore[attr-defined]
    manages = bool(can(request.user, Action.MANAGE_INTERVIEWS, chosen))
    context = {
        "campaign": chosen,
        "others": Campaign.objects.within(request.scope).exclude(pk=chosen.pk),  # type: ignore[attr-defined]
        "set_up": planning.is_set_up(chosen),
        "manages": manages,
        "manages_some": bool(can(request.user, Action.MANAGE_INTERVIEWS)),
        "staff": people.filter(kind="staff").count(),
        "students": people.filter(kind="student").count(),
        "rules": VisitRule.objects.filter(campaign=chosen, active=True).count(),
        "assigned": assigned.count(),
        "without": without_interviewer(people).count(),
        "unready": assigned.filter(interviewer__account=None).values("interviewer").distinct().count(),
        "period": ReportPeriod.objects.filter(campaign=chosen, due_on__gte=clock.today()).order_by("due_on").first(),
    }
    return render(request, "interviews/plan.html", context)


@require_POST
@requires(Action.MANAGE_INTERVIEWS)
def plan_set_up(request: HttpRequest, campaign: int) -> HttpResponse:
    """Fill a campaign's categories, channels and rules from the preset."""
    chosen = campaign_or_404(request, campaign)
    enforce(request, Action.MANAGE_INTERVIEWS, chosen)
    planning.set_up(by=account_of(request), campaign=chosen, now=clock.now())
    messages.success(request, "已载入类别、方式、话题和规则，可以逐项更改。")
    return redirect("visit-plan", chosen.pk)


@requires(Action.VIEW_COVERAGE)
def people_roster(request: HttpRequest, campaign: int) -> HttpResponse:
    """The people of the caller's reach; POST returns them as a file."""
    chosen = campaign_or_404(request, campaign)
    context: dict[str, Any] = {"campaign": chosen}
    if can(request.user, Action.MANAGE_INTERVIEWS):
        url = reverse("people-import", args=[chosen.pk])
        context["may_import"] = True
        context["empty_actions"] = mark_safe(f'<a class="btn btn-primary" href="{url}">导入名册</a>')
    return render_list(
        request, ROSTER, entries_of(request, chosen), template="interviews/people_roster.html", context=context
    )


@requires(Action.VIEW_COVERAGE)
def people_entry(request: HttpRequest, campaign: int, pk: int) -> HttpResponse:
    """Show one person of the roster; POST changes class, focus groups and tutors."""
    chosen = campaign_or_404(request, campaign)
    entry = get_object_or_404(entries_of(request, chosen), pk=pk)
    may = can(request.user, Action.MANAGE_INTERVIEWS, entry)
    if request.method == "POST":
        enforce(request, Action.MANAGE_INTERVIEWS, entry)
        form = EntryForm(request.POST, entry=entry)
        if form.is_valid() and _changed(request, form, entry):
            messages.success(request, "已保存。")
            return redirect("people-entry", chosen.pk, entry.pk)
    else:
        form = EntryForm(entry=entry, initial=_initial(entry))
    tasks = entry.assignments.select_related("rule", "interviewer").order_by("due_on")
    context = {
        "campaign": chosen, "entry": entry, "form": form if may else None, "tasks": tasks,
        "unit": names_of([entry.unit_id]).get(entry.unit_id, ""),
        "focus": [one.group.name for one in entry.focus.select_related("group")],
        "tutors": [one.tutor.person.name for one in entry.tutors.select_related("tutor__person")],
    }  # fmt: skip
    return render(request, "interviews/people_entry.html", context, status=422 if form.is_bound else 200)


def _initial(entry: RosterEntry) -> dict[str, Any]:
    numbers = entry.tutors.values_list("tutor__person__number", flat=True)
    return {
        "class_group": entry.class_group_id, "focus": list(entry.focus.values_list("group_id", flat=True)),
        "tutors": "、".join(str(one) for one in numbers), "active": entry.active, "version": entry.version,
    }  # fmt: skip


def _changed(request: HttpRequest, form: EntryForm, entry: RosterEntry) -> bool:
    given = form.cleaned_data
    try:
        roster.change_entry(
            by=account_of(request), entry=entry, version=given["version"], class_group=given.get("class_group"),
            active=given["active"], focus=given["focus"], tutors=given.get("tutors", ()),
        )  # fmt: skip
    except ConflictError:
        form.add_error(None, CHANGED)
        return False
    return True
