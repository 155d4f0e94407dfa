"""The form of a draw."""

import secrets
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from branches.forms_base import ZhForm, polish
from grading import draws, scoring
from grading.models import Cap, RoundUnit, SpotCheckDraw
from grading.services.spot_checks import DrawPlan

SEED_DIGITS = 8


def fresh_seed() -> str:
    """Return a seed nobody chose: eight decimal digits, easy to read out and to write down."""
    return f"{secrets.randbelow(10**SEED_DIGITS):0{SEED_DIGITS}d}"


class DrawForm(ZhForm):
    """How to draw, how many, with which seed; branches are picked only by hand."""

    method = forms.ChoiceField(label="抽取办法", choices=SpotCheckDraw.Method.choices, widget=forms.RadioSelect)
    measure = forms.ChoiceField(label="按", choices=SpotCheckDraw.Measure.choices, required=False)
    value = forms.DecimalField(label="抽多少", max_value=Decimal(9999), required=False)
    extent = forms.ChoiceField(label="范围", choices=SpotCheckDraw.Extent.choices, required=False)
    rounding = forms.ChoiceField(label="不足一个时", choices=Cap.Rounding.choices, required=False)
    seed = forms.CharField(
        label="随机种子", max_length=60, required=False,
        help_text="系统随机给出，也可以换成现场抽取的号码。同一份名单用同一个种子，总是抽出同样的支部。",
    )  # fmt: skip
    reason = forms.CharField(label="说明", max_length=200, required=False, help_text="人工指定的，必须写明理由。")
    picked = forms.TypedMultipleChoiceField(
        label="指定的党支部", coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, units: Sequence[RoundUnit], compares: bool = True, **kwargs: Any) -> None:
        """Offer the branches that were not drawn yet; by differences only where two sheets can be compared."""
        kwargs.setdefault("initial", {}).setdefault("seed", fresh_seed())
        super().__init__(*args, **kwargs)
        if not compares:
            methods = [one for one in SpotCheckDraw.Method.choices if one[0] != SpotCheckDraw.Method.DIFFERENCE]
            self.fields["method"].choices = methods  # type: ignore[attr-defined]
        by_hand = self.data.get("method") == SpotCheckDraw.Method.HAND
        for name in ("measure", "value", "extent", "rounding", "seed"):
            self.fields[name].required = not by_hand
        polish(self)
        self.fields["picked"].choices = [(unit.pk, unit.name) for unit in units]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Ask for what the chosen method needs."""
        data = super().clean() or {}
        if data.get("method") == SpotCheckDraw.Method.HAND:
            if not data.get("picked"):
                self.add_error("picked", "请勾选要抽查的党支部。")
            if not data.get("reason", "").strip():
                self.add_error("reason", "人工指定须写明理由。")
            return data
        share, value = data.get("measure") != SpotCheckDraw.Measure.NUMBER, data.get("value")
        if value is not None and value <= 0:
            self.add_error("value", "抽多少要大于 0。")
        if share and (value or 0) > 100:
            self.add_error("value", "比例不能超过 100%。")
        return data

    def plan(self) -> DrawPlan:
        """Return the draw that was asked for."""
        data = self.cleaned_data
        quota = draws.Quota(
            data.get("value") or Decimal(1),
            data.get("measure") != SpotCheckDraw.Measure.NUMBER,
            data.get("extent") != SpotCheckDraw.Extent.ROUND,
            scoring.Rounding(data.get("rounding") or Cap.Rounding.UP),
        )
        return DrawPlan(data["method"], quota, data.get("seed", ""), data.get("reason", ""), tuple(data["picked"]))
