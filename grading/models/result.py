"""Results: the computed grade, what was proposed and decided, and the derivation frozen with it."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from branches.models import Account
from grading.models.rubric import Grade
from grading.models.unit import RoundUnit, branch_of_unit, reach

if TYPE_CHECKING:
    from branches.scopes import Scope


class ResultQuerySet(models.QuerySet["Result"]):
    """Reads on results."""

    def within(self, scope: "Scope") -> "ResultQuerySet":
        """Keep results of units `scope` reaches."""
        return self if scope.everything else self.filter(reach(scope, "unit__"))

    def current(self) -> "ResultQuerySet":
        """Keep the newest version of each unit."""
        newer = Result.objects.filter(unit=OuterRef("unit"), version__gt=OuterRef("version"))
        return self.filter(~Exists(newer))


class Result(models.Model):
    """The result of one branch in one round. Once `frozen_at` is set the database refuses every change."""

    class State(models.TextChoices):
        COMPUTED = "computed", "已测算"
        PROPOSED = "proposed", "已拟定"
        DECIDED = "decided", "已定"

    unit = models.ForeignKey(RoundUnit, on_delete=models.PROTECT, related_name="results", verbose_name="支部")
    version = models.PositiveIntegerField("版本", default=1)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.COMPUTED)
    composite = models.DecimalField("综合得分", max_digits=10, decimal_places=6, null=True, blank=True)
    computed_grade = models.ForeignKey(
        Grade, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="测算等级"
    )
    self_grade = models.ForeignKey(
        Grade, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="自评等级"
    )
    proposed_grade = models.ForeignKey(
        Grade, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="拟定等级"
    )
    proposed_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="拟定人"
    )
    proposed_at = models.DateTimeField("拟定时间", null=True, blank=True)
    decided_grade = models.ForeignKey(
        Grade, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="所定等级"
    )
    decided_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="经办人"
    )
    decided_at = models.DateTimeField("定级时间", null=True, blank=True)
    body = models.CharField("决定机构", max_length=60, blank=True)
    met_on = models.DateField("会议日期", null=True, blank=True)
    document_number = models.CharField("文号", max_length=80, blank=True)
    manual = models.BooleanField("人工调整", default=False)
    manual_reason = models.CharField("调整理由", max_length=300, blank=True)
    scores = models.JSONField("各来源得分", default=dict, blank=True)
    satisfaction = models.CharField("满意率（分数）", max_length=40, blank=True)
    blockers = models.JSONField("缺什么", default=list, blank=True)
    flags = models.JSONField("提示", default=list, blank=True)
    derivation = models.JSONField("推导", default=dict, blank=True)
    inputs = models.JSONField("所依据的数据", default=dict, blank=True)
    rule_version = models.CharField("规则版本", max_length=140)
    algorithm = models.PositiveSmallIntegerField("算法版本")
    computed_at = models.DateTimeField("测算时间")
    frozen_at = models.DateTimeField("冻结时间", null=True, blank=True)

    objects = ResultQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "定级结果"
        ordering = ("unit", "-version")
        constraints = (
            models.UniqueConstraint(fields=["unit", "version"], name="result_version_once"),
            models.CheckConstraint(
                condition=Q(state__in=["computed", "proposed", "decided"]), name="result_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="decided") | Q(decided_grade__isnull=False, decided_at__isnull=False) & ~Q(body=""),
                name="result_decided_is_complete",
            ),
            models.CheckConstraint(
                condition=~Q(state="proposed") | Q(proposed_grade__isnull=False), name="result_proposed_has_grade"
            ),
            models.CheckConstraint(condition=Q(manual=False) | ~Q(manual_reason=""), name="result_manual_has_reason"),
            models.CheckConstraint(
                condition=Q(manual=True)
                | Q(decided_grade__isnull=True)
                | Q(computed_grade__isnull=False, decided_grade=F("computed_grade")),
                name="result_change_is_marked",
            ),
            models.CheckConstraint(
                condition=Q(frozen_at__isnull=True) | Q(state="decided"), name="result_frozen_is_decided"
            ),
        )

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return f"{self.unit_id} {self.state}"

    @property
    def corrected(self) -> bool:
        """Tell whether this version came about by 更正: no other way makes a second one."""
        return self.version > 1

    @property
    def hand(self) -> str:
        """The mark beside the grade on every page and list: 更正, 人工, or none."""
        return "更正" if self.corrected else "人工" if self.manual else ""

    @property
    def grade(self) -> Grade | None:
        """The grade that counts now: decided, else proposed, else computed."""
        return self.decided_grade or self.proposed_grade or self.computed_grade
