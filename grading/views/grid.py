"""党总支考评: the scoring grid, its dock, and saving one figure at a time."""

import unicodedata
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.views.decorators.http import require_GET, require_POST

from branches import clock
from branches.permissions import Action, account_of, can, enforce, recused_branch_ids, requires
from branches.transitions import BlockedError, IllegalMoveError
from branches.versions import ConflictError
from grading import grid_page, sheet_page
from grading.models import Assessment, Criterion, Round, RoundUnit, Score, Section, Source
from grading.services import sheets
from grading.services.errors import RefusedError
from grading.services.rounds import deadline
from grading.views.shared import parse_number, round_or_404, unit_or_404


def parents_of(request: HttpRequest, round_: Round) -> list[dict[str, Any]]:
    """Return the 党总支 (and 直属党支部) of a round within reach, with how many branches each has."""
    units = RoundUnit.objects.filter(round=round_).within(request.scope)  # type: ignore[attr-defined]
    found: dict[str, dict[str, Any]] = {}
    for unit in units.only("parent_id", "parent_name", "direct", "round_id", "parent_position"):
        entry = found.setdefault(unit.group, {"key": unit.group, "name": unit.general_branch_name, "count": 0})
        entry["count"] += 1
    return list(found.values())


def units_of(request: HttpRequest, round_: Round, group: str) -> list[RoundUnit]:
    """Return the units of one 党总支 (its id) or of all 直属党支部 ("direct") within reach."""
    units = RoundUnit.objects.filter(round=round_).within(request.scope).select_related("rubric", "branch", "category")  # type: ignore[attr-defined]
    return list(units.of_parent(None if group == "direct" else int(group) if group.isdigit() else 0))


def decides_here(round_: Round, group: str) -> bool:
    """Tell whether grades of a group are decided here (党总支定级, 直属党支部 above) rather than proposed."""
    below = round_.deciding_level == Round.DecidingLevel.GENERAL_BRANCH
    return below or group == "direct" or round_.state == Round.State.DECIDING or not round_.proposes


@requires(Action.VIEW_GRADING)
@require_GET
def scoring_grid(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the grid of one 党总支."""
    round_ = round_or_404(request, pk)
    parents = parents_of(request, round_)
    wanted = request.GET.get("unit", "")
    focus = RoundUnit.objects.filter(round=round_, pk=int(wanted)).first() if wanted.isdigit() else None
    chosen = request.GET.get("parent") or (focus.group if focus else "") or (parents[0]["key"] if parents else "")
    units = units_of(request, round_, chosen)
    grids = grid_page.build(round_, units, request.user)
    rows = [row for grid in grids for group in grid.groups for row in group.rows]
    source = round_.sources.filter(code=Source.SUPERIOR).first()
    aside = recused_branch_ids(account_of(request)) if can(request.user, Action.SCORE) else set()
    context = {
        "round": round_,
        "source": source,
        "by_section": source is not None and source.entry == Source.Entry.SECTIONS,
        "parents": parents,
        "chosen": chosen,
        "here": next((p["name"] for p in parents if p["key"] == chosen), ""),
        "grids": grids,
        "rows": rows,
        "done": sum(row.complete for row in rows),
        "editable": any(row.editable for row in rows),
        "recused": [row.unit.name for row in rows if row.unit.branch_id in aside],
        "settled": bool(grid_page.settled_ids(units)),
        "grade_count": grid_page.grade_steps(round_.scale),
        "limits": grid_page.limits_sentence(round_),
        "due_on": deadline(units[0], Source.SUPERIOR) if units else None,
        "focus": focus,
        "deciding": decides_here(round_, chosen),
        "may_score": bool(can(request.user, Action.SCORE)),
    }
    return render(request, "grading/scoring_grid.html", context)


@requires(Action.VIEW_GRADING)
@require_GET
def dock(request: HttpRequest, pk: int, section: int) -> HttpResponse:
    """Show the items of one section of one branch, to be scored when the account may."""
    unit = unit_or_404(request, pk)
    part = get_object_or_404(Section, pk=section, rubric_id=unit.rubric_id)
    return HttpResponse(_dock(request, unit, part))


def _dock(request: HttpRequest, unit: RoundUnit, part: Section) -> str:
    sheet, own = _sheet(unit, Source.SUPERIOR), _sheet(unit, Source.SELF)
    page = sheet_page.build(unit, sheet, own)
    row = grid_page.rows_of(unit.round, [unit], request.user)[0]
    own_notes = {s.criterion_id: s.remark for s in own.scores.all()} if own else {}
    items = next(s.items for s in page.sections if s.section.pk == part.pk)
    source = unit.round.sources.filter(code=Source.SUPERIOR).first()
    context = {
        "unit": unit,
        "section": part,
        "row": row,
        "cell": next(cell for cell in row.cells if cell.section.pk == part.pk),
        "items": [(item, own_notes.get(item.criterion.pk, "")) for item in items],
        "by_items": source is not None and source.entry == Source.Entry.ITEMS,
        "reason": row.reason,
        "reason_token": grid_page.token(row.reason),
    }
    return render_to_string("grading/_dock.html", context, request=request)


def _sheet(unit: RoundUnit, code: str) -> Assessment | None:
    return Assessment.objects.prefetch_related("scores").filter(unit=unit, source__code=code).first()


def _row_answer(request: HttpRequest, unit: RoundUnit, **more: Any) -> dict[str, Any]:
    """Return what the page needs to redraw a row after a save."""
    row = grid_page.rows_of(unit.round, [unit], request.user)[0]
    source = unit.round.sources.filter(code=Source.SUPERIOR).first()
    shared = {"round": unit.round, "row": row, "grade_count": grid_page.grade_steps(unit.round.scale)}
    parts = {f"dock-{c.element}": render_to_string("grading/_dock_sum.html", {"cell": c}) for c in row.cells}
    if source is not None and source.entry == Source.Entry.ITEMS:
        for cell in row.cells:
            parts[cell.element] = render_to_string("grading/_grid_cell.html", {"row": row, "cell": cell})
    for name in ("total", "gap", "composite", "grade", "reason"):
        parts[f"{name}-{unit.pk}"] = render_to_string("grading/_grid_figure.html", {**shared, "name": name})
    mark = {"id": f"row-{unit.pk}", "blank": not row.complete, "flag": row.flagged}
    return {"parts": parts, "row": mark, "saved_at": f"{clock.now():%H:%M}", **more}


def _shown(score: Score | None) -> str:
    return "" if score is None else sheet_page.points_text(score.points)


@requires(Action.SCORE)
@require_POST
def save_score(request: HttpRequest, pk: int, kind: str, target: int) -> HttpResponse:
    """Save one figure of the 党总支's sheet; `version` is the value the page showed (static/js/grid.js)."""
    unit = unit_or_404(request, pk)
    enforce(request, Action.SCORE, unit)
    source = get_object_or_404(Source, round=unit.round_id, code=Source.SUPERIOR)
    sections = unit.rubric.sections.prefetch_related("criteria")
    targets = list(sections) if kind == "section" else [c for s in sections for c in s.criteria.all()]
    row = next((one for one in targets if one.pk == target), None)
    if row is None:
        return JsonResponse({"message": "没有这个条目。"}, status=404)
    try:
        value = parse_number(request.POST.get("value", ""))
    except ValueError:
        return JsonResponse({"message": "请填数字。"}, status=422)
    entry = {row.code: sheets.ScoreInput(value)}
    where = {f"{'section' if kind == 'section' else 'criterion'}_id": target}
    return _write(request, unit, source, entry, where)


def _write(
    request: HttpRequest, unit: RoundUnit, source: Source, entry: dict[str, sheets.ScoreInput], where: dict[str, int]
) -> HttpResponse:
    account = account_of(request)
    try:
        with transaction.atomic():
            sheet = sheets.sheet_for(by=account, unit=unit, source=source)
            sheet = Assessment.objects.select_for_update().get(pk=sheet.pk)
            stored = _shown(Score.objects.filter(assessment=sheet, **where).first())
            if stored != request.POST.get("version", ""):
                message = f"刚被他人改为 {stored or '空白'}。"
                answer = _row_answer(request, unit, value=stored, version=stored, message=message)
                return JsonResponse(answer, status=409)
            sheets.save_scores(by=account, assessment=sheet, version=sheet.version, entries=entry, now=clock.now())
            fresh = _shown(Score.objects.filter(assessment=sheet, **where).first())
    except RefusedError as error:
        return JsonResponse({"message": "；".join(error.sentences)}, status=422)
    except (BlockedError, IllegalMoveError, ConflictError) as error:
        return JsonResponse({"message": str(error)}, status=422)
    return JsonResponse(_row_answer(request, unit, value=fresh, version=fresh))


@requires(Action.SCORE)
@require_POST
def save_count(request: HttpRequest, pk: int, criterion: int, event: int) -> HttpResponse:
    """Save how often one event of an item happened on the 党总支's sheet; `version` is the number the page showed."""
    unit = unit_or_404(request, pk)
    enforce(request, Action.SCORE, unit)
    source = get_object_or_404(Source, round=unit.round_id, code=Source.SUPERIOR)
    row = get_object_or_404(Criterion.objects.select_related("section"), pk=criterion, section__rubric=unit.rubric_id)
    typed = unicodedata.normalize("NFKC", request.POST.get("value", "")).strip()
    if typed and not (typed.isascii() and typed.isdigit()):
        return JsonResponse({"message": "请填次数，如 2。"}, status=422)
    try:
        overtaken = _store_count(request, unit, source, row, (event, typed))
    except RefusedError as error:
        return JsonResponse({"message": "；".join(error.sentences)}, status=422)
    if overtaken is not None:
        message = f"刚被他人改为 {overtaken or '空白'}。"
        return JsonResponse(_row_answer(request, unit, value=overtaken, version=overtaken, message=message), status=409)
    answer = _row_answer(request, unit, value=typed, version=typed)
    answer["parts"][f"dock-item-{row.pk}"] = _counted_cell(unit, source, row)
    return JsonResponse(answer)


@transaction.atomic
def _store_count(
    request: HttpRequest, unit: RoundUnit, source: Source, row: Criterion, given: tuple[int, str]
) -> str | None:
    """Write one number with those of the other events; return what somebody else wrote meanwhile, else None."""
    account, (event, typed) = account_of(request), given
    sheet = sheets.sheet_for(by=account, unit=unit, source=source)
    sheet = Assessment.objects.select_for_update().get(pk=sheet.pk)
    shape = sheets.shapes_of(unit)[row.code]
    lines = sheet_page.event_lines(shape, Score.objects.filter(assessment=sheet, criterion=row).first())
    if event >= len(lines):
        raise Http404
    # A blank field and 0 are one and the same here: the first number saved makes those beside it 0.
    if (lines[event].typed or "0") != (request.POST.get("version", "") or "0"):
        return lines[event].typed
    lines[event].typed = typed
    numbers = {line.label: int(line.typed or 0) for line in lines}
    entry = sheets.ScoreInput(None, counts=numbers if any(line.typed for line in lines) else None)
    sheets.save_scores(by=account, assessment=sheet, version=sheet.version, entries={row.code: entry}, now=clock.now())
    return None


def _counted_cell(unit: RoundUnit, source: Source, row: Criterion) -> str:
    page = sheet_page.build(unit, _sheet(unit, source.code))
    item = next(one for one in page.items if one.criterion.pk == row.pk)
    return render_to_string("grading/_dock_counted.html", {"item": item})


@requires(Action.SCORE)
@require_POST
def save_reason(request: HttpRequest, pk: int) -> HttpResponse:
    """Save the 评分理由 of the 党总支's sheet; `version` is the token of the text the page showed."""
    unit = unit_or_404(request, pk)
    enforce(request, Action.SCORE, unit)
    source = get_object_or_404(Source, round=unit.round_id, code=Source.SUPERIOR)
    account, text = account_of(request), request.POST.get("value", "")
    try:
        with transaction.atomic():
            sheet = sheets.sheet_for(by=account, unit=unit, source=source)
            sheet = Assessment.objects.select_for_update().get(pk=sheet.pk)
            if grid_page.token(sheet.reason) != request.POST.get("version", ""):
                answer = {
                    "message": "评分理由刚被他人改过。",
                    "value": sheet.reason,
                    "version": grid_page.token(sheet.reason),
                }
                return JsonResponse(_row_answer(request, unit, **answer), status=409)
            saved = sheets.save_scores(
                by=account, assessment=sheet, version=sheet.version, entries={}, now=clock.now(), reason=text
            )
    except RefusedError as error:
        return JsonResponse({"message": "；".join(error.sentences)}, status=422)
    return JsonResponse(_row_answer(request, unit, value=saved.reason, version=grid_page.token(saved.reason)))
