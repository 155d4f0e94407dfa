"""整改提高方案: one plan of one branch (or one 党总支) for one round."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from branches.models import Account, Branch, Campaign
from grading.models import Grade, Round, RoundUnit

if TYPE_CHECKING:
    from branches.scopes import Scope


class PlanQuerySet(models.QuerySet["Plan"]):
    """Reads on plans."""

    def within(self, scope: "Scope") -> "PlanQuerySet":
        """Keep the plans of nodes `scope` reaches today."""
        return self if scope.everything else self.filter(branch__in=scope.held.branches())


class Plan(models.Model):
    """A plan. `branch` is a 党支部 or a 党总支; `unit` its frozen copy in the round, where it has one."""

    class State(models.TextChoices):
        DRAFT = "draft", "起草"
        SUBMITTED = "submitted", "待审批"
        RETURNED = "returned", "已退回"
        APPROVED = "approved", "已批准"
        CLOSED = "closed", "已办结"

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="plans", verbose_name="活动")
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="plans", verbose_name="轮次")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="plans", verbose_name="党组织")
    unit = models.ForeignKey(
        RoundUnit, on_delete=models.PROTECT, null=True, blank=True, related_name="plans", verbose_name="参评支部"
    )
    name = models.CharField("党组织名称", max_length=100)
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.DRAFT)
    target = models.ForeignKey(
        Grade, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="晋位目标"
    )
    goal = models.TextField("总体目标", blank=True)
    created_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="起草人"
    )
    created_at = models.DateTimeField("起草时间")
    submitted_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="提交人"
    )
    submitted_at = models.DateTimeField("提交时间", null=True, blank=True)
    late = models.BooleanField("逾期提交", default=False)
    approved_at = models.DateTimeField("批准时间", null=True, blank=True)
    approved_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="批准人"
    )
    version = models.PositiveIntegerField("版本", default=1)

    objects = PlanQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "整改提高方案"
        ordering = ("round", "branch__position", "branch__code")
        indexes = (models.Index(fields=["campaign", "branch"]),)
        constraints = (
            models.UniqueConstraint(
                fields=["round", "branch"], name="plan_once_a_round", violation_error_message="本轮已有整改提高方案。"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "submitted", "returned", "approved", "closed"]), name="plan_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["submitted", "approved"]) | Q(submitted_at__isnull=False),
                name="plan_submitted_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="approved") | Q(approved_at__isnull=False), name="plan_approved_has_time"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="plan_name_not_empty"),
        )

    def __str__(self) -> str:
        return f"{self.name}整改提高方案"

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for."""
        return self.branch_id

    @property
    def editable(self) -> bool:
        """Tell whether the branch may still change the plan as a whole."""
        return self.state in (self.State.DRAFT, self.State.RETURNED)
