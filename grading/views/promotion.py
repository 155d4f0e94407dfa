"""晋位升级: what became of every branch since the round before, with names; its terms; reasons of falls."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from branches import clock, wording
from branches.charts import Share
from branches.flow_chart import Flow, Way, flow
from branches.permissions import Action, account_of, can, enforce, requires
from grading.models import Comparison, Grade, Round, RoundUnit
from grading.permissions import may_propose
from grading.promotion import Move, Movement
from grading.services import promotion
from grading.services.errors import RefusedError
from grading.views.shared import posted_version, round_or_404, unit_or_404

SAID = ((Move.RISEN, "晋位"), (Move.LEVEL, "持平"), (Move.FALLEN, "退位"), (Move.NEW, "新建"), (Move.GONE, "撤销"))
OUTSIDE = (
    (Move.NEW, "新建", "上一轮没有，本轮开始参评"),
    (Move.GONE, "撤销", "上一轮参评，本轮已没有"),
    (Move.OUTSIDE, "不对比", "有一轮没有定等级，或原等级没有对应"),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix: who went from one grade to another, and which way that is."""

    later: Grade
    rows: tuple[Movement, ...]
    way: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the matrix: an earlier grade and its cells."""

    earlier: Grade
    cells: tuple[Cell, ...]

    @property
    def count(self) -> int:
        """Number of branches that started from this grade."""
        return sum(len(cell.rows) for cell in self.cells)


def in_reach(request: HttpRequest, found: promotion.Compared) -> promotion.Compared:
    """Return the part of a comparison that belongs to branches the request's scope reaches, in either round."""
    rounds = [found.round, found.terms.earlier]
    units = RoundUnit.objects.filter(round__in=rounds).within(request.scope)  # type: ignore[attr-defined]
    return found.only(units.values_list("branch_id", flat=True))


def matrix(found: promotion.Compared) -> list[Line]:
    """Return the matrix: a line per earlier grade that corresponds to one of this round, best first."""
    ranks = {grade.code: grade.rank for grade in found.later_grades}
    lines = []
    for earlier in found.earlier_grades:
        if (start := ranks.get(found.terms.matches.get(earlier.code, ""))) is None:
            continue
        cells = tuple(
            Cell(later, found.promotion.cell(earlier.code, later.code), _way(start - later.rank))
            for later in found.later_grades
        )
        lines.append(Line(earlier, cells))
    return lines


def _way(steps: int) -> str:
    return "up" if steps > 0 else "down" if steps < 0 else "level"


def chart(found: promotion.Compared, lines: list[Line]) -> Flow | None:
    """Return the flow between both distributions, or None when no branch can be compared."""
    if not found.promotion.compared:
        return None
    old, new = len(found.earlier_grades), len(found.later_grades)
    left = [Share(one.earlier.label, one.count, wording.rank_letter(one.earlier.rank, old)) for one in lines]
    right = [
        Share(grade.label, sum(len(line.cells[index].rows) for line in lines), wording.rank_letter(grade.rank, new))
        for index, grade in enumerate(found.later_grades)
    ]
    streams: dict[tuple[int, int], tuple[int, Way]] = {}
    for index, line in enumerate(lines):
        for place, cell in enumerate(line.cells):
            streams[index, place] = (len(cell.rows), cell.way)  # type: ignore[assignment]
    return flow(left, right, streams)


@requires(Action.VIEW_GRADING)
@require_safe
def promotion_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the matrix with names, who rose and who fell, who stands outside, and a chart."""
    round_ = round_or_404(request, pk)
    found = promotion.compare_rounds(round_)
    context: dict[str, Any] = {"round": round_, "may_manage": bool(can(request.user, Action.MANAGE_ROUND, round_))}
    context["may_export"] = bool(can(request.user, Action.EXPORT))
    if found is not None:
        found = in_reach(request, found)
        lines = matrix(found)
        counts = found.promotion.counts()
        labels = {grade.code: grade.label for grade in (*found.later_grades, *found.earlier_grades)}
        context |= {
            "found": found,
            "lines": lines,
            "totals": [sum(len(line.cells[index].rows) for line in lines) for index in range(len(found.later_grades))],
            "flow": chart(found, lines),
            "risen": found.promotion.of(Move.RISEN),
            "fallen": _fallen(request, found),
            "outside": [(word, why, found.promotion.of(move)) for move, word, why in OUTSIDE if counts[move]],
            "counts": [(word, counts[move]) for move, word in SAID],
            "labels": labels,
        }
        context |= _settings(found)
    return render(request, "grading/promotion.html", context)


@dataclass(frozen=True, slots=True)
class Fall:
    """A branch that fell, with its reason and whether this account may write it."""

    row: Movement
    unit: RoundUnit
    reason: str
    editable: bool


def _fallen(request: HttpRequest, found: promotion.Compared) -> list[Fall]:
    open_ = found.round.state != Round.State.FINAL
    return [
        Fall(row, unit, found.reasons.get(row.branch, ""), open_ and bool(may_propose(request.user, unit)))
        for row in found.promotion.of(Move.FALLEN)
        if (unit := found.units.get(row.branch)) is not None
    ]


def _settings(found: promotion.Compared) -> dict[str, Any]:
    """Return what the form about the terms shows."""
    return {
        "candidates": promotion.candidates(found.round),
        "merged_choices": Comparison.Merged.choices,
        "pairs": [(grade, found.terms.matches.get(grade.code, "")) for grade in found.earlier_grades],
    }


@requires(Action.MANAGE_ROUND)
@require_POST
def set_comparison(request: HttpRequest, pk: int) -> HttpResponse:
    """Say which round to compare with and how; a newly chosen round starts from the likely correspondence."""
    round_ = round_or_404(request, pk)
    enforce(request, Action.MANAGE_ROUND, round_)
    chosen = next((one for one in promotion.candidates(round_) if str(one.pk) == request.POST.get("earlier")), None)
    if chosen is None:
        messages.error(request, "请选择与哪一轮对比。")
        return redirect("promotion", round_.pk)
    codes = [grade.code for grade in chosen.scale.grades.all()]
    typed = {code: given for code in codes if (given := request.POST.get(f"match-{chosen.pk}-{code}"))}
    try:
        promotion.set_comparison(
            by=account_of(request),
            round_=round_,
            earlier=chosen,
            merged=request.POST.get("merged", ""),
            matches=typed or promotion.by_rank(chosen, round_),
            version=posted_version(request),
        )
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "已保存对比办法。")
    return redirect("promotion", round_.pk)


@requires(Action.PROPOSE_GRADE)
@require_POST
def explain_fall(request: HttpRequest, pk: int) -> HttpResponse:
    """Write down why a branch fell."""
    unit = unit_or_404(request, pk)
    answer = may_propose(request.user, unit)
    if not answer:
        raise PermissionDenied(answer.reason)
    try:
        promotion.explain_fall(by=account_of(request), unit=unit, text=request.POST.get("text", ""), now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"已记下{unit.name}退位的原因。")
    return redirect("promotion", unit.round_id)
