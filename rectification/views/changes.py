"""Changes of an approved item: asking for one, deciding it, taking it back."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from branches import clock
from branches.permissions import Action, account_of, get_or_404, requires
from grading.services.errors import RefusedError
from rectification.forms.items import AnswerForm, ChangeForm
from rectification.models import Change
from rectification.permissions import may_decide_change, may_record
from rectification.services import changes
from rectification.views.item import kinds_of, page
from rectification.views.shared import allowed, item_or_404, refusal


@requires(Action.REPORT_PROGRESS)
@require_POST
def item_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask for a change; one of measures or owner holds at once and is recorded."""
    row = item_or_404(request, pk, clock.now())
    allowed(may_record(request.user, row))
    form = ChangeForm(request.POST, kinds=kinds_of(row))
    if form.is_valid():
        kind, reason = form.cleaned_data["kind"], form.cleaned_data["reason"]
        try:
            made = changes.request(
                by=account_of(request), item=row, kind=kind, new=form.new, reason=reason, now=clock.now()
            )
        except RefusedError as error:
            refusal(form, error)
        else:
            waits = made.state == Change.State.PROPOSED
            messages.success(request, "申请已提出，等待上级审批。" if waits else "变更已登记。")
            return redirect("item", row.pk)
    return page(request, item_or_404(request, pk, clock.now()), change_form=form)


def _change(request: HttpRequest, pk: int) -> Any:
    rows = Change.objects.select_related("item__plan")
    return get_or_404(rows, request.scope, pk=pk)  # type: ignore[attr-defined, type-var]


@requires(Action.APPROVE_PLAN)
@require_POST
def change_decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Consent to a change, or refuse it with the reason."""
    change = _change(request, pk)
    allowed(may_decide_change(account_of(request), change))
    takes_over = change.kind == Change.Kind.ESCALATION
    form: Any = AnswerForm(request.POST, takes_over=takes_over, auto_id=f"id_{change.pk}_%s")
    if form.is_valid():
        given = dict(form.cleaned_data)
        consent = given.pop("consent") == "yes"
        try:
            changes.decide(by=account_of(request), change=change, consent=consent, now=clock.now(), **given)
        except RefusedError as error:
            refusal(form, error)
        else:
            messages.success(request, "已同意变更。" if consent else "已登记不同意。")
            return redirect("item", change.item_id)
    form.change_pk = change.pk
    return page(request, item_or_404(request, change.item_id, clock.now()), answer=form)


@requires(Action.REPORT_PROGRESS)
@require_POST
def change_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back what was asked for and not decided yet."""
    change = _change(request, pk)
    allowed(may_record(request.user, change.item))
    try:
        changes.withdraw(by=account_of(request), change=change, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "申请已撤回。")
    return redirect("item", change.item_id)
