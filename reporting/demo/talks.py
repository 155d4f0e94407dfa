"""The demo's talks: a tutor half through the own list, a hard case with a revisit, problems in every state."""

import datetime as dt
import uuid
from collections.abc import Iterator
from typing import Any

from branches import clock
from branches.models import Account, Branch, Campaign, Role, RoleGrant
from interviews.mine import my_entries
from interviews.models import Channel, EmergencyContact, FocusGroup, Interview, Matter, MatterCategory, Notice, Topic
from interviews.services import emergency, matters, readers, talks
from interviews.services.talk_checks import Talk
from reporting.demo import talk_people

SAID = (
    ("大二课程难度上升，能跟上，想参加师范技能竞赛。", "study"),
    ("担任宿舍长，宿舍关系融洽，打算递交入党申请书。", "party"),
    ("高等数学挂科一门，已报名重修，约好每周三答疑。", "study"),
    ("想了解实习安排，希望早点知道实习学校名单。", "career"),
    ("参加了支教队，谈了暑期实践的打算。", "thought"),
    ("反映晚自习教室灯光偏暗，看书吃力。", "logistics"),
)
HARD = "近两个月情绪低落，常失眠，父亲住院，家里开支吃紧。已同家长通话，约定两周后再谈，并请学院共同关心。"


class _Recorder:
    """Records talks of one interviewer."""

    def __init__(self, campaign: Campaign, account: Account, now: dt.datetime) -> None:
        """Read the campaign's words."""
        self.campaign, self.account, self.now = campaign, account, now
        self.channels = list(Channel.objects.filter(campaign=campaign))
        self.topics = {row.code: row for row in Topic.objects.filter(campaign=campaign)}
        self.groups = {row.code: row for row in FocusGroup.objects.filter(campaign=campaign)}
        notice = Notice.objects.current(campaign)
        assert notice is not None  # noqa: S101  set up with the campaign
        self.notice = notice

    def record(self, entries: list[Any], days: int, text: str, topics: tuple[str, ...], **given: Any) -> Interview:
        """Record a talk held some days ago."""
        day = self.now.date() - dt.timedelta(days=days)
        talk = Talk(
            entries=entries,
            held_on=max(day, self.campaign.starts_on),
            channel=self.channels[given.get("channel", 0)],
            one_to_one=len(entries) == 1,
            notice=self.notice,
            consent=Interview.Consent.TOLD,
            topics=[self.topics[code] for code in topics],
            focus_groups=[self.groups[code] for code in given.get("groups", ())],
            text=text,
            problems=given.get("problems", ""),
            place=given.get("place", ""),
        )
        number = uuid.uuid5(uuid.NAMESPACE_URL, f"demo-talk-{self.account.pk}-{days}-{entries[0].pk}")
        entered = talks.Entered(number, talk, given.get("follow_due"))
        return talks.record(by=self.account, campaign=self.campaign, entered=entered, now=self.now)


def build(root: Branch, now: dt.datetime) -> Iterator[str]:
    """Fill the roster, then record, follow up and report."""
    campaign = Campaign.objects.filter(root=root, backfill=False).order_by("-year", "-pk")[0]
    tutor = talk_people.build(root, campaign, now)
    recorder = _Recorder(campaign, tutor, now)
    mine = list(my_entries(tutor, campaign, now.date()))
    made = [
        recorder.record(
            [entry], 9 - number, text, (topic,), channel=number % 2 * 4, place="图书馆一楼" if number else ""
        )
        for number, (entry, (text, topic)) in enumerate(zip(mine, SAID, strict=False))
    ]
    hard = recorder.record(
        [mine[6]], 2, HARD, ("mind", "life"), groups=("distress", "hardship"), problems="家庭临时困难，想申请补助。",
        place="学院谈话室", follow_due=now.date() + dt.timedelta(days=2),
    )  # fmt: skip
    recorder.record(mine[7:13], 4, "班会后座谈：学风、寝室卫生、考研意向。", ("study", "student_work"))
    _follow(recorder, made, hard, root)
    yield f"{Interview.objects.count()} talks, {Matter.objects.count()} problems"


def _holder(role: Role) -> Account:
    return RoleGrant.objects.filter(role=role).select_related("account__person").order_by("pk")[0].account


def _follow(recorder: _Recorder, made: list[Interview], hard: Interview, root: Branch) -> None:
    """Hand problems on in several states, name a reader, report an emergency to the office."""
    campaign, tutor, now = recorder.campaign, recorder.account, recorder.now
    officer, organiser = _holder(Role.GENERAL_BRANCH_OFFICER), _holder(Role.ORGANISER)
    categories = {row.code: row for row in MatterCategory.objects.filter(campaign=campaign)}

    def hand_on(talk: Interview, code: str, text: str, days: int) -> Matter:
        return matters.release(
            by=tutor, interview=talk, category=categories[code], owner=officer, text=text,
            due_on=now.date() + dt.timedelta(days=days), now=now,
        )  # fmt: skip

    light = hand_on(made[5], "logistics", "三号教学楼二层晚自习教室灯光偏暗，请报修更换。", 5)
    matters.accept(by=officer, matter=light, now=now)
    places = hand_on(made[3], "teaching", "学生希望提前公布教育实习学校名单。", 12)
    matters.accept(by=officer, matter=places, now=now)
    matters.answer(
        by=officer, matter=places, outcome=Matter.Outcome.SOLVED, result="已与教务处商定，4月中旬公布名单。", now=now
    )
    hand_on(hard, "hardship", "一名学生家庭临时困难，请告知临时补助的申请办法和时限。", 7)
    readers.grant_reader(
        by=tutor, record=hard.record, account=organiser, reason="学院共同关心，协助联系家长", now=now,
        until=clock.end_of(now.date() + dt.timedelta(days=20)),
    )  # fmt: skip
    _contacts(campaign, root)
    contact = EmergencyContact.objects.filter(campaign=campaign).exclude(account=None)[0]
    facts = emergency.Facts("学生昨晚未归，同寝室同学和家长都联系不上，最后一次见到是21时在操场。", None, None)
    number = uuid.uuid5(uuid.NAMESPACE_URL, "demo-emergency")
    emergency.report(by=tutor, client_id=number, contact=contact, facts=facts, now=now)


def _contacts(campaign: Campaign, root: Branch) -> None:
    lines = (
        emergency.Line(root, "学校总值班室", "值班人员", "17000020001", "全天", _holder(Role.OFFICE), 1),
        emergency.Line(root, "心理健康教育中心", "", "17000020002", "8:00至22:00", None, 2),
        emergency.Line(root, "保卫处", "", "17000020003", "全天", None, 3),
    )
    for line in lines:
        emergency.save_contact(by=_holder(Role.OFFICE), campaign=campaign, line=line)
