"""The branches of a round as a list, and a round's rules in words."""

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from branches.listing import render_list
from branches.permissions import Action, can, requires
from grading.lists import as_it_stands, unit_rows, units_page
from grading.models import RoundUnit, form_names
from grading.views.shared import round_or_404


@requires(Action.VIEW_GRADING)
@require_http_methods(["GET", "POST"])
def round_units(request: HttpRequest, pk: int) -> HttpResponse:
    """List the branches of a round with filters, sorting and export."""
    round_ = round_or_404(request, pk)
    units = RoundUnit.objects.filter(round=round_).within(request.scope)  # type: ignore[attr-defined]
    context = {"round": round_, "may_fill": round_.is_open and bool(can(request.user, Action.RECORD_SOURCES))}
    rows = unit_rows(units.select_related("round__scale", "category"))
    rows = as_it_stands(rows, round_, request.GET.get("sort", ""))
    return render_list(request, units_page(round_), rows, template="grading/units.html", context=context)


@requires(Action.VIEW_GRADING)
@require_GET
def round_rules(request: HttpRequest, pk: int) -> HttpResponse:
    """Show everything the round fixes, in plain words."""
    round_ = round_or_404(request, pk)
    cut_offs = list(round_.cut_offs.select_related("grade").order_by("grade__rank"))
    grades = list(round_.scale.grades.order_by("rank"))
    context = {
        "round": round_,
        "sources": list(round_.sources.prefetch_related("options", "groups", "annual_points")),
        "cut_offs": cut_offs,
        "lowest": cut_offs[-1] if cut_offs else None,
        "last_grade": grades[-1] if grades else None,
        "steps": round_.steps.all(),
        "gates": round_.gates.select_related("best"),
        "caps": round_.caps.select_related("grade"),
        "vetoes": round_.veto_items.select_related("grade"),
        "rubrics": round_.rubrics.select_related("rubric", "category").annotate(full=Sum("rubric__sections__points")),
        "returns": round_.returns.all(),
        "forms": form_names(round_).values(),
        "grade_count": len(grades),
        "may_manage": bool(can(request.user, Action.MANAGE_ROUND, round_)),
    }
    return render(request, "grading/rules.html", context)
