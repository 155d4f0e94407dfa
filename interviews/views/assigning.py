"""Assigning people to interviewers: by rule, in bulk by hand, back to the rules."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from branches import clock
from branches.directory import names_of
from branches.listing import render_list
from branches.models import Campaign, Person
from branches.permissions import Action, account_of, can, requires
from interviews import figures_kept
from interviews.assigning import Why
from interviews.forms.plan import TakersForm
from interviews.lists_plan import ASSIGNMENTS, WITHOUT, without_interviewer
from interviews.models import Assignment, RosterEntry, VisitRule
from interviews.run_plan import RunPlan, plan_run
from interviews.services import assignments
from interviews.services.errors import RefusedError
from interviews.views.planning import campaign_or_404, entries_of, staff_of

WHY = {
    Why.NO_INTERVIEWER: "本单位名册里没有这一类访谈人",
    Why.NOBODY_NAMED: "没有班主任（辅导员）或导师",
}
MOST = 2000


@requires(Action.VIEW_COVERAGE)
def assignment_list(request: HttpRequest, campaign: int) -> HttpResponse:
    """The assignments about people the caller's reach covers; POST returns them as a file."""
    chosen = campaign_or_404(request, campaign)
    rows = Assignment.objects.filter(campaign=chosen).within(request.scope)  # type: ignore[attr-defined]
    shown = rows.select_related("entry__person", "entry__class_group", "entry__category", "interviewer", "rule")
    manages = bool(can(request.user, Action.MANAGE_INTERVIEWS))
    without = without_interviewer(entries_of(request, chosen)).count()
    context = {"campaign": chosen, "manages": manages, "without": without}
    page = ASSIGNMENTS if manages else ASSIGNMENTS.for_reading()
    return render_list(request, page, shown, template="interviews/assignments.html", context=context)


@requires(Action.VIEW_COVERAGE)
def without_list(request: HttpRequest, campaign: int) -> HttpResponse:
    """People nobody is to visit; POST returns them as a file."""
    chosen = campaign_or_404(request, campaign)
    rows = without_interviewer(entries_of(request, chosen))
    page = WITHOUT if can(request.user, Action.MANAGE_INTERVIEWS) else WITHOUT.for_reading()
    return render_list(request, page, rows, template="interviews/without.html", context={"campaign": chosen})


@requires(Action.MANAGE_INTERVIEWS)
def assignment_run(request: HttpRequest, campaign: int) -> HttpResponse:
    """Show what running the rules would do; POST does it."""
    chosen = campaign_or_404(request, campaign)
    reach = request.scope  # type: ignore[attr-defined]
    if request.method == "POST":
        done = assignments.run_rules(by=account_of(request), campaign=chosen, reach=reach, now=clock.now())
        figures_kept.publish(chosen, clock.now())
        messages.success(request, f"已分配：{done.summary}")
        return redirect("visit-assignments", chosen.pk)
    run = plan_run(chosen, reach, clock.now())
    units = {unit for _, unit in run.loads} | {one.unit for one in run.without}
    names = names_of(units)
    context = {"campaign": chosen, "run": run, "lines": _lines(run, chosen, names), "missing": _missing(run, names)}
    return render(request, "interviews/assignment_run.html", context)


def _lines(run: RunPlan, campaign: Campaign, names: dict[int, str]) -> list[dict[str, Any]]:
    rules = {rule.pk: rule for rule in VisitRule.objects.filter(campaign=campaign)}
    return [
        {
            "rule": rules[rule].name, "unit": names.get(unit, ""), "interviewers": len(loads), "people": sum(loads),
            "least": min(loads), "most": max(loads),
        }
        for (rule, unit), loads in sorted(run.loads.items(), key=lambda one: (one[0][0], names.get(one[0][1], "")))
    ]  # fmt: skip


def _missing(run: RunPlan, names: dict[int, str]) -> list[tuple[str, str, int, str]]:
    return [(one.rule.name, names.get(one.unit, ""), one.count, WHY[one.why]) for one in run.without]


def _picked(request: HttpRequest, rows: Any) -> tuple[list[Any], Campaign]:
    """Return the picked rows within reach and their campaign; 404 when there is none, or of several campaigns."""
    keys = [int(one) for one in request.POST.getlist("pick") if one.isdecimal()][: MOST + 1]
    found = list(rows.filter(pk__in=keys))
    campaigns = {one.campaign_id for one in found}
    if len(found) != len(set(keys)) or len(campaigns) != 1:
        raise Http404
    return found, found[0].campaign


def _tasks(request: HttpRequest) -> Any:
    rows = Assignment.objects.within(request.scope)  # type: ignore[attr-defined]
    return rows.select_related("entry__person", "interviewer", "campaign")


@require_POST
@requires(Action.MANAGE_INTERVIEWS)
def hand_over(request: HttpRequest) -> HttpResponse:
    """Ask who takes the picked assignments over, then share them out."""
    if not request.POST.getlist("pick"):
        return _nothing(request, "visit-assignments")
    picked, campaign = _picked(request, _tasks(request))

    def act(takers: Sequence[RosterEntry]) -> int:
        return assignments.hand_over(
            by=account_of(request), campaign=campaign, picked=picked, takers=takers, now=clock.now()
        )

    lines = [(one.entry.person, one.interviewer) for one in picked]
    return _takers(request, campaign, lines, act, "visit-hand-over")


@require_POST
@requires(Action.MANAGE_INTERVIEWS)
def give(request: HttpRequest) -> HttpResponse:
    """Ask who is to visit the picked people nobody visits, then share them out."""
    if not request.POST.getlist("pick"):
        return _nothing(request, "visit-without")
    rows = RosterEntry.objects.within(request.scope).select_related("person", "campaign")  # type: ignore[attr-defined]
    picked, campaign = _picked(request, rows)
    categories = {one.category_id for one in picked}
    rule = VisitRule.objects.filter(campaign=campaign, active=True, visited__in=categories).first()
    if rule is None or len(categories) > 1:
        messages.error(request, "请一次只选一类人员，并且先为这类人员设立规则。")
        return redirect("visit-without", campaign.pk)

    def act(takers: Sequence[RosterEntry]) -> int:
        return assignments.give(
            by=account_of(request), campaign=campaign, rule=rule, entries=picked, takers=takers, now=clock.now()
        )

    lines = [(one.person, None) for one in picked]
    return _takers(request, campaign, lines, act, "visit-give")


def _takers(
    request: HttpRequest,
    campaign: Campaign,
    lines: Sequence[tuple[Person, Person | None]],
    act: Callable[[Sequence[RosterEntry]], int],
    name: str,
) -> HttpResponse:
    """Ask for takers, or let them take over; who is to be visited is left out, and who alone gives everybody."""
    asked = "takers" in request.POST or "confirmed" in request.POST
    givers = {giver for _, giver in lines}
    left_out = [person for person, _ in lines] + [giver for giver in givers if giver and len(givers) == 1]
    staff = staff_of(request, campaign).exclude(person__in=left_out)
    form = TakersForm(request.POST if asked else None, staff=staff)
    if asked and form.is_valid():
        try:
            count = act(list(form.cleaned_data["takers"]))
        except RefusedError as error:
            form.add_error("takers", str(error))
        else:
            messages.success(request, f"已调整 {count} 项；再按规则分配时保持不变。")
            return redirect("visit-assignments", campaign.pk)
    context = {
        "campaign": campaign, "form": form, "more": max(0, len(lines) - 12), "count": len(lines),
        "lines": [(person.name, giver.name if giver else "") for person, giver in lines[:12]],
        "picked": request.POST.getlist("pick"), "action": name,
    }  # fmt: skip
    return render(request, "interviews/takers.html", context, status=422 if asked else 200)


@require_POST
@requires(Action.MANAGE_INTERVIEWS)
def back_to_rules(request: HttpRequest) -> HttpResponse:
    """Let the rules decide about the picked assignments again."""
    if not request.POST.getlist("pick"):
        return _nothing(request, "visit-assignments")
    picked, campaign = _picked(request, _tasks(request))
    try:
        count = assignments.back_to_rules(by=account_of(request), campaign=campaign, picked=picked)
        messages.success(request, f"{count} 项已交回规则，下次分配时重新安排。")
    except RefusedError as error:
        messages.error(request, str(error))
    return redirect("visit-assignments", campaign.pk)


def _nothing(request: HttpRequest, name: str) -> HttpResponse:
    messages.error(request, "请先选中要调整的人。")
    newest = Campaign.objects.within(request.scope).order_by("-year", "-pk").first()  # type: ignore[attr-defined]
    return redirect(name, newest.pk) if newest else redirect("visit-plan-start")
