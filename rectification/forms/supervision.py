"""Forms of supervision: 督办单, its reply, visits, contacts, how often to be reminded."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms

from branches.forms_base import ZhForm
from branches.models import Branch
from rectification.forms.meeting import area, day
from rectification.models import DigestChoice, NoticeItem
from rectification.services.contacts import Leader
from rectification.services.notices import Answer, Order

DEMAND = (
    "请党支部书记牵头，逐项查明没有按期完成的原因。能马上办的在回复期限前办结；一时办不完的，写明剩余步骤和完成日期。"
)
SIGNS = 60


class NoticeForm(ZhForm):
    """What a 督办单 asks for."""

    demand = forms.CharField(label="督办要求", max_length=1000, widget=area(4), initial=DEMAND)
    reply_due_on = day("回复期限")

    def order(self) -> Order:
        """Return what a valid form asks for."""
        return Order(self.cleaned_data["demand"], self.cleaned_data["reply_due_on"])


class ReplyForm(ZhForm):
    """The reply to a 督办单: a word on each item, one text for all."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, lines: Sequence[NoticeItem], **kwargs: Any) -> None:
        """Add a field for each item."""
        super().__init__(*args, **kwargs)
        self.lines = list(lines)
        for line in self.lines:
            self.fields[f"line-{line.pk}"] = forms.CharField(
                label=f"第 {line.ordinal} 项　{line.problem[:SIGNS]}", max_length=500, widget=area(2),
                help_text="办到哪一步，什么时候完成。",
                error_messages={"required": f"第 {line.ordinal} 项还没有写办理情况。"},
            )  # fmt: skip
        self.fields["text"] = forms.CharField(
            label="党支部意见", max_length=2000, widget=area(4), help_text="整体怎么落实、还差什么、什么时候完成。",
            error_messages={"required": "请写明党支部意见。"},
        )  # fmt: skip
        self.fields["signed_by"] = forms.CharField(
            label="党支部书记（负责人）", max_length=60,
            error_messages={"required": "请填写党支部书记或负责人姓名。"},
        )  # fmt: skip

    def answer(self) -> Answer:
        """Return the answer of a valid form."""
        given = self.cleaned_data
        return Answer(given["text"], given["signed_by"], {line.pk: given[f"line-{line.pk}"] for line in self.lines})


class ReturnForm(ZhForm):
    """A reply sent back."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(label="退回原因", max_length=300, widget=area(2))
    reply_due_on = day("重新回复期限")


class VisitForm(ZhForm):
    """A 督导 visit; what it found is typed below on the same page."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)
    unit = forms.ModelChoiceField(label="督导单位", queryset=Branch.objects.none(), empty_label="请选择")
    held_on = day("督导日期")
    place = forms.CharField(label="地点", max_length=120)
    visitors = forms.CharField(label="督导人员", max_length=200, help_text="领导小组办公室到场的人，用顿号隔开。")
    received_by = forms.CharField(label="接待人", max_length=120, required=False)
    looked_at = forms.MultipleChoiceField(
        label="查看内容", required=False, widget=forms.CheckboxSelectMultiple, choices=()
    )
    summary = forms.CharField(label="总体情况", max_length=2000, required=False, widget=area(3))

    def __init__(
        self, *args: Any, units: Sequence[tuple[str, Sequence[tuple[int, str]]]], aspects: Sequence[str],
        fixed: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        """Offer the units within reach by 党总支, and what the campaign's visits look at; `fixed` keeps the unit."""
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["unit"]
        choice.queryset = Branch.objects.filter(pk__in=[pk for _, rows in units for pk, _ in rows])
        choice.choices = [("", "请选择"), *units]
        looked: Any = self.fields["looked_at"]
        looked.choices = [(name, name) for name in aspects]
        if fixed:
            del self.fields["unit"]


class FindingForm(ZhForm):
    """One thing a visit found."""

    branch = forms.ModelChoiceField(label="涉及党组织", queryset=Branch.objects.none(), empty_label="请选择")
    text = forms.CharField(label="发现的问题", max_length=500, widget=area(2))
    advice = forms.CharField(label="意见建议", max_length=500, required=False, widget=area(2))

    def __init__(self, *args: Any, units: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        """Offer the unit visited and what hangs below it."""
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["branch"]
        choice.queryset = Branch.objects.filter(pk__in=[pk for pk, _ in units])
        choice.choices = units if len(units) == 1 else [("", "请选择"), *units]


class ContactForm(ZhForm):
    """A leader for a branch."""

    name = forms.CharField(label="联系领导", max_length=60)
    duty = forms.CharField(label="职务", max_length=80, required=False)
    phone = forms.CharField(label="联系电话", max_length=60, required=False)
    starts_on = day("从哪天起")
    username = forms.CharField(
        label="登录名", max_length=60, required=False, help_text="有账号的填登录名，摘要邮件会发给本人；没有可不填。"
    )
    task = forms.CharField(label="联系任务", max_length=300, required=False, widget=area(2))

    def leader(self, account: Any) -> Leader:
        """Return who a valid form names."""
        given = self.cleaned_data
        return Leader(given["name"], given["duty"], given["phone"], given["task"], account)


class FrequencyForm(ZhForm):
    """How often to be reminded."""

    frequency = forms.ChoiceField(label="摘要邮件", choices=DigestChoice.Frequency.choices, widget=forms.RadioSelect)


def reply_day(days: int, today: dt.date) -> dt.date:
    """Return the deadline a new 督办单 starts with."""
    return today + dt.timedelta(days=days)
