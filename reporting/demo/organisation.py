"""Writes the invented university: tree, people, posts, accounts and roles, in a few bulk statements."""

import datetime as dt
from dataclasses import dataclass

from django.contrib.auth.hashers import make_password

from branches import audit, clock, names
from branches.models import (
    Account,
    Appointment,
    Branch,
    BranchProfile,
    Category,
    Person,
    Placement,
    Role,
    RoleGrant,
)
from branches.partial_dates import PartialDate
from reporting.demo.world import SCHOOL, Department, Human, Unit, make

FIRST_DAY = dt.date(2009, 9, 1)
BATCH = 2000

STAFF = (
    (Role.OFFICE, "陈丽华", "党委组织部科长"),
    (Role.OFFICE, "谢育民", "党委组织部干事"),
    (Role.SCHOOL_LEADER, "王国栋", "党委副书记"),
    (Role.AUDITOR, "苏婉清", "纪委干事"),
    (Role.INSPECTOR, "郑志明", "校督查组成员"),
    (Role.INTERVIEWER, "庄景宁", "辅导员"),
    (Role.RUBRIC_MAINTAINER, "叶铭泽", "党委组织部干事"),
    (Role.ADMINISTRATOR, "何文彬", "网络中心工程师"),
)


@dataclass(slots=True)
class _Books:
    """Rows collected before they are written."""

    categories: dict[str, Category]
    taken: set[str]

    def username(self, name: str) -> str:
        """Return a login name nobody has yet."""
        base = names.login_name(name)
        wanted, number = base, 1
        while wanted in self.taken:
            number += 1
            wanted = f"{base}{number}"
        self.taken.add(wanted)
        return wanted


def _person(human: Human, unit: Branch | None) -> Person:
    return Person(
        name=human.name,
        initials=names.initials(human.name),
        kind=Person.Kind.STUDENT if human.student else Person.Kind.STAFF,
        gender=human.gender,
        birth=PartialDate.parse(human.birth),
        education=human.education,
        title=human.title,
        phone=human.phone,
        unit=unit,
    )


def _profile(branch: Branch, unit: Unit, day: dt.date) -> BranchProfile:
    total = unit.full + unit.probationary
    student = unit.category == "student"
    elected = dt.date(day.year - 1, 10, 1)
    return BranchProfile(
        branch=branch,
        last_election=PartialDate(elected.year, elected.month),
        term_ends=PartialDate(elected.year + 2, elected.month),
        committee=f"3人。书记：{unit.secretary.name}；组织委员、宣传委员各1人。",
        full_members=unit.full,
        probationary_members=unit.probationary,
        women=total * 9 // 20,
        under_35=total if student else total // 3,
        staff_members=1 if student else total,
        student_members=total - 1 if student else 0,
        mobile_members=min(unit.mobile, total),
        activists=total + 8 if student else 2,
        developed_this_year=unit.probationary,
        venue="" if unit.mobile == 2 else f"{unit.short_name}活动室",
        annual_funds=total * 60,
        confirmed_at=clock.now() if unit.full % 4 else None,
    )


def _account(books: _Books, person: Person) -> Account:
    return Account(
        username=books.username(person.name), person=person, created_at=clock.now(), password=make_password(None)
    )


def build(scale: str) -> Branch:
    """Write the organisation of a scale into an empty database; return its root."""
    world = make(scale)
    day = clock.today()
    books = _Books({c.code: c for c in Category.objects.all()}, set())
    root = Branch.objects.create(code="QY", level=Branch.Level.COMMITTEE, position=0)
    Placement.objects.create(
        branch=root, name=f"中共{SCHOOL}委员会", short_name=SCHOOL, starts_on=FIRST_DAY, reason="演示数据"
    )
    departments = _departments(world, root)
    _branches(world, departments, root, books, day)
    _officers(world, departments, books, day)
    _staff(root, books, day)
    audit.record(by=None, action="demo.build", thing=root, branch=root, summary="生成演示数据")
    return root


def _departments(world: list[Department], root: Branch) -> dict[str, Branch]:
    rows = [
        Branch(code=d.code, level=Branch.Level.GENERAL_BRANCH, founded=PartialDate(2000, 6), position=i + 1)
        for i, d in enumerate(world)
        if not d.direct
    ]
    Branch.objects.bulk_create(rows, batch_size=BATCH)
    made = {b.code: b for b in Branch.objects.filter(level=Branch.Level.GENERAL_BRANCH)}
    Placement.objects.bulk_create(
        [
            Placement(
                branch=made[d.code],
                parent=root,
                name=d.name,
                short_name=d.name.removesuffix("党总支"),
                starts_on=FIRST_DAY,
            )
            for d in world
            if not d.direct
        ],
        batch_size=BATCH,
    )
    return made


def _branches(
    world: list[Department], departments: dict[str, Branch], root: Branch, books: _Books, day: dt.date
) -> None:
    pairs = [(d, u) for d in world for u in d.units]
    rows = [
        Branch(code=u.code, level=Branch.Level.BRANCH, founded=PartialDate.parse(u.founded), position=1000 + i)
        for i, (_, u) in enumerate(pairs)
    ]
    Branch.objects.bulk_create(rows, batch_size=BATCH)
    made = {b.code: b for b in Branch.objects.branches_only()}
    Placement.objects.bulk_create(
        [
            Placement(
                branch=made[u.code],
                parent=departments.get(d.code, root),
                name=u.name,
                short_name=u.short_name,
                category=books.categories[u.category],
                starts_on=FIRST_DAY,
            )
            for d, u in pairs
        ],
        batch_size=BATCH,
    )
    BranchProfile.objects.bulk_create([_profile(made[u.code], u, day) for _, u in pairs], batch_size=BATCH)
    _secretaries([u for _, u in pairs], made, books)


def _secretaries(units: list[Unit], made: dict[str, Branch], books: _Books) -> None:
    """Write the secretaries of branches: people, posts, accounts, roles."""
    people = Person.objects.bulk_create([_person(u.secretary, made[u.code]) for u in units], batch_size=BATCH)
    Appointment.objects.bulk_create(
        [
            Appointment(
                branch=made[u.code],
                person=person,
                post=Appointment.Post.SECRETARY,
                starts=PartialDate.parse(u.appointed),
            )
            for u, person in zip(units, people, strict=True)
        ],
        batch_size=BATCH,
    )
    accounts = Account.objects.bulk_create([_account(books, p) for p in people], batch_size=BATCH)
    RoleGrant.objects.bulk_create(
        [
            RoleGrant(account=account, role=Role.SECRETARY, node=made[u.code], starts_on=FIRST_DAY)
            for u, account in zip(units, accounts, strict=True)
        ],
        batch_size=BATCH,
    )


def _officers(world: list[Department], departments: dict[str, Branch], books: _Books, day: dt.date) -> None:
    for department in world:
        if department.direct:
            continue
        node = departments[department.code]
        for human, role in ((department.officer, Role.GENERAL_BRANCH_OFFICER), (department.organiser, Role.ORGANISER)):
            person = _person(human, node)
            person.save()
            if role == Role.GENERAL_BRANCH_OFFICER:
                Appointment.objects.create(
                    branch=node, person=person, post=Appointment.Post.SECRETARY, starts=PartialDate(day.year - 2, 9)
                )
            account = _account(books, person)
            account.save()
            RoleGrant.objects.create(account=account, role=role, node=node, starts_on=FIRST_DAY)


def _staff(root: Branch, books: _Books, day: dt.date) -> None:
    for role, name, title in STAFF:
        person = Person.objects.create(name=name, initials=names.initials(name), title=title, unit=root)
        account = _account(books, person)
        account.save()
        node = root
        if role == Role.INSPECTOR:
            node = Branch.objects.branches_only().order_by("position").first() or root
        RoleGrant.objects.create(account=account, role=role, node=node, starts_on=FIRST_DAY)
    clerk = Person.objects.create(name="颜佳怡", initials="yjy", title="学生助理", kind=Person.Kind.STUDENT, unit=root)
    account = _account(books, clerk)
    account.save()
    first = Branch.objects.branches_only().order_by("position").first() or root
    RoleGrant.objects.create(account=account, role=Role.CLERK, node=first, starts_on=day)
