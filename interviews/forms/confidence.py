"""Forms of keeping and telling: rules, a version of the notice, erasing at somebody's request."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from branches.forms_base import ZhForm
from branches.models import Account
from interviews.forms.accounts import AccountChoice, AccountForm
from interviews.models import ConfidenceRules, Notice


class RulesForm(ZhForm):
    """How long texts are kept and readers named, how long a text may be."""

    retain_months = forms.IntegerField(
        label="正文保存几个月", min_value=1, max_value=240, help_text="自访谈日期起算。改动只对以后记录的访谈有效。"
    )
    reader_days = forms.IntegerField(label="指定读者最长几天", min_value=1, max_value=3660)
    text_limit = forms.IntegerField(label="正文最多几字", min_value=100, max_value=100000)
    version = forms.IntegerField(widget=forms.HiddenInput)

    @staticmethod
    def of(rules: ConfidenceRules) -> dict[str, Any]:
        """Return what the form begins with."""
        return {name: getattr(rules, name) for name in ("retain_months", "reader_days", "text_limit", "version")}


class NoticeForm(ZhForm):
    """The next version of the notice."""

    title = forms.CharField(label="标题", max_length=80)
    body = forms.CharField(label="内容", max_length=4000, widget=forms.Textarea(attrs={"rows": 14}))
    wants_consent = forms.BooleanField(
        label="须本人同意", required=False, help_text="选中后，记录前要选“本人同意”或“本人不同意记录内容”。"
    )

    @staticmethod
    def of(notice: Notice | None) -> dict[str, Any]:
        """Return what the form begins with: the version shown now."""
        if notice is None:
            return {}
        return {"title": notice.title, "body": notice.body, "wants_consent": notice.wants_consent}


class EraseForm(ZhForm):
    """Whose texts are to be erased."""

    number = forms.CharField(
        label="学号或工号", max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text="核对本人身份后办理。清除的是正文，访谈的日期和方式仍计入统计。",
    )  # fmt: skip
    sure = forms.CharField(required=False, widget=forms.HiddenInput)


class SuccessorForm(AccountForm):
    """Who goes on with the talks of somebody who left, why, until when."""

    account = AccountChoice(label="接手人", queryset=Account.objects.none())
    reason = forms.CharField(label="理由", max_length=200, help_text="例如：原辅导员离任，由新任辅导员继续跟进。")
    until = forms.DateField(
        label="有效到", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text="当天 24 时以后就不能再看，到期可以再指定。",
    )  # fmt: skip

    def __init__(self, *args: Any, accounts: QuerySet[Account], **kwargs: Any) -> None:
        """Offer who may read talks at all."""
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
