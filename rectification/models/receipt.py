"""What a branch holds in hand after handing in its plan."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from branches.models import Account
from rectification.models.plan import Plan

if TYPE_CHECKING:
    from branches.scopes import Scope


class PlanReceiptQuerySet(models.QuerySet["PlanReceipt"]):
    """Reads on receipts."""

    def within(self, scope: "Scope") -> "PlanReceiptQuerySet":
        """Keep receipts of plans `scope` reaches."""
        return self if scope.everything else self.filter(plan__branch__in=scope.held.branches())


class PlanReceipt(models.Model):
    """回执 of one submission: number, time and what was handed in. Submitting again gives another one."""

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="receipts", verbose_name="方案")
    number = models.CharField("回执号", max_length=20, unique=True)
    filed_at = models.DateTimeField("报送时间")
    late = models.BooleanField("逾期", default=False)
    filed_by = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="报送人")
    items = models.PositiveSmallIntegerField("项目数")
    digest = models.CharField("内容摘要", max_length=64)

    objects = PlanReceiptQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "方案回执"
        ordering = ("-filed_at", "-pk")
        constraints = (
            models.CheckConstraint(condition=~Q(number=""), name="plan_receipt_has_number"),
            models.CheckConstraint(condition=Q(items__gte=1), name="plan_receipt_has_items"),
        )

    def __str__(self) -> str:
        return self.number

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for."""
        return self.plan.branch_id
