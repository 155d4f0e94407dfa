"""A campaign whose items fall due on 2012-12-31: who acts where, and what is behind.

software: items 1, 2 (due 12-31) and 3 (due 11-30); algebra: one item of 12-31; chinese: one that is verified.
"""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from branches.models import Account, Campaign, Role
from grading.models import Round
from rectification.models import Item, Plan, RectificationRules
from rectification.services import notices
from tests.factories.branches import AccountFactory, CampaignFactory, School, holder, school
from tests.factories.grading import RoundFactory
from tests.factories.rectification import ItemFactory, PlanFactory, RectificationRulesFactory

ZONE = ZoneInfo("Asia/Shanghai")
DUE = dt.date(2012, 12, 31)


def at(text: str) -> dt.datetime:
    """Return a moment in the school's zone: at("2013-01-01 00:00")."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZONE)


LATER = at("2013-01-07 09:00")  # a Monday


@dataclass
class World:
    """The rows of the module's docstring."""

    school: School
    campaign: Campaign
    rules: RectificationRules
    round: Round
    office: Account
    officer: Account
    other_officer: Account
    organiser: Account
    secretary: Account
    clerk: Account
    items: dict[str, list[Item]]

    def order(self, *, due: dt.date = dt.date(2013, 1, 14), demand: str = "请逐项查明原因。") -> notices.Order:
        """Return what a 督办单 asks for."""
        return notices.Order(demand, due)

    def issue(self, *, by=None, branch=None, now=LATER, **wanted):
        """Issue a 督办单."""
        return notices.issue(
            by=by or self.officer, campaign=self.campaign, branch=branch or self.school.software,
            order=self.order(**wanted), now=now,
        )  # fmt: skip


def answer(notice, text="已逐项落实。", signed_by="柯虹", word="已补齐"):
    """Return a whole answer to a 督办单."""
    return notices.Answer(text, signed_by, {line.pk: f"{word}{line.ordinal}" for line in notice.lines.all()})


def _plan(round_, branch, name):
    moment = at("2012-05-20 10:00")
    return PlanFactory(
        round=round_, branch=branch, name=name, state=Plan.State.APPROVED, submitted_at=moment, approved_at=moment
    )


def mailed(role, node, address):
    """Return an account with an address."""
    account = holder(role, node)
    account.person.email = address
    account.person.save(update_fields=["email"])
    return account


def world() -> World:
    """Make the rows."""
    tree = school()
    campaign = CampaignFactory(root=tree.root)
    rules = RectificationRulesFactory(
        campaign=campaign, digest_weekday=1, notice_pattern="{issuer}督〔{year}〕{number}号"
    )
    opened = {
        "opened_at": at("2012-03-20 09:00"),
        "frozen_on": dt.date(2012, 3, 20),
        "finalised_at": at("2012-04-30 09:00"),
    }
    round_ = RoundFactory(campaign=campaign, state=Round.State.FINAL, **opened)
    plans = {key: _plan(round_, getattr(tree, key), f"{key}党支部") for key in ("software", "algebra", "chinese")}
    going = {"state": Item.State.IN_HAND, "approved_at": at("2012-05-25 10:00"), "due_on": DUE}
    items = {
        "software": [
            ItemFactory(plan=plans["software"], ordinal=1, problem="支委会一年没有换届", **going),
            ItemFactory(plan=plans["software"], ordinal=2, **going),
            ItemFactory(plan=plans["software"], ordinal=3, **going | {"due_on": dt.date(2012, 11, 30)}),
        ],
        "algebra": [ItemFactory(plan=plans["algebra"], ordinal=1, **going)],
    }
    verifier = AccountFactory()
    ItemFactory(
        plan=plans["chinese"], ordinal=1, **going | {"state": Item.State.VERIFIED}, result="已完成",
        requested_at=at("2012-10-01 10:00"), verified_on=dt.date(2012, 10, 2), verified_by=verifier,
    )  # fmt: skip
    return World(
        tree, campaign, rules, round_,
        office=mailed(Role.OFFICE, tree.root, "office@example.edu.cn"),
        officer=mailed(Role.GENERAL_BRANCH_OFFICER, tree.maths, "maths@example.edu.cn"),
        other_officer=holder(Role.GENERAL_BRANCH_OFFICER, tree.letters),
        organiser=holder(Role.ORGANISER, tree.maths),
        secretary=mailed(Role.SECRETARY, tree.software, "software@example.edu.cn"),
        clerk=holder(Role.CLERK, tree.software),
        items=items,
    )  # fmt: skip


def noticed_world() -> World:
    """Make the rows, and one 督办单 to the software branch that is answered."""
    made = world()
    notice = made.issue()
    moment = at("2013-01-10 10:00")
    notices.reply(by=made.secretary, notice=notice, version=notice.version, answer=answer(notice), now=moment)
    return made
