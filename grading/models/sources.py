"""Sources that are not sheets: 年度考核 results, 群众评议 counts, and sources set aside with a reason."""

from django.db import models
from django.db.models import F, Q

from branches.models import Account
from grading.models.round import Source
from grading.models.unit import RoundUnit, UnitOwnedQuerySet, branch_of_unit
from grading.models.voters import VoterGroup


class AnnualResult(models.Model):
    """What the yearly assessment said, exactly as written: a grade word, a number, or both."""

    unit = models.ForeignKey(RoundUnit, on_delete=models.CASCADE, related_name="annual_results", verbose_name="支部")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="annual_results", verbose_name="来源")
    label = models.CharField("等次", max_length=20, blank=True)
    score = models.DecimalField("得分", max_digits=9, decimal_places=4, null=True, blank=True)
    raw = models.CharField("原样", max_length=60, blank=True)
    remark = models.CharField("备注", max_length=200, blank=True)
    file_name = models.CharField("来源文件", max_length=200, blank=True)
    recorded_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="录入人"
    )
    recorded_at = models.DateTimeField("录入时间")
    version = models.PositiveIntegerField("版本", default=1)

    objects = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "年度考核结果"
        constraints = (
            models.UniqueConstraint(fields=["unit", "source"], name="annual_result_once"),
            models.CheckConstraint(
                condition=~Q(label="") | Q(score__isnull=False), name="annual_result_says_something"
            ),
            models.CheckConstraint(condition=Q(score__isnull=True) | Q(score__gte=0), name="annual_score_not_negative"),
        )

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return self.label or str(self.score)


class AppraisalCount(models.Model):
    """Ballot counts of one branch: 发出 ≥ 收回 ≥ 有效 = sum of the options. Or the reason why there are none.

    Where the source has voter groups there is one row per group; `joined` names groups too small to be shown alone,
    whose ballots were counted into this row.
    """

    class State(models.TextChoices):
        COUNTED = "counted", "已统计"
        MISSING = "missing", "未组织"
        VOID = "void", "作废"

    unit = models.ForeignKey(RoundUnit, on_delete=models.CASCADE, related_name="appraisals", verbose_name="支部")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="appraisals", verbose_name="来源")
    group = models.ForeignKey(
        VoterGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="appraisals", verbose_name="评议人员"
    )
    joined = models.JSONField("并入的评议人员", default=list, blank=True)
    state = models.CharField("情况", max_length=10, choices=State.choices, default=State.COUNTED)
    issued = models.PositiveIntegerField("发出", null=True, blank=True)
    returned = models.PositiveIntegerField("收回", null=True, blank=True)
    valid = models.PositiveIntegerField("有效", null=True, blank=True)
    counts = models.JSONField("各选项票数", default=dict, blank=True)
    counted = models.PositiveIntegerField("各项之和", null=True, blank=True)
    reason = models.CharField("缺项或作废原因", max_length=200, blank=True)
    teller = models.CharField("计票人", max_length=60, blank=True)
    scrutineer = models.CharField("监票人", max_length=60, blank=True)
    held_on = models.DateField("评议日期", null=True, blank=True)
    file_name = models.CharField("来源文件", max_length=200, blank=True)
    recorded_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="录入人"
    )
    recorded_at = models.DateTimeField("录入时间")
    version = models.PositiveIntegerField("版本", default=1)

    objects = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "群众评议票数"
        constraints = (
            models.UniqueConstraint(
                fields=["unit", "source"], condition=Q(group__isnull=True), name="appraisal_once_ungrouped"
            ),
            models.UniqueConstraint(fields=["unit", "source", "group"], name="appraisal_group_once"),
            models.CheckConstraint(
                condition=~Q(state="counted")
                | Q(issued__isnull=False, returned__isnull=False, valid__isnull=False, counted__isnull=False),
                name="appraisal_counted_has_numbers",
            ),
            models.CheckConstraint(
                condition=~Q(state="counted") | Q(returned__lte=F("issued")),
                name="appraisal_returned_at_most_issued",
            ),
            models.CheckConstraint(
                condition=~Q(state="counted") | Q(valid__lte=F("returned")), name="appraisal_valid_at_most_returned"
            ),
            models.CheckConstraint(
                condition=~Q(state="counted") | Q(valid=F("counted")), name="appraisal_valid_is_sum"
            ),
            models.CheckConstraint(condition=Q(state="counted") | ~Q(reason=""), name="appraisal_absent_has_reason"),
        )

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return f"{self.issued}/{self.returned}/{self.valid}"


class Exemption(models.Model):
    """A source set aside for one branch, with the reason (不参加考核, 未组织 …); the other weights grow."""

    unit = models.ForeignKey(RoundUnit, on_delete=models.CASCADE, related_name="exemptions", verbose_name="支部")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="exemptions", verbose_name="来源")
    reason = models.CharField("理由", max_length=200)
    granted_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="批准人"
    )
    granted_at = models.DateTimeField("批准时间")

    objects = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "免计"
        constraints = (
            models.UniqueConstraint(fields=["unit", "source"], name="exemption_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="exemption_has_reason"),
        )

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return self.reason
