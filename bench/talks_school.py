"""The school of `bench.talks`: 20 党总支 of 25 classes, imported as one workbook, assigned by rule, talked with.

Imported once Django is set up.
"""

import datetime as dt
import io
import random
import time
import uuid
from dataclasses import dataclass
from typing import Any

import openpyxl
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from branches import clock
from branches.intake.sandbox import try_reading
from branches.models import Account, Branch, Campaign, Person, Role
from branches.scopes import Scope
from branches.services import uploads
from interviews import figures_kept
from interviews.models import Channel, FollowUp, Interview, InterviewSubject, Notice, RosterEntry, SealedRecord
from interviews.people_steps import KIND, PeopleSteps
from interviews.services import assignments, planning
from tests.factories import branches as make

UNITS, CLASSES, TEACHERS, MANAGERS = 20, 25, 50, 5
NOW = timezone.make_aware(dt.datetime(2031, 9, 10, 12))
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明"
SEED = 7


@dataclass(frozen=True)
class School:
    """What was built, and the seconds from the file to its import."""

    campaign: Campaign
    office: Account
    tutor: Account
    import_seconds: float
    rows: int


def workbook(students: int) -> tuple[bytes, int]:
    """Return a workbook of staff and students, and how many rows it has."""
    rng = random.Random(SEED)

    def name() -> str:
        return rng.choice(SURNAMES) + rng.choice(GIVEN) + rng.choice(GIVEN)

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("教职工")
    sheet.append(["工号", "姓名", "类别", "单位"])
    for unit in range(UNITS):
        for number in range(TEACHERS):
            sheet.append([f"T{unit:02}{number:03}", name(), "教师", f"第{unit}学院党总支"])
        for number in range(MANAGERS):
            sheet.append([f"M{unit:02}{number:03}", name(), "管理干部", f"第{unit}学院党总支"])
    sheet = book.create_sheet("学生")
    sheet.append(["学号", "姓名", "学院", "班级", "辅导员工号", "重点类别"])
    for number in range(students):
        unit, group = number % UNITS, number // UNITS % CLASSES
        focus = "新生" if group < 6 else "学业困难" if number % 17 == 0 else ""
        row = [f"2031{number:06}", name(), f"第{unit}学院党总支", f"{group}班", f"T{unit:02}{group:03}", focus]
        sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue(), students + UNITS * (TEACHERS + MANAGERS)


def prepare(students: int, talks: int) -> School:
    """Make tables, import the people, assign them, and hold the talks."""
    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    clock.set_offset(NOW)
    root = make.BranchFactory(code="DW", level=Branch.Level.COMMITTEE, name="中共刺桐师范学院委员会")
    for number in range(UNITS):
        make.BranchFactory(level=Branch.Level.GENERAL_BRANCH, name=f"第{number}学院党总支", parent=root)
    campaign = make.CampaignFactory(root=root, year=2031, starts_on=dt.date(2031, 3, 1), ends_on=dt.date(2031, 12, 31))
    planning.set_up(by=None, campaign=campaign, now=clock.now())
    office, reach = make.holder(Role.OFFICE, root), Scope(frozenset({root.pk}), clock.today(), everything=True)
    content, rows = workbook(students)
    seconds = _import(campaign, office, reach, content)
    assignments.run_rules(by=office, campaign=campaign, reach=reach, now=clock.now())
    tutor = make.AccountFactory(
        person=Person.objects.get(number="T00000"), role=Role.INTERVIEWER, node=Branch.objects.get(code="DW")
    )
    _talks(campaign, tutor, talks)
    return School(campaign, office, tutor, seconds, rows)  # type: ignore[arg-type]


def _import(campaign: Campaign, office: Account, reach: Scope, content: bytes) -> float:
    """Take the workbook through every step as the pages do, and return how long that was."""
    began = time.monotonic()
    try_reading("名册.xlsx", content, plain=True)
    upload = uploads.keep(by=office, kind=f"{KIND}-{campaign.pk}", name="名册.xlsx", data=content)
    PeopleSteps(upload, campaign, reach).sheets()
    preview = PeopleSteps(upload, campaign, reach)
    preview.counts()
    fingerprint = preview.plan.fingerprint
    last = PeopleSteps(upload, campaign, reach)
    if last.plan.fingerprint != fingerprint:
        raise RuntimeError("the preview did not show what is imported")
    last.apply(office)
    return time.monotonic() - began


def _talks(campaign: Campaign, tutor: Account, count: int) -> None:
    """Hold `count` talks: one in ten with a group of three, the others one to one; one in fifty is followed up."""
    rng = random.Random(SEED)
    entries = list(RosterEntry.objects.filter(campaign=campaign, kind="student").values_list("pk", "unit_id"))
    colleague, notice = make.AccountFactory(), Notice.objects.current(campaign)
    channel, at = Channel.objects.filter(campaign=campaign).first(), clock.now()
    mine = set(RosterEntry.objects.filter(assignments__interviewer=tutor.person).values_list("pk", flat=True))
    made: list[tuple[Interview, list[int]]] = []
    for number in range(count):
        people = rng.sample(entries, 3 if number % 10 == 0 else 1)
        owner = tutor if people[0][0] in mine else colleague
        record = SealedRecord(
            kind="interview", campaign=campaign, unit_id=people[0][1], owner=owner, created_at=at,
            retain_until=dt.date(2033, 1, 1),
        )  # fmt: skip
        talk = Interview(
            client_id=uuid.uuid4(), record=record, campaign=campaign, unit_id=people[0][1], interviewer=owner,
            held_on=clock.today() - dt.timedelta(days=number % 90), channel=channel, one_to_one=len(people) == 1,
            heads=len(people), notice=notice, consent="told", recorded_at=at,
        )  # fmt: skip
        made.append((talk, [pk for pk, _ in people]))
    SealedRecord.objects.bulk_create((talk.record for talk, _ in made), batch_size=2000)
    Interview.objects.bulk_create((talk for talk, _ in made), batch_size=2000)
    subjects = [InterviewSubject(interview=talk, entry_id=pk) for talk, people in made for pk in people]
    InterviewSubject.objects.bulk_create(subjects, batch_size=5000)
    again = {people[0]: talk for talk, people in made[::50]}
    FollowUp.objects.bulk_create(
        FollowUp(interview=talk, entry_id=pk, account=talk.interviewer, due_on=dt.date(2031, 10, 1), planned_at=at)
        for pk, talk in again.items()
    )


def session(account: Account) -> str:
    """Return a session of an account."""
    client = Client()
    client.force_login(account, backend="branches.auth.AccountBackend")
    return str(client.cookies["sessionid"].value)


def queries(account: Account, path: str) -> int:
    """Return how many queries a page takes once its figures are kept."""
    client: Any = Client()
    client.force_login(account, backend="branches.auth.AccountBackend")
    client.get(path)
    with CaptureQueriesContext(connection) as counted:
        if client.get(path).status_code != 200:
            raise RuntimeError(f"{path} does not answer")
    return len(counted)


def counting_seconds(campaign: Campaign) -> float:
    """Return how long counting everything takes."""
    figures_kept.forget()
    began = time.process_time()
    figures_kept.publish(campaign, clock.now())
    return time.process_time() - began


def done() -> None:
    """Leave the database to the servers."""
    connections.close_all()
