"""党员大会 that discussed a plan: who should have come, who came, who not and why, what was said."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from branches.models import Account
from rectification.models.plan import Plan

if TYPE_CHECKING:
    from branches.scopes import Scope


class MeetingRecordQuerySet(models.QuerySet["MeetingRecord"]):
    """Reads on meetings."""

    def within(self, scope: "Scope") -> "MeetingRecordQuerySet":
        """Keep the meetings of plans `scope` reaches."""
        return self if scope.everything else self.filter(plan__branch__in=scope.held.branches())


class MeetingRecord(models.Model):
    """The record of the 党员大会. It may be saved in parts; 应到 = 实到 + 请假 + 缺席 whenever all four are known."""

    plan = models.OneToOneField(Plan, on_delete=models.CASCADE, related_name="meeting", verbose_name="方案")
    held_on = models.DateField("日期", null=True, blank=True)
    place = models.CharField("地点", max_length=100, blank=True)
    chair = models.CharField("主持人", max_length=60, blank=True)
    recorder = models.CharField("记录人", max_length=60, blank=True)
    should_attend = models.PositiveSmallIntegerField("应到", null=True, blank=True)
    present = models.PositiveSmallIntegerField("实到", null=True, blank=True)
    excused = models.PositiveSmallIntegerField("请假", null=True, blank=True)
    absent = models.PositiveSmallIntegerField("缺席", null=True, blank=True)
    observers = models.CharField("列席", max_length=200, blank=True)
    voting_members = models.PositiveSmallIntegerField("有表决权的应到人数", null=True, blank=True)
    voting_present = models.PositiveSmallIntegerField("有表决权的实到人数", null=True, blank=True)
    votes_for = models.PositiveSmallIntegerField("赞成", null=True, blank=True)
    votes_against = models.PositiveSmallIntegerField("反对", null=True, blank=True)
    abstentions = models.PositiveSmallIntegerField("弃权", null=True, blank=True)
    opinions = models.TextField("讨论意见", blank=True)
    resolution = models.TextField("决议", blank=True)
    saved_by = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="保存人")
    saved_at = models.DateTimeField("保存时间")
    version = models.PositiveIntegerField("版本", default=1)

    objects = MeetingRecordQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "党员大会记录"
        constraints = (
            models.CheckConstraint(
                condition=Q(should_attend__isnull=True)
                | Q(present__isnull=True)
                | Q(excused__isnull=True)
                | Q(absent__isnull=True)
                | Q(should_attend=F("present") + F("excused") + F("absent")),
                name="meeting_attendance_adds_up",
                violation_error_message="应到人数应等于实到、请假、缺席之和。",
            ),
            models.CheckConstraint(
                condition=Q(voting_present__isnull=True)
                | Q(voting_members__isnull=True)
                | Q(voting_present__lte=F("voting_members")),
                name="meeting_voters_present_at_most_members",
                violation_error_message="有表决权的实到人数不能多于应到人数。",
            ),
            models.CheckConstraint(
                condition=Q(votes_for__isnull=True, votes_against__isnull=True, abstentions__isnull=True)
                | Q(
                    votes_for__isnull=False,
                    votes_against__isnull=False,
                    abstentions__isnull=False,
                    voting_present__isnull=False,
                    voting_present__gte=F("votes_for") + F("votes_against") + F("abstentions"),
                ),
                name="meeting_votes_at_most_voters",
                violation_error_message="赞成、反对、弃权三项都要填，合计不能多于有表决权的实到人数。",
            ),
        )

    def __str__(self) -> str:
        return f"{self.plan_id} {self.held_on}"

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for."""
        return self.plan.branch_id

    @property
    def voted(self) -> bool:
        """Tell whether a vote was recorded."""
        return self.votes_for is not None


class Absence(models.Model):
    """Somebody who did not come, excused or not, with the reason."""

    class Kind(models.TextChoices):
        EXCUSED = "excused", "请假"
        ABSENT = "absent", "缺席"

    meeting = models.ForeignKey(MeetingRecord, on_delete=models.CASCADE, related_name="absences", verbose_name="会议")
    ordinal = models.PositiveSmallIntegerField("序号")
    name = models.CharField("姓名", max_length=60)
    kind = models.CharField("情况", max_length=10, choices=Kind.choices)
    reason = models.CharField("原因", max_length=100)

    class Meta:
        verbose_name = verbose_name_plural = "请假和缺席"
        ordering = ("meeting", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["meeting", "ordinal"], name="absence_ordinal_once"),
            models.CheckConstraint(condition=Q(kind__in=["excused", "absent"]), name="absence_kind_known"),
            models.CheckConstraint(condition=~Q(reason="") & ~Q(name=""), name="absence_says_who_and_why"),
        )

    def __str__(self) -> str:
        return self.name
