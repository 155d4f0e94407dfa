"""附件4 offline: take the workbook away, send one or many back, see field by field what changes, confirm."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from branches import clock, drafts
from branches.intake.uploads import RefusedUpload
from branches.models import Upload
from branches.permissions import Action, account_of, can, enforce, get_or_404, requires
from branches.versions import ConflictError
from grading.models import Round, RoundUnit, Source, form_names
from grading.permissions import holds_branch
from grading.services.errors import RefusedError
from grading.views import filing
from reporting.offline_upload import ReturnedForm
from reporting.services import offline, offline_state
from reporting.services.offline_plan import Plan

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
AGAIN = "您看过之后内容又有变化，已按最新的重新比对，请再看一遍后确认。"


@dataclass(frozen=True, slots=True)
class Row:
    """One file of a batch on its page."""

    upload: Upload
    plan: Plan | None
    refused: str

    @property
    def ready(self) -> bool:
        """Whether it may be imported now."""
        return self.plan is not None and self.plan.ready


def _units(request: HttpRequest) -> Any:
    """Return the branches the account may fill in for."""
    return RoundUnit.objects.select_related("round__campaign", "round__scale", "branch", "rubric", "parent").within(
        request.scope  # type: ignore[attr-defined]
    )


def _unit(request: HttpRequest, pk: int) -> RoundUnit:
    row: RoundUnit | None = _units(request).filter(pk=pk).exclude(round__state=Round.State.PREPARING).first()
    if row is None:
        raise Http404
    enforce(request, Action.FILL_ASSESSMENT, row)
    return row


def _round(request: HttpRequest, pk: int) -> Round:
    """Return a round in which the account may fill in for somebody; 404 otherwise."""
    row = get_or_404(Round.objects.select_related("campaign__root", "scale"), request.scope, pk=pk)  # type: ignore[attr-defined]
    if row.state == Round.State.PREPARING or not _units(request).filter(round=row).exists():
        raise Http404
    return row


def _upload(request: HttpRequest, key: str) -> Upload:
    row = Upload.objects.filter(account=account_of(request), kind=offline.KIND, key=key).first()
    if row is None or "round" not in row.choices:
        raise Http404
    return row


def _taken_in(request: HttpRequest, form: ReturnedForm, round_: Round, unit: RoundUnit | None) -> HttpResponse | None:
    """Read what was sent and lead to its preview; None when the form has to say why not."""
    if not form.is_valid():
        return None
    try:
        batch = offline.take(
            by=account_of(request), round_=round_, files=form.sent, unit=unit, ticket=request.POST.get("ticket", "")
        )
    except RefusedUpload as error:
        form.add_error("workbooks", str(error))
        return None
    rows = offline.batch_of(by=account_of(request), key=batch)
    if len(rows) == 1 and rows[0].state == Upload.State.WAITING:
        return redirect("offline-workbook", rows[0].key)
    return redirect("offline-batch", batch)


@requires(Action.FILL_ASSESSMENT)
@require_http_methods(["GET", "POST"])
def unit_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Offer the workbook of one branch, and take it back."""
    unit, now = _unit(request, pk), clock.now()
    form = ReturnedForm(request.POST, request.FILES) if request.method == "POST" else ReturnedForm()
    if request.method == "POST" and (answer := _taken_in(request, form, unit.round, unit)):
        return answer
    waiting = Upload.objects.filter(account=account_of(request), kind=offline.KIND, state=Upload.State.WAITING)
    context = {
        "unit": unit, "round": unit.round, "form": form, "on_behalf": not holds_branch(account_of(request), unit),
        "sheet_closed": offline_state.load([unit])[unit.pk].sheet_closed,
        "waiting": waiting.filter(choices__reading__ticket__unit=unit.pk)[:5],
        "ticket": filing.ticket(request, unit.round_id, now), "closes_in": filing.closes_in(unit, Source.SELF, now),
    }  # fmt: skip
    return render(request, "reporting/offline_unit.html", context, status=422 if form.is_bound else 200)


@requires(Action.FILL_ASSESSMENT)
@require_POST
def unit_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hand out the workbook of one branch; the audit trail keeps who took it."""
    ((name, content),) = offline.give_out(by=account_of(request), units=[_unit(request, pk)])
    return FileResponse(io.BytesIO(content), as_attachment=True, filename=name, content_type=XLSX)


@requires(Action.FILL_ASSESSMENT)
@require_http_methods(["GET", "POST"])
def round_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Offer the workbooks of a 党总支's branches, and take many back at once."""
    round_ = _round(request, pk)
    form = ReturnedForm(request.POST, request.FILES) if request.method == "POST" else ReturnedForm()
    if request.method == "POST" and (answer := _taken_in(request, form, round_, None)):
        return answer
    groups = _groups(_units(request).filter(round=round_))
    ticket = filing.ticket(request, round_.pk, clock.now())
    context = {"round": round_, "form": form, "groups": groups, "ticket": ticket}
    return render(request, "reporting/offline_round.html", context, status=422 if form.is_bound else 200)


def _groups(units: Sequence[RoundUnit]) -> list[tuple[str, str, list[RoundUnit]]]:
    """Return (key, name, branches) of each 党总支."""
    found: dict[str, tuple[str, str, list[RoundUnit]]] = {}
    for unit in units:
        found.setdefault(unit.group, (unit.group, unit.general_branch_name, []))[2].append(unit)
    return list(found.values())


@requires(Action.FILL_ASSESSMENT)
@require_POST
def round_files(request: HttpRequest, pk: int, group: str) -> HttpResponseBase:
    """Hand out the workbooks of one 党总支's branches as a zip; the audit trail keeps who took each."""
    round_ = _round(request, pk)
    units = [unit for unit in _units(request).filter(round=round_) if unit.group == group]
    if not units:
        raise Http404
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as bundle:
        for name, data in offline.give_out(by=account_of(request), units=units):
            bundle.writestr(name, data)
    content.seek(0)
    form = form_names(round_)["annex4"].short
    name = f"{form}离线表（{units[0].general_branch_name}，{round_.dated}，{len(units)}份）.zip"
    return FileResponse(content, as_attachment=True, filename=name, content_type="application/zip")


def _rows(request: HttpRequest, files: Sequence[Upload]) -> list[Row]:
    waiting = [one for one in files if one.state == Upload.State.WAITING]
    plans = offline.plans(by=account_of(request), waiting=waiting)
    found = []
    for one in files:
        plan = plans.get(one.pk)
        found.append(Row(one, plan, plan.refused if plan else str(one.result.get("refused", ""))))
    return found


@requires(Action.FILL_ASSESSMENT)
@require_http_methods(["GET", "POST"])
def batch_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show every file of a batch with what it would change; import the chosen ones, each for itself."""
    files = offline.batch_of(by=account_of(request), key=key)
    if not files:
        raise Http404
    round_ = _round(request, files[0].choices["round"])
    rows = _rows(request, files)
    if request.method == "POST":
        _settle_batch(request, rows)
        return redirect("offline-batch", key)
    context = {
        "round": round_, "key": key, "rows": rows, "ready": sum(row.ready for row in rows),
        "done": sum(row.upload.state == Upload.State.DONE for row in rows),
        "refused": sum(bool(row.refused) and not row.upload.result.get("left_out") for row in rows),
        "asking": sum(bool(row.plan and not row.refused and row.plan.undecided) for row in rows),
    }  # fmt: skip
    return render(request, "reporting/offline_batch.html", context)


def _settle_batch(request: HttpRequest, rows: Sequence[Row]) -> None:
    """Drop one file, or import the ticked ones a person has seen; say what became of each."""
    dropped = request.POST.get("drop", "")
    if dropped:
        for row in rows:
            if row.upload.key == dropped and row.upload.state == Upload.State.WAITING:
                offline.drop(by=account_of(request), upload=row.upload)
                messages.info(request, f"已放弃 {row.upload.name}。")
        return
    wanted, fields = set(request.POST.getlist("workbook")), 0
    imported, problems = 0, []
    for row in rows:
        if row.plan is None or row.upload.key not in wanted:
            continue
        if request.POST.get(f"seen-{row.upload.key}") != row.plan.digest:
            problems.append(f"{row.upload.name}：{AGAIN}")
            continue
        try:
            fields += offline.apply(by=account_of(request), upload=row.upload, plan=row.plan, now=clock.now())
            imported += 1
        except (RefusedError, ConflictError) as error:
            problems.append(f"{row.upload.name}：{_words(error)}")
    if imported:
        messages.success(request, f"已导入 {imported} 份，写入 {fields} 处。请到各支部核对后提交自评。")
    for text in problems:
        messages.error(request, text)
    if not imported and not problems:
        messages.info(request, "没有勾选可以导入的表。")


def _words(error: Exception) -> str:
    return AGAIN if isinstance(error, ConflictError) else str(error)


@requires(Action.FILL_ASSESSMENT)
@require_http_methods(["GET", "POST"])
def workbook_page(request: HttpRequest, key: str) -> HttpResponse:
    """Show field by field what a workbook changes; choose between two sides; import all of it or nothing."""
    upload = _upload(request, key)
    if request.method == "POST" and upload.state == Upload.State.WAITING:
        return _confirm(request, upload)
    return _preview(request, upload)


def _preview(request: HttpRequest, upload: Upload, *, again: str = "", status: int = 200) -> HttpResponse:
    (row,) = _rows(request, [upload])
    plan = _in_batch(request, upload, row)
    unit = plan.state.unit if plan and plan.state else _settled_unit(request, upload)
    context = {
        "upload": upload, "plan": plan, "refused": plan.refused if plan else row.refused, "unit": unit, "again": again,
        "round": Round.objects.filter(pk=upload.choices["round"]).first(), "batch": _many(request, upload),
        "drafts": unit is not None and any(
            drafts.load(account=account_of(request), form=form, key=str(unit.pk)) for form in ("self", "survey-branch")
        ),
        "on_behalf": unit is not None and not holds_branch(account_of(request), unit),
        "may_submit": bool(unit) and bool(can(request.user, Action.SUBMIT_ASSESSMENT, unit)),
    }  # fmt: skip
    return render(request, "reporting/offline_workbook.html", context, status=status)


def _in_batch(request: HttpRequest, upload: Upload, row: Row) -> Plan | None:
    """Return the plan as its batch sees it: a second workbook of the same branch stands in its way."""
    if row.plan is None:
        return None
    files = offline.batch_of(by=account_of(request), key=upload.choices["batch"])
    waiting = [one for one in files if one.state == Upload.State.WAITING]
    return offline.plans(by=account_of(request), waiting=waiting).get(upload.pk, row.plan)


def _many(request: HttpRequest, upload: Upload) -> str:
    """Return the key of the batch when more than this file belongs to it."""
    key = str(upload.choices.get("batch", ""))
    return key if len(offline.batch_of(by=account_of(request), key=key)) > 1 else ""


def _settled_unit(request: HttpRequest, upload: Upload) -> RoundUnit | None:
    found: RoundUnit | None = _units(request).filter(pk=upload.result.get("unit")).first()
    return found


def _confirm(request: HttpRequest, upload: Upload) -> HttpResponse:
    if request.POST.get("do") == "drop":
        offline.drop(by=account_of(request), upload=upload)
        messages.info(request, f"已放弃 {upload.name}，没有写入任何内容。")
        return _back(request, upload)
    sides = {name.removeprefix("side-"): side for name, side in request.POST.items() if name.startswith("side-")}
    if sides:
        upload = offline.choose_sides(upload=upload, sides=sides)  # type: ignore[arg-type]
    (row,) = _rows(request, [upload])
    plan = _in_batch(request, upload, row)
    if plan is None or plan.refused:
        return _preview(request, upload, status=422)
    if request.POST.get("seen") != plan.digest:
        return _preview(request, upload, again=AGAIN, status=409)
    if plan.undecided:
        return _preview(request, upload, again=f"还有 {len(plan.undecided)} 处两边都改过，请先选用哪一边。", status=422)
    try:
        count = offline.apply(by=account_of(request), upload=upload, plan=plan, now=clock.now())
    except ConflictError:
        return _preview(request, upload, again=AGAIN, status=409)
    except RefusedError as error:
        return _preview(request, upload, again=str(error), status=422)
    messages.success(request, f"已写入 {count} 处。核对无误后，请提交自评。")
    return redirect("offline-workbook", upload.key)


def _back(request: HttpRequest, upload: Upload) -> HttpResponse:
    if key := _many(request, upload):
        return redirect("offline-batch", key)
    unit = upload.choices.get("unit")
    return redirect("offline-unit", unit) if unit else redirect("offline-round", upload.choices["round"])
