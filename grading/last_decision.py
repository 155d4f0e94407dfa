"""The meeting decided on last: who decides for several 党总支 at one meeting types its body, day and number once."""

from typing import Any

from branches.transitions import Decision
from grading.models import Confirmation, Result, Round

FIELDS = ("body", "met_on", "document_number")


def last_decision(round_: Round, group: str = "") -> Decision | None:
    """Return the decision recorded last in a round by the body that decides on `group`; None before the first.

    A 党总支 that decides meets by itself; what the committee decides (its rounds, 直属党支部) is one body's.
    """
    rows = Result.objects.filter(unit__round=round_, version=1, state=Result.State.DECIDED)
    if round_.deciding_level == Round.DecidingLevel.GENERAL_BRANCH:
        own: dict[str, Any] = {"unit__direct": True} if group == "direct" else {"unit__direct": False}
        if group.isdigit():
            own["unit__parent_id"] = int(group)
        rows = rows.filter(**own)
    found = rows.order_by("-decided_at", "-pk").values_list(*FIELDS).first()
    return Decision(*found) if found else None


def last_of_committee(round_: Round, *, confirms: bool) -> Decision | None:
    """Return the decision by which the committee confirmed (or, where it decides, decided) last; None before that."""
    if not confirms:
        return last_decision(round_) if round_.deciding_level == Round.DecidingLevel.COMMITTEE else None
    rows = Confirmation.objects.filter(result__unit__round=round_).order_by("-confirmed_at", "-pk")
    found = rows.values_list(*FIELDS).first()
    return Decision(*found) if found else None


def offered(last: Decision | None, body: str) -> dict[str, Any]:
    """Return what the fields of a decision begin with: the last one's values, else the usual body and nothing."""
    chosen = last or Decision(body)
    return {
        "body": chosen.body,
        "met_on": chosen.met_on.isoformat() if chosen.met_on else "",
        "document_number": chosen.document_number,
        "again": last is not None and bool(last.met_on or last.document_number),
    }
