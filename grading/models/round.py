"""A round: everything a notice fixes about one grading, as rows."""

from django.db import models
from django.db.models import Q

from branches.models import Campaign, Category
from branches.scopes import Scope
from grading.models.rubric import Grade, GradeScale, Rubric


class RoundQuerySet(models.QuerySet["Round"]):
    """Reads on rounds."""

    def within(self, scope: Scope) -> "RoundQuerySet":
        """Keep rounds of campaigns above, at or below what `scope` reaches: those with a unit in it, or its root."""
        if scope.everything:
            return self
        reached = scope.held.branches()
        found = Q(campaign__root__in=reached) | Q(units__branch__in=reached)
        if scope.lent:
            tasks = {"units__spot_checks__active": True, "units__spot_checks__inspectors": scope.account}
            found |= Q(units__branch__in=scope.lent, **tasks)
        return self.filter(found).distinct()

    def running(self) -> "RoundQuerySet":
        """Keep rounds that are open and not final."""
        return self.exclude(state__in=[Round.State.PREPARING, Round.State.FINAL])


class Round(models.Model):
    """One grading of all branches of a campaign. Its rules stand still once it is open."""

    class State(models.TextChoices):
        PREPARING = "preparing", "筹备"
        SELF = "self", "自评"
        SCORING = "scoring", "评分"
        DECIDING = "deciding", "审定"
        PUBLICITY = "publicity", "公示"
        FINAL = "final", "定级"

    class Missing(models.TextChoices):
        BLOCK = "block", "缺项不能定级"
        EXEMPT = "exempt", "写明理由后免计，其余按比例放大"
        RENORMALISE = "renormalise", "自动免计，其余按比例放大"

    class DecidingLevel(models.TextChoices):
        GENERAL_BRANCH = "general_branch", "党总支"
        COMMITTEE = "committee", "党委"

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="rounds", verbose_name="活动")
    ordinal = models.PositiveSmallIntegerField("轮次")
    name = models.CharField("名称", max_length=60)
    rule_name = models.CharField("办法名称", max_length=100, blank=True)
    state = models.CharField("状态", max_length=12, choices=State.choices, default=State.PREPARING)
    scale = models.ForeignKey(GradeScale, on_delete=models.PROTECT, related_name="rounds", verbose_name="等级表")
    deciding_level = models.CharField("定级单位", max_length=20, choices=DecidingLevel.choices)
    places = models.PositiveSmallIntegerField("综合得分小数位", default=2)
    missing = models.CharField("缺项规则", max_length=12, choices=Missing.choices, default=Missing.EXEMPT)
    exempt_months = models.PositiveSmallIntegerField("成立不满几个月不定等级", null=True, blank=True)
    compare_first = models.CharField("差异比较：来源一", max_length=40, blank=True)
    compare_second = models.CharField("差异比较：来源二", max_length=40, blank=True)
    divergence_points = models.DecimalField("合计相差（分）", max_digits=5, decimal_places=2, null=True, blank=True)
    divergence_section = models.DecimalField("部分相差（分）", max_digits=5, decimal_places=2, null=True, blank=True)
    divergence_grades = models.PositiveSmallIntegerField("等级相差（级）", null=True, blank=True)
    publicity_days = models.PositiveSmallIntegerField("公示工作日", default=0)
    opens_on = models.DateField("起", null=True, blank=True)
    ends_on = models.DateField("止", null=True, blank=True)
    preset_code = models.CharField("预设", max_length=60, blank=True)
    preset_version = models.CharField("预设版本", max_length=64, blank=True)
    version = models.PositiveIntegerField("版本", default=1)
    opened_at = models.DateTimeField("开始时间", null=True, blank=True)
    frozen_on = models.DateField("支部名单日期", null=True, blank=True)
    finalised_at = models.DateTimeField("定级时间", null=True, blank=True)

    objects = RoundQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "轮次"
        ordering = ("campaign", "ordinal")
        constraints = (
            models.UniqueConstraint(
                fields=["campaign", "ordinal"],
                name="round_ordinal_once",
                violation_error_message="这次活动已有这一轮。",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["preparing", "self", "scoring", "deciding", "publicity", "final"]),
                name="round_state_known",
            ),
            models.CheckConstraint(condition=Q(places__lte=6), name="round_places_at_most_six"),
            models.CheckConstraint(
                condition=Q(exempt_months__isnull=True) | Q(exempt_months__gte=1, exempt_months__lte=120),
                name="round_exempt_months_sensible",
                violation_error_message="成立月数应在 1 至 120 之间。",
            ),
            models.CheckConstraint(
                condition=Q(missing__in=["block", "exempt", "renormalise"]), name="round_missing_known"
            ),
            models.CheckConstraint(
                condition=Q(deciding_level__in=["general_branch", "committee"]), name="round_deciding_level_known"
            ),
            models.CheckConstraint(
                condition=Q(state="preparing") | Q(opened_at__isnull=False, frozen_on__isnull=False),
                name="round_open_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="final") | Q(finalised_at__isnull=False), name="round_final_has_time"
            ),
        )

    def __str__(self) -> str:
        return f"{self.campaign} {self.name}"

    @property
    def permission_branch_id(self) -> int:
        """The node whose holders manage the round: the root of its campaign."""
        return self.campaign.root_id

    @property
    def dated(self) -> str:
        """The name with the campaign's year, where nothing beside it says which year: 2012年第一轮."""
        return self.name if str(self.campaign.year) in self.name else f"{self.campaign.year}年{self.name}"

    @property
    def rule_version(self) -> str:
        """The version printed with every result."""
        return f"{self.rule_name or self.name} 第{self.version}版"

    @property
    def is_open(self) -> bool:
        """Tell whether branches and superiors may still enter anything."""
        return self.state in (self.State.SELF, self.State.SCORING, self.State.DECIDING)

    def has_step(self, code: str) -> bool:
        """Tell whether the round has a step; what it has not is not shown."""
        return any(step.code == code for step in self.steps.all())

    def has_source(self, code: str) -> bool:
        """Tell whether the round has a source of this code (自评, 党总支考评, 抽查)."""
        return any(source.code == code for source in self.sources.all())

    @property
    def proposes(self) -> bool:
        """Tell whether a 党总支 names a grade at all: it decides, or puts one forward (拟定) for the committee."""
        return self.deciding_level == self.DecidingLevel.GENERAL_BRANCH or self.has_step(RoundStep.Code.PROPOSE)

    @property
    def surveys_branches(self) -> bool:
        """Tell whether the round has 调查摸底."""
        return self.has_step(RoundStep.Code.SURVEY)

    @property
    def scored_by_branch(self) -> bool:
        """Tell whether 支部自评 is a sheet of the round."""
        return self.has_source(Source.SELF)

    @property
    def scored_by_superior(self) -> bool:
        """Tell whether 党总支考评 is a sheet of the round."""
        return self.has_source(Source.SUPERIOR)


class RoundStep(models.Model):
    """One step of a round with its dates. Which steps exist decides how the round runs."""

    class Code(models.TextChoices):
        GUIDANCE = "guidance", "党总支细则"
        SURVEY = "survey", "调查摸底"
        SELF = "self", "支部自评"
        APPRAISAL = "appraisal", "群众评议"
        ANNUAL = "annual", "年度考核"
        SUPERIOR = "superior", "党总支考评"
        SPOT_CHECK = "spot_check", "学校抽查"
        PROPOSE = "propose", "党总支拟定"
        DECIDE = "decide", "审定"
        CONFIRM = "confirm", "学校确认"
        PUBLICITY = "publicity", "公示"
        FINAL = "final", "定级"

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="steps", verbose_name="轮次")
    ordinal = models.PositiveSmallIntegerField("序号")
    code = models.CharField("步骤", max_length=20, choices=Code.choices)
    name = models.CharField("名称", max_length=40)
    due_on = models.DateField("截止日期", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "步骤"
        ordering = ("round", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["round", "code"], name="step_code_once"),
            models.UniqueConstraint(fields=["round", "ordinal"], name="step_ordinal_once"),
        )

    def __str__(self) -> str:
        return self.name


class RoundRubric(models.Model):
    """Which rubric a category is scored by."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="rubrics", verbose_name="轮次")
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+", verbose_name="支部类别")
    rubric = models.ForeignKey(Rubric, on_delete=models.PROTECT, related_name="uses", verbose_name="评分标准")

    class Meta:
        verbose_name = verbose_name_plural = "类别与评分标准"
        ordering = ("round", "category__position")
        constraints = (
            models.UniqueConstraint(
                fields=["round", "category"],
                name="round_rubric_once",
                violation_error_message="一个类别只能用一个评分标准。",
            ),
        )

    def __str__(self) -> str:
        return f"{self.category} → {self.rubric}"


class Source(models.Model):
    """One source of the composite with its weight in percent."""

    class Kind(models.TextChoices):
        SHEET = "sheet", "按评分标准打分"
        APPRAISAL = "appraisal", "评议票数"
        ANNUAL = "annual", "年度考核结果"

    class Entry(models.TextChoices):
        ITEMS = "items", "逐条"
        SECTIONS = "sections", "按部分"

    SELF, APPRAISAL, ANNUAL, SUPERIOR, SPOT_CHECK = "self", "appraisal", "annual", "superior", "spot_check"
    USUAL_RATE = "满意率"

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="sources", verbose_name="轮次")
    ordinal = models.PositiveSmallIntegerField("序号")
    code = models.SlugField("代码", max_length=40)
    name = models.CharField("来源", max_length=40)
    short_name = models.CharField("简称", max_length=10, blank=True)
    kind = models.CharField("形式", max_length=12, choices=Kind.choices)
    weight = models.DecimalField("权重（%）", max_digits=5, decimal_places=2)
    entry = models.CharField("打分方式", max_length=10, choices=Entry.choices, default=Entry.ITEMS)
    minimum_ballots = models.PositiveSmallIntegerField("有效票下限", default=0)
    allow_over = models.BooleanField("允许超过满分", default=False)
    full_marks = models.DecimalField("录入的分数满分", max_digits=7, decimal_places=2, default=100)
    rate_name = models.CharField("比例叫法", max_length=10, default=USUAL_RATE)
    names_tellers = models.BooleanField("纸质票须写明计票人和监票人", default=False)
    double_entry = models.BooleanField("纸质票数由两人分别录入", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "评分来源"
        ordering = ("round", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["round", "code"], name="source_code_once"),
            models.UniqueConstraint(fields=["round", "ordinal"], name="source_ordinal_once"),
            models.CheckConstraint(
                condition=Q(weight__gte=0, weight__lte=100),
                name="source_weight_percent",
                violation_error_message="权重应在 0 至 100 之间。",
            ),
            models.CheckConstraint(condition=Q(kind__in=["sheet", "appraisal", "annual"]), name="source_kind_known"),
            models.CheckConstraint(
                condition=Q(full_marks__gt=0),
                name="source_full_marks_positive",
                violation_error_message="满分应大于 0。",
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The short name for narrow columns."""
        return self.short_name or self.name


class AppraisalOption(models.Model):
    """One choice on the ballots of a source; without points it stays out of the score."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="options", verbose_name="来源")
    ordinal = models.PositiveSmallIntegerField("序号")
    code = models.SlugField("代码", max_length=40)
    label = models.CharField("选项", max_length=20)
    points = models.DecimalField("得分", max_digits=5, decimal_places=2, null=True, blank=True)
    satisfied = models.BooleanField("计入满意率", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "评议选项"
        ordering = ("source", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["source", "code"], name="option_code_once"),
            models.UniqueConstraint(fields=["source", "ordinal"], name="option_ordinal_once"),
            models.CheckConstraint(
                condition=Q(points__isnull=True) | Q(points__gte=0, points__lte=100), name="option_points_percent"
            ),
        )

    def __str__(self) -> str:
        return self.label


class AnnualPoints(models.Model):
    """What a grade word of the 年度考核 is worth, and the scores that agree with it."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="annual_points", verbose_name="来源")
    ordinal = models.PositiveSmallIntegerField("序号")
    label = models.CharField("等次", max_length=20)
    points = models.DecimalField("折算分", max_digits=5, decimal_places=2)
    low = models.DecimalField("对应分数下限", max_digits=5, decimal_places=2, null=True, blank=True)
    high = models.DecimalField("对应分数上限", max_digits=5, decimal_places=2, null=True, blank=True)
    synonyms = models.JSONField("同义写法", default=list, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "年度考核折算"
        ordering = ("source", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["source", "label"], name="annual_label_once"),
            models.UniqueConstraint(fields=["source", "ordinal"], name="annual_ordinal_once"),
            models.CheckConstraint(condition=Q(points__gte=0, points__lte=100), name="annual_points_percent"),
        )

    def __str__(self) -> str:
        return f"{self.label} {self.points}"


class CutOff(models.Model):
    """A grade is reached from this rounded composite on (≥)."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="cut_offs", verbose_name="轮次")
    grade = models.ForeignKey(Grade, on_delete=models.PROTECT, related_name="+", verbose_name="等级")
    minimum = models.DecimalField("分数线", max_digits=6, decimal_places=2)

    class Meta:
        verbose_name = verbose_name_plural = "分数线"
        ordering = ("round", "grade__rank")
        constraints = (
            models.UniqueConstraint(fields=["round", "grade"], name="cut_off_once"),
            models.UniqueConstraint(fields=["round", "minimum"], name="cut_off_minimum_once"),
            models.CheckConstraint(condition=Q(minimum__gte=0, minimum__lte=100), name="cut_off_percent"),
        )

    def __str__(self) -> str:
        return f"{self.grade} ≥ {self.minimum}"


class Gate(models.Model):
    """Below `minimum` percent of a figure the grade is at most `best`; the exact fraction is compared."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="gates", verbose_name="轮次")
    ordinal = models.PositiveSmallIntegerField("序号")
    figure = models.SlugField("指标", max_length=40)
    name = models.CharField("名称", max_length=40)
    minimum = models.DecimalField("不低于（%）", max_digits=5, decimal_places=2)
    best = models.ForeignKey(
        Grade, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="最高等级"
    )
    bars_promotion = models.BooleanField("不得晋位升级", default=False)

    class Meta:
        verbose_name = verbose_name_plural = "门槛"
        ordering = ("round", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["round", "ordinal"], name="gate_ordinal_once"),
            models.CheckConstraint(condition=Q(minimum__gt=0, minimum__lte=100), name="gate_minimum_percent"),
            models.CheckConstraint(condition=Q(best__isnull=False) | Q(bars_promotion=True), name="gate_has_effect"),
        )

    def __str__(self) -> str:
        return f"{self.name} ≥ {self.minimum}%"


class VetoItem(models.Model):
    """An item of the 一票否决 list of a round."""

    class Effect(models.TextChoices):
        FORCE = "force", "直接定为"
        AT_MOST = "at_most", "最高评为"

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="veto_items", verbose_name="轮次")
    ordinal = models.PositiveSmallIntegerField("序号")
    code = models.SlugField("代码", max_length=40)
    text = models.CharField("情形", max_length=120)
    effect = models.CharField("后果", max_length=10, choices=Effect.choices, default=Effect.FORCE)
    grade = models.ForeignKey(Grade, on_delete=models.PROTECT, related_name="+", verbose_name="等级")
    months = models.PositiveSmallIntegerField("追溯月数", null=True, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "一票否决情形"
        ordering = ("round", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["round", "code"], name="veto_code_once"),
            models.UniqueConstraint(fields=["round", "ordinal"], name="veto_ordinal_once"),
            models.CheckConstraint(condition=Q(effect__in=["force", "at_most"]), name="veto_effect_known"),
        )

    def __str__(self) -> str:
        return self.text


class Cap(models.Model):
    """How many branches may hold a grade and better (ceiling), or must hold it and worse (floor)."""

    class Side(models.TextChoices):
        AT_MOST = "at_most", "最多"
        AT_LEAST = "at_least", "至少"

    class Measure(models.TextChoices):
        SHARE = "share", "比例（%）"
        NUMBER = "number", "个数"

    class Extent(models.TextChoices):
        GROUP = "group", "每个党总支"
        ROUND = "round", "全校"

    class Rounding(models.TextChoices):
        UP = "up", "进一"
        DOWN = "down", "舍去"
        HALF_UP = "half_up", "四舍五入"

    class Mode(models.TextChoices):
        WARNING = "warning", "只提示"
        ENFORCED = "enforced", "按名额调整"

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="caps", verbose_name="轮次")
    ordinal = models.PositiveSmallIntegerField("序号")
    grade = models.ForeignKey(Grade, on_delete=models.PROTECT, related_name="+", verbose_name="等级")
    side = models.CharField("方向", max_length=10, choices=Side.choices, default=Side.AT_MOST)
    measure = models.CharField("计量", max_length=10, choices=Measure.choices, default=Measure.SHARE)
    value = models.DecimalField("数值", max_digits=7, decimal_places=2)
    extent = models.CharField("范围", max_length=10, choices=Extent.choices, default=Extent.GROUP)
    rounding = models.CharField("取整", max_length=10, choices=Rounding.choices, default=Rounding.DOWN)
    mode = models.CharField("效力", max_length=10, choices=Mode.choices, default=Mode.WARNING)
    tie_breaks = models.JSONField("同分时依次比较的来源", default=list, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "名额"
        ordering = ("round", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["round", "ordinal"], name="cap_ordinal_once"),
            models.UniqueConstraint(fields=["round", "grade", "side", "extent"], name="cap_once"),
            models.CheckConstraint(condition=Q(value__gte=0), name="cap_value_not_negative"),
            models.CheckConstraint(
                condition=Q(measure="number") | Q(measure="share", value__lte=100), name="cap_share_percent"
            ),
        )

    def __str__(self) -> str:
        return f"{self.grade} {self.get_side_display()} {self.value}"


class SurveyCheck(models.Model):
    """One check of the 调查摸底, e.g. 组织设置是否合理."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="survey_checks", verbose_name="轮次")
    ordinal = models.PositiveSmallIntegerField("序号")
    code = models.SlugField("代码", max_length=40)
    text = models.CharField("检查内容", max_length=60)

    class Meta:
        verbose_name = verbose_name_plural = "摸底内容"
        ordering = ("round", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["round", "code"], name="check_code_once"),
            models.UniqueConstraint(fields=["round", "ordinal"], name="check_ordinal_once"),
        )

    def __str__(self) -> str:
        return self.text


class RoundReturn(models.Model):
    """A form of the round that comes back on paper, stamped, and who returns it. `kind` is a slug of the forms' app."""

    class Level(models.TextChoices):
        COMMITTEE = "committee", "党委"
        GENERAL_BRANCH = "general_branch", "党总支"
        BRANCH = "branch", "党支部"

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="returns", verbose_name="轮次")
    ordinal = models.PositiveSmallIntegerField("序号")
    kind = models.SlugField("报表", max_length=40)
    level = models.CharField("交回单位", max_length=20, choices=Level.choices)
    name = models.CharField("名称", max_length=60)

    class Meta:
        verbose_name = verbose_name_plural = "盖章件"
        ordering = ("round", "ordinal")
        constraints = (
            models.UniqueConstraint(fields=["round", "kind"], name="return_kind_once"),
            models.UniqueConstraint(fields=["round", "ordinal"], name="return_ordinal_once"),
            models.CheckConstraint(
                condition=Q(level__in=["committee", "general_branch", "branch"]), name="return_level_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_level_display()}盖章的{self.name}"
