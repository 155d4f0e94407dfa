"""What is done to one item: progress, completion, verification, re-checks, check-points, files."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST, require_safe

from branches import clock
from branches.forms_base import ZhForm
from branches.models import Person
from branches.permissions import Action, account_of, get_or_404, requires
from branches.transitions import BlockedError, IllegalMoveError
from branches.views.stored_file import hand_out
from grading.services.errors import RefusedError
from rectification.forms.items import (
    CheckpointForm,
    CompletionForm,
    ProgressForm,
    RecheckForm,
    RecheckPlanForm,
    VerifyForm,
)
from rectification.models import Checkpoint, Item, ItemFile, Recheck
from rectification.permissions import may_recheck, may_record, may_verify
from rectification.services import items, owners, progress, verification
from rectification.views.item import page
from rectification.views.shared import allowed, item_or_404, refusal


def _acted(
    request: HttpRequest, row: Item, name: str, form: ZhForm, act: Callable[[dict[str, Any]], str]
) -> HttpResponse:
    """Do what a form asks for and say so; a refusal stands beside its field on the item's page."""
    if form.is_valid():
        try:
            messages.success(request, act(form.cleaned_data))
        except RefusedError as error:
            refusal(form, error)
        except BlockedError as error:
            for text in error.blockers:
                form.add_error(None, text)
        except IllegalMoveError as error:
            form.add_error(None, str(error))
        else:
            return redirect("item", row.pk)
    return page(request, item_or_404(request, row.pk, clock.now()), **{name: form})


@requires(Action.REPORT_PROGRESS)
@require_POST
def item_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Write down what was done, with a file where there is one."""
    row = item_or_404(request, pk, clock.now())
    allowed(may_record(request.user, row))
    by, now, upload = account_of(request), clock.now(), request.FILES.get("file")

    def act(given: dict[str, Any]) -> str:
        with transaction.atomic():  # a file that is refused keeps the entry back, and the other way round
            if upload is not None:
                progress.add_file(by=by, item=row, name=upload.name or "", data=upload.read(), now=now)
            progress.add_progress(by=by, item=row, now=now, **given)
        return "进展已登记。"

    return _acted(request, row, "progress_form", ProgressForm(request.POST), act)


@requires(Action.REPORT_PROGRESS)
@require_POST
def item_complete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for 销号 with a sentence of result."""
    row = item_or_404(request, pk, clock.now())
    allowed(may_record(request.user, row))
    by = account_of(request)

    def act(given: dict[str, Any]) -> str:
        progress.request_completion(by=by, item=row, now=clock.now(), **given)
        return "已申请销号，等待上级核实。"

    return _acted(request, row, "completion_form", CompletionForm(request.POST), act)


@requires(Action.REPORT_PROGRESS)
@require_POST
def item_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the request for 销号 back while nobody has verified."""
    row = item_or_404(request, pk, clock.now())
    allowed(may_record(request.user, row))
    try:
        progress.withdraw_request(by=account_of(request), item=row, now=clock.now())
    except (RefusedError, BlockedError, IllegalMoveError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "销号申请已撤回。")
    return redirect("item", row.pk)


@requires(Action.VERIFY)
@require_POST
def item_verify(request: HttpRequest, pk: int) -> HttpResponse:
    """销号, or 重新整改 with what is still wrong."""
    row = item_or_404(request, pk, clock.now())
    allowed(may_verify(account_of(request), row))
    by = account_of(request)

    def act(given: dict[str, Any]) -> str:
        passed = given.pop("passed") == "yes"
        verification.verify(by=by, item=row, passed=passed, now=clock.now(), **given)
        return "已核实销号。" if passed else "已登记核实未通过，支部重新整改。"

    return _acted(request, row, "verify_form", VerifyForm(request.POST), act)


@requires(Action.VERIFY)
@require_POST
def item_recheck_plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Plan a later look at a verified item."""
    row = item_or_404(request, pk, clock.now())
    allowed(may_recheck(account_of(request), row))
    by = account_of(request)

    def act(given: dict[str, Any]) -> str:
        verification.plan_recheck(by=by, item=row, now=clock.now(), **given)
        return "复查已安排。"

    return _acted(request, row, "recheck_plan_form", RecheckPlanForm(request.POST), act)


@requires(Action.VERIFY)
@require_POST
def item_recheck(request: HttpRequest, pk: int) -> HttpResponse:
    """Write down whether what was done has held."""
    row = item_or_404(request, pk, clock.now())
    allowed(may_recheck(account_of(request), row))
    recheck = get_object_or_404(Recheck, item=row, done_on__isnull=True)
    by = account_of(request)

    def act(given: dict[str, Any]) -> str:
        relapsed = given.pop("relapsed") == "yes"
        verification.record_recheck(by=by, recheck=recheck, relapsed=relapsed, now=clock.now(), **given)
        return "已登记回弹，这一项重新整改。" if relapsed else "已登记复查：没有回弹。"

    return _acted(request, row, "recheck_form", RecheckForm(request.POST), act)


@requires(Action.REPORT_PROGRESS)
@require_POST
def item_checkpoint(request: HttpRequest, pk: int) -> HttpResponse:
    """Write down what the next check-point of a 长期性项目 found."""
    row = item_or_404(request, pk, clock.now())
    allowed(may_record(request.user, row))
    found = Checkpoint.objects.filter(item=row, done_on__isnull=True).first()
    checkpoint = get_object_or_404(Checkpoint, pk=found.pk if found else 0)
    by = account_of(request)

    def act(given: dict[str, Any]) -> str:
        items.record_checkpoint(by=by, checkpoint=checkpoint, now=clock.now(), **given)
        return "检查情况已登记。"

    return _acted(request, row, "checkpoint_form", CheckpointForm(request.POST), act)


@requires(Action.REPORT_PROGRESS)
@require_POST
def item_person(request: HttpRequest, pk: int) -> HttpResponse:
    """Say which person a name of the item means."""
    row = item_or_404(request, pk, clock.now())
    allowed(may_record(request.user, row))
    field, wanted = request.POST.get("field", ""), request.POST.get("person", "")
    choice = next((one for one in owners.unclear(row) if one.field == field), None)
    if choice is None or wanted not in {str(key) for key, _ in choice.people}:
        messages.error(request, "请选择是哪一位。")
        return redirect("item", row.pk)
    person = Person.objects.get(pk=int(wanted))
    try:
        owners.say_who(by=account_of(request), item=row, field=field, person=person, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"已选定{choice.label}，其他同名的同志可以核实了。")
    return redirect("item", row.pk)


@requires(Action.VIEW_RECTIFICATION)
@require_safe
def item_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hand a file out as an attachment."""
    row = get_or_404(ItemFile.objects.all(), request.scope, pk=pk, removed_at__isnull=True)  # type: ignore[attr-defined]
    return hand_out(request, row.file, name=row.name)


@requires(Action.REPORT_PROGRESS)
@require_POST
def item_file_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a file away; its row stays."""
    row: Any = get_or_404(ItemFile.objects.select_related("item__plan"), request.scope, pk=pk)  # type: ignore[attr-defined]
    allowed(may_record(request.user, row.item))
    try:
        progress.remove_file(by=account_of(request), file=row, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"已移除“{row.name}”。")
    return redirect("item", row.item_id)
