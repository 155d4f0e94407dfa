"""督导: visits of the leading group's office to a unit, what was looked at and what was found."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from branches.models import Account, Branch, Campaign
from rectification.models.item import Item

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
    """Something found about a branch: it may become an item of its plan, or be settled with a word."""

    class State(models.TextChoices):
        OPEN = "open", "待处理"
        ITEM = "item", "已列入整改"
        SETTLED = "settled", "已说明"

    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="findings", verbose_name="督导记录")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="findings", verbose_name="涉及党组织")
    ordinal = models.PositiveSmallIntegerField("序号")
    text = models.TextField("发现的问题", max_length=500)
    advice = models.TextField("意见建议", max_length=500, blank=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    item = models.ForeignKey(
        Item, on_delete=models.PROTECT, null=True, blank=True, related_name="findings", verbose_name="整改项目"
    )
    note = models.CharField("处理说明", max_length=300, blank=True)

    objects = VisitFindingQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "督导发现"
        ordering = ("visit", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["visit", "ordinal"], name="finding_ordinal_once"),
            models.CheckConstraint(condition=~Q(text=""), name="finding_not_empty"),
            models.CheckConstraint(
                condition=Q(state="open", item__isnull=True)
                | Q(state="item", item__isnull=False)
                | (Q(state="settled", item__isnull=True) & ~Q(note="")),
                name="finding_state_fits",
            ),
        )

    def __str__(self) -> str:
        return f"{self.visit_id} {self.ordinal}"

    @property
    def permission_branch_id(self) -> int:
        """The branch it is about."""
        return self.branch_id


class VisitAspect(models.Model):
    """Something the visits of a campaign look at, e.g. 组织生活会是否召开."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="visit_aspects", verbose_name="活动")
    ordinal = models.PositiveSmallIntegerField("序号")
    name = models.CharField("查看内容", max_length=80)

    class Meta:
        verbose_name = verbose_name_plural = "督导查看内容"
        ordering = ("campaign", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "ordinal"], name="visit_aspect_ordinal_once"),
            models.CheckConstraint(condition=~Q(name=""), name="visit_aspect_has_name"),
        )

    def __str__(self) -> str:
        return self.name
