"""离任访谈人: naming who goes on with their talks. Who manages talks does it, and sees no word of them."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from branches import clock, wording
from branches.models import Account
from branches.permissions import Action, account_of, requires
from branches.scopes import Scope
from interviews.forms.confidence import SuccessorForm
from interviews.people import accounts_with
from interviews.services import leavers, readers
from interviews.services.errors import RefusedError
from interviews.views.shared import day_after, posted, refusal


@requires(Action.MANAGE_INTERVIEWS)
@require_http_methods(["GET", "POST"])
def leaver(request: HttpRequest, pk: int) -> HttpResponse:
    """Show who may read what somebody left behind, and name a successor."""
    reach: Scope = request.scope  # type: ignore[attr-defined]
    owner = get_object_or_404(leavers.gone(reach), pk=pk)
    by, now = account_of(request), clock.now()
    offered = accounts_with(Action.READ_INTERVIEW).exclude(pk__in=[by.pk, owner.pk])
    form = SuccessorForm(posted(request), accounts=offered)
    if form.is_valid():
        given = form.cleaned_data
        try:
            leavers.hand_on(
                by=by, owner=owner, account=given["account"], reach=reach, reason=given["reason"],
                until=day_after(given["until"]), now=now,
            )  # fmt: skip
        except RefusedError as error:
            refusal(form, error)
        else:
            taker = given["account"].get_full_name()
            messages.success(request, f"{taker}接手他的访谈、没办完的回访和实际问题，每次查看都有记录。")
            return redirect("leaver", owner.pk)
    named = [(one, wording.last_day(timezone.localtime(until))) for one, until in _named(owner, reach)]
    context: dict[str, Any] = {"owner": owner, "form": form, "named": named}
    return render(request, "interviews/leaver.html", context, status=422 if form.errors else 200)


def _named(owner: Account, reach: Scope) -> Any:
    return leavers.successors(owner, reach, clock.now())


@requires(Action.MANAGE_INTERVIEWS)
@require_POST
def successor_end(request: HttpRequest, pk: int, account: int) -> HttpResponse:
    """Take the access of a successor back, to all talks of somebody who left."""
    reach: Scope = request.scope  # type: ignore[attr-defined]
    owner = get_object_or_404(leavers.gone(reach), pk=pk)
    taker = get_object_or_404(Account.objects.filter(pk__in=[one.pk for one, _ in _named(owner, reach)]), pk=account)
    for row in leavers.access_of(taker, owner, reach, clock.now()):
        readers.revoke_reader(by=account_of(request), reader=row, now=clock.now())
    messages.success(request, f"{taker.get_full_name()}不能再看他的访谈。")
    return redirect("leaver", owner.pk)
