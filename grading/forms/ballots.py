"""Forms of ballot boxes: making them for many branches, closing, taking a slip back."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils import timezone

from branches.forms_base import ZhForm
from grading.models import BallotBox, RoundUnit, Source
from grading.services.ballots import MOST_CODES

MOMENT = "%Y-%m-%dT%H:%M"


class MomentField(forms.DateTimeField):
    """A day and a time as the browser's own picker gives them."""

    def __init__(self, **kwargs: Any) -> None:
        """Take 2012-10-12T18:00 and show it again."""
        widget = forms.DateTimeInput(format=MOMENT, attrs={"type": "datetime-local"})
        super().__init__(input_formats=[MOMENT, "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S"], widget=widget, **kwargs)
        self.error_messages["invalid"] = "截止时间请写成 2012-10-12 18:00 的样子。"


class KeepersForm(ZhForm):
    """What all new boxes have in common."""

    first_keeper = forms.CharField(label="密钥保管人（一）", max_length=60)
    second_keeper = forms.CharField(label="密钥保管人（二）", max_length=60)
    closes_at = MomentField(label="截止时间", required=False)

    def __init__(self, *args: Any, now: dt.datetime, **kwargs: Any) -> None:
        """Keep the present moment."""
        super().__init__(*args, **kwargs)
        self.now = now
        self.fields["first_keeper"].help_text = "最好是党总支一人、纪检一人，都不是被评议支部的人。"
        self.fields["closes_at"].help_text = "到时自动结束并开箱。不填就由您手工结束。"

    def clean(self) -> dict[str, Any]:
        """Refuse one keeper twice and a time that has passed."""
        given = super().clean() or {}
        if given.get("first_keeper") and given.get("first_keeper") == given.get("second_keeper"):
            self.add_error("second_keeper", "两位保管人不能是同一个人。")
        if (given.get("closes_at") or self.now) < self.now:
            self.add_error("closes_at", "截止时间已经过了。")
        return given


@dataclass(slots=True)
class Want:
    """One branch on the form: whether it gets a box, how many codes each voter group gets as typed, what is wrong."""

    unit: RoundUnit
    picked: bool
    numbers: list[tuple[str, str]]
    error: str = ""
    common: bool = False  # what is wrong is the number that stands for all branches
    groups: dict[str, int] = field(default_factory=dict)


def group_codes(source: Source) -> list[tuple[str, str]]:
    """Return the voter groups as (code, name); one without a code where the source has none."""
    return [(group.code, group.name) for group in source.groups.all()] or [("", "")]


def read_wants(units: Sequence[RoundUnit], source: Source, data: Any) -> list[Want]:
    """Read the rows of the form; a blank number is the one that stands for all branches."""
    groups = group_codes(source)
    wants = []
    for unit in units:
        typed = [(code, str(data.get(f"n-{unit.pk}-{code}", "")).strip()) for code, _ in groups]
        want = Want(unit, f"pick-{unit.pk}" in data, typed)
        if want.picked:
            for code, text in typed:
                number = text or str(data.get(f"all-{code}", "")).strip()
                want.common = want.common or not text
                if not number:
                    want.error = "没有填评议人数。"
                elif not number.isascii() or not number.isdigit() or int(number) > MOST_CODES:
                    want.error = f"请填 0 至 {MOST_CODES} 的整数。"
                else:
                    want.groups[code] = int(number)
        wants.append(want)
    return wants


class DeadlineForm(ZhForm):
    """A new deadline of a box."""

    closes_at = MomentField(label="截止时间")

    def __init__(self, *args: Any, box: BallotBox, **kwargs: Any) -> None:
        """Show the present one."""
        at = timezone.localtime(box.closes_at) if box.closes_at else None
        super().__init__(*args, initial={"closes_at": at}, **kwargs)
