"""Who visits whom, by when and how often: rules as data, and the figures behind coverage."""

from django.db import models
from django.db.models import F, Q

from branches.models import Branch, Campaign
from interviews.models.roster import FocusGroup, PersonCategory


class VisitSettings(models.Model):
    """What a campaign fixes about its talks apart from the rules."""

    campaign = models.OneToOneField(
        Campaign, on_delete=models.CASCADE, related_name="visit_settings", verbose_name="活动"
    )
    least_count = models.PositiveSmallIntegerField(
        "最小显示人数", default=5, help_text="统计表中不足这个人数的数字不显示，用减法也推不出来。"
    )
    version = models.PositiveIntegerField("版本", default=1)

    class Meta:
        verbose_name = verbose_name_plural = "访谈设置"
        constraints = (
            models.CheckConstraint(
                condition=Q(least_count__gte=2, least_count__lte=50), name="visit_settings_least_count"
            ),
        )

    def __str__(self) -> str:
        return f"{self.campaign_id}"


class VisitRule(models.Model):
    """People of one category are visited by people of another, shared out within a unit, by class or by tutor list."""

    class Basis(models.TextChoices):
        UNIT = "unit", "按单位：同一单位内平均分配"
        CLASS = "class", "按班级：由班主任（辅导员）访谈本班学生"
        TUTOR = "tutor", "按导师名单：由导师访谈自己的学生"

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="visit_rules", verbose_name="活动")
    position = models.PositiveSmallIntegerField("排序", default=0)
    name = models.CharField("名称", max_length=60)
    visitors = models.ForeignKey(PersonCategory, on_delete=models.PROTECT, related_name="+", verbose_name="访谈人类别")
    visited = models.ForeignKey(PersonCategory, on_delete=models.PROTECT, related_name="+", verbose_name="对象类别")
    basis = models.CharField("分配办法", max_length=10, choices=Basis.choices, default=Basis.UNIT)
    share_out = models.BooleanField(
        "其余平均分配", default=True, help_text="没有班主任、导师的对象，由本单位的访谈人平均分担。"
    )
    unit = models.ForeignKey(
        Branch, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="适用单位"
    )
    due_on = models.DateField("完成期限")
    times = models.PositiveSmallIntegerField("次数", default=1)
    active = models.BooleanField("启用", default=True)
    version = models.PositiveIntegerField("版本", default=1)

    class Meta:
        verbose_name = verbose_name_plural = "访谈规则"
        ordering = ("position", "pk")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "name"], name="visit_rule_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="visit_rule_has_name"),
            models.CheckConstraint(condition=Q(basis__in=["unit", "class", "tutor"]), name="visit_rule_basis_known"),
            models.CheckConstraint(condition=Q(times__gte=1, times__lte=12), name="visit_rule_times"),
            models.CheckConstraint(
                condition=~Q(visitors=F("visited")), name="visit_rule_two_categories",
                violation_error_message="访谈人和访谈对象不能是同一类人员。",
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return self.name


class RuleFrequency(models.Model):
    """People of a focus group are visited more often, or sooner, than the rule asks of everybody."""

    rule = models.ForeignKey(VisitRule, on_delete=models.CASCADE, related_name="frequencies", verbose_name="规则")
    group = models.ForeignKey(FocusGroup, on_delete=models.PROTECT, related_name="+", verbose_name="重点类别")
    times = models.PositiveSmallIntegerField("次数", default=2)
    due_on = models.DateField("完成期限", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "重点类别的次数"
        ordering = ("rule", "group")
        constraints = (
            models.UniqueConstraint(fields=["rule", "group"], name="rule_frequency_once"),
            models.CheckConstraint(condition=Q(times__gte=1, times__lte=12), name="rule_frequency_times"),
        )

    def __str__(self) -> str:
        return f"{self.rule_id} {self.group_id}"
