"""整改项目: one problem to put right, with goal, measures, who answers for it, until when, and how it stands."""

import datetime as dt
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Case, CharField, F, Q, Value, When

from branches import clock
from branches.models import Account, Branch, Person
from rectification.models.plan import Plan
from rectification.models.settings import Category, Dimension

if TYPE_CHECKING:
    from branches.scopes import Scope


class Status(models.TextChoices):
    """How an item stands at a moment: its state, its dates and the clock together. Every board counts these."""

    PLANNED = "planned", "未开始"
    IN_HAND = "in_hand", "整改中"
    AWAITING = "awaiting", "待核实"
    VERIFIED = "verified", "已销号"
    OVERDUE = "overdue", "逾期"
    AT_RISK = "at_risk", "即将到期"
    LONG_TERM = "long_term", "长期或待条件"
    PAUSED = "paused", "暂停"
    TRANSFERRED = "transferred", "已转出"
    CLOSED = "closed", "已终止"


class ItemQuerySet(models.QuerySet["Item"]):
    """Reads on items."""

    def within(self, scope: "Scope") -> "ItemQuerySet":
        """Keep the items of plans `scope` reaches today."""
        return self if scope.everything else self.filter(plan__branch__in=scope.held.branches())

    def open(self) -> "ItemQuerySet":
        """Keep what is not finished: neither verified nor handed on nor ended."""
        return self.exclude(state__in=Item.FINISHED)

    def alive(self) -> "ItemQuerySet":
        """Keep what counts: not handed on and not ended without result."""
        return self.exclude(state__in=[Item.State.TRANSFERRED, Item.State.CLOSED])

    def status(self, now: dt.datetime) -> "ItemQuerySet":
        """Annotate `status` (see Status) as of `now`: a day is over at the midnight after it, in the school's zone.

        One expression for all boards, lists and digests. A 历史补录 campaign knows neither 逾期 nor 即将到期.
        """
        today = clock.day_of(now)
        reminded = Q(plan__campaign__backfill=False)
        paused = Q(paused_on__lte=today, paused_until__gte=today)
        return self.annotate(
            status=Case(
                When(state=Item.State.VERIFIED, then=Value(Status.VERIFIED)),
                When(state=Item.State.TRANSFERRED, then=Value(Status.TRANSFERRED)),
                When(state=Item.State.CLOSED, then=Value(Status.CLOSED)),
                When(state=Item.State.AWAITING, then=Value(Status.AWAITING)),
                When(paused, then=Value(Status.PAUSED)),
                When(reminded & Q(counts_on__lt=today), then=Value(Status.OVERDUE)),
                When(reminded & Q(risk_on__lte=today), then=Value(Status.AT_RISK)),
                When(~Q(term=Item.Term.NORMAL), then=Value(Status.LONG_TERM)),
                When(state__in=[Item.State.IN_HAND, Item.State.REOPENED], then=Value(Status.IN_HAND)),
                default=Value(Status.PLANNED),
                output_field=CharField(max_length=12),
            )
        )


class Item(models.Model):
    """One problem of a plan. `counts_on` is the day that counts next, `risk_on` the day from which it is at risk.

    `counts_on` is the deadline; of 长期性项目 the next check-point, of 暂不具备条件 the day of the next review.
    `limit_on` is the campaign's last day as it held for this item, `extended_to` an extension that was approved.
    """

    class Source(models.TextChoices):
        SURVEY = "survey", "调查摸底"
        LOST_POINTS = "lost_points", "评分失分"
        APPRAISAL = "appraisal", "群众评议"
        REMARK = "remark", "评分说明"
        INSPECTION = "inspection", "督查督导"
        INTERVIEW = "interview", "联系访谈"
        REPORT = "report", "述职评议"
        EARLIER = "earlier", "以前未完成"
        OTHER = "other", "其他"

    class Term(models.TextChoices):
        NORMAL = "normal", "限期完成"
        LONG_TERM = "long_term", "长期性"
        CONDITIONS = "awaiting_conditions", "暂不具备条件"

    class State(models.TextChoices):
        DRAFT = "draft", "起草"
        SUBMITTED = "submitted", "待审批"
        RETURNED = "returned", "已退回"
        APPROVED = "approved", "已批准"
        IN_HAND = "in_hand", "整改中"
        AWAITING = "awaiting_verification", "待核实"
        VERIFIED = "verified", "已销号"
        REOPENED = "reopened", "重新整改"
        TRANSFERRED = "transferred", "已转出"
        CLOSED = "closed", "已终止"

    FINISHED = (State.VERIFIED, State.TRANSFERRED, State.CLOSED)
    BEFORE_APPROVAL = (State.DRAFT, State.SUBMITTED, State.RETURNED)
    UNDER_WAY = (State.APPROVED, State.IN_HAND, State.AWAITING, State.REOPENED)

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="items", verbose_name="方案")
    ordinal = models.PositiveSmallIntegerField("序号")
    source = models.CharField("来源", max_length=12, choices=Source.choices, default=Source.OTHER)
    source_key = models.CharField("来源标识", max_length=80, blank=True)
    category = models.ForeignKey(
        Category, on_delete=models.PROTECT, null=True, blank=True, related_name="items", verbose_name="问题类别"
    )
    dimension = models.ForeignKey(
        Dimension, on_delete=models.PROTECT, null=True, blank=True, related_name="items", verbose_name="对标内容"
    )
    problem = models.TextField("存在的主要问题")
    goal = models.TextField("整改目标", blank=True)
    task = models.TextField("整改任务", blank=True)
    measures = models.TextField("整改措施", blank=True)
    leader = models.CharField("责任领导", max_length=60, blank=True)
    owner_name = models.CharField("责任人", max_length=60, blank=True)
    owner_person = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="rectification_items",
        verbose_name="责任人（已登记人员）",
    )  # fmt: skip
    leader_person = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="led_rectification_items",
        verbose_name="责任领导（已登记人员）",
    )  # fmt: skip
    due_on = models.DateField("完成时限", null=True, blank=True)
    limit_on = models.DateField("活动规定的期限")
    extended_to = models.DateField("批准延至", null=True, blank=True)
    term = models.CharField("期限类型", max_length=20, choices=Term.choices, default=Term.NORMAL)
    term_reason = models.CharField("长期性或暂不具备条件的理由", max_length=300, blank=True)
    consented_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="同意人"
    )
    consented_at = models.DateTimeField("同意时间", null=True, blank=True)
    review_on = models.DateField("条件复核日期", null=True, blank=True)
    counts_on = models.DateField("下一期限", null=True, blank=True)
    risk_on = models.DateField("提示日期", null=True, blank=True)
    paused_on = models.DateField("暂停自", null=True, blank=True)
    paused_until = models.DateField("暂停至", null=True, blank=True)
    escalated_to = models.ForeignKey(
        Branch, on_delete=models.PROTECT, null=True, blank=True, related_name="escalated_items",
        verbose_name="提请上级解决",
    )  # fmt: skip
    escalation_reason = models.CharField("提请理由", max_length=300, blank=True)
    files_required = models.BooleanField("完成须附材料", default=False)
    state = models.CharField("状态", max_length=24, choices=State.choices, default=State.DRAFT)
    returned_reason = models.CharField("退回理由", max_length=500, blank=True)
    percent = models.PositiveSmallIntegerField("进度（%）", default=0)
    result = models.TextField("完成情况", blank=True)
    requested_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="申请销号人"
    )
    requested_at = models.DateTimeField("申请销号时间", null=True, blank=True)
    approved_at = models.DateTimeField("批准时间", null=True, blank=True)
    verified_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="核实人"
    )
    verified_on = models.DateField("销号日期", null=True, blank=True)
    transferred_to = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="origin", verbose_name="转入的项目"
    )
    version = models.PositiveIntegerField("版本", default=1)

    objects = ItemQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "整改项目"
        ordering = ("plan", "ordinal")
        indexes = (
            models.Index(fields=["state", "counts_on"], name="item_state_counts_on"),
            models.Index(fields=["escalated_to"], name="item_escalated_to"),
        )
        constraints = (
            models.UniqueConstraint(fields=["plan", "ordinal"], name="item_ordinal_once"),
            models.UniqueConstraint(
                fields=["plan", "source_key"], condition=~Q(source_key=""), name="item_source_once",
                violation_error_message="这一条已经列入方案。",
            ),
            models.CheckConstraint(condition=~Q(problem=""), name="item_has_problem"),
            models.CheckConstraint(condition=Q(percent__lte=100), name="item_percent_at_most_100"),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "draft", "submitted", "returned", "approved", "in_hand", "awaiting_verification", "verified",
                        "reopened", "transferred", "closed",
                    ]
                ),
                name="item_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(term="normal")
                | Q(due_on__isnull=True)
                | Q(due_on__lte=F("limit_on"))
                | Q(due_on__lte=F("extended_to"), extended_to__isnull=False),
                name="item_due_within_limit",
                violation_error_message="完成时限晚于活动规定的期限，只有长期性项目或暂不具备条件的项目可以。",
            ),
            models.CheckConstraint(
                condition=Q(term="normal", due_on__isnull=False)
                | Q(term="awaiting_conditions", review_on__isnull=False)
                | Q(term="long_term")
                | Q(state__in=["draft", "returned", "transferred", "closed"]),
                name="item_has_date",
            ),
            models.CheckConstraint(
                condition=Q(term="normal")
                | ~Q(term_reason="")
                | Q(state__in=["draft", "returned", "transferred", "closed"]),
                name="item_term_has_reason",
            ),
            models.CheckConstraint(
                condition=~Q(term="awaiting_conditions")
                | Q(consented_by__isnull=False, consented_at__isnull=False)
                | Q(state__in=["draft", "submitted", "returned", "transferred", "closed"]),
                name="item_conditions_have_consent",
                violation_error_message="暂不具备条件的项目须经上级同意。",
            ),
            models.CheckConstraint(
                condition=Q(term__in=["normal", "long_term", "awaiting_conditions"]), name="item_term_known"
            ),
            models.CheckConstraint(
                condition=Q(paused_until__isnull=True) | Q(paused_on__isnull=False, paused_until__gte=F("paused_on")),
                name="item_pause_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(paused_on__isnull=True) | Q(paused_until__isnull=False),
                name="item_pause_has_end",
                violation_error_message="暂停要写明到哪一天。",
            ),
            models.CheckConstraint(
                condition=Q(escalated_to__isnull=True) | ~Q(escalation_reason=""), name="item_escalated_has_reason"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["awaiting_verification", "verified"])
                | Q(requested_at__isnull=False) & ~Q(result=""),
                name="item_requested_has_result",
            ),
            models.CheckConstraint(
                condition=~Q(state="verified") | Q(verified_on__isnull=False, verified_by__isnull=False),
                name="item_verified_has_verifier",
            ),
            models.CheckConstraint(
                condition=~Q(state="verified")
                | Q(requested_by__isnull=True)
                | ~Q(verified_by=F("requested_by")),
                name="item_verifier_not_requester",
            ),
            models.CheckConstraint(
                condition=~Q(state="transferred") | Q(transferred_to__isnull=False),
                name="item_transferred_has_successor",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "submitted", "returned", "closed", "transferred"])
                | Q(approved_at__isnull=False),
                name="item_approved_has_time",
            ),
        )  # fmt: skip

    def __str__(self) -> str:
        return self.problem[:40]

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for: the branch whose plan it is, escalated or not."""
        return self.plan.branch_id

    @property
    def responsible_id(self) -> int:
        """The node that answers for it: the superior once an escalation was approved, else the plan's own."""
        if self.escalated_to_id is not None and self.state not in self.BEFORE_APPROVAL:
            return self.escalated_to_id
        return self.plan.branch_id

    @property
    def editable(self) -> bool:
        """Tell whether the branch may still change it freely."""
        return self.state in (self.State.DRAFT, self.State.RETURNED)

    @property
    def long_lasting(self) -> bool:
        """Tell whether it may go beyond the campaign's deadline."""
        return self.term != self.Term.NORMAL


class CheckpointQuerySet(models.QuerySet["Checkpoint"]):
    """Reads on check-points."""

    def within(self, scope: "Scope") -> "CheckpointQuerySet":
        """Keep those of items `scope` reaches."""
        return self if scope.everything else self.filter(item__plan__branch__in=scope.held.branches())


class Checkpoint(models.Model):
    """A day on which a 长期性项目 is looked at, and what was found."""

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="checkpoints", verbose_name="整改项目")
    due_on = models.DateField("检查日期")
    task = models.CharField("到时应达到的程度", max_length=200, blank=True)
    done_on = models.DateField("实际检查日期", null=True, blank=True)
    finding = models.CharField("检查情况", max_length=500, blank=True)
    done_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="登记人"
    )

    objects = CheckpointQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "检查点"
        ordering = ("item", "due_on")
        constraints = (
            models.UniqueConstraint(
                fields=["item", "due_on"], name="checkpoint_day_once", violation_error_message="这一天已有检查点。"
            ),
            models.CheckConstraint(
                condition=Q(done_on__isnull=True) | ~Q(finding=""), name="checkpoint_done_has_finding"
            ),
        )

    def __str__(self) -> str:
        return f"{self.item_id} {self.due_on}"

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for."""
        return self.item.plan.branch_id
