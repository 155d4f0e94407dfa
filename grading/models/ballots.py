"""Sealed ballots: a box of one branch, codes that are only digests, ballots that are only ciphertext (ADR 0017).

No row of these tables says who voted, when, with which code or for what. Codes and ballots have random keys, which on
SQLite are their places in the table too; both are gone once the box is counted.
"""

import secrets
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import Exact

from branches.models import Account
from grading.models.round import Round, Source
from grading.models.unit import RoundUnit, branch_of_unit, reach

if TYPE_CHECKING:
    from branches.scopes import Scope

FLOOR = 5
CIPHERTEXT_BYTES = 112
DIGEST_BYTES = 32


def random_key() -> int:
    """Return a random primary key: nothing may be read from the order in which rows came."""
    return secrets.randbits(63)


class BallotBoxQuerySet(models.QuerySet["BallotBox"]):
    """Reads on boxes."""

    def within(self, scope: "Scope") -> "BallotBoxQuerySet":
        """Keep boxes of units `scope` reaches."""
        return self if scope.everything else self.filter(reach(scope, "unit__"))

    def live(self) -> "BallotBoxQuerySet":
        """Keep boxes that are being prepared, filled or counted."""
        return self.filter(state__in=BallotBox.LIVE)

    def unfinished(self) -> "BallotBoxQuerySet":
        """Keep boxes a worker has something to do for: to count, or to destroy what is left of them."""
        return self.filter(Q(state=BallotBox.State.CLOSING) | Q(counted_at__isnull=False, scrubbed_at__isnull=True))


class BallotBox(models.Model):
    """One appraisal of one branch by ballots with one-time codes.

    `paper` is what every voter of the box sees, frozen when it is made: options, problem boxes, voter groups. A worker
    counts it once it is closing; `lease_until` is the database's time. `counted_at` is when the votes became counts
    (or, of a box that was voided, nothing) and were deleted, `scrubbed_at` when no trace of them was left.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "准备中"
        OPEN = "open", "评议中"
        CLOSING = "closing", "正在开箱"
        COUNTED = "counted", "正在销毁选票"
        CLOSED = "closed", "已统计"
        VOID = "void", "已作废"

    LIVE = (State.DRAFT, State.OPEN, State.CLOSING, State.COUNTED)

    unit = models.ForeignKey(RoundUnit, on_delete=models.PROTECT, related_name="ballot_boxes", verbose_name="支部")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="ballot_boxes", verbose_name="来源")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.DRAFT)
    locator = models.CharField("箱号", max_length=3)
    key_id = models.CharField("密钥编号", max_length=32, unique=True)
    public_key = models.BinaryField("公钥", max_length=32)
    paper = models.JSONField("选票内容")
    floor = models.PositiveSmallIntegerField("公布下限", default=FLOOR)
    created_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="建立人"
    )
    created_at = models.DateTimeField("建立时间")
    opened_at = models.DateTimeField("开始时间", null=True, blank=True)
    closes_at = models.DateTimeField("截止时间", null=True, blank=True)
    closing_at = models.DateTimeField("关闭时间", null=True, blank=True)
    closing_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="关闭人"
    )
    counted_at = models.DateTimeField("统计时间", null=True, blank=True)
    keys_destroyed_at = models.DateTimeField("密钥销毁时间", null=True, blank=True)
    scrubbed_at = models.DateTimeField("清除时间", null=True, blank=True)
    withheld = models.PositiveSmallIntegerField("未发出的码", default=0)
    issued = models.PositiveSmallIntegerField("发出", null=True, blank=True)
    returned = models.PositiveSmallIntegerField("收回", null=True, blank=True)
    used = models.PositiveSmallIntegerField("已用的码", null=True, blank=True)
    valid = models.PositiveSmallIntegerField("有效", null=True, blank=True)
    released = models.BooleanField("达到公布下限", default=False)
    wrong_hour = models.DateTimeField("输错时段", null=True, blank=True)
    wrong_codes = models.PositiveIntegerField("该时段输错次数", default=0)
    lease_until = models.DateTimeField("租约到", null=True, blank=True)
    attempt = models.PositiveIntegerField("次数", default=0)
    error = models.CharField("未能开箱的原因", max_length=300, blank=True)

    objects = BallotBoxQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "评议箱"
        ordering = ("unit", "pk")
        indexes = (models.Index(fields=["state", "closes_at"]),)
        constraints = (
            models.UniqueConstraint(
                fields=["unit", "source"],
                condition=Q(state__in=["draft", "open", "closing", "counted"]),
                name="box_one_live",
                violation_error_message="该支部已有一个评议箱。",
            ),
            models.UniqueConstraint(
                fields=["locator"],
                condition=Q(state__in=["draft", "open", "closing", "counted"]),
                name="box_locator_once_live",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "open", "closing", "counted", "closed", "void"]),
                name="box_state_known",
            ),
            models.CheckConstraint(condition=Q(floor__gte=FLOOR), name="box_floor_protects"),
            models.CheckConstraint(condition=Exact(Length("public_key"), 32), name="box_public_key_whole"),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "void"]) | Q(opened_at__isnull=False), name="box_open_has_time"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["closing", "counted", "closed"]) | Q(closing_at__isnull=False),
                name="box_closing_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["counted", "closed"])
                | Q(
                    counted_at__isnull=False, issued__isnull=False, returned__isnull=False, used__isnull=False,
                    valid__isnull=False,
                ),
                name="box_counted_has_numbers",
            ),
            models.CheckConstraint(
                condition=~Q(state="closed") | Q(keys_destroyed_at__isnull=False, scrubbed_at__isnull=False),
                name="box_closed_is_destroyed",
            ),
            models.CheckConstraint(
                condition=Q(scrubbed_at__isnull=True) | Q(keys_destroyed_at__isnull=False),
                name="box_scrubbed_after_keys",
            ),
            models.CheckConstraint(
                condition=Q(valid__isnull=True) | Q(valid__lte=F("returned")), name="box_valid_at_most_returned"
            ),
            models.CheckConstraint(
                condition=Q(released=False) | Q(valid__isnull=False, valid__gte=F("floor")),
                name="box_released_reaches_floor",
            ),
        )  # fmt: skip

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return f"{self.unit} {self.source}"

    @property
    def options(self) -> list[dict[str, Any]]:
        """The choices on the ballot: code and label."""
        return list(self.paper["options"])

    @property
    def problems(self) -> list[dict[str, Any]]:
        """The problem boxes on the ballot: code and text."""
        return list(self.paper["problems"])

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The voter groups: code (empty where the source has none), name, and how many codes were asked for."""
        return list(self.paper["groups"])


class BallotCode(models.Model):
    """A one-time code, as a digest under a key that is not in the database. Says nothing about any ballot."""

    class State(models.TextChoices):
        UNUSED = "unused", "未用"
        USED = "used", "已用"
        SPOILED = "spoiled", "作废"

    id = models.BigAutoField(primary_key=True, default=random_key)
    box = models.ForeignKey(BallotBox, on_delete=models.PROTECT, related_name="codes", verbose_name="评议箱")
    group = models.PositiveSmallIntegerField("评议人员（在选票内容里的位置）")
    digest = models.BinaryField("摘要", max_length=DIGEST_BYTES)
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.UNUSED)

    class Meta:
        verbose_name = verbose_name_plural = "评议码"
        constraints = (
            models.UniqueConstraint(fields=["box", "digest"], name="code_digest_once"),
            models.CheckConstraint(condition=Q(state__in=["unused", "used", "spoiled"]), name="code_state_known"),
            models.CheckConstraint(condition=Exact(Length("digest"), DIGEST_BYTES), name="code_digest_whole"),
        )

    def __str__(self) -> str:
        return self.get_state_display()


class SealedBallot(models.Model):
    """A ballot as it lies in the box: ciphertext of one length, nothing else."""

    id = models.BigAutoField(primary_key=True, default=random_key)
    box = models.ForeignKey(BallotBox, on_delete=models.PROTECT, related_name="ballots", verbose_name="评议箱")
    ciphertext = models.BinaryField("密文", max_length=CIPHERTEXT_BYTES)

    class Meta:
        verbose_name = verbose_name_plural = "选票"
        constraints = (
            models.CheckConstraint(condition=Exact(Length("ciphertext"), CIPHERTEXT_BYTES), name="ballot_one_length"),
        )

    def __str__(self) -> str:
        return "选票"


class CodeExchange(models.Model):
    """A spoiled slip that two people take back; `replaced` tells whether a new one was given out for it."""

    class State(models.TextChoices):
        ASKED = "asked", "等另一人确认"
        DONE = "done", "已办理"
        DROPPED = "dropped", "未办理"

    box = models.ForeignKey(BallotBox, on_delete=models.PROTECT, related_name="exchanges", verbose_name="评议箱")
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.ASKED)
    digest = models.BinaryField("摘要", max_length=DIGEST_BYTES, default=bytes)
    replaced = models.BooleanField("换发", default=True)
    reason = models.CharField("原因", max_length=100)
    asked_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name="经办人")
    asked_at = models.DateTimeField("经办时间")
    ended_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="确认人"
    )
    ended_at = models.DateTimeField("确认时间", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "评议码换发"
        ordering = ("box", "pk")
        constraints = (
            models.CheckConstraint(condition=Q(state__in=["asked", "done", "dropped"]), name="exchange_state_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="exchange_has_reason"),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(ended_by__isnull=False, ended_at__isnull=False),
                name="exchange_done_is_signed",
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | ~Q(ended_by=F("asked_by")), name="exchange_by_two_people"
            ),
            models.CheckConstraint(
                condition=Q(state="asked") | Q(Exact(Length("digest"), 0)), name="exchange_ended_forgets"
            ),
        )

    def __str__(self) -> str:
        return self.get_state_display()


class KeyCustody(models.Model):
    """Who keeps a copy of a box's key on paper until closing, and that it was destroyed afterwards."""

    box = models.ForeignKey(BallotBox, on_delete=models.PROTECT, related_name="custodies", verbose_name="评议箱")
    ordinal = models.PositiveSmallIntegerField("序号")
    keeper = models.CharField("保管人", max_length=60)
    destroyed_at = models.DateTimeField("登记销毁时间", null=True, blank=True)
    destroyed_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="登记人"
    )

    class Meta:
        verbose_name = verbose_name_plural = "密钥保管件"
        ordering = ("box", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["box", "ordinal"], name="custody_ordinal_once"),
            models.UniqueConstraint(fields=["box", "keeper"], name="custody_two_keepers"),
            models.CheckConstraint(condition=Q(ordinal__in=[1, 2]), name="custody_two_copies"),
            models.CheckConstraint(condition=~Q(keeper=""), name="custody_has_keeper"),
        )

    def __str__(self) -> str:
        return self.keeper


class ProblemBox(models.Model):
    """A problem a voter may tick, fixed by the round; there is no free text on a ballot."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="problem_boxes", verbose_name="轮次")
    ordinal = models.PositiveSmallIntegerField("序号")
    code = models.SlugField("代码", max_length=40)
    text = models.CharField("问题", max_length=60)

    class Meta:
        verbose_name = verbose_name_plural = "评议问题"
        ordering = ("round", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["round", "code"], name="problem_code_once"),
            models.UniqueConstraint(fields=["round", "ordinal"], name="problem_ordinal_once"),
            models.CheckConstraint(condition=~Q(text=""), name="problem_has_text"),
        )

    def __str__(self) -> str:
        return self.text


class ProblemCount(models.Model):
    """How many ballots of a box ticked a problem. Near nobody and near everybody the number itself stays unknown."""

    class Extent(models.TextChoices):
        FEW = "few", "少于下限"
        COUNTED = "counted", "已统计"
        NEARLY_ALL = "nearly_all", "几乎全部"

    box = models.ForeignKey(BallotBox, on_delete=models.CASCADE, related_name="problem_counts", verbose_name="评议箱")
    problem = models.ForeignKey(ProblemBox, on_delete=models.PROTECT, related_name="counts", verbose_name="问题")
    extent = models.CharField("范围", max_length=10, choices=Extent.choices)
    number = models.PositiveSmallIntegerField("票数", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "评议问题票数"
        ordering = ("box", "problem__ordinal")
        constraints = (
            models.UniqueConstraint(fields=["box", "problem"], name="problem_count_once"),
            models.CheckConstraint(
                condition=Q(extent="counted", number__isnull=False, number__gte=FLOOR)
                | Q(extent__in=["few", "nearly_all"], number__isnull=True),
                name="problem_count_above_floor",
            ),
        )

    def __str__(self) -> str:
        return str(self.number) if self.number is not None else self.get_extent_display()
