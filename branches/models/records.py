"""Drafts, uploads, the audit trail, transitions, and words a site has taught the importer."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db import models

from branches.models.people import Account
from branches.models.tree import Branch

if TYPE_CHECKING:
    from branches.scopes import Scope


class Draft(models.Model):
    """What somebody is typing, kept outside the audit until it is saved."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="drafts", verbose_name="账号")
    form = models.CharField("表单", max_length=60)
    key = models.CharField("对象", max_length=60)
    sequence = models.PositiveBigIntegerField("次序", default=0)
    base_version = models.PositiveIntegerField("起草时的版本", default=0)
    data = models.JSONField("内容", default=dict)
    updated_at = models.DateTimeField("时间")

    class Meta:
        verbose_name = verbose_name_plural = "草稿"
        constraints = (models.UniqueConstraint(fields=["account", "form", "key"], name="draft_once"),)

    def __str__(self) -> str:
        return f"{self.form}:{self.key}"


class Upload(models.Model):
    """A workbook somebody is importing, kept between the steps so that nothing is uploaded twice; purged later."""

    class State(models.TextChoices):
        WAITING = "waiting", "待导入"
        DONE = "done", "已导入"
        DROPPED = "dropped", "已放弃"

    key = models.CharField("标识", max_length=32, unique=True)
    kind = models.SlugField("种类", max_length=40)
    name = models.CharField("文件名", max_length=200)
    size = models.PositiveIntegerField("大小")
    sha256 = models.CharField("校验值", max_length=64)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="uploads", verbose_name="上传人")
    created_at = models.DateTimeField("上传时间")
    choices = models.JSONField("更正", default=dict, blank=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.WAITING)
    finished_at = models.DateTimeField("办结时间", null=True, blank=True)
    result = models.JSONField("结果", default=dict, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "上传的工作簿"
        ordering = ("-pk",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(state="waiting", finished_at__isnull=True)
                | (~models.Q(state="waiting") & models.Q(finished_at__isnull=False)),
                name="upload_end_with_state",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> str:
        """Where the file lies in the default storage; its name is ours, never the sender's."""
        return f"uploads/{self.key}"


class AuditEntryQuerySet(models.QuerySet["AuditEntry"]):
    """Reads on the audit trail."""

    def within(self, scope: "Scope") -> "AuditEntryQuerySet":
        """Keep entries about nodes `scope` reaches; those about no node only for a school-wide role."""
        return self if scope.everything else self.filter(branch__in=scope.branches())

    def without(self, things: Collection[str]) -> "AuditEntryQuerySet":
        """Leave out entries about these models."""
        return self.exclude(thing__in=things)


class AuditEntry(models.Model):
    """Who did what, when and from where. Rows are only ever inserted; personal values lie in AuditDetail."""

    at = models.DateTimeField("时间", db_index=True)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="账号")
    actor = models.CharField("操作人", max_length=80)
    address = models.GenericIPAddressField("来源地址", null=True)
    action = models.CharField("动作", max_length=60)
    thing = models.CharField("对象类型", max_length=60)
    thing_id = models.CharField("对象", max_length=40)
    branch = models.ForeignKey(
        Branch, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="党组织", db_index=True
    )
    summary = models.CharField("事项", max_length=300)
    detail_digest = models.CharField("明细摘要", max_length=64, blank=True)

    objects = AuditEntryQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "操作记录"
        ordering = ("-pk",)
        indexes = (models.Index(fields=["thing", "thing_id"]),)

    def __str__(self) -> str:
        return self.summary


class AuditDetail(models.Model):
    """Before and after, salted and erasable; the entry keeps only its digest."""

    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, related_name="detail", verbose_name="记录")
    salt = models.CharField("盐", max_length=32)
    before = models.JSONField("之前", null=True)
    after = models.JSONField("之后", null=True)

    class Meta:
        verbose_name = verbose_name_plural = "操作明细"

    def __str__(self) -> str:
        return f"{self.entry_id}"


class AuditSeal(models.Model):
    """One link of the chain over committed entries; position counts from 1 without gaps."""

    position = models.PositiveBigIntegerField("序", unique=True)
    entry = models.OneToOneField(AuditEntry, on_delete=models.PROTECT, related_name="seal", verbose_name="记录")
    digest = models.CharField("摘要", max_length=64)
    sealed_at = models.DateTimeField("时间")

    class Meta:
        verbose_name = verbose_name_plural = "操作记录封存"
        ordering = ("position",)

    def __str__(self) -> str:
        return f"{self.position}"


class TransitionLog(models.Model):
    """One move of a stateful thing, with the deciding body where the trade wants one."""

    thing = models.CharField("对象类型", max_length=60)
    thing_id = models.BigIntegerField("对象")
    from_state = models.CharField("原状态", max_length=30)
    to_state = models.CharField("新状态", max_length=30)
    at = models.DateTimeField("时间")
    by = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="经办人")
    reason = models.CharField("理由", max_length=500, blank=True)
    body = models.CharField("决定机构", max_length=60, blank=True)
    met_on = models.DateField("会议日期", null=True, blank=True)
    document_number = models.CharField("文号", max_length=80, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "状态变更"
        ordering = ("-pk",)
        indexes = (models.Index(fields=["thing", "thing_id"]),)

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"


class HeaderWord(models.Model):
    """A column heading this site's files use, taught by a person who corrected a mapping."""

    table = models.SlugField("表", max_length=40)
    field = models.CharField("字段", max_length=60)
    word = models.CharField("表头写法", max_length=80)

    class Meta:
        verbose_name = verbose_name_plural = "表头写法"
        constraints = (models.UniqueConstraint(fields=["table", "word"], name="header_word_once"),)

    def __str__(self) -> str:
        return self.word
