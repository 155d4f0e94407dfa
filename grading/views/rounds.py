"""Rounds: the list, one round's board, moving it on, deadlines, finalising."""

import datetime as dt
from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from branches import charts, clock, wording
from branches.models import TransitionLog
from branches.permissions import Action, account_of, can, enforce, requires
from branches.transitions import BlockedError, Decision, IllegalMoveError, history, moves
from grading import board
from grading.models import Grade, Round, RoundStep, RoundUnit, Source
from grading.services import results, rounds
from grading.services.errors import RefusedError
from grading.views import ballots, corrections, publicity
from grading.views.grid import decides_here
from grading.views.shared import posted_version, round_or_404


@requires(Action.VIEW_GRADING)
@require_GET
def round_list(request: HttpRequest) -> HttpResponse:
    """List the rounds in reach, newest campaign first."""
    found = Round.objects.within(request.scope).select_related("campaign", "scale")  # type: ignore[attr-defined]
    rows = found.order_by("-campaign__year", "-campaign_id", "ordinal")
    context = {"rounds": rows, "may_manage": bool(can(request.user, Action.MANAGE_CAMPAIGN))}
    return render(request, "grading/rounds.html", context)


@requires(Action.VIEW_GRADING)
@require_GET
def round_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how far a round is; a single branch goes straight to its own page."""
    round_ = round_or_404(request, pk)
    units = list(RoundUnit.objects.filter(round=round_).within(request.scope).select_related("category"))  # type: ignore[attr-defined]
    if len(units) == 1:
        return redirect("unit", units[0].pk)
    page = board.build(round_, units, now=clock.now())
    sources = list(round_.sources.all())
    letters = {grade.pk: wording.rank_letter(grade.rank, len(page.grades)) for grade in page.grades}

    def shares(line: board.GroupLine) -> list[charts.Share]:
        return [charts.Share(g.label, n, letters[g.pk]) for g, n in line.shares(page.grades)]

    may_manage = bool(can(request.user, Action.MANAGE_ROUND, round_))
    context = {
        "round": round_,
        "board": page,
        "lines": [(line, shares(line)) for line in page.lines],
        "total_shares": shares(page.total),
        "may_manage": may_manage,
        "may_grade": bool(can(request.user, Action.PROPOSE_GRADE)),
        "may_record": bool(can(request.user, Action.RECORD_SOURCES)),
        "may_guide": bool(can(request.user, Action.DRAFT_GUIDANCE)),
        "has_branches": bool(units) or round_.state == Round.State.PREPARING,
        "may_export": bool(can(request.user, Action.EXPORT)),
        "moves": moves(round_) if may_manage else (),
        "roster_day": rounds.freeze_day(round_, clock.today()) if round_.state == Round.State.PREPARING else None,
        "today": clock.today(),
        "steps": round_.steps.all(),
        "own": _source(sources, Source.SELF),
        "superior": _source(sources, Source.SUPERIOR),
        "inspection": _source(sources, Source.SPOT_CHECK) if page.total.drawn else None,
        "spot": round_.has_source(Source.SPOT_CHECK) or round_.has_step(RoundStep.Code.SPOT_CHECK),
        "deciding": decides_here(round_, "") and (round_.proposes or round_.state == Round.State.DECIDING),
        "grade_lines": _grade_lines(round_, page.grades),
        "history": _history(round_),
        "frozen": corrections.card(request, round_),
        "publicity": publicity.card(request, round_),
        "ballots": ballots.card(request, round_),
    }
    return render(request, "grading/round.html", context)


def _source(sources: Sequence[Source], code: str) -> Source | None:
    return next((one for one in sources if one.code == code), None)


def _grade_lines(round_: Round, grades: Sequence[Grade]) -> list[tuple[str, str]]:
    """Return every grade of the scale with its line in words, the last one with what stays below all lines."""
    minimums = {cut.grade_id: cut.minimum for cut in round_.cut_offs.all()}
    lowest = min(minimums.values(), default=None)
    lines = []
    for grade in grades:
        minimum = minimums.get(grade.pk)
        if minimum is not None:
            lines.append((grade.label, f"{wording.points(minimum)} 分以上"))
        elif lowest is not None:
            lines.append((grade.label, f"不到 {wording.points(lowest)} 分"))
    return lines


def _history(round_: Round) -> list[TransitionLog]:
    """Return the newest moves, each with its states in words."""
    labels = dict(Round.State.choices)
    rows = list(history(round_)[:8])
    for row in rows:
        row.words = f"{labels.get(row.from_state, row.from_state)} → {labels.get(row.to_state, row.to_state)}"  # type: ignore[attr-defined]
    return rows


@requires(Action.MANAGE_ROUND)
@require_POST
def move(request: HttpRequest, pk: int) -> HttpResponse:
    """Move a round on (or back with a reason); opening freezes its branches, finalising freezes its results."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    account, now = account_of(request), clock.now()
    to, reason = request.POST.get("to", ""), request.POST.get("reason", "")
    try:
        if round_.state == Round.State.PREPARING and to == Round.State.SELF:
            rounds.open_round(by=account, round_=round_, now=now)
        elif to == Round.State.FINAL:
            rounds.finalise(by=account, round_=round_, now=now, decision=_decision(request))
        else:
            rounds.move_round(by=account, round_=round_, to=to, now=now, reason=reason)
            if to == Round.State.DECIDING:
                results.compute_round(by=account, round_=round_, now=now)
    except BlockedError as error:
        for sentence in error.blockers:
            messages.error(request, sentence)
    except (IllegalMoveError, RefusedError) as error:
        messages.error(request, str(error))
    else:
        round_.refresh_from_db()
        messages.success(request, f"{round_.name}现在是“{round_.get_state_display()}”。")
    return redirect("round", round_.pk)


def _decision(request: HttpRequest) -> Decision | None:
    body = request.POST.get("body", "").strip()
    if not body:
        return None
    return Decision(body, _day(request.POST.get("met_on", "")), request.POST.get("document_number", "").strip())


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


@requires(Action.MANAGE_ROUND)
@require_POST
def due_dates(request: HttpRequest, pk: int) -> HttpResponse:
    """Change the last days of a round's steps."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    due: dict[str, dt.date | None] = {}
    for step in round_.steps.all():
        typed = request.POST.get(f"due-{step.code}", "")
        due[step.code] = _day(typed)
        if typed and due[step.code] is None:
            messages.error(request, f"{step.name}的期限请写成 2012-03-30 的样子。")
            return redirect("round", round_.pk)
    try:
        rounds.set_due_dates(by=account_of(request), round_=round_, version=posted_version(request), due=due)
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "各步骤期限已更新。")
    return redirect("round", round_.pk)


@requires(Action.MANAGE_ROUND)
@require_POST
def compute(request: HttpRequest, pk: int) -> HttpResponse:
    """Compute every branch of the round as the figures stand now."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    try:
        done = results.compute_round(by=account_of(request), round_=round_, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"已测算 {len(done.units)} 个党支部。")
    return redirect("round", round_.pk)
