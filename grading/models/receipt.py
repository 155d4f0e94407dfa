"""What a branch holds in hand after filing, and what a round froze when it became final."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from branches.models import Account
from grading.models.round import Round
from grading.models.sheet import Assessment
from grading.models.unit import reach

if TYPE_CHECKING:
    from branches.scopes import Scope


class ReceiptQuerySet(models.QuerySet["Receipt"]):
    """Reads on receipts."""

    def within(self, scope: "Scope") -> "ReceiptQuerySet":
        """Keep receipts of units `scope` reaches."""
        return self if scope.everything else self.filter(reach(scope, "assessment__unit__"))


class Receipt(models.Model):
    """回执 of one filing: number, time and what was filed. Never changed; filing again gives another one."""

    assessment = models.ForeignKey(Assessment, on_delete=models.PROTECT, related_name="receipts", verbose_name="评分表")
    number = models.CharField("回执号", max_length=20, unique=True)
    filed_at = models.DateTimeField("报送时间")
    received_at = models.DateTimeField("收到时间")
    late = models.BooleanField("逾期", default=False)
    filed_by = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="报送人")
    total = models.DecimalField("合计", max_digits=7, decimal_places=2)
    digest = models.CharField("内容摘要", max_length=64)

    objects = ReceiptQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "回执"
        ordering = ("-received_at", "-pk")
        constraints = (
            models.CheckConstraint(condition=~Q(number=""), name="receipt_has_number"),
            models.CheckConstraint(
                condition=Q(filed_at__lte=models.F("received_at")), name="receipt_filed_before_received"
            ),
        )

    def __str__(self) -> str:
        return self.number

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for."""
        return self.assessment.unit.branch_id


class RoundSnapshot(models.Model):
    """The rules a final round was graded by, as values: what its results rest on, beside each result's inputs."""

    round = models.OneToOneField(Round, on_delete=models.PROTECT, related_name="snapshot", verbose_name="轮次")
    rules = models.JSONField("规则")
    rubrics = models.JSONField("评分标准")
    rule_version = models.CharField("规则版本", max_length=140)
    algorithm = models.PositiveSmallIntegerField("算法版本")
    digest = models.CharField("摘要", max_length=64)
    taken_at = models.DateTimeField("固定时间")

    class Meta:
        verbose_name = verbose_name_plural = "规则快照"
        constraints = (models.CheckConstraint(condition=~Q(digest=""), name="snapshot_has_digest"),)

    def __str__(self) -> str:
        return f"{self.round_id} {self.rule_version}"
