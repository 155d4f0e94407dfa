"""The child process that makes one file. It may die at any time: its parent decides what becomes of the export."""

import errno
import hashlib
import os
import secrets
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage

from branches import clock
from branches.permissions import Action, can
from grading.models import Round
from reporting.models import Export
from reporting.orders import NothingToShowError, order_of, stamp_for
from reporting.processes import Report, allow_more_time, die_with_parent, limit_resources
from reporting.rendering import Product, produce
from reporting.services import jobs
from reporting.services.upkeep import FOLDER


class GaveUpError(Exception):
    """The claim is lost or the owner cancelled: stop without a word."""


def store(product: Product) -> dict[str, Any]:
    """Write a file under a key of its own, safely on the disk, and return key, size and SHA-256."""
    token = secrets.token_hex(16)
    key = f"{FOLDER}/{clock.today():%Y%m}/{token}{product.path.suffix}"
    with product.path.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
        source.seek(0)
        key = default_storage.save(key, File(source))
    if isinstance(default_storage._wrapped, FileSystemStorage):  # type: ignore[attr-defined]  # noqa: SLF001
        with Path(default_storage.path(key)).open("rb") as written:
            os.fsync(written.fileno())
    return {"key": key, "size": product.path.stat().st_size, "sha256": digest}


def make(export: Export, token: int) -> Report:
    """Make and store the file of an export whose claim has `token`."""
    if not can(export.owner, Action.EXPORT, export.unit):
        return Report(ok=False, reason=jobs.NO_LONGER_ALLOWED, final=True)

    def progress(done: int, total: int) -> None:
        if not jobs.report(export.pk, token, done=done, total=total):
            raise GaveUpError
        allow_more_time()

    with tempfile.TemporaryDirectory(prefix="zhibu-render-") as folder:
        product = produce(order_of(export), stamp_for(export.owner), Path(folder), progress)
        return Report(ok=True, name=product.name, digest=product.digest, **store(product))


def explain(error: BaseException) -> Report:
    """Say in a sentence what went wrong; what is wrong with the request itself is final."""
    if isinstance(error, NothingToShowError):
        return Report(ok=False, reason=str(error), final=True)
    if isinstance(error, KeyError | Round.DoesNotExist):
        return Report(ok=False, reason="所申请的报表或轮次已不存在。", final=True)
    if isinstance(error, MemoryError):
        return Report(ok=False, reason="内存不足，没能生成。")
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return Report(ok=False, reason="服务器磁盘已满，请联系系统管理员清理后重试。")
    return Report(ok=False, reason=f"生成时出错（{type(error).__name__}），请重试；仍不行请联系系统管理员。")


def main(export_id: int, token: int) -> Report:
    """Make one export in this process and return the report for the parent."""
    die_with_parent()
    limit_resources()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    export = Export.objects.select_related("owner__person", "unit").get(pk=export_id)
    if export.state != Export.State.RUNNING or export.token != token:
        return Report(ok=False, reason="", final=False)
    try:
        return make(export, token)
    except GaveUpError:
        return Report(ok=False)
    except Exception as error:  # noqa: BLE001 - every fault becomes a readable reason; the trace goes to the log
        traceback.print_exc(file=sys.stderr)
        return explain(error)
