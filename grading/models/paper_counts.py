"""Paper counts entered by two people apart: what each of them counted, until both agree."""

from django.db import models
from django.db.models import F, Q

from branches.models import Account
from grading.models.round import Source
from grading.models.sources import AppraisalCount
from grading.models.unit import RoundUnit, UnitOwnedQuerySet, branch_of_unit
from grading.models.voters import VoterGroup


class CountEntry(models.Model):
    """What one person counted for a branch, where the round has paper counts entered twice. It counts for nothing."""

    unit = models.ForeignKey(RoundUnit, on_delete=models.CASCADE, related_name="count_entries", verbose_name="支部")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="count_entries", verbose_name="来源")
    group = models.ForeignKey(
        VoterGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="count_entries",
        verbose_name="评议人员",
    )  # fmt: skip
    place = models.PositiveSmallIntegerField("第几次录入")
    state = models.CharField("情况", max_length=10, choices=AppraisalCount.State.choices)
    issued = models.PositiveIntegerField("发出", null=True, blank=True)
    returned = models.PositiveIntegerField("收回", null=True, blank=True)
    valid = models.PositiveIntegerField("有效", null=True, blank=True)
    counts = models.JSONField("各选项票数", default=dict, blank=True)
    reason = models.CharField("缺项或作废原因", max_length=200, blank=True)
    teller = models.CharField("计票人", max_length=60, blank=True)
    scrutineer = models.CharField("监票人", max_length=60, blank=True)
    file_name = models.CharField("来源文件", max_length=200, blank=True)
    entered_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name="录入人")
    entered_at = models.DateTimeField("录入时间")

    objects = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "票数分别录入"
        ordering = ("unit", "group__ordinal", "place")
        constraints = (
            models.CheckConstraint(condition=Q(place__in=[1, 2]), name="count_entry_first_or_second"),
            models.UniqueConstraint(
                fields=["unit", "source", "place"], condition=Q(group__isnull=True), name="count_entry_place_once"
            ),
            models.UniqueConstraint(fields=["unit", "source", "group", "place"], name="count_entry_group_place_once"),
            models.UniqueConstraint(
                fields=["unit", "source", "entered_by"],
                condition=Q(group__isnull=True),
                name="count_entry_person_once",
                violation_error_message="两次录入须由两个人分别办理。",
            ),
            models.UniqueConstraint(
                fields=["unit", "source", "group", "entered_by"],
                name="count_entry_group_person_once",
                violation_error_message="两次录入须由两个人分别办理。",
            ),
            models.CheckConstraint(
                condition=~Q(state="counted")
                | Q(issued__isnull=False, returned__lte=F("issued"), valid__lte=F("returned")),
                name="count_entry_numbers_agree",
            ),
        )

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return f"{self.issued}/{self.returned}/{self.valid}"

    @property
    def said(self) -> tuple[object, ...]:
        """What has to be the same in both entries: the figures, not who counted."""
        counts = {code: number for code, number in self.counts.items() if number}
        return (self.state, self.issued, self.returned, self.valid, sorted(counts.items()))
