"""学习培训 of a branch: who should have come and who came. The system-filled 培训率 is computed from these rows."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from branches.models import Account, Branch

if TYPE_CHECKING:
    from branches.scopes import Scope


class TrainingQuerySet(models.QuerySet["Training"]):
    """Reads on 学习培训."""

    def within(self, scope: "Scope") -> "TrainingQuerySet":
        """Keep those of branches `scope` reaches."""
        return self if scope.everything else self.filter(branch__in=scope.branches())


class Training(models.Model):
    """One 学习培训: 应到 and 实到."""

    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="trainings", verbose_name="党支部")
    held_on = models.DateField("日期")
    topic = models.CharField("内容", max_length=120)
    due = models.PositiveSmallIntegerField("应到（人）")
    present = models.PositiveSmallIntegerField("实到（人）")
    entered_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="登记人"
    )
    entered_at = models.DateTimeField("登记时间")

    objects = TrainingQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "学习培训"
        ordering = ("branch", "-held_on", "-pk")
        constraints = (
            models.CheckConstraint(condition=~Q(topic=""), name="training_has_topic"),
            models.CheckConstraint(condition=Q(due__gte=1), name="training_somebody_due"),
            models.CheckConstraint(
                condition=Q(present__lte=F("due")),
                name="training_present_at_most_due",
                violation_error_message="实到人数不能多于应到人数。",
            ),
            models.UniqueConstraint(
                fields=["branch", "held_on", "topic"],
                name="training_once",
                violation_error_message="这一天已登记过同样内容的学习培训。",
            ),
        )

    def __str__(self) -> str:
        return f"{self.held_on} {self.topic}"

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for."""
        return self.branch_id
