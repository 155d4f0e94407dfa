"""A branch that draws up a plan in the spring of 2012, and everybody who has to do with it.

Deadlines: plans 2012-05-31, items 2012-12-31, at risk 14 days before. software, algebra < maths; chinese < letters.
"""

import datetime as dt
from zoneinfo import ZoneInfo

from branches.models import Role
from grading.models import Round
from rectification.models import Item, Plan
from rectification.services import items, meetings, plans, progress, verification
from rectification.services.plans import Ruling
from tests.factories.branches import CampaignFactory, PersonFactory, holder, school
from tests.factories.grading import RoundFactory
from tests.factories.rectification import CategoryFactory, DimensionFactory, RectificationRulesFactory

ZONE = ZoneInfo("Asia/Shanghai")
END = dt.date(2012, 12, 31)


def at(text):
    """Return a moment in the school's zone: at("2013-01-01 00:00")."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZONE)


MAY, JUNE, AUTUMN = at("2012-05-10 09:00"), at("2012-06-04 09:00"), at("2012-10-08 09:00")


class World:
    def __init__(self):
        self.school = tree = school()
        self.campaign = CampaignFactory(root=tree.root)
        self.rules = RectificationRulesFactory(campaign=self.campaign)
        self.category = CategoryFactory(campaign=self.campaign, ordinal=1, code="secretary")
        self.dimension = DimensionFactory(campaign=self.campaign, ordinal=1, code="leadership")
        opened = {"opened_at": at("2012-03-20 09:00"), "frozen_on": dt.date(2012, 3, 20)}
        self.round = RoundFactory(
            campaign=self.campaign, ordinal=1, state=Round.State.FINAL, finalised_at=at("2012-04-30 09:00"), **opened
        )
        self.secretary = holder(Role.SECRETARY, tree.software)
        self.clerk = holder(Role.CLERK, tree.software)
        self.officer = holder(Role.GENERAL_BRANCH_OFFICER, tree.maths)
        self.other_officer = holder(Role.GENERAL_BRANCH_OFFICER, tree.letters)
        self.office = holder(Role.OFFICE, tree.root)
        self.office2 = holder(Role.OFFICE, tree.root)
        self.owner = PersonFactory(name="李小红")
        self.plan = plans.start_for(by=self.secretary, round_=self.round, branch=tree.software, now=MAY)

    def item(self, *, plan=None, now=MAY, checkpoints=None, **values):
        """Add a complete item to a plan."""
        full = {
            "source": "survey", "category": self.category, "dimension": self.dimension,
            "problem": "会议记录漏记请假人员",
            "goal": "会议记录完整", "measures": "每次会后3天内由组织委员核对签到册", "leader": "王建国",
            "owner_name": "李小红", "owner_person": self.owner, "due_on": dt.date(2012, 10, 31),
        }  # fmt: skip
        return items.save_item(
            by=self.secretary, plan=plan or self.plan, item=None, version=0, values=full | values,
            checkpoints=checkpoints, now=now,
        )  # fmt: skip

    def meeting(
        self, *, plan=None, version=0, absences=(("张伟", "excused", "出差"), ("刘洋", "absent", "未说明")), **values
    ):
        """Record a complete meeting: 20 should come, 18 came."""
        full = {
            "held_on": dt.date(2012, 5, 9), "place": "文科楼301", "chair": "王建国", "recorder": "李小红",
            "should_attend": 20, "present": 18, "excused": 1, "absent": 1, "opinions": "同意方案，建议提前完成第一项",
        }  # fmt: skip
        return meetings.save_meeting(
            by=self.secretary, plan=plan or self.plan, version=version, values=full | values, absences=absences, now=MAY
        )

    def submitted(self, *, now=MAY, **values):
        """Hand in a plan of one item; return the item."""
        item = self.item(**values)
        self.meeting()
        self.plan = plans.submit(by=self.secretary, plan=self.plan, now=now)
        return Item.objects.get(pk=item.pk)

    def approved(self, *, consents=False, superior="", **values):
        """Hand in a plan of one item and approve it; return the item."""
        item = self.submitted(**values)
        self.rule(item, Ruling(approve=True, consents=consents, owner_name=superior))
        return Item.objects.get(pk=item.pk)

    def rule(self, item, ruling, *, by=None, now=MAY):
        """Decide one item."""
        self.plan = plans.decide_items(by=by or self.officer, plan=self.plan, rulings={item.pk: ruling}, now=now)
        return self.plan

    def awaiting(self, *, by=None, **values):
        """Approve an item and ask for 销号."""
        item = self.approved(**values)
        return progress.request_completion(by=by or self.secretary, item=item, result="记录已补齐", now=AUTUMN)

    def verify(self, item, *, by=None, passed=True, now=AUTUMN, **values):
        """Verify an item."""
        full = {"finding": "查看5月以来的会议记录，均已写明", "on": now.date()}
        return verification.verify(by=by or self.officer, item=item, passed=passed, now=now, **full | values)

    def fresh(self, item):
        """Return the item as it stands in the database."""
        return Item.objects.select_related("plan").get(pk=item.pk)

    def plan_of(self, branch):
        """Return another branch's plan, begun."""
        return plans.start_for(by=None, round_=self.round, branch=branch, now=MAY)


def status_of(item, now):
    """Return how an item stands at a moment."""
    return Item.objects.status(now).get(pk=item.pk).status


def state_of(thing):
    """Return the state in the database."""
    return type(thing).objects.get(pk=thing.pk).state


__all__ = ["AUTUMN", "END", "JUNE", "MAY", "Plan", "Ruling", "World", "at", "state_of", "status_of"]
