"""The world of talks with lists of one's own, categories of problems and somebody on duty."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

from branches import clock
from branches.models import Role
from interviews.models import EmergencyContact, Matter, MatterCategory
from interviews.services import matters
from tests.factories import branches, interview_plan
from tests.factories.interview_matters import EmergencyContactFactory
from tests.interviews import talks


@dataclass
class World:
    """What there is beside the talks' own world."""

    base: talks.World
    category: MatterCategory
    handler: Any
    duty: Any
    contact: EmergencyContact


def assigned(made: talks.World, account: Any, entry: Any, **given: Any) -> Any:
    """Put somebody on an account's list."""
    rule = made.campaign.visit_rules.first() or interview_plan.VisitRuleFactory(campaign=made.campaign)
    return interview_plan.AssignmentFactory(
        campaign=made.campaign, rule=rule, entry=entry, interviewer=account.person, **given
    )


def world() -> World:
    """Make it: the interviewer is to see both people of software, one of them by yesterday."""
    base = talks.world()
    matters.set_up(by=None, campaign=base.campaign)
    day = clock.today()
    assigned(base, base.interviewer, base.student, due_on=day - dt.timedelta(days=1))
    assigned(base, base.interviewer, base.other, due_on=day + dt.timedelta(days=9))
    duty = branches.AccountFactory(role=Role.GENERAL_BRANCH_OFFICER, node=base.school.maths)
    return World(
        base=base,
        category=MatterCategory.objects.get(campaign=base.campaign, code="logistics"),
        handler=branches.AccountFactory(role=Role.CLERK, node=base.school.software),
        duty=duty,
        contact=EmergencyContactFactory(campaign=base.campaign, unit=base.school.root, account=duty),
    )


def entered(made: talks.World, *entries: Any, **given: Any) -> dict[str, Any]:
    """Return what the entry page posts about a talk."""
    return {
        "client_id": str(uuid.uuid4()),
        "account": made.interviewer.pk,
        "people": [entry.pk for entry in entries or (made.student,)],
        "held_on": clock.today().isoformat(),
        "mode": "one" if len(entries) < 2 else "group",
        "channel": made.channel.pk,
        "topics": [made.study.pk, made.worry.pk],
        "groups": [made.troubled.pk],
        "text": "夜里睡不着，担心挂科。",
        "problems": "宿舍灯坏了。",
        "place": "三号楼",
        "consent": "told",
        **given,
    }


def released(made: World, **given: Any) -> Matter:
    """Hand a problem on."""
    interview = given.pop("interview", None) or talks.recorded(made.base)
    values = {
        "category": made.category,
        "owner": made.handler,
        "due_on": clock.today() + dt.timedelta(days=7),
        "text": "三号楼二层的灯坏了。",
        **given,
    }
    return matters.release(by=made.base.interviewer, interview=interview, now=clock.now(), **values)
