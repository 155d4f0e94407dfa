"""The organisation tree. What a branch was called, where it hung and of which category lies in dated placements."""

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, OuterRef, Q, Subquery

from branches.fields import PartialDateField

if TYPE_CHECKING:
    from branches.scopes import Scope


class Category(models.Model):
    """支部类别: 教师, 学生, 机关 … with the words that mean the same in office files."""

    code = models.SlugField("代码", max_length=40, unique=True)
    name = models.CharField("名称", max_length=40, unique=True)
    synonyms = models.JSONField("同义写法", default=list, blank=True)
    position = models.PositiveSmallIntegerField("排序", default=0)

    class Meta:
        verbose_name = verbose_name_plural = "支部类别"
        ordering = ("position", "code")

    def __str__(self) -> str:
        return self.name


class BranchQuerySet(models.QuerySet["Branch"]):
    """Reads on nodes of the tree."""

    def as_of(self, day: dt.date) -> "BranchQuerySet":
        """Keep nodes placed on `day`; annotate name, short_name, parent_id, parent_name, category_id, category_name."""
        current = Placement.objects.filter(branch=OuterRef("pk")).on(day)

        def pick(field: str) -> Subquery:
            return Subquery(current.values(field)[:1])

        parent_name = Placement.objects.filter(branch=OuterRef("parent_id")).on(day).values("name")[:1]
        return (
            self.annotate(
                placement_id=pick("pk"),
                name=pick("name"),
                short_name=pick("short_name"),
                parent_id=pick("parent_id"),
                category_id=pick("category_id"),
                category_name=pick("category__name"),
            )
            .annotate(parent_name=Subquery(parent_name))
            .filter(placement_id__isnull=False)
        )

    def within(self, scope: "Scope") -> "BranchQuerySet":
        """Keep the nodes `scope` reaches today."""
        return self if scope.everything else self.filter(pk__in=scope.branches())

    def branches_only(self) -> "BranchQuerySet":
        """Keep 党支部 (直属党支部 too), the units that are graded."""
        return self.filter(level=Branch.Level.BRANCH)


class Branch(models.Model):
    """A node of the tree: 党委, 党总支 or 党支部. A 直属党支部 is a branch that hangs under a committee."""

    class Level(models.TextChoices):
        COMMITTEE = "committee", "党委"
        GENERAL_BRANCH = "general_branch", "党总支"
        BRANCH = "branch", "党支部"

    code = models.CharField("编号", max_length=40, unique=True)
    level = models.CharField("层级", max_length=20, choices=Level.choices)
    founded = PartialDateField("成立时间", null=True, blank=True)
    dissolved_on = models.DateField("撤销日期", null=True, blank=True)
    position = models.PositiveIntegerField("排序", default=0)
    version = models.PositiveIntegerField("版本", default=1)

    objects = BranchQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "党组织"
        ordering = ("position", "code")
        constraints = (
            models.CheckConstraint(
                condition=Q(level__in=["committee", "general_branch", "branch"]), name="branch_level_known"
            ),
            models.CheckConstraint(condition=~Q(code=""), name="branch_code_not_empty"),
        )

    def __str__(self) -> str:
        return f"{self.code}"

    def placement(self, day: dt.date) -> "Placement":
        """Return where the node hangs on `day`; raises Placement.DoesNotExist before it was set up or after its end."""
        return self.placements.on(day).select_related("parent", "category").get()

    def name_on(self, day: dt.date) -> str:
        """Return the full name on `day`, else its last known name."""
        placement = self.placements.on(day).first() or self.placements.order_by("-starts_on").first()
        return placement.name if placement else self.code


class PlacementQuerySet(models.QuerySet["Placement"]):
    """Reads on placements."""

    def on(self, day: dt.date) -> "PlacementQuerySet":
        """Keep the placements in force on `day`."""
        return self.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=day), starts_on__lte=day)


class Placement(models.Model):
    """What a node is called and where it hangs, from `starts_on` until before `ends_on` (健全组织 leaves history)."""

    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="placements", verbose_name="党组织")
    parent = models.ForeignKey(
        Branch,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="child_placements",
        verbose_name="上级党组织",
    )
    name = models.CharField("全称", max_length=100)
    short_name = models.CharField("简称", max_length=60, blank=True)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, null=True, blank=True, verbose_name="支部类别")
    starts_on = models.DateField("起")
    ends_on = models.DateField("止", null=True, blank=True)
    document_number = models.CharField("文号", max_length=60, blank=True)
    reason = models.CharField("事由", max_length=200, blank=True)

    objects = PlacementQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "隶属与名称"
        ordering = ("branch", "starts_on")
        indexes = (models.Index(fields=["parent", "starts_on"]), models.Index(fields=["name"]))
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gt=F("starts_on")), name="placement_ends_after_start"
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("branch")), name="placement_not_own_parent"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="placement_name_not_empty"),
            models.UniqueConstraint(
                fields=["branch"], condition=Q(ends_on__isnull=True), name="placement_one_open_per_branch"
            ),
            models.UniqueConstraint(fields=["branch", "starts_on"], name="placement_one_start_per_day"),
            models.UniqueConstraint(
                fields=["parent", "name"], condition=Q(ends_on__isnull=True), name="placement_name_unique_under_parent"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Succession(models.Model):
    """Which node follows which after a merge, split or renewal, so that two rounds can be compared."""

    class Kind(models.TextChoices):
        MERGE = "merge", "合并"
        SPLIT = "split", "拆分"
        RENEWAL = "renewal", "重组"

    predecessor = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="successions", verbose_name="原支部")
    successor = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="origins", verbose_name="新支部")
    kind = models.CharField("方式", max_length=20, choices=Kind.choices)
    happened_on = models.DateField("日期")
    document_number = models.CharField("文号", max_length=60, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "沿革"
        constraints = (
            models.UniqueConstraint(fields=["predecessor", "successor"], name="succession_once"),
            models.CheckConstraint(condition=~Q(predecessor=F("successor")), name="succession_two_branches"),
        )

    def __str__(self) -> str:
        return f"{self.predecessor_id} → {self.successor_id}"


class BranchProfile(models.Model):
    """支部基本情况: every fact 附件4 prints. Counts are None until known: a blank is not a zero."""

    branch = models.OneToOneField(Branch, on_delete=models.PROTECT, related_name="profile", verbose_name="党支部")
    last_election = PartialDateField("最近换届时间", null=True, blank=True)
    term_ends = PartialDateField("届满时间", null=True, blank=True)
    committee = models.TextField("支委人数及分工", blank=True)
    full_members = models.PositiveIntegerField("正式党员", null=True, blank=True)
    probationary_members = models.PositiveIntegerField("预备党员", null=True, blank=True)
    women = models.PositiveIntegerField("女党员", null=True, blank=True)
    under_35 = models.PositiveIntegerField("35岁以下", null=True, blank=True)
    staff_members = models.PositiveIntegerField("教工党员", null=True, blank=True)
    student_members = models.PositiveIntegerField("学生党员", null=True, blank=True)
    mobile_members = models.PositiveIntegerField("流动党员", null=True, blank=True)
    activists = models.PositiveIntegerField("入党积极分子", null=True, blank=True)
    developed_this_year = models.PositiveIntegerField("当年发展党员", null=True, blank=True)
    venue = models.CharField("固定活动场所", max_length=120, blank=True)
    annual_funds = models.DecimalField("年度活动经费（元）", max_digits=12, decimal_places=2, null=True, blank=True)
    remarks = models.CharField("备注", max_length=300, blank=True)
    confirmed_at = models.DateTimeField("确认时间", null=True, blank=True)
    confirmed_by = models.ForeignKey(
        "branches.Account", on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name="确认人"
    )
    version = models.PositiveIntegerField("版本", default=1)

    class Meta:
        verbose_name = verbose_name_plural = "支部基本情况"
        constraints = (
            models.CheckConstraint(
                condition=Q(annual_funds__isnull=True) | Q(annual_funds__gte=0), name="profile_funds_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(mobile_members__isnull=True)
                | Q(full_members__isnull=True)
                | Q(probationary_members__isnull=True)
                | Q(mobile_members__lte=F("full_members") + F("probationary_members")),
                name="profile_mobile_within_members",
            ),
        )

    COUNTS = (
        "full_members", "probationary_members", "women", "under_35", "staff_members", "student_members",
        "mobile_members", "activists", "developed_this_year",
    )  # fmt: skip

    def __str__(self) -> str:
        return f"{self.branch_id}"

    @property
    def total_members(self) -> int | None:
        """Return 正式 + 预备, or None while either is unknown."""
        if self.full_members is None or self.probationary_members is None:
            return None
        return self.full_members + self.probationary_members

    def blanks(self) -> list[str]:
        """Return the labels of facts 附件4 prints that are still empty."""
        fields = ("last_election", "term_ends", "committee", *self.COUNTS)
        return [str(getattr(self._meta.get_field(f), "verbose_name", f)) for f in fields if _empty(getattr(self, f))]


def _empty(value: Any) -> bool:
    return value is None or value == ""
