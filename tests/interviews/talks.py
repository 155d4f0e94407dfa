"""A small world of talks: two units, an interviewer in one, people to talk with, and accounts of every kind."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from branches import clock
from branches.models import Account, Campaign, Role
from interviews.models import Channel, FocusGroup, Notice, RosterEntry, Topic
from interviews.services import confidence, interviews
from interviews.services.talk_checks import Talk
from tests.factories import branches, interview_plan


@dataclass
class World:
    """Who and what there is."""

    school: Any
    campaign: Campaign
    notice: Notice
    channel: Channel
    study: Topic
    worry: Topic
    freshmen: FocusGroup
    troubled: FocusGroup
    student: RosterEntry
    other: RosterEntry
    elsewhere: RosterEntry
    interviewer: Account
    colleague: Account
    office: Account
    officer: Account
    administrator: Account
    auditor: Account


def world() -> World:
    """Make it."""
    school = branches.school()
    campaign = branches.CampaignFactory(root=school.root)
    confidence.set_up(by=None, campaign=campaign, now=clock.now())

    def entry(unit):
        return interview_plan.RosterEntryFactory(campaign=campaign, unit=unit)

    def account(role, node):
        return branches.AccountFactory(role=role, node=node)

    return World(
        school=school,
        campaign=campaign,
        notice=Notice.objects.current(campaign),
        channel=interview_plan.ChannelFactory(campaign=campaign),
        study=interview_plan.TopicFactory(campaign=campaign, code="study", name="学习"),
        worry=interview_plan.TopicFactory(campaign=campaign, code="worry", name="心理困惑", sensitive=True),
        freshmen=interview_plan.FocusGroupFactory(campaign=campaign, code="freshmen", name="新生"),
        troubled=interview_plan.FocusGroupFactory(campaign=campaign, code="troubled", name="心理困惑", sensitive=True),
        student=entry(school.software),
        other=entry(school.software),
        elsewhere=entry(school.chinese),
        interviewer=account(Role.INTERVIEWER, school.maths),
        colleague=account(Role.INTERVIEWER, school.maths),
        office=account(Role.OFFICE, school.root),
        officer=account(Role.GENERAL_BRANCH_OFFICER, school.maths),
        administrator=account(Role.ADMINISTRATOR, school.root),
        auditor=account(Role.AUDITOR, school.root),
    )


def talk(made: World, **given: Any) -> Talk:
    """Return a talk that is in order, with these changes."""
    values = {
        "entries": [made.student],
        "held_on": clock.today(),
        "channel": made.channel,
        "one_to_one": True,
        "notice": made.notice,
        "consent": "told",
        "topics": [made.study, made.worry],
        "focus_groups": [made.freshmen, made.troubled],
        "text": "最近睡不好，想换宿舍。",
        "problems": "宿舍太吵。",
        "place": "三号楼 204",
    }
    return Talk(**{**values, **given})


def recorded(made: World, by: Account | None = None, **given: Any) -> Any:
    """Record a talk and return it."""
    return interviews.record_interview(
        by=by or made.interviewer,
        client_id=uuid.uuid4(),
        campaign=made.campaign,
        talk=talk(made, **given),
        now=clock.now(),
    ).interview


def in_days(days: float) -> dt.datetime:
    """Return the moment so many days from now."""
    return clock.now() + dt.timedelta(days=days)
