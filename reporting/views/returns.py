"""Signed paper of a round: the list of what came back, what the round asks for, and a summary for its board."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from branches.listing import render_list
from branches.permissions import Action, account_of, can, enforce, get_or_404, requires
from branches.scopes import Scope
from grading.models import Round, RoundReturn, form_names
from grading.services import rounds
from grading.services.errors import RefusedError
from reporting.lists import page_for, return_rows
from reporting.making.kinds import named
from reporting.paper import returns

Level = RoundReturn.Level
# What the office may ask for: word in the form → forms and who returns them.
OPTIONS: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
    "none": ("不要求交回盖章件", ()),
    "annex5": ("只要各党总支盖章的{annex5}", (("annex5", Level.GENERAL_BRANCH),)),
    "annex4": (
        "要各党总支的{annex5}，另要各支部的{annex4}",
        (("annex5", Level.GENERAL_BRANCH), ("annex4", Level.BRANCH)),
    ),
}


def _round(request: HttpRequest, pk: int) -> Round:
    rows = Round.objects.select_related("campaign__root", "scale").prefetch_related("returns")
    return get_or_404(rows, request.scope, pk=pk)  # type: ignore[attr-defined]


def _options(round_: Round) -> dict[str, str]:
    """Return the options in words, each form called as the round's notice calls it."""
    names = {kind: name.short for kind, name in form_names(round_).items()}
    return {key: words.format(**names) for key, (words, _) in OPTIONS.items()}


def _chosen(rules: list[RoundReturn]) -> str:
    """Return the option a round stands at; "" when its preset asks for something else."""
    asked = tuple((rule.kind, rule.level) for rule in rules)
    return next((key for key, (_, forms) in OPTIONS.items() if forms == asked), "")


@require_http_methods(["GET", "POST"])
@requires(Action.EXPORT)
def index(request: HttpRequest, pk: int) -> HttpResponse:
    """List the units that owe a signed form of a round: returned, missing, or no longer agreeing with the data."""
    reach: Scope = request.scope  # type: ignore[attr-defined]
    round_ = _round(request, pk)
    rules = list(round_.returns.all())
    rule = next((one for one in rules if one.kind == request.GET.get("kind")), rules[0] if rules else None)
    may_manage = bool(can(request.user, Action.MANAGE_ROUND, round_))
    context: dict[str, Any] = {
        "round": round_, "rules": rules, "rule": rule, "may_manage": may_manage,
        "options": list(_options(round_).items()), "option": _chosen(rules),
    }  # fmt: skip
    if rule is None:
        return render(request, "reporting/returns_none.html", context)
    rule.round = round_
    found = returns.returned(rule, returns.units_asked(rule, reach))
    context["facts"] = [str(rule), returns.in_words(returns.counts(found)) or "没有要交回的单位"]
    rows, template = return_rows(rule, found), "reporting/returns.html"
    return render_list(request, page_for(rule), rows, template=template, context=context)


@require_POST
@requires(Action.MANAGE_ROUND)
def set_rules(request: HttpRequest, pk: int) -> HttpResponse:
    """Change which forms of a round come back stamped."""
    round_ = _round(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    chosen = OPTIONS.get(request.POST.get("option", ""))
    if chosen is None:
        raise Http404
    typed = request.POST.get("version", "")
    kinds = named(round_)
    wanted = [rounds.ReturnRule(kind, level, kinds[kind].label) for kind, level in chosen[1]]
    version = int(typed) if typed.isdecimal() else 0
    try:
        rounds.set_returns(by=account_of(request), round_=round_, version=version, returns=wanted)
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{round_.name}：{_options(round_)[request.POST['option']]}。")
    return redirect("returns", round_.pk)


@require_GET
@requires(Action.EXPORT)
def board(request: HttpRequest, pk: int) -> HttpResponse:
    """Return how far the signed paper of a round is, for the round's page, which fetches it when it is seen."""
    reach: Scope = request.scope  # type: ignore[attr-defined]
    round_ = _round(request, pk)
    rows = []
    for rule in round_.returns.all():
        rule.round = round_
        found = returns.returned(rule, returns.units_asked(rule, reach))
        rows.append((rule, returns.counts(found), len(found), returns.in_words(returns.counts(found))))
    return render(request, "reporting/_returns_board.html", {"round": round_, "rows": rows})
