"""Filled sheets with their points, and the evidence they cite."""

import secrets
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q

from branches.models import Account
from grading.models.round import Source
from grading.models.rubric import Criterion, Section
from grading.models.unit import RoundUnit, UnitOwnedQuerySet, branch_of_unit, reach

if TYPE_CHECKING:
    from branches.scopes import Scope


class Assessment(models.Model):
    """One sheet of one branch: 自评 by the branch, 考评 by the 党总支, 抽查 by inspectors."""

    class State(models.TextChoices):
        DRAFT = "draft", "填写中"
        SUBMITTED = "submitted", "已提交"
        RETURNED = "returned", "已退回"
        ACCEPTED = "accepted", "已接收"

    unit = models.ForeignKey(RoundUnit, on_delete=models.PROTECT, related_name="assessments", verbose_name="支部")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="assessments", verbose_name="来源")
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.DRAFT)
    late = models.BooleanField("逾期", default=False)
    entered_on_behalf = models.BooleanField("代录", default=False)
    earned = models.DecimalField("合计", max_digits=7, decimal_places=2, null=True, blank=True)
    partial = models.DecimalField("已打分合计", max_digits=7, decimal_places=2, default=0)
    answered = models.PositiveSmallIntegerField("已打分条目", default=0)
    reason = models.TextField("评分理由", blank=True)
    reason_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="理由填写人"
    )
    reason_at = models.DateTimeField("理由时间", null=True, blank=True)
    reason_checked_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="差异核对人"
    )
    reason_checked_at = models.DateTimeField("差异核对时间", null=True, blank=True)
    version = models.PositiveIntegerField("版本", default=1)
    saved_at = models.DateTimeField("保存时间", null=True, blank=True)
    saved_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="保存人"
    )
    submitted_at = models.DateTimeField("提交时间", null=True, blank=True)
    submitted_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="提交人"
    )

    objects = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "评分表"
        ordering = ("unit", "source__ordinal")
        constraints = (
            models.UniqueConstraint(fields=["unit", "source"], name="assessment_once_a_source"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "submitted", "returned", "accepted"]), name="assessment_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["submitted", "accepted"]) | Q(submitted_at__isnull=False),
                name="assessment_submitted_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["submitted", "accepted"]) | Q(earned__isnull=False),
                name="assessment_submitted_complete",
            ),
        )

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return f"{self.unit_id} {self.source_id}"

    @property
    def editable(self) -> bool:
        """Tell whether points may still be entered."""
        return self.state in (self.State.DRAFT, self.State.RETURNED)


class Score(models.Model):
    """Points for one item, or for one section where the source is scored by section."""

    assessment = models.ForeignKey(Assessment, on_delete=models.CASCADE, related_name="scores", verbose_name="评分表")
    criterion = models.ForeignKey(
        Criterion, on_delete=models.PROTECT, null=True, blank=True, related_name="scores", verbose_name="条目"
    )
    section = models.ForeignKey(
        Section, on_delete=models.PROTECT, null=True, blank=True, related_name="scores", verbose_name="项目"
    )
    points = models.DecimalField("得分", max_digits=6, decimal_places=2, null=True, blank=True)
    not_applicable = models.BooleanField("不适用", default=False)
    remark = models.TextField("说明", blank=True)
    #: What was counted where an item is scored by events: {"label", "points", "number"} as it stood then.
    counts: Any = models.JSONField("逐项次数", default=list, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "得分"
        constraints = (
            models.UniqueConstraint(
                fields=["assessment", "criterion"], condition=Q(criterion__isnull=False), name="score_once_an_item"
            ),
            models.UniqueConstraint(
                fields=["assessment", "section"], condition=Q(section__isnull=False), name="score_once_a_section"
            ),
            models.CheckConstraint(
                condition=Q(criterion__isnull=False, section__isnull=True)
                | Q(criterion__isnull=True, section__isnull=False),
                name="score_item_or_section",
            ),
            models.CheckConstraint(
                condition=Q(points__isnull=True) | Q(points__gte=0), name="score_points_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(not_applicable=False) | Q(points__isnull=True), name="score_not_applicable_has_no_points"
            ),
        )

    def __str__(self) -> str:
        return f"{self.criterion_id or self.section_id}: {self.points}"


def evidence_key(_instance: "Evidence", name: str) -> str:
    """Return a storage key that tells nothing and cannot be guessed; the shown name is kept in the row."""
    suffix = PurePosixPath(name).suffix.lower()[:10]
    token = secrets.token_hex(20)
    return f"evidence/{token[:2]}/{token}{suffix}"


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    """Reads on evidence."""

    def within(self, scope: "Scope") -> "EvidenceQuerySet":
        """Keep files of units `scope` reaches."""
        return self if scope.everything else self.filter(reach(scope, "unit__"))

    def present(self) -> "EvidenceQuerySet":
        """Keep what was not removed."""
        return self.filter(removed_at__isnull=True)


class Evidence(models.Model):
    """A file of a branch in a round; several items may cite it. Removing keeps the row."""

    unit = models.ForeignKey(RoundUnit, on_delete=models.PROTECT, related_name="evidence", verbose_name="支部")
    file = models.FileField("文件", upload_to=evidence_key, max_length=120)
    name = models.CharField("文件名", max_length=200)
    size = models.PositiveBigIntegerField("大小")
    sha256 = models.CharField("SHA-256", max_length=64)
    content_type = models.CharField("类型", max_length=100)
    uploaded_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="上传人"
    )
    uploaded_at = models.DateTimeField("上传时间")
    removed_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="移除人"
    )
    removed_at = models.DateTimeField("移除时间", null=True, blank=True)
    criteria = models.ManyToManyField(
        Criterion, through="EvidenceUse", related_name="evidence", verbose_name="用于条目"
    )

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "佐证材料"
        ordering = ("unit", "pk")
        constraints = (
            models.CheckConstraint(condition=~Q(name=""), name="evidence_name_not_empty"),
            models.CheckConstraint(condition=Q(size__gt=0), name="evidence_not_empty"),
            models.UniqueConstraint(
                fields=["unit", "sha256"], condition=Q(removed_at__isnull=True), name="evidence_file_once"
            ),
        )

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return self.name


class EvidenceUse(models.Model):
    """An item cites a file."""

    evidence = models.ForeignKey(Evidence, on_delete=models.CASCADE, related_name="uses", verbose_name="文件")
    criterion = models.ForeignKey(
        Criterion, on_delete=models.PROTECT, related_name="evidence_uses", verbose_name="条目"
    )

    class Meta:
        verbose_name = verbose_name_plural = "佐证引用"
        ordering = ("criterion", F("evidence"))
        constraints = (models.UniqueConstraint(fields=["evidence", "criterion"], name="evidence_use_once"),)

    def __str__(self) -> str:
        return f"{self.evidence_id} → {self.criterion_id}"
