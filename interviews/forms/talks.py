"""The form of a talk, its amendment, and naming a reader."""

import datetime as dt
from typing import Any

from django import forms
from django.db.models import QuerySet

from branches.forms_base import ZhForm
from branches.models import Account, Campaign
from interviews.forms.accounts import AccountChoice, AccountForm
from interviews.models import Channel, FocusGroup, Interview, Notice, RosterEntry, Topic
from interviews.services.errors import RefusedError
from interviews.services.talk_checks import Talk

FOLLOW_DAYS = (("", "不用回访"), ("7", "一周内"), ("14", "两周内"), ("30", "一个月内"), ("on", "另定日期"))
TARGETS = {"people": "talk-q"}
OF_SERVICE = {"entries": "people", "focus_groups": "groups", "one_to_one": "mode"}


class TalkForm(ZhForm):
    """One talk: with whom, when, how, about what. Texts go on to be sealed and are kept nowhere else."""

    client_id = forms.UUIDField(label="编号")
    people = forms.ModelMultipleChoiceField(label="访谈对象", queryset=RosterEntry.objects.none())
    held_on = forms.DateField(label="日期")
    mode = forms.ChoiceField(label="一对一还是座谈", choices=[("one", "一对一"), ("group", "座谈（延伸）")])
    channel = forms.ModelChoiceField(label="方式", queryset=Channel.objects.none())
    topics = forms.ModelMultipleChoiceField(label="话题", queryset=Topic.objects.none(), required=False)
    groups = forms.ModelMultipleChoiceField(label="重点对象", queryset=FocusGroup.objects.none(), required=False)
    place = forms.CharField(label="地点", required=False)
    text = forms.CharField(label="内容", required=False)
    problems = forms.CharField(label="反映的实际问题", required=False)
    consent = forms.ChoiceField(label="告知", choices=Interview.Consent.choices)
    follow = forms.ChoiceField(label="回访", choices=FOLLOW_DAYS, required=False)
    follow_on = forms.DateField(label="回访日期", required=False)

    def __init__(
        self, data: Any, *, campaign: Campaign, people: QuerySet[RosterEntry], today: dt.date, **kwargs: Any
    ) -> None:
        """Offer the words of the campaign and the people of one's own list."""
        super().__init__(data, **kwargs)
        self.today = today
        offered: dict[str, QuerySet[Any]] = {
            "people": people,
            "channel": Channel.objects.filter(campaign=campaign),
            "topics": Topic.objects.filter(campaign=campaign),
            "groups": FocusGroup.objects.filter(campaign=campaign),
        }
        for name, rows in offered.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]
        self.fields["people"].error_messages["invalid_choice"] = "有人不在您的名单里，请刷新页面后重选。"

    def clean(self) -> dict[str, Any]:
        """Find the day of the follow-up; everything else is the service's to judge."""
        data = super().clean() or {}
        data["follow_due"] = self._follow_due(data)
        return data

    def _follow_due(self, data: dict[str, Any]) -> dt.date | None:
        wanted = data.get("follow") or ""
        if wanted == "on":
            day: dt.date | None = data.get("follow_on")
            if day is None:
                self.add_error("follow_on", "请选择回访日期。")
            elif day <= self.today:
                self.add_error("follow_on", "回访日期要晚于今天。")
            return day
        return self.today + dt.timedelta(days=int(wanted)) if wanted else None

    def talk(self, notice: Notice) -> Talk:
        """Return the talk that was entered."""
        given = self.cleaned_data
        return Talk(
            entries=list(given["people"]),
            held_on=given["held_on"],
            channel=given["channel"],
            one_to_one=given["mode"] == "one",
            notice=notice,
            consent=given["consent"],
            topics=list(given["topics"]),
            focus_groups=list(given["groups"]),
            text=given["text"],
            problems=given["problems"],
            place=given["place"],
        )

    def refused(self, error: RefusedError) -> None:
        """Put what a service says to the fields it is about."""
        for name, sentence in error.fields.items():
            field = OF_SERVICE.get(name, name)
            self.add_error(field if field in self.fields else None, sentence)
        for sentence in error.sentences:
            if sentence not in error.fields.values():
                self.add_error(None, sentence)

    def faults(self) -> list[dict[str, str]]:
        """Return the errors with the ids of their controls, for the page and for JSON alike."""
        found = []
        for name, errors in self.errors.items():
            target = "" if name == "__all__" else TARGETS.get(name, name)
            found += [{"text": str(text), "target": target} for text in errors]
        return found


class ReaderForm(AccountForm):
    """Name somebody who may read a talk, why, and until when."""

    account = AccountChoice(label="指定的人", queryset=Account.objects.none())
    reason = forms.CharField(label="理由", max_length=200, help_text="例如：学院心理辅导员共同跟进。")
    until = forms.DateField(
        label="有效到",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text="当天 24 时以后就不能再看。",
    )

    def __init__(self, *args: Any, accounts: QuerySet[Account], **kwargs: Any) -> None:
        """Offer who may read talks at all."""
        super().__init__(*args, **kwargs)
        self.fields["account"].queryset = accounts  # type: ignore[attr-defined]
