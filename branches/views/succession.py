"""合并 and 拆分: pages of one 党支部."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from branches import clock, registries
from branches.forms.succession import MergeForm, SplitForm
from branches.models import Branch, Placement
from branches.permissions import Action, account_of, requires
from branches.services import succession, tree
from branches.views.organisation import described, node_or_404, open_with


def _branch(request: HttpRequest, pk: int) -> tuple[Branch, Placement]:
    """Return a 党支部 in force and its placement; 404 for anything else."""
    node = node_or_404(request, Action.MANAGE_TREE, pk)
    now = node.placements.filter(ends_on__isnull=True).select_related("parent", "category").first()
    if node.level != Branch.Level.BRANCH or node.dissolved_on or now is None:
        raise Http404
    return node, now


def _siblings(node: Branch, now: Placement) -> list[tuple[int, str]]:
    rows = Placement.objects.filter(parent=now.parent, ends_on__isnull=True, branch__level=Branch.Level.BRANCH)
    return list(rows.exclude(branch=node).order_by("branch__position").values_list("branch_id", "name"))


Business = dict[int, list[registries.OpenBusiness]]


def _open(request: HttpRequest, node: Branch, others: list[tuple[int, str]]) -> Business:
    """Return what lies open with the branches that may be merged."""
    return registries.business_of(account_of(request), [node.pk, *(pk for pk, _ in others)], clock.now())


def _told(found: Business, named: list[tuple[int, str]]) -> dict[str, Any]:
    """Return what becomes of it: each sentence once for the page, by branch for its script."""
    lines = {pk: [f"{one.thing}{one.handed_on}" for one in found.get(pk, [])] for pk, _ in named}
    told = {str(pk): {"name": name + _counted(found.get(pk, [])), "lines": lines[pk]} for pk, name in named}
    return {"open_lines": list(dict.fromkeys(line for each in lines.values() for line in each)), "open_told": told}


def _counted(business: list[registries.OpenBusiness]) -> str:
    return f"（{'，'.join(one.what for one in business)}）" if business else ""


@requires(Action.MANAGE_TREE)
def branch_merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Merge a branch with others of the same 党总支."""
    node, now = _branch(request, pk)
    initial = {"on": clock.today(), "code": tree.next_code("ZB")}
    siblings = _siblings(node, now)
    found = _open(request, node, siblings)
    offered = [(pk, name + _counted(found.get(pk, []))) for pk, name in siblings]
    form = MergeForm(request.POST or None, initial=initial, others=offered)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        others = list(Branch.objects.filter(pk__in=data["others"]))
        place = tree.Place(data["name"], now.parent, data["short_name"], now.category)
        into = node if data["how"] == "into" else succession.Part(data["code"], place)
        ground = succession.Ground(data["on"], data["document_number"], data["reason"])
        try:
            target = succession.merge(by=account_of(request), branches=[node, *others], into=into, ground=ground)
        except tree.TreeError as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request, f"已合并，{len(others) + (into is not node)} 个党支部并入{target.name_on(data['on'])}。"
            )
            return redirect("branch", target.pk)
    here = described(node)
    context = here | {"form": form, **_told(found, [(node.pk, here["name"]), *siblings])}
    return render(request, "branches/organisation/merge.html", context)


@requires(Action.MANAGE_TREE)
def branch_split(request: HttpRequest, pk: int) -> HttpResponse:
    """Split a branch."""
    node, now = _branch(request, pk)
    form = SplitForm(request.POST or None, initial={"on": clock.today()})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        codes = tree.next_codes("ZB")
        parts = [succession.Part(next(codes), tree.Place(name, now.parent, "", now.category)) for name in data["names"]]
        ground = succession.Ground(data["on"], data["document_number"], data["reason"])
        try:
            made = succession.split(
                by=account_of(request), branch=node, parts=parts, keeps=data["keeps"], ground=ground
            )
        except tree.TreeError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"已拆分出 {len(made)} 个党支部，请给新支部任命书记、核对类别。")
            return redirect("branch", made[0].pk)
    context = described(node) | {"form": form, "business": open_with(request, node)}
    return render(request, "branches/organisation/split.html", context)
