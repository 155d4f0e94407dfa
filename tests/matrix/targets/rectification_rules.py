"""The rules of a campaign's rectification."""

from tests.matrix.targets import Call, target
from tests.matrix.targets.campaigns import _campaign
from tests.matrix.world import World


@target("campaign_rules", "above", "other")
def campaign_rules(world: World, relation: str, name: str) -> Call:
    """A campaign with rules that could be saved."""
    del name
    data = {
        "version": 1, "plan_due_on": "2012-05-31", "item_due_on": "2012-12-31", "at_risk_days": 14,
        "plan_reminder_days": 7, "checkpoint_months": 12, "digest_hour": 8, "notice_pattern": "督〔{year}〕{number}号",
        "notice_reply_days": 7, "categories": "抓书记强班子", "dimensions": "领导班子好",
    }  # fmt: skip
    return Call({"pk": _campaign(world, relation).pk}, data=data)
