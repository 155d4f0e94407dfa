"""Rules of a campaign as rows: stored from its preset when they are first needed, changed by the office."""

import datetime as dt
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q

from branches import audit
from branches.models import Account, Campaign
from branches.versions import save_versioned
from grading.models import Round
from grading.services.errors import RefusedError, refuse
from rectification import preset
from rectification.models import Category, Dimension, Item, Plan, RectificationRules
from rectification.terms import zh

FIELDS = (*preset.PLAIN, "plan_due_on", "item_due_on")


def rules_of(campaign: Campaign) -> RectificationRules:
    """Return the rules of a campaign: the stored ones, else an unsaved row from its preset. Writes nothing."""
    stored = RectificationRules.objects.filter(campaign=campaign).first()
    return stored or RectificationRules(campaign=campaign, **preset.values_of(campaign))


def plan_due_on(round_: Round) -> dt.date | None:
    """Return the last day for plans of a round; a later round of the year and a 历史补录 have none."""
    campaign = round_.campaign
    if campaign.backfill or Round.objects.filter(campaign=campaign, ordinal__lt=round_.ordinal).exists():
        return None
    return rules_of(campaign).plan_due_on


@transaction.atomic
def ensure_rules(*, by: Account | None, campaign: Campaign, now: dt.datetime) -> RectificationRules:  # noqa: ARG001
    """Store the rules, categories and dimensions of a campaign unless they are there."""
    Campaign.objects.select_for_update().get(pk=campaign.pk)
    stored = RectificationRules.objects.filter(campaign=campaign).first()
    if stored is not None:
        return stored
    rules = RectificationRules.objects.create(campaign=campaign, **preset.values_of(campaign))
    content = preset.content_of(campaign)
    Category.objects.bulk_create(
        Category(campaign=campaign, ordinal=number, code=row["code"], name=row["name"])
        for number, row in enumerate(content["categories"], start=1)
    )
    Dimension.objects.bulk_create(
        Dimension(
            campaign=campaign, ordinal=number, code=row["code"], name=row["name"], sections=row.get("sections", [])
        )
        for number, row in enumerate(content["dimensions"], start=1)
    )  # fmt: skip
    audit.record(
        by=by, action="rectification.rules", thing=rules, branch=campaign.root, summary="按预设设定整改规则",
        after={"plan_due_on": rules.plan_due_on, "item_due_on": rules.item_due_on},
    )  # fmt: skip
    return rules


@transaction.atomic
def save_rules(
    *, by: Account | None, rules: RectificationRules, version: int, values: dict[str, Any], now: dt.datetime
) -> RectificationRules:
    """Change the rules if the row still has `version`; limits and reminder days of unfinished items follow.

    Raises RefusedError for rules that do not fit together or that leave approved deadlines behind, ConflictError.
    """
    unknown = set(values) - set(FIELDS)
    if unknown:
        message = f"unknown rules: {sorted(unknown)}"
        raise ValueError(message)
    if rules.pk is None:
        rules = ensure_rules(by=by, campaign=rules.campaign, now=now)
    before = {field: getattr(rules, field) for field in values}
    changed = RectificationRules(pk=rules.pk, campaign=rules.campaign, **_values(rules) | values)
    try:
        changed.full_clean(exclude=["campaign"], validate_unique=False)
    except ValidationError as error:
        raise RefusedError(error.messages) from error
    _refuse_left_behind(rules, changed.item_due_on)
    fresh = save_versioned(rules, version=version, values=values)
    _renew_items(fresh)
    audit.record(
        by=by, action="rectification.rules", thing=fresh, branch=fresh.campaign.root, summary="修改整改规则",
        before=before, after={field: getattr(fresh, field) for field in values},
    )  # fmt: skip
    return fresh


def _values(rules: RectificationRules) -> dict[str, Any]:
    return {field: getattr(rules, field) for field in FIELDS}


def _refuse_left_behind(rules: RectificationRules, last: dt.date) -> None:
    """Refuse an earlier end while deadlines lie after it."""
    late = Item.objects.open().filter(plan__campaign=rules.campaign, term=Item.Term.NORMAL, due_on__gt=last)
    if number := late.filter(Q(extended_to__isnull=True) | Q(extended_to__lt=F("due_on"))).count():
        refuse(f"有 {number} 项的完成时限晚于{zh(last)}，请先逐项调整时限。")


def _renew_items(rules: RectificationRules) -> None:
    """Give unfinished items the campaign's new limit and reminder days."""
    rows = list(Item.objects.open().filter(plan__campaign=rules.campaign))
    for row in rows:
        row.limit_on = rules.item_due_on
        row.risk_on = row.counts_on - dt.timedelta(days=rules.at_risk_days) if row.counts_on else None
    Item.objects.bulk_update(rows, ["limit_on", "risk_on"], batch_size=500)


def choices_of(plan: Plan) -> tuple[list[Category], list[Dimension]]:
    """Return the categories and dimensions a plan's items choose from."""
    return (
        list(Category.objects.filter(campaign=plan.campaign_id)),
        list(Dimension.objects.filter(campaign=plan.campaign_id)),
    )
