"""抽查 for inspectors: the branches assigned, and the sheet of one, scored beside 自评 and 党总支考评."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from branches import clock, drafts
from branches.listing import render_list
from branches.permissions import Action, account_of, can, get_or_404, requires
from branches.transitions import BlockedError, history
from branches.versions import ConflictError
from grading import sheet_page
from grading.board import HANDED_IN
from grading.lists_spot_checks import MINE, check_rows
from grading.models import Assessment, RoundUnit, Source, SpotCheck
from grading.permissions import may_inspect
from grading.services import sheets
from grading.services.errors import RefusedError
from grading.services.rounds import deadline
from grading.sheet_page import Item, Sheet, points_text
from grading.views.self_assessment import blocked_faults, marked_faults, parse, said
from grading.views.shared import Fault, conflict, posted_version

FORM = "spot-check"


@requires(Action.INSPECT)
@require_http_methods(["GET", "POST"])
def inspections(request: HttpRequest) -> HttpResponse:
    """List the branches assigned to the account, in rounds under way first."""
    rows = check_rows(SpotCheck.objects.assigned_to(account_of(request)))
    return render_list(request, MINE, rows, template="grading/inspections.html")


def _task(request: HttpRequest, pk: int) -> SpotCheck:
    rows = SpotCheck.objects.active().select_related(
        "draw", "source", "unit__round__campaign", "unit__round__scale", "unit__rubric", "unit__branch", "unit__parent"
    ).prefetch_related("unit__round__steps", "unit__extensions", "assignments__account__person")  # fmt: skip
    return get_or_404(rows, request.scope, pk=pk)  # type: ignore[attr-defined]


def _stored(task: SpotCheck) -> Assessment | None:
    rows = Assessment.objects.prefetch_related("scores").filter(unit=task.unit_id, source=task.source_id)
    return rows.first()


def _why_closed(request: HttpRequest, task: SpotCheck, stored: Assessment | None) -> str:
    """Return why the account cannot score here now, or nothing."""
    answer = may_inspect(request.user, task)
    if not answer:
        return answer.reason
    if not task.unit.round.is_open:
        return f"本轮现在是“{task.unit.round.get_state_display()}”，抽查评分只能查看。"
    if stored is not None and not stored.editable:
        return f"抽查评分{stored.get_state_display()}，需要修改时请联系活动办公室退回。"
    return ""


def _beside(unit: RoundUnit) -> tuple[dict[int, list[tuple[str, str]]], dict[int, list[tuple[str, str]]]]:
    """Return what the branch and its 党总支 gave and said, by item; sheets that were not handed in stay unseen."""
    shown: dict[int, list[tuple[str, str]]] = {}
    remarks: dict[int, list[tuple[str, str]]] = {}
    rows = Assessment.objects.filter(
        unit=unit, source__code__in=[Source.SELF, Source.SUPERIOR], state__in=HANDED_IN
    ).select_related("source").prefetch_related("scores").order_by("source__ordinal")  # fmt: skip
    for sheet in rows:
        for score in sheet.scores.all():
            if score.criterion_id is None:
                continue
            text = "不适用" if score.not_applicable else points_text(score.points) or "—"
            shown.setdefault(score.criterion_id, []).append((sheet.source.label, text))
            if score.remark:
                remarks.setdefault(score.criterion_id, []).append((sheet.source.label, score.remark))
    return shown, remarks


def _page(
    request: HttpRequest, task: SpotCheck, sheet: Sheet, *, errors: list[Fault] | None = None, verb: str = "保存"
) -> HttpResponse:
    unit, stored = task.unit, sheet.assessment
    why_not = _why_closed(request, task, stored)
    beside, remarks = _beside(unit)
    for item in sheet.items:
        beside.setdefault(item.criterion.pk, [])
        remarks.setdefault(item.criterion.pk, [])
    inspecting = bool(may_inspect(request.user, task))
    returned = history(stored).filter(to_state=Assessment.State.RETURNED).first() if stored else None
    may_manage = bool(can(request.user, Action.MANAGE_ROUND, unit.round))
    context = {
        "task": task, "unit": unit, "round": unit.round, "sheet": sheet, "source": task.source, "assessment": stored,
        "version": stored.version if stored else 0,
        "due_on": deadline(unit, Source.SPOT_CHECK),
        "why_not": why_not,
        "editable": not why_not,
        "hidden": not inspecting and (stored is None or stored.state not in HANDED_IN) and not may_manage,
        "inspecting": inspecting,
        "may_manage": may_manage and unit.round.is_open,
        "beside": beside,
        "remarks": remarks,
        "return_reason": returned.reason if returned else "",
        "draft": None if errors or why_not else drafts.load(account=account_of(request), form=FORM, key=str(task.pk)),
        "errors": errors or [],
        "verb": verb,
    }  # fmt: skip
    return render(request, "grading/inspection.html", context, status=422 if errors else 200)


@requires(Action.VIEW_GRADING)
@require_http_methods(["GET", "POST"])
def inspection(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the sheet of one branch drawn; POST saves it (`do=save`) or saves and submits it (`do=submit`)."""
    task = _task(request, pk)
    if request.method == "POST":
        answer = may_inspect(request.user, task)
        if not answer:
            raise PermissionDenied(answer.reason)
        return _save(request, task)
    return _page(request, task, sheet_page.build(task.unit, _stored(task)))


def _save(request: HttpRequest, task: SpotCheck) -> HttpResponse:
    account, now = account_of(request), clock.now()
    submit = request.POST.get("do") == "submit"
    verb = "提交" if submit else "保存"
    stored = sheets.sheet_for(by=account, unit=task.unit, source=task.source)
    sheet = sheet_page.build(task.unit, _stored(task))
    entries, faults = parse(request.POST, sheet)
    if faults:
        return _page(request, task, sheet, errors=faults, verb=verb)
    version = posted_version(request) or (1 if stored.version == 1 else 0)
    try:
        saved = sheets.save_scores(by=account, assessment=stored, version=version, entries=entries, now=now)
        drafts.drop(account=account, form=FORM, key=str(task.pk))
        if submit:
            sheets.submit(by=account, assessment=saved, now=now)
    except RefusedError as error:
        return _page(request, task, sheet, errors=marked_faults(sheet, error), verb=verb)
    except BlockedError as error:
        fresh = sheet_page.build(task.unit, _stored(task))
        return _page(request, task, fresh, errors=blocked_faults(fresh, error), verb=verb)
    except ConflictError as error:
        return _conflict(request, task, error)
    if submit:
        messages.success(request, f"{task.unit.name}的抽查评分已提交，合计 {saved.earned:.1f} 分。")
        return redirect("inspections")
    messages.success(request, "抽查评分已保存。")
    return redirect("inspection", task.pk)


def _conflict(request: HttpRequest, task: SpotCheck, error: ConflictError) -> HttpResponse:
    """Show both texts, item by item: two inspectors may score the same branch."""
    stored = sheet_page.build(task.unit, _stored(task))
    mine = sheet_page.build(task.unit, None)
    parse(request.POST, mine)
    pairs: Any = zip(mine.items, stored.items, strict=True)
    rows = [(_label(ours), said(ours), said(theirs)) for ours, theirs in pairs]
    version = getattr(error.current, "version", 0)
    return conflict(request, thing=error.current, rows=rows, version=version, title=task.source.name)


def _label(item: Item) -> str:
    return f"{item.criterion.code} {item.criterion.text}"
