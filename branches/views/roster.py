"""Roster: import in three steps, template, export in the importer's own words."""

import dataclasses
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from branches import audit, clock, directory
from branches.forms.roster import WorkbookForm
from branches.importers import ImportRefused, RosterOutcome
from branches.intake.uploads import RefusedUpload
from branches.lists import blank_rows, roster_table
from branches.models import Branch, Upload
from branches.permissions import Action, account_of, requires
from branches.roster_steps import (
    KIND,
    TABLE,
    ChoiceError,
    NoRootError,
    RosterSteps,
    by_category,
    first_entries,
    root_of_today,
)
from branches.services import uploads
from reporting.tables import lay_out, xlsx

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SHOWN = 200
GONE = "这份文件已超过保存期限，请重新上传。"


@requires(Action.MANAGE_TREE)
def roster_import(request: HttpRequest) -> HttpResponse:
    """Step 0: choose or drop the file."""
    form = WorkbookForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["file"].name
        upload = uploads.keep(by=account_of(request), kind=KIND, name=name, data=form.content)
        return redirect("roster-step", upload.key, "mapping")
    context = {"form": form, "waiting": _waiting(request), "step": "upload", "root_missing": not _has_root()}
    return render(request, "branches/organisation/roster_upload.html", context, status=422 if form.is_bound else 200)


def _has_root() -> bool:
    try:
        root_of_today()
    except NoRootError:
        return False
    return True


def _waiting(request: HttpRequest) -> list[Upload]:
    rows = Upload.objects.filter(account=account_of(request), kind=KIND, state=Upload.State.WAITING)
    return list(rows[:5])


@requires(Action.MANAGE_TREE)
def roster_step(request: HttpRequest, key: str, step: str) -> HttpResponse:
    """Steps 1 to 3 of one upload: mapping, preview, result."""
    upload = Upload.objects.filter(key=key, kind=KIND, account=account_of(request)).first()
    if upload is None or step not in {"mapping", "preview", "result"}:
        raise Http404
    if upload.state != Upload.State.WAITING:
        return _result(request, upload) if step == "result" else redirect("roster-step", key, "result")
    if step == "result":
        return redirect("roster-step", key, "preview")
    try:
        return _STEPS[step](request, RosterSteps(upload))
    except FileNotFoundError:
        messages.error(request, GONE)
    except (RefusedUpload, NoRootError) as error:
        messages.error(request, str(error))
    return redirect("roster-import")


def _mapping(request: HttpRequest, steps: RosterSteps) -> HttpResponse:
    fault, rows = "", None
    if request.method == "POST":
        try:
            if "reread" in request.POST:
                rows = steps.header_rows(request.POST)
            else:
                _keep_mapping(request, steps)
                return redirect("roster-step", steps.upload.key, "preview")
        except ChoiceError as error:
            fault = str(error)
    fields = [(name, field.label) for name, field in steps.words.fields.items()]
    context = {
        "upload": steps.upload, "step": "mapping", "sheets": steps.sheets(rows), "fields": fields, "fault": fault,
        "required": [steps.words.fields[name].label for name in steps.words.required],
    }  # fmt: skip
    return render(request, "branches/organisation/roster_mapping.html", context, status=422 if fault else 200)


def _keep_mapping(request: HttpRequest, steps: RosterSteps) -> None:
    choices = steps.posted(request.POST)
    lessons = steps.taught(choices) if "remember" in request.POST else {}
    steps.keep(choices)
    if lessons:
        uploads.teach(by=account_of(request), table=TABLE, words=lessons)
        messages.success(request, f"已记住 {len(lessons)} 种表头写法，下次自动识别。")


def _preview(request: HttpRequest, steps: RosterSteps) -> HttpResponse:
    if request.method == "POST":
        return _act(request, steps)
    level = request.GET.get("level", "")
    plan = steps.plan
    codes = [(category.code, category.name) for category in steps.vocabulary.categories]
    lines, total = steps.counts()
    used = [(code, name) for code, name in codes if code in total.categories]
    order = [code for code, _ in used]
    new, more_new = first_entries(plan.new, SHOWN)
    changed, more_changed = first_entries(plan.changed, SHOWN)
    errors = len(steps.problems("error"))
    context = {
        "upload": steps.upload, "step": "preview", "plan": plan, "level": level, "problems": steps.problems(level),
        "errors": errors, "warnings": len(steps.problems("warning")), "touched": len(plan.new) + len(plan.changed),
        "error_title": f"有 {errors} 处错误，还不能导入",
        "questions": steps.questions(), "decisions": steps.decisions, "comments": steps.comments(),
        "categories": [name for _, name in used], "total": (total, by_category(total, order)),
        "lines": [(line, by_category(line, order)) for line in lines], "new": new, "changed": changed,
        "more_new": more_new, "more_changed": more_changed, "fingerprint": steps.fingerprint,
    }  # fmt: skip
    return render(request, "branches/organisation/roster_preview.html", context)


def _act(request: HttpRequest, steps: RosterSteps) -> HttpResponse:
    here = redirect("roster-step", steps.upload.key, "preview")
    if "drop" in request.POST or "close" in request.POST:
        uploads.finish(upload=steps.upload, state=Upload.State.DROPPED)
        if "close" in request.POST:
            return redirect("branches")
        messages.success(request, "已放弃这次导入，什么也没有写入。")
        return redirect("roster-import")
    if "decide" in request.POST:
        asked = zip(request.POST.getlist("written"), request.POST.getlist("meant"), strict=False)
        steps.decide(dict(asked))
        return here
    if request.POST.get("fingerprint") != steps.fingerprint:
        messages.warning(request, "预览之后数据有了变化，请再核对一次，然后导入。")
        return here
    try:
        outcome = _import(request, steps)
    except ImportRefused as refusal:
        messages.error(request, str(refusal))
        return here
    messages.success(request, outcome.summary)
    return redirect("roster-step", steps.upload.key, "result")


def _import(request: HttpRequest, steps: RosterSteps) -> RosterOutcome:
    with transaction.atomic():
        outcome = steps.apply(account_of(request))
        _lines, total = steps.counts()
        result = {
            **dataclasses.asdict(outcome), "branches": total.branches, "members": total.members,
        }  # fmt: skip
        if not uploads.finish(upload=steps.upload, state=Upload.State.DONE, result=result):
            raise ImportRefused("这份文件刚刚已经导入。")
    return outcome


def _result(request: HttpRequest, upload: Upload) -> HttpResponse:
    context = {"upload": upload, "step": "result", "result": upload.result}
    return render(request, "branches/organisation/roster_result.html", context)


_STEPS: dict[str, Any] = {"mapping": _mapping, "preview": _preview}


@require_safe
@requires(Action.MANAGE_TREE)
def roster_template(request: HttpRequest) -> HttpResponse:
    """The empty roster, headings in the importer's words."""
    del request
    sheet = lay_out(roster_table(), blank_rows(20), values={"school": "", "day": ""})
    return _workbook(xlsx.render([sheet], xlsx.Properties(title="党支部花名册模板")), "党支部花名册模板.xlsx")


@require_POST
@requires(Action.EXPORT)
def roster_export(request: HttpRequest) -> HttpResponse:
    """The roster of the caller's reach; what the office exports imports back unchanged."""
    day, account = clock.today(), account_of(request)
    rows = directory.roster_rows(day, request.scope)  # type: ignore[attr-defined]
    root = Branch.objects.as_of(day).filter(parent_id__isnull=True).first()
    values = {"school": root.name if root else "", "day": f"{day.year}年{day.month}月{day.day}日"}
    content = xlsx.render([lay_out(roster_table(), rows, values=values)], xlsx.Properties(title="党支部花名册"))
    with transaction.atomic():
        audit.record(by=account, action="roster.export", thing=account, summary=f"导出党支部花名册 {len(rows)} 行")
    return _workbook(content, f"党支部花名册_{day:%Y%m%d}.xlsx")


def _workbook(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=XLSX)
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response
