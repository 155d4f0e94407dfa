"""One ballot box: its state, opening and closing it, slips taken back by two people, its keys, and what came out."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from branches import clock
from branches.models import Account
from branches.permissions import Action, account_of, can, enforce, get_or_404, requires
from branches.transitions import BlockedError, IllegalMoveError, history
from grading import ballot_board, ballot_slips
from grading.forms.ballots import DeadlineForm
from grading.models import AppraisalCount, BallotBox, CodeExchange, KeyCustody
from grading.services import ballot_exchanges, ballot_keys, ballots
from grading.services.errors import RefusedError
from grading.views.ballots import address_of, only_here, until_words
from grading.views.shared import Fault

S = BallotBox.State
BOXES = BallotBox.objects.select_related("unit__round__campaign", "unit__branch", "source")


def _box(request: HttpRequest, pk: int) -> BallotBox:
    box: BallotBox = get_or_404(ballot_board.with_turnout(BOXES), request.scope, pk=pk)  # type: ignore[arg-type, attr-defined, assignment]
    return box


# --- What the page shows -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Result:
    """What came out of a counted box: a column for each voter group that may be shown, and all together."""

    columns: list[tuple[str, AppraisalCount]]
    rows: list[tuple[str, list[int], int]]
    valid: int
    satisfied: int

    @property
    def rate(self) -> float | None:
        """满意率 in percent."""
        return self.satisfied * 100 / self.valid if self.valid else None


def result_of(box: BallotBox) -> Result | None:
    """Return the counts of a box that reached its floor."""
    if not box.released:
        return None
    counts = AppraisalCount.objects.filter(unit=box.unit_id, source=box.source_id, state=AppraisalCount.State.COUNTED)
    counted = list(counts.select_related("group").order_by("group__ordinal"))
    if not counted:
        return None
    names = {group.code: group.name for group in box.source.groups.all()}
    columns = [(_name(row, names), row) for row in counted]
    options = list(box.source.options.all())
    rows = []
    for option in options:
        numbers = [row.counts.get(option.code, 0) for row in counted]
        rows.append((option.label, numbers, sum(numbers)))
    satisfied = sum(total for option, (_, _, total) in zip(options, rows, strict=True) if option.satisfied)
    return Result(columns, rows, sum(row.valid or 0 for row in counted), satisfied)


def _name(row: AppraisalCount, names: dict[str, str]) -> str:
    """Return whose ballots a count holds, with the small groups counted in."""
    if row.group is None:
        return "票数"
    return "、".join([row.group.name, *(names.get(code, code) for code in row.joined)])


@requires(Action.MANAGE_BALLOT)
@require_safe
def ballot_box(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a box; `?part=state` only what changes while the worker is at it."""
    box = _box(request, pk)
    if request.GET.get("part") == "state":
        response = render(request, "grading/ballot_state.html", {"box": box})
        if box.state not in (S.CLOSING, S.COUNTED):
            response["HX-Refresh"] = "true"
        return response
    return _page(request, box)


def _page(request: HttpRequest, box: BallotBox, faults: list[Fault] | None = None) -> HttpResponse:
    account = account_of(request)
    unused = ballot_board.unused_codes(box)
    address = address_of(request)
    context = {
        "box": box, "unit": box.unit, "round": box.unit.round, "errors": faults or [],
        "may": can(request.user, Action.MANAGE_BALLOT, box), "printed": bool(unused) or box.state != S.DRAFT,
        "groups": [(group, unused.get(place, 0)) for place, group in enumerate(box.groups)],
        "keys_here": box.state not in (S.DRAFT, S.OPEN, S.CLOSING) or ballot_keys.keys_present(box),
        "exchanges": _exchanges(box, account), "custodies": box.custodies.all(),
        "deadline": DeadlineForm(box=box), "result": result_of(box),
        "problem_counts": box.problem_counts.select_related("problem"),
        "address": address, "only_here": only_here(address), "history": _history(box),
    }  # fmt: skip
    return render(request, "grading/ballot_box.html", context, status=422 if faults else 200)


def _exchanges(box: BallotBox, account: Account) -> list[tuple[CodeExchange, bool]]:
    """Return slips taken back, each with whether this account may confirm it: never whoever asked."""
    rows = box.exchanges.select_related("asked_by__person", "ended_by__person")
    return [(row, row.state == CodeExchange.State.ASKED and row.asked_by_id != account.pk) for row in rows]


def _history(box: BallotBox) -> list[Any]:
    labels = dict(S.choices)
    rows = list(history(box)[:8])
    for row in rows:
        row.words = f"{labels.get(row.from_state, row.from_state)} → {labels.get(row.to_state, row.to_state)}"
    return rows


# --- What is done with it ------------------------------------------------------------------------------------------


@requires(Action.MANAGE_BALLOT)
@require_POST
@sensitive_post_parameters("code", "copy")
@sensitive_variables()
def ballot_act(request: HttpRequest, pk: int) -> HttpResponse:
    """Do one thing with a box: open, close, void, deadline, restore its keys, take a slip back."""
    box = _box(request, pk)
    enforce(request, Action.MANAGE_BALLOT, box)
    act = ACTS.get(request.POST.get("do", ""))
    if act is None:
        return redirect("ballot-box", box.pk)
    try:
        said = act(request, box, clock.now())
    except (RefusedError, BlockedError, IllegalMoveError) as error:
        sentences = getattr(error, "sentences", None) or getattr(error, "blockers", None) or [str(error)]
        box.refresh_from_db()
        return _page(request, _box(request, pk), [Fault(text) for text in sentences])
    messages.success(request, said)
    return redirect("ballot-box", box.pk)


def _open(request: HttpRequest, box: BallotBox, now: dt.datetime) -> str:
    ballots.open_box(by=account_of(request), box=box, now=now)
    return "评议已开始，评议码可以使用了。"


def _close(request: HttpRequest, box: BallotBox, now: dt.datetime) -> str:
    withheld = {}
    for group in box.groups:
        typed = request.POST.get(f"withheld-{group['code']}", "").strip() or "0"
        if not typed.isascii() or not typed.isdigit():
            raise RefusedError(["没有发出去的评议码请填整数。"])
        withheld[group["code"]] = int(typed)
    ballots.close_box(by=account_of(request), box=box, now=now, withheld=withheld)
    return "评议已结束，正在开箱统计。"


def _void(request: HttpRequest, box: BallotBox, now: dt.datetime) -> str:
    ballots.void_box(by=account_of(request), box=box, reason=request.POST.get("reason", ""), now=now)
    return "评议箱已作废，里面的票都不统计。"


def _deadline(request: HttpRequest, box: BallotBox, now: dt.datetime) -> str:
    form = DeadlineForm(request.POST, box=box)
    if not form.is_valid():
        raise RefusedError([str(text) for texts in form.errors.values() for text in texts])
    ballots.move_deadline(by=account_of(request), box=box, closes_at=form.cleaned_data["closes_at"], now=now)
    return "截止时间已改。"


def _restore(request: HttpRequest, box: BallotBox, now: dt.datetime) -> str:
    ballot_keys.restore_keys(by=account_of(request), box=box, copy=request.POST.get("copy", ""), now=now)
    return "密钥已恢复。"


def _ask(request: HttpRequest, box: BallotBox, now: dt.datetime) -> str:
    post = request.POST
    exchange = ballot_exchanges.ask_exchange(
        by=account_of(request), box=box, code=post.get("code", ""), reason=post.get("reason", ""), now=now,
        replace=post.get("replace") != "no",
    )  # fmt: skip
    number = box.exchanges.filter(pk__lte=exchange.pk).count()
    return f"已登记为第 {number} 张，请在纸条上写上这个号。旧码从现在起投不了票，请另一位同事登录后在这一页确认。"


ACTS: dict[str, Callable[[HttpRequest, BallotBox, dt.datetime], str]] = {
    "open": _open, "close": _close, "void": _void, "deadline": _deadline, "restore": _restore, "ask": _ask,
}  # fmt: skip


@requires(Action.MANAGE_BALLOT)
@require_POST
@sensitive_variables("fresh")
def ballot_exchange(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm as the second person that a slip is void (the answer shows the new one, once), or let it stand."""
    rows = CodeExchange.objects.select_related("box__unit__round", "box__unit__branch", "box__source")
    exchange = get_object_or_404(rows, pk=pk)
    box = _box(request, exchange.box_id)
    enforce(request, Action.MANAGE_BALLOT, box)
    account, now = account_of(request), clock.now()
    try:
        if request.POST.get("do") == "drop":
            ballot_exchanges.drop_exchange(by=account, exchange=exchange, now=now)
            messages.success(request, "这一张不作废，原来的评议码继续有效。")
            return redirect("ballot-box", box.pk)
        fresh = ballot_exchanges.confirm_exchange(by=account, exchange=exchange, now=now)
    except RefusedError as error:
        return _page(request, box, [Fault(text) for text in error.sentences])
    if fresh is None:
        messages.success(request, "这一张评议码已作废。")
        return redirect("ballot-box", box.pk)
    address = address_of(request)
    context = {
        "box": box, "unit": box.unit, "round": box.unit.round, "fresh": fresh, "address": address,
        "until": until_words(box.closes_at), "qr": ballot_slips.qr_path(fresh.code, address),
    }  # fmt: skip
    return render(request, "grading/ballot_slip.html", context)


@requires(Action.MANAGE_BALLOT)
@require_POST
def ballot_custody(request: HttpRequest, pk: int) -> HttpResponse:
    """Record that a keeper's copy of a key was destroyed."""
    custody = get_object_or_404(KeyCustody.objects.select_related("box"), pk=pk)
    box = _box(request, custody.box_id)
    enforce(request, Action.MANAGE_BALLOT, box)
    try:
        ballot_keys.confirm_copy_destroyed(by=account_of(request), custody=custody, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{custody.keeper}的保管件已登记销毁。")
    return redirect("ballot-box", box.pk)
