"""Erasing texts for good: the journal first, then the key, then the rows. Whatever stops in between is finished later.

What was recorded as a fact (who, when, how) stays and counts; what was said is gone from the database, its backups and
every copy, because the key that opened it is.
"""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q

from branches import audit
from branches.models import Account, Person
from branches.scopes import Scope
from interviews import permissions
from interviews.models import Interview, RosterEntry, SealedRecord, SealedText
from interviews.models.access import SealedRecordQuerySet
from interviews.services import vaults
from interviews.services.errors import NotReadableError, RefusedError, refuse
from interviews.vault.journal import Entry

E = SealedRecord.Erasure
BATCH = 200


@dataclass(frozen=True, slots=True)
class Erased:
    """Proof of one erasure: what the journal says, and that neither key nor ciphertext is there any more."""

    record: str
    line: str
    key_gone: bool
    text_gone: bool

    def __bool__(self) -> bool:
        return self.key_gone and self.text_gone


@dataclass(frozen=True, slots=True)
class Replayed:
    """What replaying the journal found to do."""

    keys: int
    records: int


def erase(*, by: Account, record: SealedRecord, cause: str, now: dt.datetime) -> Erased:
    """Erase the texts of one record: its owner may, and who manages talks of its unit. Raises RefusedError."""
    row = SealedRecord.objects.select_related("unit").get(pk=record.pk)
    if row.owner_id != by.pk and not permissions.manages(by, row):
        raise NotReadableError(["没有找到。"])
    if cause not in (E.REQUEST, E.MISTAKE):
        refuse(cause="请选择清除缘由。")
    if row.erased_at is not None:
        refuse("正文已经清除。")
    (proof,) = _erase(by, [row], E(cause), now)
    return proof


def _of_person(person: Person, reach: Scope) -> SealedRecordQuerySet:
    """Return the records about one person alone: one-to-one talks, and the problems handed on from them."""
    talks = Interview.objects.filter(one_to_one=True, subjects__entry__person=person)
    rows = SealedRecord.objects.within(reach).filter(erased_at__isnull=True)
    return rows.filter(Q(interview__in=talks) | Q(matter__interview__in=talks))


def listed(person: Person, reach: Scope) -> bool:
    """Tell whether somebody stands in a roster of the units `reach` covers. How many talks there are nobody is told."""
    return RosterEntry.objects.within(reach).filter(person=person).exists()


def erase_person(*, by: Account, person: Person, reach: Scope, now: dt.datetime) -> list[Erased]:
    """Erase every text about somebody who asked for it; group talks and emergency reports are kept to their date.

    That it was asked for is on record whether or not there was anything.
    """
    entry = RosterEntry.objects.within(reach).filter(person=person).select_related("unit").order_by("-pk").first()
    if entry is None:
        refuse(number="您管理的单位里没有这个学号或工号的访谈名册记录，请核对。")
    audit.record(
        by=by, action="interviews.erase_person", thing=entry, branch=entry.unit, summary="办理本人要求清除访谈正文"
    )  # fmt: skip
    rows = list(_of_person(person, reach).select_related("unit").order_by("pk"))
    done: list[Erased] = []
    for start in range(0, len(rows), BATCH):
        done += _erase(by, rows[start : start + BATCH], E.REQUEST, now)
    return done


def erase_expired(*, now: dt.datetime, day: dt.date, limit: int = BATCH) -> list[Erased]:
    """Erase up to `limit` records whose retention date has come; return the proof of each."""
    rows = list(SealedRecord.objects.expired(day).select_related("unit").order_by("retain_until", "pk")[:limit])
    return _erase(None, rows, E.RETENTION, now) if rows else []


def _erase(by: Account | None, rows: Sequence[SealedRecord], cause: E, now: dt.datetime) -> list[Erased]:
    names = [row.pk.hex for row in rows]
    vault = vaults.vault()
    entries = vault.journal.add(names, cause.value, now)
    vault.destroy(names)
    _clear(by, rows, cause, now)
    return [_proof(entry) for entry in entries]


@transaction.atomic
def _clear(by: Account | None, rows: Sequence[SealedRecord], cause: E, now: dt.datetime) -> None:
    """Take the ciphertext out of the rows; without its key it was noise already."""
    keys = [row.pk for row in rows]
    SealedText.objects.filter(version__record__in=keys).update(sealed=b"")
    SealedRecord.objects.filter(pk__in=keys, erased_at__isnull=True).update(erased_at=now, erasure=cause, erased_by=by)
    audit.record_many(
        by=by,
        notes=[
            audit.Note("sealed.erase", row, f"清除一条密存记录的正文（{cause.label}），密钥已销毁", row.unit)
            for row in rows
        ],
    )


def _proof(entry: Entry) -> Erased:
    vault = vaults.vault()
    left = SealedText.objects.filter(version__record=uuid.UUID(entry.record)).exclude(sealed=b"")
    held = vault.journal.holds(entry.record) and not vault.holds(entry.record)
    return Erased(entry.record, entry.line(), held, not left.exists())


def replay(*, now: dt.datetime) -> Replayed:
    """Carry out what the journal says once more: after a restore, or after an erasure that was interrupted.

    Safe to run at any time.
    """
    vault = vaults.vault()
    causes = {entry.record: entry.cause for entry in vault.journal.entries()}
    keys = sum(vault.destroy(batch) for batch in _batches(sorted(name for name in causes if vault.holds(name))))
    done = 0
    for batch in _batches(sorted(causes)):
        wanted = [uuid.UUID(name) for name in batch]
        rows = SealedRecord.objects.filter(pk__in=wanted, erased_at__isnull=True).select_related("unit")
        by_cause: dict[E, list[SealedRecord]] = {}
        for row in rows:
            cause = causes[row.pk.hex]
            by_cause.setdefault(E(cause) if cause in E.values else E.RESTORED, []).append(row)
        for cause, found in by_cause.items():
            _clear(None, found, cause, now)
            done += len(found)
    return Replayed(keys, done)


def _batches(names: Sequence[str]) -> Iterable[Sequence[str]]:
    return (names[start : start + BATCH] for start in range(0, len(names), BATCH))


__all__ = ["Erased", "RefusedError", "Replayed", "erase", "erase_expired", "replay"]
