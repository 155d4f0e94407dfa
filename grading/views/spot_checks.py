"""抽查 for the office: drawing, the record of a draw, naming inspectors, returning a sheet."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from branches import clock
from branches.listing import render_list
from branches.models import Account
from branches.permissions import Action, account_of, can, enforce, get_or_404, is_recused, requires
from branches.transitions import BlockedError, IllegalMoveError
from grading import draws
from grading.board import HANDED_IN
from grading.forms.spot_checks import DrawForm
from grading.lists_spot_checks import CHECKS, CHECKS_READ, check_rows, without_superior
from grading.models import Assessment, Round, RoundUnit, Source, SpotCheck, SpotCheckDraw, SpotCheckRule
from grading.services import sheets
from grading.services import spot_checks as service
from grading.services.errors import RefusedError
from grading.spot_inputs import rule_of
from grading.views.shared import round_or_404


def _progress(source: Source | None) -> dict[str, int]:
    """Return how many branches are drawn, named to somebody, and handed in."""
    if source is None:
        return {}
    tasks = SpotCheck.objects.active().filter(source=source)
    done = Assessment.objects.filter(source=source, state__in=HANDED_IN, unit__in=tasks.values("unit_id"))
    named = tasks.filter(assignments__isnull=False).distinct().count()
    return {"drawn": tasks.count(), "named": named, "done": done.count()}


def _manages(request: HttpRequest, round_: Round) -> bool:
    """Tell whether somebody runs spot checks; whoever else sees the whole school (leaders, auditors) may read them."""
    if not request.scope.everything:  # type: ignore[attr-defined]
        raise PermissionDenied("抽查的名单和记录由活动办公室掌握。")
    return bool(can(request.user, Action.MANAGE_ROUND, round_))


@requires(Action.VIEW_GRADING)
@require_http_methods(["GET", "POST"])
def spot_checks(request: HttpRequest, pk: int) -> HttpResponse:
    """Show draws, rule and progress of a round's spot checks, and the branches drawn as a list with export."""
    round_ = round_or_404(request, pk)
    manages = _manages(request, round_)
    source = service.spot_source(round_)
    rows = check_rows(SpotCheck.objects.active().filter(draw__round=round_))
    context = {
        "round": round_,
        "source": source,
        "progress": _progress(source),
        "draws": round_.draws.select_related("drawn_by__person").prefetch_related("checks"),
        "rule": rule_of(round_),
        "effects": SpotCheckRule.Effect.choices if round_.scored_by_superior else (),
        "absents": SpotCheckRule.Absent.choices,
        "may_draw": manages and source is not None and round_.is_open,
        "rule_open": manages and round_.state not in (Round.State.PUBLICITY, Round.State.FINAL),
    }
    page = CHECKS if manages else CHECKS_READ
    page = page if round_.scored_by_superior else without_superior(page)
    return render_list(request, page, rows, template="grading/spot_checks.html", context=context)


@requires(Action.MANAGE_ROUND)
@require_http_methods(["GET", "POST"])
def spot_draw(request: HttpRequest, pk: int) -> HttpResponse:
    """Draw branches. What comes out is seen only once the draw is on record."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    source = service.spot_source(round_)
    units, listed = service.candidates(round_, source) if source is not None else ([], [])
    initial: dict[str, Any] = {
        "method": "seed", "measure": "share", "value": 20, "extent": "group", "rounding": "up",
    }  # fmt: skip
    form = DrawForm(request.POST or None, units=units, compares=round_.scored_by_superior, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            record = service.draw(by=account_of(request), round_=round_, plan=form.plan(), now=clock.now())
        except RefusedError as error:
            form.add_error(None, error.sentences)
        else:
            messages.success(request, _drawn_words(record, len(units)))
            return redirect("spot-record", record.pk)
    context = {
        "round": round_,
        "source": source,
        "form": form,
        "groups": _by_group(units, listed, {*form["picked"].value()} if form.is_bound else set()),
        "total": len(units),
        "comparable": sum(one.difference is not None for one in listed),
    }
    return render(request, "grading/spot_draw.html", context, status=422 if form.errors else 200)


def _drawn_words(record: SpotCheckDraw, offered: int) -> str:
    """Say how many were drawn, and when there were not as many as were asked for."""
    number = record.checks.count()
    by_number = record.measure == SpotCheckDraw.Measure.NUMBER and record.extent == SpotCheckDraw.Extent.ROUND
    if by_number and record.method != SpotCheckDraw.Method.HAND and number < record.value:
        return f"要抽 {record.value.normalize():f} 个，能抽的只有 {number} 个，已全部抽取，记录已存。"
    rest = "，能抽的已全部抽到" if number == offered else ""
    return f"已抽取 {number} 个党支部{rest}，记录已存。"


def _by_group(units: list[RoundUnit], listed: list[draws.Candidate], picked: set[str]) -> list[dict[str, Any]]:
    """Return the branches that may be drawn, by 党总支, with their differences."""
    found: dict[str, dict[str, Any]] = {}
    for unit, one in zip(units, listed, strict=True):
        group = found.setdefault(one.group, {"name": unit.general_branch_name, "lines": []})
        group["lines"].append((unit, one.difference, str(unit.pk) in picked))
    return list(found.values())


def _record_or_404(request: HttpRequest, pk: int) -> SpotCheckDraw:
    rows = SpotCheckDraw.objects.select_related(
        "round__campaign__root", "source", "drawn_by__person", "voided_by__person"
    )
    record = get_object_or_404(rows, pk=pk)
    round_or_404(request, record.round_id)
    return record


@requires(Action.VIEW_GRADING)
@require_GET
def spot_record(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the record of a draw, to be printed and signed: everything needed to repeat it, and that it repeats."""
    record = _record_or_404(request, pk)
    manages = _manages(request, record.round)
    checks = list(record.checks.select_related("unit").order_by("place"))
    drawn = {check.unit.code: check.place for check in checks}
    names = dict(record.round.units.values_list("code", "name"))
    listed = [
        {
            "code": one.code,
            "name": names.get(one.code, ""),
            "group": one.group,
            "difference": one.difference,
            "lot": draws.lot(record.seed, one.code) if record.seed else "",
            "place": drawn.get(one.code),
        }
        for one in draws.from_data(record.population)
    ]
    context = {
        "record": record,
        "may_void": manages and record.voided_at is None and record.round.is_open,
        "round": record.round,
        "checks": checks,
        "listed": listed,
        "by_hand": record.method == SpotCheckDraw.Method.HAND,
        "repeats": service.repeat(record) == tuple(check.unit.code for check in checks),
        "list_holds": draws.digest(record.population) == record.digest,
    }
    return render(request, "grading/spot_record.html", context)


@requires(Action.MANAGE_ROUND)
@require_POST
def spot_void(request: HttpRequest, pk: int) -> HttpResponse:
    """Void a draw with a reason."""
    record = _record_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, record)
    try:
        service.void_draw(by=account_of(request), record=record, reason=request.POST.get("reason", ""), now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "这次抽取已作废，记录保留。")
    return redirect("spot-record", record.pk)


@requires(Action.MANAGE_ROUND)
@require_POST
def spot_rule(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what a spot check means in this round."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    effect, absent = request.POST.get("effect", ""), request.POST.get("absent", "")
    try:
        service.set_rule(by=account_of(request), round_=round_, effect=effect, absent=absent)
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "抽查规则已保存。")
    return redirect("spot-checks", round_.pk)


def _picked(request: HttpRequest) -> list[SpotCheck]:
    """Return the chosen tasks within reach, in the order of the list."""
    keys = [int(key) for key in request.POST.getlist("pick") if key.isascii() and key.isdigit()]
    rows = SpotCheck.objects.active().within(request.scope)  # type: ignore[attr-defined]
    found = rows.filter(pk__in=keys).select_related("unit__branch", "unit__round__campaign", "source")
    return list(found.prefetch_related("assignments__account__person"))


@requires(Action.MANAGE_ROUND)
@require_POST
def spot_assign(request: HttpRequest) -> HttpResponse:
    """Ask who inspects the chosen branches, then name them; `do` says what: all of them each, or shared out."""
    tasks, account, now = _picked(request), account_of(request), clock.now()
    if not tasks:
        messages.error(request, "请先在名单里勾选党支部。")
        return redirect(request.POST.get("back") or "rounds")
    for task in tasks:
        enforce(request, Action.MANAGE_ROUND, task.unit.round)
    pool = service.pool(clock.today())
    chosen = [one for one in pool if str(one.pk) in request.POST.getlist("inspector")]
    do, errors = request.POST.get("do", ""), []
    if do:
        try:
            if do == "share":
                service.share_out(by=account, checks=tasks, accounts=chosen, now=now)
            else:
                service.assign(by=account, checks=tasks, accounts=chosen, now=now)
        except RefusedError as error:
            errors = error.sentences
        else:
            messages.success(request, f"已指派 {len(tasks)} 个党支部的抽查人。")
            return redirect("spot-checks", tasks[0].unit.round_id)
    context = {
        "round": tasks[0].unit.round,
        "tasks": tasks,
        "pool": [(one, _load(one), _aside(one, tasks)) for one in pool],
        "chosen": {one.pk for one in chosen},
        "errors": errors,
    }
    return render(request, "grading/spot_assign.html", context, status=422 if errors else 200)


def _load(account: Account) -> int:
    """Return how many branches of rounds under way an inspector has."""
    return SpotCheck.objects.assigned_to(account).filter(unit__round__in=Round.objects.running()).count()


def _aside(account: Account, tasks: list[SpotCheck]) -> list[str]:
    """Return the chosen branches for which an inspector must stand aside."""
    return [task.unit.name for task in tasks if is_recused(account, task.unit.branch_id)]


def _task_or_404(request: HttpRequest, pk: int) -> SpotCheck:
    rows = SpotCheck.objects.active().select_related("unit__round__campaign", "unit__branch", "source")
    return get_or_404(rows, request.scope, pk=pk)  # type: ignore[attr-defined]


@requires(Action.MANAGE_ROUND)
@require_POST
def spot_unassign(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an inspector off a branch."""
    task = _task_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, task.unit.round)
    key = request.POST.get("inspector", "")
    inspector = task.inspectors.filter(pk=int(key) if key.isascii() and key.isdigit() else 0).first()
    try:
        if inspector is None:
            raise RefusedError(["没有这项指派。"])
        service.unassign(by=account_of(request), task=task, account=inspector, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"已取消{inspector.get_full_name()}的指派。")
    return redirect("inspection", task.pk)


@requires(Action.MANAGE_ROUND)
@require_POST
def spot_return(request: HttpRequest, pk: int) -> HttpResponse:
    """Send an inspector's sheet back with a reason."""
    task = _task_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, task.unit.round)
    sheet = Assessment.objects.filter(unit=task.unit_id, source=task.source_id).first()
    try:
        if sheet is None:
            raise RefusedError(["还没有抽查评分。"])
        reason = request.POST.get("reason", "")
        sheets.return_sheet(by=account_of(request), assessment=sheet, reason=reason, now=clock.now())
    except (RefusedError, IllegalMoveError, BlockedError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "抽查评分已退回，抽查人可以修改后重新提交。")
    return redirect("inspection", task.pk)
