"""公示: what a round says about it, the notice as it was put up, and 异议."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from branches.models import Account
from grading.models.round import Round
from grading.models.rubric import Grade
from grading.models.unit import RoundUnit, branch_of_unit, reach

if TYPE_CHECKING:
    from branches.scopes import Scope


class PublicityPlan(models.Model):
    """What the next notice of a round will say. Empty texts mean the usual wording; days stand on the round."""

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="publicity_plan", verbose_name="轮次")
    counts_first_day = models.BooleanField(
        "公示当天计入", default=True, help_text="公示当天是工作日时，算作第一个工作日；不勾选则从下一个工作日算起。"
    )
    title = models.CharField("标题", max_length=100, blank=True)
    body = models.TextField("正文", max_length=2000, blank=True)
    receiver = models.CharField("受理部门", max_length=60, blank=True)
    phone = models.CharField("电话", max_length=60, blank=True)
    email = models.CharField("电子邮箱", max_length=100, blank=True)
    address = models.CharField("来信来访地址", max_length=120, blank=True)
    signature = models.CharField("落款", max_length=80, blank=True)
    version = models.PositiveIntegerField("版本", default=1)

    class Meta:
        verbose_name = verbose_name_plural = "公示内容"

    def __str__(self) -> str:
        return f"{self.round_id}"


class PublicityGrade(models.Model):
    """A grade a round makes public; without any row the best two of its scale."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="publicity_grades", verbose_name="轮次")
    grade = models.ForeignKey(Grade, on_delete=models.PROTECT, related_name="+", verbose_name="等级")

    class Meta:
        verbose_name = verbose_name_plural = "公示的等级"
        ordering = ("round", "grade__rank")
        constraints = (models.UniqueConstraint(fields=["round", "grade"], name="publicity_grade_once"),)

    def __str__(self) -> str:
        return f"{self.grade}"


class PublicityNoticeQuerySet(models.QuerySet["PublicityNotice"]):
    """Reads on notices."""

    def within(self, scope: "Scope") -> "PublicityNoticeQuerySet":
        """Keep notices of rounds `scope` reaches."""
        return self if scope.everything else self.filter(round__in=Round.objects.within(scope))

    def shown(self) -> "PublicityNoticeQuerySet":
        """Keep notices that are up."""
        return self.filter(state=PublicityNotice.State.SHOWN)


class PublicityNotice(models.Model):
    """A notice as it was put up. It counts until `ends_at` (not included); coming down is a state of its own."""

    class State(models.TextChoices):
        SHOWN = "shown", "公示中"
        ENDED = "ended", "已结束"
        WITHDRAWN = "withdrawn", "已撤下"

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="notices", verbose_name="轮次")
    ordinal = models.PositiveSmallIntegerField("第几次")
    slug = models.SlugField("地址", max_length=40, unique=True)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.SHOWN)
    title = models.CharField("标题", max_length=100)
    body = models.TextField("正文")
    receiver = models.CharField("受理部门", max_length=60, blank=True)
    phone = models.CharField("电话", max_length=60, blank=True)
    email = models.CharField("电子邮箱", max_length=100, blank=True)
    address = models.CharField("来信来访地址", max_length=120, blank=True)
    signature = models.CharField("落款", max_length=80, blank=True)
    days = models.PositiveSmallIntegerField("工作日")
    started_at = models.DateTimeField("开始时间")
    started_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="发布人"
    )
    last_day = models.DateField("最后一天")
    ends_at = models.DateTimeField("截止时间")
    uncertain_years = models.JSONField("放假安排未知的年份", default=list, blank=True)
    closed_at = models.DateTimeField("结束时间", null=True, blank=True)
    close_reason = models.CharField("撤下的理由", max_length=500, blank=True)

    objects = PublicityNoticeQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "公示"
        ordering = ("round", "-ordinal")
        constraints = (
            models.UniqueConstraint(fields=["round", "ordinal"], name="notice_ordinal_once"),
            models.UniqueConstraint(fields=["round"], condition=Q(state="shown"), name="notice_one_shown"),
            models.CheckConstraint(
                condition=Q(state="shown", closed_at__isnull=True)
                | Q(state__in=["ended", "withdrawn"], closed_at__isnull=False),
                name="notice_end_with_state",
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("started_at")), name="notice_ends_after_start"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def permission_branch_id(self) -> int:
        """The node whose holders manage the notice."""
        return self.round.campaign.root_id


class PublicityLine(models.Model):
    """One branch on a notice, as it stood there."""

    notice = models.ForeignKey(PublicityNotice, on_delete=models.PROTECT, related_name="lines", verbose_name="公示")
    ordinal = models.PositiveIntegerField("序号")
    unit = models.ForeignKey(RoundUnit, on_delete=models.PROTECT, related_name="+", verbose_name="支部")
    name = models.CharField("党支部名称", max_length=100)
    parent_name = models.CharField("所属党总支", max_length=100)
    category_name = models.CharField("类别", max_length=60)
    grade = models.ForeignKey(Grade, on_delete=models.PROTECT, related_name="+", verbose_name="等级")
    grade_label = models.CharField("等级名称", max_length=20)

    class Meta:
        verbose_name = verbose_name_plural = "公示名单"
        ordering = ("notice", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["notice", "unit"], name="publicity_line_once"),
            models.UniqueConstraint(fields=["notice", "ordinal"], name="publicity_line_ordinal_once"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.grade_label}"


class ObjectionQuerySet(models.QuerySet["Objection"]):
    """Reads on objections."""

    def within(self, scope: "Scope") -> "ObjectionQuerySet":
        """Keep objections about units `scope` reaches."""
        return self if scope.everything else self.filter(reach(scope, "unit__"))

    def open(self) -> "ObjectionQuerySet":
        """Keep those nobody has answered yet."""
        return self.filter(state=Objection.State.OPEN)


class Objection(models.Model):
    """异议 about the grade of one branch, with a name. Its text is for those who answer it and who raised it."""

    class Channel(models.TextChoices):
        LOGIN = "login", "登录提交"
        PHONE = "phone", "电话"
        LETTER = "letter", "来信"
        EMAIL = "email", "电子邮件"
        VISIT = "visit", "来访"

    class State(models.TextChoices):
        OPEN = "open", "待答复"
        ANSWERED = "answered", "已答复"

    class Outcome(models.TextChoices):
        UPHELD = "upheld", "成立"
        NOT_UPHELD = "not_upheld", "不成立"

    notice = models.ForeignKey(
        PublicityNotice, on_delete=models.PROTECT, related_name="objections", verbose_name="公示"
    )
    number = models.PositiveIntegerField("编号")
    unit = models.ForeignKey(RoundUnit, on_delete=models.PROTECT, related_name="objections", verbose_name="支部")
    channel = models.CharField("途径", max_length=10, choices=Channel.choices)
    name = models.CharField("异议人", max_length=40)
    contact = models.CharField("联系方式", max_length=100)
    text = models.TextField("异议内容", max_length=2000)
    filed_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="objections", verbose_name="提交账号"
    )
    recorded_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="登记人"
    )
    received_at = models.DateTimeField("收到时间")
    recorded_at = models.DateTimeField("登记时间")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OPEN)
    outcome = models.CharField("结论", max_length=12, choices=Outcome.choices, blank=True)
    answer = models.TextField("答复", max_length=2000, blank=True)
    body = models.CharField("答复机构", max_length=60, blank=True)
    met_on = models.DateField("会议日期", null=True, blank=True)
    answered_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="答复人"
    )
    answered_at = models.DateTimeField("答复时间", null=True, blank=True)

    objects = ObjectionQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "异议"
        ordering = ("-notice", "-number")
        constraints = (
            models.UniqueConstraint(fields=["notice", "number"], name="objection_number_once"),
            models.CheckConstraint(condition=~Q(name="") & ~Q(text=""), name="objection_is_by_name"),
            models.CheckConstraint(
                condition=Q(channel="login", filed_by__isnull=False)
                | Q(channel__in=["phone", "letter", "email", "visit"], filed_by__isnull=True),
                name="objection_channel_known",
            ),
            models.CheckConstraint(
                condition=Q(state="open")
                | Q(state="answered", outcome__in=["upheld", "not_upheld"], answered_at__isnull=False)
                & ~Q(answer="")
                & ~Q(body=""),
                name="objection_answer_is_complete",
            ),
        )

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return f"第{self.number}号"
