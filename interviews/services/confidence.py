"""Rules of keeping and reading, and the notice people are shown: data of a campaign, filled from a preset."""

import calendar
import datetime as dt
import tomllib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from branches import audit
from branches.models import Account, Campaign
from branches.versions import save_versioned
from interviews.models import ConfidenceRules, Notice
from interviews.services.errors import refuse

PRESET = Path(settings.BASE_DIR) / "presets" / "interviews-confidence.toml"
RULES = ("retain_months", "reader_days", "text_limit")


def retain_until(held_on: dt.date, months: int) -> dt.date:
    """Return the day on which the texts of a talk have been kept for so many months."""
    year, month = divmod(held_on.year * 12 + held_on.month - 1 + months, 12)
    return dt.date(year, month + 1, min(held_on.day, calendar.monthrange(year, month + 1)[1]))


def rules_of(campaign: Campaign) -> ConfidenceRules:
    """Return the rules of a campaign. Raises RefusedError when nobody has set it up."""
    rules = ConfidenceRules.objects.filter(campaign=campaign).first()
    if rules is None:
        refuse("本活动还没有设定谈话的保密规则，请联系活动办公室。")
    return rules


def preset() -> dict[str, Any]:
    """Return what the preset says about keeping, reading and telling."""
    found: dict[str, Any] = tomllib.loads(PRESET.read_text(encoding="utf-8"))["confidence"]
    return found


@transaction.atomic
def set_up(*, by: Account | None, campaign: Campaign, now: dt.datetime) -> ConfidenceRules:
    """Fill a campaign's rules and first notice from the preset; what is there already stays."""
    content = preset()
    rules, is_new = ConfidenceRules.objects.get_or_create(
        campaign=campaign, defaults={name: content[name] for name in RULES}
    )
    if is_new:
        audit.record(by=by, action="confidence.set_up", thing=rules, branch=campaign.root, summary="设定谈话保密规则")
    if not Notice.objects.filter(campaign=campaign).exists():
        notice = draft_notice(by=by, campaign=campaign, **content["notice"])
        publish_notice(by=by, notice=notice, now=now)
    return rules


@transaction.atomic
def save_rules(*, by: Account, rules: ConfidenceRules, version: int, values: dict[str, int]) -> ConfidenceRules:
    """Change the rules; a text keeps the retention date it was written with. Raises RefusedError, ConflictError."""
    faults = {name: "请填写大于 0 的整数。" for name in RULES if values[name] < 1}
    if faults:
        refuse(**faults)
    before = {name: getattr(rules, name) for name in RULES}
    fresh = save_versioned(rules, version=version, values={name: values[name] for name in RULES})
    audit.record(
        by=by, action="confidence.save", thing=fresh, branch=fresh.campaign.root, summary="修改谈话保密规则",
        before=before, after=values,
    )  # fmt: skip
    return fresh


@transaction.atomic
def draft_notice(*, by: Account | None, campaign: Campaign, title: str, body: str, wants_consent: bool) -> Notice:
    """Write the next version of the notice; it is shown once published. Raises RefusedError."""
    faults = {"title": "" if title.strip() else "请填写标题。", "body": "" if body.strip() else "请填写内容。"}
    if wrong := {name: said for name, said in faults.items() if said}:
        refuse(**wrong)
    Campaign.objects.select_for_update(of=("self",)).get(pk=campaign.pk)
    last = Notice.objects.filter(campaign=campaign).aggregate(last=Max("number"))["last"] or 0
    notice = Notice.objects.create(
        campaign=campaign, number=last + 1, title=title.strip(), body=body.strip(), wants_consent=wants_consent
    )
    audit.record(
        by=by, action="notice.draft", thing=notice, branch=campaign.root, summary=f"起草告知书第 {notice.number} 版"
    )
    return notice


@transaction.atomic
def publish_notice(*, by: Account | None, notice: Notice, now: dt.datetime) -> Notice:
    """Publish a notice: from now on it is what people are shown, and it never changes. Raises RefusedError."""
    row = Notice.objects.select_for_update(of=("self",)).select_related("campaign__root").get(pk=notice.pk)
    if row.published_at is not None:
        refuse("这一版已经发布。")
    row.published_at, row.published_by = now, by
    row.save(update_fields=["published_at", "published_by"])
    audit.record(
        by=by, action="notice.publish", thing=row, branch=row.campaign.root, summary=f"发布告知书第 {row.number} 版"
    )
    return row
