"""Rules of who visits whom, and the set size of the statistics."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from branches.directory import names_of
from branches.models import Campaign
from branches.permissions import Action, account_of, can, enforce, requires
from branches.versions import ConflictError
from interviews.forms.plan import RuleForm, SettingsForm
from interviews.models import PersonCategory, VisitRule, VisitSettings
from interviews.services import planning
from interviews.services.errors import RefusedError
from interviews.views.planning import CHANGED, campaign_or_404
from interviews.views.shared import refusal


def managed_or_404(request: HttpRequest, pk: int) -> Campaign:
    """Return a campaign whose rules the caller may change: rules are the whole campaign's."""
    chosen = campaign_or_404(request, pk)
    enforce(request, Action.MANAGE_INTERVIEWS, chosen)
    return chosen


@require_safe
@requires(Action.VIEW_COVERAGE)
def rule_list(request: HttpRequest, campaign: int) -> HttpResponse:
    """Show the rules, the focus groups and the set size."""
    chosen = campaign_or_404(request, campaign)
    rules = list(
        VisitRule.objects.filter(campaign=chosen)
        .select_related("visitors", "visited")
        .prefetch_related("frequencies__group")
    )
    row = VisitSettings.objects.filter(campaign=chosen).first()
    manages = bool(can(request.user, Action.MANAGE_INTERVIEWS, chosen))
    form = SettingsForm(initial={"least_count": row.least_count, "version": row.version}) if row and manages else None
    names = names_of(rule.unit_id for rule in rules if rule.unit_id)
    context = {
        "campaign": chosen, "manages": manages, "settings": row, "form": form,
        "rules": [(rule, names.get(rule.unit_id or 0, "全部单位")) for rule in rules],
        "categories": PersonCategory.objects.filter(campaign=chosen), "groups": chosen.focus_groups.all(),
    }  # fmt: skip
    return render(request, "interviews/visit_rules.html", context)


@require_POST
@requires(Action.MANAGE_INTERVIEWS)
def visit_settings(request: HttpRequest, campaign: int) -> HttpResponse:
    """Change the set size."""
    chosen = managed_or_404(request, campaign)
    row = get_object_or_404(VisitSettings, campaign=chosen)
    form = SettingsForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            planning.save_settings(
                by=account_of(request), row=row, version=given["version"], least_count=given["least_count"]
            )
            messages.success(request, "已保存。")
        except ConflictError:
            messages.error(request, CHANGED)
    else:
        messages.error(request, "；".join(one for errors in form.errors.values() for one in errors))
    return redirect("visit-rules", chosen.pk)


@requires(Action.MANAGE_INTERVIEWS)
def rule_new(request: HttpRequest, campaign: int) -> HttpResponse:
    """Add a rule."""
    return _edit(request, managed_or_404(request, campaign), None)


@requires(Action.MANAGE_INTERVIEWS)
def rule_edit(request: HttpRequest, campaign: int, pk: int) -> HttpResponse:
    """Change a rule."""
    chosen = managed_or_404(request, campaign)
    return _edit(request, chosen, get_object_or_404(VisitRule, campaign=chosen, pk=pk))


def _edit(request: HttpRequest, campaign: Campaign, rule: VisitRule | None) -> HttpResponse:
    initial = _initial(rule) if rule else {"due_on": campaign.ends_on, "basis": VisitRule.Basis.UNIT}
    form = RuleForm(request.POST or None, campaign=campaign, reach=request.scope, initial=initial)  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid() and _saved(request, form, campaign, rule):
        messages.success(request, "规则已保存；再按规则分配一次，任务就按新规则调整。")
        return redirect("visit-rules", campaign.pk)
    used = rule.assignments.count() if rule else 0
    context = {"campaign": campaign, "form": form, "rule": rule, "used": used}
    return render(request, "interviews/visit_rule.html", context, status=422 if form.is_bound else 200)


def _initial(rule: VisitRule) -> dict[str, Any]:
    names = ("name", "basis", "share_out", "due_on", "times", "active", "version")
    found: dict[str, Any] = {name: getattr(rule, name) for name in names}
    found |= {"visitors": rule.visitors_id, "visited": rule.visited_id, "unit": rule.unit_id}
    for one in rule.frequencies.all():
        found[f"times_{one.group_id}"], found[f"due_{one.group_id}"] = one.times, one.due_on
    return found


def _saved(request: HttpRequest, form: RuleForm, campaign: Campaign, rule: VisitRule | None) -> bool:
    try:
        planning.save_rule(
            by=account_of(request), campaign=campaign, rule=rule, version=form.cleaned_data["version"],
            values=form.values(), frequencies=form.frequencies(),
        )  # fmt: skip
    except RefusedError as error:
        refusal(form, error)
        return False
    except ConflictError:
        form.add_error(None, CHANGED)
        return False
    return True


@require_POST
@requires(Action.MANAGE_INTERVIEWS)
def rule_remove(request: HttpRequest, campaign: int, pk: int) -> HttpResponse:
    """Remove a rule nobody was assigned by."""
    chosen = managed_or_404(request, campaign)
    rule = get_object_or_404(VisitRule, campaign=chosen, pk=pk)
    try:
        planning.remove_rule(by=account_of(request), rule=rule)
        messages.success(request, f"已删除规则“{rule.name}”。")
    except RefusedError as error:
        messages.error(request, str(error))
    return redirect("visit-rules", chosen.pk)
