"""Forms of 合并 and 拆分."""

from collections.abc import Sequence
from typing import Any

from django import forms

from branches.forms.organisation import Decision
from branches.forms_base import polish
from branches.models import Branch

MOST = 12


class MergeForm(Decision):
    """Which branches come together, and into what."""

    others = forms.TypedMultipleChoiceField(
        label="与哪些党支部合并", coerce=int, widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "请至少选择一个党支部。"},
    )  # fmt: skip
    how = forms.ChoiceField(
        label="合并为", choices=[("into", "并入本支部，本支部名称和编号不变"), ("new", "合成一个新的党支部")],
        widget=forms.RadioSelect, initial="into",
    )  # fmt: skip
    name = forms.CharField(label="新支部全称", max_length=100, required=False, help_text="合成新支部时填写")
    short_name = forms.CharField(label="新支部简称", max_length=60, required=False, help_text="合成新支部时可填")
    code = forms.CharField(
        label="新支部编号", max_length=40, required=False, help_text="合成新支部时填写，全校不重复；不改就用所给的编号"
    )
    field_order = ("others", "how", "name", "short_name", "code", "on", "document_number", "reason")

    def __init__(self, *args: Any, others: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        """Offer the other branches under the same parent."""
        super().__init__(*args, **kwargs)
        self.fields["others"].choices = list(others)  # type: ignore[attr-defined]
        self.order_fields(self.field_order)
        polish(self)

    def clean(self) -> dict[str, Any]:
        """Ask for name and code of a new branch."""
        data = super().clean() or self.cleaned_data
        if data.get("how") == "new":
            for field, label in (("name", "全称"), ("code", "编号")):
                if not data.get(field) and field not in self.errors:
                    self.add_error(field, f"请填写新支部{label}。")
            if data.get("code") and Branch.objects.filter(code__iexact=data["code"]).exists():
                self.add_error("code", f"编号“{data['code']}”已被使用，请换一个。")
        return data


class SplitForm(Decision):
    """The branches that come out of one."""

    names = forms.CharField(
        label="新设的党支部", widget=forms.Textarea(attrs={"rows": 4}), help_text="一行一个全称，编号自动接着编",
    )  # fmt: skip
    keeps = forms.BooleanField(label="本支部保留，只分出上面的支部", required=False, initial=True)
    field_order = ("names", "keeps", "on", "document_number", "reason")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Put the fields in order."""
        super().__init__(*args, **kwargs)
        self.order_fields(self.field_order)
        polish(self)

    def clean_names(self) -> list[str]:
        """Return the names, one a line; refuse repeated and overlong ones."""
        names = [line.strip() for line in self.cleaned_data["names"].splitlines() if line.strip()]
        if len(names) > MOST:
            raise forms.ValidationError(f"一次最多分出 {MOST} 个党支部，现有 {len(names)} 个。")
        for name in names:
            if len(name) > 100:
                raise forms.ValidationError(f"“{name[:20]}…”超过 100 个字。")
            if names.count(name) > 1:
                raise forms.ValidationError(f"“{name}”写了两次。")
        return names
