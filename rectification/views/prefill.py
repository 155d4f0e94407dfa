"""What a new item starts with, so that nothing known is typed: the 书记 leads, the deadline is the campaign's."""

from typing import Any

from branches import clock
from branches.models import Appointment
from rectification.models import Dimension, Item, Plan
from rectification.offers import Offer
from rectification.services.settings import rules_of


def leader_of(plan: Plan) -> str:
    """Return the 书记 of the plan's branch or 党总支."""
    held = Appointment.objects.on(clock.today()).secretaries().filter(branch=plan.branch_id)
    row = held.select_related("person").first()
    if row is not None:
        return row.person.name
    return plan.unit.secretary_name if plan.unit else ""


def people_of(plan: Plan) -> list[str]:
    """Return the names of those who hold a post in the plan's branch or 党总支, to choose an owner from."""
    held = Appointment.objects.on(clock.today()).filter(branch=plan.branch_id)
    return list(dict.fromkeys(held.order_by("pk").values_list("person__name", flat=True)))


def defaults(plan: Plan) -> dict[str, Any]:
    """Return what every new item starts with."""
    rules = rules_of(plan.campaign)
    return {"leader": leader_of(plan), "due_on": rules.item_due_on, "files_required": rules.files_required}


def of_offer(plan: Plan, offer: Offer) -> dict[str, Any]:
    """Return what an item made of an offer starts with."""
    values = defaults(plan) | {
        "source": offer.source, "source_key": offer.key, "problem": offer.text, "measures": offer.measures,
        "term": Item.Term.NORMAL,
    }  # fmt: skip
    if offer.section:
        rows = Dimension.objects.filter(campaign=plan.campaign_id)
        values["dimension"] = next((row for row in rows if offer.section in row.sections), None)
    return values
