"""附件6 that comes back: choose the file, see what it would change field by field, do all of it or nothing."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from branches import clock
from branches.forms.roster import WorkbookForm
from branches.intake.uploads import RefusedUpload
from branches.intake.workbook import read_workbook
from branches.models import Upload
from branches.permissions import Action, account_of, requires
from branches.services import uploads
from grading.models import Round, RoundUnit
from grading.services.errors import RefusedError
from grading.views.shared import Fault
from rectification.importers import apply_ledger, plan_ledger
from rectification.models import Plan
from rectification.returned import Entry, Fate, LedgerPlan
from rectification.views.shared import round_or_404

SHOWN = 200
GONE = "这份文件已超过保存期限，请重新上传。"
CHANGED = "预览之后数据有了变化，请再核对一次，然后导入。"


class LedgerForm(WorkbookForm):
    """One returned 附件6."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Name the file for what it is."""
        super().__init__(*args, **kwargs)
        self.fields["file"].label = "整改汇总表"


def _kind(round_: Round) -> str:
    return f"annex6-{round_.pk}"


@requires(Action.DRAW_UP_PLAN)
@require_http_methods(["GET", "POST"])
def choose(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose or drop the file."""
    round_ = round_or_404(request, pk)
    form = LedgerForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        name = form.cleaned_data["file"].name
        upload = uploads.keep(by=account_of(request), kind=_kind(round_), name=name, data=form.content)
        return redirect("annex6-import-check", round_.pk, upload.key)
    waiting = Upload.objects.filter(account=account_of(request), kind=_kind(round_), state=Upload.State.WAITING)
    context = {"round": round_, "form": form, "waiting": list(waiting[:5])}
    return render(request, "rectification/annex6_upload.html", context, status=422 if form.is_bound else 200)


def _plan(request: HttpRequest, round_: Round, upload: Upload) -> LedgerPlan:
    """Compare the stored file with everything the account may draw up for."""
    reach = request.scope  # type: ignore[attr-defined]
    units = RoundUnit.objects.filter(round=round_).within(reach.held).select_related("round__campaign")
    nodes = Plan.objects.filter(round=round_, unit__isnull=True).within(reach).values_list("branch_id", flat=True)
    workbook = read_workbook(upload.name, uploads.read(upload=upload))
    return plan_ledger(round_=round_, units=list(units), nodes=list(nodes), workbook=workbook, now=clock.now())


@requires(Action.DRAW_UP_PLAN)
@require_http_methods(["GET", "POST"])
def check(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """Show what the file would change; POST does it."""
    round_ = round_or_404(request, pk)
    waiting = Upload.objects.filter(account=account_of(request), kind=_kind(round_), state=Upload.State.WAITING)
    upload = waiting.filter(key=key).first()
    if upload is None:
        raise Http404
    if request.method == "POST" and "drop" in request.POST:
        uploads.finish(upload=upload, state=Upload.State.DROPPED)
        messages.success(request, "已放弃这次导入，什么也没有写入。")
        return redirect("annex6-import", round_.pk)
    try:
        plan = _plan(request, round_, upload)
    except (RefusedUpload, FileNotFoundError, ValueError, KeyError) as error:
        messages.error(request, str(error) if isinstance(error, RefusedUpload) else GONE)
        return redirect("annex6-import", round_.pk)
    faults = _import(request, upload, plan) if request.method == "POST" else []
    if request.method == "POST" and not faults:
        return redirect("rectification-board", round_.pk)
    context = {
        "round": round_, "upload": upload, "plan": plan, "errors": faults, "shown": SHOWN,
        "touched": sorted(plan.touched, key=_settled)[:SHOWN], "taken": request.POST.getlist("take"),
        "counts": [(fate.zh, len(plan.of(fate))) for fate in Fate],
    }  # fmt: skip
    return render(request, "rectification/annex6_check.html", context, status=422 if faults else 200)


def _settled(entry: Entry) -> bool:
    """Put what a person has to choose first."""
    return not any(change.conflict for change in entry.changes)


def _import(request: HttpRequest, upload: Upload, plan: LedgerPlan) -> list[Fault]:
    """Do all a plan says; return what stands in the way."""
    if request.POST.get("fingerprint") != plan.fingerprint:
        return [Fault(CHANGED)]
    try:
        with transaction.atomic():
            taken = request.POST.getlist("take")
            done = apply_ledger(by=account_of(request), plan=plan, now=clock.now(), taken=taken)
            result = {"new": done.new, "changed": done.changed, "requests": done.requests}
            if not uploads.finish(upload=upload, state=Upload.State.DONE, result=result):
                raise RefusedError(["这份文件刚刚已经导入。"])
    except RefusedError as error:
        return [Fault(sentence) for sentence in error.sentences]
    messages.success(request, done.summary)
    return []
