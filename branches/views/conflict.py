"""The page for two people who changed the same record: both texts side by side, and a choice for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db import models
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from branches import clock, wording
from branches.basics import said
from branches.models import AuditEntry, Branch
from branches.registries import confided


@dataclass(frozen=True, slots=True)
class Choice:
    """One field on which two people differ: in words for the page, and as the form would post it."""

    name: str
    label: str
    mine: str
    theirs: str
    mine_posted: str
    theirs_posted: str

    @property
    def prefers_mine(self) -> bool:
        """What this person typed comes first, unless it is nothing while the other wrote something."""
        return bool(self.mine) or not self.theirs


def conflict_page(
    request: HttpRequest,
    *,
    thing: models.Model,
    form: forms.BaseForm,
    stored: Mapping[str, Any],
    version: Any,
    url: str,
    title: str,
) -> HttpResponse:
    """Answer 409 with what differs between a valid form and the stored record; a person chooses field by field.

    Args:
        request: what was posted; fields on which both agree are sent again as they were.
        form: the bound form, valid.
        thing: the record, for the name of who changed it last; a Branch stands for everything kept about it.
        stored: the record's present values by form field.
        version: the present version; the form's field of that name takes it when the choice is saved.
        url: the page of the form; posting there again saves, opening it drops what was typed.
        title: heading of the page, such as 支部基本情况.
    """
    last = AuditEntry.objects.filter(_about(thing)).without(confided()).order_by("-pk").first()
    choices = [_choice(form, name, stored.get(name)) for name in _different(form, stored)]
    given = {"csrfmiddlewaretoken", form.add_prefix("version"), *(choice.name for choice in choices)}
    context = {
        "title": title,
        "who": last.actor if last else "另一位同志",
        "when": wording.zh_moment(timezone.localtime(last.at), clock.now()) if last else "刚才",
        "choices": choices,
        "keep": [(name, value) for name, values in request.POST.lists() for value in values if name not in given],
        "version_name": form.add_prefix("version"),
        "version": version,
        "form_url": url,
    }
    return render(request, "branches/conflict_choice.html", context, status=409)


def _different(form: forms.BaseForm, stored: Mapping[str, Any]) -> list[str]:
    seen = (name for name, field in form.fields.items() if not field.widget.is_hidden)
    return [name for name in seen if form.cleaned_data.get(name) != stored.get(name)]


def _choice(form: forms.BaseForm, name: str, stored: Any) -> Choice:
    field = form.fields[name]
    raw = field.prepare_value(stored)
    return Choice(
        name=form.add_prefix(name),
        label=str(field.label),
        mine=_words(field, form.cleaned_data.get(name)),
        theirs=_words(field, stored),
        mine_posted=str(form.data.get(form.add_prefix(name), "")),
        theirs_posted="" if raw is None else str(raw),
    )


def _about(thing: models.Model) -> Q:
    if isinstance(thing, Branch):
        return Q(branch=thing)
    return Q(thing=thing._meta.label_lower, thing_id=str(thing.pk))


def _words(field: forms.Field, value: Any) -> str:
    if isinstance(field, forms.ChoiceField):
        labels = {str(key): str(label) for key, label in field.choices if not isinstance(label, list | tuple)}
        return labels.get(str(value), said(value)) if value not in (None, "") else ""
    return said(value)
