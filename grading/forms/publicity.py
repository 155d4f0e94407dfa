"""Forms of 公示 and 异议."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils import timezone

from branches import clock
from branches.forms_base import ZhForm
from grading import publicity_text
from grading.models import Grade, Objection, PublicityPlan, Round
from grading.services.publicity import MOST_DAYS, TEXTS, PlanInput

Choices = Sequence[tuple[Any, Any]]
PLACES = "可以写 " + " ".join(f"{{{place}}}" for place in publicity_text.PLACES) + "，公示时换成实际内容。"

HIDDEN = "写明具体情况和依据。内容不公开，只有受理的同志能看到。"
ASK = "请选择异议是否成立。"


def _area(rows: int) -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows})


class PlanForm(ZhForm):
    """What the next notice says; empty texts mean the usual wording, shown beside."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    days = forms.IntegerField(label="公示期（工作日）", min_value=1, max_value=MOST_DAYS)
    counts_first_day = forms.BooleanField(
        label="公示当天是工作日时计入", required=False, help_text="不勾选则从下一个工作日算起。"
    )
    grades = forms.MultipleChoiceField(
        label="公示的等级",
        widget=forms.CheckboxSelectMultiple,
        help_text="只公示勾选的等级。没有改过时是最好的两个等级；要全部公示的，把各等级都勾上，再按“保存并预览”。",
    )
    title = forms.CharField(label="标题", max_length=100, required=False, help_text="空着用通用的标题。")
    body = forms.CharField(
        label="正文", max_length=2000, required=False, widget=_area(6), help_text=f"空着用通用的正文。{PLACES}"
    )
    receiver = forms.CharField(
        label="受理部门", max_length=60, required=False, help_text=f"空着写“{publicity_text.RECEIVER}”。"
    )
    phone = forms.CharField(label="受理电话", max_length=60, required=False)
    email = forms.EmailField(label="电子邮箱", max_length=100, required=False)
    address = forms.CharField(label="来信来访地址", max_length=120, required=False)
    signature = forms.CharField(label="落款", max_length=80, required=False, help_text="空着用党委的名称。")

    def __init__(self, *args: Any, round_: Round, plan: PublicityPlan, shown: Sequence[Grade], **kwargs: Any) -> None:
        """Offer the round's grades and what the plan says now."""
        initial = {name: getattr(plan, name) for name in (*TEXTS, "counts_first_day", "version")}
        initial |= {"days": round_.publicity_days or 5, "grades": [grade.code for grade in shown]}
        super().__init__(*args, initial=initial, **kwargs)
        choices = [(grade.code, grade.label) for grade in round_.scale.grades.order_by("rank")]
        self.fields["grades"].choices = choices  # type: ignore[attr-defined]

    def plan(self) -> PlanInput:
        """Return what was written; only for a valid form."""
        given = self.cleaned_data
        texts = {name: given[name] for name in TEXTS}
        return PlanInput(given["days"], given["counts_first_day"], tuple(given["grades"]), texts)


class _UnitForm(ZhForm):
    """An objection about one branch of a round."""

    unit = forms.TypedChoiceField(label="党支部", coerce=int)

    def __init__(self, *args: Any, units: Choices, **kwargs: Any) -> None:
        """Offer the branches."""
        super().__init__(*args, **kwargs)
        self.fields["unit"].choices = [("", "请选择"), *units]  # type: ignore[attr-defined]
        self.fields["unit"].error_messages["invalid_choice"] = "请在列表中选择党支部。"


class ObjectionForm(_UnitForm):
    """异议 by login: the name is the account's."""

    contact = forms.CharField(label="联系方式", max_length=100, help_text="电话或电子邮箱，只用于核实和答复。")
    text = forms.CharField(
        label="异议内容",
        max_length=2000,
        widget=_area(7),
        help_text=HIDDEN,
    )


class RecordForm(_UnitForm):
    """异议 that came by telephone, letter, e-mail or in person."""

    channel = forms.ChoiceField(label="途径")
    name = forms.CharField(label="异议人", max_length=40)
    contact = forms.CharField(label="联系方式", max_length=100)
    received_at = forms.DateTimeField(
        label="收到时间",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"],
        help_text="来信以收到的时间为准，在公示期内收到的才受理。",
        error_messages={"invalid": "收到时间请写成 2012-10-22 09:30 的样子。"},
    )
    text = forms.CharField(label="异议内容", max_length=2000, widget=_area(7))
    field_order = ("unit", "channel", "name", "contact", "received_at", "text")

    def __init__(self, *args: Any, units: Choices, **kwargs: Any) -> None:
        """Offer the branches and the ways an objection comes."""
        super().__init__(*args, units=units, initial={"received_at": clock.now()}, **kwargs)
        ways = [pair for pair in Objection.Channel.choices if pair[0] != Objection.Channel.LOGIN]
        self.fields["channel"].choices = [("", "请选择"), *ways]  # type: ignore[attr-defined]

    def clean_received_at(self) -> dt.datetime:
        """Return the moment in local time."""
        return timezone.localtime(self.cleaned_data["received_at"])


class AnswerForm(ZhForm):
    """The answer to an objection: 成立 or 不成立, in words for the person who raised it."""

    outcome = forms.ChoiceField(
        label="结论",
        widget=forms.RadioSelect,
        choices=Objection.Outcome.choices,
        error_messages={"required": ASK},
    )
    answer = forms.CharField(label="答复", max_length=2000, widget=_area(6), help_text="异议人能看到这段答复，不公开。")
    body = forms.CharField(label="答复机构", max_length=60)
    met_on = forms.DateField(
        label="会议日期", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def clean_met_on(self) -> dt.date | None:
        """Refuse a meeting that is still to come."""
        day: dt.date | None = self.cleaned_data["met_on"]
        if day is not None and day > clock.today():
            raise forms.ValidationError("会议日期不能晚于今天。")
        return day
