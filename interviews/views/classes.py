"""Classes and their tutors (班主任, 辅导员): list, change one, change many."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST

from branches.directory import names_of
from branches.listing import render_list
from branches.models import Campaign
from branches.permissions import Action, account_of, can, enforce, get_or_404, requires
from branches.versions import ConflictError
from interviews.forms.words import ClassForm, TutorForm
from interviews.lists_classes import CLASSES, with_students
from interviews.models import ClassGroup
from interviews.services import classes
from interviews.services.errors import RefusedError
from interviews.views.assigning import MOST
from interviews.views.planning import CHANGED, campaign_or_404, staff_of
from interviews.views.shared import posted, refusal


@requires(Action.VIEW_COVERAGE)
def class_list(request: HttpRequest, campaign: int) -> HttpResponse:
    """The classes of the caller's reach with their tutors; POST returns them as a file."""
    chosen = campaign_or_404(request, campaign)
    rows = with_students(ClassGroup.objects.filter(campaign=chosen).within(request.scope))  # type: ignore[attr-defined]
    context: dict[str, Any] = {"campaign": chosen, "manages": bool(can(request.user, Action.MANAGE_INTERVIEWS))}
    context["without"] = rows.filter(tutor=None, students__gt=0).count()
    if context["manages"]:
        url = reverse("people-import", args=[chosen.pk])
        context["empty_actions"] = format_html('<a class="btn btn-primary" href="{}">导入名册</a>', url)
    page = CLASSES if context["manages"] else CLASSES.for_reading(unlinked="name")
    return render_list(request, page, rows, template="interviews/classes.html", context=context)


def _class(request: HttpRequest, campaign: int, pk: int) -> tuple[Campaign, ClassGroup]:
    chosen = campaign_or_404(request, campaign)
    rows = ClassGroup.objects.filter(campaign=chosen).select_related("tutor__person", "unit")
    found = get_or_404(rows, request.scope, pk=pk)  # type: ignore[attr-defined]
    enforce(request, Action.MANAGE_INTERVIEWS, found)
    return chosen, found


@requires(Action.MANAGE_INTERVIEWS)
@require_http_methods(["GET", "POST"])
def class_edit(request: HttpRequest, campaign: int, pk: int) -> HttpResponse:
    """Change a class's name and tutor."""
    chosen, group = _class(request, campaign, pk)
    initial = {"name": group.name, "tutor": group.tutor_id, "version": group.version}
    form = ClassForm(posted(request), staff=staff_of(request, chosen), initial=initial)
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            classes.save_class(
                by=account_of(request), group=group, version=given["version"], name=given["name"], tutor=given["tutor"]
            )
        except RefusedError as error:
            refusal(form, error)
        except ConflictError:
            form.add_error(None, CHANGED)
        else:
            return _done(request, chosen, f"{given['name']}已保存。")
    context = {
        "campaign": chosen, "form": form, "group": group, "people": group.entries.count(),
        "unit": names_of([group.unit_id]).get(group.unit_id, ""), "title": group.name,
        "action": reverse("class-group", args=[chosen.pk, group.pk]),
    }  # fmt: skip
    return render(request, "interviews/class_tutor.html", context, status=422 if form.is_bound else 200)


def _done(request: HttpRequest, campaign: Campaign, said: str) -> HttpResponse:
    messages.success(request, f"{said}换了班主任的，再按规则分配一次，任务随之调整。")
    return redirect("class-groups", campaign.pk)


@require_POST
@requires(Action.MANAGE_INTERVIEWS)
def class_remove(request: HttpRequest, campaign: int, pk: int) -> HttpResponse:
    """Remove a class nobody is or was in."""
    chosen, group = _class(request, campaign, pk)
    try:
        classes.remove_class(by=account_of(request), group=group)
        messages.success(request, f"已删除班级“{group.name}”。")
    except RefusedError as error:
        messages.error(request, str(error))
    return redirect("class-groups", chosen.pk)


@require_POST
@requires(Action.MANAGE_INTERVIEWS)
def class_tutor(request: HttpRequest) -> HttpResponse:
    """Ask who is the tutor of the picked classes, then note it."""
    keys = [int(one) for one in request.POST.getlist("pick") if one.isdecimal()][: MOST + 1]
    rows = ClassGroup.objects.within(request.scope).select_related("campaign")  # type: ignore[attr-defined]
    picked = list(rows.filter(pk__in=keys))
    if not keys:
        messages.error(request, "请先选中班级。")
        newest = Campaign.objects.within(request.scope).order_by("-year", "-pk").first()  # type: ignore[attr-defined]
        return redirect("class-groups", newest.pk) if newest else redirect("visit-plan-start")
    if len(picked) != len(set(keys)) or len({one.campaign_id for one in picked}) != 1:
        raise Http404
    campaign = picked[0].campaign
    asked = "confirmed" in request.POST
    form = TutorForm(request.POST if asked else None, staff=staff_of(request, campaign))
    if asked and form.is_valid():
        tutor = form.cleaned_data["tutor"]
        try:
            count = classes.set_tutor(by=account_of(request), campaign=campaign, groups=picked, tutor=tutor)
            return _done(request, campaign, f"已更改 {count} 个班。")
        except RefusedError as error:
            refusal(form, error)
    context = {
        "campaign": campaign, "form": form, "picked": picked, "title": "改班主任（辅导员）",
        "action": reverse("class-tutor"),
    }  # fmt: skip
    return render(request, "interviews/class_tutor.html", context, status=422 if asked else 200)
