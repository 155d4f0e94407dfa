"""督办单: numbered notices that a person issues for overdue items, one per branch, with one reply."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from branches.models import Account, Branch, Campaign
from rectification.models.item import Item

if TYPE_CHECKING:
    from branches.scopes import Scope


class NoticeSeries(models.Model):
    """The numbers of one issuer in one campaign; whoever issues locks the row, so that numbers have no gap."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="notice_series", verbose_name="活动")
    issuer = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="notice_series", verbose_name="发文单位")
    last = models.PositiveIntegerField("已用到", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "督办单编号"
        constraints = (models.UniqueConstraint(fields=["campaign", "issuer"], name="notice_series_once"),)

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.issuer_id} {self.last}"


class SupervisionNoticeQuerySet(models.QuerySet["SupervisionNotice"]):
    """Reads on 督办单."""

    def within(self, scope: "Scope") -> "SupervisionNoticeQuerySet":
        """Keep those to branches that `scope` reaches."""
        return self if scope.everything else self.filter(branch__in=scope.branches())

    def alive(self) -> "SupervisionNoticeQuerySet":
        """Keep those not done with."""
        return self.filter(state__in=SupervisionNotice.ALIVE)

    def awaiting_reply(self) -> "SupervisionNoticeQuerySet":
        """Keep those the branch has to answer."""
        return self.filter(state__in=SupervisionNotice.OWED)


class SupervisionNotice(models.Model):
    """One 督办单 to one branch, over everything of it that was overdue when it was issued."""

    class State(models.TextChoices):
        ISSUED = "issued", "待回复"
        REPLIED = "replied", "已回复"
        RETURNED = "returned", "退回重报"
        CLOSED = "closed", "已办结"
        WITHDRAWN = "withdrawn", "已撤回"

    OWED = (State.ISSUED, State.RETURNED)
    ALIVE = (State.ISSUED, State.REPLIED, State.RETURNED)

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="notices", verbose_name="活动")
    issuer = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="notices_issued", verbose_name="发文单位")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="notices", verbose_name="被督办单位")
    number = models.PositiveIntegerField("序号")
    code = models.CharField("编号", max_length=80)
    demand = models.TextField("督办要求", max_length=1000)
    issued_on = models.DateField("签发日期")
    issued_at = models.DateTimeField("签发时间")
    issued_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name="签发人")
    reply_due_on = models.DateField("回复期限")
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.ISSUED)
    version = models.PositiveIntegerField("版本", default=1)

    objects = SupervisionNoticeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "督办单"
        ordering = ("-issued_at", "-pk")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "issuer", "number"], name="notice_number_once"),
            models.UniqueConstraint(
                fields=["campaign", "branch"],
                condition=Q(state__in=["issued", "replied", "returned"]),
                name="notice_one_alive_a_branch",
            ),
            models.CheckConstraint(condition=Q(number__gt=0), name="notice_number_positive"),
            models.CheckConstraint(condition=~Q(code="") & ~Q(demand=""), name="notice_says_something"),
            models.CheckConstraint(
                condition=Q(state__in=["issued", "replied", "returned", "closed", "withdrawn"]),
                name="notice_state_known",
            ),
            models.CheckConstraint(condition=Q(reply_due_on__gte=F("issued_on")), name="notice_due_after_issue"),
        )

    def __str__(self) -> str:
        return self.code

    @property
    def permission_branch_id(self) -> int:
        """The branch that is asked to answer."""
        return self.branch_id


class NoticeItem(models.Model):
    """An item on a 督办单 as it stood when it was issued, and what the branch says about it."""

    notice = models.ForeignKey(SupervisionNotice, on_delete=models.CASCADE, related_name="lines", verbose_name="督办单")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="notice_lines", verbose_name="整改项目")
    ordinal = models.PositiveSmallIntegerField("序号")
    problem = models.TextField("存在的主要问题")
    leader = models.CharField("责任人", max_length=120, blank=True)
    due_on = models.DateField("完成时限", null=True)
    days = models.PositiveIntegerField("逾期天数")
    answer = models.TextField("办理情况", max_length=500, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "督办事项"
        ordering = ("notice", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["notice", "item"], name="notice_item_once"),
            models.UniqueConstraint(fields=["notice", "ordinal"], name="notice_item_ordinal_once"),
            models.CheckConstraint(condition=Q(days__gt=0), name="notice_item_was_overdue"),
        )

    def __str__(self) -> str:
        return f"{self.notice_id} {self.ordinal}"


class NoticeReply(models.Model):
    """The one reply to a 督办单; sent back, it is written anew, and the audit trail keeps the earlier words."""

    notice = models.OneToOneField(
        SupervisionNotice, on_delete=models.CASCADE, related_name="reply", verbose_name="督办单"
    )
    text = models.TextField("回复", max_length=2000)
    signed_by = models.CharField("支部负责人", max_length=60)
    by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name="填报人")
    on_behalf = models.BooleanField("代录", default=False)
    replied_at = models.DateTimeField("回复时间")
    late = models.BooleanField("逾期回复", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "督办回复"
        constraints = (
            models.CheckConstraint(condition=~Q(text="") & ~Q(signed_by=""), name="notice_reply_says_something"),
        )

    def __str__(self) -> str:
        return f"{self.notice_id}"
