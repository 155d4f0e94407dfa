"""A branch as it stood when a round opened, and everything that is said about it in that round."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from branches.models import Account, Branch, Category
from grading.models.round import Round, RoundStep, SurveyCheck, VetoItem
from grading.models.rubric import Grade, Rubric

if TYPE_CHECKING:
    from branches.scopes import Scope


class UnitOwnedQuerySet(models.QuerySet["models.Model"]):
    """Reads on rows that hang on a RoundUnit by `unit`."""

    def within(self, scope: "Scope") -> "UnitOwnedQuerySet":
        """Keep rows whose unit `scope` reaches."""
        return self if scope.everything else self.filter(reach(scope, "unit__"))


def reach(scope: "Scope", prefix: str = "") -> Q:
    """Return the filter for units `scope` reaches: by today's placement, in final rounds by the parent of then too.

    An inspector reaches the units assigned, in the round for which they were drawn, and no others of those branches.
    """
    reached = scope.held.branches()
    today = Q(**{f"{prefix}branch__in": reached})
    then = Q(**{f"{prefix}round__state": Round.State.FINAL, f"{prefix}parent__in": reached})
    return today | then | Q(**{f"{prefix}pk__in": lent_units(scope)}) if scope.lent else today | then


def lent_units(scope: "Scope") -> models.QuerySet["RoundUnit", Any]:
    """Return the units that an inspector was told to inspect, where that is what the scope comes from."""
    tasks = RoundUnit.objects.filter(branch__in=scope.lent, spot_checks__active=True)
    return tasks.filter(spot_checks__inspectors=scope.account).values("pk")


@property
def branch_of_unit(row: Any) -> int:
    """The node permission is asked for when a row hangs on a RoundUnit by `unit` (as `permission_branch_id`)."""
    return row.unit.branch_id


class RoundUnitQuerySet(models.QuerySet["RoundUnit"]):
    """Reads on units."""

    def within(self, scope: "Scope") -> "RoundUnitQuerySet":
        """Keep the units `scope` reaches."""
        return self if scope.everything else self.filter(reach(scope))

    def of_parent(self, parent_id: int | None) -> "RoundUnitQuerySet":
        """Keep the branches of one 党总支; None keeps 直属党支部."""
        return self.filter(direct=True) if parent_id is None else self.filter(direct=False, parent_id=parent_id)


class RoundUnit(models.Model):
    """The frozen copy of a branch for one round. Annexes, caps and matrices read only this."""

    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="units", verbose_name="轮次")
    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="round_units", verbose_name="党支部")
    code = models.CharField("编号", max_length=40)
    name = models.CharField("党支部名称", max_length=100)
    short_name = models.CharField("简称", max_length=60, blank=True)
    parent = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+", verbose_name="上级党组织")
    parent_code = models.CharField("上级编号", max_length=40)
    parent_name = models.CharField("上级名称", max_length=100)
    parent_position = models.PositiveIntegerField("上级排序", default=0)
    direct = models.BooleanField("直属党支部", default=False)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+", verbose_name="支部类别")
    category_name = models.CharField("类别名称", max_length=40)
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="units", verbose_name="评分标准")
    secretary_name = models.CharField("书记姓名", max_length=60, blank=True)
    facts = models.JSONField("基本情况", default=dict, blank=True)
    position = models.PositiveIntegerField("排序", default=0)
    graded = models.BooleanField("参加定级", default=True)
    not_graded_reason = models.CharField("不定级的理由", max_length=200, blank=True)

    objects = RoundUnitQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "参评支部"
        ordering = ("round", "parent_position", "parent_code", "position", "code")
        indexes = (models.Index(fields=["round", "parent"]),)
        constraints = (
            models.UniqueConstraint(fields=["round", "branch"], name="unit_once_a_round"),
            models.CheckConstraint(condition=~Q(name=""), name="unit_name_not_empty"),
            models.CheckConstraint(
                condition=Q(graded=True) | ~Q(not_graded_reason=""), name="unit_not_graded_has_reason"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for."""
        return self.branch_id

    @property
    def general_branch_name(self) -> str:
        """The 党总支, or 直属党支部."""
        return "直属党支部" if self.direct else self.parent_name

    @property
    def category_title(self) -> str:
        """The category as a kind of 党支部: 教师党支部."""
        return self.category_name if self.category_name.endswith("支部") else f"{self.category_name}党支部"

    @property
    def group(self) -> str:
        """The key caps count by: one 党总支, all direct branches together."""
        return "direct" if self.direct else str(self.parent_id)


class Extension(models.Model):
    """More time for one branch at one step, with the reason."""

    unit = models.ForeignKey(RoundUnit, on_delete=models.CASCADE, related_name="extensions", verbose_name="支部")
    step = models.ForeignKey(RoundStep, on_delete=models.CASCADE, related_name="extensions", verbose_name="步骤")
    until = models.DateField("延至")
    reason = models.CharField("理由", max_length=200)
    granted_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="批准人"
    )
    granted_at = models.DateTimeField("批准时间")

    objects = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "延期"
        constraints = (
            models.UniqueConstraint(fields=["unit", "step"], name="extension_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="extension_has_reason"),
        )

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return f"{self.unit_id} {self.until}"


class Survey(models.Model):
    """调查摸底 of one branch by one side: the branch itself, or the 党总支 after its visit."""

    class By(models.TextChoices):
        BRANCH = "branch", "支部"
        SUPERIOR = "superior", "党总支"

    unit = models.ForeignKey(RoundUnit, on_delete=models.CASCADE, related_name="surveys", verbose_name="支部")
    by = models.CharField("填写方", max_length=10, choices=By.choices)
    problems = models.TextField("存在的主要问题", blank=True)
    target = models.ForeignKey(
        Grade, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="晋位目标"
    )
    goal = models.TextField("晋位升级目标", blank=True)
    measures = models.TextField("主要措施", blank=True)
    method = models.CharField("摸底方式", max_length=60, blank=True)
    visited_on = models.DateField("走访日期", null=True, blank=True)
    version = models.PositiveIntegerField("版本", default=1)
    saved_at = models.DateTimeField("保存时间")
    saved_by = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="保存人")

    objects = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "调查摸底"
        constraints = (
            models.UniqueConstraint(fields=["unit", "by"], name="survey_once_a_side"),
            models.CheckConstraint(condition=Q(by__in=["branch", "superior"]), name="survey_side_known"),
        )

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return f"{self.unit_id} {self.by}"


class SurveyFinding(models.Model):
    """One finding: 好, 一般 or 差, with a note."""

    class Finding(models.TextChoices):
        GOOD = "good", "好"
        FAIR = "fair", "一般"
        POOR = "poor", "差"

    survey = models.ForeignKey(Survey, on_delete=models.CASCADE, related_name="findings", verbose_name="调查摸底")
    check_item = models.ForeignKey(SurveyCheck, on_delete=models.PROTECT, related_name="findings", verbose_name="内容")
    finding = models.CharField("情况", max_length=10, choices=Finding.choices, blank=True)
    note = models.CharField("说明", max_length=300, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "摸底情况"
        ordering = ("survey", "check_item__ordinal")
        constraints = (
            models.UniqueConstraint(fields=["survey", "check_item"], name="finding_once_a_check"),
            models.CheckConstraint(condition=Q(finding__in=["", "good", "fair", "poor"]), name="finding_known"),
        )

    def __str__(self) -> str:
        return f"{self.check_item_id} {self.finding}"


class VetoReview(models.Model):
    """Somebody went through the veto list for this branch."""

    unit = models.OneToOneField(RoundUnit, on_delete=models.CASCADE, related_name="veto_review", verbose_name="支部")
    reviewed_at = models.DateTimeField("核对时间")
    reviewed_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="核对人"
    )

    objects = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "否决情形核对"

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return f"{self.unit_id}"


class VetoFinding(models.Model):
    """A veto established for a branch."""

    unit = models.ForeignKey(RoundUnit, on_delete=models.CASCADE, related_name="vetoes", verbose_name="支部")
    item = models.ForeignKey(VetoItem, on_delete=models.PROTECT, related_name="findings", verbose_name="情形")
    note = models.CharField("依据", max_length=300)
    happened_on = models.DateField("发生日期", null=True, blank=True)
    established_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="认定人"
    )
    established_at = models.DateTimeField("认定时间")

    objects = UnitOwnedQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "否决认定"
        ordering = ("unit", "item__ordinal")
        constraints = (
            models.UniqueConstraint(fields=["unit", "item"], name="veto_finding_once"),
            models.CheckConstraint(condition=~Q(note=""), name="veto_finding_has_note"),
        )

    permission_branch_id = branch_of_unit

    def __str__(self) -> str:
        return f"{self.unit_id} {self.item_id}"


def due_on(step: RoundStep | None, extension: Extension | None) -> dt.date | None:
    """Return the last day of a step for a branch, its extension included."""
    if step is None or step.due_on is None:
        return None
    return max(step.due_on, extension.until) if extension is not None else step.due_on
