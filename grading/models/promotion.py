"""晋位升级: what a round is compared with, how its grades correspond, and why a branch fell."""

from django.db import models
from django.db.models import F, Q

from branches.models import Account
from grading.models.round import Round
from grading.models.rubric import Grade
from grading.models.unit import RoundUnit, UnitOwnedQuerySet, branch_of_unit


class Comparison(models.Model):
    """The earlier round a round is compared with. Without one it is the round before it in the same campaign."""

    class Merged(models.TextChoices):
        LOWER = "lower", "按原支部中较低的等级"
        HIGHER = "higher", "按原支部中较高的等级"
        LARGEST = "largest", "按原党员最多的支部的等级"

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="comparison", verbose_name="轮次")
    earlier = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="compared_by", verbose_name="对比轮次")
    merged = models.CharField("合并支部的原等级", max_length=10, choices=Merged.choices, default=Merged.LOWER)
    version = models.PositiveIntegerField("版本", default=1)

    class Meta:
        verbose_name = verbose_name_plural = "对比设置"
        constraints = (
            models.CheckConstraint(condition=~Q(round=F("earlier")), name="comparison_two_rounds"),
            models.CheckConstraint(
                condition=Q(merged__in=["lower", "higher", "largest"]), name="comparison_merged_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.round} ↔ {self.earlier}"


class GradeMatch(models.Model):
    """Which grade of this round's scale a grade of the earlier round's scale corresponds to (等级对应)."""

    comparison = models.ForeignKey(
        Comparison, on_delete=models.CASCADE, related_name="matches", verbose_name="对比设置"
    )
    earlier = models.ForeignKey(Grade, on_delete=models.PROTECT, related_name="+", verbose_name="原等级")
    later = models.ForeignKey(Grade, on_delete=models.PROTECT, related_name="+", verbose_name="对应等级")

    class Meta:
        verbose_name = verbose_name_plural = "等级对应"
        ordering = ("comparison", "earlier__rank")
        constraints = (models.UniqueConstraint(fields=["comparison", "earlier"], name="grade_match_once"),)

    def __str__(self) -> str:
        return f"{self.earlier} → {self.later}"


class FallReason(models.Model):
    """Why a branch holds a worse grade than before; a round with falls is not finalised without them."""

    unit = models.OneToOneField(RoundUnit, on_delete=models.CASCADE, related_name="fall_reason", verbose_name="支部")
    text = models.CharField("说明", max_length=300)
    given_by = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="填写人")
    given_at = models.DateTimeField("填写时间")

    objects = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "退位说明"
        constraints = (models.CheckConstraint(condition=~Q(text=""), name="fall_reason_not_empty"),)

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return self.text
