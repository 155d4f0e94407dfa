"""What people do with exports: ask for one, cancel, try again, download."""

import hashlib
import json
import logging
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q

from branches import audit, clock
from branches.models import Account, Branch
from branches.permissions import Action, can
from branches.transitions import advance
from reporting import states
from reporting.models import Export
from reporting.services import jobs, pieces, upkeep
from reporting.services.versions import data_version
from reporting.workers.queue import nudge_soon

S = Export.State
states.declare()
log = logging.getLogger(__name__)


class ExportRefusedError(Exception):
    """The request cannot be taken; the message is a Chinese sentence."""


class ExportDamagedError(ExportRefusedError):
    """The stored file is gone, or no longer what was made."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants: kind, format, unit and parameters, with the words to show for it."""

    kind: str
    format: str
    unit: Branch
    title: str
    scope_summary: str
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Return a digest that is equal for equal wishes."""
        text = json.dumps([self.kind, self.format, self.unit.pk, self.params], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Taken:
    """The export that answers a request, and whether it was made for it or already there."""

    export: Export
    new: bool


def _ask(by: Account, export_or_unit: Branch | Export) -> None:
    answer = can(by, Action.EXPORT, export_or_unit)
    if not answer:
        raise PermissionDenied(answer.reason)


def _alike(by: Account, wish: Wish) -> Export | None:
    """Return an export of the same account that shows the same: queued, or made from the data as it is now."""
    now_version = data_version()
    same = Export.objects.of(by).filter(fingerprint=wish.fingerprint, cancel_requested=False)
    fresh = Q(state__in=Export.BEGUN) | Q(state=S.DONE, expires_at__gt=clock.now())
    return same.filter(Q(state=S.QUEUED) | (fresh & Q(data_version=now_version))).order_by("-pk").first()


def _require_place(by: Account) -> None:
    if Export.objects.of(by).waiting().count() >= settings.EXPORT_QUEUED_PER_ACCOUNT:
        limit = settings.EXPORT_QUEUED_PER_ACCOUNT
        raise ExportRefusedError(f"您已有 {limit} 个报表在排队，请等其中一个生成后再申请，或先取消不需要的。")


@transaction.atomic
def request_export(*, by: Account, wish: Wish) -> Taken:
    """Take a request. The same request of the same account over unchanged data gives the export already there.

    Raises PermissionDenied with the reason, and ExportRefusedError when the account's queue is full.
    """
    _ask(by, wish.unit)
    Account.objects.select_for_update(no_key=True).get(pk=by.pk)
    if (there := _alike(by, wish)) is not None:
        return Taken(there, new=False)
    _require_place(by)
    export = Export.objects.create(
        owner=by, kind=wish.kind, format=wish.format, params=wish.params, fingerprint=wish.fingerprint,
        unit=wish.unit, title=wish.title, scope_summary=wish.scope_summary, requested_at=clock.now(),
    )  # fmt: skip
    audit.record(
        by=by, action="export.requested", thing=export, branch=wish.unit, summary=f"申请导出：{wish.title}",
        after={"kind": wish.kind, "format": wish.format, "params": wish.params},
    )  # fmt: skip
    transaction.on_commit(lambda: nudge_soon(export.pk))
    return Taken(export, new=True)


@transaction.atomic
def cancel(*, by: Account, export: Export) -> Export:
    """Cancel at once what nobody holds a claim on; a running one as soon as its worker looks (about a second).

    Raises ExportRefusedError when there is nothing left to cancel.
    """
    row = Export.objects.select_for_update().get(pk=export.pk)
    if row.state in (S.QUEUED, S.DRAWING):
        advance(row, S.CANCELLED, by=by, now=clock.now())
        Export.objects.filter(pk=row.pk).update(finished_at=clock.now())
        pieces.drop_parts(row)
    elif row.state == S.RUNNING:
        Export.objects.filter(pk=row.pk).update(cancel_requested=True)
        audit.record(by=by, action="export.cancel", thing=row, branch=row.unit, summary=f"取消导出：{row.title}")
    else:
        raise ExportRefusedError(f"“{row.title}”{row.get_state_display()}，不能取消。")
    row.refresh_from_db()
    return row


@transaction.atomic
def retry(*, by: Account, export: Export) -> Export:
    """Queue a failed export again with fresh attempts; the office may do so for an owner whose queue is full.

    Raises PermissionDenied with the reason, ExportRefusedError when it did not fail or the own queue is full.
    """
    _ask(by, export)
    row = Export.objects.select_for_update().get(pk=export.pk)
    if row.state != S.FAILED:
        raise ExportRefusedError(f"“{row.title}”{row.get_state_display()}，不需要重试。")
    Account.objects.select_for_update(no_key=True).get(pk=row.owner_id)
    same = Export.objects.filter(owner=row.owner_id, fingerprint=row.fingerprint).waiting().first()
    if same is not None:
        return same
    if by.pk == row.owner_id:
        _require_place(by)
    Export.objects.filter(pk=row.pk).update(
        attempt=0, available_at=None, nudged_at=None, error="", note="", finished_at=None, requested_at=clock.now()
    )
    advance(row, S.QUEUED, by=by, now=clock.now())
    transaction.on_commit(lambda: nudge_soon(row.pk))
    row.refresh_from_db()
    return row


def _whole(export: Export) -> "File[bytes] | None":
    """Open the stored file of a finished export; None where it is gone or no longer what was made."""
    try:
        opened = default_storage.open(export.file_key, "rb")
        whole = opened.size == export.file_size and hashlib.file_digest(opened, "sha256").hexdigest() == export.sha256
        opened.seek(0)
    except OSError:
        log.exception("file of export %s cannot be opened", export.pk)
        return None
    if whole:
        return opened
    opened.close()
    return None


def drop_damaged(export: Export) -> None:
    """Let a finished export whose file is damaged count as expired, so that asking again makes it anew."""
    if export.state != S.DONE:
        return
    opened = _whole(export)
    if opened is None:
        upkeep.expire_one(export.pk)
    else:
        opened.close()


def open_file(*, by: Account, export: Export) -> "File[bytes]":
    """Open a finished export for its reader; asks permission again and records the download.

    Raises PermissionDenied with the reason, ExportRefusedError when there is no file (any more), and
    ExportDamagedError when it is not what was made.
    """
    _ask(by, export)
    if export.state != S.DONE or (export.expires_at and export.expires_at <= clock.now()):
        raise ExportRefusedError("这个文件已过期或尚未生成，请重新生成。")
    opened = _whole(export)
    if opened is None:
        log.error("file of export %s is not what was made", export.pk)
        raise ExportDamagedError("文件已不完整，请重新生成。")
    audit.record(by=by, action="export.downloaded", thing=export, branch=export.unit, summary=f"下载：{export.title}")
    return opened


@transaction.atomic
def stop(*, by: Account, export: Export, reason: str) -> str:
    """End a queued or running export from the office's queue page; its owner reads the reason.

    Raises ExportRefusedError when it has ended already.
    """
    row = Export.objects.select_for_update().get(pk=export.pk)
    if row.state not in Export.ALIVE:
        raise ExportRefusedError(f"“{row.title}”{row.get_state_display()}，不能停止。")
    audit.record(by=by, action="export.stopped", thing=row, branch=row.unit, summary=f"停止导出：{row.title}")
    return jobs.end(row, S.FAILED, error=f"由活动办公室停止：{reason}")
