"""The admin site: the same permission vocabulary as everywhere else decides who sees what."""

from django.contrib import admin
from django.http import HttpRequest

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
