"""Choosing an account for a task of talks."""

from collections.abc import Mapping
from typing import Any

from django import forms

from interviews.people import told


class AccountChoice(forms.ModelChoiceField):
    """Accounts with post, unit and role, so that of two people of one name the right one is chosen."""

    _told: Mapping[int, str] = {}

    def label_from_instance(self, account: Any) -> str:
        """Say who it is; for all accounts offered at once."""
        if account.pk not in self._told:
            self._told = told(self.queryset) if self.queryset is not None else {}
        return self._told.get(account.pk, account.get_full_name())
