"""督办单: the list, who is behind and may be urged, one notice with its reply, and what its issuer does with it."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from branches import clock
from branches.listing import render_list
from branches.models import Branch
from branches.permissions import Action, account_of, can, get_or_404, requires
from branches.transitions import IllegalMoveError
from branches.versions import ConflictError
from grading.services.errors import RefusedError
from grading.views.shared import posted_version
from rectification import supervision_page
from rectification.forms.supervision import NoticeForm, ReplyForm, ReturnForm, reply_day
from rectification.lists_supervision import NOTICES, notice_rows, standing
from rectification.models import SupervisionNotice
from rectification.permissions import acts_for
from rectification.services import notices
from rectification.services.settings import rules_of
from rectification.views.shared import refusal

S = SupervisionNotice.State
CHANGED = "这份督办单刚被他人处理过，请看现在的情况再办。"


def _rows() -> Any:
    return SupervisionNotice.objects.select_related("campaign__root", "issuer", "branch", "issued_by__person")


def notice_or_404(request: HttpRequest, pk: int) -> SupervisionNotice:
    """Return a 督办单 the request's scope reaches; 404 otherwise."""
    row: SupervisionNotice = get_or_404(_rows(), request.scope, pk=pk)  # type: ignore[attr-defined]
    return row


@requires(Action.VIEW_RECTIFICATION)
@require_http_methods(["GET", "POST"])
def notice_list(request: HttpRequest) -> HttpResponse:
    """List 督办单 within reach; POST gives the same rows as a file."""
    rows = notice_rows(SupervisionNotice.objects.within(request.scope))  # type: ignore[attr-defined]
    may_issue = bool(can(request.user, Action.SUPERVISE))
    button = format_html(
        '<a class="btn btn-primary" href="{}">看逾期项目，签发督办单</a>', reverse("supervision-notice-new")
    )
    context = {"may_issue": may_issue, "empty_actions": button if may_issue else ""}
    return render_list(request, NOTICES, rows, template="rectification/notices.html", context=context)


@requires(Action.SUPERVISE)
@require_http_methods(["GET", "POST"])
def notice_new(request: HttpRequest) -> HttpResponse:
    """Show who is behind, and issue a 督办单 to each branch that was picked."""
    now, account = clock.now(), account_of(request)
    behind = supervision_page.behind(account, request.scope, now)  # type: ignore[attr-defined]
    chosen = supervision_page.chosen(behind, request.POST.get("campaign") or request.GET.get("campaign"))
    days = rules_of(chosen.campaign).notice_reply_days if chosen else 7
    form = NoticeForm(request.POST or None, initial={"reply_due_on": reply_day(days, now.date())})
    picked = request.POST.getlist("branch")
    error = ""
    if request.method == "POST" and chosen is not None and form.is_valid():
        wanted = [line.branch for line in chosen.lines if str(line.branch.pk) in picked and line.may]
        error = "" if wanted else "请勾选要督办的党组织。"
        if wanted and (answer := _issue(request, form, chosen, wanted)) is not None:
            return answer
    context = {"behind": behind, "chosen": chosen, "form": form, "picked": picked, "error": error}
    failed = request.method == "POST"
    return render(request, "rectification/notice_new.html", context, status=422 if failed else 200)


def _issue(request: HttpRequest, form: NoticeForm, chosen: Any, wanted: list[Branch]) -> HttpResponse | None:
    try:
        made = notices.issue_many(
            by=account_of(request), campaign=chosen.campaign, branches=wanted, order=form.order(), now=clock.now()
        )
    except RefusedError as error:
        refusal(form, error)
        return None
    if len(made) == 1:
        messages.success(request, f"已签发督办单 {made[0].code}。打印后盖章送达，支部在系统内也能看到。")
        return redirect("supervision-notice", made[0].pk)
    messages.success(request, f"已签发 {len(made)} 份督办单：{made[0].code} 至 {made[-1].code}。")
    return redirect("supervision-notices")


@requires(Action.VIEW_RECTIFICATION)
@require_safe
def notice(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one 督办单 with its items, its reply and what happened to it."""
    return page(request, notice_or_404(request, pk))


def page(
    request: HttpRequest, row: SupervisionNotice, *, reply: ReplyForm | None = None, back: ReturnForm | None = None
) -> HttpResponse:
    """Draw the page of a 督办单; a form that was refused stands where it was."""
    account, lines = account_of(request), list(row.lines.select_related("item"))
    handles, given = notices.may_handle(account, row), getattr(row, "reply", None)
    may_reply = row.state in SupervisionNotice.OWED and bool(notices.may_reply(account, row))
    own_reply = given is not None and given.by_id == account.pk
    badge, word = standing(row)
    context: dict[str, Any] = {
        "notice": row, "lines": lines, "reply": given, "state": (badge.removeprefix("state-"), word),
        "name": row.branch.name_on(row.issued_on),
        "issuer": notices.issuer_name(row.campaign, row.issuer, row.issued_on),
        "round": supervision_page.round_of(row),
        "reply_form": (reply or _reply_form(row, lines, given)) if may_reply else None,
        "own": acts_for(account, row.branch_id),
        "return_form": None, "history": supervision_page.history(row),
        "returned_because": supervision_page.returned_because(row),
        "may_close": bool(handles) and row.state == S.REPLIED and not own_reply,
        "may_withdraw": bool(handles) and row.state in SupervisionNotice.OWED,
        "why_not": "这份回复是您代录的，请由另一位同志核查办结。" if handles and own_reply else "",
    }  # fmt: skip
    if handles and row.state == S.REPLIED:
        days = rules_of(row.campaign).notice_reply_days
        start = {"version": row.version, "reply_due_on": reply_day(days, clock.today())}
        context["return_form"] = back or ReturnForm(initial=start)
    failed = (reply is not None) or (back is not None)
    return render(request, "rectification/notice.html", context, status=422 if failed else 200)


def _reply_form(row: SupervisionNotice, lines: Any, given: Any) -> ReplyForm:
    start: dict[str, Any] = {"version": row.version} | {f"line-{line.pk}": line.answer for line in lines}
    if given is not None:
        start |= {"text": given.text, "signed_by": given.signed_by}
    else:
        start["signed_by"] = supervision_page.secretary_of(row.branch)
    return ReplyForm(initial=start, lines=lines)


@requires(Action.REPORT_PROGRESS)
@require_POST
def notice_reply(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer a 督办单."""
    row = notice_or_404(request, pk)
    form = ReplyForm(request.POST, lines=list(row.lines.all()))
    if form.is_valid():
        given = {"version": form.cleaned_data["version"], "answer": form.answer(), "now": clock.now()}
        try:
            saved = notices.reply(by=account_of(request), notice=row, **given)
        except RefusedError as error:
            refusal(form, error)
        except (ConflictError, IllegalMoveError):
            form.add_error(None, CHANGED)
        else:
            messages.success(request, "回复已报送。" + ("已过回复期限，记为逾期回复。" if saved.late else ""))
            return redirect("supervision-notice", row.pk)
    return page(request, notice_or_404(request, pk), reply=form)


@requires(Action.SUPERVISE)
@require_POST
def notice_return(request: HttpRequest, pk: int) -> HttpResponse:
    """Send a reply back with the reason and a new deadline."""
    row = notice_or_404(request, pk)
    form = ReturnForm(request.POST)
    _require(notices.may_handle(account_of(request), row))
    if form.is_valid():
        given = dict(form.cleaned_data)
        try:
            notices.return_reply(by=account_of(request), notice=row, now=clock.now(), **given)
        except RefusedError as error:
            refusal(form, error)
        except IllegalMoveError as error:
            form.add_error(None, str(error))
        except ConflictError:
            form.add_error(None, CHANGED)
        else:
            messages.success(request, "回复已退回，支部会看到原因。")
            return redirect("supervision-notice", row.pk)
    return page(request, notice_or_404(request, pk), back=form)


def _require(answer: Any) -> None:
    if not answer:
        raise PermissionDenied(answer.reason)


def _settle(request: HttpRequest, pk: int, act: Any, said: str, **more: Any) -> HttpResponse:
    row = notice_or_404(request, pk)
    _require(notices.may_handle(account_of(request), row))
    version = posted_version(request)
    try:
        act(by=account_of(request), notice=row, version=version, now=clock.now(), **more)
    except (RefusedError, IllegalMoveError) as error:
        messages.error(request, str(error))
    except ConflictError:
        messages.error(request, CHANGED)
    else:
        messages.success(request, said)
    return redirect("supervision-notice", row.pk)


@requires(Action.SUPERVISE)
@require_POST
def notice_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the reply as sufficient."""
    return _settle(request, pk, notices.close, "督办单已办结，整改项目照各自的进度继续办理。")


@requires(Action.SUPERVISE)
@require_POST
def notice_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a 督办单 back with a reason."""
    reason = request.POST.get("reason", "")
    return _settle(request, pk, notices.withdraw, "督办单已撤回，编号不再使用。", reason=reason)
