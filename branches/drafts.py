"""Drafts: what somebody is typing survives a closed laptop and an expired login (design.md idea 11)."""

import json
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from branches import clock
from branches.models import Account, Draft

MAX_BYTES = 200_000


class DraftTooLargeError(ValueError):
    """The text is larger than a draft may be."""


@dataclass(frozen=True, slots=True)
class Saved:
    """Outcome of saving a draft: the row, and whether this write was taken (a later one wins)."""

    draft: Draft
    taken: bool


@transaction.atomic
def save(*, account: Account, form: str, key: str, sequence: int, base_version: int, data: dict[str, Any]) -> Saved:
    """Keep `data` unless a draft with a higher client sequence is there already.

    Raises DraftTooLargeError over MAX_BYTES.
    """
    if len(json.dumps(data, ensure_ascii=False).encode()) > MAX_BYTES:
        message = "草稿内容过长。"
        raise DraftTooLargeError(message)
    values = {"sequence": sequence, "base_version": base_version, "data": data, "updated_at": clock.now()}
    lookup = {"account": account, "form": form, "key": key}
    try:
        with transaction.atomic():
            draft, created = Draft.objects.get_or_create(**lookup, defaults=values)
    except IntegrityError:
        draft, created = Draft.objects.get(**lookup), False
    if created:
        return Saved(draft, taken=True)
    changed = Draft.objects.filter(pk=draft.pk, sequence__lt=sequence).update(**values)
    draft.refresh_from_db()
    return Saved(draft, taken=bool(changed))


def load(*, account: Account, form: str, key: str) -> Draft | None:
    """Return the account's own draft, or None."""
    return Draft.objects.filter(account=account, form=form, key=key).first()


def drop(*, account: Account, form: str, key: str) -> None:
    """Remove the draft once its content is saved."""
    Draft.objects.filter(account=account, form=form, key=key).delete()
