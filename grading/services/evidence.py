"""Evidence files: added once, cited by several items, removed without losing the record."""

import datetime as dt
import hashlib
import io
import zipfile
from collections.abc import Iterable
from typing import Any

from django.core.files.base import ContentFile
from django.db import transaction
from PIL import Image, ImageOps

from branches import audit
from branches.models import Account
from grading.models import Assessment, Criterion, Evidence, EvidenceUse, Round, RoundUnit, Source
from grading.services.errors import RefusedError, refuse

MEGABYTE = 1024 * 1024
MAX_SIZE = 10 * MEGABYTE
MAX_FILES = 60
ZIP = b"PK\x03\x04"
SIGNATURES = {
    ".pdf": (b"%PDF-", "application/pdf"),
    ".jpg": (b"\xff\xd8\xff", "image/jpeg"),
    ".jpeg": (b"\xff\xd8\xff", "image/jpeg"),
    ".png": (b"\x89PNG\r\n\x1a\n", "image/png"),
    ".docx": (ZIP, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ".xlsx": (ZIP, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
FORBIDDEN = ("vbaproject", "macrosheets/", "embeddings/", "externallinks/", "activex/")
MAX_PIXELS = 50_000_000
IMAGES = {"image/jpeg": "JPEG", "image/png": "PNG"}


def check_file(name: str, data: bytes) -> str:
    """Return the content type of an evidence file. Raises RefusedError when it is too large or no kind we keep."""
    if not data:
        refuse("文件是空的。")
    if len(data) > MAX_SIZE:
        refuse(f"文件太大：{len(data) / MEGABYTE:.1f} MB，最多 {MAX_SIZE // MEGABYTE} MB。")
    suffix = f".{name.rsplit('.', 1)[-1].lower()}" if "." in name else ""
    if suffix not in SIGNATURES:
        refuse("佐证材料请用 PDF、JPG、PNG、DOCX 或 XLSX 文件。")
    magic, content_type = SIGNATURES[suffix]
    if not data.startswith(magic):
        refuse(f"文件内容与扩展名 {suffix} 不符，请重新导出后再上传。")
    if magic == ZIP:
        _check_office(data)
    return content_type


def _check_office(data: bytes) -> None:
    """Refuse office files that are damaged or carry what evidence never needs; nothing is inflated."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member.lower() for member in archive.namelist()]
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise RefusedError(["文件已损坏，请重新导出后再上传。"]) from error
    if any(word in member for member in members for word in FORBIDDEN):
        refuse("文件里有宏、嵌入对象或外部链接，请另存为普通文件后再上传。")


def cleaned(content_type: str, data: bytes) -> bytes:
    """Return a picture drawn anew, upright and without its hidden particulars (place, device); other files as they are.

    Raises RefusedError for a picture that is damaged or too many pixels large.
    """
    if content_type not in IMAGES:
        return data
    try:
        with Image.open(io.BytesIO(data), formats=[IMAGES[content_type]]) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                refuse("图片像素过多，请缩小后再上传。")
            upright = ImageOps.exif_transpose(picture)
            fresh = io.BytesIO()
            options: dict[str, Any] = {"quality": 90} if content_type == "image/jpeg" else {}
            upright.info.clear()
            upright.save(fresh, IMAGES[content_type], **options)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise RefusedError(["图片打不开，可能已损坏，请重新拍照或导出后再上传。"]) from error
    return fresh.getvalue()


def _refuse_closed(unit: RoundUnit) -> None:
    """Evidence belongs to 自评 and stands still while that is handed in."""
    if unit.round.state not in (Round.State.SELF, Round.State.SCORING, Round.State.DECIDING):
        refuse(f"本轮现在是“{unit.round.get_state_display()}”，佐证材料不能再改。")
    sheet = Assessment.objects.filter(unit=unit, source__code=Source.SELF).first()
    if sheet is not None and not sheet.editable:
        refuse(f"自评{sheet.get_state_display()}，佐证材料不能再改；需要改时请先退回。")


def _own_items(unit: RoundUnit, criteria: Iterable[Criterion]) -> list[Criterion]:
    """Refuse items of another rubric."""
    rows = list(criteria)
    own = set(Criterion.objects.filter(section__rubric_id=unit.rubric_id).values_list("pk", flat=True))
    if any(row.pk not in own for row in rows):
        refuse("所选条目不属于本支部的评分标准。")
    return rows


@transaction.atomic
def add_evidence(
    *,
    by: Account | None,
    unit: RoundUnit,
    name: str,
    data: bytes,
    criteria: Iterable[Criterion],
    now: dt.datetime,
) -> Evidence:
    """Keep a file for a branch and cite it for items; the same file sent again is only cited further.

    Raises RefusedError when the file or the time is wrong.
    """
    _refuse_closed(unit)
    content_type = check_file(name, data)
    data = cleaned(content_type, data)
    items = _own_items(unit, criteria)
    digest = hashlib.sha256(data).hexdigest()
    row = Evidence.objects.present().filter(unit=unit, sha256=digest).first()
    if row is None:
        if Evidence.objects.present().filter(unit=unit).count() >= MAX_FILES:
            raise RefusedError([f"一个支部最多 {MAX_FILES} 份佐证材料，请先移除不用的。"])
        shown = name.replace("\\", "/").rsplit("/", 1)[-1][-200:]
        row = Evidence(
            unit=unit, name=shown, size=len(data), sha256=digest, content_type=content_type,
            uploaded_by=by, uploaded_at=now,
        )  # fmt: skip
        row.file.save(shown, ContentFile(data), save=False)
        row.save()
    EvidenceUse.objects.bulk_create(
        [EvidenceUse(evidence=row, criterion=item) for item in items], ignore_conflicts=True
    )
    audit.record(
        by=by,
        action="evidence.add",
        thing=row,
        branch=unit.branch,
        summary="上传佐证材料",
        after={"name": row.name, "sha256": digest, "criteria": [item.code for item in items]},
    )
    return row


@transaction.atomic
def cite(*, by: Account | None, evidence: Evidence, criteria: Iterable[Criterion]) -> Evidence:
    """Set which items cite a file. Raises RefusedError when the self-assessment is handed in."""
    _refuse_closed(evidence.unit)
    items = _own_items(evidence.unit, criteria)
    wanted = {item.pk for item in items}
    evidence.uses.exclude(criterion_id__in=wanted).delete()
    EvidenceUse.objects.bulk_create(
        [EvidenceUse(evidence=evidence, criterion_id=pk) for pk in sorted(wanted)], ignore_conflicts=True
    )
    audit.record(
        by=by,
        action="evidence.cite",
        thing=evidence,
        branch=evidence.unit.branch,
        summary="更改佐证材料所对应的条目",
        after={"criteria": [item.code for item in items]},
    )
    return evidence


@transaction.atomic
def remove_evidence(*, by: Account | None, evidence: Evidence, now: dt.datetime) -> Evidence:
    """Take a file off the list; its row and content stay for the record. Raises RefusedError when handed in."""
    _refuse_closed(evidence.unit)
    evidence.removed_by, evidence.removed_at = by, now
    evidence.save(update_fields=["removed_by", "removed_at"])
    audit.record(
        by=by, action="evidence.remove", thing=evidence, branch=evidence.unit.branch, summary="移除佐证材料",
        before={"name": evidence.name},
    )  # fmt: skip
    return evidence
