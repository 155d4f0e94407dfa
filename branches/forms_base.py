"""The manner of our forms: polite Chinese errors that name the field; templates/bootstrap5/field.html draws them."""

from typing import Any

from django import forms
from django.forms import BaseForm


def _asks_to_choose(field: forms.Field) -> bool:
    return isinstance(field, forms.ChoiceField | forms.ModelChoiceField | forms.FileField | forms.BooleanField)


def polish(form: BaseForm) -> None:
    """Say what is missing by the field's own name: 请填写换届时间, 请选择类别."""
    for name, field in form.fields.items():
        label = field.label or form[name].label
        if isinstance(field, forms.FileField):
            ask = f"请选择{label}的文件。"
        elif _asks_to_choose(field):
            ask = f"请选择{label}。"
        else:
            ask = f"请填写{label}。"
        declared = type(field).default_error_messages | forms.Field.default_error_messages
        if field.error_messages.get("required") == declared.get("required"):
            field.error_messages["required"] = ask
        if isinstance(field, forms.DateField):
            field.error_messages["invalid"] = f"{label}请写成 2012-03-30 的样子。"
        elif isinstance(field, forms.IntegerField | forms.DecimalField):
            field.error_messages["invalid"] = f"{label}请填数字。"


class ZhForm(forms.Form):
    """A form whose errors are said in our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Build the form, then set its messages."""
        super().__init__(*args, **kwargs)
        polish(self)


class ZhModelForm(forms.ModelForm):
    """A model form whose errors are said in our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Build the form, then set its messages."""
        super().__init__(*args, **kwargs)
        polish(self)


_CLASSES: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.RadioSelect, ""),
    (forms.CheckboxSelectMultiple, ""),
    (forms.CheckboxInput, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.Widget, "form-control"),
)


def control_class(widget: forms.Widget) -> str:
    """Return the Bootstrap class of a widget."""
    return next(name for kind, name in _CLASSES if isinstance(widget, kind))
