"""The words of talks: channels, topics, focus groups, categories of problems. What is in use retires, never goes."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from branches.models import Campaign
from branches.permissions import Action, account_of, can, requires
from branches.versions import ConflictError
from interviews.forms.words import WordForm
from interviews.services import words
from interviews.services.errors import RefusedError
from interviews.services.planning import is_set_up
from interviews.services.words import KINDS, Kind
from interviews.views.planning import CHANGED, campaign_or_404
from interviews.views.shared import posted, refusal
from interviews.views.visit_rules import managed_or_404


@require_safe
@requires(Action.VIEW_COVERAGE)
def word_list(request: HttpRequest, campaign: int) -> HttpResponse:
    """Show all words of a campaign in their order."""
    chosen = campaign_or_404(request, campaign)
    context = {
        "campaign": chosen, "set_up": is_set_up(chosen),
        "manages": bool(can(request.user, Action.MANAGE_INTERVIEWS, chosen)),
        "periods": chosen.report_periods.all(),
        "kinds": [(kind, words.rows_of(kind, chosen)) for kind in KINDS.values()],
    }  # fmt: skip
    return render(request, "interviews/words.html", context)


def _kind(sort: str) -> Kind:
    if sort not in KINDS:
        raise Http404
    return KINDS[sort]


def _found(request: HttpRequest, campaign: int, sort: str, pk: int) -> tuple[Campaign, Kind, Any]:
    chosen, kind = managed_or_404(request, campaign), _kind(sort)
    return chosen, kind, get_object_or_404(kind.model, campaign=chosen, pk=pk)


@requires(Action.MANAGE_INTERVIEWS)
@require_http_methods(["GET", "POST"])
def word_new(request: HttpRequest, campaign: int, sort: str) -> HttpResponse:
    """Add a word."""
    return _edit(request, managed_or_404(request, campaign), _kind(sort), None)


@requires(Action.MANAGE_INTERVIEWS)
@require_http_methods(["GET", "POST"])
def word_edit(request: HttpRequest, campaign: int, sort: str, pk: int) -> HttpResponse:
    """Change a word, or retire it."""
    return _edit(request, *_found(request, campaign, sort, pk))


def _edit(request: HttpRequest, campaign: Campaign, kind: Kind, row: Any | None) -> HttpResponse:
    initial = {name: getattr(row, name) for name in ("name", "active", "version", *kind.marks)} if row else {}
    if "words" in initial:
        initial["words"] = "、".join(initial["words"])
    form = WordForm(posted(request), sort=kind, row=row, initial=initial)
    if form.is_bound and form.is_valid() and _saved(request, form, campaign, row):
        messages.success(request, f"{kind.title}“{form.cleaned_data['name']}”已保存。")
        return redirect(_back(campaign, kind))
    used = row is not None and words.in_use(kind, row)
    context = {"campaign": campaign, "sort": kind, "row": row, "form": form, "used": used}
    return render(request, "interviews/word.html", context, status=422 if form.is_bound else 200)


def _saved(request: HttpRequest, form: WordForm, campaign: Campaign, row: Any | None) -> bool:
    try:
        words.save_word(
            by=account_of(request), campaign=campaign, kind=form.sort, row=row,
            version=form.cleaned_data["version"], values=form.values(),
        )  # fmt: skip
    except RefusedError as error:
        refusal(form, error)
        return False
    except ConflictError:
        form.add_error(None, CHANGED)
        return False
    return True


def _back(campaign: Campaign, kind: Kind) -> str:
    return reverse("visit-words", args=[campaign.pk]) + f"#h-{kind.key}"


@require_POST
@requires(Action.MANAGE_INTERVIEWS)
def word_move(request: HttpRequest, campaign: int, sort: str, pk: int) -> HttpResponse:
    """Put a word one place up or down."""
    chosen, kind, row = _found(request, campaign, sort, pk)
    words.move_word(by=account_of(request), campaign=chosen, kind=kind, row=row, up="up" in request.POST)
    return redirect(_back(chosen, kind))


@require_POST
@requires(Action.MANAGE_INTERVIEWS)
def word_remove(request: HttpRequest, campaign: int, sort: str, pk: int) -> HttpResponse:
    """Delete a word nothing refers to."""
    chosen, kind, row = _found(request, campaign, sort, pk)
    try:
        words.remove_word(by=account_of(request), campaign=chosen, kind=kind, row=row)
        messages.success(request, f"已删除{kind.title}“{row.name}”。")
    except RefusedError as error:
        messages.error(request, str(error))
    return redirect(_back(chosen, kind))
