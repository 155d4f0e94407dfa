"""What a campaign's preset says about rectification, completed by the shipped defaults; dates moved with the start."""

import datetime as dt
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from branches.models import Campaign

Content = dict[str, Any]
PLAIN = (
    "at_risk_days", "plan_reminder_days", "checkpoint_months", "recheck_days", "files_required", "vague_check",
    "vague_words", "vote_required", "quorum_over", "quorum_of", "majority_over", "majority_of", "digest_weekday",
    "digest_hour", "notice_pattern", "notice_reply_days", "visit_aspects", "pause_months", "log_months",
)  # fmt: skip


@cache
def _defaults() -> Content:
    path = Path(settings.BASE_DIR) / "presets" / "rectification.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))


def content_of(campaign: Campaign) -> Content:
    """Return everything about rectification in a campaign's preset, the defaults where it is silent."""
    return _defaults() | campaign.preset.get("rectification", {})


def values_of(campaign: Campaign) -> Content:
    """Return the rules of a campaign as values of RectificationRules; without dates of its own its end counts."""
    content = content_of(campaign)
    values = {key: content[key] for key in PLAIN if key in content}
    item_due = _moved(content.get("item_due_on"), campaign) or campaign.ends_on
    plan_due = _moved(content.get("plan_due_on"), campaign) or item_due
    return values | {"item_due_on": item_due, "plan_due_on": min(plan_due, item_due)}


def _moved(text: str | dt.date | None, campaign: Campaign) -> dt.date | None:
    """Return a date of the preset moved by as many days as the campaign's start."""
    if not text:
        return None
    day = text if isinstance(text, dt.date) else dt.date.fromisoformat(text)
    begin = campaign.preset.get("campaign", {}).get("starts_on")
    return day + (campaign.starts_on - dt.date.fromisoformat(begin)) if begin else day
