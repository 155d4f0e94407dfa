"""Model fields of our own."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from branches.partial_dates import PartialDate


class PartialDateFormField(forms.Field):
    """Accept 2011-10, 2011.10, 2011年10月 or a full date; clean to a PartialDate or None."""

    default_error_messages = {"invalid": "请写成 2011-10 或 2011-10-16 这样的日期。"}

    def to_python(self, value: Any) -> PartialDate | None:
        """Parse the text; None when it is empty."""
        if value in (None, ""):
            return None
        if isinstance(value, PartialDate):
            return value
        try:
            return PartialDate.parse(str(value).strip())
        except ValueError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error

    def prepare_value(self, value: Any) -> Any:
        """Show a stored value as text."""
        return str(value) if isinstance(value, PartialDate) else value


class PartialDateField(models.Field):
    """A date known to the month or to the day, stored as sortable text: 2011-10 or 2011-10-16."""

    description = "精确到月或日的日期"
    _pyi_private_set_type: PartialDate | str | None
    _pyi_private_get_type: PartialDate

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Fix the width to that of a full ISO date."""
        kwargs["max_length"] = 10
        super().__init__(*args, **kwargs)

    def get_internal_type(self) -> str:
        """Be a text column."""
        return "CharField"

    def deconstruct(self) -> Any:
        """Leave the fixed width out of migrations."""
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("max_length", None)
        return name, path, args, kwargs

    def from_db_value(self, value: str | None, *_: Any) -> PartialDate | None:
        """Turn the stored text into a PartialDate."""
        return PartialDate.parse(value) if value else None

    def to_python(self, value: Any) -> PartialDate | None:
        """Accept a PartialDate or its text."""
        if value in (None, ""):
            return None
        if isinstance(value, PartialDate):
            return value
        try:
            return PartialDate.parse(str(value))
        except ValueError as error:
            raise ValidationError(PartialDateFormField.default_error_messages["invalid"]) from error

    def get_prep_value(self, value: Any) -> str | None:
        """Return sortable text; an empty value is NULL, never ''."""
        value = self.to_python(value)
        return None if value is None else str(value)

    def value_to_string(self, obj: models.Model) -> str:
        """Serialise for dumps."""
        value = self.value_from_object(obj)
        return "" if value is None else str(value)

    def formfield(self, **kwargs: Any) -> Any:
        """Use the form field that understands Chinese dates."""
        return super().formfield(**{"form_class": PartialDateFormField, **kwargs})
