"""A talk: who with whom, when and how. What was said lies in its sealed record (models/access.py)."""

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from branches.models import Account, Branch, Campaign
from interviews.models.access import Reader, SealedRecord
from interviews.models.confidence import Notice
from interviews.models.roster import FocusGroup, RosterEntry
from interviews.models.words import Channel, Topic

if TYPE_CHECKING:
    from branches.scopes import Scope


class InterviewQuerySet(models.QuerySet["Interview"]):
    """Reads on talks."""

    def visible_to(self, account: Account, now: dt.datetime) -> "InterviewQuerySet":
        """Keep the talks `account` may know of: its own, and those it is a named reader of at `now`."""
        named = Reader.objects.in_force(now).filter(account=account).values("record")
        return self.filter(Q(interviewer=account) | Q(record__in=named))

    def counting(self) -> "InterviewQuerySet":
        """Keep the talks that count: those not withdrawn."""
        return self.filter(state=Interview.State.RECORDED)

    def within(self, scope: "Scope") -> "InterviewQuerySet":
        """Keep the talks with people of the units `scope` reaches, for counting only."""
        return self if scope.everything else self.filter(unit__in=scope.branches())


class Interview(models.Model):
    """One talk, entered once. Two people and one-to-one, or a group, which counts as 座谈/延伸 only."""

    class State(models.TextChoices):
        RECORDED = "recorded", "已记录"
        WITHDRAWN = "withdrawn", "已撤回"

    class Consent(models.TextChoices):
        TOLD = "told", "已告知"
        AGREED = "agreed", "本人同意"
        DECLINED = "declined", "本人不同意记录内容"

    client_id = models.UUIDField("客户端编号", unique=True, help_text="同一次填写重发多少遍都只记一次。")
    record = models.OneToOneField(
        SealedRecord, on_delete=models.PROTECT, related_name="interview", verbose_name="密存记录"
    )
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="interviews", verbose_name="活动")
    unit = models.ForeignKey(
        Branch, on_delete=models.PROTECT, related_name="interviews", verbose_name="访谈对象所在单位"
    )
    interviewer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="interviews", verbose_name="访谈人")
    held_on = models.DateField("谈话日期")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="interviews", verbose_name="方式")
    one_to_one = models.BooleanField("一对一", default=True)
    heads = models.PositiveSmallIntegerField("人数", default=1)
    topics = models.ManyToManyField(Topic, related_name="interviews", blank=True, verbose_name="话题")
    focus_groups = models.ManyToManyField(FocusGroup, related_name="interviews", blank=True, verbose_name="重点对象")
    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="interviews", verbose_name="告知书")
    consent = models.CharField("告知与同意", max_length=10, choices=Consent.choices)
    recorded_at = models.DateTimeField("记录时间")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.RECORDED)
    version = models.PositiveIntegerField("版本", default=1)

    objects = InterviewQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "谈话记录"
        ordering = ("-held_on", "-pk")
        indexes = (
            models.Index(fields=["interviewer", "-held_on"]),
            models.Index(fields=["campaign", "state", "held_on"]),
        )
        constraints = (
            models.CheckConstraint(condition=Q(heads__gte=1), name="interview_with_somebody"),
            models.CheckConstraint(condition=Q(one_to_one=False) | Q(heads=1), name="interview_one_to_one_with_one"),
            models.CheckConstraint(
                condition=Q(consent__in=["told", "agreed", "declined"]), name="interview_consent_known"
            ),
            models.CheckConstraint(condition=Q(state__in=["recorded", "withdrawn"]), name="interview_state_known"),
        )

    def __str__(self) -> str:
        return f"{self.pk}"

    @property
    def permission_branch_id(self) -> int:
        """The node the people talked with belong to."""
        return self.unit_id


class InterviewSubject(models.Model):
    """One person a talk was with."""

    interview = models.ForeignKey(Interview, on_delete=models.CASCADE, related_name="subjects", verbose_name="谈话")
    entry = models.ForeignKey(RosterEntry, on_delete=models.PROTECT, related_name="talks", verbose_name="访谈对象")

    class Meta:
        verbose_name = verbose_name_plural = "访谈对象"
        constraints = (models.UniqueConstraint(fields=["interview", "entry"], name="interview_subject_once"),)

    def __str__(self) -> str:
        return f"{self.interview_id} {self.entry_id}"
