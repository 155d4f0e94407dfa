"""异议: filing and recording one, the office's list, answering, and leading an upheld one back to 审定."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from branches import clock
from branches.forms_base import ZhForm
from branches.listing import render_list
from branches.permissions import Action, account_of, can, recused_branch_ids, requires, scope
from branches.transitions import BlockedError, Decision, IllegalMoveError
from grading.forms.publicity import AnswerForm, ObjectionForm, RecordForm
from grading.lists_objections import OBJECTIONS
from grading.models import Objection, PublicityNotice, Result, Round, RoundUnit
from grading.permissions import may_answer
from grading.services import objections
from grading.services.errors import RefusedError
from grading.views.shared import round_or_404


def _units(notice: PublicityNotice, units: Sequence[RoundUnit]) -> list[tuple[int, str]]:
    """Return the choices of branches: those on the notice first, each with its 党总支."""
    named = {line.unit_id for line in notice.lines.all()}
    ordered = sorted(units, key=lambda unit: unit.pk not in named)
    return [(unit.pk, f"{unit.general_branch_name}　{unit.name}") for unit in ordered]


def _fileable(request: HttpRequest, notice: PublicityNotice) -> list[RoundUnit]:
    """Return the branches an account may object about: all on the notice, and those within its own reach."""
    named = notice.lines.values("unit_id")
    graded = RoundUnit.objects.filter(round=notice.round_id, graded=True)
    own = graded.within(scope(request.user, Action.VIEW_GRADING))
    return list(graded.filter(pk__in=named) | graded.filter(pk__in=own.values("pk")))


def _refusal(form: ZhForm, error: RefusedError) -> None:
    """Put a service's sentences to the fields they belong to."""
    said = set()
    for name, sentence in error.fields.items():
        if name in form.fields:
            form.add_error(name, sentence)
            said.add(sentence)
    for sentence in error.sentences:
        if sentence not in said and not error.fields:
            form.add_error(None, sentence)


@requires(Action.FILE_OBJECTION)
@require_safe
def my_objections(request: HttpRequest) -> HttpResponse:
    """List one's own objections with their answers, and the notices about which one may object now."""
    now = clock.now()
    running = PublicityNotice.objects.shown().filter(started_at__lte=now, ends_at__gt=now).select_related("round")
    own = Objection.objects.filter(filed_by=account_of(request)).select_related("unit", "notice__round")
    return render(request, "grading/my_objections.html", {"notices": running, "objections": own.order_by("-pk")})


@requires(Action.FILE_OBJECTION)
@require_http_methods(["GET", "POST"])
def object_to(request: HttpRequest, slug: str) -> HttpResponse:
    """File an objection about a branch of a notice, under the name of the account."""
    notice = get_object_or_404(PublicityNotice.objects.select_related("round__campaign"), slug=slug)
    found = {unit.pk: unit for unit in _fileable(request, notice)}
    form = ObjectionForm(request.POST or None, units=_units(notice, list(found.values())))
    why = objections.why_closed(notice, clock.now())
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            row = objections.file(
                by=account_of(request), notice=notice, unit=found[given["unit"]], contact=given["contact"],
                text=given["text"], now=clock.now(),
            )  # fmt: skip
        except RefusedError as error:
            _refusal(form, error)
        else:
            messages.success(request, f"异议已提交，编号第 {row.number} 号。")
            return redirect("objection", row.pk)
    context = {"notice": notice, "form": form, "why": why, "own": True}
    return render(request, "grading/objection_form.html", context, status=422 if form.is_bound else 200)


@requires(Action.ANSWER_OBJECTION)
@require_http_methods(["GET", "POST"])
def objection_list(request: HttpRequest, pk: int) -> HttpResponse:
    """List the objections of a round; those about one's own branch are counted only."""
    round_ = round_or_404(request, pk)
    rows = Objection.objects.filter(notice__round=round_).within(request.scope)  # type: ignore[attr-defined]
    aside = recused_branch_ids(account_of(request))
    context = {
        "round": round_,
        "notice": round_.notices.filter(state=PublicityNotice.State.SHOWN).first(),
        "aside": rows.filter(unit__branch__in=aside).count(),
    }
    rows = rows.exclude(unit__branch__in=aside).select_related("unit", "notice")
    return render_list(request, OBJECTIONS, rows, template="grading/objections.html", context=context)


@requires(Action.ANSWER_OBJECTION)
@require_http_methods(["GET", "POST"])
def objection_record(request: HttpRequest, pk: int) -> HttpResponse:
    """Record an objection that came by telephone, letter, e-mail or in person."""
    round_ = round_or_404(request, pk)
    notice = round_.notices.exclude(state=PublicityNotice.State.WITHDRAWN).order_by("-ordinal").first()
    if notice is None:
        messages.error(request, "本轮还没有公示，公示后再登记异议。")
        return redirect("objections", round_.pk)
    aside = recused_branch_ids(account_of(request))
    reached = RoundUnit.objects.filter(round=round_, graded=True).within(request.scope)  # type: ignore[attr-defined]
    units = {unit.pk: unit for unit in reached.exclude(branch__in=aside)}
    form = RecordForm(request.POST or None, units=_units(notice, list(units.values())))
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        unit = units[given.pop("unit")]
        try:
            row = objections.record(by=account_of(request), notice=notice, unit=unit, now=clock.now(), **given)
        except RefusedError as error:
            _refusal(form, error)
        else:
            messages.success(request, f"已登记第 {row.number} 号异议。")
            return redirect("objection", row.pk)
    context = {"notice": notice, "round": round_, "form": form, "why": "", "own": False}
    return render(request, "grading/objection_form.html", context, status=422 if form.is_bound else 200)


def _objection(request: HttpRequest, pk: int) -> tuple[Objection, bool]:
    """Return an objection and whether the visitor answers it; 404 to others, 403 where the visitor must stand aside."""
    rows = Objection.objects.select_related(
        "unit__branch", "unit__round", "notice__round__campaign", "filed_by__person"
    )
    row = get_object_or_404(rows, pk=pk)
    if row.filed_by_id == account_of(request).pk:
        return row, False
    answer = may_answer(request.user, row)
    if answer:
        return row, True
    if not can(request.user, Action.ANSWER_OBJECTION) or answer.hidden:  # type: ignore[union-attr]
        raise Http404
    raise PermissionDenied(answer.reason)


@requires(Action.FILE_OBJECTION)
@require_safe
def objection(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an objection with its answer, to those who answer it and to whoever raised it."""
    row, answers = _objection(request, pk)
    return _page(request, row, answers=answers)


def _page(request: HttpRequest, row: Objection, *, answers: bool, form: AnswerForm | None = None) -> HttpResponse:
    round_ = row.notice.round
    final = round_.state == Round.State.FINAL
    open_ = row.state == Objection.State.OPEN
    if form is None and answers and open_ and not final:
        form = AnswerForm(initial={"answer": row.answer, "body": row.body or row.notice.receiver, "met_on": row.met_on})
    result = row.unit.results.order_by("-version").select_related("decided_grade").first()
    decided = result is not None and result.state == Result.State.DECIDED
    anew = decided and objections.decided_since(row, result)
    upheld = row.outcome == Objection.Outcome.UPHELD
    context: dict[str, Any] = {
        "objection": row,
        "round": round_,
        "answers": answers,
        "form": form,
        "result": result,
        "may_reopen": answers and not open_ and not final,
        "upheld": upheld,
        "decided_again": upheld and anew,
        "may_send_back": answers and upheld and decided and not anew and not final,
        "grade_count": round_.scale.grades.count(),
    }
    bound = form is not None and form.is_bound
    return render(request, "grading/objection.html", context, status=422 if bound else 200)


def _to_answer(request: HttpRequest, pk: int) -> Objection:
    row, answers = _objection(request, pk)
    if not answers:
        raise PermissionDenied("这是您本人提出的异议，请由其他同志办理。")
    return row


@requires(Action.ANSWER_OBJECTION)
@require_POST
def objection_answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Answer an objection."""
    row = _to_answer(request, pk)
    form = AnswerForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        decision = Decision(given["body"], given["met_on"])
        try:
            objections.answer(
                by=account_of(request), objection=row, outcome=given["outcome"], text=given["answer"],
                decision=decision, now=clock.now(),
            )  # fmt: skip
        except RefusedError as error:
            _refusal(form, error)
        except (IllegalMoveError, BlockedError) as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"已答复第 {row.number} 号异议。")
            return redirect("objection", row.pk)
    return _page(request, row, answers=True, form=form)


@requires(Action.ANSWER_OBJECTION)
@require_POST
def objection_reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Take an answer back to consider the matter again."""
    row = _to_answer(request, pk)
    try:
        reason = request.POST.get("reason", "")
        objections.take_up_again(by=account_of(request), objection=row, reason=reason, now=clock.now())
    except (RefusedError, IllegalMoveError, BlockedError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "已重新办理，原来的答复保留在下面，可以修改。")
    return redirect("objection", row.pk)


@requires(Action.ANSWER_OBJECTION)
@require_POST
def objection_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead an upheld objection back: the round to 审定, the branch's grade to be decided anew."""
    row = _to_answer(request, pk)
    if not can(request.user, Action.MANAGE_ROUND, row.notice.round):
        raise PermissionDenied("退回审定由活动办公室办理。")
    reason = request.POST.get("reason", "")
    try:
        round_ = objections.send_back(by=account_of(request), objection=row, reason=reason, now=clock.now())
    except (RefusedError, IllegalMoveError, BlockedError) as error:
        messages.error(request, str(error))
        return redirect("objection", row.pk)
    messages.success(request, f"已退回审定，请对{row.unit.name}重新定级，再次公示。")
    return redirect(f"{reverse('decide', args=[round_.pk])}?parent={row.unit.group}")
