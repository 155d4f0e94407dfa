"""Ballot boxes of a round: the list by 党总支, boxes for all branches, printing codes, opening and closing many."""

import datetime as dt
from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from branches import clock
from branches.permissions import Action, account_of, can, requires, scope
from branches.transitions import BlockedError, IllegalMoveError
from grading import ballot_board, ballot_slips
from grading.forms.ballots import KeepersForm, Want, group_codes, read_wants
from grading.models import BallotBox, Round, RoundUnit, Source
from grading.services import ballots
from grading.services.errors import RefusedError
from grading.views.shared import Fault, round_or_404

S = BallotBox.State
MOST_SLIPS = 800
LISTED = 5


# --- The list ------------------------------------------------------------------------------------------------------


@requires(Action.MANAGE_BALLOT)
@require_safe
def ballot_list(request: HttpRequest, pk: int) -> HttpResponse:
    """Show every branch's box: state, 发出, 收回; many 党总支 as one line each."""
    round_ = round_or_404(request, pk)
    source, sources = _source(round_, request.GET.get("source", ""))
    groups = ballot_board.groups(ballot_board.lines(_units(request, round_), source)) if source else []
    chosen = next((group for group in groups if group.key == request.GET.get("parent")), None)
    here = chosen or (groups[0] if len(groups) == 1 else None)
    context = {
        "round": round_, "source": source, "sources": sources, "groups": groups, "here": here,
        "total": ballot_board.Group("", "合计", [line for group in groups for line in group.lines]),
        "floor": max(ballots.FLOOR, source.minimum_ballots) if source else 0,
        "problems": round_.problem_boxes.all(),
    }  # fmt: skip
    return render(request, "grading/ballots.html", context)


def _source(round_: Round, code: str) -> tuple[Source | None, list[Source]]:
    """Return the appraisal source of a code, else the first, and all of them."""
    sources = ballot_board.appraisals(round_.sources.prefetch_related("groups", "options"))
    return next((one for one in sources if one.code == code), sources[0] if sources else None), sources


def _units(request: HttpRequest, round_: Round) -> list[RoundUnit]:
    units = RoundUnit.objects.filter(round=round_, graded=True).within(request.scope)  # type: ignore[attr-defined]
    return list(units.select_related("round__campaign", "branch"))


def address_of(request: HttpRequest) -> str:
    """Return the short address voters open: that of the installation's setting, else the one of this request."""
    path = reverse("ballot")
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)


def only_here(address: str) -> bool:
    """Tell whether an address works on this machine alone."""
    return address.partition("://")[2].partition("/")[0].rpartition(":")[0] in {"localhost", "127.0.0.1", "[::1]"}


def card(request: HttpRequest, round_: Round) -> ballot_board.Group | None:
    """Return what the page of a round says about its boxes; None for whoever has nothing to do with them."""
    reach = scope(request.user, Action.MANAGE_BALLOT)
    source, _ = _source(round_, "")
    if not reach or source is None or round_.state == Round.State.PREPARING:
        return None
    units = list(RoundUnit.objects.filter(round=round_, graded=True).within(reach))
    return ballot_board.Group("", "合计", ballot_board.lines(units, source)) if units else None


# --- Boxes for many branches ---------------------------------------------------------------------------------------


@requires(Action.MANAGE_BALLOT)
@require_http_methods(["GET", "POST"])
@sensitive_variables("made")
def ballot_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Make boxes for the chosen branches; the answer shows the copies of their keys, once."""
    round_ = round_or_404(request, pk)
    source, _ = _source(round_, request.POST.get("source") or request.GET.get("source", ""))
    if source is None:
        return redirect("ballots", round_.pk)
    units = _open_units(request, round_, source)
    posted = request.method == "POST"
    form = KeepersForm(request.POST or None, now=clock.now())
    wants = read_wants(units, source, request.POST) if posted else [_offer(unit, source) for unit in units]
    faults: list[Fault] = []
    if posted:
        faults = _want_faults(form, wants)
        if not faults:
            made, faults = _make(request, source, form, [want for want in wants if want.picked])
            if made:
                return _copies(request, round_, made, faults)
            faults = _told_once(wants)
    context = {
        "round": round_, "source": source, "form": form, "wants": wants, "errors": faults,
        "groups": [(code, name, request.POST.get(f"all-{code}", "")) for code, name in group_codes(source)],
        "parent": request.GET.get("parent", ""), "floor": max(ballots.FLOOR, source.minimum_ballots),
    }  # fmt: skip
    return render(request, "grading/ballot_new.html", context, status=422 if faults else 200)


def _open_units(request: HttpRequest, round_: Round, source: Source) -> list[RoundUnit]:
    """Return the branches in reach without a box and without counts, those of one 党总支 when the address says so."""
    found = ballot_board.lines(_units(request, round_), source)
    parent = request.GET.get("parent", "")
    units = [line.unit for line in found if line.box is None and not line.on_paper]
    units = [unit for unit in units if not parent or unit.group == parent]
    return [unit for unit in units if can(request.user, Action.MANAGE_BALLOT, unit)]


def _offer(unit: RoundUnit, source: Source) -> Want:
    return Want(unit, picked=True, numbers=[(code, "") for code, _ in group_codes(source)])


def _want_faults(form: KeepersForm, wants: list[Want]) -> list[Fault]:
    faults = [
        Fault(str(text), form[name].id_for_label if name in form.fields else "")
        for name, texts in form.errors.items() for text in texts
    ]  # fmt: skip
    if not any(want.picked for want in wants):
        faults.append(Fault("请至少选一个支部。"))
    return faults + _told_once(wants)


def _told_once(wants: list[Want]) -> list[Fault]:
    """Return what is wrong with rows, the same thing once; it leads to the number all have in common."""
    rows: dict[tuple[str, bool], list[Want]] = {}
    for want in wants:
        if want.error:
            rows.setdefault((want.error, want.common), []).append(want)
    faults = []
    for (error, common), found in rows.items():
        if len(found) == 1:
            faults.append(Fault(f"{found[0].unit.name}：{error}", f"id_n-{found[0].unit.pk}"))
            continue
        how = "可在“每个支部发多少张”填一个数，或在下面逐个填写。" if common else ""
        faults.append(Fault(f"{len(found)} 个支部：{error}{how}", "id_all-1" if common else f"id_n-{found[0].unit.pk}"))
    return faults


def _make(
    request: HttpRequest, source: Source, form: KeepersForm, wants: list[Want]
) -> tuple[list[ballots.NewBox], list[Fault]]:
    """Make the boxes, each by itself: what one branch cannot have stops no other."""
    made, faults = [], []
    keepers = (form.cleaned_data["first_keeper"], form.cleaned_data["second_keeper"])
    for want in wants:
        try:
            new = ballots.create_box(
                by=account_of(request), unit=want.unit, source=source, groups=want.groups, keepers=keepers,
                now=clock.now(), closes_at=form.cleaned_data["closes_at"],
            )  # fmt: skip
        except RefusedError as error:
            want.error = "".join(error.sentences)
            faults.append(Fault(f"{want.unit.name}：{want.error}", f"id_n-{want.unit.pk}"))
        else:
            made.append(new)
    return made, faults


def _copies(request: HttpRequest, round_: Round, made: list[ballots.NewBox], faults: list[Fault]) -> HttpResponse:
    """Show the copies of the keys to print, one stack for each keeper."""
    keepers = [custody.keeper for custody in made[0].box.custodies.order_by("ordinal")]
    context = {"round": round_, "made": made, "keepers": keepers, "left_out": faults, "source": made[0].box.source}
    return render(request, "grading/ballot_copies.html", context)


# --- Many at once --------------------------------------------------------------------------------------------------


def _picked(request: HttpRequest, round_: Round) -> list[BallotBox]:
    """Return the boxes ticked on the page, as far as the account reaches them."""
    ids = [int(one) for one in request.POST.getlist("box") if one.isascii() and one.isdigit()]
    boxes = BallotBox.objects.filter(pk__in=ids, unit__round=round_).within(request.scope)  # type: ignore[attr-defined]
    found = boxes.select_related("unit__round", "unit__branch", "source").order_by("unit__parent_position", "unit__pk")
    return list(found)


def _back(request: HttpRequest, round_: Round) -> HttpResponse:
    parent = request.POST.get("parent", "")
    return redirect(reverse("ballots", args=[round_.pk]) + (f"?parent={parent}" if parent.isalnum() else ""))


def refused(request: HttpRequest, box: BallotBox, act: Callable[[], Any]) -> str:
    """Do something to a box if the account may; return the sentence that says why not, or nothing."""
    answer = can(request.user, Action.MANAGE_BALLOT, box)
    if not answer:
        return answer.reason
    try:
        act()
    except (RefusedError, BlockedError, IllegalMoveError) as error:
        return str(error)
    return ""


@requires(Action.MANAGE_BALLOT)
@require_POST
def ballot_bulk(request: HttpRequest, pk: int) -> HttpResponse:
    """Open or close the boxes that were ticked; say which could not be."""
    round_ = round_or_404(request, pk)
    account, now, what = account_of(request), clock.now(), request.POST.get("do", "")
    acts: dict[str, tuple[str, str, Callable[[BallotBox], Any]]] = {
        "open": ("开始评议", S.DRAFT, lambda box: ballots.open_box(by=account, box=box, now=now)),
        "close": ("结束评议", S.OPEN, lambda box: ballots.close_box(by=account, box=box, now=now)),
    }
    if what not in acts:
        return _back(request, round_)
    verb, state, act = acts[what]
    boxes = [box for box in _picked(request, round_) if box.state == state]
    faults = [(box, text) for box in boxes if (text := refused(request, box, lambda box=box: act(box)))]  # type: ignore[misc]
    done = len(boxes) - len(faults)
    if done:
        messages.success(request, f"{verb} {done} 个支部。")
    for box, text in faults[:LISTED]:
        messages.error(request, f"{box.unit.name}：{text}")
    if len(faults) > LISTED:
        messages.error(request, f"另有 {len(faults) - LISTED} 个支部没有办成。")
    if not boxes:
        messages.error(request, f"没有选到可以{verb}的支部。")
    return _back(request, round_)


@requires(Action.MANAGE_BALLOT)
@require_POST
@sensitive_variables("tickets", "content")
def ballot_codes(request: HttpRequest, pk: int) -> HttpResponse:
    """Make fresh codes for the boxes that were ticked and answer with the sheet to cut; nothing of it is kept."""
    round_ = round_or_404(request, pk)
    boxes = [box for box in _picked(request, round_) if box.state == S.DRAFT]
    wanted = sum(group["number"] for box in boxes for group in box.groups)
    fault = _print_fault(request, boxes, wanted)
    if fault:
        messages.error(request, fault)
        return _back(request, round_)
    tickets: list[ballot_slips.Ticket] = []
    try:
        with transaction.atomic():  # all or none: a sheet is whole, and earlier sheets stay good where it fails
            for box in boxes:
                issued = ballots.issue_codes(by=account_of(request), box=box, now=clock.now())
                tickets += tickets_of(box, issued)
    except RefusedError as error:
        messages.error(request, str(error))
        return _back(request, round_)
    content = ballot_slips.sheet(
        tickets, title=f"{round_.dated}评议码", address=address_of(request), font_dirs=settings.FONT_DIRS
    )
    name = boxes[0].unit.name if len(boxes) == 1 else boxes[0].unit.general_branch_name
    return pdf_answer(content, f"评议码-{name}-{len(tickets)}张.pdf")


def _print_fault(request: HttpRequest, boxes: list[BallotBox], wanted: int) -> str:
    if not boxes:
        return "没有选到可以印制的支部：评议开始前才能印制评议码。"
    if wanted > MOST_SLIPS:
        return f"一次最多印制 {MOST_SLIPS} 张，所选支部共 {wanted} 张，请分几次选。"
    for box in boxes:
        answer = can(request.user, Action.MANAGE_BALLOT, box)
        if not answer:
            return f"{box.unit.name}：{answer.reason}"
    return ""


def tickets_of(box: BallotBox, issued: Iterable[ballots.IssuedCode]) -> list[ballot_slips.Ticket]:
    """Return what is printed for the codes of a box."""
    until = until_words(box.closes_at)
    return [ballot_slips.Ticket(box.unit.name, one.group_name, until, one.code) for one in issued]


def until_words(moment: dt.datetime | None) -> str:
    """Say a deadline on a slip: 10月12日18:00前."""
    if moment is None:
        return ""
    at = timezone.localtime(moment)
    return f"{at.month}月{at.day}日{at:%H:%M}前"


def pdf_answer(content: bytes, name: str) -> HttpResponse:
    """Answer with a PDF to save or print; no cache keeps it."""
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    response["Cache-Control"] = "no-store"
    return response
