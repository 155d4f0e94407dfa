"""What a campaign says about confidence: how long texts are kept, how long readers may read, what people are told."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from branches.models import Account, Campaign

if TYPE_CHECKING:
    from branches.scopes import Scope


class ConfidenceRules(models.Model):
    """Keeping and reading of texts in one campaign, filled from presets/interviews-confidence.toml."""

    campaign = models.OneToOneField(
        Campaign, on_delete=models.CASCADE, related_name="confidence_rules", verbose_name="活动"
    )
    retain_months = models.PositiveSmallIntegerField("正文保存几个月", help_text="自谈话日期起算，期满由命令清除。")
    reader_days = models.PositiveSmallIntegerField("指定读者最长几天")
    text_limit = models.PositiveIntegerField("正文最多几字")
    version = models.PositiveIntegerField("版本", default=1)

    class Meta:
        verbose_name = verbose_name_plural = "保密规则"
        constraints = (
            models.CheckConstraint(condition=Q(retain_months__gte=1), name="confidence_retains_a_month"),
            models.CheckConstraint(condition=Q(reader_days__gte=1), name="confidence_reader_a_day"),
            models.CheckConstraint(condition=Q(text_limit__gte=1), name="confidence_text_not_nothing"),
        )

    def __str__(self) -> str:
        return f"{self.campaign_id}"


class NoticeQuerySet(models.QuerySet["Notice"]):
    """Reads on notices."""

    def within(self, scope: "Scope") -> "NoticeQuerySet":
        """Keep the notices of campaigns `scope` reaches."""
        return self.filter(campaign__in=Campaign.objects.within(scope))

    def current(self, campaign: Campaign) -> "Notice | None":
        """Return the notice shown now: the newest published one."""
        return self.filter(campaign=campaign, published_at__isnull=False).order_by("-number").first()


class Notice(models.Model):
    """The consent or notice text a person is shown before a talk is recorded; a published one never changes."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="talk_notices", verbose_name="活动")
    number = models.PositiveSmallIntegerField("版本")
    title = models.CharField("标题", max_length=80)
    body = models.TextField("内容")
    wants_consent = models.BooleanField("须本人同意", default=False)
    published_at = models.DateTimeField("发布时间", null=True, blank=True)
    published_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="发布人"
    )

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "告知书"
        ordering = ("campaign", "-number")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "number"], name="talk_notice_number_once"),
            models.CheckConstraint(condition=~Q(title="") & ~Q(body=""), name="talk_notice_says_something"),
        )

    def __str__(self) -> str:
        return f"{self.title}（第 {self.number} 版）"
