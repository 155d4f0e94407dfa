"""The upload of a workbook."""

from typing import Any

from django import forms

from branches.forms_base import ZhForm
from branches.intake.sandbox import try_reading
from branches.intake.uploads import RefusedUpload

ACCEPT = ".xlsx,.xls,.et"


class WorkbookForm(ZhForm):
    """One workbook, looked at before it is kept; `plain` reads it as a long list."""

    plain = False
    file = forms.FileField(
        label="花名册",
        help_text="Excel（.xlsx、.xls）或 WPS 表格（.et），不超过 10 MB",
        widget=forms.FileInput(attrs={"accept": ACCEPT, "class": "visually-hidden"}),
        error_messages={"empty": "这个文件是空的，请重新选择。"},
    )

    def clean_file(self) -> Any:
        """Refuse what cannot be read, with the reason."""
        sent = self.cleaned_data["file"]
        self.content = sent.read()
        try:
            try_reading(sent.name, self.content, plain=self.plain)
        except RefusedUpload as error:
            raise forms.ValidationError(str(error)) from error
        return sent
