"""What units hand in: the 进展情况报告表 with the stage summary, section by section, figures as they stood."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from branches.models import Account, Branch, Campaign

if TYPE_CHECKING:
    from branches.scopes import Scope


class ReportPeriod(models.Model):
    """A stage or month for which units report."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="report_periods", verbose_name="活动")
    ordinal = models.PositiveSmallIntegerField("序号")
    name = models.CharField("名称", max_length=60)
    due_on = models.DateField("报送期限")

    class Meta:
        verbose_name = verbose_name_plural = "报送期次"
        ordering = ("campaign", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "ordinal"], name="report_period_ordinal_once"),
            models.CheckConstraint(condition=~Q(name=""), name="report_period_has_name"),
        )

    def __str__(self) -> str:
        return self.name


class ReportSection(models.Model):
    """A section of the sheet, such as 组织领导 or 成效和做法. A retired one stays where something was written."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="report_sections", verbose_name="活动"
    )
    code = models.SlugField("代码", max_length=40)
    name = models.CharField("名称", max_length=60)
    hint = models.CharField("说明", max_length=200, blank=True)
    required = models.BooleanField("必填", default=True)
    position = models.PositiveSmallIntegerField("排序", default=0)
    active = models.BooleanField("在用", default=True)
    version = models.PositiveIntegerField("版本", default=1)

    class Meta:
        verbose_name = verbose_name_plural = "报告表栏目"
        ordering = ("position", "pk")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "code"], name="report_section_code_once"),
            models.UniqueConstraint(fields=["campaign", "name"], name="report_section_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="report_section_has_name"),
        )

    def __str__(self) -> str:
        return self.name


class ReportQuerySet(models.QuerySet["ProgressReport"]):
    """Reads on reports."""

    def within(self, scope: "Scope") -> "ReportQuerySet":
        """Keep those of units `scope` reaches."""
        return self if scope.everything else self.filter(unit__in=scope.branches())


class ProgressReport(models.Model):
    """The report of one unit for one period; `figures` are the coverage figures as they stood when it was handed in."""

    class State(models.TextChoices):
        DRAFT = "draft", "起草中"
        SUBMITTED = "submitted", "已报送"
        RETURNED = "returned", "退回修改"

    period = models.ForeignKey(ReportPeriod, on_delete=models.PROTECT, related_name="reports", verbose_name="期次")
    unit = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+", verbose_name="单位")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.DRAFT)
    written_by = models.CharField("填报人", max_length=60, blank=True)
    figures = models.JSONField("数据", default=dict, blank=True)
    submitted_at = models.DateTimeField("报送时间", null=True, blank=True)
    submitted_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="报送人"
    )
    return_reason = models.CharField("退回原因", max_length=200, blank=True)
    version = models.PositiveIntegerField("版本", default=1)

    objects = ReportQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "进展情况报告表"
        ordering = ("period", "unit")
        constraints = (
            models.UniqueConstraint(fields=["period", "unit"], name="progress_report_once"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "submitted", "returned"]), name="progress_report_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="submitted") | Q(submitted_at__isnull=False, submitted_by__isnull=False),
                name="progress_report_submitted_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state="returned") | ~Q(return_reason=""), name="progress_report_returned_why"
            ),
        )

    def __str__(self) -> str:
        return f"{self.unit_id} {self.period_id}"

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for."""
        return self.unit_id


class ReportText(models.Model):
    """What a unit wrote in one section."""

    report = models.ForeignKey(ProgressReport, on_delete=models.CASCADE, related_name="texts", verbose_name="报告表")
    section = models.ForeignKey(ReportSection, on_delete=models.PROTECT, related_name="+", verbose_name="栏目")
    text = models.TextField("内容", blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "报告表内容"
        ordering = ("report", "section")
        constraints = (models.UniqueConstraint(fields=["report", "section"], name="report_text_once"),)

    def __str__(self) -> str:
        return f"{self.report_id} {self.section_id}"
