"""评分标准和细则 as a branch reads them: before 自评 already, when it has no sheet yet."""

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from branches import clock
from branches.models import Branch
from branches.permissions import Action, requires
from grading.models import LocalGuidance, Round, Rubric
from grading.services import guidance


@dataclass(frozen=True, slots=True)
class Reader:
    """A branch, its 党总支, and the rubric it is (or will be) scored by."""

    pk: int
    name: str
    parent_id: int | None
    rubric_id: int | None


def _readers(request: HttpRequest, round_: Round) -> list[Reader]:
    """Return the branches in reach: as the round froze them, before it opens as they are today."""
    reach = request.scope  # type: ignore[attr-defined]
    if round_.state != Round.State.PREPARING:
        units = round_.units.within(reach)
        return [Reader(unit.branch_id, unit.name, unit.parent_id, unit.rubric_id) for unit in units]
    chosen = {row.category_id: row.rubric_id for row in round_.rubrics.all()}
    rows: Any = Branch.objects.as_of(clock.today()).branches_only().within(reach).order_by("position", "code")
    return [Reader(row.pk, row.name, row.parent_id, chosen.get(row.category_id)) for row in rows]


@requires(Action.VIEW_GRADING)
@require_safe
def criteria(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the items one branch is scored by, with the published 细则 of its 党总支."""
    round_ = get_object_or_404(
        Round.objects.select_related("campaign__root").prefetch_related("steps", "rubrics"), pk=pk
    )
    readers = _readers(request, round_)
    wanted = request.GET.get("branch", "")
    reader = next((one for one in readers if str(one.pk) == wanted), readers[0] if readers else None)
    if reader is None or (wanted and str(reader.pk) != wanted):
        raise Http404
    rows = LocalGuidance.objects.filter(round=round_, parent=reader.parent_id).in_force().order_by("version")
    rubric = Rubric.objects.with_items().filter(pk=reader.rubric_id).first()
    context = {
        "round": round_,
        "readers": readers,
        "reader": reader,
        "rubric": rubric,
        "local": {row.criterion_id: row for row in rows if not row.empty},
        "last_day": guidance.last_day(round_),
    }
    return render(request, "grading/criteria.html", context)
