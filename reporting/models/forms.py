"""Form versions: every state of a form that left the system, by the code at its foot."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from branches.models import Account, Branch
from grading.models import Round

if TYPE_CHECKING:
    from branches.scopes import Scope


class FormVersionQuerySet(models.QuerySet["FormVersion"]):
    """Reads on form versions."""

    def within(self, scope: "Scope") -> "FormVersionQuerySet":
        """Keep the forms of units that `scope` reaches today."""
        return self if scope.everything else self.filter(unit__in=scope.branches())

    def of(self, kind: str, round_: Round, unit: Branch) -> "FormVersionQuerySet":
        """Keep the versions of one form, newest first."""
        return self.filter(kind=kind, round=round_, unit=unit).order_by("-first_made_at", "-pk")


class FormVersion(models.Model):
    """One state of one form: kind × round × unit × digest of what it shows. Made once, however often it is printed.

    `shape` names the facts the digest was taken of: after an upgrade that changes them digests cannot be compared.
    """

    code = models.CharField("表单编码", max_length=14, unique=True)
    kind = models.SlugField("报表", max_length=40)
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="form_versions", verbose_name="轮次")
    unit = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="form_versions", verbose_name="单位")
    digest = models.CharField("数据摘要", max_length=64)
    shape = models.CharField("数据结构", max_length=16)
    first_made_at = models.DateTimeField("首次生成时间")
    made_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="生成人"
    )

    objects = FormVersionQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "表单版本"
        ordering = ("-first_made_at", "-pk")
        constraints = (
            models.UniqueConstraint(fields=["kind", "round", "unit", "digest"], name="form_version_once"),
            models.CheckConstraint(condition=~Q(code="") & ~Q(digest=""), name="form_version_is_named"),
        )

    def __str__(self) -> str:
        return self.code

    @property
    def permission_branch_id(self) -> int:
        """The unit the form is about decides who may look it up."""
        return self.unit_id
