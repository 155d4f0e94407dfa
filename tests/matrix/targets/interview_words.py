"""Targets of a campaign's words and classes."""

from interviews.models import ClassGroup
from tests.factories import interview_matters, interview_plan
from tests.matrix.targets import Call, target
from tests.matrix.targets.interview_plan import RELATIONS, campaign_of
from tests.matrix.world import World


@target("visit_word", "topics", "matters", "sections")
def visit_word(world: World, relation: str, name: str) -> Call:
    """A word of a sort that nothing refers to; another of its sort stays in use."""
    campaign = campaign_of(world)
    if name == "visit-word-new":
        return Call({"campaign": campaign.pk, "sort": relation}, {})
    factory = {
        "topics": interview_plan.TopicFactory,
        "matters": interview_matters.MatterCategoryFactory,
        "sections": interview_plan.ReportSectionFactory,
    }[relation]
    rows = [factory(campaign=campaign, code=code, name=code) for code in ("one", "two")]
    return Call({"campaign": campaign.pk, "sort": relation, "pk": rows[0].pk}, {"up": "1"})


@target("visit_period")
def visit_period(world: World, _relation: str, _name: str) -> Call:
    """A period nobody has reported for."""
    campaign = campaign_of(world)
    return Call({"campaign": campaign.pk, "pk": interview_plan.ReportPeriodFactory(campaign=campaign).pk}, {})


def _class(world: World, relation: str) -> ClassGroup:
    found: ClassGroup = interview_plan.ClassGroupFactory(campaign=campaign_of(world), unit=world.branch(relation))
    return found


@target("class_group", *RELATIONS)
def class_group(world: World, relation: str, _name: str) -> Call:
    """A class nobody is in, of the branch in a relation."""
    group = _class(world, relation)
    return Call({"campaign": group.campaign_id, "pk": group.pk}, {"version": "1"})


@target("class_groups", "own", "foreign_key")
def class_groups(world: World, relation: str, _name: str) -> Call:
    """A picked class, own or of the other 党总支."""
    return Call({}, {"pick": [_class(world, "own" if relation == "own" else "other").pk]})
