"""评分标准 as versioned rows: rubric, sections, items, options. A published version never changes."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q

from branches.models import Account


class RubricQuerySet(models.QuerySet["Rubric"]):
    """Reads on rubrics."""

    def published(self) -> "RubricQuerySet":
        """Keep versions that rounds may use."""
        return self.filter(state=Rubric.State.PUBLISHED)

    def with_items(self) -> "RubricQuerySet":
        """Fetch sections, items and options in three further queries."""
        return self.prefetch_related("sections__criteria__levels")


class Rubric(models.Model):
    """One version of a 评分参考标准, e.g. 附件2 for 教师党支部."""

    class State(models.TextChoices):
        DRAFT = "draft", "草稿"
        PUBLISHED = "published", "已发布"

    class NotApplicable(models.TextChoices):
        TOTAL = "total", "按合计折算"
        SECTION = "section", "在本部分内折算"
        REFUSED = "refused", "不允许填不适用"

    class Exceed(models.TextChoices):
        NONE = "none", "各部分不超过满分"
        SECTION = "section", "部分可超过，合计不超过"
        TOTAL = "total", "合计也可超过"

    code = models.SlugField("代码", max_length=60)
    version = models.PositiveIntegerField("版本", default=1)
    title = models.CharField("名称", max_length=100)
    form_code = models.CharField("附件", max_length=20, blank=True)
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.DRAFT)
    not_applicable = models.CharField(
        "不适用的处理", max_length=12, choices=NotApplicable.choices, default=NotApplicable.TOTAL
    )
    exceed = models.CharField("加分超出满分", max_length=12, choices=Exceed.choices, default=Exceed.NONE)
    source = models.CharField("来源", max_length=200, blank=True)
    preset_digest = models.CharField("预设摘要", max_length=64, blank=True)
    edits = models.PositiveIntegerField("修改次数", default=1)
    published_at = models.DateTimeField("发布时间", null=True, blank=True)
    published_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="发布人"
    )

    objects = RubricQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "评分标准"
        ordering = ("code", "-version")
        constraints = (
            models.UniqueConstraint(
                fields=["code", "version"],
                name="rubric_version_once",
                violation_error_message="这个评分标准已经有这个版本。",
            ),
            models.CheckConstraint(condition=Q(version__gte=1), name="rubric_version_positive"),
            models.CheckConstraint(
                condition=Q(state="draft", published_at__isnull=True)
                | Q(state="published", published_at__isnull=False),
                name="rubric_published_has_time",
            ),
            models.CheckConstraint(
                condition=Q(not_applicable__in=["total", "section", "refused"]), name="rubric_not_applicable_known"
            ),
            models.CheckConstraint(condition=Q(exceed__in=["none", "section", "total"]), name="rubric_exceed_known"),
        )

    def __str__(self) -> str:
        return f"{self.title} 第{self.version}版"

    @property
    def published(self) -> bool:
        """Tell whether this version is frozen."""
        return self.state == self.State.PUBLISHED


class Section(models.Model):
    """One section (项目), e.g. 领导班子好."""

    rubric = models.ForeignKey(Rubric, on_delete=models.CASCADE, related_name="sections", verbose_name="评分标准")
    ordinal = models.PositiveSmallIntegerField("序号")
    code = models.CharField("编号", max_length=10)
    name = models.CharField("项目", max_length=60)
    points = models.DecimalField("分值", max_digits=6, decimal_places=2)

    class Meta:
        verbose_name = verbose_name_plural = "项目"
        ordering = ("rubric", "ordinal")
        constraints = (
            models.UniqueConstraint(
                fields=["rubric", "ordinal"], name="section_ordinal_once", violation_error_message="项目序号重复。"
            ),
            models.UniqueConstraint(
                fields=["rubric", "code"], name="section_code_once", violation_error_message="项目编号重复。"
            ),
            models.CheckConstraint(
                condition=Q(points__gte=0),
                name="section_points_not_negative",
                violation_error_message="项目分值不能小于 0。",
            ),
        )

    def __str__(self) -> str:
        return self.name


class Criterion(models.Model):
    """One item (具体内容)."""

    class Kind(models.TextChoices):
        POINTS = "points", "打分"
        LEVELS = "levels", "分档"
        DEDUCTION = "deduction", "扣分"
        BONUS = "bonus", "加分"
        VETO = "veto", "否决"
        SYSTEM = "system", "系统填写"

    section = models.ForeignKey(Section, on_delete=models.CASCADE, related_name="criteria", verbose_name="项目")
    ordinal = models.PositiveSmallIntegerField("序号")
    code = models.CharField("编号", max_length=10)
    text = models.CharField("具体内容", max_length=200)
    points = models.DecimalField("分值", max_digits=6, decimal_places=2)
    kind = models.CharField("方式", max_length=12, choices=Kind.choices, default=Kind.POINTS)
    step = models.DecimalField("最小一档", max_digits=4, decimal_places=2, default=Decimal("0.5"))
    guidance = models.TextField("评分说明", blank=True)
    evidence_required = models.BooleanField("须附佐证", default=False)
    figure = models.SlugField("取数", max_length=40, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "条目"
        ordering = ("section", "ordinal")
        constraints = (
            models.UniqueConstraint(
                fields=["section", "ordinal"], name="criterion_ordinal_once", violation_error_message="条目序号重复。"
            ),
            models.UniqueConstraint(
                fields=["section", "code"], name="criterion_code_once", violation_error_message="条目编号重复。"
            ),
            models.CheckConstraint(
                condition=Q(points__gte=0),
                name="criterion_points_not_negative",
                violation_error_message="条目分值不能小于 0。",
            ),
            models.CheckConstraint(
                condition=Q(step__gt=0),
                name="criterion_step_positive",
                violation_error_message="打分的最小一档必须大于 0。",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["points", "levels", "deduction", "bonus", "veto", "system"]),
                name="criterion_kind_known",
            ),
            models.CheckConstraint(
                condition=~Q(kind="system") | ~Q(figure=""),
                name="criterion_system_has_figure",
                violation_error_message="由系统填写的条目须指明取哪个数。",
            ),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class Level(models.Model):
    """One option of an item with its points.

    It is a level to choose, what one 扣分 or 加分 event is worth, or the band of a system-filled item from `minimum`
    (percent) on.
    """

    criterion = models.ForeignKey(Criterion, on_delete=models.CASCADE, related_name="levels", verbose_name="条目")
    ordinal = models.PositiveSmallIntegerField("序号")
    label = models.CharField("档次", max_length=40)
    points = models.DecimalField("得分", max_digits=6, decimal_places=2)
    minimum = models.DecimalField("下限（%）", max_digits=5, decimal_places=2, null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "档次"
        ordering = ("criterion", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["criterion", "ordinal"], name="level_ordinal_once"),
            models.UniqueConstraint(
                fields=["criterion", "label"], name="level_label_once", violation_error_message="两个档次名称相同。"
            ),
            models.CheckConstraint(condition=Q(points__gte=0), name="level_points_not_negative"),
            models.CheckConstraint(
                condition=Q(minimum__isnull=True) | Q(minimum__gte=0, minimum__lte=100), name="level_minimum_percent"
            ),
        )

    def __str__(self) -> str:
        return self.label


class GradeScale(models.Model):
    """A scale of grades, best first. A version used by an open round never changes."""

    code = models.SlugField("代码", max_length=60)
    version = models.PositiveIntegerField("版本", default=1)
    name = models.CharField("名称", max_length=60)

    class Meta:
        verbose_name = verbose_name_plural = "等级表"
        ordering = ("code", "-version")
        constraints = (models.UniqueConstraint(fields=["code", "version"], name="scale_version_once"),)

    def __str__(self) -> str:
        return f"{self.name} 第{self.version}版"


class Grade(models.Model):
    """One grade; rank 1 is the best."""

    scale = models.ForeignKey(GradeScale, on_delete=models.CASCADE, related_name="grades", verbose_name="等级表")
    rank = models.PositiveSmallIntegerField("位次")
    code = models.SlugField("代码", max_length=40)
    label = models.CharField("等级", max_length=20)

    class Meta:
        verbose_name = verbose_name_plural = "等级"
        ordering = ("scale", "rank")
        constraints = (
            models.UniqueConstraint(
                fields=["scale", "rank"], name="grade_rank_once", violation_error_message="等级位次重复。"
            ),
            models.UniqueConstraint(
                fields=["scale", "code"], name="grade_code_once", violation_error_message="等级代码重复。"
            ),
            models.UniqueConstraint(
                fields=["scale", "label"], name="grade_label_once", violation_error_message="等级名称重复。"
            ),
            models.CheckConstraint(condition=Q(rank__gte=1), name="grade_rank_positive"),
            models.CheckConstraint(condition=~Q(label=""), name="grade_label_not_empty"),
        )

    def __str__(self) -> str:
        return self.label


def totals_by_section(rubric: Rubric) -> models.QuerySet[Section]:
    """Return sections annotated with the sum of their items that count towards the maximum (`item_points`)."""
    counted = Q(criteria__kind__in=["points", "levels", "deduction", "system"])
    return rubric.sections.annotate(item_points=models.Sum("criteria__points", filter=counted)).order_by(F("ordinal"))
