"""Who is to talk with whom."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from branches.models import Account, Campaign, Person
from interviews.models.roster import RosterEntry
from interviews.models.rules import VisitRule

if TYPE_CHECKING:
    from branches.scopes import Scope


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Reads on assignments."""

    def within(self, scope: "Scope") -> "AssignmentQuerySet":
        """Keep those about people of units `scope` reaches."""
        return self if scope.everything else self.filter(entry__unit__in=scope.branches())

    def of(self, account: Account) -> "AssignmentQuerySet":
        """Keep those an account's holder is to carry out, of people still in the roster."""
        return self.filter(interviewer__account=account, entry__active=True)


class Assignment(models.Model):
    """One person to be talked with by one interviewer, under one rule. A hand-made one is left alone by a new run."""

    class Origin(models.TextChoices):
        RULE = "rule", "按规则"
        HAND = "hand", "手工调整"

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="visit_assignments", verbose_name="活动"
    )
    rule = models.ForeignKey(VisitRule, on_delete=models.PROTECT, related_name="assignments", verbose_name="规则")
    entry = models.ForeignKey(
        RosterEntry, on_delete=models.PROTECT, related_name="assignments", verbose_name="访谈对象"
    )
    interviewer = models.ForeignKey(
        Person, on_delete=models.PROTECT, related_name="visit_assignments", verbose_name="访谈人"
    )
    required = models.PositiveSmallIntegerField("应谈次数", default=1)
    due_on = models.DateField("完成期限")
    origin = models.CharField("来源", max_length=10, choices=Origin.choices, default=Origin.RULE)
    assigned_at = models.DateTimeField("分配时间")
    version = models.PositiveIntegerField("版本", default=1)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "访谈任务"
        ordering = ("due_on", "pk")
        indexes = (models.Index(fields=["campaign", "interviewer", "due_on"]),)
        constraints = (
            models.UniqueConstraint(fields=["rule", "entry"], name="assignment_once_per_rule"),
            models.CheckConstraint(condition=Q(required__gte=1), name="assignment_required_positive"),
            models.CheckConstraint(condition=Q(origin__in=["rule", "hand"]), name="assignment_origin_known"),
        )

    def __str__(self) -> str:
        return f"{self.interviewer_id} → {self.entry_id}"

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for."""
        return self.entry.unit_id
