"""One plan: starting it, taking known problems over, its goal, handing it in, its receipt."""

import datetime as dt
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from branches import clock
from branches.models import Branch
from branches.permissions import Action, account_of, can, enforce, get_or_404, requires
from branches.transitions import BlockedError, IllegalMoveError
from branches.versions import ConflictError
from grading.models import Result, Round, RoundUnit
from grading.services.errors import RefusedError
from grading.views.shared import posted_version
from rectification import offers, plan_page, vague
from rectification.forms.plan import GoalForm
from rectification.models import Item, MeetingRecord, Plan, PlanReceipt, RectificationRules
from rectification.permissions import acts_for, may_decide, may_edit, may_submit
from rectification.services import checks, items, plans
from rectification.services.settings import plan_due_on, rules_of
from rectification.views import prefill
from rectification.views.shared import allowed, plan_or_404, superior_name


@requires(Action.DRAW_UP_PLAN)
@require_POST
def plan_start(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin the plan of a branch for a round, or go to the one there is."""
    rows = RoundUnit.objects.select_related("round__campaign", "branch")
    unit = get_or_404(rows, request.scope, pk=pk)  # type: ignore[attr-defined]
    return _start(request, unit.round, unit.branch)


@requires(Action.DRAW_UP_PLAN)
@require_POST
def plan_start_own(request: HttpRequest, pk: int, branch: int) -> HttpResponse:
    """Begin a plan that a 党总支 files itself."""
    node = get_or_404(Branch.objects.all(), request.scope, pk=branch)  # type: ignore[attr-defined]
    round_ = get_or_404(Round.objects.select_related("campaign"), request.scope, pk=pk)  # type: ignore[attr-defined]
    return _start(request, round_, node)


def _start(request: HttpRequest, round_: Round, branch: Branch) -> HttpResponse:
    enforce(request, Action.DRAW_UP_PLAN, branch)
    try:
        plan = plans.start_for(by=account_of(request), round_=round_, branch=branch, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
        return redirect("rectification")
    return redirect("plan", plan.pk)


def rights(request: HttpRequest, plan: Plan, rows: list[Item]) -> dict[str, bool]:
    """Return what the visitor may do with a plan now."""
    edits = bool(may_edit(request.user, plan))
    waiting = any(item.state == Item.State.SUBMITTED for item in rows)
    return {
        "edit": edits and plan.editable,
        "add": edits and (plan.editable or plan.state == Plan.State.APPROVED),
        "submit": plan.editable and bool(may_submit(request.user, plan)),
        "withdraw": plan.state == Plan.State.SUBMITTED
        and acts_for(request.user, plan.branch_id)
        and bool(may_submit(request.user, plan)),
        "decide": waiting and bool(may_decide(request.user, plan)),
        "export": plan.round.state != Round.State.PREPARING and bool(can(account_of(request), Action.EXPORT, plan)),
    }


def _card(item: Item, rules: RectificationRules, now: dt.datetime, *, editing: bool) -> plan_page.Card:
    own = editing and item.editable
    lacking = checks.gaps_of(item, rules, now) if own else []
    hints = hints_of(item.measures, item, rules) if own else []
    kind, word = plan_page.badge(item, lacking=lacking)
    url = reverse("item-edit" if own else "item", args=[item.pk])
    return plan_page.Card(item, url, kind, word, lacking, hints)


def hints_of(measures: str, item: Item | None, rules: RectificationRules) -> list[str]:
    """Return what the helper says about measures; it never blocks."""
    if not rules.vague_check:
        return []
    people = (item.owner_name, item.leader) if item else ()
    found = vague.hints(measures, words=rules.vague_words, people=people)
    if item is not None and item.due_on is not None:
        found += vague.late_days(measures, item.due_on, start=clock.day_of(item.plan.created_at))
    return found


@requires(Action.VIEW_RECTIFICATION)
@require_safe
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a plan with its items, the meeting, and what is still to do."""
    return page(request, plan_or_404(request, pk))


def page(request: HttpRequest, row: Plan, *, errors: list[str] | None = None) -> HttpResponse:
    """Draw the page of a plan; `errors` say why it could not be handed in."""
    now, rules = clock.now(), rules_of(row.campaign)
    rows = list(row.items.status(now).select_related("category", "dimension").prefetch_related("checkpoints"))
    for item in rows:
        item.plan = row
    may = rights(request, row, rows)
    cards = [_card(item, rules, now, editing=may["add"]) for item in rows]
    record = MeetingRecord.objects.prefetch_related("absences").filter(plan=row).first()
    lacking = checks.meeting_problems(row, rules, now) if row.editable else []
    superior = superior_name(row)
    taken = [item.source_key for item in rows if item.source_key]
    context: dict[str, Any] = {
        "plan": row, "unit": row.unit, "round": row.round, "rules": rules, "cards": cards, "may": may, "record": record,
        "known": _known(row, taken) if may["add"] else None,
        "steps": plan_page.steps(row, cards, lacking, superior=superior) if row.editable else [],
        "incomplete": sum(bool(card.lacking) for card in cards),
        "lacking": lacking, "superior": superior, "errors": errors or [],
        "returned_count": sum(item.state == Item.State.RETURNED for item in rows),
        "history": plan_page.history(row, row.receipts.all()),
        "grade": _grade(row),
        "step_count": row.round.scale.grades.count(),
        "due_on": plan_due_on(row.round),
        "goal_form": GoalForm(initial={"goal": row.goal, "target": row.target_id}, scale=row.round.scale_id),
    }  # fmt: skip
    return render(request, "rectification/plan.html", context, status=422 if errors else 200)


def _known(plan: Plan, taken: list[str]) -> offers.Known:
    """Return what is known; once a plan is approved only what 督导 found since is offered."""
    found = offers.known_of(plan.unit, plan.branch_id, taken)
    if plan.editable:
        return found
    return replace(found, groups=[group for group in found.groups if group.code == offers.VISITS and group.left])


def _grade(plan: Plan) -> Any:
    if plan.unit_id is None:
        return None
    rows = Result.objects.current().filter(unit=plan.unit_id, state=Result.State.DECIDED)
    result = rows.select_related("decided_grade").first()
    return result.decided_grade if result else None


@requires(Action.DRAW_UP_PLAN)
@require_POST
def plan_take(request: HttpRequest, pk: int) -> HttpResponse:
    """Make an item of something that is known, with everything that is known about it."""
    row = plan_or_404(request, pk)
    allowed(may_edit(request.user, row))
    offer = offers.known_of(row.unit, row.branch_id).offer(request.POST.get("key", ""))
    if offer is None:
        raise Http404
    values = prefill.of_offer(row, offer)
    try:
        item = items.save_item(by=account_of(request), plan=row, item=None, version=0, values=values, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
        return redirect("plan", row.pk)
    messages.success(request, f"已列入第 {item.ordinal} 项，点开补全。")
    return redirect(f"{reverse('plan', args=[row.pk])}#item-{item.pk}")


@requires(Action.DRAW_UP_PLAN)
@require_POST
def plan_goal(request: HttpRequest, pk: int) -> HttpResponse:
    """Save what the plan as a whole aims at."""
    row = plan_or_404(request, pk)
    allowed(may_edit(request.user, row))
    form = GoalForm(request.POST, scale=row.round.scale_id)
    if form.is_valid():
        try:
            version, given = posted_version(request), form.cleaned_data
            plans.save_plan(by=account_of(request), plan=row, version=version, now=clock.now(), **given)
        except RefusedError as error:
            messages.error(request, str(error))
        except ConflictError:
            messages.error(request, "另一位同志刚改过方案，请看过后再改。")
        else:
            messages.success(request, "目标已保存。")
    else:
        messages.error(request, "目标没有保存，请检查后再填。")
    return redirect("plan", row.pk)


@requires(Action.SUBMIT_PLAN)
@require_POST
def plan_submit(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand a plan in; what stands in the way is said beside what it is about."""
    row = plan_or_404(request, pk)
    allowed(may_submit(request.user, row))
    try:
        done = plans.submit(by=account_of(request), plan=row, now=clock.now())
    except BlockedError as error:
        return page(request, plan_or_404(request, pk), errors=error.blockers)
    except (RefusedError, IllegalMoveError) as error:
        return page(request, plan_or_404(request, pk), errors=[str(error)])
    receipt = done.receipts.first()
    said = f"回执号 {receipt.number}{'，逾期' if receipt.late else ''}。" if receipt else ""
    messages.success(request, f"方案已提交，由{superior_name(row)}逐项审批。{said}")
    return redirect("plan-receipt", receipt.pk) if receipt else redirect("plan", row.pk)


@requires(Action.SUBMIT_PLAN)
@require_POST
def plan_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a plan back that nobody decided yet."""
    row = plan_or_404(request, pk)
    allowed(may_submit(request.user, row))
    try:
        plans.withdraw(by=account_of(request), plan=row, now=clock.now())
    except (RefusedError, IllegalMoveError, BlockedError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "方案已撤回，可以修改后再提交。")
    return redirect("plan", row.pk)


@requires(Action.VIEW_RECTIFICATION)
@require_safe
def plan_receipt(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a receipt to print."""
    rows = PlanReceipt.objects.select_related("plan__round__campaign", "plan__unit__parent", "filed_by__person")
    row = get_or_404(rows, request.scope, pk=pk)  # type: ignore[attr-defined]
    context = {
        "receipt": row, "plan": row.plan, "round": row.plan.round, "newest": row.plan.receipts.first() == row,
        "due_on": plan_due_on(row.plan.round),
    }  # fmt: skip
    return render(request, "rectification/receipt.html", context)
