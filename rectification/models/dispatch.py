"""What is sent to whom: jobs of sending as rows, what each told, and why something was not sent."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from branches.models import Account, Branch

if TYPE_CHECKING:
    from branches.scopes import Scope

MAX_ATTEMPTS = 8


class DigestChoice(models.Model):
    """How often somebody wants the digest; without a row, weekly."""

    class Frequency(models.TextChoices):
        WEEKLY = "weekly", "每周一封"
        DAILY = "daily", "有新情况的每个工作日一封"
        NONE = "none", "不收摘要邮件"

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="digest_choice", verbose_name="账号")
    frequency = models.CharField("频次", max_length=10, choices=Frequency.choices, default=Frequency.WEEKLY)
    changed_at = models.DateTimeField("修改时间")

    class Meta:
        verbose_name = verbose_name_plural = "提醒频次"
        constraints = (
            models.CheckConstraint(condition=Q(frequency__in=["weekly", "daily", "none"]), name="digest_choice_known"),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.frequency}"


class DigestRun(models.Model):
    """That the digests of a period were written: the week by its Monday, or a day."""

    frequency = models.CharField("频次", max_length=10, choices=DigestChoice.Frequency.choices)
    period = models.DateField("周期")
    done_at = models.DateTimeField("完成时间")

    class Meta:
        verbose_name = verbose_name_plural = "摘要批次"
        constraints = (
            models.UniqueConstraint(fields=["frequency", "period"], name="digest_run_once"),
            models.CheckConstraint(condition=Q(frequency__in=["weekly", "daily"]), name="digest_run_known"),
        )

    def __str__(self) -> str:
        return f"{self.frequency} {self.period}"


class DispatchQuerySet(models.QuerySet["Dispatch"]):
    """Reads on messages."""

    def within(self, scope: "Scope") -> "DispatchQuerySet":
        """Keep messages to accounts that `scope` reaches."""
        return self if scope.everything else self.filter(recipient__in=Account.objects.within(scope))

    def waiting(self) -> "DispatchQuerySet":
        """Keep what nobody has begun to send."""
        return self.filter(state=Dispatch.State.WAITING)


class Dispatch(models.Model):
    """One message to one person: a job under a lease while it is to be sent, the log of it afterwards.

    WAITING → CLAIMED (a worker has it; nothing was said to the mail server) → HANDED (from here the server may have it)
    → SENT. A claim that lapses waits again; a message that lapses while HANDED is UNCERTAIN and is never sent again by
    itself. `lease_until` and `available_at` are the database's time, other moments the product's. docs/supervision.md.
    """

    class Kind(models.TextChoices):
        DIGEST = "digest", "提醒摘要"
        NOTICE = "notice", "督办单"
        RETURNED = "returned", "督办回复退回"
        WITHDRAWN = "withdrawn", "督办单撤回"
        RESENT = "resent", "重发"

    class State(models.TextChoices):
        WAITING = "waiting", "待发送"
        CLAIMED = "claimed", "正在发送"
        HANDED = "handed", "正在交邮件服务器"
        SENT = "sent", "已发送"
        FAILED = "failed", "未能发送"
        UNCERTAIN = "uncertain", "不能确定是否送出"
        SKIPPED = "skipped", "没有发送"

    class Why(models.TextChoices):
        NO_ADDRESS = "no_address", "没有电子邮箱"
        OPTED_OUT = "opted_out", "本人选择不收"
        NOTHING = "nothing", "没有要告知的事项"
        TOLD_TODAY = "told_today", "今天已经告知过"
        INACTIVE = "inactive", "账号已停用"

    UNDER_WAY = (State.CLAIMED, State.HANDED)

    recipient = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="dispatches", verbose_name="收件人")
    branch = models.ForeignKey(
        Branch, on_delete=models.PROTECT, null=True, blank=True, related_name="dispatches", verbose_name="涉及党组织"
    )
    kind = models.CharField("种类", max_length=10, choices=Kind.choices)
    day = models.DateField("日期")
    period = models.DateField("周期", null=True, blank=True)
    address = models.EmailField("电子邮箱", blank=True)
    subject = models.CharField("主题", max_length=200, blank=True)
    body = models.TextField("正文", blank=True)
    message_id = models.CharField("邮件编号", max_length=120, blank=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.WAITING)
    why = models.CharField("没有发送的原因", max_length=12, choices=Why.choices, blank=True)
    error = models.CharField("出错说明", max_length=300, blank=True)
    token = models.PositiveBigIntegerField("令牌", default=0)
    attempt = models.PositiveSmallIntegerField("次数", default=0)
    lease_until = models.DateTimeField("租约到", null=True, blank=True)
    available_at = models.DateTimeField("可开始时间", null=True, blank=True)
    created_at = models.DateTimeField("写成时间")
    handed_at = models.DateTimeField("交付时间", null=True, blank=True)
    sent_at = models.DateTimeField("发送时间", null=True, blank=True)
    again_of = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="again", verbose_name="重发自"
    )

    objects = DispatchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "发送记录"
        ordering = ("-created_at", "-pk")
        indexes = (models.Index(fields=["state", "available_at"]), models.Index(fields=["recipient", "-day"]))
        constraints = (
            models.UniqueConstraint(
                fields=["recipient", "period"], condition=Q(kind="digest"), name="dispatch_one_digest_a_period"
            ),
            models.UniqueConstraint(
                fields=["recipient", "day"], condition=Q(kind="digest"), name="dispatch_one_digest_a_day"
            ),
            models.UniqueConstraint(
                fields=["message_id"], condition=~Q(message_id=""), name="dispatch_message_id_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "claimed", "handed", "sent", "failed", "uncertain", "skipped"]),
                name="dispatch_state_known",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["digest", "notice", "returned", "withdrawn", "resent"]),
                name="dispatch_kind_known",
            ),
            models.CheckConstraint(condition=Q(state="skipped") ^ Q(why=""), name="dispatch_skipped_says_why"),
            models.CheckConstraint(
                condition=Q(state="skipped") | (~Q(address="") & ~Q(message_id="") & ~Q(body="")),
                name="dispatch_can_be_sent",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["claimed", "handed"]) | Q(lease_until__isnull=False),
                name="dispatch_claimed_has_lease",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["handed", "sent", "uncertain"]) | Q(handed_at__isnull=False),
                name="dispatch_handed_has_moment",
            ),
            models.CheckConstraint(
                condition=Q(state="sent") ^ Q(sent_at__isnull=True), name="dispatch_sent_has_moment"
            ),
            models.CheckConstraint(condition=~Q(kind="digest") | Q(period__isnull=False), name="dispatch_has_period"),
            models.CheckConstraint(condition=Q(attempt__lte=MAX_ATTEMPTS), name="dispatch_attempts_bounded"),
        )

    def __str__(self) -> str:
        return self.subject or f"{self.kind} {self.recipient_id}"


class DispatchLine(models.Model):
    """One thing a message tells, or left out; nothing is told to a person twice on one day."""

    dispatch = models.ForeignKey(Dispatch, on_delete=models.CASCADE, related_name="lines", verbose_name="发送记录")
    recipient = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name="收件人")
    day = models.DateField("日期")
    key = models.CharField("事项", max_length=60)
    text = models.CharField("内容", max_length=300)
    told = models.BooleanField("已告知", default=True)

    class Meta:
        verbose_name = verbose_name_plural = "告知事项"
        ordering = ("dispatch", "pk")
        constraints = (
            models.UniqueConstraint(fields=["dispatch", "key"], name="dispatch_line_once"),
            models.UniqueConstraint(
                fields=["recipient", "day", "key"], condition=Q(told=True), name="dispatch_line_told_once_a_day"
            ),
            models.CheckConstraint(condition=~Q(key="") & ~Q(text=""), name="dispatch_line_says_something"),
        )

    def __str__(self) -> str:
        return self.text
