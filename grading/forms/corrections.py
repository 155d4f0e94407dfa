"""Forms of 更正: a proposal, and the second person's answer."""

from typing import Any

from django import forms

from branches.forms_base import ZhForm
from grading.models import Result


class CorrectionForm(ZhForm):
    """Which grade takes the place of the frozen one, and what the change rests on."""

    grade = forms.ChoiceField(label="更正为", error_messages={"required": "请选择更正为哪个等级。"})
    reason = forms.CharField(
        label="更正理由",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="写明错在哪里、依据什么。会印在等级说明上。",
    )
    body = forms.CharField(label="决定机构", max_length=60, initial="党委会")
    met_on = forms.DateField(label="会议日期", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    document_number = forms.CharField(label="文号", max_length=80, help_text="如 校党〔2012〕31号。")

    def __init__(self, *args: Any, result: Result, **kwargs: Any) -> None:
        """Offer every grade of the round but the present one."""
        super().__init__(*args, **kwargs)
        grades = result.unit.round.scale.grades.exclude(pk=result.decided_grade_id).order_by("rank")
        choices = [("", "请选择"), *((grade.code, grade.label) for grade in grades)]
        self.fields["grade"].choices = choices  # type: ignore[attr-defined]
