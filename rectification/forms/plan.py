"""What a plan as a whole aims at."""

from typing import Any

from django import forms

from branches.forms_base import ZhForm
from grading.models import Grade
from rectification.forms.meeting import area


class GoalForm(ZhForm):
    """晋位目标 in a grade and in words; taken over from 附件4."""

    target = forms.ModelChoiceField(
        label="晋位目标", queryset=Grade.objects.none(), required=False, empty_label="请选择"
    )
    goal = forms.CharField(label="总体目标", max_length=1000, required=False, widget=area(2))

    def __init__(self, *args: Any, scale: int, **kwargs: Any) -> None:
        """Offer the grades of the round."""
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["target"]
        choice.queryset = Grade.objects.filter(scale=scale).order_by("rank")
