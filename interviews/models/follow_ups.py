"""回访: whom an interviewer means to see again, until when, and the talk with which that was done."""

import datetime as dt

from django.db import models
from django.db.models import F, Q

from branches.models import Account
from interviews.models.interview import Interview
from interviews.models.roster import RosterEntry


class FollowUpQuerySet(models.QuerySet["FollowUp"]):
    """Reads on follow-ups."""

    def of(self, account: Account) -> "FollowUpQuerySet":
        """Keep those an account means to do itself."""
        return self.filter(account=account)

    def planned(self) -> "FollowUpQuerySet":
        """Keep those that are still to be done."""
        return self.filter(state=FollowUp.State.PLANNED)

    def late(self, day: dt.date) -> "FollowUpQuerySet":
        """Keep those whose day is over."""
        return self.planned().filter(due_on__lt=day)


class FollowUp(models.Model):
    """A second talk that was planned. It says with whom and until when, never why: that stays in the sealed text."""

    class State(models.TextChoices):
        PLANNED = "planned", "待回访"
        DONE = "done", "已回访"
        DROPPED = "dropped", "不再回访"

    interview = models.ForeignKey(
        Interview, on_delete=models.PROTECT, related_name="follow_ups", verbose_name="起因的访谈"
    )
    entry = models.ForeignKey(RosterEntry, on_delete=models.PROTECT, related_name="follow_ups", verbose_name="对象")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="follow_ups", verbose_name="回访人")
    due_on = models.DateField("回访期限")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.PLANNED)
    planned_at = models.DateTimeField("安排时间")
    closed_at = models.DateTimeField("办结时间", null=True, blank=True)
    done_by = models.ForeignKey(
        Interview, on_delete=models.PROTECT, null=True, blank=True, related_name="revisits", verbose_name="回访的访谈"
    )

    objects = FollowUpQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "回访"
        ordering = ("due_on", "pk")
        indexes = (models.Index(fields=["account", "state", "due_on"]),)
        constraints = (
            models.CheckConstraint(condition=Q(state__in=["planned", "done", "dropped"]), name="follow_up_state_known"),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(done_by__isnull=False), name="follow_up_done_by_talk"
            ),
            models.CheckConstraint(
                condition=Q(done_by__isnull=True) | ~Q(done_by=F("interview")), name="follow_up_other_talk"
            ),
            models.UniqueConstraint(
                fields=["account", "entry"], condition=Q(state="planned"), name="follow_up_one_planned"
            ),
        )

    def __str__(self) -> str:
        return f"{self.entry_id} {self.due_on}"

    @property
    def permission_branch_id(self) -> int:
        """The unit of the person."""
        return self.entry.unit_id
