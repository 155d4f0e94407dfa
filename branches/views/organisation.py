"""The organisation: the tree, one node with its history, and changing where it hangs."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from branches import basics, clock, directory, registries
from branches.forms.organisation import DissolveForm, NewForm, PlaceForm
from branches.listing import render_list
from branches.lists import BRANCHES
from branches.models import Branch, Category, Placement
from branches.permissions import Action, account_of, can, enforce, requires
from branches.services import tree


def node_or_404(request: HttpRequest, action: Action, pk: int) -> Branch:
    """Return a node the account may do `action` on; 404 when it must not even seem to exist, 403 when it is seen."""
    branch = Branch.objects.filter(pk=pk).first()
    if branch is None:
        raise Http404
    enforce(request, action, branch)
    return branch


def rights(request: HttpRequest) -> dict[str, bool]:
    """Return what the head of the register, the tree and the list of people offers this account."""
    return {
        "may_manage": bool(can(request.user, Action.MANAGE_TREE)),
        "may_export": bool(can(request.user, Action.EXPORT)),
        "may_people": bool(can(request.user, Action.EDIT_PROFILE)),
    }


def described(branch: Branch) -> dict[str, Any]:
    """Return what the head of every page about one node shows: the node, its placement today (or the last one)."""
    placements = branch.placements.select_related("category", "parent").order_by("-starts_on")
    history = list(placements)
    day = clock.today()
    now = next((p for p in history if p.starts_on <= day and (p.ends_on is None or p.ends_on > day)), None)
    place = now or (history[0] if history else None)
    parent = place.parent if place else None
    return {
        "branch": branch,
        "place": place,
        "name": place.name if place else branch.code,
        "parent": parent,
        "parent_name": parent.name_on(day) if parent else "",
        "direct": bool(parent and parent.level == Branch.Level.COMMITTEE and branch.level == Branch.Level.BRANCH),
        "history": history,
    }


def open_with(request: HttpRequest, node: Branch) -> list[registries.OpenBusiness]:
    """Return what lies open with a node, for pages that end or move it."""
    return registries.business_of(account_of(request), [node.pk], clock.now()).get(node.pk, [])


@require_safe
@requires(Action.VIEW_BRANCHES)
def branch_tree(request: HttpRequest) -> HttpResponse:
    """The whole organisation as a tree that folds, with counts per 党总支."""
    context = {"tops": directory.forest(clock.today(), request.scope), "today": clock.today()}  # type: ignore[attr-defined]
    return render(request, "branches/organisation/tree.html", context | rights(request))


@require_safe
@requires(Action.VIEW_BRANCHES)
def branch(request: HttpRequest, pk: int) -> HttpResponse:
    """One node: its facts, its committee, what hangs under it, what it was called before, who changed what."""
    node = node_or_404(request, Action.VIEW_BRANCHES, pk)
    read = basics.read(node)
    children = directory.forest(clock.today(), request.scope) if node.level != Branch.Level.BRANCH else []  # type: ignore[attr-defined]
    head = described(node)
    parent = head["parent"]
    context = head | {
        "basics": read,
        "groups": read.groups() if node.level == Branch.Level.BRANCH else [],
        "former": node.appointments.filter(ends_on__isnull=False).select_related("person").order_by("-ends_on"),
        "node": directory.find(children, node),
        "names": directory.names_of(described_parents(node)),
        "parent_seen": parent is not None and bool(can(request.user, Action.VIEW_BRANCHES, parent)),
        "may_edit": bool(can(request.user, Action.EDIT_PROFILE, node)),
        "may_manage": bool(can(request.user, Action.MANAGE_TREE, node)),
        "log": directory.audit_of(node) if can(request.user, Action.VIEW_AUDIT, node) else None,
    }
    return render(request, "branches/organisation/branch.html", context)


def described_parents(branch: Branch) -> list[int]:
    """Return the ids of every node this one ever hung under."""
    return [pk for pk in branch.placements.values_list("parent_id", flat=True) if pk]


def _place(data: dict[str, Any]) -> tree.Place:
    parent = Branch.objects.get(pk=data["parent"]) if data.get("parent") else None
    category = Category.objects.get(pk=data["category"]) if data.get("category") else None
    return tree.Place(name=data["name"], parent=parent, short_name=data["short_name"], category=category)


@requires(Action.MANAGE_TREE)
def branch_place(request: HttpRequest, pk: int) -> HttpResponse:
    """Rename, move or re-categorise a node from a day on."""
    node = node_or_404(request, Action.MANAGE_TREE, pk)
    now = node.placements.filter(ends_on__isnull=True).first()
    if now is None:
        raise Http404
    form = _place_form(request, node, now)
    if request.method == "POST" and form.is_valid() and _moved(request, node, now, form):
        messages.success(request, f"已变更，自 {form.cleaned_data['on']:%Y年%-m月%-d日} 起生效。")
        return redirect("branch", pk)
    context = described(node) | {"form": form, "business": [one for one in open_with(request, node) if one.moved]}
    return render(request, "branches/organisation/place.html", context)


def _place_form(request: HttpRequest, node: Branch, now: Placement) -> PlaceForm:
    reach = request.scope  # type: ignore[attr-defined]
    initial = {
        "name": now.name, "short_name": now.short_name, "parent": now.parent_id, "category": now.category_id,
        "on": clock.today(), "seen": now.pk,
    }  # fmt: skip
    form = PlaceForm(
        request.POST or None, branch=node, initial=initial, categories=directory.categories(),
        parents=directory.parents(clock.today(), reach, without=node),
    )  # fmt: skip
    if now.parent_id is None:
        form.fields.pop("parent")
    return form


def _moved(request: HttpRequest, node: Branch, now: Placement, form: PlaceForm) -> bool:
    data = form.cleaned_data
    if data["seen"] != now.pk:
        form.add_error(None, f"刚刚已有人变更：现在是“{now.name}”。请核对后再保存。")
        return False
    try:
        tree.move(
            by=account_of(request), branch=node, place=_place(data), from_day=data["on"],
            document_number=data["document_number"], reason=data["reason"],
        )  # fmt: skip
    except tree.TreeError as error:
        form.add_error(None, str(error))
        return False
    return True


@requires(Action.MANAGE_TREE)
def branch_new(request: HttpRequest) -> HttpResponse:
    """Set up a 党总支 or a 党支部."""
    reach = request.scope  # type: ignore[attr-defined]
    initial = {
        "level": request.GET.get("level") or Branch.Level.BRANCH, "parent": request.GET.get("parent"),
        "code": tree.next_code("ZB"), "on": clock.today(),
    }  # fmt: skip
    form = NewForm(
        request.POST or None, initial=initial, parents=directory.parents(clock.today(), reach),
        categories=directory.categories(),
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        made = _set_up(request, form)
        if made:
            messages.success(request, f"已设立{form.cleaned_data['name']}。")
            return redirect("branch", made.pk)
    return render(request, "branches/organisation/new.html", {"form": form})


def _set_up(request: HttpRequest, form: NewForm) -> Branch | None:
    data = form.cleaned_data
    if data["level"] != Branch.Level.BRANCH:
        data["category"] = None
    try:
        return tree.set_up(
            by=account_of(request), code=data["code"], level=data["level"], place=_place(data), starts_on=data["on"],
            founded=data["founded"], document_number=data["document_number"], reason=data["reason"],
        )  # fmt: skip
    except tree.TreeError as error:
        form.add_error(None, str(error))
        return None


@requires(Action.MANAGE_TREE)
def branch_dissolve(request: HttpRequest, pk: int) -> HttpResponse:
    """End a node at a day; its history stays."""
    node = node_or_404(request, Action.MANAGE_TREE, pk)
    if node.dissolved_on or not node.placements.filter(ends_on__isnull=True, parent__isnull=False).exists():
        raise Http404
    form = DissolveForm(request.POST or None, initial={"on": clock.today()})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            tree.dissolve(
                by=account_of(request),
                branch=node,
                on=data["on"],
                document_number=data["document_number"],
                reason=data["reason"],
            )
        except tree.TreeError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "已撤销，历史记录仍可查看。")
            return redirect(reverse("branches"))
    context = described(node) | {"form": form, "business": open_with(request, node)}
    return render(request, "branches/organisation/dissolve.html", context)


@require_http_methods(["GET", "POST"])
@requires(Action.VIEW_BRANCHES)
def branches(request: HttpRequest) -> HttpResponse:
    """The register: searched, filtered, sorted, in pages, as Excel or CSV."""
    reach, day = request.scope, clock.today()  # type: ignore[attr-defined]
    context = {
        "totals": directory.totals(day, reach),
        "today": day,
        **rights(request),
    }
    return render_list(
        request, BRANCHES, directory.register(day, reach), template="branches/organisation/list.html", context=context
    )
