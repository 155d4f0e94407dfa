"""The page for two people who changed the same record: both texts side by side, and a choice."""

from collections.abc import Mapping
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
    """Answer 409 with what differs between a valid form and the stored record.

    Args:
        request: what was posted; it is sent again when the person insists.
        form: the bound form, valid.
        thing: the record, for the name of who changed it last; a Branch stands for everything kept about it.
        stored: the record's present values by form field.
        version: the present version; the form's field of that name takes it when the person insists.
        url: the page of the form; posting there again saves, opening it drops what was typed.
        title: heading of the page, such as 支部基本情况.
    """
    last = AuditEntry.objects.filter(_about(thing)).order_by("-pk").first()
    rows = [
        (field.label, _words(form, name, form.cleaned_data.get(name)), _words(form, name, stored.get(name)))
        for name, field in form.fields.items()
        if not field.widget.is_hidden and form.cleaned_data.get(name) != stored.get(name)
    ]
    keep = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in {"csrfmiddlewaretoken", "version"}
    ]
    context = {
        "title": title,
        "who": last.actor if last else "另一位同志",
        "when": wording.zh_moment(timezone.localtime(last.at), clock.now()) if last else "刚才",
        "rows": rows,
        "keep": keep,
        "version": version,
        "form_url": url,
    }
    return render(request, "branches/conflict.html", context, status=409)


def _about(thing: models.Model) -> Q:
    if isinstance(thing, Branch):
        return Q(branch=thing)
    return Q(thing=thing._meta.label_lower, thing_id=str(thing.pk))


def _words(form: forms.BaseForm, name: str, value: Any) -> str:
    field = form.fields[name]
    if isinstance(field, forms.ChoiceField):
        labels = {str(key): str(label) for key, label in field.choices if not isinstance(label, list | tuple)}
        return labels.get(str(value), said(value)) if value not in (None, "") else ""
    return said(value)
