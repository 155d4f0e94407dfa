"""Targets of planning talks: a campaign of the school, people whose unit is a branch in each relation."""

import uuid
from typing import Any

from branches import clock
from branches.models import Campaign, Upload
from interviews.models import ProgressReport, RosterEntry, VisitRule
from interviews.services import planning
from tests.factories import interview_plan
from tests.factories.branches import CampaignFactory
from tests.matrix.targets import Call, target
from tests.matrix.world import World

RELATIONS = ("own", "sibling", "other")


def campaign_of(world: World) -> Campaign:
    """Return the school's campaign with everything talks need."""
    found = Campaign.objects.filter(root=world.school.root).first() or CampaignFactory(root=world.school.root)
    if not planning.is_set_up(found):
        interview_plan.VisitSettingsFactory(campaign=found)
        interview_plan.ReportPeriodFactory(campaign=found)
    return found


def _rule(campaign: Campaign) -> VisitRule:
    return VisitRule.objects.filter(campaign=campaign, visited__code="student").first() or (
        interview_plan.VisitRuleFactory(campaign=campaign)
    )


def _entry(world: World, relation: str) -> RosterEntry:
    """Return a student of the branch in a relation, whom a rule is about."""
    campaign = campaign_of(world)
    _rule(campaign)
    return interview_plan.RosterEntryFactory(campaign=campaign, unit=world.branch(relation))


@target("visit_campaign")
def visit_campaign(world: World, _relation: str, _name: str) -> Call:
    """A campaign; a POST asks for rows as a file."""
    return Call({"campaign": campaign_of(world).pk}, {"format": "csv"})


@target("visit_rule")
def visit_rule(world: World, _relation: str, _name: str) -> Call:
    """A rule of the campaign."""
    campaign = campaign_of(world)
    return Call({"campaign": campaign.pk, "pk": _rule(campaign).pk}, {})


@target("roster_entry", *RELATIONS)
def roster_entry(world: World, relation: str, _name: str) -> Call:
    """One person of the roster."""
    entry = _entry(world, relation)
    return Call({"campaign": entry.campaign_id, "pk": entry.pk}, {"version": "1"})


@target("people_upload", "own", "other")
def people_upload(world: World, relation: str, _name: str) -> Call:
    """An import the office has under way, and one of somebody else; a dropped one is not read again."""
    campaign, account = campaign_of(world), world.accounts["office" if relation == "own" else "auditor"]
    row = Upload.objects.create(
        key=uuid.uuid4().hex, kind=f"people-{campaign.pk}", name="名册.xlsx", size=1, sha256="0" * 64, account=account,
        created_at=clock.now(), state=Upload.State.DROPPED, finished_at=clock.now(),
    )  # fmt: skip
    return Call({"campaign": campaign.pk, "key": row.key, "step": "result"})


@target("visit_unit", *RELATIONS)
def visit_unit(world: World, relation: str, _name: str) -> Call:
    """The coverage of a unit with one person of the roster."""
    entry = _entry(world, relation)
    return Call({"campaign": entry.campaign_id, "unit": entry.unit_id}, {"format": "xlsx"})


@target("visit_report", *RELATIONS)
def visit_report(world: World, relation: str, _name: str) -> Call:
    """The report of a unit for a period, handed in by nobody yet."""
    entry = _entry(world, relation)
    period = entry.campaign.report_periods.first()
    ProgressReport.objects.get_or_create(period=period, unit=entry.unit)
    return Call({"campaign": entry.campaign_id, "period": period.pk, "unit": entry.unit_id}, {"save": "1"})


@target("visit_tasks", "own", "foreign_key")
def visit_tasks(world: World, relation: str, name: str) -> Call:
    """Picked people or assignments, own or of the other 党总支."""
    entry = _entry(world, "own" if relation == "own" else "other")
    if name == "visit-give":
        return Call({}, {"pick": [entry.pk]})
    task: Any = interview_plan.AssignmentFactory(entry=entry, rule=_rule(entry.campaign))
    return Call({}, {"pick": [task.pk]})
