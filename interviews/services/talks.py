"""One talk as a person enters it: the record, the follow-ups it was, and the one it asks for."""

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from branches.models import Account, Campaign
from interviews.models import Interview
from interviews.services import follow_ups, interviews
from interviews.services.talk_checks import Talk


@dataclass(frozen=True, slots=True)
class Entered:
    """What the entry page sent: the talk, and until when its people are to be seen again."""

    client_id: uuid.UUID
    talk: Talk
    follow_due: dt.date | None = None


@sensitive_variables()
@transaction.atomic
def record(*, by: Account, campaign: Campaign, entered: Entered, now: dt.datetime) -> Interview:
    """Record a talk with what it does to follow-ups; the same client_id again changes nothing.

    Raises RefusedError with sentences for the person.
    """
    taken = interviews.record_interview(
        by=by, client_id=entered.client_id, campaign=campaign, talk=entered.talk, now=now
    )
    if not taken.created:
        return taken.interview
    follow_ups.close_with(by=by, interview=taken.interview, now=now)
    if entered.follow_due is not None:
        for entry in entered.talk.entries:
            follow_ups.plan(by=by, interview=taken.interview, entry=entry, due_on=entered.follow_due, now=now)
    return taken.interview
