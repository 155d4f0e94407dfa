"""The form that takes returned workbooks: one, many, or a zip of them."""

from typing import Any

from django import forms

from branches.forms_base import ZhForm
from branches.intake.uploads import MEGABYTE
from reporting.offline.bundle import DEFAULT_LIMITS, Sent

ACCEPT = ".xlsx,.zip"


class _ManyInput(forms.FileInput):
    """A field of files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files; cleaned to a list."""

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """Check each file as a field of one does."""
        given = data if isinstance(data, list | tuple) else [data]
        return [super(FilesField, self).clean(one, initial) for one in (given or [None])]


class ReturnedForm(ZhForm):
    """What a secretary or an officer sends back. `sent` holds names and contents once the form is valid."""

    workbooks = FilesField(
        label="离线表",
        help_text=f"填好的 .xlsx，可以一次选多份，也可以是装着多份的 .zip；一次最多 {DEFAULT_LIMITS.workbooks} 份",
        widget=_ManyInput(attrs={"accept": ACCEPT, "class": "visually-hidden"}),
        error_messages={"empty": "有一个文件是空的，请重新选择。"},
    )
    sent: list[Sent]

    def clean_workbooks(self) -> list[Any]:
        """Refuse too many and too much before anything is read."""
        files: list[Any] = self.cleaned_data["workbooks"]
        if len(files) > DEFAULT_LIMITS.workbooks:
            raise forms.ValidationError(f"选了 {len(files)} 个文件，一次最多 {DEFAULT_LIMITS.workbooks} 份。")
        if sum(file.size for file in files) > DEFAULT_LIMITS.together:
            limit = DEFAULT_LIMITS.together // MEGABYTE
            raise forms.ValidationError(f"文件合起来超过 {limit} MB，请分几次上传。")
        self.sent = [Sent(file.name, file.read()) for file in files]
        return files
