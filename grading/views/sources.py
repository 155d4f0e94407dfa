"""Importing workbooks: results, ballot counts, points of sheets (one branch by hand: unit_sources.py)."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods

from branches import clock
from branches.forms.roster import WorkbookForm
from branches.intake.annual import Answer
from branches.intake.shapes import Problem
from branches.intake.uploads import RefusedUpload
from branches.models import Upload
from branches.permissions import Action, account_of, can, recused_branch_ids, requires, scope
from branches.services import uploads
from grading import importers, importers_marks, source_template
from grading.importers import Fate
from grading.models import Round, RoundUnit, Source
from grading.services import sheets
from grading.services.errors import RefusedError
from grading.views.shared import Fault, round_or_404

#: Faults of a heading: no row was read, so nothing about rows can be asked or answered.
HEADER = frozenset({"no_table", "missing_columns", "no_rows", "not_this_table"})
ANSWERABLE = frozenset({"contradiction", "above_maximum"})
ANSWERS = ((Answer.GRADE, "以等次为准"), (Answer.SCORE, "以得分为准"), (Answer.LEAVE_OUT, "都不采用，按缺项处理"))
_ROW = re.compile(r"[A-Z]+(\d+)")
RECUSED, BEYOND = "您在这个支部任书记或支委，应当回避", "不归您录入"
SHOWN, LISTED, NAME_LENGTH = 60, 5, 60


#: Sheets that may come from a workbook, and what a person must be allowed to do for a branch. 抽查 is inspectors' own.
ON_SHEETS = {Source.SELF: Action.SUBMIT_ASSESSMENT, Source.SUPERIOR: Action.SCORE}
PLANS: dict[str, Any] = {
    Source.Kind.ANNUAL: importers.plan_annual,
    Source.Kind.APPRAISAL: importers.plan_counts,
    Source.Kind.SHEET: importers_marks.plan_marks,
}


class SourceFileForm(WorkbookForm):
    """One workbook of results, counts or points."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Name the file for what it is."""
        super().__init__(*args, **kwargs)
        self.fields["file"].label = "得分、结果或票数表"


def _sources(request: HttpRequest, round_: Round) -> list[Source]:
    """Return the sources this account may import, in their order."""
    return [source for source in round_.sources.all() if _importable(request, source)]


def _importable(request: HttpRequest, source: Source) -> bool:
    if source.kind != Source.Kind.SHEET:
        return True
    return source.code in ON_SHEETS and bool(can(request.user, ON_SHEETS[source.code]))


def _source_or_404(request: HttpRequest, round_: Round, code: str) -> Source:
    source = get_object_or_404(Source.objects.select_related("round"), round=round_, code=code)
    if not _importable(request, source):
        raise Http404
    return source


def _kind(source: Source) -> str:
    return f"source-{source.pk}"


@requires(Action.RECORD_SOURCES)
@require_http_methods(["GET", "POST"])
def sources_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose a source and its workbook."""
    round_ = round_or_404(request, pk)
    form = SourceFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        source = _source_or_404(request, round_, request.POST.get("source", ""))
        if form.is_valid():
            name = form.cleaned_data["file"].name
            upload = uploads.keep(by=account_of(request), kind=_kind(source), name=name, data=form.content)
            return redirect("source-import", round_.pk, source.code, upload.key)
    offered = _sources(request, round_)
    groups = any(source.groups.exists() for source in offered)
    sheets = any(source.kind == Source.Kind.SHEET for source in offered)
    chosen = request.POST.get("source") or request.GET.get("source", "")
    context = {
        "round": round_, "sources": offered, "form": form, "groups": groups, "sheets": sheets,
        "chosen": chosen if chosen in {one.code for one in offered} else offered[0].code if offered else "",
    }  # fmt: skip
    return render(request, "grading/sources.html", context, status=422 if form.is_bound else 200)


@requires(Action.RECORD_SOURCES)
@require_GET
def source_template_file(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    """Send a workbook with the headings of a source and the branches within reach."""
    round_ = round_or_404(request, pk)
    source = _source_or_404(request, round_, code)
    response = HttpResponse(source_template.write(source, _units(request, source)), content_type=source_template.XLSX)
    name = f"{round_.dated} {source.name}录入表.xlsx"
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name)
    return response


def _units(request: HttpRequest, source: Source) -> list[RoundUnit]:
    """Return the branches this account may record a source for, graded or not; nobody scores where they hold office."""
    rows = RoundUnit.objects.filter(round=source.round_id).select_related("branch", "rubric")
    if source.kind != Source.Kind.SHEET:
        return list(rows.within(request.scope))  # type: ignore[attr-defined]
    rows = rows.within(scope(request.user, ON_SHEETS[source.code]))
    if source.code == Source.SUPERIOR:
        rows = rows.exclude(branch__in=recused_branch_ids(account_of(request)))
    return list(rows)


def _why_unknown(request: HttpRequest, source: Source, plan: Any) -> dict[int, str]:
    """Say of each row that means no branch this account records for why not, as far as the account may see."""
    lines = plan.of(Fate.UNKNOWN)
    if not lines:
        return {}
    mine = {unit.pk for unit in _units(request, source)}
    everyone = RoundUnit.objects.filter(round=source.round_id)
    seen = {unit.pk: unit for unit in everyone.within(scope(request.user, Action.VIEW_GRADING))}  # type: ignore[attr-defined]
    named = importers.units_named([line.row for line in lines], [seen[pk] for pk in seen.keys() - mine])
    aside = recused_branch_ids(account_of(request))
    absent = "不在本轮的参评名单里"
    if everyone.exclude(pk__in=seen).exists():
        absent += "，或不在您的管理范围内"
    said = {}
    for place, line in enumerate(lines):
        unit = named.get(place)
        said[line.position] = absent if unit is None else RECUSED if unit.branch_id in aside else BEYOND
    return said


def _doubts(request: HttpRequest, upload: Upload) -> importers.Doubts:
    """Return the answers given so far: those remembered with the upload, and those just posted."""
    choices = dict(upload.choices)
    if request.method == "POST":
        names = {k.removeprefix("name-"): v for k, v in request.POST.items() if k.startswith("name-") and v}
        answers = {k.removeprefix("answer-"): v for k, v in request.POST.items() if k.startswith("answer-") and v}
        choices = {"names": names, "answers": answers, "void": "void" in request.POST}
        uploads.choose(upload=upload, choices=choices)
    named = {int(k): None if v == "none" else v for k, v in choices.get("names", {}).items()}
    answered = {k: Answer(v) for k, v in choices.get("answers", {}).items()}
    return importers.Doubts(named, answered, void_contradictions=bool(choices.get("void")))


def _plan(request: HttpRequest, source: Source, upload: Upload, doubts: importers.Doubts) -> Any:
    workbook = importers.open_workbook(upload.name, uploads.read(upload=upload))
    return PLANS[source.kind](source=source, units=_units(request, source), workbook=workbook, doubts=doubts)


@requires(Action.RECORD_SOURCES)
@require_http_methods(["GET", "POST"])
def source_import(request: HttpRequest, pk: int, code: str, key: str) -> HttpResponse:
    """Preview what a workbook would record; answer its doubts; import all of it."""
    round_ = round_or_404(request, pk)
    source = _source_or_404(request, round_, code)
    waiting = Upload.objects.filter(account=account_of(request), kind=_kind(source), state=Upload.State.WAITING)
    upload = waiting.filter(key=key).first()
    if upload is None:
        raise Http404
    try:
        plan = _plan(request, source, upload, _doubts(request, upload))
    except (RefusedUpload, FileNotFoundError, ValueError, KeyError) as error:
        messages.error(request, str(error) if isinstance(error, RefusedUpload) else "文件读不出来，请重新上传。")
        return redirect("sources", round_.pk)
    faults: list[Fault] = []
    if request.method == "POST" and request.POST.get("do") == "import":
        faults = _apply(request, source, upload, plan)
        if not faults:
            return redirect("round", round_.pk)
    return render(
        request,
        "grading/source_import.html",
        _context(request, plan, source, upload, faults),
        status=422 if faults else 200,
    )


def _offered(code: str) -> tuple[tuple[Answer, str], ...]:
    """Return the answers that can settle a problem: a score above the maximum can only be left out."""
    return ANSWERS[-1:] if code == "above_maximum" else ANSWERS


def _context(request: HttpRequest, plan: Any, source: Source, upload: Upload, faults: list[Fault]) -> dict[str, Any]:
    counts = {fate.zh: len(plan.of(fate)) for fate in Fate}
    return {
        "round": source.round,
        "source": source,
        "upload": upload,
        "plan": plan,
        "counts": {word: number for word, number in counts.items() if number},
        "lines": _lines(plan)[:SHOWN],
        "errors": faults,
        "names": _names(request),
        "shown": SHOWN,
        "why": _why_unknown(request, source, plan),
        "by_hand": source.code in sheets.HANDED_IN_BY_HAND,
        "sums": importers_marks.sums(plan) if source.kind == Source.Kind.SHEET else {},
        **_questions(plan, source, upload),
    }


def _lines(plan: Any) -> list[Any]:
    """Return the rows to show: what is recorded, and every sheet that stays a draft; those first."""
    shown = {*importers.RECORDED, Fate.NO_RESULT}
    lines = [line for line in plan.lines if line.fate in shown or line.position in plan.lacks]
    return sorted(lines, key=lambda line: line.position not in plan.lacks)


def _questions(plan: Any, source: Source, upload: Upload) -> dict[str, Any]:
    """Return what a person is asked about the file, and what was answered already."""
    chosen = upload.choices.get("answers", {})
    asked = [
        {"problem": problem, "key": key, "answer": chosen.get(key), "answers": _offered(problem.code)}
        for problem in plan.errors
        if source.kind == Source.Kind.ANNUAL and problem.code in ANSWERABLE and (match := _ROW.match(problem.cell))
        for key in [f"{problem.sheet}!{match.group(1)}"]
    ]
    # An answer that settled nothing is asked again: sent along hidden as well, it would win over the new one.
    open_keys = {item["key"] for item in asked}
    told = [problem for problem in plan.errors if problem.code not in HEADER]
    voidable = source.kind == Source.Kind.APPRAISAL and bool(told or upload.choices.get("void"))
    settled = upload.choices.get("names", {})
    unclear = [*plan.of(Fate.PROPOSED), *plan.of(Fate.DUPLICATE)]
    dropped = plan.of(Fate.UNKNOWN, Fate.LEFT_OUT)
    if source.kind == Source.Kind.SHEET:  # a row without points is no doubt about its branch
        dropped = [line for line in dropped if line.unit is None]
    return {
        "asked": asked,
        "problems": [_said(one, source) for one in plan.problems if one not in [entry["problem"] for entry in asked]],
        "chosen": {key: answer for key, answer in chosen.items() if key not in open_keys},
        "voidable": voidable,
        "answerable": bool(asked or voidable or unclear or settled or chosen),
        "void": bool(upload.choices.get("void")),
        "settled": settled,
        "doubtful": [*unclear, *dropped],
        "header_fault": len(told) < len(plan.errors),
    }


def _said(problem: Problem, source: Source) -> Problem:
    """Return a problem in words for this page, which has workbooks to fill in and no choosing of columns by hand."""
    if problem.code == "not_this_table":
        return replace(problem, reason=f"不是{source.name}的表，已跳过")
    if problem.code != "no_table":
        return problem
    wanted = "" if source.kind == Source.Kind.SHEET else f"（{'、'.join(source_template.headings(source))}）"
    reason = f"没有认出{source.name}的表头：请下载{source.name}录入表，照它的表头{wanted}改好再上传"
    return replace(problem, reason=reason)


def _names(request: HttpRequest) -> dict[str, str]:
    """Return who counted and who watched, as typed."""
    return {name: request.POST.get(name, "")[:NAME_LENGTH] for name in ("teller", "scrutineer")}


def _apply(request: HttpRequest, source: Source, upload: Upload, plan: Any) -> list[Fault]:
    account, now = account_of(request), clock.now()
    try:
        if source.kind == Source.Kind.ANNUAL:
            done = importers.apply_annual(by=account, plan=plan, now=now)
        elif source.kind == Source.Kind.SHEET:
            done = importers_marks.apply_marks(by=account, plan=plan, now=now)
        else:
            done = importers.apply_counts(by=account, plan=plan, now=now, **_names(request))
    except RefusedError as error:
        return [Fault(text) for text in error.sentences]
    uploads.finish(upload=upload, state=Upload.State.DONE, result={"recorded": done.recorded})
    rows = "" if done.recorded == plan.branches or done.exempted else f"（{done.recorded} 行）"
    number = plan.branches if rows else done.recorded
    text = f"{source.name}：录入 {number} 个{rows}，免计 {done.exempted} 个，没有变化 {done.unchanged} 个"
    messages.success(request, f"{text}，表里没有的 {done.missing} 个。")
    if done.waiting:
        messages.info(request, f"{done.waiting} 份票数等另一个人录入，两人一致后才计入。")
    if done.differing:
        units = "、".join(done.differing[:LISTED])
        messages.warning(request, f"{len(done.differing)} 份与另一人录入的不一致：{units}。请两人核对票纸。")
    if done.drafts:
        messages.warning(request, _drafts_said(source, done.drafts))
    return []


def _drafts_said(source: Source, drafts: Sequence[str]) -> str:
    """Say which sheets were saved and not handed in, and what each lacks."""
    more = f"等 {len(drafts)} 个" if len(drafts) > LISTED else ""
    by_hand = source.code in sheets.HANDED_IN_BY_HAND
    state = "得分已存为草稿，还没有提交" if by_hand else "还没有填完，填完才计入"
    close = "补齐后在支部的自评页提交，或再导入一次。" if source.code == Source.SELF else ""
    return f"{len(drafts)} 个支部{state}：{'、'.join(drafts[:LISTED])}{more}。{close}"
