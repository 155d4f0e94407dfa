"""The very first page of an empty installation: the school, its committee, and the administrator."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from branches.forms.accounts import FirstRunForm
from branches.models import Account
from branches.permissions import public
from branches.services import accounts
from branches.services.accounts import FirstRun
from branches.views.session import enter


@require_http_methods(["GET", "POST"])
@public
@sensitive_post_parameters()
def first_run(request: HttpRequest) -> HttpResponse:
    """Make the administrator with the token from the terminal; once anybody has an account this page is gone."""
    if Account.objects.exists():
        return redirect("login")
    if request.method == "GET":
        form = FirstRunForm(initial={"token": request.GET.get("token", ""), "code": "DW", "also_office": True})
        return render(request, "branches/accounts/first_run.html", {"form": form})
    form = FirstRunForm(request.POST)
    if form.is_valid():
        given = form.cleaned_data
        asked = FirstRun(**{name: given[name] for name in FirstRun.__slots__})
        try:
            account = accounts.first_run(token=given["token"], form=asked)
        except accounts.AccountError as error:
            form.add_error("token", str(error))
        except ValidationError as error:
            form.add_error("password", error)
        else:
            enter(request, account)
            return redirect("help")
    return render(request, "branches/accounts/first_run.html", {"form": form}, status=422)
