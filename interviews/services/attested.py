"""Whether a ground for opening a record is one the product gave: rows changed past it, in the database, open nothing.

Who owns a record stands in its first version, which triggers keep; who was named a reader and until when, in the audit
trail, which is chained. Whoever would forge those as well is found out by `verify_audit`.
"""

import datetime as dt
from collections.abc import Sequence

from django.db.models import Exists, OuterRef

from branches import audit
from branches.models import AuditDetail
from interviews.models import Reader, SealedRecord, SealedVersion
from interviews.permissions import Access

GRANT = "sealed.grant"
BATCH = 500
SORRY = "查看权和操作记录对不上，没有打开。请告诉活动办公室和审计员核查。"


def holds(record: SealedRecord, ground: Access) -> bool:
    """Tell whether the ground on which a record may be opened was given by the product."""
    if ground.own:
        return record.versions.filter(number=1, written_by=record.owner_id).exists()
    return ground.reader is not None and _granted(ground.reader)


def _granted(reader: Reader) -> bool:
    """Tell whether the trail holds the naming of this reader until this moment, undamaged."""
    return not _unknown([reader])


def _unknown(readers: Sequence[Reader]) -> list[Reader]:
    """Return the readers whose naming is not in the trail; the trail is read once for all."""
    rows = AuditDetail.objects.filter(
        entry__action=GRANT, entry__thing=SealedRecord._meta.label_lower,
        entry__thing_id__in={str(one.record_id) for one in readers},
    ).select_related("entry")  # fmt: skip
    notes: dict[str, list[AuditDetail]] = {}
    for row in rows:
        notes.setdefault(row.entry.thing_id, []).append(row)
    return [one for one in readers if not any(_says(row, one) for row in notes.get(str(one.record_id), ()))]


def _says(row: AuditDetail, reader: Reader) -> bool:
    after = row.after or {}
    if after.get("reader") != reader.account_id or row.entry.account_id != reader.granted_by_id:
        return False
    if dt.datetime.fromisoformat(after["until"]) != reader.until:
        return False
    return audit.detail_digest(row.salt, row.before, row.after) == row.entry.detail_digest


def forged(now: dt.datetime) -> int:
    """Count owners and readers in force that the product did not write (for doctor)."""
    first = SealedVersion.objects.filter(record=OuterRef("pk"), number=1, written_by=OuterRef("owner"))
    owners = SealedRecord.objects.filter(~Exists(first), erased_at__isnull=True).count()
    readers = list(Reader.objects.in_force(now).filter(record__erased_at__isnull=True).order_by("pk"))
    return owners + sum(len(_unknown(readers[start : start + BATCH])) for start in range(0, len(readers), BATCH))
