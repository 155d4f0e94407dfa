"""What several pages of talks need: the campaign, one's own talks, answers to bad input."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from branches import clock
from branches.forms_base import ZhForm
from branches.models import Account, Campaign
from branches.permissions import account_of
from interviews.mine import campaigns_of
from interviews.models import Channel, FocusGroup, Interview, Topic
from interviews.services.errors import RefusedError


def posted(request: HttpRequest) -> Any:
    """Return what a form is bound to: what was posted, be it nothing, else None."""
    return request.POST if request.method == "POST" else None


def refusal(form: ZhForm, error: RefusedError) -> None:
    """Put what a service says to the fields it is about, the rest above the form."""
    for name, sentence in error.fields.items():
        form.add_error(name if name in form.fields else None, sentence)
    for sentence in error.sentences:
        if sentence not in error.fields.values():
            form.add_error(None, sentence)


def my_campaign(request: HttpRequest) -> tuple[Campaign | None, list[Campaign]]:
    """Return the campaign asked for, else the newest in which the account has a list; and all of them."""
    mine = campaigns_of(account_of(request))
    wanted = request.POST.get("campaign") or request.GET.get("campaign", "")
    chosen = next((one for one in mine if str(one.pk) == wanted), None)
    return chosen or (mine[0] if mine else None), mine


def visible_or_404(request: HttpRequest, pk: int) -> Interview:
    """Return a talk the account recorded or is a named reader of at this moment; 404 otherwise."""
    rows = Interview.objects.visible_to(account_of(request), clock.now())
    return get_object_or_404(
        rows.select_related("record", "campaign", "unit", "interviewer__person", "channel", "notice"), pk=pk
    )


def own_or_404(request: HttpRequest, pk: int) -> Interview:
    """Return a talk the account recorded itself; 404 otherwise."""
    found = visible_or_404(request, pk)
    if found.interviewer_id != account_of(request).pk:
        raise Http404
    return found


def names_of(interview: Interview) -> list[str]:
    """Return who a talk was with."""
    rows = interview.subjects.select_related("entry__person").order_by("entry__person__initials", "pk")
    return [row.entry.person.name for row in rows]


def who(names: list[str]) -> str:
    """Name up to three people."""
    return "、".join(names[:3]) + (f"等 {len(names)} 人" if len(names) > 3 else "")


def is_own(account: Account, interview: Interview) -> bool:
    """Tell whether an account recorded a talk."""
    return interview.interviewer_id == account.pk


def day_after(day: dt.date) -> dt.datetime:
    """Return the moment at which a day is over."""
    return clock.end_of(day)


Chip = tuple[int, str, bool, bool]


def _chips(rows: Iterable[Any], chosen: set[str]) -> list[Chip]:
    """Return what is offered: words in use, and retired ones that are chosen already."""
    offered = (row for row in rows if row.active or str(row.pk) in chosen)
    return [(row.pk, row.name, str(row.pk) in chosen, getattr(row, "sensitive", False)) for row in offered]


def choices(campaign: Campaign, given: Any, kinds: set[str]) -> dict[str, list[Chip]]:
    """Return the chips of a campaign with what is chosen: face to face unless something else was."""
    channels = list(Channel.objects.filter(campaign=campaign))
    channel = given.get("channel")
    chosen = {channel} if channel else {str(row.pk) for row in channels if row.face_to_face and row.active}
    groups = FocusGroup.objects.filter(campaign=campaign, kind__in=kinds)
    return {
        "channels": _chips(channels, chosen),
        "topics": _chips(Topic.objects.filter(campaign=campaign), set(given.getlist("topics"))),
        "groups": _chips(groups, set(given.getlist("groups"))),
    }
