"""Workbooks on their way in: kept between the steps of an import, so that nothing is uploaded twice."""

import datetime as dt
import hashlib
import secrets
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from branches import audit, clock
from branches.models import Account, HeaderWord, Upload

KEEP_DAYS = 7


def keep(*, by: Account, kind: str, name: str, data: bytes) -> Upload:
    """Store a checked workbook under a random key; the same one still waiting for this account is taken up again.

    The file is written first, so that no row is without one.
    """
    digest = hashlib.sha256(data).hexdigest()
    mine = Upload.objects.filter(account=by, kind=kind, sha256=digest, state=Upload.State.WAITING)
    waiting = mine.filter(name=name[-200:]).first()
    if waiting is not None:
        return waiting
    upload = Upload(
        key=secrets.token_hex(16),
        kind=kind,
        name=name[-200:],
        size=len(data),
        sha256=digest,
        account=by,
        created_at=clock.now(),
    )
    default_storage.save(upload.path, ContentFile(data))
    upload.save()
    return upload


def read(*, upload: Upload) -> bytes:
    """Return the stored workbook. Raises FileNotFoundError once it was purged."""
    with default_storage.open(upload.path, "rb") as stored:
        return bytes(stored.read())


@transaction.atomic
def choose(*, upload: Upload, choices: dict[str, Any]) -> Upload:
    """Remember what a person corrected in the reading of this workbook."""
    Upload.objects.filter(pk=upload.pk, state=Upload.State.WAITING).update(choices=choices)
    upload.choices = choices
    return upload


@transaction.atomic
def finish(*, upload: Upload, state: str, result: dict[str, Any] | None = None) -> bool:
    """End an import once: imported with its numbers, or dropped. Return False when somebody ended it before."""
    changed = Upload.objects.filter(pk=upload.pk, state=Upload.State.WAITING).update(
        state=state, finished_at=clock.now(), result=result or {}
    )
    return bool(changed)


def purge(*, before: dt.datetime | None = None) -> int:
    """Delete stored workbooks older than `KEEP_DAYS` (or `before`) with their rows; return how many."""
    limit = before or clock.now() - dt.timedelta(days=KEEP_DAYS)
    stale = list(Upload.objects.filter(created_at__lt=limit))
    for upload in stale:
        default_storage.delete(upload.path)
        upload.delete()
    return len(stale)


@transaction.atomic
def teach(*, by: Account, table: str, words: dict[str, str]) -> int:
    """Remember headings (word → field) this site uses for a table; a word taught before gets its new field."""
    for word, name in words.items():
        row, _ = HeaderWord.objects.update_or_create(table=table, word=word[:80], defaults={"field": name})
        audit.record(by=by, action="header_word.teach", thing=row, summary=f"记住表头写法“{word[:80]}”")
    return len(words)
