"""The end of the year: what is still open per branch; ending or handing on what will not be done; closing."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from branches import clock
from branches.forms_base import ZhForm
from branches.permissions import Action, account_of, can, requires
from branches.transitions import BlockedError, IllegalMoveError
from grading.services.errors import RefusedError
from rectification.board import SHAPES
from rectification.models import Change, Item, Plan, Status, YearClosing, below_group
from rectification.permissions import may_decide
from rectification.services import closing
from rectification.services.settings import rules_of
from rectification.views.shared import allowed, item_or_404, refusal, round_or_404


class CloseForm(ZhForm):
    """Why what should have been done was not."""

    reason = forms.CharField(
        label="说明", max_length=500, required=False, widget=forms.Textarea(attrs={"rows": 2}),
        help_text="有应完成而未完成的项目时必须填写。",
    )  # fmt: skip


class SettleForm(ZhForm):
    """What becomes of an item that will not be done here."""

    reason = forms.CharField(label="理由", max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
    to = forms.ModelChoiceField(
        label="转到哪个方案", queryset=Plan.objects.none(), required=False, empty_label="不转，就此终止",
        help_text="同一支部的其他轮次，或同一党总支其他支部的方案。",
    )  # fmt: skip

    def __init__(self, *args: Any, plans: QuerySet[Plan], **kwargs: Any) -> None:
        """Offer some plans."""
        super().__init__(*args, **kwargs)
        field: Any = self.fields["to"]
        field.queryset = plans
        field.label_from_instance = lambda plan: f"{plan.name}，{plan.round.campaign.year}年{plan.round.name}"


SHOWN = 300


@dataclass(frozen=True, slots=True)
class Row:
    """One item that is still open, with its status as a shape and a word."""

    item: Item
    shape: str
    status: str


@dataclass(frozen=True, slots=True)
class Left:
    """One branch with what it has not finished; `rows` may be fewer than `count` where the page would get too long."""

    plan: Plan
    count: int
    unfinished: int
    rows: list[Row]


def _left(found: list[closing.StillOpen]) -> list[Left]:
    room, lines = SHOWN, []
    for one in found:
        shown = [
            Row(item, SHAPES[item.status].removeprefix("state-"), str(Status(item.status).label))  # type: ignore[attr-defined]
            for item in one.items[: max(room, 0)]
        ]
        room -= len(shown)
        lines.append(Left(one.plan, len(one.items), len(one.unfinished), shown))
    return lines


@requires(Action.VIEW_RECTIFICATION)
@require_safe
def still_open(request: HttpRequest, pk: int) -> HttpResponse:
    """Show what is still open per branch."""
    return _page(request, pk, CloseForm())


def _page(request: HttpRequest, pk: int, form: CloseForm, status: int = 200) -> HttpResponse:
    round_ = round_or_404(request, pk)
    campaign, now = round_.campaign, clock.now()
    left = closing.still_open(campaign=campaign, now=now, reach=request.scope)  # type: ignore[attr-defined]
    alive = Item.objects.alive().filter(plan__campaign=campaign)
    alive = alive.within(request.scope)  # type: ignore[attr-defined]
    may_settle = bool(can(request.user, Action.APPROVE_PLAN))
    context: dict[str, Any] = {
        "round": round_,
        "several": campaign.rounds.count() > 1,
        "undecided": _undecided(request, campaign.pk),
        "drafts": alive.filter(state=Item.State.DRAFT).count(),
        "campaign": campaign,
        "rules": rules_of(campaign),
        "left": _left(left),
        "shown": SHOWN,
        "total": alive.count(),
        "verified": alive.filter(state=Item.State.VERIFIED).count(),
        "open": sum(len(one.items) for one in left),
        "unfinished": sum(len(one.unfinished) for one in left),
        "closed": YearClosing.objects.filter(campaign=campaign).select_related("closed_by__person").first(),
        "may_settle": may_settle,
        "may_close": bool(can(request.user, Action.MANAGE_RECTIFICATION, campaign)),
        "form": form,
    }
    return render(request, "rectification/still_open.html", context, status=status)


def _undecided(request: HttpRequest, campaign: int) -> tuple[int, int, int]:
    """Count what nobody has decided yet: plans being drawn up, plans handed in, changes asked for."""
    reach = request.scope  # type: ignore[attr-defined]
    states = Counter(Plan.objects.within(reach).filter(campaign=campaign).values_list("state", flat=True))
    asked = Change.objects.within(reach).filter(item__plan__campaign=campaign, state=Change.State.PROPOSED)
    begun = states[Plan.State.DRAFT] + states[Plan.State.RETURNED]
    return begun, states[Plan.State.SUBMITTED], asked.count()


@requires(Action.MANAGE_RECTIFICATION)
@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close the year of a round's campaign."""
    round_ = round_or_404(request, pk)
    allowed(can(request.user, Action.MANAGE_RECTIFICATION, round_.campaign))
    form = CloseForm(request.POST)
    if form.is_valid():
        try:
            closing.close_year(
                by=account_of(request), campaign=round_.campaign, reason=form.cleaned_data["reason"], now=clock.now()
            )
        except RefusedError as error:
            refusal(form, error)
        else:
            messages.success(request, "整改已经收尾：未完成的项目已逐项记下，仍可核实或转到以后的方案。")
            return redirect("rectification-still-open", round_.pk)
    return _page(request, pk, form, status=422)


def _targets(item: Item) -> QuerySet[Plan]:
    """Return the plans an item may be handed to: other rounds of the branch, other branches of the 党总支."""
    near = Q(branch=item.plan.branch_id)
    if item.plan.group_key:
        near |= Q(round=item.plan.round_id) & below_group(item.plan.group_key)
    rows = Plan.objects.filter(near).exclude(pk=item.plan_id).exclude(state__in=[Plan.State.CLOSED, "submitted"])
    return rows.select_related("round__campaign").order_by("-round__campaign__starts_on", "-round__ordinal", "name")


@requires(Action.APPROVE_PLAN)
@require_http_methods(["GET", "POST"])
def settle(request: HttpRequest, pk: int) -> HttpResponse:
    """End an item without result, or hand it to another plan."""
    item = item_or_404(request, pk, clock.now())
    allowed(may_decide(request.user, item.plan))
    form = SettleForm(request.POST or None, plans=_targets(item))
    if request.method == "POST" and form.is_valid():
        given, by = form.cleaned_data, account_of(request)
        try:
            if given["to"] is None:
                closing.end_item(by=by, item=item, reason=given["reason"], now=clock.now())
            else:
                closing.transfer(by=by, item=item, to=given["to"], reason=given["reason"], now=clock.now())
        except (RefusedError, BlockedError, IllegalMoveError) as error:
            said = error if isinstance(error, RefusedError) else RefusedError([str(error)])
            refusal(form, said)
        else:
            words = "已终止" if given["to"] is None else f"已转到{given['to'].name}的方案"
            messages.success(request, f"“{item}”{words}。")
            return redirect("rectification-still-open", item.plan.round_id)
    status = 422 if form.is_bound else 200
    return render(request, "rectification/settle.html", {"item": item, "plan": item.plan, "form": form}, status=status)
