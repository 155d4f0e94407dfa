"""One item once its plan is handed in: what happened to it, and every form somebody may use on it now."""

import datetime as dt
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from branches import clock
from branches.forms_base import ZhForm
from branches.permissions import Action, account_of, requires
from branches.transitions import history
from rectification import item_page, plan_page
from rectification.forms.items import (
    FIELDS_OF,
    AnswerForm,
    ChangeForm,
    CheckpointForm,
    CompletionForm,
    ProgressForm,
    RecheckForm,
    RecheckPlanForm,
    VerifyForm,
)
from rectification.models import Change, Item, Plan
from rectification.permissions import (
    acts_for,
    may_decide,
    may_decide_change,
    may_edit,
    may_recheck,
    may_record,
    may_submit,
    may_verify,
)
from rectification.services import owners
from rectification.services.changes import CHANGEABLE, is_paused
from rectification.services.progress import TAKES_PROGRESS
from rectification.services.settings import rules_of
from rectification.services.verification import ON_THE_SPOT
from rectification.views.shared import item_or_404, items, superior_of_item

S = Item.State
SOON_DAYS = 30  # a check-point nearer than this stands open on the page


@requires(Action.VIEW_RECTIFICATION)
@require_safe
def item(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an item."""
    return page(request, item_or_404(request, pk, clock.now()))


def rights(request: HttpRequest, row: Item) -> dict[str, bool]:
    """Return what the visitor may do with an item now."""
    account = account_of(request)
    records, verifies = bool(may_record(account, row)), bool(may_verify(account, row))
    supplement = row.editable and row.plan.state == Plan.State.APPROVED
    verified = row.state == S.VERIFIED
    return {
        "edit": row.editable and bool(may_edit(account, row.plan)),
        "hand_in": supplement and bool(may_submit(account, row.plan)),
        "approve": row.state == S.SUBMITTED and bool(may_decide(account, row.plan)),
        "report": records and row.state in TAKES_PROGRESS,
        "withdraw": records and row.state == S.AWAITING and acts_for(account, row.responsible_id),
        "verify": verifies and row.state in (S.AWAITING, *ON_THE_SPOT),
        "recheck": verified and bool(may_recheck(account, row)),
        "checkpoint": records and row.state in Item.UNDER_WAY,
        "change": records and row.state in CHANGEABLE,
        "who": records,
    }


def kinds_of(row: Item) -> list[str]:
    """Return the kinds of change that make sense now."""
    waiting = set(row.changes.filter(state=Change.State.PROPOSED).values_list("kind", flat=True))
    if Change.Kind.EXTENSION in waiting:
        waiting.add(Change.Kind.DEADLINE)
    waiting.add(Change.Kind.PAUSE if is_paused(row, clock.today()) else Change.Kind.RESUME)
    if row.term != Item.Term.NORMAL:
        waiting.add(Change.Kind.DEADLINE)
    if row.escalated_to_id is not None:
        waiting.add(Change.Kind.ESCALATION)
    return [kind for kind in FIELDS_OF if kind not in waiting]


def _recheck_day(row: Item) -> dt.date | None:
    """Return the day the rules of the campaign propose for a re-check, if they do."""
    days = rules_of(row.plan.campaign).recheck_days if row.state == S.VERIFIED else None
    return clock.today() + dt.timedelta(days=days) if days else None


def _forms(row: Item, given: dict[str, ZhForm]) -> dict[str, ZhForm]:
    """Return a form for everything that may be done; one that was posted comes back as it is."""
    today = clock.today()
    details = {name: getattr(row, name) for name in ("measures", "leader", "owner_name")}
    fresh: dict[str, ZhForm] = {
        "progress_form": ProgressForm(initial={"percent": row.percent}),
        "completion_form": CompletionForm(),
        "verify_form": VerifyForm(initial={"on": today, "on_site": row.state != S.AWAITING}),
        "recheck_form": RecheckForm(initial={"on": today}),
        "recheck_plan_form": RecheckPlanForm(initial={"due_on": _recheck_day(row)}),
        "checkpoint_form": CheckpointForm(initial={"on": today}),
        "change_form": ChangeForm(kinds=kinds_of(row), initial=details),
    }
    return fresh | given


def _pending(request: HttpRequest, row: Item, answer: ZhForm | None) -> list[Any]:
    """Return the changes that wait, each with what the visitor may do about it."""
    account = account_of(request)
    rows: QuerySet[Change] = row.changes.filter(state=Change.State.PROPOSED).select_related("requested_by__person")
    found: list[Any] = []
    for change in rows:
        change.item = row
        shown: Any = item_page.shown(change)
        shown.answerable = bool(may_decide_change(account, change))
        shown.own = bool(may_record(account, row))
        mine = answer is not None and getattr(answer, "change_pk", None) == change.pk
        takes_over = change.kind == Change.Kind.ESCALATION
        shown.form = answer if mine else AnswerForm(takes_over=takes_over, auto_id=f"id_{change.pk}_%s")
        found.append(shown)
    return found


def _unclear(request: HttpRequest, row: Item) -> list[owners.Unclear]:
    """Return the names the visitor may say more of: never the own one."""
    own = account_of(request).get_full_name()
    return [one for one in owners.unclear(row) if one.name != own]


def _followed(request: HttpRequest, row: Item) -> dict[str, Any]:
    """Return the item this one was handed on to, and the one it goes on from; out of reach they are not linked."""
    near = Q(pk=row.transferred_to_id) | Q(transferred_to=row.pk)
    found = list(Item.objects.filter(near).select_related("plan__round__campaign"))
    reached = set(items(clock.now()).filter(near).within(request.scope).values_list("pk", flat=True))  # type: ignore[attr-defined]
    ends: dict[str, Any] = {"went_to": None, "came_from": None}
    for one in found:
        key = "went_to" if one.pk == row.transferred_to_id else "came_from"
        ends[key] = {"item": one, "linked": one.pk in reached}
    return ends


def page(request: HttpRequest, row: Item, *, answer: ZhForm | None = None, **given: ZhForm) -> HttpResponse:
    """Draw the page of an item; forms that were posted and refused are drawn as they came."""
    may = rights(request, row)
    kind, word = plan_page.badge(row)
    reopened = history(row).filter(to_state=S.REOPENED).first() if row.state == S.REOPENED else None
    why = may_verify(account_of(request), row)
    concerned = row.state == S.AWAITING and bool(may_decide(request.user, row.plan))
    context: dict[str, Any] = {
        "item": row, "plan": row.plan, "may": may, "kind": kind, "word": word,
        "day": (row.counts_on or row.due_on) if plan_page.waits_for_day(row) else None,
        "late": plan_page.is_late(row),
        "acts": acts_for(request.user, row.responsible_id),
        "soon": clock.today() + dt.timedelta(days=SOON_DAYS),
        "lines": item_page.lines(row),
        "files": row.files.filter(removed_at__isnull=True),
        "pending": _pending(request, row, answer),
        "recheck": row.rechecks.filter(done_on__isnull=True).first(),
        "checkpoint": row.checkpoints.filter(done_on__isnull=True).first(),
        "reopened_because": reopened.reason if reopened else "",
        "why_not_verify": "" if why or not concerned else why.reason,
        "superior": superior_of_item(row),
        "taken_by": row.escalated_to.name_on(clock.today()) if row.escalated_to else "",
        "paused": row.state not in Item.FINISHED and is_paused(row, clock.today()),
        "unclear": _unclear(request, row) if may["who"] else [],
        **_followed(request, row),
    }  # fmt: skip
    refused = answer is not None or bool(given)
    context |= _forms(row, given)
    return render(request, "rectification/item.html", context, status=422 if refused else 200)
