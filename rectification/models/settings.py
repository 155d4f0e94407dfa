"""What a campaign fixes about rectification, as rows: dates, rules of the meeting, categories and dimensions."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q

from branches.models import Account, Campaign

if TYPE_CHECKING:
    from branches.scopes import Scope


class RectificationRulesQuerySet(models.QuerySet["RectificationRules"]):
    """Reads on rules."""

    def within(self, scope: "Scope") -> "RectificationRulesQuerySet":
        """Keep the rules of campaigns that concern `scope`."""
        if scope.everything:
            return self
        found = Q(campaign__root__in=scope.branches()) | Q(campaign__root__in=scope.above())
        return self.filter(found)


class RectificationRules(models.Model):
    """Dates and rules of one campaign. They come from its preset; the office may change them."""

    campaign = models.OneToOneField(
        Campaign, on_delete=models.CASCADE, related_name="rectification", verbose_name="活动"
    )
    plan_due_on = models.DateField("方案完成期限")
    item_due_on = models.DateField("整改完成期限")
    at_risk_days = models.PositiveSmallIntegerField("到期前几天提示")
    plan_reminder_days = models.PositiveSmallIntegerField("方案到期前几天提示")
    checkpoint_months = models.PositiveSmallIntegerField("长期性项目至少几个月检查一次")
    recheck_days = models.PositiveSmallIntegerField("销号后几天复查", null=True, blank=True)
    pause_months = models.PositiveSmallIntegerField("一次最多暂停几个月", null=True, blank=True)
    files_required = models.BooleanField("完成须附材料", default=False)
    vague_check = models.BooleanField("提示空泛的措施", default=True)
    vague_words = models.JSONField("空泛用语", default=list, blank=True)
    vote_required = models.BooleanField("须经表决", default=False)
    quorum_over = models.PositiveSmallIntegerField("到会超过（几分之几，分子）", null=True, blank=True)
    quorum_of = models.PositiveSmallIntegerField("到会超过（几分之几，分母）", null=True, blank=True)
    majority_over = models.PositiveSmallIntegerField("赞成超过（几分之几，分子）", null=True, blank=True)
    majority_of = models.PositiveSmallIntegerField("赞成超过（几分之几，分母）", null=True, blank=True)
    digest_weekday = models.PositiveSmallIntegerField("每周几发提醒", null=True, blank=True)
    digest_hour = models.PositiveSmallIntegerField("几点发提醒", default=8)
    notice_pattern = models.CharField("督办单编号", max_length=60)
    visit_aspects: Any = models.JSONField("督导看什么", default=list, blank=True)
    notice_reply_days = models.PositiveSmallIntegerField("督办单几天内回复")
    log_months = models.PositiveSmallIntegerField("发送记录保存几个月", null=True, blank=True)
    version = models.PositiveIntegerField("版本", default=1)

    objects = RectificationRulesQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "整改规则"
        constraints = (
            models.CheckConstraint(
                condition=Q(plan_due_on__lte=F("item_due_on")),
                name="rectification_plan_before_items",
                violation_error_message="方案完成期限不能晚于整改完成期限。",
            ),
            models.CheckConstraint(
                condition=Q(quorum_over__isnull=True, quorum_of__isnull=True)
                | Q(quorum_over__gte=0, quorum_of__gt=F("quorum_over")),
                name="rectification_quorum_fraction",
                violation_error_message="到会比例的分子应小于分母，两项要么都填、要么都不填。",
            ),
            models.CheckConstraint(
                condition=Q(majority_over__isnull=True, majority_of__isnull=True)
                | Q(majority_over__gte=0, majority_of__gt=F("majority_over")),
                name="rectification_majority_fraction",
                violation_error_message="赞成比例的分子应小于分母，两项要么都填、要么都不填。",
            ),
            models.CheckConstraint(
                condition=Q(digest_weekday__isnull=True) | Q(digest_weekday__gte=1, digest_weekday__lte=7),
                name="rectification_weekday_known",
            ),
            models.CheckConstraint(condition=Q(digest_hour__lte=23), name="rectification_hour_known"),
            models.CheckConstraint(condition=Q(checkpoint_months__gte=1), name="rectification_checkpoint_months"),
            models.CheckConstraint(condition=Q(notice_reply_days__gte=1), name="rectification_reply_days"),
            models.CheckConstraint(condition=~Q(notice_pattern=""), name="rectification_notice_pattern"),
            models.CheckConstraint(
                condition=Q(pause_months__isnull=True) | Q(pause_months__gte=1), name="rectification_pause_months"
            ),
            models.CheckConstraint(
                condition=Q(log_months__isnull=True) | Q(log_months__gte=1), name="rectification_log_months"
            ),
        )

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.item_due_on}"

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for: the root of the campaign."""
        return self.campaign.root_id


class Category(models.Model):
    """问题类别 of a campaign, e.g. 抓书记强班子."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="rectification_categories", verbose_name="活动"
    )
    ordinal = models.PositiveSmallIntegerField("序号")
    code = models.SlugField("代码", max_length=40)
    name = models.CharField("类别", max_length=40)

    class Meta:
        verbose_name = verbose_name_plural = "问题类别"
        ordering = ("campaign", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "code"], name="rectification_category_code_once"),
            models.UniqueConstraint(fields=["campaign", "ordinal"], name="rectification_category_ordinal_once"),
            models.CheckConstraint(condition=~Q(name=""), name="rectification_category_has_name"),
        )

    def __str__(self) -> str:
        return self.name


class Dimension(models.Model):
    """What a problem is measured against, e.g. one of the 五个好. `sections`: codes of rubric sections it matches."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="rectification_dimensions", verbose_name="活动"
    )
    ordinal = models.PositiveSmallIntegerField("序号")
    code = models.SlugField("代码", max_length=40)
    name = models.CharField("对标内容", max_length=40)
    sections: Any = models.JSONField("对应的评分部分", default=list, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "对标内容"
        ordering = ("campaign", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "code"], name="rectification_dimension_code_once"),
            models.UniqueConstraint(fields=["campaign", "ordinal"], name="rectification_dimension_ordinal_once"),
            models.CheckConstraint(condition=~Q(name=""), name="rectification_dimension_has_name"),
        )

    def __str__(self) -> str:
        return self.name


class YearClosing(models.Model):
    """The year was closed: what was done and what is still open per branch, as it stood then."""

    campaign = models.OneToOneField(
        Campaign, on_delete=models.PROTECT, related_name="rectification_closing", verbose_name="活动"
    )
    closed_by = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="办理人")
    closed_at = models.DateTimeField("办理时间")
    reason = models.CharField("说明", max_length=500, blank=True)
    items = models.PositiveIntegerField("问题数", default=0)
    verified = models.PositiveIntegerField("已销号", default=0)
    still_open = models.PositiveIntegerField("仍未完成", default=0)
    unfinished = models.PositiveIntegerField("其中应完成未完成", default=0)
    remaining: Any = models.JSONField("仍未完成的项目", default=list, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "年度收尾"
        constraints = (
            models.CheckConstraint(
                condition=Q(unfinished=0) | ~Q(reason=""),
                name="rectification_closing_says_why",
                violation_error_message="还有应完成而未完成的项目，请说明情况。",
            ),
            models.CheckConstraint(
                condition=Q(verified__lte=F("items")) & Q(unfinished__lte=F("still_open")),
                name="rectification_closing_adds_up",
            ),
        )

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.closed_at}"
