"""The reports units hand in: who has handed in what, writing, handing in, sending back, printing."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST, require_safe

from branches import audit, clock, drafts
from branches.directory import names_of
from branches.models import Branch, Campaign
from branches.permissions import Action, account_of, can, enforce, get_or_404, requires
from branches.transitions import BlockedError, IllegalMoveError
from branches.versions import ConflictError
from branches.views.conflict import conflict_page
from interviews import report_sheet
from interviews.coverage_tables import HIDDEN
from interviews.figures_kept import coverage
from interviews.forms.reports import ReportForm
from interviews.models import ProgressReport, ReportPeriod, ReportSection, RosterEntry
from interviews.services import reports
from interviews.services.errors import RefusedError
from interviews.views.coverage import TYPES
from interviews.views.planning import CHANGED, campaign_or_404
from reporting.tables import pdf, xlsx

State = ProgressReport.State
FORM = "visit-report"
BADGES = {State.DRAFT: "info", State.SUBMITTED: "ok", State.RETURNED: "warn"}


def _units(request: HttpRequest, campaign: Campaign) -> dict[int, str]:
    """Return the units of the roster within reach, by name."""
    rows = RosterEntry.objects.filter(campaign=campaign, active=True).within(request.scope)  # type: ignore[attr-defined]
    names = names_of(rows.order_by().values_list("unit", flat=True).distinct())
    return dict(sorted(names.items(), key=lambda pair: pair[1]))


@require_safe
@requires(Action.VIEW_COVERAGE)
def report_list(request: HttpRequest, campaign: int) -> HttpResponse:
    """Every unit within reach by every period."""
    chosen = campaign_or_404(request, campaign)
    units = _units(request, chosen)
    periods = list(ReportPeriod.objects.filter(campaign=chosen))
    known = {(row.unit_id, row.period_id): row for row in ProgressReport.objects.filter(period__campaign=chosen)}
    today = clock.today()
    lines = [(name, [(period, unit, *_cell(known.get((unit, period.pk)), period, today)) for period in periods])
             for unit, name in units.items()]  # fmt: skip
    handed = {period.pk: sum((unit, period.pk) in known and known[unit, period.pk].state == State.SUBMITTED
                             for unit in units) for period in periods}  # fmt: skip
    context = {
        "campaign": chosen, "lines": lines, "total": len(units),
        "periods": [(period, handed[period.pk]) for period in periods],
    }  # fmt: skip
    return render(request, "interviews/reports.html", context)


def _cell(row: ProgressReport | None, period: ReportPeriod, today: Any) -> tuple[str, str]:
    """Return the badge and the words of a unit's report."""
    if row is not None:
        return BADGES[State(row.state)], row.get_state_display()
    return ("bad", "逾期未报") if period.due_on < today else ("todo", "未填写")


def _place(request: HttpRequest, campaign: int, period: int, unit: int) -> tuple[Campaign, ReportPeriod, Branch]:
    chosen = campaign_or_404(request, campaign)
    node = get_or_404(Branch.objects.all(), request.scope, pk=unit)  # type: ignore[attr-defined]
    if not RosterEntry.objects.filter(campaign=chosen, unit=node).exists():
        raise Http404
    return chosen, get_object_or_404(ReportPeriod, campaign=chosen, pk=period), node


@requires(Action.VIEW_COVERAGE)
def report_page(request: HttpRequest, campaign: int, period: int, unit: int) -> HttpResponse:
    """One report: read it, write it (POST save, submit), take it as a file (POST format)."""
    chosen, when, node = _place(request, campaign, period, unit)
    report = _report(when, node)
    if request.method == "POST" and request.POST.get("format") in TYPES:
        return _file(request, chosen, when, node, report)
    if request.method == "POST":
        enforce(request, Action.REPORT_INTERVIEWS, node)
        return _write(request, chosen, when, node)
    form = ReportForm(initial=_initial(request, chosen, report), sections=reports.sections_of(chosen, report))
    return render(request, "interviews/report.html", _context(request, chosen, when, node, report) | {"form": form})


def _report(period: ReportPeriod, node: Branch) -> ProgressReport | None:
    return ProgressReport.objects.filter(period=period, unit=node).select_related("period__campaign").first()


def _initial(request: HttpRequest, campaign: Campaign, report: ProgressReport | None) -> dict[str, str]:
    """Return what is kept, by field; the name of whoever begins a report."""
    texts = {one.pk: text for one, text in _texts(campaign, report)}
    return ReportForm.of(texts, report.written_by if report else account_of(request).get_full_name())


def _context(
    request: HttpRequest, campaign: Campaign, period: ReportPeriod, node: Branch, report: ProgressReport | None
) -> dict[str, Any]:
    open_, account = report is None or report.state != State.SUBMITTED, account_of(request)
    handed_in = report is not None and report.state == State.SUBMITTED
    figures = report.figures if handed_in and report else reports.figures_of(coverage(campaign, node.pk, clock.now()))
    lines = [(line["name"], report_sheet.said(line)) for line in figures.get("categories", ())]
    may_write = open_ and bool(can(request.user, Action.REPORT_INTERVIEWS, node))
    key = f"{period.pk}-{node.pk}"
    return {
        "campaign": campaign, "period": period, "unit": node, "report": report, "open": open_,
        "name": node.name_on(clock.today()),
        "may_write": may_write,
        "may_return": handed_in and bool(can(request.user, Action.MANAGE_INTERVIEWS, campaign)),
        "may_export": bool(can(request.user, Action.EXPORT)),
        "badge": BADGES[State(report.state)] if report else "todo",
        "figures": lines, "hidden": HIDDEN if any(HIDDEN in words for _name, words in lines) else "",
        "least": figures.get("least", 5),
        "draft_key": key,
        "draft": drafts.load(account=account, form=FORM, key=key) if may_write and request.method == "GET" else None,
        "version": report.version if report else 0,
    }  # fmt: skip


def _texts(campaign: Campaign, report: ProgressReport | None) -> list[tuple[ReportSection, str]]:
    written = {row.section_id: row.text for row in report.texts.all()} if report else {}
    return [(one, written.get(one.pk, "")) for one in reports.sections_of(campaign, report)]


def _written(request: HttpRequest, campaign: Campaign, report: ProgressReport | None) -> tuple[ReportForm, list[str]]:
    """Return the form as it was posted, and what was written in a section that is gone since the page was opened."""
    typed = {name: text for name, text in request.POST.items() if name.startswith("text-") and text.strip()}
    shown = reports.sections_of(campaign, report)
    known = {ReportForm.name_of(one) for one in shown}
    retired = [one for one in ReportSection.objects.filter(campaign=campaign, active=False)
               if ReportForm.name_of(one) in typed.keys() - known]  # fmt: skip
    form = ReportForm(request.POST, sections=[*shown, *retired])
    lost = [text for name, text in typed.items() if name not in form.fields]
    return form, [f"办公室刚刚删去了一个栏目，您在里面写的没有保存，请抄到别的栏目：{text}" for text in lost]


def _write(request: HttpRequest, campaign: Campaign, period: ReportPeriod, node: Branch) -> HttpResponse:
    """Save, and hand in when asked; say what stands in the way, show both texts where somebody else wrote as well."""
    form, faults = _written(request, campaign, _report(period, node))
    url = reverse("visit-report", args=[campaign.pk, period.pk, node.pk])
    if form.is_valid() and not faults:
        try:
            faults = _keep(request, period, node, form)
        except ConflictError:
            report = ProgressReport.objects.get(period=period, unit=node)
            return conflict_page(
                request, thing=report, form=form, stored=_initial(request, campaign, report), version=report.version,
                url=url, title=f"进展情况报告表（{period.name}）",
            )  # fmt: skip
        if not faults:
            return redirect(url)
    context = _context(request, campaign, period, node, _report(period, node))
    context |= {"form": form, "faults": [(text, form.target_of(text)) for text in faults]}
    return render(request, "interviews/report.html", context, status=422)


def _keep(request: HttpRequest, period: ReportPeriod, node: Branch, form: ReportForm) -> list[str]:
    """Save a valid form and hand it in when asked; return what stands in the way. Raises ConflictError."""
    by, given = account_of(request), form.cleaned_data
    try:
        saved = reports.save_report(
            by=by, period=period, unit=node, version=given["version"] or 0, texts=form.texts(),
            written_by=given["written_by"],
        )  # fmt: skip
    except RefusedError as error:
        return list(error.sentences)
    drafts.drop(account=by, form=FORM, key=f"{period.pk}-{node.pk}")
    if "submit" not in request.POST:
        messages.success(request, "已保存，还没有报送。")
        return []
    try:
        reports.submit_report(by=by, report=saved, version=saved.version, now=clock.now())
    except BlockedError as error:
        messages.info(request, "内容已保存。")
        return error.blockers
    except IllegalMoveError as error:
        return [str(error)]
    messages.success(request, "已报送。")
    return []


@require_POST
@requires(Action.MANAGE_INTERVIEWS)
def report_return(request: HttpRequest, campaign: int, period: int, unit: int) -> HttpResponse:
    """Send a report back."""
    chosen, when, node = _place(request, campaign, period, unit)
    enforce(request, Action.MANAGE_INTERVIEWS, chosen)
    report = get_object_or_404(ProgressReport, period=when, unit=node)
    version = request.POST.get("version", "")
    try:
        reports.return_report(
            by=account_of(request), report=report, version=int(version) if version.isdecimal() else 0,
            reason=request.POST.get("reason", ""), now=clock.now(),
        )  # fmt: skip
        messages.success(request, "已退回，请单位修改后再报。")
    except (RefusedError, IllegalMoveError) as error:
        messages.error(request, str(error))
    except ConflictError:
        messages.error(request, CHANGED)
    return redirect("visit-report", chosen.pk, when.pk, node.pk)


def _file(
    request: HttpRequest, campaign: Campaign, period: ReportPeriod, node: Branch, report: ProgressReport | None
) -> HttpResponse:
    """Return the sheet as Excel or PDF, and note who took it."""
    if not can(request.user, Action.EXPORT):
        raise PermissionDenied("您的角色没有导出的权限。")
    context = _context(request, campaign, period, node, report)
    handed_in = report is not None and report.state == State.SUBMITTED
    day = clock.day_of(report.submitted_at) if handed_in and report and report.submitted_at else clock.today()
    values = {
        "period": period.name, "unit": context["name"], "written_by": report.written_by if report else "",
        "day": f"{day.year}年{day.month}月{day.day}日{'' if handed_in else '（还没有报送）'}",
    }  # fmt: skip
    figures = report.figures if report and handed_in else reports.figures_of(coverage(campaign, node.pk, clock.now()))
    texts = [(one.name, text) for one, text in _texts(campaign, report)]
    sheet = report_sheet.sheet_of(values, figures, texts)
    kind, title = request.POST["format"], f"进展情况报告表（{period.name}）"
    if kind == "xlsx":
        content = xlsx.render([sheet], xlsx.Properties(title=title))
    else:
        content = pdf.render([sheet], xlsx.Properties(title=title), font_dirs=settings.FONT_DIRS)
    account = account_of(request)
    with transaction.atomic():
        audit.record(by=account, action=f"report.{kind}", thing=account, summary=f"导出{title}")
    response = HttpResponse(content, content_type=TYPES[kind])
    name = f"{title}_{context['name']}.{kind}"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response
