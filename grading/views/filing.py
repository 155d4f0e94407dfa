"""Filing against a deadline: tickets taken before it, and the receipt afterwards."""

import datetime as dt

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from branches import clock, tickets
from branches.models import Upload
from branches.permissions import Action, account_of, can, get_or_404, requires
from grading.models import Assessment, Receipt, RoundUnit
from grading.services.receipts import digest_of
from grading.services.rounds import deadline
from grading.views.shared import round_or_404

OFFLINE = "offline"


def thing(round_id: int) -> str:
    """Return what a ticket is about: filing in one round."""
    return f"round:{round_id}"


def ticket(request: HttpRequest, round_id: int, now: dt.datetime) -> str:
    """Return the ticket a page carries: the one just posted while it is good, else a new one."""
    account_id, posted = account_of(request).pk, request.POST.get("ticket", "")
    if posted and tickets.moment(posted, account_id=account_id, thing=thing(round_id), now=now):
        return posted
    return tickets.issue(account_id=account_id, thing=thing(round_id), now=now)


def ticket_at(request: HttpRequest, unit: RoundUnit, code: str, now: dt.datetime) -> dt.datetime | None:
    """Return when a late filing was begun, as far as a good ticket proves it: the page's, or an offline workbook's."""
    closes = closes_at(unit, code)
    if closes is None or now < closes:
        return None
    account, round_id = account_of(request), unit.round_id
    found = tickets.moment(request.POST.get("ticket", ""), account_id=account.pk, thing=thing(round_id), now=now)
    sent = Upload.objects.filter(account=account, kind=OFFLINE, state=Upload.State.DONE, choices__round=round_id)
    for held in sent.order_by("-pk").values_list("choices__ticket", flat=True)[:5]:
        other = tickets.moment(held or "", account_id=account.pk, thing=thing(round_id), now=now)
        found = min(filter(None, (found, other)), default=None)
    return found


def closes_at(unit: RoundUnit, code: str) -> dt.datetime | None:
    """Return the first moment at which a filing of this branch is late."""
    last = deadline(unit, code)
    return None if last is None else clock.end_of(last)


def closes_in(unit: RoundUnit, code: str, now: dt.datetime) -> int | None:
    """Return the seconds left until then, None when there is no deadline or it has passed."""
    closes = closes_at(unit, code)
    return None if closes is None or closes <= now else int((closes - now).total_seconds())


def receipt_said(sheet: Assessment) -> str:
    """Return the newest receipt of a sheet as a sentence."""
    row = sheet.receipts.first()
    if row is None:
        return ""
    return (
        f"回执号 {row.number}，{timezone.localtime(row.filed_at):%-m月%-d日 %H:%M:%S}{'，逾期' if row.late else ''}。"
    )


@requires(Action.FILL_ASSESSMENT)
@require_GET
def fresh_ticket(request: HttpRequest, pk: int) -> HttpResponse:
    """Give out a ticket of this moment, for a page that is open while the deadline comes near."""
    round_ = round_or_404(request, pk)
    if not round_.is_open:
        raise Http404
    return HttpResponse(ticket(request, round_.pk, clock.now()), content_type="text/plain")


@requires(Action.VIEW_GRADING)
@require_GET
def receipt(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a receipt to print; say whether the sheet still is what was filed."""
    rows = Receipt.objects.select_related("assessment__unit__round__campaign", "assessment__source", "filed_by__person")
    row = get_or_404(rows, request.scope, pk=pk)  # type: ignore[attr-defined]
    unit = row.assessment.unit
    context = {
        "receipt": row,
        "unit": unit,
        "round": unit.round,
        "source": row.assessment.source,
        "newest": row.assessment.receipts.first() == row,
        "unchanged": digest_of(row.assessment) == row.digest,
        "closes_at": closes_at(unit, row.assessment.source.code),
        "own": bool(can(request.user, Action.FILL_ASSESSMENT, unit)),
    }
    return render(request, "grading/receipt.html", context)
