"""What waits for somebody about frozen results: corrections that another person proposed."""

import datetime as dt
from collections.abc import Iterator

from django.urls import reverse

from branches.models import Account
from branches.permissions import Action, recused_branch_ids, scope
from branches.registries import HomeItem, home
from grading.models import Correction


@home
def corrections_to_approve(account: Account, now: dt.datetime) -> Iterator[HomeItem]:  # noqa: ARG001
    """Ask for the second person's answer to each correction that waits."""
    reach = scope(account, Action.APPROVE_CORRECTION)
    if not reach:
        return
    rows = Correction.objects.open().within(reach).exclude(proposed_by=account)
    aside = recused_branch_ids(account)
    related = ("result__unit__round__campaign", "result__decided_grade", "grade", "proposed_by__person")
    for row in rows.select_related(*related):
        if row.result.unit.branch_id in aside:
            continue
        title = f"{row.result.unit.round.dated}：复核更正"
        detail = f"{row.result.unit.name}，由“{row.result.decided_grade}”更正为“{row.grade}”，{row.proposed_by}提出"
        yield HomeItem(title, detail, "去复核", reverse("correction", args=[row.pk]))
