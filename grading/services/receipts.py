"""回执: what a branch gets for filing, by number, with the time that counts."""

import datetime as dt
import hashlib
import json
import secrets
from decimal import Decimal

from django.utils import timezone

from branches.crockford import ALPHABET
from branches.models import Account
from grading.models import Assessment, Receipt
from grading.services.rounds import is_late

LENGTH = 6


def time_that_counts(
    *, assessment: Assessment, now: dt.datetime, ticket_at: dt.datetime | None
) -> tuple[dt.datetime, bool]:
    """Return when a filing counts as made and whether it is late.

    It is the time of arrival, unless that is late and the ticket was taken in time.
    """
    code = assessment.source.code
    if not is_late(assessment.unit, code, now):
        return now, False
    if ticket_at is not None and ticket_at <= now and not is_late(assessment.unit, code, ticket_at):
        return ticket_at, False
    return now, True


def issue(
    *, by: Account | None, assessment: Assessment, filed_at: dt.datetime, received_at: dt.datetime, late: bool
) -> Receipt:
    """Store the receipt of a filing, in the transaction that files."""
    tail = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return Receipt.objects.create(
        assessment=assessment,
        number=f"{timezone.localtime(received_at):%y%m%d}-{tail}",
        filed_at=filed_at,
        received_at=received_at,
        late=late,
        filed_by=by,
        total=assessment.earned or Decimal(0),
        digest=digest_of(assessment),
    )


def digest_of(assessment: Assessment) -> str:
    """Return the SHA-256 over what a sheet says, item by item; a receipt keeps it."""
    rows = assessment.scores.order_by("criterion__section__ordinal", "criterion__ordinal", "section__ordinal", "pk")
    told = [
        [item or section, None if points is None else str(points), bool(not_applicable), remark]
        for item, section, points, not_applicable, remark in rows.values_list(
            "criterion__code", "section__code", "points", "not_applicable", "remark"
        )
    ]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
