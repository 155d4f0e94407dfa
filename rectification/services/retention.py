"""The log of messages does not grow for ever: what is finished with goes after the months the rules say."""

import datetime as dt

from django.db import transaction

from branches import audit, clock
from rectification.models import Dispatch, RectificationRules
from rectification.terms import add_months

D = Dispatch
FINISHED = (D.State.SENT, D.State.FAILED, D.State.UNCERTAIN, D.State.SKIPPED)
BATCH = 500


def rules_in_force() -> RectificationRules | None:
    """Return the rules that say how long the log is kept: those of the campaign that began last."""
    rules = RectificationRules.objects.select_related("campaign__root").order_by("-campaign__starts_on", "-campaign")
    return rules.first()


@transaction.atomic
def forget(*, now: dt.datetime, limit: int = BATCH) -> int:
    """Delete finished messages and what they told, older than the rules in force keep them; returns how many.

    What waits or is being sent stays, and so does a message that was sent again until the later one goes.
    """
    rules = rules_in_force()
    if rules is None or rules.log_months is None:
        return 0
    before = add_months(clock.day_of(now), -rules.log_months)
    old = D.objects.filter(state__in=FINISHED, day__lt=before, again__isnull=True)
    keys = list(old.order_by("day", "pk").values_list("pk", flat=True)[:limit])
    if not keys:
        return 0
    D.objects.filter(pk__in=keys).delete()
    audit.record(
        by=None, action="dispatch.forget", thing=rules, branch=rules.campaign.root,
        summary=f"清除 {len(keys)} 条保存期满的发送记录", after={"before": before, "messages": len(keys)},
    )  # fmt: skip
    return len(keys)
