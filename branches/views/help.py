"""A short help page, for the roles the visitor holds."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from branches.models import Account, Branch, Campaign, Role
from branches.permissions import Action, can, roles, signed_in
from branches.role_texts import RECUSAL, TEXTS


@require_safe
@signed_in
def help_page(request: HttpRequest) -> HttpResponse:
    """Say what to do first in each role and how the pages work; a new installation gets its first steps."""
    held = (
        list(dict.fromkeys(Role(grant.role) for grant in roles(request.user)))
        if isinstance(request.user, Account)
        else []
    )
    manages = bool(can(request.user, Action.MANAGE_TREE))
    begun = Branch.objects.filter(level=Branch.Level.BRANCH).exists()
    context = {
        "held": [{"role": role, "text": TEXTS[role]} for role in held],
        "first_steps": manages and not (begun and Campaign.objects.exists()),
        "begun": begun,
        "recusal": RECUSAL,
    }
    return render(request, "branches/accounts/help.html", context)
