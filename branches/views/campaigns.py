"""Campaigns: the list, one with its stages, deliverables, targets and leading group, and changing those."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from branches import clock, stages
from branches.forms.campaigns import CampaignDatesForm, MembersForm, slots_of
from branches.models import Campaign, CampaignMember
from branches.permissions import Action, account_of, can, enforce, get_or_404, requires
from branches.services import campaigns
from branches.services.campaigns import Span
from branches.versions import ConflictError


@require_safe
@requires(Action.VIEW_CAMPAIGN)
def campaign_list(request: HttpRequest) -> HttpResponse:
    """All campaigns that concern the account, newest first."""
    today = clock.today()
    found = Campaign.objects.within(request.scope).prefetch_related("stages")  # type: ignore[attr-defined]
    rows = []
    for campaign in found:
        under_way = stages.present(list(campaign.stages.all()), today)
        rows.append({"campaign": campaign, "present": under_way, "state": _state(campaign)})
    context = {"rows": rows, "may_manage": bool(can(request.user, Action.MANAGE_CAMPAIGN))}
    return render(request, "branches/campaigns/list.html", context)


def _state(campaign: Campaign) -> tuple[str, str]:
    """Return how far a campaign is, as kind and words of a state mark."""
    today = clock.today()
    if campaign.ends_on < today:
        return ("ok", "已结束")
    return ("info", "进行中") if campaign.starts_on <= today else ("todo", "未开始")


def _found(request: HttpRequest, pk: int) -> Campaign:
    return get_or_404(Campaign.objects.select_related("root"), request.scope, pk=pk)  # type: ignore[attr-defined]


@require_safe
@requires(Action.VIEW_CAMPAIGN)
def campaign_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One campaign."""
    campaign, today = _found(request, pk), clock.today()
    rows = list(campaign.stages.prefetch_related("deliverables"))
    people = list(campaign.members.all())
    context = {
        "campaign": campaign,
        "state": _state(campaign),
        "root_name": campaign.root.name_on(today),
        "timeline": stages.timeline(rows, today),
        "remaining": "" if campaign.backfill else stages.remaining(rows, today),
        "stages": [(stage, *_stage_state(stage, today)) for stage in rows],
        "targets": list(campaign.targets.all()),
        "groups": [(group.label, [one for one in people if one.group == group]) for group in CampaignMember.Group],
        "may_manage": bool(can(request.user, Action.MANAGE_CAMPAIGN, campaign)),
        "may_grade": bool(can(request.user, Action.VIEW_GRADING)),
    }
    return render(request, "branches/campaigns/detail.html", context)


def _stage_state(stage: Any, today: Any) -> tuple[str, str]:
    state = stages.state_of(stage, today)
    return {"done": "ok", "now": "info", "todo": "todo"}[state], stages.SAID[state]


@require_http_methods(["GET", "POST"])
@requires(Action.MANAGE_CAMPAIGN)
def campaign_dates(request: HttpRequest, pk: int) -> HttpResponse:
    """Adjust the dates of a campaign, its stages and deliverables."""
    campaign = _found(request, pk)
    enforce(request, Action.MANAGE_CAMPAIGN, campaign)
    span = Span(campaign.starts_on, campaign.ends_on)
    form = CampaignDatesForm(
        request.POST or None, slots=slots_of(campaign), span=span, initial={"version": campaign.version}
    )
    if request.method == "POST" and form.is_valid():
        try:
            campaigns.reschedule(
                campaign=campaign, version=form.cleaned_data["version"], dates=form.dates(), by=account_of(request)
            )
        except ConflictError as conflict:
            form = _anew(form, conflict)
            return render(request, "branches/campaigns/dates.html", {"campaign": campaign, "form": form}, status=409)
        messages.success(request, "日期已保存")
        return redirect("campaign", campaign.pk)
    status = 422 if form.is_bound else 200
    return render(request, "branches/campaigns/dates.html", {"campaign": campaign, "form": form}, status=status)


def _anew(form: CampaignDatesForm, conflict: ConflictError) -> CampaignDatesForm:
    """Return the form as typed, ready to be saved over what somebody else stored in the meantime."""
    data = form.data.copy()
    data["version"] = str(conflict.current.version)  # type: ignore[attr-defined]
    again = CampaignDatesForm(data, slots=form.slots)
    again.is_valid()
    again.add_error(None, "其他人刚刚改过这个活动。您填写的日期都还在；请核对后再次保存，或返回查看现有日期。")
    return again


@require_http_methods(["GET", "POST"])
@requires(Action.MANAGE_CAMPAIGN)
def campaign_members(request: HttpRequest, pk: int) -> HttpResponse:
    """Edit the leading group and its office."""
    campaign = _found(request, pk)
    enforce(request, Action.MANAGE_CAMPAIGN, campaign)
    form = MembersForm(request.POST or None, initial=MembersForm.lines(campaign))
    if request.method == "POST" and form.is_valid():
        try:
            campaigns.set_members(
                campaign=campaign, version=form.cleaned_data["version"], members=form.people, by=account_of(request)
            )
        except ConflictError as conflict:
            data = form.data.copy()
            data["version"] = str(conflict.current.version)  # type: ignore[attr-defined]
            form = MembersForm(data)
            form.is_valid()
            form.add_error(None, "其他人刚刚改过这个活动。您填写的名单还在；请核对后再次保存。")
            return render(request, "branches/campaigns/members.html", {"campaign": campaign, "form": form}, status=409)
        messages.success(request, "名单已保存")
        return redirect(f"{reverse('campaign', args=[campaign.pk])}#h-people")
    status = 422 if form.is_bound else 200
    return render(request, "branches/campaigns/members.html", {"campaign": campaign, "form": form}, status=status)
