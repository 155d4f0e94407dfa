"""People, accounts, posts and role grants. An Account signs in; a Person is somebody the school knows (ADR 0002)."""

import datetime as dt
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q

from branches.fields import PartialDateField
from branches.models.tree import Branch

if TYPE_CHECKING:
    from branches.scopes import Scope


class Person(models.Model):
    """A teacher, student or officer. No ID number, no personal file: only what the forms print."""

    class Kind(models.TextChoices):
        STAFF = "staff", "教职工"
        STUDENT = "student", "学生"

    class Gender(models.TextChoices):
        MALE = "male", "男"
        FEMALE = "female", "女"

    name = models.CharField("姓名", max_length=60)
    initials = models.CharField("拼音首字母", max_length=30, blank=True, db_index=True)
    number = models.CharField("工号/学号", max_length=40, null=True, blank=True, unique=True)
    kind = models.CharField("身份", max_length=10, choices=Kind.choices, default=Kind.STAFF)
    gender = models.CharField("性别", max_length=10, choices=Gender.choices, blank=True)
    birth = PartialDateField("出生年月", null=True, blank=True)
    education = models.CharField("学历", max_length=40, blank=True)
    title = models.CharField("职务/职称", max_length=80, blank=True)
    phone = models.CharField("联系电话", max_length=60, blank=True)
    email = models.EmailField("电子邮箱", blank=True)
    unit = models.ForeignKey(
        Branch, on_delete=models.PROTECT, null=True, blank=True, related_name="people", verbose_name="所在党组织"
    )
    version = models.PositiveIntegerField("版本", default=1)

    class Meta:
        verbose_name = verbose_name_plural = "人员"
        ordering = ("initials", "name", "pk")
        constraints = (
            models.CheckConstraint(condition=~Q(name=""), name="person_name_not_empty"),
            models.CheckConstraint(
                condition=Q(number__isnull=True) | ~Q(number=""), name="person_number_null_not_empty"
            ),
        )

    def __str__(self) -> str:
        return self.name


class AccountQuerySet(models.QuerySet["Account"]):
    """Reads on accounts."""

    def within(self, scope: "Scope") -> "AccountQuerySet":
        """Keep accounts with a role, present or future, in `scope`, and those without whose holder belongs there."""
        if scope.everything:
            return self
        granted = RoleGrant.objects.exclude(ends_on__lte=scope.day)
        reached = granted.filter(node__in=scope.branches()).values("account")
        return self.filter(
            Q(pk__in=reached) | (Q(person__unit__in=scope.branches()) & ~Q(pk__in=granted.values("account")))
        )


class AccountManager(BaseUserManager["Account"]):
    """Creates accounts; a password is always set by its holder."""

    def get_queryset(self) -> AccountQuerySet:
        """Return our own kind of QuerySet."""
        return AccountQuerySet(self.model, using=self._db)

    def within(self, scope: "Scope") -> AccountQuerySet:
        """Keep the accounts `scope` reaches."""
        return self.get_queryset().within(scope)

    def get_by_natural_key(self, username: str | None) -> "Account":
        """Look an account up by its login name, letter case ignored."""
        return self.get(username__iexact=username)


class Account(AbstractBaseUser):
    """Somebody who may sign in. Rights come from RoleGrant rows through branches.permissions, never from flags here."""

    username = models.CharField("登录名", max_length=60, unique=True)
    person = models.OneToOneField(
        Person, on_delete=models.PROTECT, null=True, blank=True, related_name="account", verbose_name="人员"
    )
    display_name = models.CharField("显示名", max_length=60, blank=True)
    is_active = models.BooleanField("启用", default=True)
    created_at = models.DateTimeField("建立时间")
    session_epoch = models.PositiveIntegerField("会话批次", default=0)

    objects = AccountManager()
    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = verbose_name_plural = "账号"
        ordering = ("username",)
        constraints = (models.CheckConstraint(condition=~Q(username=""), name="account_username_not_empty"),)

    def __str__(self) -> str:
        return self.get_full_name()

    def get_full_name(self) -> str:
        """Return the person's name, else the display name, else the login name."""
        return (self.person.name if self.person else "") or self.display_name or self.username

    def get_short_name(self) -> str:
        """Return the name shown in the head of the page."""
        return self.get_full_name()

    def get_session_auth_hash(self) -> str:
        """Tie sessions to the password and to `session_epoch`, so that raising the epoch ends them all."""
        return f"{super().get_session_auth_hash()}{self.session_epoch}"

    @property
    def activated(self) -> bool:
        """Whether the holder has set a password."""
        return bool(self.has_usable_password())

    @property
    def is_staff(self) -> bool:
        """The admin site asks has_permission of its own; this keeps Django's checks content."""
        return self.is_active

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Refuse: model admins ask branches.permissions.can themselves."""
        return False

    def has_module_perms(self, app_label: str) -> bool:
        """Refuse: model admins ask branches.permissions.can themselves."""
        return False


class ExternalIdentity(models.Model):
    """An identity at the campus sign-on that belongs to an account."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="identities", verbose_name="账号")
    provider = models.CharField("来源", max_length=60)
    subject = models.CharField("标识", max_length=200)

    class Meta:
        verbose_name = verbose_name_plural = "校园身份"
        constraints = (models.UniqueConstraint(fields=["provider", "subject"], name="identity_once"),)

    def __str__(self) -> str:
        return f"{self.provider}:{self.subject}"


class ActivationCode(models.Model):
    """A one-time code, stored as an HMAC, with which the holder sets a password (first use or reset)."""

    class Purpose(models.TextChoices):
        ACTIVATE = "activate", "激活"
        RESET = "reset", "重设密码"

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="codes", verbose_name="账号")
    purpose = models.CharField("用途", max_length=10, choices=Purpose.choices)
    digest = models.CharField("摘要", max_length=64, unique=True)
    issued_by = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="签发人")
    issued_at = models.DateTimeField("签发时间")
    expires_at = models.DateTimeField("失效时间")
    used_at = models.DateTimeField("使用时间", null=True, blank=True)
    reason = models.CharField("核对依据", max_length=120, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "激活码"
        constraints = (
            models.CheckConstraint(condition=Q(expires_at__gt=F("issued_at")), name="code_expires_after_issue"),
        )

    def __str__(self) -> str:
        return f"{self.account_id}"


class Role(models.TextChoices):
    """The roles of requirements.md; what each may do stands in branches/permissions.py."""

    OFFICE = "office", "活动办公室"
    GENERAL_BRANCH_OFFICER = "general_branch_officer", "党总支书记"
    ORGANISER = "organiser", "组织员"
    SECRETARY = "secretary", "支部书记"
    CLERK = "clerk", "填报员"
    SCHOOL_LEADER = "school_leader", "校领导"
    INSPECTOR = "inspector", "抽查组"
    INTERVIEWER = "interviewer", "访谈人"
    AUDITOR = "auditor", "审计员"
    RUBRIC_MAINTAINER = "rubric_maintainer", "标准管理员"
    ADMINISTRATOR = "administrator", "系统管理员"


class RoleGrantQuerySet(models.QuerySet["RoleGrant"]):
    """Reads on role grants."""

    def on(self, day: dt.date) -> "RoleGrantQuerySet":
        """Keep the grants in force on `day`."""
        return self.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=day), starts_on__lte=day)


class RoleGrant(models.Model):
    """A role held at a node and below, from a day until before another."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="grants", verbose_name="账号")
    role = models.CharField("角色", max_length=30, choices=Role.choices)
    node = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="grants", verbose_name="范围")
    starts_on = models.DateField("起")
    ends_on = models.DateField("止", null=True, blank=True)
    granted_by = models.ForeignKey(
        Account, on_delete=models.PROTECT, null=True, related_name="+", verbose_name="授予人"
    )

    objects = RoleGrantQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "角色"
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="grant_ends_after_start"
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="grant_role_known"),
            models.UniqueConstraint(
                fields=["account", "role", "node"], condition=Q(ends_on__isnull=True), name="grant_one_open"
            ),
        )

    def __str__(self) -> str:
        return f"{self.account_id} {self.role} {self.node_id}"


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    """Reads on posts held."""

    def on(self, day: dt.date) -> "AppointmentQuerySet":
        """Keep the posts not ended by `day`; a post whose start is known to the month counts from that month."""
        return self.filter(Q(ends_on__isnull=True) | Q(ends_on__gt=day))

    def secretaries(self) -> "AppointmentQuerySet":
        """Keep 书记."""
        return self.filter(post=Appointment.Post.SECRETARY)


class Appointment(models.Model):
    """A post in the committee of a branch or general branch, with its history. Recusal (回避) reads this."""

    class Post(models.TextChoices):
        SECRETARY = "secretary", "书记"
        DEPUTY = "deputy", "副书记"
        COMMITTEE_MEMBER = "committee_member", "支委"

    branch = models.ForeignKey(Branch, on_delete=models.PROTECT, related_name="appointments", verbose_name="党组织")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="appointments", verbose_name="人员")
    post = models.CharField("职务", max_length=20, choices=Post.choices)
    duty = models.CharField("分工", max_length=60, blank=True)
    concurrent_post = models.CharField("兼任行政职务", max_length=80, blank=True)
    starts = PartialDateField("任职时间", null=True, blank=True)
    ends_on = models.DateField("离任日期", null=True, blank=True)
    end_reason = models.CharField("离任原因", max_length=120, blank=True)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = "任职"
        ordering = ("branch", "-starts", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=["branch"], condition=Q(post="secretary", ends_on__isnull=True), name="appointment_one_secretary"
            ),
            models.UniqueConstraint(
                fields=["branch", "person", "post"], condition=Q(ends_on__isnull=True), name="appointment_one_open"
            ),
            models.CheckConstraint(
                condition=Q(post__in=["secretary", "deputy", "committee_member"]), name="appointment_post_known"
            ),
        )

    def __str__(self) -> str:
        return f"{self.person_id} {self.post} {self.branch_id}"
