"""Signed paper that comes back: attached to a form version, replaced and withdrawn with a reason, never lost."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from branches import audit, clock
from branches.models import Account
from grading.services.errors import RefusedError, refuse
from grading.services.evidence import MEGABYTE, check_file, cleaned
from reporting.models import FormVersion, Scan, ScanPage
from reporting.models.scans import scan_key
from reporting.services.pieces import delete_files

MAX_FILES = 20
MAX_TOTAL = 40 * MEGABYTE
SUFFIXES = (".pdf", ".jpg", ".jpeg", ".png")


@dataclass(frozen=True, slots=True)
class Page:
    """One file as it was checked and will be kept."""

    name: str
    data: bytes
    content_type: str
    sha256: str


def refuse_too_much(size: int) -> None:
    """Raise RefusedError when all files together are larger than what one scan may be; before they are read."""
    if size > MAX_TOTAL:
        refuse(
            f"文件合计 {size / MEGABYTE:.0f} MB，最多 {MAX_TOTAL // MEGABYTE} MB。请降低扫描分辨率，或合成一个 PDF。"
        )


def checked(files: Sequence[tuple[str, bytes]]) -> list[Page]:
    """Return the files of a scan, pictures drawn anew without their hidden particulars.

    Raises RefusedError with the file's name and what is wrong with it.
    """
    if not files:
        refuse("请选择扫描件或照片。")
    if len(files) > MAX_FILES:
        refuse(f"一次最多 {MAX_FILES} 个文件，现在是 {len(files)} 个。多页请合成一个 PDF。")
    pages, faults = [], []
    for name, data in files:
        shown = name.replace("\\", "/").rsplit("/", 1)[-1][-200:]
        try:
            pages.append(_page(shown, data))
        except RefusedError as error:
            faults.append(f"{shown}：{error}")
    if faults:
        raise RefusedError(faults)
    if len({page.sha256 for page in pages}) < len(pages):
        refuse("同一个文件选了两次，请去掉重复的。")
    return pages


def _page(name: str, data: bytes) -> Page:
    if not name.lower().endswith(SUFFIXES):
        refuse("请用 PDF 扫描件，或 JPG、PNG 照片。")
    content_type = check_file(name, data)
    data = cleaned(content_type, data)
    return Page(name, data, content_type, hashlib.sha256(data).hexdigest())


def attach(*, by: Account | None, form: FormVersion, pages: Sequence[Page], reason: str = "") -> Scan:
    """Attach a signed copy, given as its checked files in order, to a form version.

    One that is there already is withdrawn with `reason`. Raises RefusedError without one, or when the same files are
    attached already. Pictures are drawn anew in `checked`, before the transaction: nobody waits for that. Of a scan
    that is not kept (a full disk, say) no file stays.
    """
    written: list[str] = []
    try:
        with transaction.atomic():
            return _attach(by, form, pages, reason, written)
    except BaseException:
        delete_files(written)
        raise


def _attach(by: Account | None, form: FormVersion, pages: Sequence[Page], reason: str, written: list[str]) -> Scan:
    row = FormVersion.objects.select_for_update(of=("self",)).select_related("unit").get(pk=form.pk)
    old = row.scans.present().prefetch_related("pages").first()
    if old is not None:
        if [page.sha256 for page in old.pages.all()] == [page.sha256 for page in pages]:
            refuse("这份扫描件已经交回，没有变化。")
        _withdraw(by, old, reason, "更换须写明理由。")
    scan = Scan.objects.create(form=row, attached_at=clock.now(), attached_by=by)
    for ordinal, page in enumerate(pages, start=1):
        kept = ScanPage(
            scan=scan, ordinal=ordinal, name=page.name, size=len(page.data), sha256=page.sha256,
            content_type=page.content_type,
        )  # fmt: skip
        written.append(scan_key(kept, page.name))
        kept.file.name = default_storage.save(written[-1], ContentFile(page.data))
        kept.save()
    audit.record(
        by=by, action="scan.replaced" if old else "scan.attached", thing=scan, branch=row.unit,
        summary=f"{'更换' if old else '交回'}盖章件，表单编码 {row.code}，文件 {len(pages)} 个",
        before={"scan": old.pk, "reason": reason.strip()} if old else None,
        after={"files": [{"name": page.name, "sha256": page.sha256} for page in pages]},
    )  # fmt: skip
    return scan


@transaction.atomic
def withdraw(*, by: Account | None, scan: Scan, reason: str) -> Scan:
    """Take a signed copy back; row and files stay. Raises RefusedError without a reason or when it is back already."""
    row = Scan.objects.select_for_update(of=("self",)).select_related("form__unit").get(pk=scan.pk)
    if row.withdrawn_at is not None:
        refuse("这份扫描件已经撤回。")
    _withdraw(by, row, reason, "撤回须写明理由。")
    audit.record(
        by=by, action="scan.withdrawn", thing=row, branch=row.form.unit,
        summary=f"撤回盖章件，表单编码 {row.form.code}", after={"reason": row.withdrawn_reason},
    )  # fmt: skip
    return row


def _withdraw(by: Account | None, scan: Scan, reason: str, otherwise: str) -> None:
    if not reason.strip():
        refuse(otherwise)
    scan.withdrawn_at, scan.withdrawn_by, scan.withdrawn_reason = clock.now(), by, reason.strip()[:200]
    scan.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_reason"])
