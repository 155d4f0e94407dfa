"""What the level above decides and looks after: changes, 定点联系人, what was sent; and one's own reminders."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from branches import clock
from branches.listing import render_list
from branches.models import Account, Branch, Campaign
from branches.permissions import Action, account_of, can, enforce, get_or_404, requires
from grading.services.errors import RefusedError
from rectification import item_page
from rectification.forms.supervision import ContactForm, FrequencyForm
from rectification.lists_supervision import MESSAGES, dispatch_rows, skipped
from rectification.models import Change, Contact, DigestChoice, Dispatch
from rectification.permissions import may_decide_change
from rectification.services import changes, contacts, dispatching
from rectification.supervision_page import Weak, by_general_branch, units_within, weak, why_not_decide
from rectification.views.shared import allowed, refusal
from rectification.views.supervision_visits import campaigns

MESSAGES_SHOWN = 20


def _pending(request: HttpRequest) -> Any:
    rows: Any = Change.objects.filter(state=Change.State.PROPOSED)
    rows = rows.within(request.scope)  # type: ignore[attr-defined]
    return rows.select_related("item__plan__branch", "item__plan__campaign", "requested_by__person").order_by(
        "requested_at", "pk"
    )


@requires(Action.APPROVE_PLAN)
@require_safe
def change_list(request: HttpRequest) -> HttpResponse:
    """Show the extensions, pauses and other changes that wait, the oldest first."""
    account, today = account_of(request), clock.today()
    kinds = dict(Change.Kind.choices)
    wanted = request.GET.get("kind", "")
    rows = list(_pending(request))
    counts = {kind: sum(row.kind == kind for row in rows) for kind in kinds}
    shown = [row for row in rows if wanted not in kinds or row.kind == wanted]
    reasons = why_not_decide(account, shown, request.scope)  # type: ignore[attr-defined]
    for row in shown:
        item_page.shown(row)
        row.why_not = reasons.get(row.pk, "")
        late = (today - row.item.counts_on).days if row.item.counts_on else 0
        row.late = max(late, 0)
        row.takes_over = row.kind == Change.Kind.ESCALATION
    context = {
        "rows": shown, "total": len(rows), "wanted": wanted,
        "tabs": [(kind, label, counts[kind]) for kind, label in kinds.items() if counts[kind]],
    }  # fmt: skip
    return render(request, "rectification/changes.html", context)


@requires(Action.APPROVE_PLAN)
@require_POST
def change_settle(request: HttpRequest, pk: int) -> HttpResponse:
    """Consent to a change from the list, or refuse it with the reason."""
    rows: Any = Change.objects.select_related("item__plan")
    row = get_or_404(rows, request.scope, pk=pk)  # type: ignore[attr-defined]
    allowed(may_decide_change(account_of(request), row))
    consent = request.POST.get("consent") == "yes"
    answer = request.POST.get("reason", "")
    try:
        changes.decide(by=account_of(request), change=row, consent=consent, answer=answer, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{row.get_kind_display()}：{'已同意' if consent else '已登记不同意'}。")
    return redirect("supervision-changes")


@requires(Action.VIEW_RECTIFICATION)
@require_safe
def contact_list(request: HttpRequest) -> HttpResponse:
    """Show weak branches with the leader assigned to each."""
    found = campaigns(request)
    wanted = request.GET.get("campaign")
    reach, today = request.scope, clock.today()  # type: ignore[attr-defined]
    asked = [one for one in found if str(one.pk) == wanted]
    campaign: Campaign | None = next(iter(asked or found), None)
    lines: list[Weak] = []
    for one in asked or found:
        if lines := weak(one, reach, today):
            campaign = one
            break
    may, chosen = bool(can(request.user, Action.SUPERVISE)), request.GET.get("branch", "")
    if may and campaign is not None and chosen.isdigit():
        return redirect("supervision-contact-edit", campaign.pk, int(chosen))
    shown = {line.branch.pk for line in lines}
    others = [one for one in units_within(reach, today) if one[0] not in shown] if may and campaign else []
    context = {
        "others": by_general_branch(others, today) if others else [],
        "campaigns": found, "campaign": campaign, "lines": lines,
        "without": sum(line.contact is None for line in lines), "may": may,
    }  # fmt: skip
    return render(request, "rectification/contacts.html", context)


@requires(Action.SUPERVISE)
@require_http_methods(["GET", "POST"])
def contact_edit(request: HttpRequest, campaign: int, branch: int) -> HttpResponse:
    """Assign a leader to a branch, or another one."""
    chosen = next((one for one in campaigns(request) if one.pk == campaign), None)
    node = get_or_404(Branch.objects.all(), request.scope, pk=branch)  # type: ignore[attr-defined]
    if chosen is None:
        return redirect("supervision-contacts")
    enforce(request, Action.SUPERVISE, node)
    present = Contact.objects.present().filter(campaign=chosen, branch=node).select_related("account").first()
    start: dict[str, Any] = {"starts_on": clock.today()}
    if present is not None:
        start |= {
            "name": present.leader_name, "duty": present.leader_duty, "phone": present.phone, "task": present.task,
            "username": present.account.username if present.account else "",
        }  # fmt: skip
    form = ContactForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid() and (account := _account(form)) is not False:
        try:
            contacts.appoint(
                by=account_of(request), campaign=chosen, branch=node, leader=form.leader(account),
                starts_on=form.cleaned_data["starts_on"], now=clock.now(),
            )  # fmt: skip
        except RefusedError as error:
            refusal(form, error)
        else:
            messages.success(request, "定点联系人已确定。")
            return redirect("supervision-contacts")
    context = {
        "form": form,
        "campaign": chosen,
        "branch": node,
        "name": node.name_on(clock.today()),
        "present": present,
    }
    return render(request, "rectification/contact_form.html", context, status=422 if form.errors else 200)


def _account(form: ContactForm) -> Any:
    """Return the account named, None without a name, False when there is no such account (the form says so)."""
    username = form.cleaned_data["username"].strip()
    if not username:
        return None
    account = Account.objects.filter(username__iexact=username, is_active=True).first()
    if account is None:
        form.add_error("username", "没有这个登录名的账号，请核对，或留空。")
        return False
    return account


@requires(Action.SUPERVISE)
@require_POST
def contact_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End an assignment with the reason."""
    row = get_or_404(Contact.objects.select_related("branch"), request.scope, pk=pk)  # type: ignore[attr-defined]
    enforce(request, Action.SUPERVISE, row.branch)
    try:
        contacts.end(by=account_of(request), contact=row, reason=request.POST.get("reason", ""), now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "联系已结束。")
    return redirect("supervision-contacts")


@requires(Action.SUPERVISE)
@require_http_methods(["GET", "POST"])
def message_list(request: HttpRequest) -> HttpResponse:
    """Show what was sent to whom, and on request to whom nothing and why; POST gives the same rows as a file."""
    found = Dispatch.objects.within(request.scope)  # type: ignore[attr-defined]
    left = skipped(found)
    context = {"skipped": left, "skipped_total": sum(number for _, _, number in left)}
    return render_list(request, MESSAGES, dispatch_rows(found), template="rectification/messages.html", context=context)


@requires(Action.SUPERVISE)
@require_safe
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one message: what it told, what it left out, what became of it."""
    row = _message(request, pk)
    lines = list(row.lines.all())
    again = getattr(row, "again", None)
    context = {
        "message": row, "told": [line for line in lines if line.told], "again": again,
        "left_out": [line for line in lines if not line.told],
        "may_send": row.state in (Dispatch.State.FAILED, Dispatch.State.UNCERTAIN) and again is None,
    }  # fmt: skip
    return render(request, "rectification/message.html", context)


def _message(request: HttpRequest, pk: int) -> Dispatch:
    rows = Dispatch.objects.select_related("recipient__person", "branch", "again", "again_of")
    row: Dispatch = get_or_404(rows, request.scope, pk=pk)  # type: ignore[attr-defined]
    return row


@requires(Action.SUPERVISE)
@require_POST
def message_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a message again that failed or may not have arrived."""
    row = _message(request, pk)
    try:
        made = dispatching.send_again(by=account_of(request), message=row, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
        return redirect("supervision-message", row.pk)
    messages.success(request, "已安排重发。")
    return redirect("supervision-message", made.pk)


@requires(Action.VIEW_RECTIFICATION)
@require_http_methods(["GET", "POST"])
def mail_choice(request: HttpRequest) -> HttpResponse:
    """Choose how often to be reminded, and see what was sent to oneself."""
    account = account_of(request)
    choice = DigestChoice.objects.filter(account=account).first()
    start = {"frequency": choice.frequency if choice else DigestChoice.Frequency.WEEKLY}
    form = FrequencyForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        dispatching.choose(by=account, frequency=form.cleaned_data["frequency"], now=clock.now())
        messages.success(request, "已保存。")
        return redirect("mail-choice")
    context = {
        "form": form, "address": account.person.email if account.person else "",
        "rows": Dispatch.objects.filter(recipient=account).prefetch_related("lines")[:MESSAGES_SHOWN],
    }  # fmt: skip
    return render(request, "rectification/mail_choice.html", context, status=422 if form.errors else 200)
