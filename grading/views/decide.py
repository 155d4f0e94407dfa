"""拟定和定级: the computed grade of each branch, the grade chosen, the reason where they differ."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from branches import clock
from branches.permissions import Action, account_of, can, get_or_404, requires
from branches.transitions import BlockedError, Decision, IllegalMoveError
from grading import scoring
from grading.last_decision import FIELDS, last_decision, offered
from grading.models import Assessment, Result, Round, RoundUnit, Source, VetoReview
from grading.permissions import GradeRights, grade_rights, may_confirm, may_decide, may_propose, school_rights
from grading.services import results
from grading.services.errors import RefusedError
from grading.views.grid import decides_here, parents_of, units_of
from grading.views.shared import WHOLE, Fault, decide_address, round_or_404

AT_ONCE = 100  # branches of a whole school shown without being asked for


@dataclass(slots=True)
class Line:
    """One branch on the deciding page."""

    unit: RoundUnit
    result: Result | None
    derivation: scoring.Derivation | None
    chosen: str
    reason: str
    why_not: str
    divergence_reason: str = ""
    reason_checked: bool = False
    may_withdraw: bool = False
    checkable: bool = False
    reviewed: bool = False
    picked: bool = True
    error: str = ""

    @property
    def open(self) -> bool:
        """Whether a grade may be chosen here now."""
        return not self.why_not

    @property
    def awaits_review(self) -> bool:
        """Whether a grade may be chosen though nobody went through the vetoes."""
        return self.open and not self.blockers and not self.reviewed

    @property
    def withdrawable(self) -> bool:
        """Whether there is a proposal or decision that may still be taken back."""
        result = self.result
        return result is not None and result.state != Result.State.COMPUTED and result.frozen_at is None

    @property
    def blockers(self) -> tuple[str, ...]:
        """What stands in the way."""
        return self.derivation.blockers if self.derivation else ()

    @property
    def flags(self) -> tuple[str, ...]:
        """What is marked beside the computed grade."""
        return results.flags_of(self.derivation) if self.derivation and self.derivation.grade else ()


def _lines(round_: Round, units: list[RoundUnit], rights: GradeRights, *, deciding: bool) -> list[Line]:
    stored = {r.unit_id: r for r in Result.objects.filter(unit__in=units).current().select_related(
        "computed_grade", "proposed_grade", "decided_grade")}  # fmt: skip
    graded = [unit for unit in units if unit.graded]
    derived = results.derive(round_)  # of the whole round: a cap of the whole school counts every branch
    sheets = {row.unit_id: row for row in Assessment.objects.filter(unit__in=units, source__code=Source.SUPERIOR)}
    reviewed = set(VetoReview.objects.filter(unit__in=units).values_list("unit_id", flat=True))
    lines = []
    for unit in graded:
        unit.round = round_
        result, found = stored.get(unit.pk), derived[unit.pk]
        grade = (result.grade.code if result and result.grade else "") or (found.grade.code if found.grade else "")
        answer = (rights.decide if deciding else rights.propose)(unit)
        why = "" if answer else answer.reason
        if result is not None and result.state == Result.State.DECIDED:
            why = "已定级"
        elif round_.state not in (Round.State.SCORING, Round.State.DECIDING):
            why = f"本轮现在是“{round_.get_state_display()}”"
        elif deciding and not unit.direct and round_.state != Round.State.DECIDING and not round_.proposes:
            why = why or "转入审定后定级"
        line = Line(unit, result, found, grade, result.manual_reason if result else "", why)
        line.reviewed = unit.pk in reviewed
        _add_rights(rights, line, sheets.get(unit.pk))
        lines.append(line)
    return lines


def _add_rights(rights: GradeRights, line: Line, sheet: Assessment | None) -> None:
    """Put the written reason on a line, and what the account may do beside choosing a grade."""
    decided = line.result is not None and line.result.state == Result.State.DECIDED
    line.may_withdraw = bool((rights.decide if decided else rights.propose)(line.unit))
    if sheet is None or not sheet.reason:
        return
    line.divergence_reason, line.reason_checked = sheet.reason, sheet.reason_checked_at is not None
    large = bool(line.derivation and line.derivation.divergence and line.derivation.divergence.needs_reason)
    line.checkable = large and not decided and not line.reason_checked and bool(rights.check(line.unit))


@requires(Action.VIEW_GRADING)
@require_http_methods(["GET", "POST"])
def decide(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the branches of one 党总支, or of a school that decides itself; POST proposes or decides those ticked."""
    round_ = round_or_404(request, pk)
    parents, chosen = _places(request, round_)
    whole = chosen == WHOLE
    units = _whole_school(request, round_) if whole else units_of(request, round_, chosen)
    deciding = decides_here(round_, chosen)
    rights = school_rights(request.user, round_, units) if whole else grade_rights(request.user)
    lines = _lines(round_, units, rights, deciding=deciding)
    faults: list[Fault] = []
    if request.method == "POST":
        answer = can(request.user, Action.DECIDE_GRADE if deciding else Action.PROPOSE_GRADE)
        if not answer:
            raise PermissionDenied(answer.reason)
        if request.GET.get("parent") == WHOLE and not whole:
            faults = [Fault("现在不能全校一起定级，请按党总支办理。")]
        else:
            faults = _apply(request, round_, lines, deciding=deciding)
        if not faults:
            return redirect(f"{reverse('decide', args=[round_.pk])}?parent={chosen}")
    context = {
        "round": round_,
        "parents": parents,
        "chosen": chosen,
        "here": next((p["name"] for p in parents if p["key"] == chosen), ""),
        "whole": whole,
        "left_out": [unit for unit in units if not unit.graded],
        "errors": faults,
        "caps": _caps(lines, {place["key"]: place["name"] for place in parents if place["key"] != chosen}),
        "decision": _decision_fields(request, round_, chosen) if deciding else {},
        **_shown(request, round_, lines, deciding=deciding),
    }
    return render(request, "grading/decide.html", context, status=422 if faults else 200)


def _shown(request: HttpRequest, round_: Round, lines: list[Line], *, deciding: bool) -> dict[str, Any]:
    """Return what the page draws of the lines, whatever place was chosen."""
    vetoes = round_.veto_items.exists()
    return {
        "lines": lines,
        "groups": _grouped(lines),
        "deciding": deciding,
        "open_count": sum(line.open and not line.blockers for line in lines),
        "grades": list(round_.scale.grades.order_by("rank")),
        "sources": round_.sources.all(),
        "withdrawable": [line for line in lines if line.withdrawable and line.may_withdraw],
        "checkable": [line for line in lines if line.checkable],
        "may_review": bool(can(request.user, Action.PROPOSE_GRADE)) and round_.is_open and vetoes,
        "unchecked": [line.unit for line in lines if vetoes and line.awaits_review],
        "today": clock.today(),
    }


def _decision_fields(request: HttpRequest, round_: Round, group: str) -> dict[str, Any]:
    """Return what the fields of the decision hold: what was typed, else what the same body decided by last time."""
    if request.method == "POST":
        return {name: request.POST.get(name, "") for name in FIELDS}
    above = group == "direct" or round_.deciding_level == Round.DecidingLevel.COMMITTEE
    return offered(last_decision(round_, group), "党委会" if above else "总支委员会")


def _places(request: HttpRequest, round_: Round) -> tuple[list[dict[str, Any]], str]:
    """Return what may be chosen, and what is: a 党总支, or the whole school where a committee decides for all."""
    parents = parents_of(request, round_)
    asked = request.GET.get("parent", "")
    above = round_.deciding_level == Round.DecidingLevel.COMMITTEE and decides_here(round_, "")
    if not above or len(parents) < 2 or not may_confirm(request.user):
        return parents, (asked if asked != WHOLE else "") or (parents[0]["key"] if parents else "")
    count = sum(parent["count"] for parent in parents)
    usual = WHOLE if count <= AT_ONCE else parents[0]["key"]
    return [{"key": WHOLE, "name": "全校", "count": count}, *parents], asked or usual


def _whole_school(request: HttpRequest, round_: Round) -> list[RoundUnit]:
    units = RoundUnit.objects.filter(round=round_).within(request.scope)  # type: ignore[attr-defined]
    return list(units.select_related("rubric", "branch", "category"))


def _grouped(lines: list[Line]) -> list[tuple[str, list[Line]]]:
    """Return the lines by 党总支, in their order."""
    found: dict[str, tuple[str, list[Line]]] = {}
    for line in lines:
        found.setdefault(line.unit.group, (line.unit.general_branch_name, []))[1].append(line)
    return list(found.values())


def _caps(lines: list[Line], names: dict[str, str]) -> list[tuple[str, Any]]:
    """Return the caps that concern these branches, once each, with the name of the 党总支 of each in `names`."""
    found: dict[str, tuple[str, Any]] = {}
    for line in lines:
        for cap in line.derivation.caps if line.derivation else ():
            if cap.state != "kept":
                found.setdefault(f"{cap.grade.code} {cap.side} {cap.group}", (names.get(cap.group, ""), cap))
    return list(found.values())


def _apply(request: HttpRequest, round_: Round, lines: list[Line], *, deciding: bool) -> list[Fault]:
    """Propose or decide the ticked branches; return what stood in the way."""
    picked: dict[int, results.Choice] = {}
    lacking: list[Fault] = []
    for line in lines:
        key = line.unit.pk
        line.chosen = request.POST.get(f"grade-{key}", line.chosen)
        line.reason = request.POST.get(f"reason-{key}", line.reason)
        line.picked = f"pick-{key}" in request.POST
        if line.open and line.picked:
            picked[key] = results.Choice(line.chosen, line.reason)
            lacking += [Fault(f"{line.unit.name}：{text}") for text in line.blockers]
    if lacking:
        return lacking
    if not picked:
        return [Fault("请先勾选要定级的党支部。" if deciding else "请先勾选要拟定的党支部。")]
    account, now = account_of(request), clock.now()
    try:
        if deciding:
            done = results.decide_grades(
                by=account, round_=round_, choices=picked, decision=_decision(request), now=now
            )
        else:
            done = results.propose_grades(by=account, round_=round_, choices=picked, now=now)
    except RefusedError as error:
        for line in lines:
            line.error = error.fields.get(line.unit.code, "")
        return [Fault(text) for text in error.sentences]
    except BlockedError as error:
        return [Fault(text) for text in error.blockers]
    except (IllegalMoveError, ValueError) as error:
        return [Fault(str(error))]
    messages.success(request, f"已{'定级' if deciding else '拟定'} {len(done)} 个党支部。")
    return []


def _decision(request: HttpRequest) -> Decision:
    """Return the deciding body as posted. Raises ValueError with a sentence for a wrong date."""
    typed = request.POST.get("met_on", "").strip()
    try:
        met_on = dt.date.fromisoformat(typed) if typed else None
    except ValueError:
        raise ValueError("会议日期请写成 2012-03-30 的样子。") from None
    if met_on is not None and met_on > clock.today():
        raise ValueError("会议日期不能晚于今天。")
    body = request.POST.get("body", "").strip()
    return Decision(body, met_on, request.POST.get("document_number", "").strip())


@requires(Action.VIEW_GRADING)
@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a proposal or decision back with a reason."""
    result = get_or_404(
        Result.objects.current().select_related("unit__round"),
        request.scope,
        unit_id=pk,  # type: ignore[attr-defined]
    )
    ask = may_decide if result.state == Result.State.DECIDED else may_propose
    answer = ask(request.user, result.unit)
    if not answer:
        raise PermissionDenied(answer.reason)
    try:
        results.withdraw(by=account_of(request), result=result, reason=request.POST.get("reason", ""), now=clock.now())
    except (RefusedError, IllegalMoveError, BlockedError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "已撤回，可以修改评分后重新定级。")
    return redirect(decide_address(request, result.unit))
