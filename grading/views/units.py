"""One branch in a round: overview, returning and accepting its sheet, extensions, and the explained grade."""

import datetime as dt
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from branches import charts, clock, wording
from branches.permissions import Action, account_of, can, enforce, requires
from branches.transitions import BlockedError, IllegalMoveError, history
from grading import ballot_board, unit_page
from grading.models import Assessment, Result, RoundStep, RoundUnit, Source, Survey, VetoReview
from grading.permissions import holds_branch, may_decide
from grading.services import rounds, sheets
from grading.services.errors import RefusedError
from grading.services.explain import Explanation, explain, explain_ungraded
from grading.views.shared import unit_or_404

ASKED = (
    Action.FILL_ASSESSMENT, Action.EDIT_PROFILE, Action.SCORE, Action.RETURN_ASSESSMENT, Action.MANAGE_ROUND,
    Action.RECORD_SOURCES, Action.PROPOSE_GRADE, Action.EXPORT,
)  # fmt: skip


@requires(Action.VIEW_GRADING)
@require_GET
def unit(request: HttpRequest, pk: int) -> HttpResponse:
    """Show where a branch stands in a round."""
    row = unit_or_404(request, pk)
    page = unit_page.build(row)
    sources = list(row.round.sources.all())
    context = {
        "unit": row,
        "round": row.round,
        "page": page,
        "branch_survey": page.survey_line(Survey.By.BRANCH),
        "superior_survey": page.survey_line(Survey.By.SUPERIOR),
        "sheet_lines": [(s, page.sheet_line(s)) for s in sources if s.kind == Source.Kind.SHEET],
        "task": row.spot_checks.filter(active=True).first(),
        "may": {action.value: bool(can(request.user, action, row)) for action in ASKED},
        "may_ballot": bool(can(request.user, Action.MANAGE_BALLOT, row)),
        "on_behalf": not holds_branch(account_of(request), row),
        "own_open": row.round.is_open and (page.own is None or page.own.editable),
        "veto_count": row.round.veto_items.count(),
        "vetoes": row.vetoes.select_related("item"),
        "review": VetoReview.objects.filter(unit=row).select_related("reviewed_by__person").first(),
        "may_decide": bool(may_decide(request.user, row)),
        "grade_count": row.round.scale.grades.count(),
        "returned": history(page.own).filter(to_state=Assessment.State.RETURNED).first() if page.own else None,
        **_recorded(row, [source for source in sources if source.kind != Source.Kind.SHEET]),
    }
    return render(request, "grading/unit.html", context)


def _recorded(row: RoundUnit, sources: list[Source]) -> dict[str, Any]:
    """Return what was recorded for the sources that are no sheets, and those for which nothing was."""
    found: dict[str, list[Any]] = {
        "counts": list(row.appraisals.select_related("source", "group")),
        "annual": list(row.annual_results.select_related("source")),
        "exemptions": list(row.exemptions.select_related("source")),
        "boxes": list(ballot_board.with_turnout(row.ballot_boxes.live().select_related("source"))),
    }
    there = {one.source_id for rows in found.values() for one in rows}
    return {**found, "other_sources": sources, "unrecorded": [one for one in sources if one.pk not in there]}


def _own_sheet(row_pk: int) -> Assessment:
    return get_object_or_404(Assessment.objects.select_related("unit__round"), unit=row_pk, source__code=Source.SELF)


@requires(Action.RETURN_ASSESSMENT)
@require_POST
def return_sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the self-assessment back with a reason."""
    row = unit_or_404(request, pk)
    enforce(request, Action.RETURN_ASSESSMENT, row)
    reason = request.POST.get("reason", "")
    try:
        sheets.return_sheet(by=account_of(request), assessment=_own_sheet(row.pk), reason=reason, now=clock.now())
    except (IllegalMoveError, BlockedError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "自评已退回，支部可以修改后重新提交。")
    return redirect("unit", row.pk)


@requires(Action.RETURN_ASSESSMENT)
@require_POST
def accept_sheet(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept the self-assessment."""
    row = unit_or_404(request, pk)
    enforce(request, Action.RETURN_ASSESSMENT, row)
    try:
        sheets.accept(by=account_of(request), assessments=[_own_sheet(row.pk)], now=clock.now())
    except (IllegalMoveError, BlockedError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "自评已接收。")
    return redirect("unit", row.pk)


@requires(Action.EDIT_PROFILE)
@require_POST
def refresh_facts(request: HttpRequest, pk: int) -> HttpResponse:
    """Take 支部基本情况 over into this round."""
    row = unit_or_404(request, pk)
    enforce(request, Action.EDIT_PROFILE, row)
    try:
        rounds.refresh_facts(by=account_of(request), unit=row)
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "本轮表格已按最新的支部基本情况更新。")
    return redirect("unit", row.pk)


@requires(Action.MANAGE_ROUND)
@require_POST
def extend(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a branch more time for a step."""
    row = unit_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, row)
    step = get_object_or_404(RoundStep, round=row.round_id, code=request.POST.get("step", ""))
    try:
        until = dt.date.fromisoformat(request.POST.get("until", ""))
        rounds.extend(
            by=account_of(request), unit=row, step=step, until=until, reason=request.POST.get("reason", ""),
            now=clock.now(),
        )  # fmt: skip
    except ValueError:
        messages.error(request, "延期日期请写成 2012-04-02 的样子。")
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{step.name}已延期。")
    return redirect("unit", row.pk)


def _scale(row: RoundUnit, explanation: Explanation) -> charts.Scale:
    """Place the composite and its sources on the cut-offs."""
    cut_offs = {c.grade_id: c.minimum for c in row.round.cut_offs.all()}
    grades = list(row.round.scale.grades.order_by("rank"))
    bands = [
        charts.Band(g.label, cut_offs.get(g.pk, Decimal(0)), wording.rank_letter(g.rank, len(grades))) for g in grades
    ]
    marks = [charts.Mark(mark.label, mark.score) for mark in explanation.marks if mark.label != "综合"]
    return charts.scale(
        bands, explanation.derivation.composite.rounded, marks, full=Decimal(100), places=row.round.places
    )


@requires(Action.VIEW_GRADING)
@require_GET
def explain_grade(request: HttpRequest, pk: int) -> HttpResponse:
    """Show how the grade came about, from every item to the decision."""
    row = unit_or_404(request, pk)
    versions = list(Result.objects.filter(unit=row).order_by("-version").select_related(
        "computed_grade", "proposed_grade", "decided_grade", "proposed_by__person", "decided_by__person"
    ))  # fmt: skip
    asked = request.GET.get("version", "")
    result = next((one for one in versions if str(one.version) == asked), versions[0] if versions else None)
    reach = RoundUnit.objects.within(request.scope)  # type: ignore[attr-defined]
    explanation = explain(row, result, reach=reach) if row.graded else explain_ungraded(row)
    context = {
        "unit": row,
        "round": row.round,
        "result": result,
        "explanation": explanation,
        "superior": Assessment.objects.filter(unit=row, source__code=Source.SUPERIOR).exclude(reason="").first(),
        "scale": _scale(row, explanation) if explanation and row.graded else None,
        "grade_count": row.round.scale.grades.count(),
        "cut_offs": row.round.cut_offs.select_related("grade"),
        "may_export": bool(can(request.user, Action.EXPORT, row)),
        "versions": versions,
        "outdated": result is not None and result is not versions[0],
        "may_correct": _may_correct(request, row, result),
    }
    return render(request, "grading/explain.html", context)


def _may_correct(request: HttpRequest, row: RoundUnit, result: Result | None) -> bool:
    """Tell whether this account may propose to correct a frozen grade."""
    return result is not None and result.frozen_at is not None and bool(can(request.user, Action.CORRECT_RESULT, row))
