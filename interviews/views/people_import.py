"""Importing people: file, columns, preview, result. Nothing is written before the last step, and then everything."""

import dataclasses
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from branches.importers import ImportRefused
from branches.intake.uploads import RefusedUpload
from branches.mapping_steps import ChoiceError
from branches.models import Campaign, Person, Upload
from branches.permissions import Action, account_of, requires
from branches.services import uploads
from interviews.forms.plan import PeopleForm
from interviews.models import FocusGroup, PersonCategory
from interviews.people_steps import KIND, TABLE, PeopleSteps
from interviews.services import planning
from interviews.services.roster import PeopleOutcome
from interviews.views.planning import campaign_or_404
from reporting.tables import Column, Table, lay_out, xlsx

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN = 200
GONE = "这份文件已超过保存期限，请重新上传。"


def _kind(campaign: Campaign) -> str:
    return f"{KIND}-{campaign.pk}"


@requires(Action.MANAGE_INTERVIEWS)
def people_import(request: HttpRequest, campaign: int) -> HttpResponse:
    """Step 1: choose or drop the file."""
    chosen = campaign_or_404(request, campaign)
    form = PeopleForm(request.POST or None, request.FILES or None)
    ready = planning.is_set_up(chosen)
    if request.method == "POST" and ready and form.is_valid():
        name = form.cleaned_data["file"].name
        upload = uploads.keep(by=account_of(request), kind=_kind(chosen), name=name, data=form.content)
        return redirect("people-step", chosen.pk, upload.key, "mapping")
    waiting = Upload.objects.filter(account=account_of(request), kind=_kind(chosen), state=Upload.State.WAITING)[:5]
    context = {
        "campaign": chosen, "form": form, "waiting": waiting, "step": "upload", "ready": ready,
        "categories": PersonCategory.objects.filter(campaign=chosen, active=True, kind=Person.Kind.STAFF),
        "groups": FocusGroup.objects.filter(campaign=chosen, sensitive=False),
        "sensitive": FocusGroup.objects.filter(campaign=chosen, sensitive=True),
    }  # fmt: skip
    return render(request, "interviews/people_upload.html", context, status=422 if form.is_bound else 200)


@requires(Action.MANAGE_INTERVIEWS)
def people_step(request: HttpRequest, campaign: int, key: str, step: str) -> HttpResponse:
    """Steps 2 to 4 of one upload: mapping, preview, result."""
    chosen = campaign_or_404(request, campaign)
    upload = Upload.objects.filter(key=key, kind=_kind(chosen), account=account_of(request)).first()
    if upload is None or step not in {"mapping", "preview", "result"}:
        raise Http404
    if upload.state != Upload.State.WAITING:
        if step != "result":
            return redirect("people-step", chosen.pk, key, "result")
        context = {"campaign": chosen, "upload": upload, "step": "result", "result": upload.result}
        return render(request, "interviews/people_result.html", context)
    if step == "result":
        return redirect("people-step", chosen.pk, key, "preview")
    try:
        return _STEPS[step](request, PeopleSteps(upload, chosen, request.scope))  # type: ignore[attr-defined]
    except FileNotFoundError:
        messages.error(request, GONE)
    except RefusedUpload as error:
        messages.error(request, str(error))
    return redirect("people-import", chosen.pk)


def _mapping(request: HttpRequest, steps: PeopleSteps) -> HttpResponse:
    fault, rows = "", None
    if request.method == "POST":
        try:
            if "reread" in request.POST:
                rows = steps.header_rows(request.POST)
            else:
                _keep_mapping(request, steps)
                return redirect("people-step", steps.campaign.pk, steps.upload.key, "preview")
        except ChoiceError as error:
            fault = str(error)
    fields = [(name, field.label) for name, field in steps.words.fields.items()]
    context = {
        "campaign": steps.campaign, "upload": steps.upload, "step": "mapping", "sheets": steps.sheets(rows),
        "fields": fields, "fault": fault,
        "required": [steps.words.fields[name].label for name in steps.words.required],
    }  # fmt: skip
    return render(request, "interviews/people_mapping.html", context, status=422 if fault else 200)


def _keep_mapping(request: HttpRequest, steps: PeopleSteps) -> None:
    choices = steps.posted(request.POST)
    lessons = steps.taught(choices) if "remember" in request.POST else {}
    steps.keep(choices)
    if lessons:
        uploads.teach(by=account_of(request), table=TABLE, words=lessons)
        messages.success(request, f"已记住 {len(lessons)} 种表头写法，下次自动识别。")


def _preview(request: HttpRequest, steps: PeopleSteps) -> HttpResponse:
    if request.method == "POST":
        return _act(request, steps)
    level = request.GET.get("level", "")
    plan, problems = steps.plan, steps.problems(level)
    categories, lines, total = steps.counts()
    errors = len(steps.problems("error"))
    context = {
        "campaign": steps.campaign, "upload": steps.upload, "step": "preview", "plan": plan, "level": level,
        "problems": problems[:SHOWN], "more_problems": max(0, len(problems) - SHOWN), "errors": errors,
        "warnings": len(steps.problems("warning")), "error_title": f"有 {errors} 处错误，还不能导入",
        "questions": steps.questions(), "decisions": steps.decisions, "complete": steps.complete,
        "categories": categories, "lines": lines, "total": total, "fingerprint": plan.fingerprint,
        "new": plan.new[:SHOWN], "more_new": max(0, len(plan.new) - SHOWN),
        "changed": plan.changed[:SHOWN], "more_changed": max(0, len(plan.changed) - SHOWN),
        "touched": len(plan.new) + len(plan.changed) + len(plan.leaving),
    }  # fmt: skip
    return render(request, "interviews/people_preview.html", context)


def _act(request: HttpRequest, steps: PeopleSteps) -> HttpResponse:
    here = redirect("people-step", steps.campaign.pk, steps.upload.key, "preview")
    if "drop" in request.POST:
        uploads.finish(upload=steps.upload, state=Upload.State.DROPPED)
        messages.success(request, "已放弃这次导入，什么也没有写入。")
        return redirect("people-roster", steps.campaign.pk)
    if "decide" in request.POST:
        steps.decide(dict(zip(request.POST.getlist("written"), request.POST.getlist("meant"), strict=False)))
        return here
    if "extent" in request.POST:
        steps.say_complete(complete="complete" in request.POST)
        return here
    if request.POST.get("fingerprint") != steps.plan.fingerprint:
        messages.warning(request, "预览之后数据有了变化，请再核对一次，然后导入。")
        return here
    if steps.plan.new_classes and "new_classes" not in request.POST:
        messages.error(request, f"这份名册会新建 {len(steps.plan.new_classes)} 个班级，请核对后勾选确认，再导入。")
        return here
    try:
        outcome = _import(request, steps)
    except ImportRefused as refusal:
        messages.error(request, str(refusal))
        return here
    messages.success(request, outcome.summary)
    return redirect("people-step", steps.campaign.pk, steps.upload.key, "result")


def _import(request: HttpRequest, steps: PeopleSteps) -> PeopleOutcome:
    with transaction.atomic():
        outcome = steps.apply(account_of(request))
        result = dataclasses.asdict(outcome)
        if not uploads.finish(upload=steps.upload, state=Upload.State.DONE, result=result):
            raise ImportRefused("这份文件刚刚已经导入。")
    return outcome


_STEPS: dict[str, Any] = {"mapping": _mapping, "preview": _preview}

_STUDENTS = ("number", "name", "gender", "category", "unit", "class_group", "class_tutor", "tutor", "focus")
_STAFF = ("number", "name", "gender", "category", "unit", "focus")


@require_safe
@requires(Action.MANAGE_INTERVIEWS)
def people_template(request: HttpRequest, campaign: int) -> HttpResponse:
    """An empty list for staff and one for students, headings in the importer's words."""
    campaign_or_404(request, campaign)
    sheets = [_blank("教职工", "staff", _STAFF), _blank("学生", "students", _STUDENTS)]
    response = HttpResponse(xlsx.render(sheets, xlsx.Properties(title="访谈名册模板")), content_type=XLSX)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename="访谈名册模板.xlsx")
    return response


def _blank(title: str, slug: str, fields: tuple[str, ...]) -> Any:
    words = {
        "number": "工号/学号", "name": "姓名", "gender": "性别", "category": "人员类别", "unit": "单位",
        "class_group": "班级", "class_tutor": "辅导员工号", "tutor": "导师工号", "focus": "重点类别",
    }  # fmt: skip
    columns = tuple(Column(name, words[name], 24, blank="", align="left") for name in fields)
    return lay_out(Table(slug=slug, title=title, columns=columns), [dict.fromkeys(fields) for _ in range(20)])
