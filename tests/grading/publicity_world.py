"""What the tests of 公示 share: a round with every step, decided or made public, and its people."""

import datetime as dt

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from branches import clock
from branches.transitions import Decision
from grading.models import Round, RoundStep
from grading.services import results, rounds, survey
from tests.factories.grading import Grading, opened_round
from tests.grading.pages import account, page
from tests.grading.steps import complete

NAMES = ("software", "algebra", "chinese", "history", "direct")
BODY = Decision("党委会", dt.date(2012, 10, 12), "清师党〔2012〕30号")
MONDAY = dt.datetime(2012, 10, 15, 9, 30, tzinfo=dt.timezone(dt.timedelta(hours=8)))


def now():
    return clock.now()


def public_round(*, steps: tuple[str, ...] = (), level: str = "committee") -> Grading:
    """Open the second round's kind on the little school: 党委审定 and 公示 of five days, no 历史补录, all handed in."""
    made = opened_round(backfill=False, starts_on=dt.date(2012, 3, 28))
    Round.objects.filter(pk=made.round.pk).update(
        deciding_level=level, publicity_days=5, divergence_points=None, divergence_section=None, divergence_grades=None
    )
    made.round.refresh_from_db()
    last = made.round.steps.count()
    before = ("propose",) if level == "committee" else ()
    for number, code in enumerate((*before, *steps, "publicity"), start=last + 1):
        RoundStep.objects.create(round=made.round, ordinal=number, code=code, name=RoundStep.Code(code).label)
    for name in NAMES:
        complete(made, name)
    survey.record_visit(by=None, units=list(made.units.values()), findings={}, now=now())
    made.round = rounds.move_round(by=None, round_=made.round, to="scoring", now=now())
    return made


def deciding(made: Grading) -> Grading:
    """Take a round on to 审定."""
    made.round = rounds.move_round(by=None, round_=made.round, to="deciding", now=now())
    return made


def decide(made: Grading, grade: str = "advanced", names: tuple[str, ...] = NAMES, reason: str = "研究决定") -> None:
    """Decide the branches named."""
    choices = {made.unit(name).pk: results.Choice(grade, reason) for name in names}
    results.decide_grades(by=None, round_=made.round, choices=choices, decision=BODY, now=now())


def publish(made: Grading) -> Grading:
    """Decide everything and put the notice up."""
    deciding(made)
    decide(made)
    made.round = rounds.move_round(by=None, round_=made.round, to="publicity", now=now())
    return made


class People:
    """Clients of the little school by role, each signed in anew, so that a moved clock ends no session."""

    def __init__(self, made: Grading) -> None:
        self.accounts = {name: account(made.school, name) for name in ("office", "officer", "secretary", "leader")}

    def client(self, who: str) -> Client:
        found = Client()
        if who != "anonymous":
            found.force_login(self.accounts[who], backend=settings.AUTHENTICATION_BACKENDS[-1])
        return found

    def get(self, who: str, name: str, *args, query: str = "", **more):
        return self.client(who).get(f"{page(name, *args)}{query}", **more)

    def post(self, who: str, name: str, *args, query: str = "", **data):
        return self.client(who).post(f"{page(name, *args)}{query}", data, follow=True)


def queries(client: Client, url: str) -> int:
    """Return how many statements a page takes."""
    with CaptureQueriesContext(connection) as found:
        assert client.get(url).status_code == 200
    return len(found)
