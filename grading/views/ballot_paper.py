"""The voter's pages: code, choice, confirm, thanks. No account, no session; the code travels in bodies only.

One short address serves all steps, so that a log of requests tells none of them apart. The pages are rendered without
context processors: nothing here looks who is signed in on the phone, and the session middleware passes this address by.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from branches import clock
from branches.permissions import public
from grading.services import voting
from grading.services.voting import Cast, Paper, Refused

AGAIN = "如果是您自己投的，票已收到，不用再投。"


@require_http_methods(["GET", "POST"])
@public
@sensitive_post_parameters()
@sensitive_variables()
def ballot(request: HttpRequest) -> HttpResponse:
    """Ask for the code, show the choices, ask to confirm, take the vote; every answer looks alike from outside."""
    if request.method == "GET":
        return _page(request, "grading/ballot_code.html")
    code, step = request.POST.get("code", "")[:60], request.POST.get("step", "")
    paper = voting.look_up(code=code, now=clock.now())
    if isinstance(paper, Refused):
        return _code_page(request, paper)
    chosen = next((option for option in paper.options if option["code"] == request.POST.get("choice")), None)
    if step == "cast" and chosen is not None:
        return _cast(request, code, paper, chosen)
    if step == "choice" and chosen is not None:
        return _confirm_page(request, code, paper, chosen)
    choices = [(option["code"], option["label"]) for option in paper.options]
    return _page(request, "grading/ballot_choice.html", {"branch": paper.branch, "choices": choices, "code": code})


@sensitive_variables()
def _cast(request: HttpRequest, code: str, paper: Paper, chosen: dict[str, Any]) -> HttpResponse:
    """Take the vote; the thanks say nothing about it."""
    problems = request.POST.getlist("problem")
    answer = voting.cast(code=code, choice=chosen["code"], problems=problems, now=clock.now())
    if isinstance(answer, Cast):
        return _page(request, "grading/ballot_done.html")
    if answer.reason in (voting.USED, voting.SPOILED, voting.HELD, voting.OVER, voting.UNKNOWN):
        return _code_page(request, answer)
    return _confirm_page(request, code, paper, chosen, answer.reason)


def _code_page(request: HttpRequest, refused: Refused) -> HttpResponse:
    """Say why a code is of no use and ask again; what was typed is not repeated, a phone may be handed on."""
    said = refused.reason + (AGAIN if refused.reason == voting.USED else "")
    return _page(request, "grading/ballot_code.html", {"error": said})


@sensitive_variables()
def _confirm_page(
    request: HttpRequest, code: str, paper: Paper, chosen: dict[str, Any], error: str = ""
) -> HttpResponse:
    problems = [(item["code"], item["text"]) for item in paper.problems]
    context = {
        "branch": paper.branch, "choice": chosen["code"], "chosen": chosen["label"], "problems": problems,
        "ticked": request.POST.getlist("problem"), "code": code, "error": error,
    }  # fmt: skip
    return _page(request, "grading/ballot_confirm.html", context)


@sensitive_variables()
def _page(request: HttpRequest, template: str, context: dict[str, Any] | None = None) -> HttpResponse:
    """Render a page by itself: no cache keeps it, and a refusal is no fault that a log would take down."""
    content = render_to_string(template, {**(context or {}), "csrf_token": get_token(request)})
    response = HttpResponse(content)
    response["Cache-Control"] = "no-store"
    return response
