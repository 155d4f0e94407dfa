"""The school of `bench.rush`: branches, secretaries signed in, a round on its last day; and what is stored afterwards.

Imported once Django is set up.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.utils import timezone

from bench.rush_crowd import Secretary
from branches import clock
from branches.models import Branch, Role, RoleGrant
from grading.models import Assessment, Criterion, Receipt, Score
from grading.services import rounds
from grading.services.receipts import digest_of
from tests.factories import branches as make
from tests.factories import grading

GROUPS = 20
MIDNIGHT = timezone.make_aware(dt.datetime(2031, 3, 30))


def set_clock(before: float) -> None:
    """Let the clock of every process say so many seconds before midnight of the last day."""
    clock.set_offset(MIDNIGHT - dt.timedelta(seconds=before))


def prepare(count: int, port: int) -> list[Secretary]:
    """Make tables, and on PostgreSQL the web role, then the school; return its secretaries."""
    call_command("migrate", verbosity=0)
    if settings.DATABASE_WEB_ROLE:
        call_command("database_roles", verbosity=0)
    people = build(count, port)
    set_clock(120)
    connections.close_all()
    return people


def build(count: int, port: int) -> list[Secretary]:
    """Make a school of `count` branches with a round on its last day; return its secretaries, signed in."""

    set_clock(4 * 3600)
    root = make.BranchFactory(code="DW", level=Branch.Level.COMMITTEE, name="中共刺桐师范学院委员会")
    teachers, students = make.CategoryFactory(code="teacher"), make.CategoryFactory(code="student")
    parents = [
        make.BranchFactory(level=Branch.Level.GENERAL_BRANCH, name=f"第{number}学院党总支", parent=root)
        for number in range(GROUPS)
    ]
    secretaries = [
        make.holder(
            Role.SECRETARY,
            make.BranchFactory(
                name=f"第{number}党支部", parent=parents[number % GROUPS], category=(teachers, students)[number % 2]
            ),
        )
        for number in range(count)
    ]
    opened = grading.campaign(root, starts_on=dt.date(2031, 3, 1))
    round_ = rounds.open_round(by=None, round_=opened.rounds.get(ordinal=1), now=clock.now())
    rounds.set_due_dates(by=None, round_=round_, version=round_.version, due={"self": dt.date(2031, 3, 29)})
    units = {unit.branch_id: unit for unit in round_.units.all()}
    points: dict[int, dict[str, str]] = {}
    for item in Criterion.objects.filter(section__rubric__in={unit.rubric_id for unit in units.values()}):
        points.setdefault(item.section.rubric_id, {})[f"points-{item.pk}"] = str(item.points)
    made = []
    for number, account in enumerate(secretaries):
        client = Client()
        client.force_login(account, backend="branches.auth.AccountBackend")
        unit = units[RoleGrant.objects.get(account=account).node_id]
        made.append(
            Secretary(port, unit.pk, client.cookies["sessionid"].value, points[unit.rubric_id], twice=number % 10 == 0)
        )
    return made


def check(people: Sequence[Secretary]) -> dict[str, Any]:
    """Compare what was seen with what is stored."""

    sheets = Assessment.objects.filter(unit__in=[one.unit for one in people], source__code="self")
    filed = sheets.filter(state=Assessment.State.SUBMITTED)
    receipts = list(Receipt.objects.select_related("assessment"))
    stored = {row.assessment.unit_id: row.number for row in receipts}
    statuses = [status for one in people for status in one.statuses]
    return {
        "filed": filed.count(),
        "lost": len(people) - filed.count(),
        "double": len(receipts) - len({row.assessment_id for row in receipts}),
        "receipts": len(receipts),
        "receipts not as shown": sum(stored.get(one.unit) != one.number for one in people),
        "contents not as on the receipt": sum(digest_of(row.assessment) != row.digest for row in receipts),
        "points": Score.objects.filter(assessment__in=sheets).count(),
        "late": filed.filter(late=True).count(),
        "after midnight, counted by ticket": sum(row.filed_at != row.received_at for row in receipts),
        "server errors": sum(status >= 500 for status in statuses),
        "answers": {str(status): statuses.count(status) for status in sorted(set(statuses))},
    }
