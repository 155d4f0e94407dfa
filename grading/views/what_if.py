"""What-if: the office moves weights, lines and caps, and sees at once which grades change. Nothing is saved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from branches import charts, clock, wording
from branches.permissions import Action, account_of, enforce, requires
from grading import scoring, what_if
from grading.models import Cap, Round
from grading.services import what_if as service
from grading.services.errors import RefusedError
from grading.views.shared import parse_number, posted_version, round_or_404

KEPT_SECONDS = 1800
LIMIT = Decimal(10000)


@dataclass(slots=True)
class Typed:
    """What the form says: the changes, and sentences about what is no figure."""

    changes: what_if.Changes
    errors: list[str] = field(default_factory=list)


def _key(request: HttpRequest, round_: Round) -> str:
    return f"what-if:{account_of(request).pk}:{round_.pk}:{round_.version}"


def _snapshot(request: HttpRequest, round_: Round, *, fresh: bool = False) -> service.Snapshot:
    """Return the round as read for this account before, or read it now; kept in this process's memory only."""
    key = _key(request, round_)
    found: service.Snapshot | None = None if fresh else cache.get(key)
    if found is None:
        found = service.read(round_, clock.now())
        cache.set(key, found, KEPT_SECONDS)
    return found


def _number(post: Mapping[str, Any], name: str, label: str, errors: list[str], present: Decimal) -> Decimal:
    """Return a typed figure; the present one with a sentence when it is none."""
    try:
        value = parse_number(post.get(name, ""))
    except ValueError:
        errors.append(f"{label}“{post.get(name, '')}”不是数字。")
        return present
    if value is None or not 0 <= value <= LIMIT or value != round(value, 2):
        errors.append(f"{label}请填 0 以上的数，最多两位小数。")
        return present
    return value


def _typed(post: Mapping[str, Any], rules: scoring.RoundRules) -> Typed:
    """Read the form against the round's present rules."""
    errors: list[str] = []
    weights = {
        one.code: _number(post, f"weight-{one.code}", f"{one.name}的权重", errors, one.weight) for one in rules.sources
    }
    lines = {
        cut.grade: _number(post, f"line-{cut.grade}", f"{rules.grade(cut.grade).label}的分数线", errors, cut.minimum)
        for cut in rules.cut_offs
    }
    caps = {}
    for place, cap in enumerate(rules.caps):
        value = _number(post, f"cap-{place}", f"{rules.grade(cap.grade).label}的名额", errors, cap.value)
        mode = post.get(f"mode-{place}", cap.mode)
        known = scoring.CapMode(mode) if mode in set(scoring.CapMode) else cap.mode
        caps[place] = what_if.CapChange(value, known)
    return Typed(what_if.Changes(weights, lines, caps), errors)


def _shares(snapshot: service.Snapshot, distribution: tuple[tuple[str, int], ...]) -> list[charts.Share]:
    steps = len(snapshot.situation.rules.grades)
    found = [(service.grade_of(snapshot, code), number) for code, number in distribution]
    return [charts.Share(grade.label, number, wording.rank_letter(grade.rank, steps)) for grade, number in found]


def _result(snapshot: service.Snapshot, typed: Typed) -> dict[str, Any]:
    """Return what the result part shows: sentences for impossible rules, else the outcome."""
    fatal, doubtful = service.faults(snapshot, typed.changes) if not typed.errors else ([], [])
    context: dict[str, Any] = {"errors": typed.errors + fatal, "doubtful": doubtful, "at": snapshot.at}
    if context["errors"]:
        return context
    outcome = what_if.try_out(snapshot.situation, typed.changes)
    groups = {unit.group: snapshot.names[unit.unit].parent for unit in snapshot.situation.units}
    before, after = (_shares(snapshot, one) for one in (snapshot.situation.distribution, outcome.distribution))
    return context | {
        "moved": sorted(((snapshot.names[one.code], one) for one in outcome.moved), key=lambda row: not row[1].rises),
        "near": [(snapshot.names[one.code], one) for one in outcome.near],
        "risen": sum(one.rises for one in outcome.moved),
        "ungraded": outcome.ungraded,
        "warnings": [(groups.get(group, "全校"), warning) for group, warning in outcome.warnings],
        "before": before,
        "after": after,
        "rows": [
            (old.label, old.count, new.count, new.count - old.count) for old, new in zip(before, after, strict=True)
        ],
        "steps": len(snapshot.situation.rules.grades),
        "changed": what_if.changed(snapshot.situation.rules, typed.changes) != snapshot.situation.rules,
    }


@requires(Action.MANAGE_ROUND)
@require_GET
def what_if_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the form with the round's present values, and what they give."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    snapshot = _snapshot(request, round_, fresh=True)
    return render(request, "grading/what_if.html", _page(round_, snapshot, {}))


def _page(round_: Round, snapshot: service.Snapshot, post: Mapping[str, Any]) -> dict[str, Any]:
    """Return the context of the whole page; what was typed stays."""
    rules = snapshot.situation.rules
    caps = list(zip(round_.caps.select_related("grade"), rules.caps, strict=True))

    def shown(name: str, present: Decimal) -> str:
        return str(post.get(name, scoring.plain(present)))

    weights = [(f"weight-{one.code}", one.name, shown(f"weight-{one.code}", one.weight)) for one in rules.sources]
    lines = [
        (f"line-{cut.grade}", rules.grade(cut.grade).label, shown(f"line-{cut.grade}", cut.minimum))
        for cut in rules.cut_offs
    ]
    limits = [
        {
            "row": row, "value": shown(f"cap-{place}", rule.value), "name": f"cap-{place}",
            "mode_name": f"mode-{place}", "mode": post.get(f"mode-{place}", str(rule.mode)),
        }
        for place, (row, rule) in enumerate(caps)
    ]  # fmt: skip
    return {
        "round": round_,
        "weights": weights,
        "lines": lines,
        "caps": limits,
        "modes": Cap.Mode.choices,
        "units": len(snapshot.names),
        "why_not": service.may_adopt(round_),
        "reason": post.get("reason", ""),
        **_result(snapshot, _typed(post, rules) if post else Typed(what_if.Changes())),
    }


@requires(Action.MANAGE_ROUND)
@require_POST
def what_if_result(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer what the typed values give; without htmx the whole page comes back with them."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    snapshot = _snapshot(request, round_)
    if "HX-Request" not in request.headers:
        return render(request, "grading/what_if.html", _page(round_, snapshot, request.POST))
    context = _result(snapshot, _typed(request.POST, snapshot.situation.rules))
    return render(request, "grading/_what_if_result.html", {"round": round_, **context})


@requires(Action.MANAGE_ROUND)
@require_POST
def what_if_adopt(request: HttpRequest, pk: int) -> HttpResponse:
    """Take the typed rules over with a reason."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    snapshot = _snapshot(request, round_)
    typed = _typed(request.POST, snapshot.situation.rules)
    try:
        if typed.errors:
            raise RefusedError(typed.errors)
        service.adopt_rules(
            by=account_of(request), round_=round_, version=posted_version(request), changes=typed.changes,
            reason=request.POST.get("reason", ""), now=clock.now(),
        )  # fmt: skip
    except RefusedError as error:
        context = _page(round_, snapshot, request.POST) | {"errors": error.sentences}
        return render(request, "grading/what_if.html", context, status=422)
    messages.success(request, "新规则已采用，全部支部已重新测算。")
    return redirect("round", round_.pk)
