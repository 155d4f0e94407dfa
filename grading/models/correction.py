"""更正 of a frozen result: proposed by one person, approved by another, written as a new version of the result."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from branches.models import Account
from grading.models.result import Result
from grading.models.rubric import Grade
from grading.models.unit import reach

if TYPE_CHECKING:
    from branches.scopes import Scope


class CorrectionQuerySet(models.QuerySet["Correction"]):
    """Reads on corrections."""

    def within(self, scope: "Scope") -> "CorrectionQuerySet":
        """Keep corrections of units `scope` reaches."""
        return self if scope.everything else self.filter(reach(scope, "result__unit__"))

    def open(self) -> "CorrectionQuerySet":
        """Keep those that wait for a second person."""
        return self.filter(state=Correction.State.PROPOSED)


class Correction(models.Model):
    """A proposal to replace one frozen version of a result. Once decided the database refuses every change."""

    class State(models.TextChoices):
        PROPOSED = "proposed", "待复核"
        APPROVED = "approved", "已更正"
        REFUSED = "refused", "不予更正"
        WITHDRAWN = "withdrawn", "已撤回"

    result = models.ForeignKey(
        Result, on_delete=models.PROTECT, related_name="corrections", verbose_name="被更正的结果"
    )
    grade = models.ForeignKey(Grade, on_delete=models.PROTECT, related_name="+", verbose_name="更正为")
    reason = models.CharField("理由", max_length=300)
    body = models.CharField("决定机构", max_length=60)
    met_on = models.DateField("会议日期", null=True, blank=True)
    document_number = models.CharField("文号", max_length=80)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.PROPOSED)
    proposed_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name="提出人")
    proposed_at = models.DateTimeField("提出时间")
    decided_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="复核人"
    )
    decided_at = models.DateTimeField("复核时间", null=True, blank=True)
    answer = models.CharField("复核意见", max_length=300, blank=True)

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "更正"
        ordering = ("-proposed_at", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=["result"],
                condition=Q(state__in=["proposed", "approved"]),
                name="correction_once_a_version",
                violation_error_message="这个结果已有一份更正在办理。",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "approved", "refused", "withdrawn"]), name="correction_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(document_number="") & ~Q(body=""), name="correction_says_why"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "withdrawn"])
                | Q(decided_by__isnull=False, decided_at__isnull=False) & ~Q(decided_by=F("proposed_by")),
                name="correction_by_a_second_person",
            ),
            models.CheckConstraint(condition=~Q(state="refused") | ~Q(answer=""), name="correction_refused_says_why"),
        )

    def __str__(self) -> str:
        return f"{self.result_id} {self.state}"

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for."""
        return self.result.unit.branch_id
