"""整改提高方案: one plan of one branch (or one 党总支) for one round."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import BooleanField, Case, IntegerField, Q, Value, When
from django.db.models.functions import Coalesce, NullIf

from branches.models import Account, Branch, Campaign
from grading.models import Grade, Round, RoundUnit

if TYPE_CHECKING:
    from branches.scopes import Scope


DIRECT = "direct"
FIRST, LAST = -1, 1_000_000
#: The order of the annexes, after `group_order`: 党总支 with its own plan first, branches set up later last; 直属 last.
GROUP_ORDER = ("at_direct", "at_position", "at_code", "at_place")


def below_group(group: str, prefix: str = "") -> Q:
    """Return which plans are of branches of a 党总支 (its key), or of 直属党支部 (DIRECT)."""
    if group == DIRECT:
        return Q(**{f"{prefix}unit__direct": True}) | Q(**{f"{prefix}under__level": Branch.Level.COMMITTEE})
    frozen = Q(**{f"{prefix}unit__direct": False, f"{prefix}unit__parent": group})
    late = Q(**{f"{prefix}under": group, f"{prefix}under__level": Branch.Level.GENERAL_BRANCH})
    return frozen | late


def of_group(group: str, prefix: str = "") -> Q:
    """Return which plans count with a 党总支, its own among them, or with the 直属党支部."""
    below = below_group(group, prefix)
    return below if group == DIRECT else below | Q(**{f"{prefix}branch": group})


def group_fields(prefix: str = "") -> dict[str, Any]:
    """Return what to annotate to tell the 党总支 a plan counts with: direct, parent, parent_name; None for its own."""
    late = Case(
        When(**{f"{prefix}under__level": Branch.Level.COMMITTEE}, then=Value(True)),
        When(**{f"{prefix}under__isnull": False}, then=Value(False)),
        output_field=BooleanField(null=True),
    )
    return {
        "direct": Coalesce(f"{prefix}unit__direct", late),
        "parent": Coalesce(f"{prefix}unit__parent_id", f"{prefix}under_id"),
        "parent_name": Coalesce(f"{prefix}unit__parent_name", NullIf(f"{prefix}under_name", Value(""))),
    }


def group_order(prefix: str = "") -> dict[str, Any]:
    """Return what to annotate to order plans by GROUP_ORDER, the same on every database."""
    named = group_fields(prefix)
    unframed = Case(When(**{f"{prefix}under__isnull": False}, then=Value(LAST)), default=Value(FIRST))
    return {
        "at_direct": Coalesce(named["direct"], Value(False)),
        "at_position": Coalesce(
            f"{prefix}unit__parent_position", f"{prefix}under__position", f"{prefix}branch__position"
        ),
        "at_code": Coalesce(f"{prefix}unit__parent_code", f"{prefix}under__code", f"{prefix}branch__code"),
        "at_place": Coalesce(f"{prefix}unit__position", unframed, output_field=IntegerField()),
    }


class PlanQuerySet(models.QuerySet["Plan"]):
    """Reads on plans."""

    def set_up_later(self) -> "PlanQuerySet":
        """Keep the plans of branches set up after the round was frozen."""
        return self.filter(under__isnull=False)

    def within(self, scope: "Scope") -> "PlanQuerySet":
        """Keep the plans of nodes `scope` reaches today."""
        return self if scope.everything else self.filter(branch__in=scope.held.branches())


class Plan(models.Model):
    """A plan. `branch` is a 党支部 or a 党总支; `unit` its frozen copy in the round, where it has one.

    A 党支部 set up after the round was frozen has none: `under` is what it hung under when its plan was begun.
    """

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
    under = models.ForeignKey(
        Branch, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="新建支部的上级"
    )
    under_name = models.CharField("新建支部的上级名称", max_length=100, blank=True)
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
            models.CheckConstraint(
                condition=Q(under__isnull=True) | Q(unit__isnull=True), name="plan_under_only_without_unit"
            ),
            models.CheckConstraint(
                condition=Q(under__isnull=True, under_name="") | (Q(under__isnull=False) & ~Q(under_name="")),
                name="plan_under_has_name",
            ),
        )

    def __str__(self) -> str:
        return f"{self.name}整改提高方案"

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for."""
        return self.branch_id

    @property
    def group_key(self) -> str:
        """The key of the 党总支 the plan counts with, or DIRECT; "" for that of a 党总支 itself."""
        if self.unit is not None:
            return DIRECT if self.unit.direct else str(self.unit.parent_id)
        if self.under is None:
            return ""
        return DIRECT if self.under.level == Branch.Level.COMMITTEE else str(self.under_id)

    @property
    def group_name(self) -> str:
        """The 党总支 the plan counts with, or 直属党支部; its own name for that of a 党总支 itself."""
        if self.unit is not None:
            return self.unit.general_branch_name
        if self.under is None:
            return self.name
        return "直属党支部" if self.under.level == Branch.Level.COMMITTEE else self.under_name

    @property
    def editable(self) -> bool:
        """Tell whether the branch may still change the plan as a whole."""
        return self.state in (self.State.DRAFT, self.State.RETURNED)
