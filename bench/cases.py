"""Pages and the steps of an annex on the small demo (12 党总支, 90 党支部): a case prepares once and is run repeatedly.

The number a case returns is the size of what it made, so that two runs can be seen to have done the same work.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from django.test import Client
from django.urls import reverse

from bench.figures import Figure, Result, in_turns
from branches.models import Account, Branch, Role, RoleGrant
from grading.models import Round
from reporting import serving
from reporting.annexes.facts import Stamp
from reporting.making.kinds import BY_SLUG
from reporting.tables import Sheet, html, pdf, xlsx

Work = Callable[[], int]
STAMP = Stamp(on="2012年4月10日")


@dataclass(frozen=True, slots=True)
class Case:
    """A name, and what makes the work to be measured."""

    name: str
    prepare: Callable[[], Work]


@cache
def demo() -> None:
    """Fill the database of this run with the small demo, once."""
    for step in (serving.migrate, serving.fill_demo, serving.collect_assets):
        step(lambda line: print(line, file=sys.stderr))


def measured(case: Case) -> Callable[[], Result]:
    """Return what measures a case: one run to warm up, then the median of a few."""

    def measure() -> Result:
        demo()
        work = case.prepare()
        size = work()
        return Result(in_turns({"work": work}, runs=7)["work"] * 1000, "ms", f"{size} bytes or rows made")

    return measure


def first_round() -> Round:
    """Return the round the demo has graded."""
    return Round.objects.order_by("pk")[0]


def school() -> Branch:
    """Return the committee at the top."""
    return Branch.objects.filter(level=Branch.Level.COMMITTEE).order_by("pk")[0]


def account(role: Role) -> Account:
    """Return an account holding a role."""
    return RoleGrant.objects.filter(role=role).order_by("pk")[0].account


def page(role: Role, name: str, *arguments: object) -> Callable[[], Work]:
    """A page as one role sees it, through the whole stack but the network."""

    def prepare() -> Work:
        client = Client()
        client.force_login(account(role), backend="branches.auth.AccountBackend")
        url = reverse(name, args=[argument() if callable(argument) else argument for argument in arguments])

        def work() -> int:
            response = client.get(url)
            if response.status_code != 200:
                raise RuntimeError(f"{url} answered {response.status_code}")
            return len(response.content)

        return work

    return prepare


def gathered() -> Work:
    """Read the facts of the school's 附件5."""
    return lambda: sum(len(facts.rows) for facts in BY_SLUG["annex5"].gather(first_round(), school()))


def laid_out() -> Work:
    """Lay the school's 附件5 out in cells."""
    (facts,) = BY_SLUG["annex5"].gather(first_round(), school())
    return lambda: sum(len(sheet.rows) for sheet in BY_SLUG["annex5"].lay(facts, STAMP))


def drawn(render: Callable[[Sequence[Sheet]], bytes | str]) -> Callable[[], Work]:
    """Draw the school's 附件5 in one format."""

    def prepare() -> Work:
        (facts,) = BY_SLUG["annex5"].gather(first_round(), school())
        sheets = BY_SLUG["annex5"].lay(facts, STAMP)
        return lambda: len(render(sheets))

    return prepare


CASES = (
    Case("page: landing page of the office", page(Role.OFFICE, "home")),
    Case("page: landing page of a secretary", page(Role.SECRETARY, "home")),
    Case("page: register of branches", page(Role.OFFICE, "branches")),
    Case("page: organisation as a tree", page(Role.OFFICE, "branch-tree")),
    Case("annex 5, school: read the facts", gathered),
    Case("annex 5, school: lay out", laid_out),
    Case("annex 5, school: preview", drawn(lambda sheets: "".join(html.render_sheet(one).body for one in sheets))),
    Case("annex 5, school: Excel", drawn(xlsx.render)),
    Case("annex 5, school: PDF", drawn(pdf.render)),
)

FIGURES = tuple(Figure(case.name, "", "", measured(case)) for case in CASES)
