"""The form of one item's 细则."""

import re
from decimal import Decimal
from typing import Any

from django import forms

from branches.forms_base import ZhForm
from grading.models import LocalGuidance
from grading.scoring.counting import RefineMode
from grading.services.guidance import Option

LINE = re.compile(r"^(?P<label>.+?)\s*[=＝:：]\s*(?P<points>\d{1,4}(?:\.\d{1,2})?)\s*分?$")
MOST_LINES = 20


class OptionsField(forms.CharField):
    """Levels or deductions, one a line: 缺会一次 = 0.5."""

    def clean(self, value: Any) -> list[Option]:
        """Return the options. Raises ValidationError naming the line that cannot be read."""
        found = []
        for number, line in enumerate(str(value or "").splitlines(), start=1):
            text = line.strip()
            if not text:
                continue
            match = LINE.match(text)
            if match is None:
                message = f"第 {number} 行“{text[:20]}”看不懂，请写成“缺会一次 = 0.5”。"
                raise forms.ValidationError(message)
            label = match["label"].strip()
            if len(label) > 40:
                message = f"第 {number} 行太长，名称最多 40 个字。"
                raise forms.ValidationError(message)
            found.append(Option(label, Decimal(match["points"])))
        if len(found) > MOST_LINES:
            message = f"最多 {MOST_LINES} 行。"
            raise forms.ValidationError(message)
        return found


class GuidanceForm(ZhForm):
    """What a 党总支 adds to one item."""

    text = forms.CharField(
        label="细则", required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="写清楚怎样算做到、看哪些材料，支部自评时在条目下面看到。",
    )  # fmt: skip
    mode = forms.ChoiceField(label="打分方式", choices=LocalGuidance.Mode.choices, widget=forms.RadioSelect)
    options = OptionsField(
        label="档次或扣分", required=False, widget=forms.Textarea(attrs={"rows": 5}),
        help_text="每行一条，如“分工到人 = 2”；逐项扣分的写每次扣几分。最高一档应等于本条满分，扣完为止。",
    )  # fmt: skip

    def __init__(self, *args: Any, modes: tuple[RefineMode, ...], **kwargs: Any) -> None:
        """Offer only what the item allows."""
        super().__init__(*args, **kwargs)
        allowed = [(mode.value, LocalGuidance.Mode(mode.value).label) for mode in modes]
        self.fields["mode"].choices = allowed  # type: ignore[attr-defined]
        if len(allowed) == 1:
            self.fields["mode"].widget = forms.HiddenInput()
            self.fields["options"].widget = forms.HiddenInput()


def typed(row: LocalGuidance | None) -> dict[str, str]:
    """Return a stored 细则 as it is typed."""
    if row is None:
        return {"text": "", "mode": LocalGuidance.Mode.TEXT, "options": ""}
    lines = [f"{one['label']} = {Decimal(one['points']).normalize():f}" for one in row.options]
    return {"text": row.text, "mode": row.mode, "options": "\n".join(lines)}
