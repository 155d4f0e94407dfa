"""Rules of a campaign as rows: stored from its preset when they are first needed, changed by the office."""

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import count
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

LONGEST_NAME = 40
AWAY = 10_000
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


@transaction.atomic
def save_words(
    *, by: Account | None, campaign: Campaign, categories: Sequence[str], dimensions: Sequence[str], now: dt.datetime
) -> None:
    """Write 问题类别 and 对标内容 in this order: known names keep their items, new ones are added, others go.

    Raises RefusedError when nothing is left, a name is there twice or too long, or one that goes is used.
    """
    ensure_rules(by=by, campaign=campaign, now=now)
    changed = [
        _write_words(model, campaign, names) for model, names in ((Category, categories), (Dimension, dimensions))
    ]
    if any(changed):
        audit.record(
            by=by, action="rectification.words", thing=campaign, branch=campaign.root,
            summary="修改问题类别和对标内容", after={"categories": [*categories], "dimensions": [*dimensions]},
        )  # fmt: skip


def _write_words(model: type[Category] | type[Dimension], campaign: Campaign, given: Sequence[str]) -> bool:
    field, label = ("categories", "问题类别") if model is Category else ("dimensions", "对标内容")
    names = [name.strip() for name in given if name.strip()]
    there = {row.name: row for row in model._base_manager.filter(campaign=campaign)}
    if names == [row.name for row in sorted(there.values(), key=lambda row: row.ordinal)]:
        return False
    problem = ""
    gone = [row for name, row in there.items() if name not in names]
    if not names:
        problem = f"{label}至少要有一项。"
    elif len(set(names)) < len(names):
        problem = f"{label}里有重复的名称。"
    elif any(len(name) > LONGEST_NAME for name in names):
        problem = f"{label}每项最多 {LONGEST_NAME} 字。"
    elif used := [row.name for row in gone if row.items.exists()]:
        problem = f"“{'”“'.join(used)}”已有整改项目在用，不能删去。"
    if problem:
        raise RefusedError([problem], {field: problem})
    _renumber(model, campaign, names, there, [row.pk for row in gone])
    return True


def _renumber(
    model: type[Category] | type[Dimension], campaign: Campaign, names: Sequence[str],
    there: Mapping[str, Category | Dimension], gone: Sequence[int],
) -> None:  # fmt: skip
    """Write the names in order, first out of the way of the numbers that are taken."""
    model._base_manager.filter(pk__in=gone).delete()
    taken = {row.code for row in there.values()}
    free = (code for number in count(1) if (code := f"own-{number}") not in taken)
    for ordinal, name in enumerate(names, start=AWAY):
        if name in there:
            model._base_manager.filter(pk=there[name].pk).update(ordinal=ordinal)
        else:
            model._base_manager.create(campaign=campaign, ordinal=ordinal, code=next(free), name=name)
    for ordinal, name in enumerate(names, start=1):
        model._base_manager.filter(campaign=campaign, name=name).update(ordinal=ordinal)


def choices_of(plan: Plan) -> tuple[list[Category], list[Dimension]]:
    """Return the categories and dimensions a plan's items choose from."""
    return (
        list(Category.objects.filter(campaign=plan.campaign_id)),
        list(Dimension.objects.filter(campaign=plan.campaign_id)),
    )
