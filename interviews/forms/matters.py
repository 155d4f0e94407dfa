"""Forms of problems, follow-ups and emergencies."""

import datetime as dt
from typing import Any

from django import forms
from django.db.models import QuerySet

from branches.forms_base import ZhForm
from branches.models import Account, Branch, Campaign
from interviews.forms.accounts import AccountChoice, AccountForm
from interviews.models import EmergencyContact, Matter, MatterCategory, RosterEntry

_DATE = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})


def _confidential(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "autocomplete": "off", "spellcheck": "false"})


def _person(row: Any) -> str:
    """Name somebody with class and number."""
    parts = (row.person.name, row.class_group.name if row.class_group else "", row.person.number)
    return " ".join(part for part in parts if part)


class ReleaseForm(AccountForm):
    """A problem in a text of its own, its category, who handles it, until when."""

    category = forms.ModelChoiceField(label="问题类别", queryset=MatterCategory.objects.none(), empty_label="请选择")
    text = forms.CharField(
        label="问题", max_length=2000, widget=_confidential(5),
        help_text="只写要办的事。这一段会给承办人看，访谈正文不会。不必写名字的就不写。",
    )  # fmt: skip
    owner = AccountChoice(label="承办人", queryset=Account.objects.none())
    due_on = forms.DateField(label="办结期限", widget=_DATE)

    def __init__(self, *args: Any, campaign: Campaign, owners: QuerySet[Account], **kwargs: Any) -> None:
        """Offer the campaign's categories and who may handle a matter."""
        super().__init__(*args, **kwargs)
        category: Any = self.fields["category"]
        category.queryset = MatterCategory.objects.filter(campaign=campaign, active=True)
        category.label_from_instance = lambda row: f"{row.name}（敏感，不进台账）" if row.sensitive else row.name
        self.fields["owner"].queryset = owners  # type: ignore[attr-defined]


class ReassignForm(AccountForm):
    """Another 承办人, or another day."""

    owner = AccountChoice(label="承办人", queryset=Account.objects.none())
    due_on = forms.DateField(label="办结期限", widget=_DATE)

    def __init__(self, *args: Any, owners: QuerySet[Account], **kwargs: Any) -> None:
        """Offer who may handle a matter."""
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = owners  # type: ignore[attr-defined]


class AnswerForm(ZhForm):
    """What came of a matter."""

    outcome = forms.ChoiceField(label="结果", choices=Matter.Outcome.choices, widget=forms.RadioSelect)
    result = forms.CharField(
        label="办理结果", max_length=2000, widget=_confidential(4), help_text="写给访谈人，由访谈人告诉本人。"
    )


class TellForm(ZhForm):
    """When the person was told."""

    told_on = forms.DateField(label="反馈日期", widget=_DATE)

    def __init__(self, *args: Any, today: dt.date, **kwargs: Any) -> None:
        """Begin with today."""
        kwargs.setdefault("initial", {}).setdefault("told_on", today)
        super().__init__(*args, **kwargs)


class ReportForm(ZhForm):
    """Named facts for the person on duty."""

    client_id = forms.UUIDField(label="编号", widget=forms.HiddenInput)
    contact = forms.ModelChoiceField(label="报给", queryset=EmergencyContact.objects.none(), empty_label="请选择")
    entry = forms.ModelChoiceField(
        label="当事人", queryset=RosterEntry.objects.none(), required=False, empty_label="不在我的名单里",
    )  # fmt: skip
    facts = forms.CharField(
        label="情况", max_length=4000, widget=_confidential(6),
        help_text="写清谁、在哪里、什么时候、发生了什么、现在谁在身边。只有值班人和您能看。",
    )  # fmt: skip

    def __init__(
        self, *args: Any, contacts: QuerySet[EmergencyContact], people: QuerySet[RosterEntry], **kwargs: Any
    ) -> None:
        """Offer the duties that receive reports and the people of one's own list."""
        super().__init__(*args, **kwargs)
        self.fields["contact"].queryset = contacts  # type: ignore[attr-defined]
        entry = self.fields["entry"]
        entry.queryset = people  # type: ignore[attr-defined]
        entry.label_from_instance = lambda row: " ".join(  # type: ignore[attr-defined]
            part
            for part in (row.person.name, row.class_group.name if row.class_group else "", row.person.number)
            if part
        )


class CloseForm(ZhForm):
    """What was done about a report."""

    outcome = forms.CharField(label="处置情况", max_length=4000, widget=_confidential(4))


class ContactForm(AccountForm):
    """Whom to call: a duty for a part of the tree, with or without an account that receives reports."""

    unit = forms.ModelChoiceField(label="负责范围", queryset=Branch.objects.none(), empty_label="请选择")
    duty = forms.CharField(label="岗位", max_length=60, help_text="例如：校心理中心值班、保卫处值班、学院值班。")
    name = forms.CharField(label="姓名", max_length=60, required=False)
    phone = forms.CharField(label="电话", max_length=60)
    hours = forms.CharField(label="值守时间", max_length=60, required=False)
    account = AccountChoice(
        label="接报账号", queryset=Account.objects.none(), required=False, empty_label="不在系统里接报，只打电话",
    )  # fmt: skip
    ordinal = forms.IntegerField(label="次序", min_value=1, max_value=99, initial=1)
    active = forms.BooleanField(label="在用", required=False, initial=True)

    def __init__(self, *args: Any, units: QuerySet[Branch], accounts: QuerySet[Account], **kwargs: Any) -> None:
        """Offer the nodes in reach and who may receive reports."""
        super().__init__(*args, **kwargs)
        unit = self.fields["unit"]
        unit.queryset = units  # type: ignore[attr-defined]
        unit.label_from_instance = lambda node: node.name  # type: ignore[attr-defined]
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
