"""Factories of the organisation, the accounts and the campaign; `school()` makes a small tree at one stroke."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import factory
from factory.django import DjangoModelFactory

from branches import clock, models, names
from branches.partial_dates import PartialDate
from branches.services import accounts

LONG_AGO = dt.date(2000, 1, 1)
PASSWORD = "Zhong-Wen-2012"
Role = models.Role
Level = models.Branch.Level
CATEGORIES = {"teacher": "教师党支部", "student": "学生党支部", "office": "机关党支部", "retired": "离退休党支部"}


class CategoryFactory(DjangoModelFactory):
    class Meta:
        model = models.Category
        django_get_or_create = ("code",)

    code = "teacher"
    name = factory.LazyAttribute(lambda o: CATEGORIES.get(o.code, f"{o.code}党支部"))
    synonyms = factory.LazyFunction(list)
    position = factory.Sequence(int)


class BranchFactory(DjangoModelFactory):
    """A node with its placement (and its profile, when it is a 党支部).

    `BranchFactory(name="软件教研室党支部", parent=general, category=teachers)`; `placed=False` leaves it unplaced.
    """

    class Meta:
        model = models.Branch

    code = factory.Sequence(lambda n: f"ZZ{n + 1:04d}")
    level = Level.BRANCH
    founded = PartialDate(2005, 9)
    position = factory.Sequence(int)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **given: Any) -> models.Branch:
        placed = given.pop("placed", True)
        place = {
            key: given.pop(key) for key in ("name", "short_name", "parent", "category", "starts_on") if key in given
        }
        branch = super()._create(model_class, *args, **given)
        if placed:
            PlacementFactory(branch=branch, **({"name": f"{branch.code}{Level(branch.level).label}"} | place))
        if branch.level == Level.BRANCH:
            models.BranchProfile.objects.create(branch=branch)
        return branch


class PlacementFactory(DjangoModelFactory):
    class Meta:
        model = models.Placement

    branch = factory.SubFactory(BranchFactory, placed=False)
    parent = None
    name = factory.Sequence(lambda n: f"第{n + 1}党组织")
    starts_on = LONG_AGO


class SuccessionFactory(DjangoModelFactory):
    class Meta:
        model = models.Succession

    predecessor = factory.SubFactory(BranchFactory)
    successor = factory.SubFactory(BranchFactory)
    kind = models.Succession.Kind.MERGE
    happened_on = dt.date(2012, 9, 1)


class BranchProfileFactory(DjangoModelFactory):
    """The profile of a branch, filled; `branch=` may have an empty one already."""

    class Meta:
        model = models.BranchProfile

    branch = factory.SubFactory(BranchFactory)
    last_election = PartialDate(2011, 10)
    term_ends = PartialDate(2014, 10)
    committee = "书记1人，组织委员1人，宣传委员1人"
    full_members = 18
    probationary_members = 2
    women = 8
    under_35 = 9
    staff_members = 20
    student_members = 0
    mobile_members = 0
    activists = 3
    developed_this_year = 1
    venue = "理工楼305"

    @classmethod
    def _create(cls, model_class: Any, *_: Any, **given: Any) -> models.BranchProfile:
        profile, _ = model_class.objects.update_or_create(branch=given.pop("branch"), defaults=given)
        return profile


class PersonFactory(DjangoModelFactory):
    class Meta:
        model = models.Person

    name = factory.Sequence(
        lambda n: f"{'林陈黄郑许'[n % 5]}{'志远丽华文彬静怡'[n % 8]}{'一二三四五六七八九'[n // 8 % 9]}"
    )
    initials = factory.LazyAttribute(lambda o: names.initials(o.name))
    number = factory.Sequence(lambda n: f"G{n + 1:05d}")
    gender = models.Person.Gender.FEMALE
    birth = PartialDate(1975, 3)
    education = "研究生"
    title = "副教授"
    phone = factory.Sequence(lambda n: f"0595-228{n:05d}")


class AccountFactory(DjangoModelFactory):
    """An active account with `PASSWORD`; `AccountFactory(role=Role.SECRETARY, node=branch)` also grants a role."""

    class Meta:
        model = models.Account

    username = factory.Sequence(lambda n: f"account{n + 1}")
    person = factory.SubFactory(PersonFactory)
    created_at = factory.LazyFunction(clock.now)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **given: Any) -> models.Account:
        role, place = given.pop("role", None), given.pop("node", None)
        account = model_class(*args, **{key: value for key, value in given.items() if key != "password"})
        if given.get("password", PASSWORD) is None:
            account.set_unusable_password()
        else:
            account.set_password(given.get("password", PASSWORD))
        account.save()
        if role is not None:
            RoleGrantFactory(account=account, role=role, node=place)
        return account


class ExternalIdentityFactory(DjangoModelFactory):
    class Meta:
        model = models.ExternalIdentity

    account = factory.SubFactory(AccountFactory)
    provider = "campus"
    subject = factory.Sequence(lambda n: f"subject-{n}")


class ActivationCodeFactory(DjangoModelFactory):
    """A code row for `code` (in clear: `plain`)."""

    class Meta:
        model = models.ActivationCode
        exclude = ("plain",)

    plain = factory.Sequence(lambda n: f"ABCDEFGHJKMNP{n:04d}")
    account = factory.SubFactory(AccountFactory, password=None)
    purpose = models.ActivationCode.Purpose.ACTIVATE
    digest = factory.LazyAttribute(lambda o: accounts.code_digest(o.plain))
    issued_at = factory.LazyFunction(clock.now)
    expires_at = factory.LazyAttribute(lambda o: o.issued_at + dt.timedelta(days=accounts.ACTIVATION_DAYS))


class RoleGrantFactory(DjangoModelFactory):
    class Meta:
        model = models.RoleGrant

    account = factory.SubFactory(AccountFactory)
    role = Role.SECRETARY
    node = factory.SubFactory(BranchFactory)
    starts_on = LONG_AGO


class AppointmentFactory(DjangoModelFactory):
    class Meta:
        model = models.Appointment

    branch = factory.SubFactory(BranchFactory)
    person = factory.SubFactory(PersonFactory)
    post = models.Appointment.Post.SECRETARY
    starts = PartialDate(2011, 10)


class CampaignFactory(DjangoModelFactory):
    class Meta:
        model = models.Campaign

    name = "2012年基层组织建设年"
    short_name = "基层组织建设年"
    year = 2012
    root = factory.SubFactory(BranchFactory, level=Level.COMMITTEE)
    starts_on = dt.date(2012, 3, 1)
    ends_on = dt.date(2012, 12, 31)


class StageFactory(DjangoModelFactory):
    class Meta:
        model = models.Stage

    campaign = factory.SubFactory(CampaignFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    name = "调查摸底、分类定级"
    starts_on = dt.date(2012, 4, 1)
    ends_on = dt.date(2012, 4, 30)


class DeliverableFactory(DjangoModelFactory):
    class Meta:
        model = models.Deliverable

    stage = factory.SubFactory(StageFactory)
    ordinal = factory.Sequence(lambda n: n + 1)
    name = "实施方案"
    level = Level.GENERAL_BRANCH
    kind = models.Deliverable.Kind.FILE


class TargetFactory(DjangoModelFactory):
    class Meta:
        model = models.Target

    campaign = factory.SubFactory(CampaignFactory)
    code = factory.Sequence(lambda n: f"target-{n}")
    name = "支部建在班上比例"


class CampaignMemberFactory(DjangoModelFactory):
    class Meta:
        model = models.CampaignMember

    campaign = factory.SubFactory(CampaignFactory)
    group = models.CampaignMember.Group.LEADING
    ordinal = factory.Sequence(lambda n: n + 1)
    name = "郭少华"
    duty = "组长"


class DraftFactory(DjangoModelFactory):
    class Meta:
        model = models.Draft

    account = factory.SubFactory(AccountFactory)
    form = "profile"
    key = factory.Sequence(str)
    sequence = 1
    data = factory.LazyFunction(dict)
    updated_at = factory.LazyFunction(clock.now)


class UploadFactory(DjangoModelFactory):
    class Meta:
        model = models.Upload

    key = factory.Sequence(lambda n: f"{n:032x}")
    kind = "roster"
    name = "党支部花名册.xlsx"
    size = 1
    sha256 = "00" * 32
    account = factory.SubFactory(AccountFactory)
    created_at = factory.LazyFunction(clock.now)


class AuditEntryFactory(DjangoModelFactory):
    class Meta:
        model = models.AuditEntry

    at = factory.LazyFunction(clock.now)
    actor = "系统"
    action = "test.write"
    thing = "branches.branch"
    thing_id = factory.Sequence(str)
    summary = factory.Sequence(lambda n: f"第{n}件事")


class AuditDetailFactory(DjangoModelFactory):
    class Meta:
        model = models.AuditDetail

    entry = factory.SubFactory(AuditEntryFactory)
    salt = "00" * 16


class AuditSealFactory(DjangoModelFactory):
    class Meta:
        model = models.AuditSeal

    position = factory.Sequence(lambda n: n + 1)
    entry = factory.SubFactory(AuditEntryFactory)
    digest = "00" * 32
    sealed_at = factory.LazyFunction(clock.now)


class TransitionLogFactory(DjangoModelFactory):
    class Meta:
        model = models.TransitionLog

    thing = "branches.branch"
    thing_id = factory.Sequence(int)
    from_state = "draft"
    to_state = "submitted"
    at = factory.LazyFunction(clock.now)


class HeaderWordFactory(DjangoModelFactory):
    class Meta:
        model = models.HeaderWord

    table = "roster"
    field = "name"
    word = factory.Sequence(lambda n: f"支部名称{n}")


@dataclass(frozen=True, slots=True)
class School:
    """A committee with two 党总支, two branches below each, and a 直属党支部."""

    root: models.Branch
    maths: models.Branch
    letters: models.Branch
    software: models.Branch
    algebra: models.Branch
    chinese: models.Branch
    history: models.Branch
    direct: models.Branch
    teachers: models.Category
    students: models.Category


def school() -> School:
    """Make the tree that most tests stand on: software, algebra < maths; chinese, history < letters; direct < root."""
    teachers, students = CategoryFactory(code="teacher"), CategoryFactory(code="student")
    root = BranchFactory(code="DW", level=Level.COMMITTEE, name="中共刺桐师范学院委员会", short_name="刺桐师范学院")
    maths, letters = (
        BranchFactory(code=code, level=Level.GENERAL_BRANCH, name=f"{name}党总支", short_name=name, parent=root)
        for code, name in (("SJ", "数学与计算机科学学院"), ("WX", "文学与历史学院"))
    )
    leaves = {
        key: BranchFactory(code=code, name=f"{name}党支部", short_name=name, parent=parent, category=category)
        for key, code, name, parent, category in (
            ("software", "SJ001", "软件工程教研室", maths, teachers),
            ("algebra", "SJ002", "2010级数学", maths, students),
            ("chinese", "WX001", "汉语言文学教研室", letters, teachers),
            ("history", "WX002", "2010级历史学", letters, students),
            ("direct", "ZS001", "图书馆直属", root, teachers),
        )
    }
    return School(root=root, maths=maths, letters=letters, teachers=teachers, students=students, **leaves)


def holder(role: models.Role, place: models.Branch, **given: Any) -> models.Account:
    """Return an active account holding `role` at `place`."""
    return AccountFactory(role=role, node=place, **given)
