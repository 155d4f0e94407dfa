"""支部基本情况: every fact 附件4 prints, prefilled, typed over, confirmed by one click."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from branches import basics, drafts
from branches.forms.organisation import ProfileForm
from branches.models import Branch
from branches.permissions import Action, account_of, requires
from branches.services import basics as service
from branches.versions import ConflictError
from branches.views.conflict import conflict_page
from branches.views.organisation import described, node_or_404


@requires(Action.EDIT_PROFILE)
def branch_profile(request: HttpRequest, pk: int) -> HttpResponse:
    """Fill in, save or confirm the basics of a branch."""
    node = node_or_404(request, Action.EDIT_PROFILE, pk)
    if node.level != Branch.Level.BRANCH or node.dissolved_on:
        raise Http404
    stored = basics.read(node)
    form = ProfileForm(request.POST or None, basics=stored)
    if request.method == "POST" and form.is_valid():
        return _save(request, node, form)
    context = described(node) | {"form": form, "basics": stored, "blanks": stored.blanks()}
    context["draft"] = drafts.load(account=account_of(request), form=service.DRAFT_FORM, key=str(pk))
    return render(request, "branches/organisation/profile.html", context)


def _save(request: HttpRequest, node: Branch, form: ProfileForm) -> HttpResponse:
    confirm = "confirm" in request.POST
    values = service.Basics(
        profile=form.part(*form.PROFILE), person=form.part(*form.PERSON), branch=form.part("founded"),
        post={"starts": form.cleaned_data["since"]} if "since" in form.cleaned_data else {},
    )  # fmt: skip
    url = reverse("branch-profile", args=[node.pk])
    try:
        saved = service.save(
            by=account_of(request), branch=node, version=form.cleaned_data["version"], values=values, confirm=confirm
        )
    except ConflictError:
        now = ProfileForm.values_of(basics.read(node))
        return conflict_page(
            request, thing=node, form=form, stored=now, version=now["version"], url=url, title="支部基本情况"
        )
    left = len(saved.blanks())
    tail = f"还有 {left} 项空白，定级表上将印“—”。" if left else "各项齐全。"
    messages.success(request, ("已确认无误，" if confirm else "已保存，") + tail)
    return redirect("branch", node.pk) if confirm else redirect(url)
