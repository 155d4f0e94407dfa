"""A slip that was spoiled, seen or photographed is taken back by two people, and a fresh one given for it."""

import datetime as dt

from django.db import transaction

from branches import audit
from branches.models import Account
from branches.permissions import Action, can
from grading.ballots import codes
from grading.models import BallotBox, BallotCode, CodeExchange
from grading.services import ballot_keys
from grading.services.ballots import IssuedCode, locked
from grading.services.errors import refuse

E = CodeExchange.State
UNUSED, SPOILED = BallotCode.State.UNUSED, BallotCode.State.SPOILED


@transaction.atomic
def ask_exchange(
    *, by: Account, box: BallotBox, code: str, reason: str, now: dt.datetime, replace: bool = True
) -> CodeExchange:
    """Take a slip back (first person): nobody votes with it from now on, and it is void once another confirms.

    Raises RefusedError. `replace` False takes a slip back that nobody gets a new one for.
    """
    row = locked(box, BallotBox.State.OPEN)
    digest = _digest(row, code)
    if not reason.strip():
        refuse("请写明作废的原因。")
    if not row.codes.filter(digest=digest, state=UNUSED).exists():
        refuse("这个评议码不在这个箱里，或已经用过、作废。")
    if row.exchanges.filter(digest=digest, state=E.ASKED).exists():
        refuse("这个评议码已在等另一人确认。")
    exchange = CodeExchange.objects.create(
        box=row, digest=digest, reason=reason.strip()[:100], replaced=replace, asked_by=by, asked_at=now
    )
    _note(by, row, "ballot.exchange_ask", "收回评议码，等另一人确认", reason.strip())
    return exchange


@transaction.atomic
def confirm_exchange(*, by: Account, exchange: CodeExchange, now: dt.datetime) -> IssuedCode | None:
    """Void the slip (second person, another account) and return the new code, shown once. Raises RefusedError."""
    box = locked(exchange.box, BallotBox.State.OPEN)
    row = CodeExchange.objects.select_for_update().get(pk=exchange.pk)
    if row.state != E.ASKED:
        refuse(f"这一张{row.get_state_display()}，不能再确认。")
    if row.asked_by_id == by.pk:
        refuse("换发评议码须两人办理，请由另一位同事确认。")
    if not (answer := can(by, Action.MANAGE_BALLOT, box)):
        refuse(answer.reason)
    spoiled = box.codes.filter(digest=bytes(row.digest))
    group = spoiled.values_list("group", flat=True).first() or 0
    if spoiled.filter(state=UNUSED).update(state=SPOILED) != 1:
        refuse("这个评议码刚被用过，不能换发。")
    row.state, row.digest, row.ended_by, row.ended_at = E.DONE, b"", by, now
    row.save()
    _note(by, box, "ballot.exchange", "作废并换发一张评议码" if row.replaced else "作废一张评议码", row.reason)
    if not row.replaced:
        return None
    fresh = codes.new_code(box.locator)
    BallotCode.objects.create(box=box, group=group, digest=_digest(box, fresh))
    return IssuedCode(fresh, box.groups[group]["name"])


@transaction.atomic
def drop_exchange(*, by: Account, exchange: CodeExchange, now: dt.datetime) -> CodeExchange:
    """Let a slip that was to be taken back stand after all. Raises RefusedError."""
    row = CodeExchange.objects.select_for_update().get(pk=exchange.pk)
    if row.state != E.ASKED:
        refuse(f"这一张{row.get_state_display()}。")
    row.state, row.digest, row.ended_by, row.ended_at = E.DROPPED, b"", by, now
    row.save()
    _note(by, row.box, "ballot.exchange_drop", "评议码不再作废", row.reason)
    return row


def _digest(box: BallotBox, code: str) -> bytes:
    """Return the digest of a code of this box. Raises RefusedError."""
    typed = codes.read(code)
    if typed is None:
        refuse(codes.problem(code))
    elif typed.locator != box.locator:
        refuse("这个评议码不是这个评议箱的。")
    return codes.digest(ballot_keys.code_key(box=box), typed.code if typed else "")


def _note(by: Account, box: BallotBox, action: str, summary: str, reason: str) -> None:
    audit.record(by=by, action=action, thing=box, branch=box.unit.branch, summary=summary, after={"reason": reason})
