"""Choosing an account for a task of talks: looked for among thousands, or ticked where only few may be chosen."""

from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.forms.utils import ErrorDict
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from branches.forms_base import ZhForm
from branches.models import Account
from interviews.people import told

SHOWN = 8
FIND, ONLY = "find", "only"


def matching(accounts: QuerySet[Account], query: str) -> QuerySet[Account]:
    """Return the accounts of a name or part of one, of pinyin initials, or of a number or login name."""
    return accounts.filter(
        Q(person__name__icontains=query)
        | Q(person__initials__istartswith=query)
        | Q(person__number__iexact=query)
        | Q(username__iexact=query)
    )


class AccountSearch(forms.Widget):
    """A search field and what it finds as radio buttons; without a search field where all fit."""

    template_name = "interviews/_account_search.html"
    choices: Any = ()
    typed = ""
    finding = False

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Keep what was looked for, and return who is ticked."""
        self.typed = data.get(f"{name}_sought", "").strip()
        return data.get(name)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Return who is offered: whoever is ticked, then whoever was found."""
        context = super().get_context(name, value, attrs)
        rows, field = self.choices.queryset, self.choices.field
        first = list(rows[: SHOWN + 1])
        search = len(first) > SHOWN
        if search:
            first = list(matching(rows, self.typed)[: SHOWN + 1]) if self.typed else []
        ticked = str(value) if value is not None else ""
        chosen = list(rows.filter(pk=ticked)) if ticked.isascii() and ticked.isdigit() and len(ticked) < 19 else []
        offered = chosen + [one for one in first[:SHOWN] if one not in chosen] if search else first
        names = told(offered)
        lines = [(str(one.pk), names[one.pk], str(one.pk) == ticked) for one in offered]
        if not field.required:
            lines.insert(0, ("", field.empty_label, not chosen))
        return context | {
            "label": field.label,
            "search": search,
            "typed": self.typed,
            "finding": self.finding,
            "described": context["widget"]["attrs"].get("aria-describedby", ""),
            "lines": lines,
            "told": self._told(len(first)),
        }

    def _told(self, found: int) -> str:
        if not self.typed:
            return "输姓名、拼音首字母或工号查找，再选一位。"
        if not found:
            return "没有找到可以选的人，请换姓名、拼音首字母或工号再找。"
        return f"找到 {found} 人，请选一位。" if found <= SHOWN else f"只列出前 {SHOWN} 人，再输几个字缩小范围。"

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """Draw it with the templates of the product."""
        return render_to_string(self.template_name, self.get_context(name, value, attrs))


class AccountChoice(forms.ModelChoiceField):
    """An account, looked for by name, pinyin initials or number, told with post, unit and role."""

    widget = AccountSearch


class AccountForm(ZhForm):
    """A form in which an account is looked for: 查找 draws it anew with what was typed, and judges nothing yet."""

    @property
    def finding(self) -> bool:
        """Whether somebody is looked for, rather than the form sent."""
        return self.is_bound and any(
            self._looked_for(name) for name, field in self.fields.items() if isinstance(field, AccountChoice)
        )

    def _looked_for(self, name: str) -> bool:
        key = self.add_prefix(name)
        pressed, typed = self.data.get(FIND), self.data.get(f"{key}_sought", "").strip()
        changed = bool(typed) and typed != self.data.get(f"{key}_was", "")
        return pressed == ONLY or changed or (bool(pressed) and not self.data.get(key))

    def full_clean(self) -> None:
        """Say nothing about the rest of the form while somebody is looked for."""
        super().full_clean()
        if self.finding:
            self._errors = ErrorDict()
            for field in self.fields.values():
                if isinstance(field.widget, AccountSearch):
                    field.widget.finding = True

    def is_valid(self) -> bool:
        """Tell whether the form was sent and is right."""
        return super().is_valid() and not self.finding
