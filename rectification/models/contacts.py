"""定点联系人: the leader assigned to a weak branch for a campaign, with the history of assignments."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from branches.models import Account, Branch, Campaign

if TYPE_CHECKING:
    from branches.scopes import Scope


class ContactQuerySet(models.QuerySet["Contact"]):
    """Reads on 定点联系人."""

    def within(self, scope: "Scope") -> "ContactQuerySet":
        """Keep those of branches that `scope` reaches."""
        return self if scope.everything else self.filter(branch__in=scope.branches())

    def present(self) -> "ContactQuerySet":
        """Keep those that have not ended."""
        return self.filter(ends_on__isnull=True)


class Contact(models.Model):
    """Who looks after a branch, from a day until before another. A leader needs no account."""

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="contacts", verbose_name="活动")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="contacts", verbose_name="党组织")
    leader_name = models.CharField("联系领导", max_length=60)
    leader_duty = models.CharField("职务", max_length=80, blank=True)
    phone = models.CharField("联系电话", max_length=60, blank=True)
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="contacts", verbose_name="账号"
    )
    task = models.CharField("联系任务", max_length=300, blank=True)
    starts_on = models.DateField("起")
    ends_on = models.DateField("止", null=True, blank=True)
    end_reason = models.CharField("调整原因", max_length=200, blank=True)
    appointed_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name="指定人")
    appointed_at = models.DateTimeField("指定时间")

    objects = ContactQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "定点联系人"
        ordering = ("branch", "-starts_on", "-pk")
        constraints = (
            models.UniqueConstraint(
                fields=["campaign", "branch"], condition=Q(ends_on__isnull=True), name="contact_one_present"
            ),
            models.CheckConstraint(condition=~Q(leader_name=""), name="contact_has_name"),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="contact_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | ~Q(end_reason=""), name="contact_end_has_reason"
            ),
        )

    def __str__(self) -> str:
        return self.leader_name

    @property
    def permission_branch_id(self) -> int:
        """The branch that is looked after."""
        return self.branch_id
