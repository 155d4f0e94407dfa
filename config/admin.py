"""The admin site: the same permission vocabulary as everywhere else decides who sees what."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from branches.permissions import Action, can


class ZhibuAdminSite(admin.AdminSite):
    """Admin site for rubric maintainers and administrators."""

    site_header = "标准与设置维护"
    site_title = "标准与设置维护"
    index_title = "维护项目"
    enable_nav_sidebar = False
    final_catch_all_view = False

    def has_permission(self, request: HttpRequest) -> bool:
        """Let in only accounts that may use the maintenance site."""
        return request.user.is_authenticated and bool(can(request.user, Action.USE_ADMIN_SITE))

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        """Leave out Django's groups: rights come from role grants, and a group would grant nothing."""
        models = model_or_iterable if isinstance(model_or_iterable, list | tuple) else [model_or_iterable]
        ours = [model for model in models if model._meta.app_label != "auth"]
        super().register(ours, admin_class, **options)

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., Any]:
        """Guard every page of the site: without the permission the answer is 403, not another sign-in page."""
        guarded = super().admin_view(view, cacheable)

        @wraps(guarded)
        def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.user.is_authenticated and not self.has_permission(request):
                raise PermissionDenied("您的角色不能进入标准与设置维护。")
            return guarded(request, *args, **kwargs)

        wrapped.zhibu_action = Action.USE_ADMIN_SITE  # type: ignore[attr-defined]
        return wrapped

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send visitors to the product's own sign-in page; who is signed in already goes to the site."""
        if not request.user.is_authenticated:
            return redirect_to_login(request.path.removesuffix("login/"))
        return redirect("admin:index")

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send to the account page, where a password is checked and a change leaves an entry."""
        return redirect("password")
