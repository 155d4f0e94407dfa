"""审核: every branch beside the round before it; deciding, or confirming, whole 党总支 at once."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from branches import charts, clock, wording
from branches.listing import render_list
from branches.permissions import Action, account_of, enforce, requires
from branches.transitions import BlockedError, Decision, IllegalMoveError
from grading import board, review
from grading.last_decision import FIELDS, last_of_committee, offered
from grading.lists import as_it_stands, unit_rows
from grading.lists_review import review_page as page_of
from grading.lists_review import review_rows
from grading.models import Confirmation, Result, Round, RoundStep, RoundUnit
from grading.permissions import may_confirm, may_decide_all
from grading.services import confirmations
from grading.services.errors import RefusedError
from grading.views.shared import round_or_404


@requires(Action.VIEW_GRADING)
@require_http_methods(["GET", "POST"])
def review_page(request: HttpRequest, pk: int) -> HttpResponse:
    """List the branches within reach beside the last round; the school's people decide on whole 党总支 by POST."""
    round_ = round_or_404(request, pk)
    if "do" in request.POST and _decided(request, round_):
        return redirect("review", round_.pk)
    return _shown(request, round_)


def _shown(request: HttpRequest, round_: Round) -> HttpResponse:
    """Draw the page; after a refused decision with what was typed and ticked."""
    units = RoundUnit.objects.filter(round=round_).within(request.scope)  # type: ignore[attr-defined]
    context = {"round": round_, "marks": list(review.MARKS.items()), **_groups(request, round_, list(units))}
    if "do" in request.POST:
        context["decision"] = {name: request.POST.get(name, "") for name in FIELDS}
        for row in context["groups"]:
            row["ticked"] = row["line"].key in request.POST.getlist("group")
    rows = as_it_stands(unit_rows(review_rows(units)), round_, request.GET.get("sort", ""))
    return render_list(request, page_of(round_), rows, template="grading/review.html", context=context)


def _groups(request: HttpRequest, round_: Round, units: list[RoundUnit]) -> dict[str, Any]:
    """Return the 党总支 with what waits in each, and what may be done now."""
    graded = [unit for unit in units if unit.graded]
    page = board.build(round_, graded, now=clock.now())
    letters = {grade.pk: wording.rank_letter(grade.rank, len(page.grades)) for grade in page.grades}
    confirms = round_.steps.filter(code=RoundStep.Code.CONFIRM).exists()
    acts = bool(may_confirm(request.user))
    one_by_one = acts and round_.state == Round.State.DECIDING
    deciding = one_by_one and round_.proposes
    may_confirm_now = acts and confirms and round_.state in (Round.State.SCORING, Round.State.DECIDING)
    standing = Confirmation.objects.standing().filter(result__unit__round=round_)
    done = set(standing.values_list("result__unit_id", flat=True))
    manual = set(Result.objects.current().filter(unit__round=round_, manual=True).values_list("unit_id", flat=True))
    lines = [
        {
            "line": line,
            "shares": [charts.Share(g.label, n, letters[g.pk]) for g, n in line.shares(page.grades)],
            "waiting": (waiting := line.proposed - line.decided if line.proposed > line.decided else 0),
            "confirmed": (confirmed := sum(unit.group == line.key and unit.pk in done for unit in graded)),
            "ticked": bool(waiting) or (may_confirm_now and line.decided != confirmed),
            "manual": sum(unit.group == line.key and unit.pk in manual for unit in graded),
        }
        for line in page.lines
    ]
    return {
        "groups": lines,
        "deciding": deciding,
        "one_by_one": one_by_one,
        "confirming": may_confirm_now,
        "confirms": confirms,
        "decision": offered(last_of_committee(round_, confirms=may_confirm_now), "党委会"),
    }


def _decided(request: HttpRequest, round_: Round) -> bool:
    """Decide as proposed, or confirm, every branch of the ticked 党总支; tell whether it was done, or say why not."""
    enforce(request, Action.DECIDE_GRADE)
    if not (allowed := may_confirm(request.user)):
        raise PermissionDenied(allowed.reason)
    wanted = set(request.POST.getlist("group"))
    units = [
        u for u in RoundUnit.objects.filter(round=round_, graded=True).select_related("branch") if u.group in wanted
    ]
    chosen, aside = may_decide_all(request.user, round_, units)
    try:
        messages.success(request, _act(request, round_, chosen))
    except BlockedError as error:
        for sentence in error.blockers:
            messages.error(request, sentence)
        return False
    except (RefusedError, IllegalMoveError, ValueError) as error:
        messages.error(request, str(error))
        return False
    if aside:
        names = "、".join(unit.name for unit in aside)
        messages.warning(request, f"{names}按规定回避，请由其他负责人办理。")
    return True


def _act(request: HttpRequest, round_: Round, units: list[RoundUnit]) -> str:
    """Do what was asked; return what to say."""
    if not units:
        raise ValueError("请先勾选党总支。")
    given: dict[str, Any] = {
        "by": account_of(request), "round_": round_, "units": units, "decision": _decision(request), "now": clock.now(),
    }  # fmt: skip
    if request.POST.get("do") == "confirm":
        return f"已确认 {len(confirmations.confirm(**given))} 个党支部的等级。"
    if round_.state != Round.State.DECIDING:
        raise ValueError(f"本轮现在是“{round_.get_state_display()}”，转入审定后再整体审定。")
    return f"已审定 {len(confirmations.decide_as_proposed(**given))} 个党支部的等级。"


def _decision(request: HttpRequest) -> Decision:
    """Return the body as posted. Raises ValueError with a sentence for a wrong date or no body."""
    body, typed = request.POST.get("body", "").strip(), request.POST.get("met_on", "").strip()
    if not body:
        raise ValueError("请写明决定机构。")
    try:
        met_on = dt.date.fromisoformat(typed) if typed else None
    except ValueError:
        raise ValueError("会议日期请写成 2012-03-30 的样子。") from None
    if met_on is not None and met_on > clock.today():
        raise ValueError("会议日期不能晚于今天。")
    return Decision(body, met_on, request.POST.get("document_number", "").strip())
