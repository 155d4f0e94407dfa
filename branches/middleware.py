"""Middleware: idle and absolute session age, login for every view not declared public, private pages never cached."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.middleware import LoginRequiredMiddleware as DjangoLoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from branches import actor

#: Where people vote: nothing is remembered of these requests, not even that a session was used (security of ballots).
VOTERS = "/b/"

GetResponse = Callable[[HttpRequest], HttpResponse]


class SessionAgeMiddleware:
    """End a session that was idle too long or is too old; remember where the request came from for the audit."""

    def __init__(self, get_response: GetResponse) -> None:
        """Keep the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Sign out stale sessions, then go on."""
        if request.path.startswith(VOTERS):
            return self.get_response(request)
        token = actor.address.set(request.META.get("REMOTE_ADDR") or None)
        try:
            if request.user.is_authenticated:
                self._age(request)
            return self.get_response(request)
        finally:
            actor.address.reset(token)

    def _age(self, request: HttpRequest) -> None:
        moment = timezone.now().timestamp()
        started = request.session.setdefault("started", moment)
        seen = request.session.get("seen", moment)
        if moment - seen > settings.SESSION_IDLE_SECONDS or moment - started > settings.SESSION_COOKIE_AGE:
            logout(request)
            request.session["expired"] = True
        elif moment - seen > 30 or "seen" not in request.session:
            request.session["seen"] = moment


def begin(request: HttpRequest) -> None:
    """Count the age and the idle time of a session from now on; called at sign-in."""
    request.session["started"] = request.session["seen"] = timezone.now().timestamp()
    request.session.pop("expired", None)


def wants_page(request: HttpRequest) -> bool:
    """Return whether a redirect to the sign-in page would help: not for htmx or JSON requests."""
    return not (request.headers.get("HX-Request") or "application/json" in request.headers.get("Accept", ""))


class LoginRequiredMiddleware(DjangoLoginRequiredMiddleware):
    """As Django's, but answers 401 to htmx and JSON requests, so that what was typed stays on the page."""

    def handle_no_permission(self, request: HttpRequest, view_func: Any) -> HttpResponse:  # type: ignore[override]
        """Redirect a page to sign-in; answer 401 to a background request."""
        if wants_page(request):
            return super().handle_no_permission(request, view_func)
        return HttpResponse(
            "登录已过期，请重新登录；已填写的内容仍在页面上。", status=401, content_type="text/plain; charset=utf-8"
        )


class PrivatePagesMiddleware:
    """Keep personal pages out of every cache."""

    def __init__(self, get_response: GetResponse) -> None:
        """Keep the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add no-store unless the view chose otherwise."""
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store"
        return response
