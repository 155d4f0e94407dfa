"""Targets of talks and of what comes of them.

`own` is a talk of the matrix's interviewer; as `named_reader` the interviewer was named a reader of a colleague's talk,
as `expired_reader` that is over; `same_unit` and `other_unit` are a colleague's talks with people of the own 党总支 and
of the other one. Nobody's rank opens any of them.
"""

import datetime as dt
import uuid
from typing import Any

from branches import clock
from branches.models import Account, Campaign
from interviews.models import EmergencyContact, Interview, Reader, SealedRecord, VisitRule
from tests.factories import branches, interview_plan
from tests.factories.interview_matters import (
    EmergencyContactFactory,
    EmergencyReportFactory,
    FollowUpFactory,
    MatterCategoryFactory,
    MatterFactory,
)
from tests.factories.interviews import (
    ConfidenceRulesFactory,
    InterviewFactory,
    InterviewSubjectFactory,
    NoticeFactory,
    ReaderFactory,
)
from tests.matrix.targets import Call, target
from tests.matrix.world import World

RELATIONS = ("own", "named_reader", "expired_reader", "same_unit", "other_unit")


def _campaign(world: World) -> Campaign:
    found = Campaign.objects.filter(root=world.school.root).first()
    campaign = found or branches.CampaignFactory(root=world.school.root)
    if not hasattr(campaign, "confidence_rules"):
        ConfidenceRulesFactory(campaign=campaign)
        NoticeFactory(campaign=campaign, number=1)
    return campaign


def _colleague(world: World) -> Account:
    found = Account.objects.filter(username="matrix-colleague").first()
    return found or branches.holder("interviewer", world.school.maths, username="matrix-colleague")


def _talk(world: World, relation: str) -> Interview:
    """Return the talk that stands in `relation` to the interviewer."""
    mine = world.accounts["interviewer"]
    unit = world.branch("other" if relation == "other_unit" else "own")
    campaign = _campaign(world)
    row = InterviewFactory(
        campaign=campaign, unit=unit, interviewer=mine if relation == "own" else _colleague(world),
        notice=campaign.talk_notices.first(), held_on=clock.today() - dt.timedelta(days=3),
    )  # fmt: skip
    InterviewSubjectFactory(interview=row)
    if relation in ("named_reader", "expired_reader"):
        ReaderFactory(record=row.record, account=mine, granted_at=clock.now() - dt.timedelta(days=9))
        if relation == "expired_reader":
            Reader.objects.filter(record=row.record).update(until=clock.now() - dt.timedelta(days=1))
    return row


def _no_longer_reads(record: SealedRecord, account: Account) -> None:
    """Make an account one that could read a record until yesterday."""
    row = ReaderFactory(record=record, account=account, granted_at=clock.now() - dt.timedelta(days=9))
    Reader.objects.filter(pk=row.pk).update(until=clock.now() - dt.timedelta(days=1))


def _entry(world: World, account: Account) -> Any:
    """Return somebody on an account's list."""
    campaign = _campaign(world)
    rule = VisitRule.objects.filter(campaign=campaign).first() or interview_plan.VisitRuleFactory(campaign=campaign)
    entry = interview_plan.RosterEntryFactory(campaign=campaign, unit=world.branch("own"))
    interview_plan.AssignmentFactory(campaign=campaign, rule=rule, entry=entry, interviewer=account.person)
    return entry


@target("talk_entry", "own", "foreign_key")
def talk_entry(world: World, relation: str, _name: str) -> Call:
    """What the entry page posts: with somebody of my list, or with somebody of a colleague's."""
    mine, campaign = _entry(world, world.accounts["interviewer"]), _campaign(world)
    chosen = mine if relation == "own" else _entry(world, _colleague(world))
    data = {
        "client_id": str(uuid.uuid4()), "people": chosen.pk, "held_on": clock.today().isoformat(), "mode": "one",
        "channel": interview_plan.ChannelFactory(campaign=campaign).pk, "consent": "told", "text": "谈了学习。",
    }  # fmt: skip
    return Call({}, data)


@target("talk", *RELATIONS)
def talk(world: World, relation: str, name: str) -> Call:
    """A talk, with data for amending, naming a reader, planning a follow-up, handing on a problem, erasing."""
    row = _talk(world, relation)
    subject = row.subjects.get()
    day = (clock.today() + dt.timedelta(days=5)).isoformat()
    data = {"account": world.accounts["officer"].pk, "reason": "共同跟进", "until": day, "cause": "request"}
    if name == "interview-amend":
        data = {"client_id": str(row.client_id), "version": 1, "people": subject.entry_id, "text": "补充"}
    elif name == "follow-up-plan":
        data = {"entry": subject.entry_id, "due_on": day}
    elif name == "matter-new":
        category = MatterCategoryFactory(campaign=row.campaign)
        data = {"category": category.pk, "owner": world.accounts["office"].pk, "due_on": day, "text": "灯坏了"}
    return Call({"pk": row.pk}, data)


@target("talk_reader", *RELATIONS, "foreign_child")
def talk_reader(world: World, relation: str, _name: str) -> Call:
    """A reader of a talk; as a foreign child one of a colleague's talk below one's own."""
    row = _talk(world, "own" if relation == "foreign_child" else relation)
    record = _talk(world, "same_unit").record if relation == "foreign_child" else row.record
    reader = ReaderFactory(record=record, account=world.accounts["officer"])
    return Call({"pk": row.pk, "reader": reader.pk})


@target("follow_up", *RELATIONS)
def follow_up(world: World, relation: str, _name: str) -> Call:
    """A follow-up of the interviewer, or of a colleague whose talk the interviewer may read, or not."""
    return Call({"pk": FollowUpFactory(interview=_talk(world, relation)).pk}, {"reason": "已毕业"})


@target("matter", "own", "handed", "formerly_handed", "same_unit", "other_unit")
def matter(world: World, relation: str, _name: str) -> Call:
    """A problem the interviewer handed on, one handed to the interviewer, now or formerly, and a colleague's."""
    row = _talk(world, "same_unit" if "handed" in relation else relation)
    mine = world.accounts["interviewer"]
    owner = mine if relation == "handed" else _colleague(world)
    made = MatterFactory(interview=row, owner=owner, category=MatterCategoryFactory(campaign=row.campaign))
    ReaderFactory(record=made.record, account=owner)
    if relation == "formerly_handed":
        _no_longer_reads(made.record, mine)
    return Call({"pk": made.pk}, {"do": "withdraw" if relation != "handed" else "accept", "reason": "重复"})


@target("emergency_report", "sent", "received", "formerly_received", "other")
def emergency_report(world: World, relation: str, _name: str) -> Call:
    """A report the interviewer sent, one the interviewer received, and two between others."""
    mine, colleague = world.accounts["interviewer"], _colleague(world)
    contact = EmergencyContactFactory(
        campaign=_campaign(world), unit=world.school.root, account=mine if relation == "received" else colleague
    )
    reporter = {"sent": mine, "received": colleague}.get(relation, world.accounts["secretary"])
    row = EmergencyReportFactory(contact=contact, reporter=reporter)
    ReaderFactory(record=row.record, account=contact.account)
    if relation == "formerly_received":
        _no_longer_reads(row.record, mine)
    return Call({"pk": row.pk}, {"outcome": "已送医"})


@target("emergency_contact", "own", "other", "root")
def emergency_contact(world: World, relation: str, _name: str) -> Call:
    """A contact of the own 党总支, of the other one, and of the whole school."""
    unit = world.school.root if relation == "root" else world.unit(relation)
    row: EmergencyContact = EmergencyContactFactory(campaign=_campaign(world), unit=unit, account=None)
    return Call({"pk": row.pk}, {"unit": unit.pk, "duty": "保卫处值班", "phone": "17000008888", "ordinal": 1})
