"""Coverage without content: pages and files of the figures that may be shown."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header, urlencode
from django.utils.safestring import mark_safe

from branches import audit, clock
from branches.models import Branch, Campaign
from branches.permissions import Action, account_of, can, get_or_404, requires
from interviews.counting import Coverage, Table
from interviews.coverage_tables import DIMENSIONS, HIDDEN, TITLES, row_of, sheet_of, table_of
from interviews.figures_kept import coverage, publish
from interviews.views.planning import campaign_or_404
from reporting.tables import html, pdf, xlsx

TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}


@requires(Action.VIEW_COVERAGE)
def coverage_whole(request: HttpRequest, campaign: int) -> HttpResponse:
    """The whole campaign by unit and focus group, or the units one reaches; POST counts anew or returns a file."""
    chosen = campaign_or_404(request, campaign)
    reach = request.scope  # type: ignore[attr-defined]
    if "recount" in request.POST:
        publish(chosen, clock.now())
    found = coverage(chosen, None, clock.now())
    if found is None or reach.everything:
        return _answer(request, chosen, found, None)
    within = set(Branch.objects.within(reach).values_list("pk", flat=True))
    units = [unit for unit in sorted(within) if coverage(chosen, unit, clock.now()) is not None]
    if len(units) == 1:
        return redirect("coverage-unit", chosen.pk, units[0])
    names = [(unit, str(getattr(coverage(chosen, unit, clock.now()), "name", ""))) for unit in units]
    return render(request, "interviews/coverage_units.html", {"campaign": chosen, "units": names})


@requires(Action.VIEW_COVERAGE)
def coverage_unit(request: HttpRequest, campaign: int, unit: int) -> HttpResponse:
    """One unit by class, interviewer and focus group; POST counts anew or returns a file."""
    chosen = campaign_or_404(request, campaign)
    branch = get_or_404(Branch.objects.all(), request.scope, pk=unit)  # type: ignore[attr-defined]
    if "recount" in request.POST:
        publish(chosen, clock.now())
    found = coverage(chosen, branch.pk, clock.now())
    if found is None:
        raise Http404
    return _answer(request, chosen, found, branch)


def _answer(request: HttpRequest, campaign: Campaign, found: Coverage | None, unit: Branch | None) -> HttpResponse:
    kind = request.POST.get("format", "")
    if found is not None and found.categories and kind in TYPES:
        return _file(request, campaign, found, kind)
    if "recount" in request.POST:
        messages.success(request, "已重新统计；一行的变动不满最小显示人数的，仍是上次的数。")
        return redirect(f"{request.path}?{urlencode(request.GET)}")
    context: dict[str, Any] = {"campaign": campaign, "found": found, "unit": unit, "whole": unit is None}
    if found is not None and found.categories:
        category, dimension, table = _chosen(request, found)
        context |= {
            "category": category, "dimension": dimension, "table": table, "hidden": HIDDEN,
            "drawn": _drawn(campaign, table, whole=unit is None, category=category),
            "dimensions": [(one, TITLES[one]) for one in found.tables[category]],
            "may_export": bool(can(request.user, Action.EXPORT)),
            "kept_back": any(line.holds_back for line in (*table.lines, table.total)),
        }  # fmt: skip
    return render(request, "interviews/coverage.html", context)


def _chosen(request: HttpRequest, found: Coverage) -> tuple[str, str, Table]:
    codes = [code for code, _ in found.categories]
    asked = request.GET.get("category", "")
    category = asked if asked in codes else codes[-1]
    tables = found.tables[category]
    wanted = request.GET.get("by", "")
    dimension = wanted if wanted in tables else _first(tables)
    return category, dimension, tables[dimension]


def _first(tables: Any) -> str:
    """Return the view to begin with: the first that has lines, by unit or by class."""
    order = [one for one in ("unit", "class", "interviewer", "focus") if one in tables]
    return next((one for one in order if tables[one].lines), order[0])


def _drawn(campaign: Campaign, table: Table, *, whole: bool, category: str) -> str:
    """Draw the lines as a list; units lead to their own page."""
    rows = []
    for line in table.lines:
        href = reverse("coverage-unit", args=[campaign.pk, line.key]) + f"?category={category}"
        rows.append(row_of(line, href if whole and table.dimension == "unit" else ""))
    rows.append(row_of(table.total))
    return mark_safe(html.render_list(table_of(table.dimension), rows, caption=DIMENSIONS[table.dimension]))


def _file(request: HttpRequest, campaign: Campaign, found: Coverage, kind: str) -> HttpResponse:
    """Return every view of every category as one file, and note who took it."""
    if not can(request.user, Action.EXPORT):
        raise PermissionDenied("您的角色没有导出的权限。")
    sheets = [
        sheet_of(campaign.name, found, code, table)
        for code, _ in found.categories
        for table in found.tables[code].values()
        if table.lines
    ]
    if not sheets:
        messages.error(request, "还没有可以导出的数字。")
        return redirect(request.path)
    title = f"访谈覆盖情况（{found.name}）"
    account = account_of(request)
    if kind == "xlsx":
        content = xlsx.render(sheets, xlsx.Properties(title=title))
    else:
        content = pdf.render(sheets, pdf.Properties(title=title), font_dirs=settings.FONT_DIRS)
    with transaction.atomic():
        audit.record(by=account, action=f"coverage.{kind}", thing=account, summary=f"导出{title}")
    response = HttpResponse(content, content_type=TYPES[kind])
    name = f"{title}_{clock.today():%Y%m%d}.{kind}"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response
