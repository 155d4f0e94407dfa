"""The form that enters a year's holidays."""

from typing import Any

from django import forms

from branches.forms_base import ZhForm
from branches.workdays import DaysError, read_days

EXAMPLE = "每行一段：1月1日至3日 元旦。"


def _lines(label: str, help_text: str) -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": 8})
    return forms.CharField(label=label, required=False, max_length=3000, widget=widget, help_text=help_text)


class YearForm(ZhForm):
    """A year as the State Council's notice arranges it."""

    year = forms.IntegerField(label="年份", min_value=2000, max_value=2100)
    document = forms.CharField(label="依据", max_length=120, help_text="例如 国务院办公厅节假日安排通知的文号。")
    free = _lines("放假", f"{EXAMPLE}周末也在放假期内的一并写上。")
    worked = _lines("调休上班", "周末要上班的日子，每行一天：2月20日 春节调休。")

    def clean(self) -> dict[str, Any]:
        """Read both lists; a line that cannot be read is named."""
        given = super().clean() or {}
        year = given.get("year")
        for name in ("free", "worked"):
            if year is None:
                continue
            try:
                given[name] = read_days(year, given.get(name, ""))
            except DaysError as error:
                self.add_error(name, str(error))
        return given
