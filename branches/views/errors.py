"""Error pages: a sentence, and the way back."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from branches.permissions import public


@public
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Answer a request that makes no sense."""
    return render(request, "400.html", status=400)


@public
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer what an account may not do, with the reason."""
    reason = str(exception) if exception and str(exception) else "您的角色没有这项权限。"
    if request.headers.get("HX-Request") or "application/json" in request.headers.get("Accept", ""):
        return HttpResponse(reason, status=403, content_type="text/plain; charset=utf-8")
    return render(request, "403.html", {"reason": reason}, status=403)


@public
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:  # noqa: ARG001
    """Answer for what is not there, or must not seem to be."""
    return render(request, "404.html", status=404)


@public
def server_error(request: HttpRequest) -> HttpResponse:
    """Answer when we failed."""
    return render(request, "500.html", status=500)


@public
def csrf_failure(request: HttpRequest, reason: str = "", **_: Any) -> HttpResponse:  # noqa: ARG001
    """Answer a form whose token is stale; what was typed is kept by the browser's back button and the draft."""
    text = "页面停留过久或已在别处登录，请返回上一页刷新后再提交；已保存的草稿仍在。"
    return render(request, "403.html", {"reason": text}, status=403)
