"""Forms that start a round: a campaign without a preset, and one more round of a campaign."""

from collections.abc import Sequence
from typing import Any

from django import forms

from branches.forms_base import ZhForm
from grading.services.round_rules import BlankCampaign

BLANK, COPY, PRESET = "blank", "copy", "preset"


class BlankCampaignForm(ZhForm):
    """What the head of a printed notice says."""

    name = forms.CharField(label="活动名称", max_length=100, help_text="照通知写，如“2026年党支部分类定级”。")
    year = forms.IntegerField(label="年度", min_value=1949, max_value=2200)
    document_number = forms.CharField(label="通知文号", max_length=80, required=False)
    root = forms.TypedChoiceField(label="开展范围", coerce=int)
    starts_on = forms.DateField(label="开始日期", widget=forms.DateInput(attrs={"type": "date"}))
    ends_on = forms.DateField(label="结束日期", widget=forms.DateInput(attrs={"type": "date"}))
    round_name = forms.CharField(label="第一轮叫什么", max_length=60, initial="第一轮")
    backfill = forms.BooleanField(label="历史补录：不催办，不计逾期", required=False)

    def __init__(self, *args: Any, roots: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        """Offer the nodes a campaign may be held at."""
        super().__init__(*args, **kwargs)
        self.fields["root"].choices = list(roots)  # type: ignore[attr-defined]

    def plan(self) -> BlankCampaign:
        """Return what was typed; only for a valid form."""
        given = self.cleaned_data
        names = ("name", "year", "starts_on", "ends_on", "document_number", "backfill")
        return BlankCampaign(**{name: given[name] for name in names})


class NewRoundForm(ZhForm):
    """Where the rules of a further round come from, and what it is called."""

    name = forms.CharField(label="轮次名称", max_length=60, help_text="如“第一轮”“再次评定”。")
    origin = forms.ChoiceField(label="规则从哪里来", widget=forms.RadioSelect)
    source = forms.TypedChoiceField(label="照哪一轮", coerce=int, required=False, empty_value=None)

    def __init__(
        self, *args: Any, sources: Sequence[tuple[int, str]], waiting: Sequence[tuple[int, str]], **kwargs: Any
    ) -> None:
        """Offer rounds to copy, and rounds of the campaign's preset that are not there yet."""
        super().__init__(*args, **kwargs)
        origins = [(COPY, "从已有轮次复制，再按需要修改")] if sources else []
        origins += [(f"{PRESET}-{ordinal}", f"按本活动的预设建“{name}”") for ordinal, name in waiting]
        origins.append((BLANK, "从空白开始，照通知逐项填写"))
        self.fields["origin"].choices = origins  # type: ignore[attr-defined]
        self.fields["origin"].initial = origins[0][0]
        self.fields["source"].choices = list(sources)  # type: ignore[attr-defined]
        if not sources:
            del self.fields["source"]

    def clean(self) -> dict[str, Any]:
        """Ask for the round to copy where one is to be copied."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("origin") == COPY and not given.get("source"):
            self.add_error("source", "请选择照哪一轮。")
        return given
