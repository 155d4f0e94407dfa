"""Practical problems raised in talks: released by the interviewer in a text of their own to who handles them."""

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from branches.models import Account, Branch, Campaign
from interviews.models.access import SealedRecord
from interviews.models.interview import Interview

if TYPE_CHECKING:
    from branches.scopes import Scope


class MatterCategory(models.Model):
    """What a problem is about: 教学, 后勤 … That there is one of a sensitive category, only those concerned see."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="matter_categories", verbose_name="活动"
    )
    ordinal = models.PositiveSmallIntegerField("序号")
    code = models.SlugField("代码", max_length=40)
    name = models.CharField("名称", max_length=40)
    sensitive = models.BooleanField("敏感", default=False)
    active = models.BooleanField("在用", default=True)
    version = models.PositiveIntegerField("版本", default=1)

    class Meta:
        verbose_name = verbose_name_plural = "问题类别"
        ordering = ("campaign", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "code"], name="matter_category_once"),
            models.CheckConstraint(condition=~Q(name=""), name="matter_category_named"),
        )

    def __str__(self) -> str:
        return self.name


class MatterQuerySet(models.QuerySet["Matter"]):
    """Reads on matters."""

    def within(self, scope: "Scope") -> "MatterQuerySet":
        """Keep those of units `scope` reaches: to be counted, not to be read."""
        return self if scope.everything else self.filter(unit__in=scope.branches())

    def visible_to(self, account: Account) -> "MatterQuerySet":
        """Keep those whose text an account may read: who released it, and who handles it."""
        return self.filter(Q(raised_by=account) | Q(owner=account))

    def pending(self) -> "MatterQuerySet":
        """Keep those that somebody still has to answer."""
        return self.filter(state__in=Matter.PENDING)

    def late(self, day: dt.date) -> "MatterQuerySet":
        """Keep those pending whose day is over."""
        return self.pending().filter(due_on__lt=day)


class Matter(models.Model):
    """A problem on its way to a result that the person is told. Text and result are sealed; the talk stays so too."""

    class State(models.TextChoices):
        RELEASED = "released", "待受理"
        IN_HAND = "in_hand", "办理中"
        RETURNED = "returned", "已退回"
        ANSWERED = "answered", "已办复"
        TOLD = "told", "已反馈本人"
        WITHDRAWN = "withdrawn", "已撤回"

    class Outcome(models.TextChoices):
        SOLVED = "solved", "已解决"
        UNSOLVED = "unsolved", "暂不能解决"

    PENDING = (State.RELEASED, State.IN_HAND, State.RETURNED)

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="matters", verbose_name="活动")
    number = models.PositiveIntegerField("编号")
    record = models.OneToOneField(
        SealedRecord, on_delete=models.PROTECT, related_name="matter", verbose_name="密存记录"
    )
    interview = models.ForeignKey(Interview, on_delete=models.PROTECT, related_name="matters", verbose_name="访谈")
    unit = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+", verbose_name="单位")
    category = models.ForeignKey(
        MatterCategory, on_delete=models.PROTECT, related_name="matters", verbose_name="问题类别"
    )
    raised_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="matters_raised", verbose_name="交办人"
    )
    owner = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="matters_owned", verbose_name="承办人")
    due_on = models.DateField("办结期限")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.RELEASED)
    outcome = models.CharField("结果", max_length=10, choices=Outcome.choices, blank=True)
    released_at = models.DateTimeField("交办时间")
    answered_at = models.DateTimeField("办复时间", null=True, blank=True)
    told_on = models.DateField("反馈日期", null=True, blank=True)

    objects = MatterQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "实际问题"
        ordering = ("-number",)
        indexes = (models.Index(fields=["owner", "state"]), models.Index(fields=["campaign", "unit", "state"]))
        constraints = (
            models.UniqueConstraint(fields=["campaign", "number"], name="matter_number_once"),
            models.CheckConstraint(
                condition=Q(state__in=["released", "in_hand", "returned", "answered", "told", "withdrawn"]),
                name="matter_state_known",
            ),
            models.CheckConstraint(condition=Q(outcome__in=["", "solved", "unsolved"]), name="matter_outcome_known"),
            models.CheckConstraint(
                condition=~Q(state__in=["answered", "told"]) | (~Q(outcome="") & Q(answered_at__isnull=False)),
                name="matter_answer_has_outcome",
            ),
            models.CheckConstraint(condition=~Q(state="told") | Q(told_on__isnull=False), name="matter_told_has_day"),
        )

    def __str__(self) -> str:
        return f"第 {self.number} 号"

    @property
    def permission_branch_id(self) -> int:
        """The unit of the person who raised it."""
        return self.unit_id
