"""Drawing up one item: the form, with what is known filled in, drafts while typing, and the next item to complete."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from branches import clock, drafts
from branches.permissions import Action, account_of, requires
from branches.transitions import BlockedError, IllegalMoveError
from branches.versions import ConflictError
from grading.services.errors import RefusedError
from grading.views.shared import conflict, posted_version
from rectification import offers
from rectification.forms.items import ItemForm
from rectification.models import Item, Plan
from rectification.permissions import may_edit, may_submit
from rectification.services import checks, items
from rectification.services.settings import rules_of
from rectification.views import prefill
from rectification.views.plans import hints_of
from rectification.views.shared import allowed, item_or_404, plan_or_404, refusal, superior_name

FORM = "rectification-item"
TEXTS = ("problem", "goal", "task", "measures", "leader", "owner_name", "term_reason")
FIELDS = (*TEXTS, "source", "source_key", "dimension", "category", "due_on", "term", "review_on", "files_required")


def _initial(item: Item) -> dict[str, Any]:
    days = ", ".join(f"{row.due_on:%Y-%m-%d}" for row in item.checkpoints.all() if row.done_on is None)
    held = {name: getattr(item, name) for name in FIELDS if name not in ("dimension", "category")}
    ids = {"dimension": item.dimension_id, "category": item.category_id}
    return held | ids | {"checkpoints": days, "version": item.version}


def _next(plan: Plan, item: Item | None) -> Item | None:
    """Return another item that still lacks something: the first after this one, else the first of all."""
    rules, now = rules_of(plan.campaign), clock.now()
    rows = [row for row in plan.items.prefetch_related("checkpoints") if row.editable]
    for row in rows:
        row.plan = plan
    left = [row for row in rows if (item is None or row.pk != item.pk) and checks.gaps_of(row, rules, now)]
    after = (row for row in left if item is None or row.ordinal > item.ordinal)
    return next(after, left[0] if left else None)


def _page(request: HttpRequest, plan: Plan, item: Item | None, form: ItemForm) -> HttpResponse:
    rules = rules_of(plan.campaign)
    key = str(item.pk) if item else f"plan-{plan.pk}"
    account = account_of(request)
    measures = item.measures if item else ""
    context = {
        "plan": plan, "item": item, "form": form, "draft_key": key, "rules": rules,
        "draft": None if form.is_bound else drafts.load(account=account, form=FORM, key=key),
        "version": item.version if item else 0,
        "fill_ins": [text for text in offers.measures_of(plan.unit) if text not in measures],
        "hints": hints_of(measures, item, rules) if item else [],
        "next_item": _next(plan, item),
        "people": prefill.people_of(plan),
    }  # fmt: skip
    return render(request, "rectification/item_form.html", context, status=422 if form.is_bound else 200)


@requires(Action.DRAW_UP_PLAN)
@require_http_methods(["GET", "POST"])
def item_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Write an item of one's own; ?from=<key> begins with something that is known."""
    plan = plan_or_404(request, pk)
    allowed(may_edit(request.user, plan))
    if request.method == "POST":
        return _save(request, plan, None)
    values = prefill.defaults(plan) | {"version": 0, "source": Item.Source.OTHER, "term": Item.Term.NORMAL}
    key = request.GET.get("from", "")
    if key and (offer := offers.known_of(plan.unit, plan.branch_id).offer(key)):
        values |= prefill.of_offer(plan, offer)
    return _page(request, plan, None, ItemForm(initial=values, campaign_id=plan.campaign_id))


@requires(Action.DRAW_UP_PLAN)
@require_http_methods(["GET", "POST"])
def item_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change an item that is not handed in, or was returned."""
    item = item_or_404(request, pk, clock.now())
    allowed(may_edit(request.user, item.plan))
    if not item.editable:
        messages.error(request, f"这一项{item.get_state_display()}，要改请在下面申请变更。")
        return redirect("item", item.pk)
    if request.method == "POST":
        return _save(request, item.plan, item)
    return _page(request, item.plan, item, ItemForm(initial=_initial(item), campaign_id=item.plan.campaign_id))


def _save(request: HttpRequest, plan: Plan, item: Item | None) -> HttpResponse:
    account, now = account_of(request), clock.now()
    form = ItemForm(request.POST, campaign_id=plan.campaign_id)
    if not form.is_valid():
        return _page(request, plan, item, form)
    values = {name: form.cleaned_data[name] for name in FIELDS}
    if item is not None:
        values = {name: value for name, value in values.items() if name not in ("source", "source_key")}
    try:
        saved = items.save_item(
            by=account, plan=plan, item=item, version=posted_version(request), values=values,
            checkpoints=form.cleaned_data["checkpoints"], now=now,
        )  # fmt: skip
    except RefusedError as error:
        refusal(form, error)
        return _page(request, plan, item, form)
    except ConflictError as error:
        return _conflict(request, form, error)
    drafts.drop(account=account, form=FORM, key=str(item.pk) if item else f"plan-{plan.pk}")
    messages.success(request, f"第 {saved.ordinal} 项已保存。")
    following = _next(plan, saved) if request.POST.get("do") == "next" else None
    if following is not None:
        return redirect("item-edit", following.pk)
    return redirect(f"{reverse('plan', args=[plan.pk])}#item-{saved.pk}")


def _conflict(request: HttpRequest, form: ItemForm, error: ConflictError) -> HttpResponse:
    """Show both texts, field by field."""
    stored: Any = error.current
    labels = {name: str(form.fields[name].label) for name in TEXTS}
    rows = [(label, form.cleaned_data[name], getattr(stored, name)) for name, label in labels.items()]
    rows.append(("完成时限", str(form.cleaned_data["due_on"] or ""), str(stored.due_on or "")))
    return conflict(request, thing=stored, rows=rows, version=stored.version, title=f"第 {stored.ordinal} 项")


@requires(Action.DRAW_UP_PLAN)
@require_POST
def item_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an item out of a plan that is not handed in."""
    item = item_or_404(request, pk, clock.now())
    allowed(may_edit(request.user, item.plan))
    try:
        items.remove_item(by=account_of(request), item=item, now=clock.now())
    except (RefusedError, IllegalMoveError, BlockedError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "已从方案里去掉。")
    return redirect("plan", item.plan_id)


@requires(Action.DRAW_UP_PLAN)
@require_POST
def item_escalate(request: HttpRequest, pk: int) -> HttpResponse:
    """提请上级解决 while an item is drawn up; an empty reason takes it back."""
    item = item_or_404(request, pk, clock.now())
    allowed(may_edit(request.user, item.plan))
    try:
        reason = request.POST.get("reason", "")[:300]
        saved = items.escalate(by=account_of(request), item=item, reason=reason, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        said = "上级同意后由上级负责解决。" if saved.escalated_to_id else "这一项仍由本支部负责。"
        messages.success(request, said)
    return redirect("item-edit" if item.editable else "item", item.pk)


@requires(Action.SUBMIT_PLAN)
@require_POST
def item_submit(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand in an item that was added to an approved plan."""
    item = item_or_404(request, pk, clock.now())
    allowed(may_submit(request.user, item.plan))
    try:
        items.submit_item(by=account_of(request), item=item, now=clock.now())
    except (RefusedError, IllegalMoveError, BlockedError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"已提交，由{superior_name(item.plan)}审批。")
    return redirect("item", item.pk)
