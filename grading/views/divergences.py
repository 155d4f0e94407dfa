"""Large differences of a round: every branch flagged, its written reason, and the office's tick in place."""

from dataclasses import dataclass
from fractions import Fraction

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from branches import clock, wording
from branches.permissions import Action, account_of, can, requires
from grading import scoring
from grading.models import Assessment, Result, Round, RoundUnit
from grading.permissions import may_check_reason
from grading.services import results, sheets
from grading.services.errors import RefusedError
from grading.views.shared import round_or_404, unit_or_404


@dataclass(frozen=True, slots=True)
class Flagged:
    """One branch whose two scores differ as much as the round asks a reason for."""

    unit: RoundUnit
    first: Fraction
    second: Fraction
    gap: Fraction
    grades: int
    flags: tuple[str, ...]
    sections: str
    sheet: Assessment | None
    settled: bool
    checkable: bool

    @property
    def state(self) -> str:
        """How far it is: written, checked, or still open."""
        if self.sheet is None or not self.sheet.reason.strip():
            return "open"
        return "checked" if self.sheet.reason_checked_at else "written"


def flagged(request: HttpRequest, round_: Round) -> list[Flagged]:
    """Return the flagged branches within reach, the widest difference first; decided ones from what is stored."""
    units = list(
        RoundUnit.objects.filter(round=round_, graded=True).within(request.scope).select_related("branch", "round")  # type: ignore[attr-defined]
    )
    rows = Assessment.objects.filter(unit__in=units, source__code=round_.compare_second)
    written = {row.unit_id: row for row in rows.select_related("reason_checked_by__person", "reason_by__person")}
    stored = {row.unit_id: row for row in Result.objects.filter(unit__in=units).current()}
    fresh = results.derive(round_) if round_.state != Round.State.FINAL else {}
    found = []
    for unit in units:
        result = stored.get(unit.pk)
        settled = result is not None and result.state != Result.State.COMPUTED
        derivation = results.derivation_of(result) if settled and result is not None else fresh.get(unit.pk)
        if derivation is not None and derivation.divergence is not None and derivation.divergence.needs_reason:
            found.append(_line(request, unit, derivation, written.get(unit.pk), result))
    return sorted(found, key=lambda line: -abs(line.gap))


def _line(
    request: HttpRequest,
    unit: RoundUnit,
    derivation: scoring.Derivation,
    sheet: Assessment | None,
    result: Result | None,
) -> Flagged:
    divergence = derivation.divergence
    if divergence is None:
        raise ValueError(unit.code)
    scores = [derivation.source(code) for code in (divergence.first, divergence.second)]
    first, second = (
        source.score if source is not None and source.score is not None else Fraction(0) for source in scores
    )
    flagged = [part for part in divergence.sections if part.flagged]
    parts = [f"{part.name} {wording.signed1(scoring.round_half_up(part.gap, 1))}" for part in flagged]
    decided = result is not None and result.state == Result.State.DECIDED
    waiting = sheet is not None and bool(sheet.reason.strip()) and sheet.reason_checked_at is None
    return Flagged(
        unit, first, second, divergence.gap, divergence.grade_gap, divergence.flags, "，".join(parts), sheet,
        settled=decided, checkable=waiting and not decided and bool(may_check_reason(request.user, unit)),
    )  # fmt: skip


@requires(Action.VIEW_GRADING)
@require_GET
def divergences(request: HttpRequest, pk: int) -> HttpResponse:
    """List every flagged branch of a round with its reason; the office ticks it off in place."""
    round_ = round_or_404(request, pk)
    lines = flagged(request, round_)
    context = {
        "round": round_,
        "lines": lines,
        "first": round_.sources.filter(code=round_.compare_first).first(),
        "second": round_.sources.filter(code=round_.compare_second).first(),
        "written": sum(line.state == "written" for line in lines),
        "checked": sum(line.state == "checked" for line in lines),
        "may_score": bool(can(request.user, Action.SCORE)) and round_.is_open,
    }
    return render(request, "grading/divergences.html", context)


@requires(Action.VIEW_GRADING)
@require_POST
def tick_off(request: HttpRequest, pk: int) -> HttpResponse:
    """Tick off the written reason of one branch; the answer is its line of the list."""
    unit = unit_or_404(request, pk)
    answer = may_check_reason(request.user, unit)
    if not answer:
        raise PermissionDenied(answer.reason)
    sheet = Assessment.objects.filter(unit=unit, source__code=unit.round.compare_second).first()
    error = ""
    try:
        if sheet is None:
            raise RefusedError(["还没有写明评分理由，不能核对。"])
        sheets.check_reason(by=account_of(request), assessment=sheet, now=clock.now())
    except RefusedError as refused:
        error = str(refused)
    line = next((one for one in flagged(request, unit.round) if one.unit.pk == unit.pk), None)
    if "HX-Request" not in request.headers or line is None:
        return redirect("divergences", unit.round_id)
    return render(request, "grading/_divergence.html", {"line": line, "round": unit.round, "error": error})
