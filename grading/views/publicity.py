"""公示: preparing it, putting it up, and the page everybody may read."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from branches import clock
from branches.networks import on_campus
from branches.permissions import Action, account_of, can, enforce, public, requires
from branches.registries import blockers
from branches.versions import ConflictError
from grading.forms.publicity import PlanForm
from grading.models import Objection, PublicityNotice, Round, RoundStep
from grading.permissions import may_confirm
from grading.services import publicity
from grading.services.errors import RefusedError
from grading.views.shared import conflict, round_or_404


@requires(Action.VIEW_GRADING)
@require_safe
def publicity_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the notice of a round: what it will say and its settings, or the one that is up, and earlier ones."""
    return _page(request, round_or_404(request, pk))


def _page(request: HttpRequest, round_: Round, form: PlanForm | None = None) -> HttpResponse:
    now = clock.now()
    may_manage = bool(can(request.user, Action.MANAGE_ROUND, round_))
    notices = list(round_.notices.select_related("started_by__person").prefetch_related("lines"))
    shown = next((one for one in notices if one.state == PublicityNotice.State.SHOWN), None)
    pending = round_.state in (Round.State.PREPARING, Round.State.SELF, Round.State.SCORING, Round.State.DECIDING)
    uses = round_.steps.filter(code=RoundStep.Code.PUBLICITY).exists() and not round_.campaign.backfill
    plan = publicity.plan_of(round_)
    if form is None and pending and may_manage:
        form = PlanForm(round_=round_, plan=plan, shown=publicity.shown_grades(round_))
    sheet: Any = shown or (publicity.preview(round_, now) if pending and may_manage and uses else None)
    context = {
        "round": round_,
        "uses": uses,
        "form": form,
        "sheet": sheet,
        "notice": shown,
        "lines": shown.lines.all() if shown else sheet.lines if sheet else (),
        "unknown": shown.uncertain_years if shown else sheet.span.unknown_years if sheet else (),
        "running": shown is not None and publicity.is_running(shown, now),
        "earlier": [one for one in notices if one is not shown],
        "may_manage": may_manage,
        "may_start": may_manage and round_.state == Round.State.DECIDING,
        "blockers": blockers(round_, Round.State.PUBLICITY, now) if may_manage and pending else (),
        "contacts": bool(sheet and (sheet.phone or sheet.email or sheet.address)),
        "counts": _counts(request, round_),
        "objection_counts": bool(can(request.user, Action.ANSWER_OBJECTION, round_)),
        "address": request.build_absolute_uri(reverse("notice", args=[shown.slug])) if shown else "",
        "campus_only": bool(settings.CAMPUS_NETWORKS),
    }
    bound = form is not None and form.is_bound
    return render(request, "grading/publicity.html", context, status=422 if bound else 200)


def card(request: HttpRequest, round_: Round) -> dict[str, Any]:
    """Return what the round page says about review, confirmation, 公示 and objections."""
    codes = set(round_.steps.values_list("code", flat=True))
    notice = round_.notices.filter(state=PublicityNotice.State.SHOWN).first()
    answers = bool(can(request.user, Action.ANSWER_OBJECTION, round_))
    waiting = Objection.objects.open().filter(notice__round=round_) if answers else Objection.objects.none()
    return {
        "uses": RoundStep.Code.PUBLICITY in codes and not round_.campaign.backfill,
        "confirms": RoundStep.Code.CONFIRM in codes,
        "notice": notice,
        "running": notice is not None and publicity.is_running(notice, clock.now()),
        "answers": answers,
        "open": waiting.count(),
        "reviews": round_.state != Round.State.PREPARING and _reviews(request),
    }


def _reviews(request: HttpRequest) -> bool:
    """Tell whether somebody looks over many branches: those who propose or decide, and whoever sees the school."""
    above = bool(can(request.user, Action.PROPOSE_GRADE)) or bool(may_confirm(request.user))
    return above or bool(request.scope.everything)  # type: ignore[attr-defined]


def _counts(request: HttpRequest, round_: Round) -> dict[str, int] | None:
    """Return how many objections there are and wait, for those who see the whole school."""
    if not request.scope.everything:  # type: ignore[attr-defined]
        return None
    rows = Objection.objects.filter(notice__round=round_)
    upheld = rows.filter(outcome=Objection.Outcome.UPHELD).count()
    return {"all": rows.count(), "open": rows.open().count(), "upheld": upheld}


@requires(Action.MANAGE_ROUND)
@require_POST
def publicity_plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Save what the next notice says."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    plan, shown = publicity.plan_of(round_), publicity.shown_grades(round_)
    form = PlanForm(request.POST, round_=round_, plan=plan, shown=shown)
    if not form.is_valid():
        return _page(request, round_, form)
    try:
        publicity.save_plan(
            by=account_of(request), round_=round_, version=form.cleaned_data["version"], plan=form.plan()
        )
    except RefusedError as error:
        for sentence in error.sentences:
            form.add_error(None, sentence)
        return _page(request, round_, form)
    except ConflictError:
        return _both_plans(request, round_, form)
    messages.success(request, "公示内容已保存，下面是公示时的样子。")
    return redirect("publicity", round_.pk)


def _both_plans(request: HttpRequest, round_: Round, mine: PlanForm) -> HttpResponse:
    """Answer 409 with what was typed beside what a colleague saved."""
    round_.refresh_from_db()
    plan, shown = publicity.plan_of(round_), publicity.shown_grades(round_)
    theirs = PlanForm(round_=round_, plan=plan, shown=shown)
    rows = [
        (
            str(field.label),
            _plan_words(mine, name, mine.cleaned_data[name]),
            _plan_words(theirs, name, theirs[name].value()),
        )
        for name, field in mine.fields.items()
        if name != "version"
    ]
    back = reverse("publicity", args=[round_.pk])
    return conflict(request, thing=round_, rows=rows, version=plan.version, title="公示内容", back=back)


def _plan_words(form: PlanForm, name: str, value: Any) -> str:
    """Say one answer of the plan in words: grades by their names, a tick as 是 or 否."""
    if name == "grades":
        names = dict(form.fields["grades"].choices)  # type: ignore[attr-defined]
        return "、".join(str(names.get(code, code)) for code in value)
    return ("是" if value else "否") if isinstance(value, bool) else str(value)


@public
@require_safe
def notice(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a notice to everybody (or to the campus only) while it is up; afterwards say that it is over."""
    row = get_object_or_404(PublicityNotice.objects.select_related("round__campaign"), slug=slug)
    if not _may_look(request):
        return render(request, "grading/campus_only.html", status=403)
    running = publicity.is_running(row, clock.now())
    context = {"notice": row, "sheet": row, "lines": row.lines.all() if running else (), "running": running}
    context["may_object"] = running and bool(can(request.user, Action.FILE_OBJECTION))
    return render(request, "grading/notice.html", context, status=200 if running else 410)


@public
@require_safe
def notices(request: HttpRequest) -> HttpResponse:
    """List the notices that are up, for everybody (or for the campus only)."""
    if not _may_look(request):
        return render(request, "grading/campus_only.html", status=403)
    now = clock.now()
    rows = PublicityNotice.objects.shown().filter(started_at__lte=now, ends_at__gt=now).order_by("-started_at")
    return render(request, "grading/notices.html", {"notices": rows})


def _may_look(request: HttpRequest) -> bool:
    """Tell whether a visitor may read notices: anybody from the campus, and whoever is signed in."""
    return request.user.is_authenticated or on_campus(request)
