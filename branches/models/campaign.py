"""A year's campaign, loaded from a preset and then rows of its own."""

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from branches.models.tree import Branch

if TYPE_CHECKING:
    from branches.scopes import Scope


class CampaignQuerySet(models.QuerySet["Campaign"]):
    """Reads on campaigns."""

    def within(self, scope: "Scope") -> "CampaignQuerySet":
        """Keep the campaigns that concern `scope`: held in it, or by a node above it."""
        if scope.everything:
            return self
        return self.filter(Q(root__in=scope.branches()) | Q(root__in=scope.above()))

    def running(self, day: dt.date) -> "CampaignQuerySet":
        """Keep the campaigns under way on `day`."""
        return self.filter(starts_on__lte=day, ends_on__gte=day)


class Campaign(models.Model):
    """One yearly activity, e.g. 基层组织建设年. Several may overlap; nothing asks for "the current campaign"."""

    name = models.CharField("活动名称", max_length=100)
    short_name = models.CharField("简称", max_length=30, blank=True)
    year = models.PositiveSmallIntegerField("年度")
    root = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="campaigns", verbose_name="开展范围")
    theme = models.CharField("主题", max_length=200, blank=True)
    document_number = models.CharField("通知文号", max_length=80, blank=True)
    preset_code = models.CharField("预设", max_length=60, blank=True)
    preset_version = models.CharField("预设版本", max_length=64, blank=True)
    preset = models.JSONField("预设内容", default=dict, blank=True)
    starts_on = models.DateField("起")
    ends_on = models.DateField("止")
    backfill = models.BooleanField("历史补录", default=False, help_text="补录以往的活动：不催办，不计逾期。")
    version = models.PositiveIntegerField("版本", default=1)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "活动"
        ordering = ("-year", "-pk")
        constraints = (
            models.UniqueConstraint(fields=["root", "year", "name"], name="campaign_once_a_year"),
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="campaign_ends_after_start"),
        )

    def __str__(self) -> str:
        return self.name


class Stage(models.Model):
    """One stage of a campaign, e.g. 调查摸底、分类定级."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="stages", verbose_name="活动")
    ordinal = models.PositiveSmallIntegerField("序号")
    name = models.CharField("名称", max_length=60)
    starts_on = models.DateField("起")
    ends_on = models.DateField("止")
    when = models.CharField("通知中的时间", max_length=40, blank=True)
    responsible = models.CharField("责任单位", max_length=80, blank=True)
    tasks = models.TextField("主要任务", blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "阶段"
        ordering = ("campaign", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "ordinal"], name="stage_ordinal_once"),
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="stage_ends_after_start"),
        )

    def __str__(self) -> str:
        return self.name


class Deliverable(models.Model):
    """What a stage asks of each unit of a level."""

    class Kind(models.TextChoices):
        FILE = "file", "文件"
        TEXT = "text", "文字"
        MEETING = "meeting", "会议记录"

    stage = models.ForeignKey(Stage, on_delete=models.CASCADE, related_name="deliverables", verbose_name="阶段")
    ordinal = models.PositiveSmallIntegerField("序号")
    name = models.CharField("材料", max_length=80)
    level = models.CharField("报送单位", max_length=20, choices=Branch.Level.choices)
    kind = models.CharField("形式", max_length=10, choices=Kind.choices)
    due_on = models.DateField("截止日期", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "应报材料"
        ordering = ("stage", "ordinal")
        constraints = (models.UniqueConstraint(fields=["stage", "ordinal"], name="deliverable_ordinal_once"),)

    def __str__(self) -> str:
        return self.name


class Target(models.Model):
    """A target of the campaign as data, e.g. 支部建在班上比例 ≥ 55."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="targets", verbose_name="活动")
    code = models.SlugField("代码", max_length=40)
    name = models.CharField("目标", max_length=120)
    value = models.DecimalField("目标值", max_digits=8, decimal_places=2, null=True, blank=True)
    unit = models.CharField("单位", max_length=10, blank=True)
    definition = models.CharField("口径", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "目标"
        ordering = ("campaign", "pk")
        constraints = (models.UniqueConstraint(fields=["campaign", "code"], name="target_code_once"),)

    def __str__(self) -> str:
        return self.name


class CampaignMember(models.Model):
    """A member of the leading group or of its office."""

    class Group(models.TextChoices):
        LEADING = "leading", "领导小组"
        OFFICE = "office", "领导小组办公室"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="members", verbose_name="活动")
    group = models.CharField("组别", max_length=10, choices=Group.choices)
    ordinal = models.PositiveSmallIntegerField("序号")
    name = models.CharField("姓名", max_length=60)
    duty = models.CharField("职务", max_length=60)

    class Meta:
        verbose_name = verbose_name_plural = "领导小组及办公室成员"
        ordering = ("campaign", "group", "ordinal")
        constraints = (models.UniqueConstraint(fields=["campaign", "group", "ordinal"], name="member_ordinal_once"),)

    def __str__(self) -> str:
        return self.name
