"""Sealed records: write texts, amend them, open them. Texts are clear only in the memory of the request at hand."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models import F
from django.views.decorators.debug import sensitive_variables

from branches import audit
from branches.models import Account, Branch, Campaign
from branches.versions import ConflictError
from interviews import permissions
from interviews.models import Reader, Reading, SealedRecord, SealedText, SealedVersion
from interviews.services import attested, confidence, vaults
from interviews.services.errors import NotReadableError, UnopenableError, refuse
from interviews.vault import sealing
from interviews.vault.faults import KeyErased, Tampered, VaultError
from interviews.vault.fields import FIELDS
from interviews.vault.sealing import Place

O = Reading.Outcome
Texts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a record says in one version."""

    version: int
    written_by: Account
    written_at: dt.datetime
    texts: dict[str, str] = field(repr=False)


@sensitive_variables()
def create_record(
    *, by: Account, kind: str, campaign: Campaign, unit: Branch, texts: Texts, retain_until: dt.date, now: dt.datetime
) -> SealedRecord:
    """Seal texts as a new record of `by`. Raises RefusedError.

    Its key is on the disk before its rows are written; one left over by a failure opens nothing.
    """
    record = SealedRecord(kind=kind, campaign=campaign, unit=unit, owner=by, created_at=now, retain_until=retain_until)
    key = issue_keys(records=[record.pk])[record.pk]
    with transaction.atomic():
        audit.record_many(by=by, notes=[write_first(record=record, key=key, texts=texts)])
    return record


def retain_until(campaign: Campaign, day: dt.date) -> dt.date:
    """Return until when texts of that day are kept. Raises RefusedError when nobody has set the campaign up."""
    return confidence.retain_until(day, confidence.rules_of(campaign).retain_months)


def issue_keys(*, records: list[uuid.UUID], sync: bool = True) -> dict[uuid.UUID, bytes]:
    """Make the keys of new records. Raises RefusedError."""
    try:
        keys = vaults.ready().issue([record.hex for record in records], sync=sync)
    except (VaultError, OSError) as fault:
        said = str(fault) if isinstance(fault, VaultError) else "密钥目录写不进去，没有保存，请联系系统管理员。"
        refuse(said)
    return {record: keys[record.hex] for record in records}


@sensitive_variables()
def write_first(*, record: SealedRecord, key: bytes, texts: Texts) -> audit.Note:
    """Write the rows of a new record in the current transaction, and return the audit note to record."""
    record.save(force_insert=True)
    return _write(record.owner, record, key, texts, record.created_at)


@sensitive_variables()
@transaction.atomic
def add_version(
    *, by: Account, record: SealedRecord, texts: Texts, now: dt.datetime, version: int | None = None
) -> SealedRecord:
    """Seal an amendment; earlier versions stay, and fields not given say what they said.

    Its owner amends; a matter or report also whoever it was handed to. `version` is the one that was read, that of
    `record` when not given. Raises RefusedError, ConflictError.
    """
    if not permissions.may_write(by, record, now):
        raise NotReadableError(["没有找到。"])
    if not attested.holds(record, permissions.access(by, record, now)):
        raise UnopenableError([attested.SORRY])
    read = version or record.version
    standing = SealedRecord.objects.filter(pk=record.pk, version=read, erased_at__isnull=True)
    changed = standing.update(version=F("version") + 1)
    fresh = SealedRecord.objects.select_related("unit").get(pk=record.pk)
    if fresh.erased_at is not None:
        refuse("正文已按规定清除，不能再改。")
    if not changed:
        raise ConflictError(fresh, {})
    try:
        key = vaults.vault().key(fresh.pk.hex)
        kept = {} if set(texts) == set(FIELDS[fresh.kind]) else _unseal(fresh, read).texts
    except VaultError as fault:
        raise UnopenableError([str(fault)]) from fault
    audit.record_many(by=by, notes=[_write(by, fresh, key, {**kept, **texts}, now)])
    return fresh


@sensitive_variables()
def _write(by: Account, record: SealedRecord, key: bytes, texts: Texts, now: dt.datetime) -> audit.Note:
    """Seal every field of the record's kind, empty ones too: which are empty is nobody's business."""
    if unknown := set(texts) - set(FIELDS[record.kind]):
        message = f"not a sealed field: {sorted(unknown)}"
        raise ValueError(message)
    written = SealedVersion.objects.create(record=record, number=record.version, written_by=by, written_at=now)
    digests = {}
    rows = []
    for name in FIELDS[record.kind]:
        place, text = place_of(record, name, record.version), texts.get(name, "")
        rows.append(SealedText(version=written, field=name, sealed=sealing.seal(key, place, text)))
        digests[name] = sealing.digest(key, place, text)
    SealedText.objects.bulk_create(rows)
    said = "密存" if record.version == 1 else "修改"
    return audit.Note(
        "sealed.write",
        record,
        f"{said}一条记录（{record.get_kind_display()}）",
        record.unit,
        None,
        {"version": record.version, "digests": digests},
    )


def place_of(record: SealedRecord, name: str, version: int) -> Place:
    """Return where a field of a record stands."""
    return Place(record.campaign_id, record.pk.hex, record.kind, name, version)


@sensitive_variables()
def open_record(*, by: Account, record: SealedRecord, now: dt.datetime, version: int | None = None) -> Opened:
    """Return the texts of a record, newest or as of a version; every opening and every failure is on record.

    Call it outside a transaction: what it raises must not undo the log. Raises NotReadableError (for this account there
    is no such record), UnopenableError (erased, or something is wrong with key or ciphertext).
    """
    row = SealedRecord.objects.get(pk=record.pk)
    ground = permissions.access(by, row, now)
    attempt = _Attempt(by, row, version or row.version, ground.reader, now)
    if not ground or attempt.version > row.version:
        attempt.log(O.REFUSED)
        raise NotReadableError(["没有找到。"])
    if not attested.holds(row, ground):
        attempt.log(O.REFUSED)
        raise UnopenableError([attested.SORRY])
    if row.erased_at is not None:
        attempt.log(O.ERASED)
        raise UnopenableError(["正文已按规定清除，密钥已销毁，不能恢复。"])
    try:
        opened = _unseal(row, attempt.version)
    except VaultError as fault:
        attempt.log(O.ERASED if isinstance(fault, KeyErased) else O.FAILED)
        raise UnopenableError([str(fault)]) from fault
    attempt.log(O.OPENED)
    return opened


@sensitive_variables()
def _unseal(record: SealedRecord, number: int) -> Opened:
    written = record.versions.select_related("written_by__person").filter(number=number).first()
    if written is None:
        raise Tampered("这一版的密文不见了，不能打开。")
    key = vaults.vault().key(record.pk.hex)
    rows = {row.field: bytes(row.sealed) for row in written.texts.all()}
    texts = {
        name: sealing.unseal(key, place_of(record, name, number), rows.get(name, b"")) for name in FIELDS[record.kind]
    }
    return Opened(number, written.written_by, written.written_at, texts)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Somebody tries to open a version of a record."""

    by: Account
    record: SealedRecord
    version: int
    reader: Reader | None
    now: dt.datetime

    def log(self, outcome: Reading.Outcome) -> None:
        """Put on record what came of it."""
        Reading.objects.create(
            record=self.record, by=self.by, at=self.now, outcome=outcome, version=self.version, reader=self.reader
        )
