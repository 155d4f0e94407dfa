"""The demo's rectification: a pilot of the year before, graded and due these days, with plans and items in every state.

In the campaign of this year the first graded branches have begun: drafts, a plan handed in, one returned, one approved.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from branches.models import Account, Branch, BranchProfile, Campaign, Role, RoleGrant
from branches.transitions import Decision
from grading.models import Assessment, Preset, Result, Round, RoundUnit, Source
from grading.services import presets, results, rounds
from rectification.models import Category, Dimension, Item, Plan
from rectification.offers import known_of
from rectification.services import changes, items, meetings, plans, progress, verification
from reporting.demo.round_one import Filler

NAME, SHORT_NAME = "2011年基层组织建设试点", "基层组织建设试点"
BEGUN_DAYS = 245  # before the demo's day: plans were due after 65 days, items are due a month from now
PILOT_GROUPS = 1
DAYS_AGO = {"approved": 210, "returned": 20}  # since a pilot plan was drawn up; the others are late

ABSENT_NAMES = (("叶海燕", "出差"), ("郭德胜", "病假"))
LONG = 100  # days after which an item may be past its day


@dataclass(frozen=True, slots=True)
class Trouble:
    """A typical problem with what to do about it; `how` says where it stands, `due` in how many days it is due."""

    problem: str
    category: str
    dimension: str
    goal: str
    measures: str
    how: str = "in_hand"
    due: int = 5
    percent: int = 40
    said: str = "已开会安排，正在办理。"


AGE = Trouble(
    "支委未配齐，缺组织委员", "secretary", "leadership", "支委按职数配齐",
    "2月15日前召开支部党员大会，按程序增补组织委员1名，由书记负责。", "verified", -40, 100,
    "已增补1名组织委员，报党总支备案。",
)  # fmt: skip
READING = Trouble(
    "学习以念文件为主，青年党员发言少", "systems", "members", "每次学习有讨论、有记录",
    "每月学习1次，每次安排2名党员主题发言，由宣传委员负责。", "in_hand", 5, 60,
    "2月、3月各学习1次，4名党员作主题发言。",
)  # fmt: skip
ABSENT = Trouble(
    "会议记录漏记请假人员和原因", "systems", "mechanism", "会议记录要素齐全",
    "每次会后3天内由组织委员核对签到册，补记请假人员和原因。", "overdue", -9, 30,
    "已核对3次会议记录，还有5次没有补记。",
)  # fmt: skip
VENUE = Trouble(
    "活动室与教研室合用，组织生活时间常被占用", "venue", "mechanism", "有独立活动室，制度上墙",
    "3月25日前与学院办公室商定1间独立活动室，由书记负责。", "awaiting", -2, 100, "已落实教学楼302室，制度上墙。",
)  # fmt: skip
YOUNG = Trouble(
    "青年教师中发展党员少，近3年只发展1人", "coverage", "members", "建立培养名册，每年发展2名",
    "每名支委联系2名青年教师，每学期谈话1次，由组织委员负责。", "long_term", 270, 30, "已建立6人培养名册，谈话5人次。",
)  # fmt: skip
SKINS = Trouble(
    "党建工作与教学科研结合不紧", "direction", "results", "形成1个结合教学的品牌活动",
    "每学期组织2次党员示范课，由各党小组长负责。", "reopened", 3, 50, "已组织1次示范课。",
)  # fmt: skip
GRADUATES = Trouble(
    "毕业生党员去向掌握不全", "coverage", "members", "毕业生党员去向全部登记",
    "4月20日前逐人联系12名毕业生党员，登记去向，由副书记负责。", "planned", 25, 0, "",
)  # fmt: skip
ANSWERS = Trouble(
    "群众意见有登记，没有回音", "systems", "response", "件件有答复",
    "每月10日前由书记公布上月意见的办理情况。", "paused", 4, 40, "已公布2月意见办理情况。",
)  # fmt: skip
BUILDING = Trouble(
    "活动室在待拆旧楼，没有投影设备", "support", "mechanism", "新楼启用后配齐设备",
    "新楼启用后1个月内配投影1台、桌椅20套，由书记负责。", "conditions", 150, 0, "",
)  # fmt: skip
FUNDS = Trouble(
    "活动经费没有列入年度预算", "support", "mechanism", "经费按人均标准列入预算",
    "3月底前由党总支与财务处商定列支办法。", "escalated", 25, 20, "党总支已与财务处沟通。",
)  # fmt: skip
#: Of each pilot branch in turn: how far its plan is, and its items.
PILOT: tuple[tuple[str, tuple[Trouble, ...]], ...] = (
    ("approved", (AGE, READING, ABSENT, VENUE, YOUNG)),
    ("submitted", (READING, ABSENT, GRADUATES)),
    ("approved", (SKINS, ANSWERS, BUILDING)),
    ("returned", (ABSENT, VENUE)),
    ("approved", (FUNDS, GRADUATES, ABSENT)),
    ("draft", (READING, SKINS)),
    ("approved", (VENUE, READING)),
    ("none", ()),
)
THIS_YEAR = ("submitted", "draft", "returned", "approved", "draft")


@dataclass(slots=True)
class Cast:
    """Who acts for which node: the 书记 of branches, the officers of 党总支, somebody of the office."""

    office: Account
    secretaries: dict[int, Account] = field(default_factory=dict)
    officers: dict[int, Account] = field(default_factory=dict)

    @classmethod
    def read(cls) -> "Cast":
        """Read the accounts of the demo once."""
        rows = RoleGrant.objects.select_related("account__person")
        found = cls(rows.filter(role=Role.OFFICE).order_by("pk")[0].account)
        for row in rows.filter(role__in=[Role.SECRETARY, Role.GENERAL_BRANCH_OFFICER]):
            into = found.secretaries if row.role == Role.SECRETARY else found.officers
            into[row.node_id] = row.account
        return found

    def above(self, unit: RoundUnit) -> Account:
        """Return who decides and verifies for a branch."""
        return self.office if unit.direct else self.officers.get(unit.parent_id, self.office)


def build(root: Branch, now: dt.datetime) -> Iterator[str]:
    """Make the pilot of the year before, and let the first graded branches of this year begin their plans."""
    cast = Cast.read()
    pilot = _pilot(root, now)
    units = RoundUnit.objects.filter(round=pilot, graded=True).select_related("round__campaign", "branch", "parent")
    for number, unit in enumerate(units):
        how, troubles = PILOT[number % len(PILOT)]
        if number < len(PILOT):
            _Author(unit, cast, now).write(how, troubles)
    yield f"{pilot.campaign.name}: {Item.objects.filter(plan__round=pilot).count()} items"
    graded = RoundUnit.objects.filter(results__state=Result.State.DECIDED).exclude(round=pilot)
    rows = graded.distinct().select_related("round__campaign", "branch", "parent")
    for how, unit in zip(THIS_YEAR, rows, strict=False):
        _Author(unit, cast, now, ahead=60).write(how, (READING, ABSENT, GRADUATES) if how != "draft" else (READING,))
    yield f"plans: {Plan.objects.count()}"


def _pilot(root: Branch, now: dt.datetime) -> Round:
    """Open the pilot, grade the branches of the first 党总支 and finish its first round."""
    begun = now - dt.timedelta(days=BEGUN_DAYS)
    plan = presets.CampaignPlan(name=NAME, year=begun.year, starts_on=begun.date())
    preset = Preset.objects.filter(code="2012").latest("pk")
    campaign = presets.open_campaign(by=None, preset=preset, root=root, plan=plan)
    Campaign.objects.filter(pk=campaign.pk).update(short_name=SHORT_NAME)
    campaign.rounds.exclude(ordinal=1).delete()
    round_ = rounds.open_round(by=None, round_=campaign.rounds.get(), now=begun)
    groups = list(dict.fromkeys(round_.units.order_by("parent_position").values_list("parent", flat=True)))
    others = round_.units.exclude(parent__in=groups[:PILOT_GROUPS]) | round_.units.filter(direct=True)
    RoundUnit.objects.filter(pk__in=others.values("pk")).update(graded=False, not_graded_reason="不参加试点")
    _grade(round_, begun)
    round_.refresh_from_db()
    return round_


def _grade(round_: Round, now: dt.datetime) -> None:
    """Fill everything of the graded branches, decide, and finish the round."""
    filler = Filler(round_, now)
    for unit in round_.units.filter(graded=True).select_related("rubric", "branch"):
        filler.fill(unit, "decided")
    filler.rows.write()
    Assessment.objects.filter(unit__round=round_, source__code=Source.SUPERIOR).update(reason_checked_at=now)
    round_ = rounds.move_round(by=None, round_=round_, to=Round.State.SCORING, now=now)
    computed = results.compute_round(by=None, round_=round_, now=now)
    choices = {row.unit_id: results.Choice(row.computed_grade.code) for row in computed.results if row.computed_grade}
    results.decide_grades(by=None, round_=round_, choices=choices, decision=Decision("总支委员会", now.date()), now=now)
    round_ = rounds.move_round(by=None, round_=round_, to=Round.State.DECIDING, now=now)
    rounds.finalise(by=None, round_=round_, now=now)


class _Author:
    """Writes the plan of one branch through the services, as its people would."""

    def __init__(self, unit: RoundUnit, cast: Cast, now: dt.datetime, *, ahead: int = 0) -> None:
        """Know who acts; `ahead` moves all deadlines of the pilot's items by so many days."""
        self.unit, self.now, self.ahead = unit, now, ahead
        self.secretary = cast.secretaries[unit.branch_id]
        self.officer = cast.above(unit)
        self.begun, self.old = now, False
        self.plan = Plan()

    def write(self, how: str, troubles: Sequence[Trouble]) -> None:
        """Draw up a plan and bring it to `how`: none, draft, submitted, returned, approved."""
        if how == "none":
            return
        days = DAYS_AGO.get(how, 3) if not self.ahead else 1
        self.begun = self.now - dt.timedelta(days=days)
        self.old = days > LONG
        self.plan = plans.start(by=self.secretary, unit=self.unit, now=self.begun)
        known = known_of(self.unit, self.unit.branch_id)
        keys = [offer.key for group in known.groups if group.code == "annex4" for offer in group.offers]
        rows = [self._item(trouble, key) for trouble, key in zip(troubles, [*keys, "", "", ""], strict=False)]
        if how == "draft":
            return
        self._meeting()
        plans.submit(by=self.secretary, plan=self.plan, now=self.begun)
        if how == "submitted":
            return
        back = plans.Ruling(approve=False, reason="措施太笼统，请写明做几次、什么时候做、谁来做。")
        rulings = {
            row.pk: back if how == "returned" and number == 0
            else plans.Ruling(approve=True, consents=True, owner_name=str(self.officer))
            for number, row in enumerate(rows)
        }  # fmt: skip
        plans.decide_items(by=self.officer, plan=self.plan, rulings=rulings, now=self.begun)
        if how == "approved" and not self.ahead:
            for trouble, row in zip(troubles, rows, strict=True):
                self._carry_out(trouble, Item.objects.get(pk=row.pk))

    def _day(self, days: int) -> dt.date:
        return (self.now + dt.timedelta(days=days + self.ahead)).date()

    def _item(self, trouble: Trouble, key: str) -> Item:
        campaign = self.plan.campaign_id
        due = self._day(trouble.due if self.old else max(trouble.due, 3))
        values: dict[str, Any] = {
            "problem": trouble.problem, "goal": trouble.goal, "measures": trouble.measures,
            "category": Category.objects.get(campaign=campaign, code=trouble.category),
            "dimension": Dimension.objects.get(campaign=campaign, code=trouble.dimension),
            "leader": str(self.secretary), "owner_name": "李育民", "source_key": key,
            "source": Item.Source.SURVEY if key else Item.Source.OTHER, "due_on": due,
        }  # fmt: skip
        points: list[dt.date] = []
        if trouble.how == "long_term":
            values |= {"term": Item.Term.LONG_TERM, "term_reason": "发展党员要按程序培养，一年内难以完成。"}
            points = [self._day(100), self._day(260)]
        elif trouble.how == "conditions":
            reason = "新教学楼今年9月启用，现有活动室待拆。"
            values |= {"term": Item.Term.CONDITIONS, "term_reason": reason, "review_on": self._day(150), "due_on": None}
        saved = items.save_item(
            by=self.secretary, plan=self.plan, item=None, version=0, values=values, checkpoints=points, now=self.begun
        )
        if trouble.how == "escalated":
            reason = "经费列支要由学院和财务处商定，支部解决不了。"
            saved = items.escalate(by=self.secretary, item=saved, reason=reason, now=self.begun)
        return saved

    def _meeting(self) -> None:
        profile = BranchProfile.objects.filter(branch=self.unit.branch_id).first()
        members = (profile and profile.total_members) or len(ABSENT_NAMES) * 6
        values = {
            "held_on": self.begun.date(), "place": "学院会议室", "chair": str(self.secretary), "recorder": "李育民",
            "should_attend": members, "present": members - len(ABSENT_NAMES), "excused": len(ABSENT_NAMES), "absent": 0,
            "opinions": "大家同意方案。建议把会议记录的整改时限提前，措施写明次数和责任人。",
            "resolution": "通过整改提高方案，报党总支审批。",
        }  # fmt: skip
        absences = [(name, "excused", reason) for name, reason in ABSENT_NAMES]
        meetings.save_meeting(
            by=self.secretary, plan=self.plan, version=0, values=values, absences=absences, now=self.begun
        )

    def _carry_out(self, trouble: Trouble, item: Item) -> None:
        """Bring one approved item to where the demo shows it."""
        if not trouble.said:
            return
        reporter = self.officer if trouble.how == "escalated" else self.secretary
        some = self.now - dt.timedelta(days=20)
        progress.add_progress(by=reporter, item=item, percent=min(trouble.percent, 80), text=trouble.said, now=some)
        item.refresh_from_db()
        if trouble.how in ("awaiting", "verified", "reopened"):
            at = self.now - dt.timedelta(days=5)
            progress.request_completion(by=self.secretary, item=item, result=trouble.said, now=at)
        if trouble.how in ("verified", "reopened"):
            self._verify(item, passed=trouble.how == "verified")
        elif trouble.how == "paused":
            until = self.now.date() + dt.timedelta(days=30)
            asked = changes.request(
                by=self.secretary, item=item, kind="pause", new={"paused_until": until.isoformat()},
                reason="学院搬迁，公布栏正在更换", now=some,
            )  # fmt: skip
            changes.decide(by=self.officer, change=asked, consent=True, now=some)
        elif trouble.how == "overdue" and self.unit.position % 2 == 0:
            new = {"due_on": self._day(4).isoformat()}
            changes.request(
                by=self.secretary, item=item, kind="deadline", new=new, reason="记录本在外送装订", now=self.now
            )

    def _verify(self, item: Item, *, passed: bool) -> None:
        day = (self.now - dt.timedelta(days=3)).date()
        finding = "查看会议记录和备案表，已落实。" if passed else "只组织了1次示范课，没有听课记录，请补上第2次。"
        recheck = (self.now + dt.timedelta(days=5)).date() if passed else None
        item = Item.objects.get(pk=item.pk)
        verification.verify(
            by=self.officer, item=item, passed=passed, finding=finding, on=day, on_site=True, recheck_on=recheck,
            now=self.now - dt.timedelta(days=3),
        )  # fmt: skip
