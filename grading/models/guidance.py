"""细则: how a 党总支 refines an item of a rubric for its branches in one round. A published version never changes."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from branches.models import Account, Branch
from grading.models.round import Round
from grading.models.rubric import Criterion

if TYPE_CHECKING:
    from branches.scopes import Scope


class LocalGuidanceQuerySet(models.QuerySet["LocalGuidance"]):
    """Reads on 细则."""

    def within(self, scope: "Scope") -> "LocalGuidanceQuerySet":
        """Keep those of the 党总支 `scope` reaches."""
        return self if scope.everything else self.filter(parent__in=scope.branches())

    def in_force(self) -> "LocalGuidanceQuerySet":
        """Keep the newest published version of each item."""
        newer = LocalGuidance.objects.filter(
            round=models.OuterRef("round"),
            parent=models.OuterRef("parent"),
            criterion=models.OuterRef("criterion"),
            state=LocalGuidance.State.PUBLISHED,
            version__gt=models.OuterRef("version"),
        )
        return self.filter(~models.Exists(newer), state=LocalGuidance.State.PUBLISHED)


class LocalGuidance(models.Model):
    """One version of one 党总支's 细则 for one item: a text, and either levels or deductions inside the item's points.

    `options` holds {"label", "points"} in order. An item's maximum never changes; a version without text and options
    takes the 细则 back. 直属党支部 stand under the committee, so the office writes theirs.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "草稿"
        PUBLISHED = "published", "已发布"

    class Mode(models.TextChoices):
        TEXT = "text", "只作说明"
        LEVELS = "levels", "分档打分"
        DEDUCTIONS = "deductions", "逐项扣分"

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="guidance", verbose_name="轮次")
    parent = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+", verbose_name="党总支")
    criterion = models.ForeignKey(
        Criterion, on_delete=models.PROTECT, related_name="local_guidance", verbose_name="条目"
    )
    version = models.PositiveIntegerField("版本", default=1)
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.DRAFT)
    text = models.TextField("细则", blank=True)
    mode = models.CharField("方式", max_length=12, choices=Mode.choices, default=Mode.TEXT)
    options: Any = models.JSONField("档次或扣分", default=list, blank=True)
    edits = models.PositiveIntegerField("修改次数", default=1)
    saved_at = models.DateTimeField("保存时间")
    saved_by = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="保存人")
    published_at = models.DateTimeField("发布时间", null=True, blank=True)
    published_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="发布人"
    )

    objects = LocalGuidanceQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "细则"
        ordering = ("round", "parent", "criterion__section__ordinal", "criterion__ordinal", "version")
        constraints = (
            models.UniqueConstraint(fields=["round", "parent", "criterion", "version"], name="guidance_version_once"),
            models.UniqueConstraint(
                fields=["round", "parent", "criterion"],
                condition=Q(state="draft"),
                name="guidance_one_draft",
                violation_error_message="这一条已有草稿。",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="guidance_version_positive"),
            models.CheckConstraint(condition=Q(mode__in=["text", "levels", "deductions"]), name="guidance_mode_known"),
            models.CheckConstraint(
                condition=Q(state="draft", published_at__isnull=True)
                | Q(state="published", published_at__isnull=False),
                name="guidance_published_has_time",
            ),
        )

    def __str__(self) -> str:
        return f"{self.parent_id} {self.criterion_id} 第{self.version}版"

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for: the 党总支."""
        return self.parent_id

    @property
    def empty(self) -> bool:
        """Tell whether this version takes the 细则 back."""
        return not self.text and not self.options
