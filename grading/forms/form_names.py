"""The form that says what a round's notice calls its forms."""

from dataclasses import dataclass
from typing import Any

from django import forms

from branches.forms_base import ZhForm
from grading.models import PLAIN_TITLES, FormName, Round, RoundForm, form_names


@dataclass(frozen=True, slots=True)
class Line:
    """One form of the round on the page: what it is, with its two fields."""

    label: str
    plain: str
    number: forms.BoundField
    title: forms.BoundField


class FormNamesForm(ZhForm):
    """A number and a title for each form a round prints."""

    def __init__(self, *args: Any, round_: Round, **kwargs: Any) -> None:
        """Begin with what the round has; a plain title is not typed, but stands there as what an empty field means."""
        super().__init__(*args, **kwargs)
        for kind, name in form_names(round_).items():
            label, plain = RoundForm.Kind(kind).label, PLAIN_TITLES[kind]
            number = forms.CharField(label=f"{label}的编号", max_length=12, required=False, initial=name.number)
            title = forms.CharField(label=f"{label}的名称", max_length=40, required=False)
            title.initial = "" if name.title == plain else name.title
            title.widget.attrs["placeholder"] = plain
            self.fields[f"number-{kind}"], self.fields[f"title-{kind}"] = number, title

    def lines(self) -> list[Line]:
        """Return the fields form by form."""
        return [
            Line(str(kind.label), PLAIN_TITLES[kind], self[f"number-{kind}"], self[f"title-{kind}"])
            for kind in RoundForm.Kind
        ]

    def names(self) -> dict[str, FormName]:
        """Return what was typed; only for a valid form."""
        given = self.cleaned_data
        return {str(kind): FormName(given[f"number-{kind}"], given[f"title-{kind}"]) for kind in RoundForm.Kind}
