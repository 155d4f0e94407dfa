"""保密与告知: the office sees counts of what is confided, and sets rules, the notice, and what is erased on request."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from branches import clock
from branches.directory import names_of
from branches.models import Campaign, Person
from branches.permissions import Action, account_of, can, requires
from branches.registries import HomeStat
from branches.scopes import Scope
from branches.versions import ConflictError
from interviews.counting import LEAST
from interviews.forms.confidence import EraseForm, NoticeForm, RulesForm
from interviews.models import ConfidenceRules, Notice, Reader, Reading, RosterEntry, SealedRecord, VisitSettings
from interviews.services import confidence, erasure, leavers
from interviews.services.errors import RefusedError
from interviews.views.shared import refusal

SOON = dt.timedelta(days=30)


def _campaign(request: HttpRequest) -> Campaign | None:
    """Return the campaign asked for, else the newest that keeps talks."""
    reach: Scope = request.scope  # type: ignore[attr-defined]
    rows = Campaign.objects.within(reach).filter(confidence_rules__isnull=False).order_by("-year", "-pk")
    wanted = request.GET.get("campaign", "")
    return next((one for one in rows if str(one.pk) == wanted), None) or rows.first()


def _stats(reach: Scope, campaign: Campaign, now: dt.datetime, day: dt.date) -> list[HomeStat]:
    """Count, and nothing else: which records and whose they are is not told here."""
    records = SealedRecord.objects.within(reach).filter(campaign=campaign)
    kept = records.aggregate(
        all=Count("pk"),
        erased=Count("pk", filter=Q(erased_at__isnull=False)),
        soon=Count("pk", filter=Q(erased_at__isnull=True, retain_until__lte=day + SOON)),
    )
    readings = Reading.objects.filter(record__in=records, at__gt=now - SOON).aggregate(
        opened=Count("pk", filter=Q(outcome="opened")),
        refused=Count("pk", filter=Q(outcome="refused")),
        failed=Count("pk", filter=Q(outcome="failed")),
    )
    readers = Reader.objects.in_force(now).filter(record__in=records).count()
    settings = VisitSettings.objects.filter(campaign=campaign).first()
    least = settings.least_count if settings else LEAST
    return [
        HomeStat("密存记录", *_in_steps(kept["all"] - kept["erased"], "条", least)),
        HomeStat("已清除", *_in_steps(kept["erased"], "条", least)),
        HomeStat("30 天内保存期满", *_in_steps(kept["soon"], "条", least)),
        HomeStat("有效的指定读者", *_in_steps(readers, "人次", least)),
        HomeStat("近 30 天打开", *_in_steps(readings["opened"], "次", least)),
        HomeStat("近 30 天无权打开", str(readings["refused"]), f"次，打不开 {readings['failed']}"),
    ]


def _in_steps(number: int, unit: str, least: int) -> tuple[str, str]:
    """Say a count in steps of the set size: counted exactly, it would tell each talk to whoever looks after it."""
    if number < least:
        return f"不满 {least}", unit
    return f"{number // least * least}", f"{unit}以上"


def _context(request: HttpRequest, campaign: Campaign | None) -> dict[str, Any]:
    if campaign is None:
        return {"campaign": None}
    account, now, day = account_of(request), clock.now(), clock.today()
    rules = ConfidenceRules.objects.get(campaign=campaign)
    reach: Scope = request.scope  # type: ignore[attr-defined]
    return {
        "campaign": campaign,
        "stats": _stats(reach, campaign, now, day),
        "leavers": leavers.gone(reach),
        "rules": rules,
        "may_set": bool(can(account, Action.MANAGE_INTERVIEWS, campaign)),
        "form": RulesForm(initial=RulesForm.of(rules)),
        "notices": Notice.objects.filter(campaign=campaign).select_related("published_by__person").order_by("-number"),
        "current": Notice.objects.current(campaign),
    }


@requires(Action.MANAGE_INTERVIEWS)
@require_safe
def confidence_page(request: HttpRequest) -> HttpResponse:
    """Show counts, rules and the versions of the notice."""
    return render(request, "interviews/confidence.html", _context(request, _campaign(request)))


def _own_campaign(request: HttpRequest, pk: int) -> Campaign:
    """Return a campaign whose talks the account sets up; 404 or 403 otherwise."""
    reach: Scope = request.scope  # type: ignore[attr-defined]
    campaign = get_object_or_404(Campaign.objects.within(reach).filter(confidence_rules__isnull=False), pk=pk)
    if not can(account_of(request), Action.MANAGE_INTERVIEWS, campaign):
        raise PermissionDenied("本活动的保密规则和告知书由活动办公室设定。")
    return campaign


@requires(Action.MANAGE_INTERVIEWS)
@require_POST
def confidence_rules(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the rules of a campaign."""
    campaign = _own_campaign(request, pk)
    form = RulesForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        try:
            confidence.save_rules(
                by=account_of(request), rules=campaign.confidence_rules, version=given["version"],
                values={name: given[name] for name in confidence.RULES},
            )  # fmt: skip
        except RefusedError as error:
            refusal(form, error)
        except ConflictError:
            form.add_error(None, "规则刚被他人修改过，请核对现在的数字再保存。")
        else:
            messages.success(request, "已保存。以后记录的访谈按新规则保存。")
            return redirect("confidence")
    return render(request, "interviews/confidence.html", _context(request, campaign) | {"form": form}, status=422)


@requires(Action.MANAGE_INTERVIEWS)
@require_http_methods(["GET", "POST"])
def notice_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Draft the next version of a campaign's notice."""
    campaign = _own_campaign(request, pk)
    form = NoticeForm(request.POST or None, initial=NoticeForm.of(Notice.objects.current(campaign)))
    if request.method == "POST" and form.is_valid():
        try:
            notice = confidence.draft_notice(by=account_of(request), campaign=campaign, **form.cleaned_data)
        except RefusedError as error:
            refusal(form, error)
        else:
            messages.success(request, f"第 {notice.number} 版已起草，发布后才会显示给访谈人。")
            return redirect("confidence")
    context = {"campaign": campaign, "form": form}
    return render(request, "interviews/notice_edit.html", context, status=422 if form.errors else 200)


@requires(Action.MANAGE_INTERVIEWS)
@require_POST
def notice_publish(request: HttpRequest, pk: int, notice: int) -> HttpResponse:
    """Publish a version of the notice."""
    campaign = _own_campaign(request, pk)
    row = get_object_or_404(campaign.talk_notices, pk=notice)
    try:
        confidence.publish_notice(by=account_of(request), notice=row, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"第 {row.number} 版已发布，以后记录访谈显示这一版。")
    return redirect("confidence")


@requires(Action.MANAGE_INTERVIEWS)
@require_http_methods(["GET", "POST"])
def erase_person(request: HttpRequest) -> HttpResponse:
    """Erase what was written about somebody who asks for it: first who it is, then, once confirmed, for good.

    How much there is, the page does not say before: it would tell of anybody whether there was a talk.
    """
    reach: Scope = request.scope  # type: ignore[attr-defined]
    form = EraseForm(request.POST or None)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        person = Person.objects.filter(number=form.cleaned_data["number"].strip()).first()
        if person is None or not erasure.listed(person, reach):
            form.add_error("number", "您管理的单位里没有这个学号或工号的访谈名册记录，请核对。")
        elif form.cleaned_data["sure"] != "yes":
            units = names_of(RosterEntry.objects.within(reach).filter(person=person).values_list("unit", flat=True))
            context |= {"person": person, "unit": "、".join(sorted(units.values()))}
        else:
            done = erasure.erase_person(by=account_of(request), person=person, reach=reach, now=clock.now())
            said = f"已清除 {len(done)} 条记录的正文，密钥已销毁，不能恢复。"
            messages.success(request, said if done else "没有可以清除的正文：没有记过，或者已经清除。")
            return redirect("confidence")
    return render(request, "interviews/erase_person.html", context, status=422 if form.errors else 200)
