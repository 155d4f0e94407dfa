"""The people of a campaign: who there is to talk with, in which unit and class, in which focus groups, whose tutor."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from branches.models import Account, Branch, Campaign, Person

if TYPE_CHECKING:
    from branches.scopes import Scope


class PersonCategory(models.Model):
    """管理干部, 教师, 学生 … of a campaign, with the words files use for them. Rules name categories."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="person_categories", verbose_name="活动"
    )
    code = models.SlugField("代码", max_length=40)
    name = models.CharField("名称", max_length=40)
    kind = models.CharField("身份", max_length=10, choices=Person.Kind.choices)
    words = models.JSONField("同义写法", default=list, blank=True)
    position = models.PositiveSmallIntegerField("排序", default=0)
    active = models.BooleanField("在用", default=True)
    version = models.PositiveIntegerField("版本", default=1)

    class Meta:
        verbose_name = verbose_name_plural = "人员类别"
        ordering = ("position", "pk")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "code"], name="person_category_code_once"),
            models.UniqueConstraint(fields=["campaign", "name"], name="person_category_name_once"),
            models.CheckConstraint(condition=Q(kind__in=Person.Kind.values), name="person_category_kind_known"),
            models.CheckConstraint(condition=~Q(name=""), name="person_category_has_name"),
        )

    def __str__(self) -> str:
        return self.name


class ClassGroupQuerySet(models.QuerySet["ClassGroup"]):
    """Reads on classes."""

    def within(self, scope: "Scope") -> "ClassGroupQuerySet":
        """Keep those of units `scope` reaches."""
        return self if scope.everything else self.filter(unit__in=scope.branches())


class ClassGroup(models.Model):
    """A class of students; `tutor` is its 班主任 or 辅导员."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="class_groups", verbose_name="活动")
    unit = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+", verbose_name="单位")
    name = models.CharField("班级", max_length=60)
    tutor = models.ForeignKey(
        "interviews.RosterEntry",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="classes_led",
        verbose_name="班主任/辅导员",
    )
    version = models.PositiveIntegerField("版本", default=1)

    objects = ClassGroupQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "班级"
        ordering = ("unit", "name")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "unit", "name"], name="class_group_once"),
            models.CheckConstraint(condition=~Q(name=""), name="class_group_has_name"),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for."""
        return self.unit_id


class RosterQuerySet(models.QuerySet["RosterEntry"]):
    """Reads on the roster."""

    def within(self, scope: "Scope") -> "RosterQuerySet":
        """Keep those of units `scope` reaches."""
        return self if scope.everything else self.filter(unit__in=scope.branches())

    def active(self) -> "RosterQuerySet":
        """Keep those who are still there."""
        return self.filter(active=True)


class RosterEntry(models.Model):
    """One person in one campaign."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="roster", verbose_name="活动")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="roster_entries", verbose_name="人员")
    category = models.ForeignKey(PersonCategory, on_delete=models.PROTECT, related_name="entries", verbose_name="类别")
    kind = models.CharField("身份", max_length=10, choices=Person.Kind.choices)
    unit = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="+", verbose_name="单位")
    class_group = models.ForeignKey(
        ClassGroup, on_delete=models.PROTECT, null=True, blank=True, related_name="entries", verbose_name="班级"
    )
    active = models.BooleanField("在册", default=True)
    version = models.PositiveIntegerField("版本", default=1)

    objects = RosterQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "名册"
        ordering = ("unit", "class_group", "pk")
        indexes = (models.Index(fields=["campaign", "unit", "class_group"]),)
        constraints = (
            models.UniqueConstraint(fields=["campaign", "person"], name="roster_entry_once"),
            models.CheckConstraint(condition=Q(kind__in=Person.Kind.values), name="roster_entry_kind_known"),
            models.CheckConstraint(
                condition=Q(kind=Person.Kind.STUDENT) | Q(class_group__isnull=True), name="roster_entry_staff_no_class"
            ),
        )

    def __str__(self) -> str:
        return f"{self.person_id} @ {self.campaign_id}"

    @property
    def permission_branch_id(self) -> int:
        """The node permission is asked for."""
        return self.unit_id


class TutorLink(models.Model):
    """A line of a tutor's list: this teacher is a 导师 of this student."""

    tutor = models.ForeignKey(RosterEntry, on_delete=models.CASCADE, related_name="tutor_list", verbose_name="导师")
    student = models.ForeignKey(RosterEntry, on_delete=models.CASCADE, related_name="tutors", verbose_name="学生")

    class Meta:
        verbose_name = verbose_name_plural = "导师名单"
        constraints = (
            models.UniqueConstraint(fields=["tutor", "student"], name="tutor_link_once"),
            models.CheckConstraint(condition=~Q(tutor=F("student")), name="tutor_link_two_people"),
        )

    def __str__(self) -> str:
        return f"{self.tutor_id} → {self.student_id}"


class FocusGroup(models.Model):
    """A 重点类别. Who belongs to a sensitive one never stands in the roster: only in the sealed part of a record."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="focus_groups", verbose_name="活动")
    code = models.SlugField("代码", max_length=40)
    name = models.CharField("名称", max_length=40)
    kind = models.CharField("身份", max_length=10, choices=Person.Kind.choices)
    sensitive = models.BooleanField("敏感", default=False)
    words = models.JSONField("同义写法", default=list, blank=True)
    position = models.PositiveSmallIntegerField("排序", default=0)
    active = models.BooleanField("在用", default=True)
    version = models.PositiveIntegerField("版本", default=1)

    class Meta:
        verbose_name = verbose_name_plural = "重点类别"
        ordering = ("position", "pk")
        constraints = (
            models.UniqueConstraint(fields=["campaign", "code"], name="focus_group_code_once"),
            models.UniqueConstraint(fields=["campaign", "kind", "name"], name="focus_group_name_once"),
            models.CheckConstraint(condition=Q(kind__in=Person.Kind.values), name="focus_group_kind_known"),
            models.CheckConstraint(condition=~Q(name=""), name="focus_group_has_name"),
        )

    def __str__(self) -> str:
        return self.name


class FocusMembership(models.Model):
    """Somebody belongs to a focus group that is not sensitive (a trigger refuses the others)."""

    entry = models.ForeignKey(RosterEntry, on_delete=models.CASCADE, related_name="focus", verbose_name="人员")
    group = models.ForeignKey(FocusGroup, on_delete=models.PROTECT, related_name="memberships", verbose_name="类别")

    class Meta:
        verbose_name = verbose_name_plural = "重点人员"
        constraints = (models.UniqueConstraint(fields=["entry", "group"], name="focus_membership_once"),)

    def __str__(self) -> str:
        return f"{self.entry_id} {self.group_id}"


def entry_of(account: Account, campaign: Campaign) -> RosterEntry | None:
    """Return the holder's own entry in a campaign, or None."""
    if account.person_id is None:
        return None
    return RosterEntry.objects.filter(campaign=campaign, person_id=account.person_id).first()
