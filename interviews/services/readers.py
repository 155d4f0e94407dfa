"""Named readers: who may open one record for a while, and why. The owner sees every one of them and every reading."""

import datetime as dt

from django.db import transaction
from django.utils import timezone

from branches import audit, clock, wording
from branches.models import Account
from interviews import permissions
from interviews.models import ConfidenceRules, Reader, SealedRecord
from interviews.services import attested
from interviews.services.errors import NotReadableError, refuse

LONGEST_DAYS = 90


def latest_end(record: SealedRecord, now: dt.datetime) -> dt.datetime:
    """Return the latest moment until which a reader may be named now."""
    rules = ConfidenceRules.objects.filter(campaign=record.campaign_id).first()
    return now + dt.timedelta(days=rules.reader_days if rules else LONGEST_DAYS)


def _day(until: dt.datetime, now: dt.datetime) -> str:
    """Say the last day of an end."""
    return wording.zh_short_date(wording.last_day(timezone.localtime(until)), clock.day_of(now))


@transaction.atomic
def grant_reader(
    *, by: Account, record: SealedRecord, account: Account, reason: str, until: dt.datetime, now: dt.datetime
) -> Reader:
    """Let `account` read `record` until a moment. Only its owner grants; for one who left, who manages talks there.

    Raises RefusedError, NotReadableError.
    """
    row = _locked(record)
    left = not row.owner.is_active
    if row.owner_id != by.pk and not (left and permissions.manages(by, row)):
        raise NotReadableError(["没有找到。"])
    if account.pk == by.pk:
        refuse(account="不能把阅读权限授予自己。")
    return name_reader(by=by, record=row, account=account, reason=reason, until=until, now=now)


@transaction.atomic
def name_reader(
    *, by: Account, record: SealedRecord, account: Account, reason: str, until: dt.datetime, now: dt.datetime
) -> Reader:
    """Name a reader where another service has decided that `by` may, as for a matter's 承办人. Raises RefusedError."""
    row = _locked(record)
    _check(row, account, reason.strip(), until, now)
    open_ones = row.readers.select_for_update().filter(account=account, revoked_at__isnull=True)
    for reader in open_ones:
        if reader.until > now:
            refuse(account=f"{account}已经是读者，可以看到{_day(reader.until, now)}；要改先收回。")
        reader.revoked_at, reader.revoked_by = now, by
        reader.save(update_fields=["revoked_at", "revoked_by"])
    reader = Reader.objects.create(
        record=row, account=account, reason=reason.strip(), granted_by=by, granted_at=now, until=until
    )
    audit.record(
        by=by, action=attested.GRANT, thing=row, branch=row.unit, summary="为一条密存记录指定读者",
        after={"reader": account.pk, "until": until.isoformat()},
    )  # fmt: skip
    return reader


def _check(record: SealedRecord, account: Account, reason: str, until: dt.datetime, now: dt.datetime) -> None:
    """Refuse a reader who may not be one, and an end that is none."""
    if record.erased_at is not None:
        refuse("正文已按规定清除，不用再指定读者。")
    if not reason:
        refuse(reason="请写明理由，访谈人和审计都看得到。")
    if account.pk == record.owner_id:
        refuse(account="记录人本来就能看。")
    if not account.is_active or not permissions.may_be_named(account, record.kind):
        refuse(account=f"{account}的角色不能看这类记录（活动办公室、系统管理员、审计员只看统计数）。")
    if until <= now:
        refuse(until="有效期要在今天以后。")
    if until > (latest := latest_end(record, now)):
        refuse(until=f"有效期最长 {(latest - now).days} 天，到期可以再授权。")


@transaction.atomic
def revoke_reader(*, by: Account, reader: Reader, now: dt.datetime) -> Reader:
    """Take a reader's access back, or give one's own up; at once. Raises NotReadableError."""
    row = Reader.objects.select_related("record__unit").get(pk=reader.pk)
    theirs = {row.record.owner_id, row.granted_by_id, row.account_id}
    if by.pk not in theirs and not permissions.manages(by, row.record):
        raise NotReadableError(["没有找到。"])
    return end_reader(by=by, reader=row, now=now)


@transaction.atomic
def end_reader(*, by: Account, reader: Reader, now: dt.datetime) -> Reader:
    """Take access back where another service has decided that `by` may, as for a matter that was told back."""
    row = Reader.objects.select_for_update(of=("self",)).select_related("record__unit").get(pk=reader.pk)
    if row.revoked_at is not None:
        return row
    row.revoked_at, row.revoked_by = now, by
    row.save(update_fields=["revoked_at", "revoked_by"])
    audit.record(
        by=by, action="sealed.revoke", thing=row.record, branch=row.record.unit, summary="收回一条密存记录的阅读权限",
        before={"reader": row.account_id},
    )  # fmt: skip
    return row


def _locked(record: SealedRecord) -> SealedRecord:
    rows = SealedRecord.objects.select_for_update(of=("self",)).select_related("unit", "owner__person")
    return rows.get(pk=record.pk)
