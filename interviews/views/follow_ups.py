"""回访: my list of them, planning one from a talk, giving one up."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods, require_POST

from branches import clock
from branches.listing import render_list
from branches.permissions import Action, account_of, requires
from branches.transitions import BlockedError, IllegalMoveError
from interviews.lists_record import FOLLOW_UPS
from interviews.models import FollowUp
from interviews.services import follow_ups
from interviews.services.errors import RefusedError
from interviews.views.shared import own_or_404


@requires(Action.RECORD_INTERVIEW)
@require_http_methods(["GET", "POST"])
def follow_up_list(request: HttpRequest) -> HttpResponse:
    """List whom I mean to see again."""
    rows = FollowUp.objects.of(account_of(request)).select_related(
        "entry__person", "entry__class_group", "entry__category", "interview"
    )
    context = {"late": FollowUp.objects.of(account_of(request)).late(clock.today()).count()}
    return render_list(request, FOLLOW_UPS, rows, template="interviews/follow_ups.html", context=context)


@requires(Action.RECORD_INTERVIEW)
@require_POST
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Plan a follow-up with somebody of a talk."""
    interview = own_or_404(request, pk)
    key = request.POST.get("entry", "")
    number = int(key) if key.isascii() and key.isdigit() and len(key) < 19 else 0
    subject = get_object_or_404(interview.subjects.select_related("entry__unit"), entry=number)
    try:
        day = parse_date(request.POST.get("due_on", ""))
    except ValueError:
        day = None
    try:
        if day is None:
            raise RefusedError(["请选择回访期限。"])
        follow_ups.plan(by=account_of(request), interview=interview, entry=subject.entry, due_on=day, now=clock.now())
    except RefusedError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"已安排回访，期限{day:%m月%d日}，到期在工作台提醒。")
    return redirect("interview", interview.pk)


@requires(Action.RECORD_INTERVIEW)
@require_POST
def drop(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a follow-up up, with a reason."""
    row = get_object_or_404(FollowUp.objects.of(account_of(request)), pk=pk)
    try:
        follow_ups.drop(by=account_of(request), follow_up=row, reason=request.POST.get("reason", ""), now=clock.now())
    except (RefusedError, IllegalMoveError, BlockedError) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, "已取消这次回访。")
    return redirect("interview", row.interview_id)
