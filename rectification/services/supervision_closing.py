"""What becomes of 督办单 and 定点联系人 when a branch ends or goes under another 党总支: nothing is left to nobody."""

import datetime as dt

from django.db import transaction

from branches import audit
from branches.models import Account, Branch
from branches.transitions import advance
from rectification import supervision_states
from rectification.models import Contact, SupervisionNotice

S = SupervisionNotice.State
GONE = "党组织已撤销"
supervision_states.declare()


@transaction.atomic
def end_of_branch(*, by: Account | None, branch: Branch, now: dt.datetime) -> None:
    """Withdraw what a branch that ended still owes an answer to, close what it answered, and end its contacts.

    Its items are handed on or ended by `services.closing`; the branch that takes them over is urged anew if need be.
    """
    for notice in SupervisionNotice.objects.alive().filter(branch=branch):
        to = S.CLOSED if notice.state == S.REPLIED else S.WITHDRAWN
        advance(notice, to, by=by, now=now, reason=GONE)
    for contact in Contact.objects.present().filter(branch=branch):
        contact.ends_on, contact.end_reason = max(now.date(), contact.starts_on), GONE
        contact.save(update_fields=["ends_on", "end_reason"])
        audit.record(by=by, action="contact.ended", thing=contact, branch=branch, summary="党组织撤销，结束定点联系")
