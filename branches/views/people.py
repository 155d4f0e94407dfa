"""People: search, particulars, and giving or ending a post."""

from django.contrib import messages
from django.db import transaction
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from branches import clock, directory
from branches.forms.organisation import AppointForm, EndForm, PersonForm
from branches.listing import render_list
from branches.lists import PEOPLE
from branches.models import Appointment, Branch, Person
from branches.permissions import Action, account_of, requires
from branches.services import tree
from branches.versions import ConflictError
from branches.views.conflict import conflict_page
from branches.views.organisation import described, node_or_404, rights


def person_or_404(request: HttpRequest, pk: int) -> Person:
    """Return a person within the caller's reach."""
    person = directory.people(request.scope).filter(pk=pk).first()  # type: ignore[attr-defined]
    if person is None:
        raise Http404
    return person


@requires(Action.EDIT_PROFILE)
def person_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a person's particulars; two people at once see both texts."""
    person = person_or_404(request, pk)
    initial = PersonForm.values_of(person)
    form = PersonForm(request.POST or None, initial=initial, person=person)
    url = reverse("person-edit", args=[pk])
    if request.method == "POST" and form.is_valid():
        values = {name: value for name, value in form.cleaned_data.items() if name != "version"}
        try:
            tree.edit_person(
                by=account_of(request), person=person, version=form.cleaned_data["version"] or 0, values=values
            )
        except ConflictError as conflict:
            stored = PersonForm.values_of(conflict.current)  # type: ignore[arg-type]
            return conflict_page(
                request, thing=person, form=form, stored=stored, version=stored["version"], url=url, title="人员信息"
            )
        messages.success(request, "已保存。")
        return redirect(_back(request) or url)
    posts = person.appointments.order_by(F("ends_on").desc(nulls_first=True), F("starts").desc(nulls_last=True), "pk")
    names = directory.names_of(post.branch_id for post in posts)
    context = {"form": form, "person": person, "posts": [(post, names.get(post.branch_id, "")) for post in posts]}
    return render(request, "branches/organisation/person.html", context | {"back": _back(request)})


def _back(request: HttpRequest) -> str:
    """Return the address of the branch page the person came from, or ""."""
    given = request.POST.get("back") or request.GET.get("back") or ""
    return reverse("branch", args=[given]) if given.isdigit() else ""


@requires(Action.MANAGE_TREE)
def branch_appoint(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a post in a branch: find the person or register a new one, then say since when."""
    node = node_or_404(request, Action.MANAGE_TREE, pk)
    person = _chosen(request)
    context = described(node) | {"query": request.GET.get("q", ""), "person": person, "new": request.GET.get("new", "")}
    if person is None and not context["new"]:
        context["found"] = directory.find_people(request.scope, context["query"])[:20] if context["query"] else []  # type: ignore[attr-defined]
        template = "appoint_found" if request.htmx else "appoint"  # type: ignore[attr-defined]
        return render(request, f"branches/organisation/{template}.html", context)
    first = {"post": request.GET.get("post") or Appointment.Post.SECRETARY, "on": clock.today()}
    form = AppointForm(request.POST or None, initial=first)
    newcomer = None if person else PersonForm(request.POST or None, initial={"name": context["new"]}, prefix="new")
    if request.method == "POST" and form.is_valid() and (newcomer is None or newcomer.is_valid()):
        _appoint(request, node, person, form, newcomer)
        return redirect("branch", pk)
    return render(request, "branches/organisation/appoint.html", context | {"form": form, "newcomer": newcomer})


def _chosen(request: HttpRequest) -> Person | None:
    given = request.GET.get("person", "")
    return person_or_404(request, int(given)) if given.isdigit() else None


@transaction.atomic
def _appoint(
    request: HttpRequest, node: Branch, person: Person | None, form: AppointForm, newcomer: PersonForm | None
) -> Appointment:
    if person is None:
        typed = newcomer.cleaned_data if newcomer else {}
        given = {key: value for key, value in typed.items() if key != "version" and value not in ("", None)}
        person = tree.add_person(by=account_of(request), unit=node, **given)
    data = form.cleaned_data
    post = tree.appoint(
        by=account_of(request), branch=node, person=person, post=data["post"], starts=data["starts"], duty=data["duty"],
        concurrent_post=data["concurrent_post"], on=data["on"],
    )  # fmt: skip
    messages.success(request, f"已任命{post.person.name}为{post.get_post_display()}。")
    return post


@require_POST
@requires(Action.MANAGE_TREE)
def appointment_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End a post at a day, with the reason."""
    post = get_object_or_404(Appointment, pk=pk, ends_on__isnull=True)
    node_or_404(request, Action.MANAGE_TREE, post.branch_id)
    form = EndForm(request.POST)
    if form.is_valid():
        on = form.cleaned_data["on"] or clock.today()
        tree.end_appointment(by=account_of(request), appointment=post, on=on, reason=form.cleaned_data["reason"])
        messages.success(request, f"已免去{post.person.name}的{post.get_post_display()}职务。")
    else:
        messages.error(request, "没有免职：请写明离任原因。")
    return redirect("branch", post.branch_id)


@require_http_methods(["GET", "POST"])
@requires(Action.EDIT_PROFILE)
def people(request: HttpRequest) -> HttpResponse:
    """People of the caller's reach: search by name, pinyin initials or number."""
    rows = directory.people(request.scope)  # type: ignore[attr-defined]
    return render_list(request, PEOPLE, rows, template="branches/organisation/people.html", context=rights(request))
