"""Targets of keeping confidence: rules and notices of a campaign, and people who ask for erasure."""

import datetime as dt

from branches import clock
from branches.models import Campaign
from tests.factories import branches, interview_plan
from tests.factories.interviews import (
    ConfidenceRulesFactory,
    InterviewFactory,
    InterviewSubjectFactory,
    NoticeFactory,
    ReaderFactory,
)
from tests.matrix.targets import Call, target
from tests.matrix.world import World


def _campaign(world: World) -> Campaign:
    campaign = Campaign.objects.filter(root=world.school.root).first()
    campaign = campaign or branches.CampaignFactory(root=world.school.root)
    if not hasattr(campaign, "confidence_rules"):
        ConfidenceRulesFactory(campaign=campaign)
    return campaign


@target("confidence_rules", "own", "other")
def confidence_rules(world: World, relation: str, _name: str) -> Call:
    """A campaign of the school; the other one has no talks set up."""
    own = _campaign(world)
    campaign = own if relation == "own" else branches.CampaignFactory(root=world.school.root, name="没有访谈的活动")
    rules = own.confidence_rules
    rules.refresh_from_db()
    data = {"retain_months": 12, "reader_days": 30, "text_limit": 5000, "version": rules.version}
    return Call({"pk": campaign.pk}, data | {"title": "告知书", "body": "谈话内容加密保存。"})


@target("talk_notice", "own", "foreign_child")
def talk_notice(world: World, relation: str, _name: str) -> Call:
    """A draft of the campaign's notice; as a foreign child that of another campaign."""
    campaign = _campaign(world)
    other = branches.CampaignFactory(root=world.school.root, name=f"另一活动 {clock.now():%f}")
    notice = NoticeFactory(campaign=campaign if relation == "own" else other, published_at=None)
    return Call({"pk": campaign.pk, "notice": notice.pk})


@target("request_to_erase", "own", "other")
def request_to_erase(world: World, relation: str, _name: str) -> Call:
    """Somebody of the own 党总支, or of the other one, whom a talk was with."""
    campaign, unit = _campaign(world), world.branch(relation)
    entry = interview_plan.RosterEntryFactory(campaign=campaign, unit=unit)
    InterviewSubjectFactory(interview=InterviewFactory(campaign=campaign, unit=unit), entry=entry)
    return Call({}, {"number": entry.person.number})


@target("leaver", "own", "other", "foreign_child")
def leaver(world: World, relation: str, name: str) -> Call:
    """A talk somebody without any role left behind, in the own 党总支 or in the other one, and who reads it.

    As a foreign child the account is no reader of it.
    """
    campaign, unit = _campaign(world), world.branch("other" if relation == "other" else "own")
    owner = branches.AccountFactory()
    row = InterviewFactory(campaign=campaign, unit=unit, interviewer=owner)
    named = ReaderFactory(record=row.record, account=branches.holder("interviewer", world.school.maths))
    taken = world.accounts["office"].pk if relation == "foreign_child" else named.account_id
    day = (clock.today() + dt.timedelta(days=5)).isoformat()
    path = {"pk": owner.pk} if name == "leaver" else {"pk": owner.pk, "account": taken}
    return Call(path, {"account": world.accounts["interviewer"].pk, "reason": "离任交接", "until": day})
