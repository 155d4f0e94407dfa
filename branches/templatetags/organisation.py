"""What the organisation pages need of templates: changes in words, drafts, blanks per section."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import template
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.forms.boundfield import BoundField
from django.utils import timezone
from django.utils.html import json_script
from django.utils.safestring import SafeString

from branches import clock, wording
from branches.basics import Fact
from branches.models import AuditEntry, Draft

register = template.Library()
LONG_AGO = 1950
_LABELS = {"on": "日期", "parent": "上级", "category": "类别", "level": "层级", "code": "编号", "name": "名称"}


@dataclass(frozen=True, slots=True)
class Change:
    """One value before and after."""

    label: str
    before: str
    after: str


def _label(entry: AuditEntry, field: str) -> str:
    try:
        return str(apps.get_model(entry.thing)._meta.get_field(field).verbose_name)  # type: ignore[union-attr]
    except (LookupError, ValueError, FieldDoesNotExist, AttributeError):
        return _LABELS.get(field, field)


def _said(value: Any) -> str:
    return wording.MISSING if value in (None, "") else str(value)


@register.filter
def changes(entry: AuditEntry) -> list[Change]:
    """What an audit entry changed, only fields that differ; nothing when its detail was erased."""
    detail = getattr(entry, "detail", None)
    if detail is None or not isinstance(detail.before, dict) or not isinstance(detail.after, dict):
        return []
    pairs = ((field, detail.before.get(field), value) for field, value in detail.after.items())
    return [Change(_label(entry, f), _said(old), _said(new)) for f, old, new in pairs if old != new]


@register.filter
def lookup(mapping: dict[Any, Any], key: Any) -> Any:
    """The value of a key, or —."""
    return mapping.get(key, wording.MISSING)


@register.filter
def thousands(number: int) -> str:
    """3,807."""
    return f"{number:,}"


@register.filter
def is_han(text: str) -> bool:
    """Whether a text could be a Chinese name: not pinyin, not a number."""
    return any(ch > "\u2e80" for ch in text)


@register.filter
def since_words(day: dt.date) -> str:
    """2012年3月30日起; a beginning set only because history must begin somewhere is 最初."""
    return "最初" if day.year < LONG_AGO else f"{wording.zh_date(day)}起"


@register.simple_tag
def draft_block(draft: Draft) -> SafeString:
    """The server's draft for static/js/draft.js."""
    saved = wording.zh_moment(timezone.localtime(draft.updated_at), clock.now())
    block = json_script({"saved_at": saved, "data": draft.data})
    return SafeString(block.replace("<script", "<script data-draft-data", 1))


@register.simple_tag
def blanks_in(blanks: Iterable[Fact], fields: Iterable[BoundField]) -> int:
    """How many of the blank facts belong to these fields."""
    names = {field.name for field in fields}
    return sum(fact.field in names for fact in blanks)
