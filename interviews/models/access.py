"""Sealed records: what was said, readable by who wrote it and by named readers, and who opened it when.

A sealed record holds ciphertext only. Its key lies outside the database (interviews/vault); without it the texts are
noise for good. Nothing here says what a text is about.
"""

import datetime as dt
import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from branches.models import Account, Branch, Campaign

if TYPE_CHECKING:
    from branches.scopes import Scope


class SealedRecordQuerySet(models.QuerySet["SealedRecord"]):
    """Reads on sealed records."""

    def readable_by(self, account: Account, now: dt.datetime) -> "SealedRecordQuerySet":
        """Keep the records `account` may open at `now`: its own, and those it is a named reader of."""
        named = Reader.objects.in_force(now).filter(account=account).values("record")
        return self.filter(Q(owner=account) | Q(pk__in=named))

    def expired(self, day: dt.date) -> "SealedRecordQuerySet":
        """Keep the records whose retention date has come and that still have texts."""
        return self.filter(erased_at__isnull=True, retain_until__lte=day)

    def within(self, scope: "Scope") -> "SealedRecordQuerySet":
        """Keep the records of the units `scope` reaches: to count and erase them, not to read them."""
        return self if scope.everything else self.filter(unit__in=scope.branches())


class SealedRecord(models.Model):
    """One confidence: a talk, a matter, a report. Its texts have a key of their own; erasing destroys the key."""

    class Kind(models.TextChoices):
        INTERVIEW = "interview", "谈话"
        MATTER = "matter", "实际问题"
        EMERGENCY = "emergency", "紧急上报"

    class Erasure(models.TextChoices):
        RETENTION = "retention", "保存期满"
        REQUEST = "request", "本人要求删除"
        MISTAKE = "mistake", "误录"
        RESTORED = "restored", "恢复备份时依删除登记清除"

    id = models.UUIDField("编号", primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField("种类", max_length=12, choices=Kind.choices)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="sealed_records", verbose_name="活动")
    unit = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="sealed_records", verbose_name="党组织")
    owner = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="sealed_records", verbose_name="记录人")
    created_at = models.DateTimeField("建立时间")
    version = models.PositiveIntegerField("版本", default=1)
    retain_until = models.DateField("保存到", db_index=True)
    erased_at = models.DateTimeField("清除时间", null=True, blank=True)
    erasure = models.CharField("清除缘由", max_length=10, choices=Erasure.choices, blank=True)
    erased_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="清除人"
    )

    objects = SealedRecordQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "密存记录"
        ordering = ("-created_at", "pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=["interview", "matter", "emergency"]), name="sealed_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True, erasure="") | (Q(erased_at__isnull=False) & ~Q(erasure="")),
                name="sealed_erasure_with_time",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="sealed_version_from_one"),
        )

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def permission_branch_id(self) -> int:
        """The node it belongs to."""
        return self.unit_id


class SealedVersion(models.Model):
    """One writing of a record's texts: the first, or an amendment. Earlier ones stay."""

    record = models.ForeignKey(SealedRecord, on_delete=models.CASCADE, related_name="versions", verbose_name="记录")
    number = models.PositiveIntegerField("版本")
    written_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name="记录人")
    written_at = models.DateTimeField("时间")

    class Meta:
        verbose_name = verbose_name_plural = "密存记录的版本"
        ordering = ("record", "number")
        constraints = (
            models.UniqueConstraint(fields=["record", "number"], name="sealed_version_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="sealed_version_number_from_one"),
        )

    def __str__(self) -> str:
        return f"{self.record_id} {self.number}"


class SealedText(models.Model):
    """One field of one version, as ciphertext bound to campaign, record, field and version; empty once erased."""

    version = models.ForeignKey(SealedVersion, on_delete=models.CASCADE, related_name="texts", verbose_name="版本")
    field = models.SlugField("字段", max_length=20)
    sealed = models.BinaryField("密文")

    class Meta:
        verbose_name = verbose_name_plural = "密文"
        constraints = (models.UniqueConstraint(fields=["version", "field"], name="sealed_text_once"),)

    def __str__(self) -> str:
        return f"{self.version_id} {self.field}"


class ReaderQuerySet(models.QuerySet["Reader"]):
    """Reads on named readers."""

    def in_force(self, now: dt.datetime) -> "ReaderQuerySet":
        """Keep who may read at `now`."""
        return self.filter(revoked_at__isnull=True, granted_at__lte=now, until__gt=now)


class Reader(models.Model):
    """Somebody who may read one record for a while, named with a reason. Rank opens nothing."""

    record = models.ForeignKey(SealedRecord, on_delete=models.PROTECT, related_name="readers", verbose_name="记录")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="readings_granted", verbose_name="读者")
    reason = models.CharField("理由", max_length=200)
    granted_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name="授权人")
    granted_at = models.DateTimeField("授权时间")
    until = models.DateTimeField("有效期至")
    revoked_at = models.DateTimeField("收回时间", null=True, blank=True)
    revoked_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="收回人"
    )

    objects = ReaderQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "指定读者"
        ordering = ("-granted_at", "-pk")
        indexes = (models.Index(fields=["account", "until"]),)
        constraints = (
            models.UniqueConstraint(
                fields=["record", "account"], condition=Q(revoked_at__isnull=True), name="reader_one_open"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="reader_has_reason"),
            models.CheckConstraint(condition=Q(until__gt=F("granted_at")), name="reader_ends_after_start"),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True) | Q(revoked_by__isnull=False), name="reader_revoked_by_somebody"
            ),
        )

    def __str__(self) -> str:
        return f"{self.record_id} {self.account_id}"


class Reading(models.Model):
    """One opening of a record, or an attempt at one. Rows are only ever added; the record's owner sees them all."""

    class Outcome(models.TextChoices):
        OPENED = "opened", "已打开"
        REFUSED = "refused", "无权打开"
        ERASED = "erased", "正文已清除"
        FAILED = "failed", "密文或密钥有误，未能打开"

    record = models.ForeignKey(SealedRecord, on_delete=models.PROTECT, related_name="readings", verbose_name="记录")
    by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name="打开人")
    at = models.DateTimeField("时间")
    outcome = models.CharField("结果", max_length=10, choices=Outcome.choices)
    version = models.PositiveIntegerField("版本")
    reader = models.ForeignKey(
        Reader, on_delete=models.PROTECT, null=True, blank=True, related_name="readings", verbose_name="凭哪次授权"
    )

    class Meta:
        verbose_name = verbose_name_plural = "打开记录"
        ordering = ("-at", "-pk")
        indexes = (models.Index(fields=["record", "at"]),)
        constraints = (
            models.CheckConstraint(
                condition=Q(outcome__in=["opened", "refused", "erased", "failed"]), name="reading_outcome_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.record_id} {self.by_id} {self.outcome}"
