"""The manner of our forms: polite Chinese errors that name the field; templates/bootstrap5/field.html draws them."""

import re
from typing import Any

from django import forms
from django.forms import BaseForm


def _asks_to_choose(field: forms.Field) -> bool:
    return isinstance(field, forms.ChoiceField | forms.ModelChoiceField | forms.FileField | forms.BooleanField)


def plain_label(label: str) -> str:
    """Return a label as a sentence uses it: 进度 for 进度（%）."""
    return re.sub(r"[（(][^（()）]*[)）]$", "", label.strip()).rstrip("：:") or label


def _required(field: forms.Field, label: str) -> str:
    if isinstance(field, forms.FileField):
        return f"请选择{label}的文件。"
    return f"请选择{label}。" if _asks_to_choose(field) else f"请填写{label}。"


def _bounds(field: forms.Field, name: str) -> dict[str, str]:
    """Return what is said of a number outside its limits, with both when there are two."""
    low, high = getattr(field, "min_value", None), getattr(field, "max_value", None)
    if low is not None and high is not None and not callable(low) and not callable(high):
        both = f"{name}填 {low} 到 {high}。"
        return {"min_value": both, "max_value": both}
    return {"min_value": f"{name}不能小于 %(limit_value)s。", "max_value": f"{name}不能大于 %(limit_value)s。"}


def _invalid(field: forms.Field, label: str, name: str) -> str:
    """Return what is said of a value that cannot be read."""
    for kind, sentence in (
        (forms.DateField, f"{label}请写成 2012-03-30 的样子。"),
        (forms.DateTimeField, f"{name}请写成 2012-03-30 09:30 的样子。"),
        (forms.TimeField, f"{name}请写成 09:30 的样子。"),
        (forms.IntegerField | forms.DecimalField, f"{label}请填数字。"),
        (forms.FileField, "没有收到文件，请重新选择。"),
    ):
        if isinstance(field, kind):
            return sentence
    return f"{name}写得不对，请检查。"


def _messages(field: forms.Field, label: str) -> dict[str, str]:
    """Return our sentence for each thing the framework may say of a field; %(…)s are filled in by its validators."""
    name = plain_label(label)
    choose = f"{name}请在列表中选择。"
    return _bounds(field, name) | {
        "required": _required(field, label),
        "invalid": _invalid(field, label, name),
        "max_length": f"{name}最多 %(limit_value)d 字，现在有 %(show_value)d 字，请精简。",
        "min_length": f"{name}至少 %(limit_value)d 字，现在有 %(show_value)d 字。",
        "max_digits": f"{name}最多 %(max)s 位数字。",
        "max_decimal_places": f"{name}最多 %(max)s 位小数。",
        "max_whole_digits": f"{name}的整数部分最多 %(max)s 位。",
        "step_size": f"{name}应是 %(limit_value)s 的倍数。",
        "null_characters_not_allowed": f"{name}里有不能保存的字符，请重新输入。",
        "invalid_choice": choose,
        "invalid_list": choose,
        "invalid_pk_value": choose,
        "unique": f"已有相同的{name}，请换一个。",
    }


def _framework_says(field: forms.Field) -> dict[str, Any]:
    """Return the messages a field has from the framework's own classes."""
    found: dict[str, Any] = {}
    for cls in reversed(type(field).__mro__):
        if cls.__module__.startswith("django."):
            found |= getattr(cls, "default_error_messages", {})
    return found


def polish(form: BaseForm) -> None:
    """Say what is wrong by the field's own name: 请填写换届时间, 进度填 0 到 100. A form's own words stay."""
    for name, field in form.fields.items():
        theirs = _framework_says(field)
        ours = _messages(field, str(field.label or form[name].label))
        if isinstance(field, forms.FileField):
            ours |= {
                "missing": ours["invalid"], "empty": "这个文件是空的，请重新选择。",
                "max_length": "文件名太长，请改到 %(max)d 字以内。",
            }  # fmt: skip
        for code, sentence in ours.items():
            if field.error_messages.get(code) == theirs.get(code):
                field.error_messages[code] = sentence


class ZhForm(forms.Form):
    """A form whose errors are said in our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Build the form, then set its messages."""
        super().__init__(*args, **kwargs)
        polish(self)

    def full_clean(self) -> None:
        """Set the messages of fields that were added later, then clean."""
        polish(self)
        super().full_clean()


class ZhModelForm(forms.ModelForm):
    """A model form whose errors are said in our words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Build the form, then set its messages."""
        super().__init__(*args, **kwargs)
        polish(self)

    def full_clean(self) -> None:
        """Set the messages of fields that were added later, then clean."""
        polish(self)
        super().full_clean()


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
