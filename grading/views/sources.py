"""年度考核 and 群众评议: importing the office's workbooks, and recording one branch by hand."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from branches import clock
from branches.forms.roster import WorkbookForm
from branches.intake.annual import Answer
from branches.intake.uploads import RefusedUpload
from branches.models import Upload
from branches.permissions import Action, account_of, enforce, requires
from branches.services import uploads
from grading import importers
from grading.importers import Fate
from grading.models import Round, RoundUnit, Source
from grading.services import sources
from grading.services.errors import RefusedError
from grading.views.shared import Fault, parse_number, round_or_404, unit_or_404

ANSWERS = ((Answer.GRADE, "以等次为准"), (Answer.SCORE, "以得分为准"), (Answer.LEAVE_OUT, "都不采用，按缺项处理"))
_ROW = re.compile(r"[A-Z]+(\d+)")
SHOWN = 60


class SourceFileForm(WorkbookForm):
    """One workbook of results or counts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Name the file for what it is."""
        super().__init__(*args, **kwargs)
        self.fields["file"].label = "结果或票数表"


def _sources(round_: Round) -> list[Source]:
    return [source for source in round_.sources.all() if source.kind != Source.Kind.SHEET]


def _kind(source: Source) -> str:
    return f"source-{source.pk}"


@requires(Action.RECORD_SOURCES)
@require_http_methods(["GET", "POST"])
def sources_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose a source and its workbook."""
    round_ = round_or_404(request, pk)
    form = SourceFileForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        source = get_object_or_404(Source, round=round_, code=request.POST.get("source", ""))
        if form.is_valid():
            name = form.cleaned_data["file"].name
            upload = uploads.keep(by=account_of(request), kind=_kind(source), name=name, data=form.content)
            return redirect("source-import", round_.pk, source.code, upload.key)
    context = {"round": round_, "sources": _sources(round_), "form": form}
    return render(request, "grading/sources.html", context, status=422 if form.is_bound else 200)


def _units(request: HttpRequest, round_: Round) -> list[RoundUnit]:
    return list(RoundUnit.objects.filter(round=round_, graded=True).within(request.scope).select_related("branch"))  # type: ignore[attr-defined]


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
    make = importers.plan_annual if source.kind == Source.Kind.ANNUAL else importers.plan_counts
    return make(source=source, units=_units(request, source.round), workbook=workbook, doubts=doubts)


@requires(Action.RECORD_SOURCES)
@require_http_methods(["GET", "POST"])
def source_import(request: HttpRequest, pk: int, code: str, key: str) -> HttpResponse:
    """Preview what a workbook would record; answer its doubts; import all of it."""
    round_ = round_or_404(request, pk)
    source = get_object_or_404(Source.objects.select_related("round"), round=round_, code=code)
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
        request, "grading/source_import.html", _context(plan, source, upload, faults), status=422 if faults else 200
    )


def _offered(code: str) -> tuple[tuple[Answer, str], ...]:
    """Return the answers that can settle a problem: a score above the maximum can only be left out."""
    return ANSWERS[-1:] if code == "above_maximum" else ANSWERS


def _context(plan: Any, source: Source, upload: Upload, faults: list[Fault]) -> dict[str, Any]:
    counts = {fate.zh: len(plan.of(fate)) for fate in Fate}
    chosen = upload.choices.get("answers", {})
    asked = [
        {"problem": problem, "key": key, "answer": chosen.get(key), "answers": _offered(problem.code)}
        for problem in plan.errors
        if source.kind == Source.Kind.ANNUAL and (match := _ROW.match(problem.cell))
        for key in [f"{problem.sheet}!{match.group(1)}"]
    ]
    # An answer that settled nothing is asked again: sent along hidden as well, it would win over the new one.
    open_keys = {item["key"] for item in asked}
    return {
        "round": source.round,
        "source": source,
        "upload": upload,
        "plan": plan,
        "counts": {word: number for word, number in counts.items() if number},
        "asked": asked,
        "problems": [one for one in plan.problems if one not in [entry["problem"] for entry in asked]],
        "chosen": {key: answer for key, answer in chosen.items() if key not in open_keys},
        "voidable": source.kind == Source.Kind.APPRAISAL and (plan.errors or upload.choices.get("void")),
        "void": bool(upload.choices.get("void")),
        "settled": upload.choices.get("names", {}),
        "lines": plan.of(Fate.NEW, Fate.CHANGED, Fate.EXEMPT, Fate.NO_RESULT)[:SHOWN],
        "doubtful": [*plan.of(Fate.PROPOSED), *plan.of(Fate.DUPLICATE), *plan.of(Fate.UNKNOWN, Fate.LEFT_OUT)],
        "errors": faults,
        "shown": SHOWN,
    }


def _apply(request: HttpRequest, source: Source, upload: Upload, plan: Any) -> list[Fault]:
    apply = importers.apply_annual if source.kind == Source.Kind.ANNUAL else importers.apply_counts
    try:
        done = apply(by=account_of(request), plan=plan, now=clock.now())
    except RefusedError as error:
        return [Fault(text) for text in error.sentences]
    uploads.finish(upload=upload, state=Upload.State.DONE, result={"recorded": done.recorded})
    text = f"{source.name}：录入 {done.recorded} 个，免计 {done.exempted} 个，没有变化 {done.unchanged} 个"
    messages.success(request, f"{text}，表里没有的 {done.missing} 个。")
    return []


@dataclass(slots=True)
class Entry:
    """One source of one branch on the manual page: what is stored or was typed."""

    source: Source
    stored: Any
    exemption: Any
    typed: dict[str, str]
    options: list[tuple[Any, str]]


@requires(Action.RECORD_SOURCES)
@require_http_methods(["GET", "POST"])
def unit_sources(request: HttpRequest, pk: int) -> HttpResponse:
    """Record or correct one branch's yearly result, counts or exemption by hand."""
    unit = unit_or_404(request, pk)
    faults: list[Fault] = []
    if request.method == "POST":
        enforce(request, Action.RECORD_SOURCES, unit)
        source = get_object_or_404(Source, round=unit.round_id, code=request.POST.get("source", ""))
        faults = _record(request, unit, source)
        if not faults:
            messages.success(request, f"{source.name}已录入。")
            return redirect("unit", unit.pk)
    entries = [_entry(request, unit, source) for source in _sources(unit.round)]
    context = {"unit": unit, "round": unit.round, "entries": entries, "errors": faults}
    return render(request, "grading/unit_sources.html", context, status=422 if faults else 200)


def _entry(request: HttpRequest, unit: RoundUnit, source: Source) -> Entry:
    annual = source.kind == Source.Kind.ANNUAL
    rows = unit.annual_results if annual else unit.appraisals
    stored = rows.filter(source=source).first()
    mine = request.method == "POST" and request.POST.get("source") == source.code
    typed = {k: str(v) for k, v in request.POST.items()} if mine else {}
    counts = stored.counts if stored and not annual else {}
    options = [(o, typed.get(f"count-{o.code}", str(counts.get(o.code, "")))) for o in source.options.all()]
    return Entry(source, stored, unit.exemptions.filter(source=source).first(), typed, options)


def _number(request: HttpRequest, name: str, label: str) -> int | None:
    typed = unicodedata.normalize("NFKC", request.POST.get(name, "")).strip()
    if not typed:
        return None
    if not typed.isascii() or not typed.isdigit():
        raise RefusedError([f"{label}“{typed}”不是整数。"])
    return int(typed)


def _record(request: HttpRequest, unit: RoundUnit, source: Source) -> list[Fault]:
    account, now, post = account_of(request), clock.now(), request.POST
    try:
        if post.get("do") == "exempt":
            sources.exempt(by=account, unit=unit, source=source, reason=post.get("reason", ""), now=now)
        elif source.kind == Source.Kind.ANNUAL:
            row = sources.AnnualInput(
                unit, post.get("label", ""), parse_number(post.get("score", "")), post.get("label", "")
            )
            sources.record_annual(by=account, source=source, rows=[row], now=now, file_name="手工录入")
        else:
            counts = {o.code: _number(request, f"count-{o.code}", o.label) or 0 for o in source.options.all()}
            row_counts = sources.CountInput(
                unit, _number(request, "issued", "发出"), _number(request, "returned", "收回"),
                _number(request, "valid", "有效"), counts, teller=post.get("teller", ""),
                scrutineer=post.get("scrutineer", ""),
            )  # fmt: skip
            sources.record_counts(by=account, source=source, rows=[row_counts], now=now, file_name="手工录入")
    except ValueError:
        return [Fault("得分请填数字，如 91.5。")]
    except RefusedError as error:
        return [Fault(text) for text in error.sentences]
    return []
