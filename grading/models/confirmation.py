"""学校确认: the committee stands behind grades a 党总支 has decided, where a round has that step."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from branches.models import Account
from grading.models.result import Result
from grading.models.unit import reach

if TYPE_CHECKING:
    from branches.scopes import Scope


class ConfirmationQuerySet(models.QuerySet["Confirmation"]):
    """Reads on confirmations."""

    def within(self, scope: "Scope") -> "ConfirmationQuerySet":
        """Keep confirmations of units `scope` reaches."""
        return self if scope.everything else self.filter(reach(scope, "result__unit__"))

    def standing(self) -> "ConfirmationQuerySet":
        """Keep those of the decision that stands now: one taken back and decided anew wants a new one."""
        return self.filter(decided_at=F("result__decided_at"))


class Confirmation(models.Model):
    """One decision confirmed: by which body, when it met, under which number. A new decision wants a new one."""

    result = models.ForeignKey(Result, on_delete=models.PROTECT, related_name="confirmations", verbose_name="结果")
    decided_at = models.DateTimeField("所确认的定级时间")
    body = models.CharField("确认机构", max_length=60)
    met_on = models.DateField("会议日期", null=True, blank=True)
    document_number = models.CharField("文号", max_length=80, blank=True)
    confirmed_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="经办人"
    )
    confirmed_at = models.DateTimeField("确认时间")

    objects = ConfirmationQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "学校确认"
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=["result", "decided_at"], name="confirmation_once_a_decision"),
            models.CheckConstraint(condition=~Q(body=""), name="confirmation_names_body"),
        )

    def __str__(self) -> str:
        return f"{self.result_id} {self.body}"

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for."""
        return self.result.unit.branch_id


def confirmed(result: str = "pk") -> Exists:
    """Return the condition that a result (`result` is its key in the outer query) is confirmed as it stands."""
    return Exists(Confirmation.objects.standing().filter(result=OuterRef(result)))
