"""支部自评: filling, saving, submitting; evidence files cited by items."""

import re
import unicodedata
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from branches import clock, drafts, wording
from branches.permissions import Action, account_of, can, enforce, requires
from branches.transitions import BlockedError, history
from branches.versions import ConflictError
from grading import behalf, sheet_page
from grading.models import Assessment, RoundUnit, Source
from grading.permissions import holds_branch
from grading.services import sheets
from grading.services.errors import RefusedError
from grading.services.rounds import deadline
from grading.services.survey import blanks
from grading.sheet_page import Item, Sheet, points_text
from grading.views import filing
from grading.views.shared import Fault, conflict, parse_number, posted_version, unit_or_404

FORM = "self"


def _source(unit: RoundUnit) -> Source:
    source = unit.round.sources.filter(code=Source.SELF).first()
    if source is None:
        raise Http404
    return source


def _assessment(unit: RoundUnit, source: Source) -> Assessment | None:
    return Assessment.objects.prefetch_related("scores").filter(unit=unit, source=source).first()


def _previous(unit: RoundUnit) -> Assessment | None:
    """Return the branch's self-assessment of the round before it by the same rubric, be it of an earlier year."""
    campaign = unit.round.campaign
    rows = (
        Assessment.objects.prefetch_related("scores")
        .select_related("unit__round__campaign")
        .filter(
            Q(unit__round__campaign=campaign, unit__round__ordinal__lt=unit.round.ordinal)
            | Q(unit__round__campaign__year__lt=campaign.year),
            unit__branch=unit.branch_id,
            unit__rubric__code=unit.rubric.code,
            source__code=Source.SELF,
            state__in=[Assessment.State.SUBMITTED, Assessment.State.ACCEPTED],
        )
    )
    return rows.order_by("-unit__round__campaign__year", "-unit__round__campaign", "-unit__round__ordinal").first()


def _why_closed(request: HttpRequest, unit: RoundUnit, assessment: Assessment | None) -> str:
    if not unit.round.is_open:
        return f"本轮现在是“{unit.round.get_state_display()}”，自评只能查看。"
    if assessment is not None and not assessment.editable:
        return f"自评{assessment.get_state_display()}，需要修改时请联系{unit.general_branch_name}退回。"
    answer = can(request.user, Action.FILL_ASSESSMENT, unit)
    return "" if answer else answer.reason


def parse(post: Any, sheet: Sheet) -> tuple[dict[str, sheets.ScoreInput], list[Fault]]:
    """Return the entries of a posted sheet by item code, and what is no figure; items keep what was typed."""
    entries: dict[str, sheets.ScoreInput] = {}
    faults = []
    for item in sheet.items:
        if item.system:
            continue
        key = item.criterion.pk
        typed = post.get(f"points-{key}", "").strip()
        item.remark, item.not_applicable = post.get(f"remark-{key}", ""), f"na-{key}" in post
        item.typed = typed
        try:
            counts = None if item.not_applicable else _counts(post, item)
            points = None if item.not_applicable else parse_number(typed)
        except ValueError as error:
            what = "次数" if item.counted else f"分数，如 {item.criterion.points / 2:.1f}"
            item.error = f"“{error.args[0] or typed}”不是数字，请填{what}。"
            faults.append(Fault(f"{item.criterion.code} {item.error}", f"id_points-{key}"))
            continue
        entry = sheets.resolved(sheets.ScoreInput(points, item.not_applicable, item.remark, counts), item.shape)
        item.points = entry.points
        entries[item.criterion.code] = entry
    return entries, faults


def _counts(post: Any, item: Item) -> dict[str, int] | None:
    """Return how often each event of an item happened; None while no field of it is filled. Raises ValueError."""
    for line in item.events:
        line.typed = unicodedata.normalize("NFKC", post.get(f"count-{item.criterion.pk}-{line.index}", "")).strip()
        if line.typed and not (line.typed.isascii() and line.typed.isdigit()):
            raise ValueError(line.typed)
    if not any(line.typed for line in item.events):
        return None
    return {line.label: int(line.typed or 0) for line in item.events}


def marked_faults(sheet: Sheet, error: RefusedError) -> list[Fault]:
    """Put the service's sentences beside their items."""
    faults = []
    for item in sheet.items:
        if text := error.fields.get(item.criterion.code):
            item.error = text
            faults.append(Fault(text, f"id_points-{item.criterion.pk}"))
    return faults or [Fault(text) for text in error.sentences]


def blocked_faults(sheet: Sheet, error: BlockedError) -> list[Fault]:
    """Return the gates' sentences, each leading to the first item it names."""
    faults = []
    for text in error.blockers:
        named = (i.criterion for i in sheet.items if re.search(rf"(?<!\w){re.escape(i.criterion.code)}(?!\w)", text))
        first = next(named, None)
        faults.append(Fault(text, f"id_points-{first.pk}" if first else ""))
    return faults


def _page(
    request: HttpRequest, unit: RoundUnit, sheet: Sheet, source: Source, *, errors: list[Fault] | None = None,
    verb: str = "保存",
) -> HttpResponse:  # fmt: skip
    assessment = sheet.assessment
    why_not = _why_closed(request, unit, assessment)
    sheet.offer(list(unit.evidence.present()))
    returned = history(assessment).filter(to_state=Assessment.State.RETURNED).first() if assessment else None
    on_behalf = not holds_branch(account_of(request), unit)
    fills = on_behalf and bool(can(request.user, Action.FILL_ASSESSMENT, unit))
    context = {
        "unit": unit,
        "round": unit.round,
        "sheet": sheet,
        "source": source,
        "assessment": assessment,
        "version": assessment.version if assessment else 0,
        "due_on": deadline(unit, source.code),
        "why_not": why_not,
        "editable": not why_not,
        "on_behalf": on_behalf,
        "errand": behalf.errand(request.user, unit, source) if fills else None,
        "may_submit": bool(can(request.user, Action.SUBMIT_ASSESSMENT, unit)),
        "return_reason": returned.reason if returned else "",
        "draft": None if errors or why_not else drafts.load(account=account_of(request), form=FORM, key=str(unit.pk)),
        "errors": errors or [],
        "verb": verb,
        "survey_blanks": blanks(unit, "branch"),
        "ticket": "" if why_not else filing.ticket(request, unit.round_id, clock.now()),
        "closes_in": filing.closes_in(unit, source.code, clock.now()),
    }
    return render(request, "grading/self_assessment.html", context, status=422 if errors else 200)


@requires(Action.VIEW_GRADING)
@require_http_methods(["GET", "POST"])
def self_assessment(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the sheet; POST saves it (`do=save`) or saves and submits it (`do=submit`)."""
    unit = unit_or_404(request, pk)
    source = _source(unit)
    if request.method == "POST":
        enforce(request, Action.FILL_ASSESSMENT, unit)
        if request.POST.get("do") == "submit":
            enforce(request, Action.SUBMIT_ASSESSMENT, unit)
        return _save(request, unit, source)
    sheet = sheet_page.build(unit, _assessment(unit, source), _previous(unit))
    return _page(request, unit, sheet, source)


def _save(request: HttpRequest, unit: RoundUnit, source: Source) -> HttpResponse:
    account, now = account_of(request), clock.now()
    submit = request.POST.get("do") == "submit"
    verb = "提交" if submit else "保存"
    sheet = sheet_page.entered(unit, _assessment(unit, source))
    entries, faults = parse(request.POST, sheet)
    if faults:
        sheet_page.complete(sheet, _previous(unit))
        return _page(request, unit, sheet, source, errors=faults, verb=verb)
    try:
        saved = sheets.file(
            by=account, unit=unit, source=source, version=posted_version(request), entries=entries, now=now,
            hand_in=submit, ticket_at=filing.ticket_at(request, unit, source.code, now) if submit else None,
            draft=(FORM, str(unit.pk)), shapes={item.criterion.code: item.shape for item in sheet.items},
        )  # fmt: skip
    except RefusedError as error:
        sheet_page.complete(sheet, _previous(unit))
        return _page(request, unit, sheet, source, errors=marked_faults(sheet, error), verb=verb)
    except BlockedError as error:
        fresh = sheet_page.build(unit, _assessment(unit, source), _previous(unit))
        return _page(request, unit, fresh, source, errors=blocked_faults(fresh, error), verb=verb)
    except ConflictError as error:
        return _conflict(request, unit, source, error)
    if submit:
        return _submitted(request, unit, source, saved)
    messages.success(request, f"{source.name}已保存。")
    return redirect("self-assessment", unit.pk)


def _submitted(request: HttpRequest, unit: RoundUnit, source: Source, saved: Assessment) -> HttpResponse:
    """Say that a sheet is in; whoever enters for many branches goes on with the next one."""
    said = f"{source.name}已提交，合计 {wording.score1(saved.earned)} 分。{filing.receipt_said(saved)}"
    if holds_branch(account_of(request), unit):
        messages.success(request, said)
        return redirect("unit", unit.pk)
    errand = behalf.errand(request.user, unit, source)
    if errand.following is None:
        messages.success(request, f"{unit.name}：{said}{unit.general_branch_name}的{source.name}都已提交。")
        return redirect(errand.list_url)
    messages.success(request, f"{unit.name}：{said}接着录{errand.following.name}，还有 {errand.left} 个没有提交。")
    return redirect("self-assessment", errand.following.pk)


def _conflict(request: HttpRequest, unit: RoundUnit, source: Source, error: ConflictError) -> HttpResponse:
    """Show both texts, item by item."""
    stored = sheet_page.build(unit, _assessment(unit, source))
    mine = sheet_page.build(unit, None)
    parse(request.POST, mine)
    rows = []
    for ours, theirs in zip(mine.items, stored.items, strict=True):
        label = f"{ours.criterion.code} {ours.criterion.text}"
        rows.append((label, said(ours), said(theirs)))
    version = getattr(error.current, "version", 0)
    return conflict(request, thing=error.current, rows=rows, version=version, title=source.name)


def said(item: Item) -> str:
    """Return what one side entered for an item, in words."""
    points = f"{'扣 ' if item.deduction else ''}{points_text(item.points)} 分"
    text = "不适用" if item.not_applicable else points if item.points is not None else "未填"
    if item.counts_said:
        text = f"{text}（{item.counts_said}）"
    return f"{text}；{item.remark}" if item.remark else text
