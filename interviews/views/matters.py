"""A practical problem: handing it on, reading its text, answering it, telling the person."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from branches import clock
from branches.forms_base import ZhForm
from branches.listing import render_list
from branches.models import TransitionLog
from branches.permissions import Action, account_of, requires
from branches.transitions import BlockedError, IllegalMoveError, history
from interviews import permissions
from interviews.forms.matters import AnswerForm, ReassignForm, ReleaseForm, TellForm
from interviews.lists_record import MY_MATTERS
from interviews.matter_figures import with_units
from interviews.models import Matter
from interviews.people import accounts_with
from interviews.services import matters, sealed
from interviews.services.errors import NotReadableError, RefusedError
from interviews.views.shared import names_of, own_or_404, posted, refusal, who

SAID = {
    "accept": "已受理。",
    "send_back": "已退回访谈人。",
    "reassign": "已重新交办。",
    "answer": "已办复，等访谈人反馈本人。",
    "ask_again": "已退回再办。",
    "tell": "已记下反馈本人。",
    "withdraw": "已撤回，不再计入。",
}


@requires(Action.HANDLE_MATTER)
@require_http_methods(["GET", "POST"])
def my_matters(request: HttpRequest) -> HttpResponse:
    """List the problems one handed on and those one handles."""
    rows = with_units(Matter.objects.visible_to(account_of(request)), clock.today())
    return render_list(request, MY_MATTERS, rows, template="interviews/my_matters.html")


@requires(Action.RECORD_INTERVIEW)
@sensitive_post_parameters("text")
@sensitive_variables()
@require_http_methods(["GET", "POST"])
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """Write a problem in a text of its own and hand it on."""
    interview = own_or_404(request, pk)
    owners = accounts_with(Action.HANDLE_MATTER, interview.unit)
    form = ReleaseForm(posted(request), campaign=interview.campaign, owners=owners)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            row = matters.release(by=account_of(request), interview=interview, now=clock.now(), **given)
        except RefusedError as error:
            refusal(form, error)
        else:
            messages.success(request, f"已交办，第 {row.number} 号，承办人{row.owner.get_full_name()}。")
            return redirect("matter", row.pk)
    context = {"interview": interview, "who": who(names_of(interview)), "form": form}
    return render(request, "interviews/matter_new.html", context, status=422 if form.errors else 200)


def _matter_or_404(request: HttpRequest, pk: int) -> Matter:
    rows = Matter.objects.visible_to(account_of(request))
    return get_object_or_404(with_units(rows, clock.today()).select_related("record", "campaign", "interview"), pk=pk)


def _forms(matter: Matter, *, raiser: bool, owner: bool) -> dict[str, ZhForm]:
    """Return the forms of the moves that somebody may make now, by move."""
    state = matter.state
    found: dict[str, ZhForm] = {}
    if owner and state == Matter.State.IN_HAND and matter.record.erased_at is None:
        found["answer"] = AnswerForm(auto_id="answer_%s")
    if raiser and state in (Matter.State.RELEASED, Matter.State.RETURNED):
        found["reassign"] = ReassignForm(
            initial={"owner": matter.owner_id, "due_on": matter.due_on},
            owners=accounts_with(Action.HANDLE_MATTER, matter.unit), auto_id="reassign_%s",
        )  # fmt: skip
    if raiser and state == Matter.State.ANSWERED:
        found["tell"] = TellForm(today=clock.today(), auto_id="tell_%s")
    return found


def _context(request: HttpRequest, matter: Matter) -> dict[str, Any]:
    account = account_of(request)
    raiser, owner = matter.raised_by_id == account.pk, matter.owner_id == account.pk
    moves: list[TransitionLog] = list(history(matter))
    return {
        "matter": matter,
        "raiser": raiser,
        "owner": owner,
        "readable": bool(permissions.access(account, matter.record, clock.now())),
        "late": matter.state in Matter.PENDING and matter.due_on < clock.today(),
        "names": who(names_of(matter.interview)) if raiser else "",
        "moves": [(row, dict(Matter.State.choices).get(row.to_state, "")) for row in moves],
        "readings": matter.record.readings.select_related("by__person")[:30] if raiser else [],
        **{f"{name}_form": form for name, form in _forms(matter, raiser=raiser, owner=owner).items()},
    }


@requires(Action.HANDLE_MATTER)
@require_safe
def matter_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a problem without its text, and what can be done now."""
    return render(request, "interviews/matter.html", _context(request, _matter_or_404(request, pk)))


@requires(Action.HANDLE_MATTER)
@sensitive_variables()
@require_POST
def matter_read(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the text and the result, and note who did; who may not is noted too."""
    rows = with_units(Matter.objects.all(), clock.today()).select_related("record", "campaign", "interview")
    matter = get_object_or_404(rows, pk=pk)
    found: dict[str, Any] = {}
    try:
        found["opened"] = sealed.open_record(by=account_of(request), record=matter.record, now=clock.now())
    except NotReadableError as error:
        raise Http404 from error
    except RefusedError as error:
        found["errors"] = error.sentences
    status = 422 if "errors" in found else 200
    return render(request, "interviews/matter.html", _context(request, matter) | found, status=status)


def _given(request: HttpRequest, matter: Matter, move: str) -> tuple[dict[str, Any], ZhForm | None]:
    """Return what a move needs, parsed; a form with errors where it was filled in wrongly."""
    owners = accounts_with(Action.HANDLE_MATTER, matter.unit)
    form: ZhForm | None = None
    if move == "answer":
        form = AnswerForm(request.POST, auto_id="answer_%s")
    elif move == "reassign":
        form = ReassignForm(request.POST, owners=owners, auto_id="reassign_%s")
    elif move == "tell":
        form = TellForm(request.POST, today=clock.today(), auto_id="tell_%s")
    elif move in ("send_back", "ask_again", "withdraw"):
        return {"reason": request.POST.get("reason", "")}, None
    return (form.cleaned_data if form is not None and form.is_valid() else {}), form


@requires(Action.HANDLE_MATTER)
@sensitive_post_parameters("result")
@sensitive_variables()
@require_POST
def matter_move(request: HttpRequest, pk: int) -> HttpResponse:
    """Accept, return, answer, tell …: `do` names the move."""
    matter, move = _matter_or_404(request, pk), request.POST.get("do", "")
    if move not in SAID:
        raise Http404
    given, form = _given(request, matter, move)
    if form is None or form.is_valid():
        try:
            getattr(matters, move)(by=account_of(request), matter=matter, now=clock.now(), **given)
        except (RefusedError, IllegalMoveError, BlockedError) as error:
            if form is None:
                messages.error(request, str(error))
                return redirect("matter", matter.pk)
            form.add_error(None, str(error))
        else:
            messages.success(request, SAID[move])
            return redirect("matter", matter.pk)
    context = _context(request, matter) | {f"{move}_form": form}
    return render(request, "interviews/matter.html", context, status=422 if form.errors else 200)
