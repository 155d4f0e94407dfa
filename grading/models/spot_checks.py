"""抽查: draws of branches with everything needed to repeat them, the branches drawn, and who inspects them."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from branches.models import Account, RoleGrant
from grading.models.round import Cap, Round, Source
from grading.models.unit import RoundUnit, branch_of_unit, reach

if TYPE_CHECKING:
    from branches.scopes import Scope


class SpotCheckRule(models.Model):
    """What a spot check means in a round, and what holds for a branch that was not drawn."""

    class Effect(models.TextChoices):
        OWN = "own", "单独作为一个来源，按权重计入"
        REPLACE = "replace", "抽到的支部以抽查得分代替党总支考评"

    class Absent(models.TextChoices):
        EXEMPT = "exempt", "没抽到的支部免计抽查，其余权重按比例放大"
        MISSING = "missing", "没抽到的支部按本轮的缺项规则办理"

    round = models.OneToOneField(Round, on_delete=models.CASCADE, related_name="spot_check_rule", verbose_name="轮次")
    effect = models.CharField("得分怎么用", max_length=10, choices=Effect.choices, default=Effect.OWN)
    absent = models.CharField("没抽到的支部", max_length=10, choices=Absent.choices, default=Absent.EXEMPT)

    class Meta:
        verbose_name = verbose_name_plural = "抽查规则"
        constraints = (
            models.CheckConstraint(condition=Q(effect__in=["own", "replace"]), name="spot_rule_effect_known"),
            models.CheckConstraint(condition=Q(absent__in=["exempt", "missing"]), name="spot_rule_absent_known"),
        )

    def __str__(self) -> str:
        return f"{self.round_id} {self.effect}"


class SpotCheckDraw(models.Model):
    """One draw: its list, seed and quota are kept, so that anybody may repeat it. A void draw stays on record."""

    class Method(models.TextChoices):
        SEED = "seed", "随机抽取"
        DIFFERENCE = "difference", "按自评与考评的差距"
        HAND = "hand", "人工指定"

    class Measure(models.TextChoices):
        SHARE = "share", "比例（%）"
        NUMBER = "number", "个数"

    class Extent(models.TextChoices):
        GROUP = "group", "每个党总支分别抽"
        ROUND = "round", "全校一起抽"

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="draws", verbose_name="轮次")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="draws", verbose_name="来源")
    ordinal = models.PositiveSmallIntegerField("次序")
    method = models.CharField("抽取办法", max_length=12, choices=Method.choices)
    seed = models.CharField("随机种子", max_length=60, blank=True)
    measure = models.CharField("计量", max_length=10, choices=Measure.choices, default=Measure.SHARE)
    value = models.DecimalField("数值", max_digits=7, decimal_places=2)
    extent = models.CharField("范围", max_length=10, choices=Extent.choices, default=Extent.GROUP)
    rounding = models.CharField("取整", max_length=10, choices=Cap.Rounding.choices, default=Cap.Rounding.UP)
    population = models.JSONField("抽取名单", default=list)
    digest = models.CharField("名单的 SHA-256", max_length=64)
    reason = models.CharField("说明", max_length=200, blank=True)
    drawn_by = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="抽取人")
    drawn_at = models.DateTimeField("抽取时间")
    voided_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="作废人"
    )
    voided_at = models.DateTimeField("作废时间", null=True, blank=True)
    void_reason = models.CharField("作废理由", max_length=200, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "抽查抽取"
        ordering = ("round", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["round", "ordinal"], name="draw_ordinal_once"),
            models.CheckConstraint(condition=Q(method__in=["seed", "difference", "hand"]), name="draw_method_known"),
            models.CheckConstraint(condition=Q(extent__in=["group", "round"]), name="draw_extent_known"),
            models.CheckConstraint(
                condition=Q(measure="number") | Q(measure="share", value__lte=100), name="draw_share_percent"
            ),
            models.CheckConstraint(condition=Q(value__gt=0), name="draw_value_positive"),
            models.CheckConstraint(condition=Q(method="hand") | ~Q(seed=""), name="draw_has_seed"),
            models.CheckConstraint(condition=~Q(method="hand") | ~Q(reason=""), name="draw_by_hand_has_reason"),
            models.CheckConstraint(
                condition=Q(voided_at__isnull=True) | ~Q(void_reason=""), name="draw_void_has_reason"
            ),
        )

    def __str__(self) -> str:
        return f"第{self.ordinal}次抽取"

    @property
    def permission_branch_id(self) -> int:
        """The node whose holders draw: the root of the campaign."""
        return self.round.permission_branch_id


class SpotCheckQuerySet(models.QuerySet["SpotCheck"]):
    """Reads on spot checks."""

    def within(self, scope: "Scope") -> "SpotCheckQuerySet":
        """Keep those of units `scope` reaches."""
        return self if scope.everything else self.filter(reach(scope, "unit__"))

    def active(self) -> "SpotCheckQuerySet":
        """Keep those of draws that stand."""
        return self.filter(active=True)

    def assigned_to(self, account: Account) -> "SpotCheckQuerySet":
        """Keep those an account was told to inspect, in rounds under way or over."""
        return self.filter(active=True, inspectors=account)


class SpotCheck(models.Model):
    """A branch that was drawn. Its sheet is the Assessment of the same source."""

    draw = models.ForeignKey(SpotCheckDraw, on_delete=models.PROTECT, related_name="checks", verbose_name="抽取")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="spot_checks", verbose_name="来源")
    unit = models.ForeignKey(RoundUnit, on_delete=models.PROTECT, related_name="spot_checks", verbose_name="支部")
    place = models.PositiveIntegerField("抽取次序")
    active = models.BooleanField("有效", default=True)
    inspectors = models.ManyToManyField(
        Account, through="SpotCheckInspector", through_fields=("spot_check", "account"), related_name="spot_checks",
        verbose_name="抽查人",
    )  # fmt: skip

    objects = SpotCheckQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "抽查"
        ordering = ("unit__parent_position", "unit__parent_code", "unit__position", "unit__code")
        constraints = (
            models.UniqueConstraint(fields=["draw", "unit"], name="spot_check_once_a_draw"),
            models.UniqueConstraint(fields=["source", "unit"], condition=Q(active=True), name="spot_check_one_active"),
        )

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return f"{self.draw_id} {self.unit_id}"


class SpotCheckInspector(models.Model):
    """Somebody told to inspect a branch, with the role grant made for it (none when the role was held before)."""

    spot_check = models.ForeignKey(SpotCheck, on_delete=models.CASCADE, related_name="assignments", verbose_name="抽查")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", verbose_name="抽查人")
    grant = models.ForeignKey(
        RoleGrant, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="角色"
    )
    assigned_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="指派人"
    )
    assigned_at = models.DateTimeField("指派时间")

    class Meta:
        verbose_name = verbose_name_plural = "抽查指派"
        ordering = ("spot_check", "pk")
        constraints = (models.UniqueConstraint(fields=["spot_check", "account"], name="inspector_once_a_check"),)

    def __str__(self) -> str:
        return f"{self.spot_check_id} {self.account_id}"
