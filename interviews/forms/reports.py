"""The form of a report: a text for each section of the sheet, and who wrote it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from branches.forms_base import polish
from interviews.models import ReportSection
from interviews.services.reports import LONGEST


class ReportForm(forms.Form):
    """Sections as they are set for the campaign. Which of them must be filled in is asked when it is handed in."""

    version = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, sections: Sequence[ReportSection], **kwargs: Any) -> None:
        """Build a field for each section."""
        super().__init__(*args, **kwargs)
        self.sections = list(sections)
        for one in self.sections:
            self.fields[self.name_of(one)] = forms.CharField(
                label=one.name, required=False, max_length=LONGEST,
                widget=forms.Textarea(attrs={"rows": 5}),
                error_messages={"max_length": f"“{one.name}”超过 {LONGEST} 字，请精简。"},
            )  # fmt: skip
        self.fields["written_by"] = forms.CharField(label="填报人", required=False, max_length=60)
        polish(self)

    @staticmethod
    def name_of(section: ReportSection) -> str:
        """Return the name of a section's field."""
        return f"text-{section.pk}"

    @staticmethod
    def of(texts: Mapping[int, str], written_by: str) -> dict[str, str]:
        """Return the values of a report by field."""
        return {f"text-{pk}": text for pk, text in texts.items()} | {"written_by": written_by}

    def texts(self) -> dict[int, str]:
        """Return what was written, by section."""
        return {one.pk: self.cleaned_data[self.name_of(one)] for one in self.sections}

    def rows(self) -> list[tuple[ReportSection, forms.BoundField]]:
        """Return sections with their fields, for the page."""
        return [(one, self[self.name_of(one)]) for one in self.sections]

    def target_of(self, sentence: str) -> str:
        """Return the field a sentence about a section belongs to."""
        found = (field.id_for_label for one, field in self.rows() if f"“{one.name}”" in sentence)
        return next(found, "")
