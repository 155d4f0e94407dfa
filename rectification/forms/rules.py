"""The rules of a campaign's rectification, as the office changes them."""

import re
from fractions import Fraction
from string import Formatter
from typing import Any

from django import forms

from branches.forms_base import ZhForm
from rectification.models import Category, Dimension, RectificationRules
from rectification.preset import content_of

WEEKDAYS = [("", "不发"), *((number, f"每周{day}") for number, day in enumerate("一二三四五六日", start=1))]
PARTS = (
    (
        "期限", "h-dates",
        ("plan_due_on", "item_due_on", "at_risk_days", "plan_reminder_days", "checkpoint_months", "recheck_days",
         "pause_months"),
    ),
    ("党员大会", "h-meeting", ("vote_required", "quorum", "majority")),
    ("措施和材料", "h-measures", ("vague_check", "vague_words", "files_required")),
    (
        "提醒、督办和督导", "h-notices",
        ("digest_weekday", "digest_hour", "notice_pattern", "notice_reply_days", "visit_aspects", "log_months"),
    ),
    ("问题类别和对标内容", "h-words", ("categories", "dimensions")),
)  # fmt: skip
SIMPLE = (
    "plan_due_on", "item_due_on", "at_risk_days", "plan_reminder_days", "checkpoint_months", "recheck_days",
    "vote_required", "vague_check", "files_required", "digest_weekday", "digest_hour", "notice_pattern",
    "notice_reply_days", "pause_months", "log_months",
)  # fmt: skip
PLACEHOLDERS = {"issuer", "year", "number"}


def _day(label: str, hint: str) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, help_text=hint, widget=widget)


def _number(label: str, low: int, high: int, *, hint: str = "", required: bool = True) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=low, max_value=high, help_text=hint, required=required)


def _lines(label: str, hint: str, *, required: bool = True, rows: int = 5) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows})
    return forms.CharField(label=label, help_text=hint, required=required, widget=widget)


def lines_of(text: str) -> list[str]:
    """Return the lines of a text without empty ones."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def _share(text: str, label: str) -> Fraction | None:
    """Return a fraction as it is typed, 1/2 or 4／5. Raises ValidationError."""
    text = text.replace("／", "/").strip()
    if not text:
        return None
    if not re.fullmatch(r"\d{1,3}\s*/\s*\d{1,3}", text):
        raise forms.ValidationError(f"{label}请写成 1/2 的样子，不要求就留空。")
    over, of = (int(part) for part in text.split("/"))
    if not 0 <= over < of:
        raise forms.ValidationError(f"{label}的分子应小于分母。")
    return Fraction(over, of)


class RulesForm(ZhForm):
    """Everything a campaign fixes about rectification, the version of the rules with it."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    plan_due_on = _day("方案提交期限", "当天 24 时以前提交算按时。")
    item_due_on = _day("整改完成期限", "只有长期性和暂不具备条件的项目可以更晚。")
    at_risk_days = _number("到期前几天列为“即将到期”", 0, 365)
    plan_reminder_days = _number("方案到期前几天提醒", 0, 365)
    checkpoint_months = _number("长期性项目至少几个月检查一次", 1, 60)
    recheck_days = _number(
        "销号后几天复查", 1, 1000, hint="安排复查时先填上的日期，可以改；留空则不填。", required=False
    )
    pause_months = _number(
        "一次最多暂停几个月", 1, 60, hint="暂停期间不算逾期，所以要写明到哪一天；留空则不限多久。", required=False
    )
    vote_required = forms.BooleanField(label="方案须经党员大会表决", required=False)
    quorum = forms.CharField(
        label="到会须超过",
        required=False,
        max_length=9,
        help_text="占有表决权应到人数的几分之几，如 1/2；不要求就留空。",
    )
    majority = forms.CharField(
        label="赞成须超过",
        required=False,
        max_length=9,
        help_text="占有表决权应到人数的几分之几，如 1/2；不要求就留空。",
    )
    vague_check = forms.BooleanField(
        label="提示看不出数量、时间和人的措施", required=False, help_text="只作提示，不影响提交。"
    )
    vague_words = _lines("空泛的词", "每行一个。", required=False)
    files_required = forms.BooleanField(label="新列入的项目完成时须附材料", required=False)
    digest_weekday = forms.TypedChoiceField(
        label="每周摘要", choices=WEEKDAYS, required=False, coerce=int, empty_value=None
    )
    digest_hour = _number("几点发", 0, 23)
    notice_pattern = forms.CharField(
        label="督办单编号", max_length=60, help_text="{issuer} 是发文单位，{year} 是年份，{number} 是号数。"
    )
    notice_reply_days = _number("督办单几天内回复", 1, 365)
    visit_aspects = _lines("督导看什么", "每行一项。", required=False)
    log_months = _number(
        "发送记录保存几个月",
        1,
        240,
        hint="更早的由后台清除，按最近一次活动的规定。留空则一直保存。",
        required=False,
    )
    categories = _lines("问题类别", "每行一项；已有项目在用的不能删去。", rows=7)
    dimensions = _lines("对标内容", "每行一项；已有项目在用的不能删去。", rows=7)

    @classmethod
    def start(cls, rules: RectificationRules) -> dict[str, Any]:
        """Return the present rules as the form shows them."""
        content = content_of(rules.campaign)
        named = {
            "categories": list(Category.objects.filter(campaign=rules.campaign).values_list("name", flat=True)),
            "dimensions": list(Dimension.objects.filter(campaign=rules.campaign).values_list("name", flat=True)),
        }
        for key, names in named.items():
            named[key] = names or [row["name"] for row in content[key]]
        values = {field: getattr(rules, field) for field in (*SIMPLE, "version")}
        for key in ("vague_words", "visit_aspects"):
            named[key] = getattr(rules, key)
        values |= {key: "\n".join(words) for key, words in named.items()}
        for key in ("quorum", "majority"):
            over, of = getattr(rules, f"{key}_over"), getattr(rules, f"{key}_of")
            values[key] = "" if of is None else f"{over}/{of}"
        return values

    def clean_quorum(self) -> Fraction | None:
        """Read the share that must be present."""
        return _share(self.cleaned_data["quorum"], "到会比例")

    def clean_majority(self) -> Fraction | None:
        """Read the share that must agree."""
        return _share(self.cleaned_data["majority"], "赞成比例")

    def clean_notice_pattern(self) -> str:
        """Ask for a pattern that can be filled and in which the number stands."""
        pattern = str(self.cleaned_data["notice_pattern"])
        try:
            named = {name for _, name, _, _ in Formatter().parse(pattern) if name is not None}
        except ValueError:
            named = {""}
        if named - PLACEHOLDERS:
            raise forms.ValidationError("督办单编号只能用 {issuer}、{year}、{number}。")
        if "{number}" not in pattern:
            raise forms.ValidationError("督办单编号里要有 {number}。")
        return pattern

    def values(self) -> dict[str, Any]:
        """Return what `save_rules` takes."""
        data = self.cleaned_data
        values = {field: data[field] for field in SIMPLE}
        for key in ("quorum", "majority"):
            part = data[key]
            values |= {f"{key}_over": part and part.numerator, f"{key}_of": part and part.denominator}
        return values | {key: lines_of(data[key]) for key in ("vague_words", "visit_aspects")}

    def parts(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """Return the fields by panel."""
        return [(title, slug, [self[name] for name in names]) for title, slug, names in PARTS]
