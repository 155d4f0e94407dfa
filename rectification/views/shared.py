"""What several pages of rectification need: finding a plan or an item, putting refusals beside their fields."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from branches.forms_base import ZhForm
from branches.models import Branch
from branches.permissions import Allowed, Denied, get_or_404
from grading.models import Round
from grading.services.errors import RefusedError
from rectification.models import DIRECT, Item, Plan
from rectification.permissions import rounds_within


def plans() -> QuerySet[Plan]:
    """Return plans with what their pages need."""
    return Plan.objects.select_related("campaign__root", "round__scale", "branch", "unit__parent", "under", "target")


def round_or_404(request: HttpRequest, pk: int) -> Round:
    """Return a round the request's scope reaches, by the plan of a branch set up later too; 404 otherwise."""
    rows = rounds_within(request.scope).select_related("campaign__root", "scale")  # type: ignore[attr-defined]
    return get_object_or_404(rows, pk=pk)


def plan_or_404(request: HttpRequest, pk: int) -> Plan:
    """Return a plan the request's scope reaches; 404 otherwise."""
    return get_or_404(plans(), request.scope, pk=pk)  # type: ignore[attr-defined]


def items(now: Any) -> QuerySet[Item]:
    """Return items with what their pages need, each with its `status`."""
    rows = Item.objects.status(now).select_related(
        "plan__campaign__root", "plan__round__scale", "plan__branch", "plan__unit__parent", "plan__under", "category",
        "dimension", "escalated_to", "requested_by__person",
    )  # fmt: skip
    return rows.prefetch_related("checkpoints")


def item_or_404(request: HttpRequest, pk: int, now: Any) -> Item:
    """Return an item the request's scope reaches; 404 otherwise."""
    return get_or_404(items(now), request.scope, pk=pk)  # type: ignore[attr-defined, type-var]


def superior_name(plan: Plan) -> str:
    """Return who consents to a plan, in words: the 党总支, or the 党委 for what stands directly below it."""
    if plan.branch.level == Branch.Level.BRANCH and plan.group_key not in ("", DIRECT):
        return plan.group_name
    return "活动办公室"


def superior_of_item(item: Item) -> str:
    """Return who consents to and verifies an item, in words: the level above whoever answers for it now."""
    return superior_name(item.plan) if item.responsible_id == item.plan.branch_id else "活动办公室"


def refusal(form: ZhForm, error: RefusedError) -> None:
    """Put a service's sentences to the fields they belong to, the others to the form as a whole."""
    said = set()
    for name, sentence in error.fields.items():
        if name in form.fields:
            form.add_error(name, sentence)
            said.add(sentence)
    for sentence in error.sentences:
        if sentence not in said and not said:
            form.add_error(None, sentence)


def allowed(answer: Allowed | Denied) -> None:
    """Raise Http404 when a thing must stay hidden, PermissionDenied with the reason when it is seen but barred."""
    if answer:
        return
    if isinstance(answer, Denied) and answer.hidden:
        raise Http404
    raise PermissionDenied(answer.reason)
