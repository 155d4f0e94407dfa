"""督导: visits of the leading group's office to a unit, what was looked at and what was found."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from branches.models import Account, Branch, Campaign

if TYPE_CHECKING:
    from branches.scopes import Scope


class VisitQuerySet(models.QuerySet["Visit"]):
    """Reads on 督导 visits."""

    def within(self, scope: "Scope") -> "VisitQuerySet":
        """Keep visits to units that `scope` reaches, and those with a finding about one of them."""
        if scope.everything:
            return self
        told = VisitFinding.objects.filter(branch__in=scope.branches())
        return self.filter(Q(unit__in=scope.branches()) | Q(pk__in=told.values("visit")))


class Visit(models.Model):
    """One visit: when, who, where, what was looked at."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="visits", verbose_name="活动")
    unit = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="visits", verbose_name="督导单位")
    held_on = models.DateField("督导日期")
    place = models.CharField("地点", max_length=120)
    visitors = models.CharField("督导人员", max_length=200)
    received_by = models.CharField("接待人", max_length=120, blank=True)
    looked_at = models.JSONField("查看内容", default=list, blank=True)
    summary = models.TextField("总体情况", max_length=2000, blank=True)
    recorded_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name="记录人")
    recorded_at = models.DateTimeField("记录时间")
    version = models.PositiveIntegerField("版本", default=1)

    objects = VisitQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "督导记录"
        ordering = ("-held_on", "-pk")
        constraints = (
            models.CheckConstraint(condition=~Q(visitors="") & ~Q(place=""), name="visit_says_who_and_where"),
        )

    def __str__(self) -> str:
        return f"{self.held_on} {self.unit_id}"

    @property
    def permission_branch_id(self) -> int:
        """The unit that was visited."""
        return self.unit_id


class VisitFindingQuerySet(models.QuerySet["VisitFinding"]):
    """Reads on findings."""

    def within(self, scope: "Scope") -> "VisitFindingQuerySet":
        """Keep findings about branches that `scope` reaches."""
        return self if scope.everything else self.filter(branch__in=scope.branches())

    def open(self) -> "VisitFindingQuerySet":
        """Keep those nothing was made of yet."""
        return self.filter(state=VisitFinding.State.OPEN)


class VisitFinding(models.Model):
    """Something found about a branch: it becomes an item of its plan (by `source_key`), or is settled with a word."""

    class State(models.TextChoices):
        OPEN = "open", "待列入整改"
        SETTLED = "settled", "已说明"

    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="findings", verbose_name="督导记录")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="findings", verbose_name="涉及党组织")
    ordinal = models.PositiveSmallIntegerField("序号")
    text = models.TextField("发现的问题", max_length=500)
    advice = models.TextField("意见建议", max_length=500, blank=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    note = models.CharField("处理说明", max_length=300, blank=True)

    objects = VisitFindingQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "督导发现"
        ordering = ("visit", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["visit", "ordinal"], name="finding_ordinal_once"),
            models.CheckConstraint(condition=~Q(text=""), name="finding_not_empty"),
            models.CheckConstraint(condition=Q(state__in=["open", "settled"]), name="finding_state_known"),
            models.CheckConstraint(condition=~Q(state="settled") | ~Q(note=""), name="finding_settled_says_how"),
        )

    def __str__(self) -> str:
        return f"{self.visit_id} {self.ordinal}"

    @property
    def source_key(self) -> str:
        """What an item bears that came of it."""
        return f"finding:{self.pk}"

    @property
    def permission_branch_id(self) -> int:
        """The branch it is about."""
        return self.branch_id
