"""The school of `bench.boards`: 500 branches in 20 党总支, each with an approved plan of six items.

Imported once Django is set up.
"""

import datetime as dt
from itertools import cycle
from typing import Any

from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from branches import clock
from branches.models import Branch, Role
from branches.scopes import Scope
from grading.models import Result, Round, RoundUnit
from grading.services import rounds
from rectification import board
from rectification.models import Item, Plan
from rectification.services.settings import ensure_rules
from tests.factories import branches as make
from tests.factories import grading

GROUPS, ITEMS = 20, 6
NOW = timezone.make_aware(dt.datetime(2031, 9, 10, 12))
PROBLEMS = (
    "支委未配齐，分工不明确", "青年教师入党积极分子少", "群众意见反馈不及时", "没有固定的活动场所",
    "会议记录漏记缺席人员", "党建与教学科研结合不紧", "活动经费使用台账不全",
)  # fmt: skip


def prepare(count: int) -> Round:
    """Make tables and a school of `count` branches in the middle of its rectification."""
    call_command("migrate", verbosity=0)
    clock.set_offset(NOW - dt.timedelta(days=150))
    root = make.BranchFactory(code="DW", level=Branch.Level.COMMITTEE, name="中共刺桐师范学院委员会")
    kinds = make.CategoryFactory(code="teacher"), make.CategoryFactory(code="student")
    parents = [
        make.BranchFactory(level=Branch.Level.GENERAL_BRANCH, name=f"第{number}学院党总支", parent=root)
        for number in range(GROUPS)
    ]
    for number in range(count):
        parent = parents[number % GROUPS]
        make.BranchFactory(name=f"第{number}党支部", parent=parent, category=kinds[number % 2])
    opened = grading.campaign(root, starts_on=dt.date(2031, 3, 1))
    round_ = rounds.open_round(by=None, round_=opened.rounds.get(ordinal=1), now=clock.now())
    ensure_rules(by=None, campaign=round_.campaign, now=clock.now())
    _plans(round_)
    clock.set_offset(NOW)
    return round_


def _plans(round_: Round) -> None:
    """Give every branch a decided grade, a plan and its items, one in three of them done."""
    units = list(RoundUnit.objects.filter(round=round_).order_by("pk"))
    grades = cycle(round_.scale.grades.order_by("rank"))
    when = clock.now()
    Result.objects.bulk_create(
        Result(
            unit=unit, state=Result.State.DECIDED, computed_grade=grade, decided_grade=grade, decided_at=when,
            body="党委会", algorithm=1, rule_version="1", computed_at=when,
        )
        for unit, grade in zip(units, grades, strict=False)
    )  # fmt: skip
    plans = Plan.objects.bulk_create(
        Plan(
            campaign=round_.campaign, round=round_, branch_id=unit.branch_id, unit=unit, name=unit.name,
            state=Plan.State.APPROVED, created_at=when, submitted_at=when, approved_at=when,
        )
        for unit in units
    )  # fmt: skip
    by = make.AccountFactory()
    categories = list(round_.campaign.rectification_categories.all())
    dimensions = list(round_.campaign.rectification_dimensions.all())
    Item.objects.bulk_create(
        Item(
            plan=plan, ordinal=number + 1, problem=PROBLEMS[(place + number) % len(PROBLEMS)], goal="按期完成",
            measures="每月检查1次", leader="王建国", owner_name="李小红", approved_at=when,
            category=categories[(place + number) % len(categories)], limit_on=dt.date(2031, 12, 31),
            dimension=dimensions[(place * number) % len(dimensions)], **_state(place + number, by, when),
        )
        for place, plan in enumerate(plans)
        for number in range(ITEMS)
    )  # fmt: skip


def _state(number: int, by: Any, when: dt.datetime) -> dict[str, Any]:
    due = dt.date(2031, 6, 1) + dt.timedelta(days=number * 7 % 200)
    values: dict[str, Any] = {"due_on": due, "counts_on": due, "risk_on": due - dt.timedelta(days=14)}
    if number % 3:
        return values | {"state": Item.State.IN_HAND if number % 2 else Item.State.APPROVED}
    done = dt.date(2031, 5, 1) + dt.timedelta(days=number % 120)
    return values | {
        "state": Item.State.VERIFIED, "verified_on": done, "verified_by": by, "requested_at": when, "result": "已完成",
        "percent": 100,
    }  # fmt: skip


def session() -> str:
    """Return the session of somebody of the office."""
    client = Client()
    client.force_login(make.holder(Role.OFFICE, Branch.objects.get(code="DW")), backend="branches.auth.AccountBackend")
    key = client.cookies["sessionid"].value
    return str(key)


def queries(round_: Round) -> int:
    """Return how many queries the board of the school takes."""
    found = Round.objects.select_related("campaign__root", "scale").get(pk=round_.pk)
    with CaptureQueriesContext(connection) as counted:
        board.read(board.Place(found, Scope(frozenset(), clock.today(), everything=True)), clock.now())
    return len(counted)


def done() -> None:
    """Leave the database to the servers."""
    connections.close_all()
