# ruff: noqa: E501 - rows stand as they are printed
"""`ledger_world()`: a round in the middle of its rectification, on 30 June 2012, eleven items worked out by hand."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from branches.models import Account
from grading.models import Round
from rectification.models import Category, Dimension, Item, Plan, Progress
from rectification.models.settings import RectificationRules
from tests.factories import branches, grading, promotion
from tests.factories.rectification import (
    CategoryFactory,
    DimensionFactory,
    ItemFactory,
    PlanFactory,
    ProgressFactory,
    RectificationRulesFactory,
)

NOW = timezone.make_aware(dt.datetime(2012, 6, 30, 12))
CATEGORIES = ("抓书记强班子", "抓发展明思路", "抓覆盖建组织", "抓规范建制度", "抓阵地建场所", "抓保障增投入")
DIMENSIONS = ("领导班子好", "党员队伍好", "工作机制好", "工作业绩好", "群众反映好")
GRADES = {"SJ001": "fair", "SJ002": "good", "WX001": "good", "WX002": "last", "ZS001": "advanced"}


@dataclass
class Ledger:
    """The round with its plans by branch name and its items by a short name."""

    grading: grading.Grading
    plans: dict[str, Plan]
    items: dict[str, Item]
    verifier: Account

    @property
    def round(self) -> Round:
        """The round."""
        return self.grading.round


def day(text: str) -> dt.date:
    """Return 2012.5.28 as a date."""
    return dt.date(*map(int, text.split(".")))


def ledger_world() -> Ledger:
    """Make five branches and one 党总支 with plans; that of the history branch is still a draft.

    Status by hand on NOW: verified 1, long term 2 (one of them awaiting conditions), overdue 1, in hand 1, awaiting 1,
    planned 2, at risk 1, paused 1; one item was ended, one is a draft.
    """
    made = grading.opened_round(starts_on=dt.date(2012, 3, 1), backfill=False)
    campaign = made.round.campaign
    if not RectificationRules.objects.filter(campaign=campaign).exists():
        RectificationRulesFactory(campaign=campaign)
    if not Category.objects.filter(campaign=campaign).exists():
        for number, name in enumerate(CATEGORIES, 1):
            CategoryFactory(campaign=campaign, ordinal=number, code=f"task-{number}", name=name)
    if not Dimension.objects.filter(campaign=campaign).exists():
        for number, name in enumerate(DIMENSIONS, 1):
            DimensionFactory(campaign=campaign, ordinal=number, code=f"good-{number}", name=name)
    lowest = made.round.scale.grades.last().code
    promotion.grade_all(
        made.round, made.units, {code: lowest if grade == "last" else grade for code, grade in GRADES.items()}
    )
    target = made.round.scale.grades.get(code="good")
    plans = {
        name: PlanFactory(
            round=made.round, branch=getattr(made.school, name), unit=made.units[getattr(made.school, name).code],
            name=made.units[getattr(made.school, name).code].name, target=target,
            **({} if name == "history" else _approved()),
        )
        for name in ("software", "algebra", "chinese", "history", "direct")
    }  # fmt: skip
    plans["letters"] = PlanFactory(
        round=made.round, branch=made.school.letters, name="文学与历史学院党总支", target=None, **_approved()
    )
    verifier = branches.AccountFactory(person__name="潘秋彬")
    return Ledger(made, plans, _items(plans, verifier), verifier)


def _approved() -> dict[str, Any]:
    moment = timezone.make_aware(dt.datetime(2012, 5, 20))
    return {"state": Plan.State.APPROVED, "submitted_at": moment, "approved_at": moment}


def _items(plans: dict[str, Plan], verifier: Account) -> dict[str, Item]:
    state, term = Item.State, Item.Term
    asked = timezone.make_aware(dt.datetime(2012, 5, 26))
    later = {"term": term.LONG_TERM, "term_reason": "发展对象须培养考察一年以上"}
    rows: tuple[tuple[str, str, int, int, str, str, str, dict[str, Any]], ...] = (
        ("verified", "software", 1, 1, "支委未配齐，分工不明确", "2012.5.25", state.VERIFIED,
         {"result": "已增补，5月22日公布", "verified_on": day("2012.5.28"), "verified_by": verifier,
          "requested_at": asked, "percent": 100}),
        ("long", "software", 3, 2, "青年教师入党积极分子少", "2013.12.31", state.IN_HAND,
         {**later, "counts_on": day("2012.12.31"), "risk_on": day("2012.12.17")}),
        ("overdue", "software", 5, 3, "没有固定的活动场所", "2012.6.15", state.IN_HAND, {}),
        ("ended", "software", 6, 3, "办公经费不足", "2012.10.31", state.CLOSED, {}),
        ("in_hand", "algebra", 4, 5, "群众意见反馈不及时", "2012.9.30", state.IN_HAND, {}),
        ("awaiting", "algebra", 4, 3, "党员缺席组织生活没有补课", "2012.6.20", state.AWAITING,
         {"result": "6月起均在一周内补学", "requested_at": asked, "percent": 100}),
        ("planned", "chinese", 2, 4, "党建与教学结合不紧", "2012.12.15", state.APPROVED, {}),
        ("at_risk", "chinese", 4, 3, "群众意见反馈不及时。", "2012.7.5", state.IN_HAND, {}),
        ("draft", "history", 4, 2, "组织生活次数不足", "2012.10.31", state.DRAFT, {}),
        ("conditions", "direct", 5, 3, "没有独立活动室", "", state.IN_HAND,
         {"term": term.CONDITIONS, "term_reason": "图书馆改扩建", "review_on": day("2012.11.1"),
          "counts_on": day("2012.11.1"), "risk_on": day("2012.10.18"), "consented_by": verifier, "consented_at": asked}),
        ("paused", "direct", 1, 1, "支部书记空缺", "2012.6.1", state.IN_HAND,
         {"paused_on": day("2012.5.20"), "paused_until": day("2012.12.1")}),
        ("own", "letters", 4, 3, "党总支例会没有记录", "2012.10.31", state.APPROVED, {}),
    )  # fmt: skip
    made: dict[str, Item] = {}
    for key, plan, category, dimension, problem, due, now_state, more in rows:
        given = {} if now_state in ("draft", "closed") else {"approved_at": plans[plan].approved_at}
        campaign = plans[plan].campaign
        made[key] = ItemFactory(
            plan=plans[plan], ordinal=1 + sum(item.plan == plans[plan] for item in made.values()), problem=problem,
            category=campaign.rectification_categories.get(ordinal=category),
            dimension=campaign.rectification_dimensions.get(ordinal=dimension), due_on=day(due) if due else None,
            state=now_state, **given, **more,
        )  # fmt: skip
    texts = (
        ("long", "已确定培养对象2名"),
        ("overdue", "房间已落实"),
        ("overdue", "房间已落实，桌椅未到位"),
        ("in_hand", "登记11条"),
    )
    for number, (key, text) in enumerate(texts):
        ProgressFactory(item=made[key], text=text, at=asked + dt.timedelta(hours=number), percent=40)
    Progress.objects.filter(item=made["in_hand"]).update(percent=60)
    return made
