"""Who may open which sealed record, decided record by record. Rank opens nothing."""

import datetime as dt
from dataclasses import dataclass

from branches.models import Account, Branch
from branches.permissions import Action, scope
from interviews.models import Reader, SealedRecord

K = SealedRecord.Kind
# The role an account needs besides being owner or named reader; it may have lost it since.
OPENED_WITH: dict[str, Action] = {
    K.INTERVIEW: Action.READ_INTERVIEW,
    K.MATTER: Action.HANDLE_MATTER,
    K.EMERGENCY: Action.RECEIVE_EMERGENCY,
}


@dataclass(frozen=True, slots=True)
class Access:
    """On what ground a record may be opened: one's own, or a grant; false when on none."""

    own: bool = False
    reader: Reader | None = None

    def __bool__(self) -> bool:
        return self.own or self.reader is not None


def may_be_named(account: Account, kind: str) -> bool:
    """Tell whether an account's roles allow it to open records of a kind at all."""
    return bool(scope(account, OPENED_WITH[kind]))


def access(account: Account, record: SealedRecord, now: dt.datetime) -> Access:
    """Return on what ground `account` may open `record` at `now`."""
    if not may_be_named(account, record.kind):
        return Access()
    if record.owner_id == account.pk:
        return Access(own=True)
    return Access(reader=Reader.objects.in_force(now).filter(record=record, account=account).first())


def may_write(account: Account, record: SealedRecord, now: dt.datetime) -> bool:
    """Tell whether `account` may amend a record: its owner; of a matter or report, also whoever it was handed to."""
    ground = access(account, record, now)
    return ground.own or (bool(ground) and record.kind in (K.MATTER, K.EMERGENCY))


def manages(account: Account, record: SealedRecord) -> bool:
    """Tell whether `account` administers talks of the record's unit: counts and erasure, never texts."""
    reach = scope(account, Action.MANAGE_INTERVIEWS)
    if not reach:
        return False
    return reach.everything or Branch.objects.within(reach).filter(pk=record.unit_id).exists()
