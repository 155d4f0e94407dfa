"""What a campaign says about talks: categories, focus groups, channels, rules … as rows, filled once from a preset."""

import datetime as dt
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from branches import audit
from branches.models import Account, Campaign
from branches.versions import save_versioned
from interviews.models import (
    Channel,
    FocusGroup,
    PersonCategory,
    ReportPeriod,
    ReportSection,
    RuleFrequency,
    Topic,
    VisitRule,
    VisitSettings,
)
from interviews.services import confidence, matters
from interviews.services.errors import refuse

PRESET = Path(settings.BASE_DIR) / "presets" / "interviews-plan.toml"
_WORDS: tuple[tuple[str, Any], ...] = (
    ("categories", PersonCategory), ("focus_groups", FocusGroup), ("channels", Channel), ("topics", Topic),
    ("sections", ReportSection),
)  # fmt: skip


def preset_of(campaign: Campaign) -> dict[str, Any]:
    """Return the product's defaults with what the campaign's own preset says instead."""
    content: dict[str, Any] = tomllib.loads(PRESET.read_text(encoding="utf-8"))
    return content | dict(campaign.preset.get("interviews", {}))


def is_set_up(campaign: Campaign) -> bool:
    """Tell whether a campaign has its rows."""
    return VisitSettings.objects.filter(campaign=campaign).exists()


@transaction.atomic
def set_up(*, by: Account | None, campaign: Campaign, now: dt.datetime) -> VisitSettings:
    """Fill a campaign's rows from the preset; what is there already stays as it is."""
    content = preset_of(campaign)
    for key, model in _WORDS:
        rows = (model(campaign=campaign, position=place, **entry) for place, entry in enumerate(content[key], start=1))
        model.objects.bulk_create(rows, ignore_conflicts=True)
    for ordinal, period in enumerate(content["periods"], start=1):
        ReportPeriod.objects.get_or_create(campaign=campaign, ordinal=ordinal, defaults=_period(period, campaign))
    if not VisitRule.objects.filter(campaign=campaign).exists():
        for position, rule in enumerate(content["rules"], start=1):
            _rule(campaign, position, rule)
    confidence.set_up(by=by, campaign=campaign, now=now)
    matters.set_up(by=by, campaign=campaign)
    row, is_new = VisitSettings.objects.get_or_create(
        campaign=campaign, defaults={"least_count": content["least_count"]}
    )
    if is_new:
        audit.record(
            by=by, action="interviews.set_up", thing=row, branch=campaign.root, summary="载入访谈的类别、方式和规则"
        )  # fmt: skip
    return row


def _day(text: Any, campaign: Campaign) -> dt.date:
    if isinstance(text, str):
        text = dt.date.fromisoformat(text)
    return text if isinstance(text, dt.date) else campaign.ends_on


def _period(entry: Mapping[str, Any], campaign: Campaign) -> dict[str, Any]:
    due = _day(entry.get("due_on"), campaign)
    moved = due if due.year == campaign.year else due.replace(year=campaign.year, day=min(due.day, 28))
    return {"name": entry["name"], "due_on": min(moved, campaign.ends_on)}


def _rule(campaign: Campaign, position: int, entry: Mapping[str, Any]) -> None:
    categories = {one.code: one for one in PersonCategory.objects.filter(campaign=campaign)}
    groups = {one.code: one for one in FocusGroup.objects.filter(campaign=campaign, sensitive=False)}
    rule = VisitRule.objects.create(
        campaign=campaign, position=position, name=entry["name"], visitors=categories[entry["visitors"]],
        visited=categories[entry["visited"]], basis=entry["basis"], times=entry["times"],
        due_on=_day(entry.get("due_on"), campaign),
    )  # fmt: skip
    for one in entry.get("frequencies", ()):
        if one["group"] in groups:
            RuleFrequency.objects.create(rule=rule, group=groups[one["group"]], times=one["times"])


@transaction.atomic
def save_settings(*, by: Account, row: VisitSettings, version: int, least_count: int) -> VisitSettings:
    """Change the set size under which counts are hidden. Raises ConflictError, RefusedError."""
    if not 2 <= least_count <= 50:
        refuse(least_count="最小显示人数应在 2 到 50 之间。")
    before = {"least_count": row.least_count}
    fresh = save_versioned(row, version=version, values={"least_count": least_count})
    audit.record(
        by=by, action="interviews.settings", thing=fresh, branch=fresh.campaign.root, summary="更改访谈设置",
        before=before, after={"least_count": least_count},
    )  # fmt: skip
    return fresh


@transaction.atomic
def save_rule(
    *,
    by: Account,
    campaign: Campaign,
    rule: VisitRule | None,
    version: int,
    values: Mapping[str, Any],
    frequencies: Iterable[tuple[FocusGroup, int, dt.date | None]],
) -> VisitRule:
    """Add or change a rule with its frequencies. Raises RefusedError, ConflictError."""
    _check_rule(campaign, values)
    same = VisitRule.objects.filter(campaign=campaign, name=values["name"]).first()
    if same is not None and same != rule:
        refuse(name="已有同名的规则。")
    if rule is None:
        last = VisitRule.objects.filter(campaign=campaign).count()
        try:
            fresh = VisitRule.objects.create(campaign=campaign, position=last + 1, **values)
        except IntegrityError:
            refuse(name="已有同名的规则。")
    else:
        fresh = save_versioned(rule, version=version, values=dict(values))
    RuleFrequency.objects.filter(rule=fresh).delete()
    RuleFrequency.objects.bulk_create(
        RuleFrequency(rule=fresh, group=group, times=times, due_on=due)
        for group, times, due in frequencies
        if not group.sensitive
    )
    audit.record(
        by=by, action="interviews.rule", thing=fresh, branch=campaign.root, summary=f"保存访谈规则：{fresh.name}",
        after={name: str(value) for name, value in values.items()},
    )  # fmt: skip
    return fresh


def _check_rule(campaign: Campaign, values: Mapping[str, Any]) -> None:
    faults = {}
    if values["visitors"] == values["visited"]:
        faults["visited"] = "访谈人和访谈对象不能是同一类人员。"
    elif values["basis"] != VisitRule.Basis.UNIT and values["visited"].kind != "student":
        faults["basis"] = "按班级、按导师名单只用于访谈学生。"
    if not campaign.starts_on <= values["due_on"] <= campaign.ends_on:
        faults["due_on"] = f"期限应在活动期间（{campaign.starts_on} 至 {campaign.ends_on}）。"
    if faults:
        refuse(**faults)


@transaction.atomic
def remove_rule(*, by: Account, rule: VisitRule) -> None:
    """Remove a rule nobody was assigned by; one with assignments can only be switched off. Raises RefusedError."""
    if rule.assignments.exists():
        refuse("这条规则已经分配了任务，不能删除；不再使用时请停用。")
    audit.record(
        by=by, action="interviews.rule.remove", thing=rule, branch=rule.campaign.root,
        summary=f"删除访谈规则：{rule.name}",
    )  # fmt: skip
    rule.delete()
