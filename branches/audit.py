"""The audit trail: entries in the writing transaction, sealed into a chain after commit (design.md idea 10)."""

import datetime as dt
import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction

from branches import actor, clock
from branches.models import Account, AuditDetail, AuditEntry, AuditSeal, Branch


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), cls=DjangoJSONEncoder)


def _plain(value: Any) -> Any:
    """Return `value` as plain JSON, so that what is digested is what is stored."""
    return None if value is None else json.loads(_canonical(value))


def detail_digest(salt: str, before: Any, after: Any) -> str:
    """Return the salted digest of before and after."""
    return hashlib.sha256(f"{salt}\n{_canonical(before)}\n{_canonical(after)}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Note:
    """One entry to write: the arguments of `record`."""

    action: str
    thing: models.Model
    summary: str
    branch: Branch | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


def record(
    *,
    by: Account | None,
    action: str,
    thing: models.Model,
    summary: str,
    branch: Branch | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> AuditEntry:
    """Write one entry in the current transaction.

    `summary` is a Chinese sentence without personal values; those go to `before` and `after`, which can be erased.
    """
    (entry,) = record_many(by=by, notes=[Note(action, thing, summary, branch, before, after)])
    return entry


def record_many(*, by: Account | None, notes: Sequence[Note]) -> list[AuditEntry]:
    """Write entries in the current transaction, in the order of `notes`, with two statements in all."""
    at, actor_name, address = clock.now(), by.get_full_name() if by else "系统", actor.address.get()
    details = [_detail(note) for note in notes]
    entries = AuditEntry.objects.bulk_create(
        AuditEntry(
            at=at,
            account=by,
            actor=actor_name,
            address=address,
            action=note.action,
            thing=note.thing._meta.label_lower,
            thing_id=str(note.thing.pk),
            branch=note.branch,
            summary=note.summary[:300],
            detail_digest=detail_digest(detail.salt, detail.before, detail.after) if detail else "",
        )
        for note, detail in zip(notes, details, strict=True)
    )
    kept = []
    for entry, detail in zip(entries, details, strict=True):
        if detail is not None:
            detail.entry = entry
            kept.append(detail)
    AuditDetail.objects.bulk_create(kept)
    return entries


def _detail(note: Note) -> AuditDetail | None:
    """Return the erasable row of an entry, None where there is neither before nor after."""
    if note.before is None and note.after is None:
        return None
    return AuditDetail(salt=secrets.token_hex(16), before=_plain(note.before), after=_plain(note.after))


def _link(previous: str, position: int, entry: AuditEntry, sealed_at: dt.datetime) -> str:
    values = (
        previous, position, entry.pk, entry.at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
        entry.account_id, entry.actor, entry.address, entry.action, entry.thing, entry.thing_id, entry.branch_id,
        entry.summary, entry.detail_digest, sealed_at.astimezone(dt.UTC).isoformat(timespec="microseconds"),
    )  # fmt: skip
    return hashlib.sha256(_canonical(values).encode()).hexdigest()


@transaction.atomic
def seal(limit: int = 1000) -> int:
    """Chain up to `limit` committed entries that no seal covers yet, oldest first; return how many."""
    last = AuditSeal.objects.select_for_update().order_by("-position").first()
    position, digest = (last.position, last.digest) if last else (0, "")
    seals = []
    for entry in AuditEntry.objects.filter(seal__isnull=True).order_by("pk")[:limit]:
        position += 1
        moment = clock.now()
        digest = _link(digest, position, entry, moment)
        seals.append(AuditSeal(position=position, entry=entry, digest=digest, sealed_at=moment))
    AuditSeal.objects.bulk_create(seals)
    return len(seals)


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found: faults as sentences, the chain's head, and how many entries are not sealed yet."""

    faults: tuple[str, ...]
    sealed: int
    unsealed: int
    head: str


def _faults() -> Iterator[tuple[str, int, str]]:
    digest, expected = "", 1
    details = {d.entry_id: d for d in AuditDetail.objects.all().iterator()}
    for row in AuditSeal.objects.select_related("entry").order_by("position").iterator():
        if row.position != expected:
            yield f"封存序号不连续：缺第 {expected} 条", expected, digest
            expected = row.position
        digest_now = _link(digest, row.position, row.entry, row.sealed_at)
        if digest_now != row.digest:
            yield f"第 {row.position} 条记录（编号 {row.entry_id}）与封存时不符", row.position, digest
        detail = details.get(row.entry_id)
        if detail and detail_digest(detail.salt, detail.before, detail.after) != row.entry.detail_digest:
            yield f"第 {row.position} 条记录的明细（编号 {row.entry_id}）被改动", row.position, digest
        digest = row.digest
        expected += 1


def head() -> tuple[int, str]:
    """Return how many entries are sealed, and the head of the chain to keep elsewhere."""
    last = AuditSeal.objects.order_by("-position").first()
    return (last.position, f"{last.position}:{last.digest}") if last else (0, "0:")


def verify(expected_head: str = "") -> Verification:
    """Walk the chain; `expected_head` (printed or kept elsewhere) also catches a tail that was cut off."""
    faults = [text for text, _, _ in _faults()]
    sealed, present = head()
    if expected_head and not _contains_head(expected_head):
        faults.append("留存的链首与库中不符：可能有记录被截去")
    unsealed = AuditEntry.objects.filter(seal__isnull=True).count()
    return Verification(tuple(faults), sealed, unsealed, present)


def _contains_head(head: str) -> bool:
    position, _, digest = head.partition(":")
    if position == "0":
        return True
    return AuditSeal.objects.filter(position=int(position), digest=digest).exists()
