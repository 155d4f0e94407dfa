"""The record of the 党员大会: excused and absent members are counted from their names, nothing is asked twice."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms

from branches import clock
from branches.forms_base import ZhForm
from rectification.models import Absence

SPARE_ROWS = 3
MOST_ROWS = 200
VOTES = ("voting_members", "voting_present", "votes_for", "votes_against", "abstentions")


def _number(label: str, *, help_text: str = "") -> forms.IntegerField:
    widget = forms.NumberInput(attrs={"inputmode": "numeric"})
    return forms.IntegerField(
        label=label, min_value=0, max_value=9999, required=False, help_text=help_text, widget=widget
    )


def day(label: str, **more: Any) -> forms.DateField:
    """Return a field for a day, drawn as the browser's own calendar."""
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **more)


def area(rows: int) -> forms.Textarea:
    """Return a text area of some height."""
    return forms.Textarea(attrs={"rows": rows})


class MeetingForm(ZhForm):
    """What is written down about the meeting; it may be saved in parts."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    held_on = day("日期", required=False)
    place = forms.CharField(label="地点", max_length=100, required=False)
    chair = forms.CharField(label="主持人", max_length=60, required=False)
    recorder = forms.CharField(label="记录人", max_length=60, required=False)
    should_attend = _number("应到人数")
    present = _number("实到人数")
    observers = forms.CharField(label="列席", max_length=200, required=False)
    opinions = forms.CharField(
        label="讨论意见", required=False, max_length=5000, widget=area(5), help_text="谁提了什么意见，怎样修改了方案。"
    )
    resolution = forms.CharField(label="决议", required=False, max_length=2000, widget=area(2))
    voting_members = _number("有表决权的党员", help_text="正式党员人数，预备党员没有表决权。")
    voting_present = _number("其中到会")
    votes_for = _number("赞成")
    votes_against = _number("反对")
    abstentions = _number("弃权")

    def clean_held_on(self) -> Any:
        """A meeting is recorded once it was held."""
        found = self.cleaned_data["held_on"]
        if found is not None and found > clock.today():
            raise forms.ValidationError("会议日期不能晚于今天。")
        return found

    @property
    def vote_fields(self) -> list[forms.BoundField]:
        """The fields of the vote."""
        return [self[name] for name in VOTES]


@dataclass(slots=True)
class AbsenceRow:
    """Somebody who did not come, as typed."""

    index: int
    name: str = ""
    kind: str = Absence.Kind.EXCUSED
    reason: str = ""
    error: str = ""

    @property
    def filled(self) -> bool:
        """Whether anything was typed."""
        return bool(self.name or self.reason)


def rows_of(post: Mapping[str, Any]) -> list[AbsenceRow]:
    """Return the rows of a posted page, with a sentence at each that is half filled."""
    found = []
    for index in range(MOST_ROWS):
        if f"absence-name-{index}" not in post:
            break
        row = AbsenceRow(
            index,
            str(post.get(f"absence-name-{index}", "")).strip()[:60],
            str(post.get(f"absence-kind-{index}", Absence.Kind.EXCUSED)),
            str(post.get(f"absence-reason-{index}", "")).strip()[:100],
        )
        if row.filled and not row.name:
            row.error = "请填写姓名。"
        elif row.filled and not row.reason:
            row.error = f"请填写{row.name}没有到会的原因。"
        elif row.kind not in Absence.Kind.values:
            row.error = "请选择请假或缺席。"
        found.append(row)
    return found


def padded(rows: list[AbsenceRow], spare: int = SPARE_ROWS) -> list[AbsenceRow]:
    """Return rows with empty ones behind them."""
    return rows + [AbsenceRow(len(rows) + more) for more in range(spare)]


def counted(rows: list[AbsenceRow]) -> dict[str, int]:
    """Return how many were excused and how many stayed away."""
    kinds = [row.kind for row in rows if row.filled]
    return {"excused": kinds.count(Absence.Kind.EXCUSED), "absent": kinds.count(Absence.Kind.ABSENT)}
