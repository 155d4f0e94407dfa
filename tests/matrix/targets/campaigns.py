"""Campaigns: one held by the committee above everybody, and one of the other 党总支."""

from branches.models import Campaign
from tests.factories.branches import CampaignFactory, DeliverableFactory, StageFactory
from tests.matrix.targets import Call, target
from tests.matrix.world import World


def _campaign(world: World, relation: str) -> Campaign:
    root = world.school.root if relation == "above" else world.unit("other")
    stage = StageFactory(campaign=CampaignFactory(root=root), ordinal=1)
    DeliverableFactory(stage=stage, ordinal=1)
    return stage.campaign


@target("campaign", "above", "other")
def campaign(world: World, relation: str, name: str) -> Call:
    """A campaign, with dates and people that could be saved."""
    del name
    made = _campaign(world, relation)
    stage = made.stages.get()
    data = {
        "version": made.version,
        "starts_on": made.starts_on,
        "ends_on": made.ends_on,
        f"stage_{stage.pk}_first": stage.starts_on,
        f"stage_{stage.pk}_last": stage.ends_on,
        f"due_{stage.deliverables.get().pk}": "2012-04-30",
        "leading": "郭少华　组长",
    }
    return Call(kwargs={"pk": made.pk}, data=data)


@target("preset_family")
def preset_family(world: World, relation: str, name: str) -> Call:
    """The notice family that comes with the product."""
    del world, relation, name
    return Call(data={"name": "2012"})
