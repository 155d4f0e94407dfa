"""Carrying out: progress with percent and text, files, and the request for 销号 with one sentence of result."""

import datetime as dt
import hashlib

from django.core.files.base import ContentFile
from django.db import transaction

from branches import audit
from branches.models import Account
from branches.transitions import advance
from grading.services.errors import RefusedError, refuse
from grading.services.evidence import check_file, cleaned
from rectification.models import Item, ItemFile, Progress
from rectification.permissions import acts_for, may_record

MAX_FILES = 30
DONE = 100
TAKES_PROGRESS = (Item.State.APPROVED, Item.State.IN_HAND, Item.State.REOPENED)


def _locked(by: Account, item: Item) -> Item:
    """Return the row under lock; refuse accounts that may not record for it."""
    row = Item.objects.select_for_update(of=("self",)).select_related("plan__branch", "plan__campaign").get(pk=item.pk)
    if not (answer := may_record(by, row)):
        refuse(answer.reason)
    return row


def _begin(by: Account, item: Item, now: dt.datetime) -> Item:
    """Move an approved item into hand with its first entry."""
    return advance(item, Item.State.IN_HAND, by=by, now=now) if item.state == Item.State.APPROVED else item


def _write(by: Account, item: Item, percent: int, text: str, *, kind: str, now: dt.datetime) -> Progress:
    entry = Progress.objects.create(
        item=item, kind=kind, at=now, percent=percent, text=text, by=by,
        on_behalf=not acts_for(by, item.responsible_id),
    )  # fmt: skip
    item.percent = percent
    item.version += 1
    item.save(update_fields=["percent", "version"])
    audit.record(
        by=by, action="item.progress", thing=item, branch=item.plan.branch,
        summary=f"登记整改进展（{percent}%）" if kind == Progress.Kind.ENTRY else "申请销号",
        after={"percent": percent, "text": text},
    )  # fmt: skip
    return entry


@transaction.atomic
def add_progress(*, by: Account, item: Item, percent: int, text: str, now: dt.datetime) -> Progress:
    """Write down what was done; the first entry puts an approved item into hand.

    Raises RefusedError for a wrong percent, no text, an account that may not, or an item that is not under way.
    """
    row = _locked(by, item)
    if row.state not in TAKES_PROGRESS:
        refuse(f"这一项{row.get_state_display()}，不能登记进展。")
    wrong = {}
    if not 0 <= percent <= DONE:
        wrong["percent"] = "进度应在 0 至 100 之间。"
    if not text.strip():
        wrong["text"] = "请写明做了什么。"
    if wrong:
        raise RefusedError(wrong.values(), wrong)
    row = _begin(by, row, now)
    return _write(by, row, percent, text.strip(), kind=Progress.Kind.ENTRY, now=now)


@transaction.atomic
def request_completion(*, by: Account, item: Item, result: str, now: dt.datetime) -> Item:
    """Ask the level above for 销号 with a sentence of result; files only where they were asked for.

    Raises RefusedError without a sentence, BlockedError without a file that is asked for.
    """
    row = _locked(by, item)
    if row.state not in TAKES_PROGRESS:
        refuse(f"这一项{row.get_state_display()}，不能申请销号。")
    if not result.strip():
        raise RefusedError(["请用一句话写明完成情况。"], {"result": "请用一句话写明完成情况。"})
    row = _begin(by, row, now)
    _write(by, row, DONE, result.strip(), kind=Progress.Kind.REQUEST, now=now)
    Item.objects.filter(pk=row.pk).update(
        result=result.strip(), requested_by=by, requested_at=now, paused_on=None, paused_until=None
    )
    return advance(row, Item.State.AWAITING, by=by, now=now)


@transaction.atomic
def withdraw_request(*, by: Account, item: Item, now: dt.datetime) -> Item:
    """Take the request for 销号 back while nobody has verified."""
    row = _locked(by, item)
    row = advance(row, Item.State.IN_HAND, by=by, now=now)
    Item.objects.filter(pk=row.pk).update(requested_by=None, requested_at=None)
    return Item.objects.get(pk=row.pk)


@transaction.atomic
def add_file(*, by: Account, item: Item, name: str, data: bytes, now: dt.datetime) -> ItemFile:
    """Keep a file with an item; the same file again is the one kept. Raises RefusedError as for 佐证材料."""
    row = _locked(by, item)
    if row.state not in Item.UNDER_WAY:
        refuse(f"这一项{row.get_state_display()}，不能再添加材料。")
    content_type = check_file(name, data)
    data = cleaned(content_type, data)
    sha256 = hashlib.sha256(data).hexdigest()
    present = row.files.filter(removed_at__isnull=True)
    if (same := present.filter(sha256=sha256).first()) is not None:
        return same
    if present.count() >= MAX_FILES:
        refuse(f"一项最多 {MAX_FILES} 个文件。")
    kept = ItemFile(
        item=row, name=name[-200:], size=len(data), sha256=sha256, content_type=content_type, uploaded_by=by,
        uploaded_at=now,
    )  # fmt: skip
    kept.file.save(name, ContentFile(data), save=False)
    kept.save()
    audit.record(
        by=by, action="item.file", thing=kept, branch=row.plan.branch, summary="添加整改材料",
        after={"name": kept.name, "sha256": sha256},
    )  # fmt: skip
    return kept


@transaction.atomic
def remove_file(*, by: Account, file: ItemFile, now: dt.datetime) -> ItemFile:
    """Take a file away while the item is under way; the row stays. Raises RefusedError once 销号 is asked for."""
    row = _locked(by, file.item)
    if row.state not in TAKES_PROGRESS:
        refuse(f"这一项{row.get_state_display()}，材料不能再改。")
    kept = ItemFile.objects.select_for_update().get(pk=file.pk)
    if kept.removed_at is None:
        kept.removed_by, kept.removed_at = by, now
        kept.save(update_fields=["removed_by", "removed_at"])
        audit.record(
            by=by, action="item.file_removed", thing=kept, branch=row.plan.branch, summary="移除整改材料",
            before={"name": kept.name, "sha256": kept.sha256},
        )  # fmt: skip
    return kept
